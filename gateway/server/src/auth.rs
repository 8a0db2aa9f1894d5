//! Who a request comes from: bearer tokens (DESIGN 6, reference signalr-core 4.1).

mod cookie;
mod fetch;
mod keys;
mod options;
mod ring;
mod sources;
mod token;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use hubplane_node::tasks::Tasks;
use hubplane_proto_ids::UserId;
use hubplane_proto_link::Claim;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

pub use options::{AuthOptions, CookieOptions, KeySource, RefreshOptions, SigningKey};
pub use sources::KeySourceError;

pub(crate) use cookie::without as without_cookie;

use keys::Key;
use ring::{KeyRing, KeySet};
use token::{Disbelieved, Token};

/// The claim that .NET calls the name identifier; its token handler fills it from `sub` (reference signalr-core 14.3).
const NAME_IDENTIFIER: &str =
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// Who a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) authenticated: bool,
    /// A token was brought, and not believed.
    pub(crate) disbelieved: bool,
    pub(crate) claims: Vec<Claim>,
    /// Since the epoch: when the token is over. One that is believed only because clocks may differ is over when they may
    /// not differ any more.
    expires_at: Option<Duration>,
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

    /// When the token is over, on the clock of connections; `None` if it has no end, or one that no clock reaches.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        let left = self.expires_at?.saturating_sub(since_epoch());
        Instant::now().checked_add(left)
    }
}

fn since_epoch() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Checks tokens.
pub(crate) struct Authenticator {
    options: AuthOptions,
    ring: Arc<KeyRing>,
}

impl Authenticator {
    /// Reads the keys that are here, files included.
    ///
    /// # Errors
    /// If a file cannot be read or holds no keys, or an address is none that keys may be fetched from.
    pub(crate) fn new(options: &AuthOptions) -> Result<Self, KeySourceError> {
        Ok(Self {
            ring: Arc::new(KeyRing::new(options)?),
            options: options.clone(),
        })
    }

    /// Keeps the keys of files and addresses as they are there, until the node ends.
    pub(crate) fn watch(&self, tasks: &Tasks) {
        sources::watch(&self.ring, &self.options, tasks);
    }

    /// The header first, else the query value, else the cookie. A token that is not believed counts as none: what a
    /// stranger may do is decided by the hub. A token whose key nobody knows makes the addresses be asked again, for
    /// which it waits a moment. Cancel safe.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        query_token: Option<&str>,
    ) -> Identity {
        let Some(token) = self.token(headers, query_token) else {
            return Identity::default();
        };
        let mut checked = self.check(&token, since_epoch());
        if checked == Err(Disbelieved::UnknownKey) && self.ring.look_again().await {
            checked = self.check(&token, since_epoch());
        }
        match checked {
            Ok(Token {
                claims, expires_at, ..
            }) => Identity {
                authenticated: true,
                disbelieved: false,
                claims,
                expires_at,
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

    /// The name of the cookie that carries tokens, which hubs do not see.
    pub(crate) fn cookie(&self) -> Option<&str> {
        let cookie = self.options.cookie.as_ref()?;
        Some(&cookie.name)
    }

    fn token<'a>(
        &self,
        headers: &'a HeaderMap,
        query_token: Option<&'a str>,
    ) -> Option<Cow<'a, str>> {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer);
        let cookie = || cookie::token(headers, self.options.cookie.as_ref()?);
        header.or(query_token).or_else(cookie).map(Cow::Borrowed)
    }

    fn check(&self, token: &str, now: Duration) -> Result<Token, Disbelieved> {
        let header = decode_header(token).map_err(|_| Disbelieved::Malformed)?;
        if header.crit.is_some() {
            return Err(Disbelieved::Malformed);
        }
        let keys = self.ring.current();
        let mut tried = false;
        for key in KeySet::fitting(&keys, header.alg, header.kid.as_deref()) {
            tried = true;
            let Ok(token) = decode::<Token>(token, &key.key, &signature_alone(header.alg)) else {
                continue;
            };
            return self.judge(token.claims, key, now);
        }
        Err(if tried {
            Disbelieved::Signature
        } else {
            Disbelieved::UnknownKey
        })
    }

    /// Whether what a token says, which its key has signed, is for us and for now.
    fn judge(&self, mut token: Token, key: &Key, now: Duration) -> Result<Token, Disbelieved> {
        let options = &self.options;
        let by_key = key.issuer.as_deref();
        if by_key.is_some_and(|issuer| token.issuer.as_deref() != Some(issuer)) {
            return Err(Disbelieved::Issuer);
        }
        let among = |said: &str, allowed: &[String]| allowed.iter().any(|one| one == said);
        let issuer = |said: &String| among(said, &options.issuers);
        if !options.issuers.is_empty() && !token.issuer.as_ref().is_some_and(issuer) {
            return Err(Disbelieved::Issuer);
        }
        let audience = |said: &String| among(said, &options.audiences);
        if !options.audiences.is_empty() && !token.audiences.iter().any(audience) {
            return Err(Disbelieved::Audience);
        }
        token.expires_at = token.times(now, options.clock_skew, options.require_expiry)?;
        Ok(token)
    }
}

/// The library checks the signature alone: it knows whole seconds only.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests;
