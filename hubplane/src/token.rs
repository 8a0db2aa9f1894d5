//! `hubplane token`: a token to try things with, signed with a key of the configuration.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use clap::Args;
use hubplane_node::config::Config;
use hubplane_proto_link::AccessRule;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value};

/// What a token is to say.
#[derive(Debug, Clone, Args)]
pub(crate) struct Wanted {
    /// Whom it names (`sub`).
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A role of that user; may be given again.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Another claim; may be given again.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// With the roles and claims that this hub asks for.
    #[arg(long, value_name = "HUB")]
    hub: Option<String>,
    /// How long it is valid.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: Duration,
    /// The key of `auth.keys` that signs it [default: the first].
    #[arg(long, value_name = "ID")]
    key: Option<String>,
}

impl Wanted {
    /// The hub that it is for, if it is for one.
    pub(crate) fn hub(&self) -> Option<&str> {
        self.hub.as_deref()
    }

    /// The token; `rule` is what its hub says of itself.
    ///
    /// # Errors
    /// If there is no key to sign it with, or a claim has no value.
    pub(crate) fn mint(
        &self,
        config: &Config,
        rule: Option<&AccessRule>,
    ) -> anyhow::Result<String> {
        let auth = &config.auth;
        let found = match &self.key {
            Some(id) => auth.keys.get_key_value(id),
            None => auth.keys.first_key_value(),
        };
        let (id, secret) = found.context(
            "there is no such key in auth.keys; for a first one write [auth.keys] and main = \"…\" with at least 32 bytes into hubplane.toml",
        )?;
        let mut claims = self.claims(config, rule)?;
        let now = SystemTime::UNIX_EPOCH.elapsed()?;
        claims.insert("iat".to_owned(), now.as_secs().into());
        claims.insert("exp".to_owned(), (now + self.ttl).as_secs().into());
        let named = [("iss", &auth.issuers), ("aud", &auth.audiences)];
        for (name, values) in named {
            if let Some(value) = values.first() {
                claims.insert(name.to_owned(), value.clone().into());
            }
        }
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        Ok(encode(&header, &claims, &key)?)
    }

    fn claims(
        &self,
        config: &Config,
        rule: Option<&AccessRule>,
    ) -> anyhow::Result<Map<String, Value>> {
        let mut claims = Map::new();
        let mut roles = self.roles.clone();
        if let Some(hub) = &self.hub {
            let configured = config.hubs.of(hub);
            let declared = rule.cloned().unwrap_or_default();
            // One role of each list is enough, all claims are needed.
            roles.extend(configured.roles.first().cloned());
            roles.extend(declared.roles.first().cloned());
            for needed in configured.claims.iter().chain(&declared.claims) {
                let (name, value) = needed.split_once('=').unwrap_or((needed, "true"));
                claims.insert(name.to_owned(), value.into());
            }
        }
        for claim in &self.claims {
            let Some((name, value)) = claim.split_once('=') else {
                bail!("--claim is NAME=VALUE, and {claim:?} has no =");
            };
            claims.insert(name.to_owned(), value.into());
        }
        if let Some(user) = &self.user {
            claims.insert("sub".to_owned(), user.clone().into());
        }
        if !roles.is_empty() {
            claims.insert("role".to_owned(), roles.into());
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubplane_node::config::Secret;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn wanted() -> Wanted {
        Wanted {
            user: Some("ana".to_owned()),
            roles: vec!["admin".to_owned()],
            claims: vec!["level=3".to_owned()],
            hub: Some("chat".to_owned()),
            ttl: Duration::from_secs(60),
            key: None,
        }
    }

    #[test]
    fn a_token_says_what_was_wanted_and_what_its_hub_asks_for() {
        let mut config = Config::default();
        config
            .auth
            .keys
            .insert("main".to_owned(), Secret::new(SECRET));
        config.auth.issuers = vec!["us".to_owned()];
        config.auth.audiences = vec!["hubs".to_owned()];
        config.hubs.defaults.claims = vec!["tenant=7".to_owned()];
        let rule = AccessRule {
            authenticated: true,
            roles: vec!["keeper".to_owned(), "owner".to_owned()],
            claims: vec!["email".to_owned()],
        };
        let token = wanted().mint(&config, Some(&rule)).unwrap();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["us"]);
        validation.set_audience(&["hubs"]);
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let read = decode::<Map<String, Value>>(&token, &key, &validation).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("main"));
        assert_eq!(read.claims["sub"], "ana");
        assert_eq!(read.claims["role"], serde_json::json!(["admin", "keeper"]));
        assert_eq!(read.claims["tenant"], "7");
        assert_eq!(read.claims["level"], "3");
        assert!(read.claims.contains_key("email"));
    }

    #[test]
    fn without_a_key_there_is_no_token() {
        let error = wanted().mint(&Config::default(), None).unwrap_err();
        assert!(error.to_string().contains("auth.keys"), "{error}");
    }
}
