//! What a token says.

use std::fmt;
use std::time::Duration;

use hubplane_proto_link::Claim;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

/// Why a token is not believed. For logs; a client reads only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disbelieved {
    #[error("it is none, or of an algorithm that no token may have")]
    Malformed,
    #[error("no key of its algorithm and key id is known")]
    UnknownKey,
    #[error("the signature is not of one of the keys")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    Early,
    #[error("it has no expiry")]
    Endless,
}

/// The claims of a token in the token's order, and what of it is ours to judge.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Token {
    pub(crate) claims: Vec<Claim>,
    pub(crate) issuer: Option<String>,
    pub(crate) audiences: Vec<String>,
    /// Seconds since the epoch.
    expires: Option<f64>,
    not_before: Option<f64>,
    /// Since the epoch, once it is judged.
    pub(crate) expires_at: Option<Duration>,
}

impl Token {
    /// Whether it is valid now, and until when.
    pub(crate) fn times(
        &self,
        now: Duration,
        skew: Duration,
        require_expiry: bool,
    ) -> Result<Option<Duration>, Disbelieved> {
        let (now, skew) = (now.as_secs_f64(), skew.as_secs_f64());
        if self.not_before.is_some_and(|begins| begins > now + skew) {
            return Err(Disbelieved::Early);
        }
        let Some(expires) = self.expires else {
            return if require_expiry {
                Err(Disbelieved::Endless)
            } else {
                Ok(None)
            };
        };
        if expires + skew <= now {
            return Err(Disbelieved::Expired);
        }
        let ends = if expires > now {
            expires
        } else {
            expires + skew
        };
        // Further away than any clock counts is without an end.
        Ok(Duration::try_from_secs_f64(ends).ok())
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<(), &'static str> {
        match name {
            "exp" => once(&mut self.expires, seconds(value)?),
            "nbf" => once(&mut self.not_before, seconds(value)?),
            "iss" => match value {
                Value::String(issuer) => once(&mut self.issuer, issuer.clone()),
                _ => Err("iss is no text"),
            },
            "aud" => {
                let listed = value
                    .as_array()
                    .map_or(std::slice::from_ref(value), Vec::as_slice);
                let texts = listed.iter().filter_map(Value::as_str);
                self.audiences.extend(texts.map(str::to_owned));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), &'static str> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("a registered claim stands there twice"),
    }
}

fn seconds(value: &Value) -> Result<f64, &'static str> {
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    seconds.ok_or("a time is no number")
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TokenVisitor)
    }
}

struct TokenVisitor;

impl<'de> Visitor<'de> for TokenVisitor {
    type Value = Token;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Token, A::Error> {
        let mut token = Token::default();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            token.take(&name, &value).map_err(A::Error::custom)?;
            let claim = |value| Claim {
                name: name.clone(),
                value: text(value),
            };
            match value {
                Value::Array(values) => token.claims.extend(values.into_iter().map(claim)),
                value => token.claims.push(claim(value)),
            }
        }
        Ok(token)
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
