//! Who a request comes from: bearer tokens (DESIGN 6, reference signalr-core 4.1).

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use hubplane_proto_ids::UserId;
use hubplane_proto_link::Claim;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The claim that .NET calls the name identifier; its token handler fills it from `sub` (reference signalr-core 14.3).
const NAME_IDENTIFIER: &str =
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// One shared key that signs tokens with HS256.
#[derive(Clone)]
pub struct SigningKey {
    /// The `kid` that a token names it by; a key without one is tried on every token.
    pub id: Option<String>,
    /// The secret.
    pub secret: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, redacted)", self.id)
    }
}

/// Which tokens are believed.
#[derive(Debug, Clone, Default)]
pub struct AuthOptions {
    /// The keys; without any no token is believed.
    pub keys: Vec<SigningKey>,
    /// The `iss` that a token must have.
    pub issuer: Option<String>,
    /// The `aud` that a token must have.
    pub audience: Option<String>,
    /// How far clocks may differ.
    pub clock_skew: std::time::Duration,
}

/// Who a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) authenticated: bool,
    /// A token was brought, and not believed.
    pub(crate) disbelieved: bool,
    pub(crate) claims: Vec<Claim>,
}

impl Identity {
    /// The user by the name identifier claim, else by `sub`.
    pub(crate) fn user(&self) -> Option<UserId> {
        let find = |name: &str| self.claims.iter().find(|claim| claim.name == name);
        let claim = find(NAME_IDENTIFIER)
            .or_else(|| find("nameid"))
            .or_else(|| find("sub"))?;
        UserId::new(claim.value.as_str()).ok()
    }
}

/// Checks tokens.
pub(crate) struct Authenticator {
    keys: Vec<(Option<String>, DecodingKey)>,
    validation: Validation,
}

impl Authenticator {
    pub(crate) fn new(options: &AuthOptions) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = options.clock_skew.as_secs();
        validation.validate_nbf = true;
        validation.required_spec_claims.clear();
        match &options.issuer {
            Some(issuer) => {
                validation.set_issuer(&[issuer]);
                validation.required_spec_claims.insert("iss".to_owned());
            }
            None => validation.iss = None,
        }
        match &options.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".to_owned());
            }
            None => validation.validate_aud = false,
        }
        let keys = options
            .keys
            .iter()
            .map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret)))
            .collect();
        Self { keys, validation }
    }

    /// The header first, else the query value. A token that is not believed counts as none: what a stranger may do is
    /// decided by the hub.
    pub(crate) fn identify(&self, headers: &HeaderMap, query_token: Option<&str>) -> Identity {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer);
        let Some(token) = header.or(query_token) else {
            return Identity::default();
        };
        match self.check(token) {
            Ok(claims) => Identity {
                authenticated: true,
                disbelieved: false,
                claims,
            },
            Err(error) => {
                tracing::debug!(%error, "a bearer token was not believed");
                Identity {
                    disbelieved: true,
                    ..Identity::default()
                }
            }
        }
    }

    fn check(&self, token: &str) -> Result<Vec<Claim>, jsonwebtoken::errors::Error> {
        let kid = decode_header(token)?.kid;
        let mut error = jsonwebtoken::errors::ErrorKind::InvalidSignature.into();
        for (id, key) in &self.keys {
            if id.is_some() && kid.is_some() && *id != kid {
                continue;
            }
            match decode::<Claims>(token, key, &self.validation) {
                Ok(token) => return Ok(token.claims.0),
                Err(refused) => error = refused,
            }
        }
        Err(error)
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The claims of a token in the token's order.
#[derive(Clone)]
struct Claims(Vec<Claim>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor).map(Claims)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Vec<Claim>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Claim>, A::Error> {
        let mut claims = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            match value {
                serde_json::Value::Array(values) => {
                    claims.extend(values.into_iter().map(|value| Claim {
                        name: name.clone(),
                        value: text(value),
                    }));
                }
                value => claims.push(Claim {
                    name,
                    value: text(value),
                }),
            }
        }
        Ok(claims)
    }
}

fn text(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
