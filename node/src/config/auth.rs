//! `[auth]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::problems::Problems;
use super::values::Secret;

/// HS256 keys are at least as long as its hash (RFC 7518, 3.2).
pub(super) const KEY_BYTES_MIN: usize = 32;

/// More than this is no longer a difference between clocks.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

options! {
    /// Whose tokens are believed. Clients send a JWT as bearer, in the header or as `access_token`.
    pub struct Auth in "auth" {
        /// HS256 keys by key id: `[auth.keys]`, then `main = "…"`. A token that names a key (`kid`) must be
        /// signed with that one, others with any of them. The bytes of a key are those of its text, at
        /// least 32.
        pub keys: BTreeMap<String, Secret> = BTreeMap::new(), shown as "none",
        /// The issuer (`iss`) that a token must name; not set: any.
        pub issuer: Option<String> = None,
        /// The audience (`aud`) that a token must name; not set: any.
        pub audience: Option<String> = None,
        /// How much clocks may differ when expiry and not-before are judged; at most `5m`.
        #[serde(with = "humantime_serde")]
        pub clock_skew: Duration = Duration::from_secs(30),
        /// Whether connections without a valid token are refused; a hub may say otherwise in `hubs.<name>.authorize`.
        pub required: bool = false,
    }
}

impl Auth {
    pub(super) fn validate(&self, problems: &mut Problems) {
        for (id, key) in &self.keys {
            secret_is_long_enough(&format!("auth.keys.{id}"), key, problems);
        }
        if self.required && self.keys.is_empty() {
            problems.add("auth.required", "needs a key in auth.keys");
        }
        if self.clock_skew > CLOCK_SKEW_MAX {
            problems.add("auth.clock_skew", "is longer than 5m");
        }
    }
}

pub(super) fn secret_is_long_enough(key: &str, secret: &Secret, problems: &mut Problems) {
    let len_bytes = secret.expose().len();
    if len_bytes < KEY_BYTES_MIN {
        problems.add(
            key,
            format!("has {len_bytes} bytes, and at least {KEY_BYTES_MIN} are needed"),
        );
    }
}
