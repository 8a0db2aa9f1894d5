//! `[auth]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::problems::Problems;
use super::values::Secret;

/// HS256 keys are at least as long as its hash (RFC 7518, 3.2).
pub(super) const KEY_BYTES_MIN: usize = 32;

/// More than this is no longer a difference between clocks.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

/// More often no issuer wants to be asked.
const KEY_REFRESH_MIN: Duration = Duration::from_secs(1);

options! {
    /// Whose tokens are believed. Clients send a JWT as bearer, in the header or as `access_token`.
    pub struct Auth in "auth" {
        /// HS256 keys by key id: `[auth.keys]`, then `main = "…"`. A token that names a key (`kid`) must be
        /// signed with that one, others with any of them. The bytes of a key are those of its text, at
        /// least 32.
        pub keys: BTreeMap<String, Secret> = BTreeMap::new(), shown as "none",
        /// Files with JSON Web Key Sets: public keys (RS256, ES256 and their like) and shared ones (`kty` `oct`, at least
        /// 32 bytes). They are read again when they change; a file that cannot be read leaves its old keys.
        pub key_files: Vec<String> = Vec::new(), shown as "none",
        /// Addresses of JSON Web Key Sets with public keys. They are asked at the start, every `key_refresh`, and when
        /// a token names a key that is not known; while one cannot be reached its old keys stay.
        pub key_addresses: Vec<String> = Vec::new(), shown as "none",
        /// Issuers whose keys are found by OpenID discovery (`/.well-known/openid-configuration`); they are believed for
        /// the tokens of that issuer alone.
        pub discover: Vec<String> = Vec::new(), shown as "none",
        /// How often addresses and issuers are asked for their keys.
        #[serde(with = "humantime_serde")]
        pub key_refresh: Duration = Duration::from_secs(600),
        /// Whether keys may be fetched by plain HTTP from elsewhere than this machine.
        pub allow_http: bool = false,
        /// The issuers (`iss`) of which a token must name one; none: any.
        pub issuers: Vec<String> = Vec::new(), shown as "any",
        /// The audiences (`aud`) of which a token must name one; none: any.
        pub audiences: Vec<String> = Vec::new(), shown as "any",
        /// Whether a token without an expiry (`exp`) is refused.
        pub require_expiry: bool = true,
        /// A cookie that may carry the token, beside the header and the query. It counts for the pages of
        /// `cookie_origins` alone, and hubs do not see it.
        pub cookie: Option<String> = None,
        /// The origins whose pages may use the cookie, such as `["https://app.example"]`.
        pub cookie_origins: Vec<String> = Vec::new(), shown as "none",
        /// How much clocks may differ when expiry and not-before are judged; at most `5m`.
        #[serde(with = "humantime_serde")]
        pub clock_skew: Duration = Duration::from_secs(30),
        /// Whether connections without a valid token are refused; a hub may say otherwise in `hubs.<name>.authorize`.
        pub required: bool = false,
    }
}

impl Auth {
    /// Whether there is anything that a token could be believed by.
    pub fn has_keys(&self) -> bool {
        let lists = [&self.key_files, &self.key_addresses, &self.discover];
        !self.keys.is_empty() || lists.iter().any(|list| !list.is_empty())
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        for (id, key) in &self.keys {
            secret_is_long_enough(&format!("auth.keys.{id}"), key, problems);
        }
        if self.required && !self.has_keys() {
            problems.add(
                "auth.required",
                "needs keys: auth.keys, auth.key_files, auth.key_addresses or auth.discover",
            );
        }
        for (key, addresses) in [
            ("auth.key_addresses", &self.key_addresses),
            ("auth.discover", &self.discover),
        ] {
            let is_http = |address: &String| {
                address.starts_with("https://") || address.starts_with("http://")
            };
            if !addresses.iter().all(is_http) {
                problems.add(key, "has an address that does not begin with https://");
            }
        }
        if self.key_refresh < KEY_REFRESH_MIN {
            problems.add("auth.key_refresh", "is shorter than 1s");
        }
        if self.cookie.is_some() == self.cookie_origins.is_empty() {
            problems.add("auth.cookie", "and auth.cookie_origins are set together");
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
