//! Keys that signatures are checked with, and the sets that they come in (RFC 7517).

use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::SigningKey;

/// HS256 keys are at least as long as its hash (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;
/// Shorter RSA keys can be factored (RFC 7518, 3.3).
const RSA_BITS_MIN: usize = 2048;
/// So many keys of one set are taken: each may be tried on a token that names none.
const KEYS_MAX: usize = 100;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// One key, and what it may be used for: nothing else than what its type and its set say.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    id: Option<String>,
    /// Whose tokens it is believed for; `None` for anybody's.
    pub(crate) issuer: Option<Arc<str>>,
    algorithms: Vec<Algorithm>,
    pub(crate) key: DecodingKey,
}

/// What is believed of a set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// Whether shared keys may stand in it. What comes over the network is public, and signs nothing.
    pub(crate) secrets: bool,
    /// Whose tokens its keys are for.
    pub(crate) issuer: Option<Arc<str>>,
}

/// Why a text gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeys {
    /// It is no key set.
    #[error("is no JSON Web Key Set")]
    NoSet(#[source] serde_json::Error),
    /// It has keys, and none that a token can be checked with.
    #[error("has no key that can be used; the last one is {0}")]
    Unusable(&'static str),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

impl Key {
    pub(crate) fn shared(key: &SigningKey) -> Self {
        Self {
            id: key.id.clone(),
            issuer: None,
            algorithms: vec![Algorithm::HS256],
            key: DecodingKey::from_secret(&key.secret),
        }
    }

    /// The keys of a set. Those that are for something else, too short, or of an unknown sort are left out.
    pub(crate) fn read_set(text: &[u8], trust: &Trust) -> Result<Vec<Self>, InvalidKeys> {
        let set: Set = serde_json::from_slice(text).map_err(InvalidKeys::NoSet)?;
        let (mut keys, mut unusable) = (Vec::new(), None);
        for key in set.keys.into_iter().take(KEYS_MAX) {
            match Self::read(key, trust) {
                Ok(key) => keys.push(key),
                Err(why) => {
                    tracing::debug!(why, "a key of a set is left out");
                    unusable = Some(why);
                }
            }
        }
        match unusable {
            Some(why) if keys.is_empty() => Err(InvalidKeys::Unusable(why)),
            _ => Ok(keys),
        }
    }

    fn read(key: serde_json::Value, trust: &Trust) -> Result<Self, &'static str> {
        let key: Jwk = serde_json::from_value(key).map_err(|_| "of an unknown sort")?;
        let is_for_signatures = |used: &PublicKeyUse| *used == PublicKeyUse::Signature;
        let verifies =
            |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
        let common = &key.common;
        if !common.public_key_use.as_ref().is_none_or(is_for_signatures)
            || !common.key_operations.as_ref().is_none_or(verifies)
        {
            return Err("not for signatures");
        }
        let mut algorithms = usable_with(&key, trust)?;
        if let Some(said) = common.key_algorithm {
            algorithms.retain(|algorithm| Algorithm::try_from(said).ok() == Some(*algorithm));
        }
        let id = common.key_id.clone();
        let decoded = DecodingKey::from_jwk(&key).map_err(|_| "not encoded as a key is")?;
        let Some(first) = algorithms.first() else {
            return Err("for an algorithm that it cannot be for");
        };
        // A point that is on no curve, a modulus that is too long.
        let try_out = jsonwebtoken::crypto::verify("", b"", &decoded, *first);
        try_out.map_err(|_| "no valid key")?;
        Ok(Self {
            id,
            issuer: trust.issuer.clone(),
            algorithms,
            key: decoded,
        })
    }

    /// Whether a token of this algorithm that names this key, or none, may be signed with it.
    pub(crate) fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let same = match (self.id.as_deref(), id) {
            (Some(ours), Some(named)) => ours == named,
            _ => true,
        };
        same && self.algorithms.contains(&algorithm)
    }
}

/// The algorithms that a key's type allows: one of another family would check something else with it.
fn usable_with(key: &Jwk, trust: &Trust) -> Result<Vec<Algorithm>, &'static str> {
    match &key.algorithm {
        AlgorithmParameters::RSA(parameters) => {
            if bits(&parameters.n)? < RSA_BITS_MIN {
                return Err("an RSA key of less than 2048 bits");
            }
            Ok(RSA.to_vec())
        }
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => Ok(vec![Algorithm::ES256]),
            EllipticCurve::P384 => Ok(vec![Algorithm::ES384]),
            _ => Err("on a curve that tokens are not signed with here"),
        },
        AlgorithmParameters::OctetKey(_) if !trust.secrets => {
            Err("a shared key, which only a file may hold")
        }
        AlgorithmParameters::OctetKey(parameters) => {
            if decoded(&parameters.value)?.len() < SECRET_BYTES_MIN {
                return Err("a shared key of less than 32 bytes");
            }
            Ok(vec![Algorithm::HS256])
        }
        AlgorithmParameters::OctetKeyPair(parameters)
            if parameters.curve == EllipticCurve::Ed25519 =>
        {
            Ok(vec![Algorithm::EdDSA])
        }
        _ => Err("of an unknown sort"),
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, &'static str> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| "not encoded as a key is")
}

fn bits(number: &str) -> Result<usize, &'static str> {
    let bytes = decoded(number)?;
    let mut significant = bytes.iter().skip_while(|byte| **byte == 0);
    let first = significant
        .next()
        .map_or(0, |byte| 8 - byte.leading_zeros());
    Ok(significant.count() * 8 + first as usize)
}
