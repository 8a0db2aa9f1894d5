//! `[hubs]` and `[hubs.<name>]`.

use std::collections::BTreeMap;
use std::time::Duration;

use figment::value::Value;
use serde::Serialize;

use super::extract::Areas;
use super::list::List;
use super::origins::OriginPattern;
use super::problems::Problems;
use super::values::{Limit, Secret, Size};

options! {
    /// Limits and timers of hubs. `[hubs]` is for all of them, `[hubs.<name>]` for one; what a hub's own
    /// table leaves out is as in `[hubs]`.
    pub struct HubOptions in "hubs" {
        /// How long a connection may take to send its handshake.
        #[serde(with = "humantime_serde")]
        pub handshake_timeout: Duration = Duration::from_secs(15),
        /// How often a connection is sent a ping, whatever else it is sent.
        #[serde(with = "humantime_serde")]
        pub keep_alive_interval: Duration = Duration::from_secs(15),
        /// After how long without a message from it a connection is given up, once it has sent a first ping; longer
        /// than `keep_alive_interval`, by default twice as long, as clients use the same pair of numbers.
        #[serde(with = "humantime_serde")]
        pub client_timeout: Duration = Duration::from_secs(30),
        /// The largest hub protocol message that a client may send.
        pub max_message_bytes: Limit = Limit::Bytes(32 * 1024),
        /// Whether callers are told what an unexpected error of a method was. It may hold secrets.
        /// `hubplane dev` does so.
        pub detailed_errors: bool = false,
        /// How many invocations of one connection run at a time.
        pub max_parallel_invocations: usize = 1,
        /// How long one invocation may run. Beyond it, it is dropped where it waits and its client is told that it
        /// failed; of a method that answers by a stream, that is the time until it has the stream. Not set: without end.
        #[serde(with = "humantime_serde")]
        pub invocation_timeout: Option<Duration> = None,
        /// How much may wait to be sent to one connection. A connection whose queue overflows is closed.
        pub outbound_queue_bytes: Size = Size::mib(1),
        /// How long a connection's socket may take no byte while something waits. Then it is closed.
        #[serde(with = "humantime_serde")]
        pub outbound_queue_age: Duration = Duration::from_secs(30),
        /// How long a negotiated connection may take to open its transport; the same for all hubs.
        #[serde(with = "humantime_serde")]
        pub negotiate_timeout: Duration = Duration::from_secs(15),
        /// Whether connections without a valid token are refused; not set: as `auth.required` says. What a hub says of
        /// itself (`#[hub(authorize)]`) holds beside it.
        pub authorize: Option<bool> = None,
        /// Only who has one of these roles connects, by a claim `role` or `roles`; others with a valid token get 403.
        pub roles: Vec<String> = Vec::new(), shown as "everybody",
        /// Only who has all of these claims connects, written `name` or `name=value`; others with a valid token get 403.
        pub claims: Vec<String> = Vec::new(), shown as "everybody",
        /// Further paths of one hub beside `/hubs/{hub}`, such as `["/chatHub"]`; only in `[hubs.<name>]`.
        pub paths: Vec<String> = Vec::new(), shown as "none",
        /// The origins of the web pages that may use a hub, such as `["https://app.example.com",
        /// "https://*.example.org", "http://localhost:*"]`, beside those that this server serves itself. Pages of others
        /// get no CORS headers, so that their browsers keep the answers from them, and no WebSocket: 403. `*` lets all
        /// of them in, with their users' cookies. None: no CORS headers at all, and a WebSocket for everybody. What is
        /// said here of all hubs holds for the program's own routes too.
        pub allowed_origins: List<OriginPattern> = List::default(), shown as "none",
        /// Where clients of one hub negotiate instead, such as `https://other.example.com/hubs/chat`; only in
        /// `[hubs.<name>]`. What their query says goes with them.
        pub redirect: Option<String> = None,
        /// The token that clients then use there instead of their own.
        pub redirect_access_token: Option<Secret> = None,
        /// The oldest version of negotiate that is answered; clients that ask for an older one are told so. Clients that
        /// ask for none, such as those in Python, have version 0.
        pub min_negotiate_version: i32 = 0,
    }
}

/// The options of all hubs, and of those that have their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Hubs {
    /// What holds for a hub that is not in `named`.
    #[serde(flatten)]
    pub defaults: HubOptions,
    /// Complete options by hub name.
    #[serde(flatten)]
    pub named: BTreeMap<String, HubOptions>,
}

impl Hubs {
    /// What is in force for one hub; its name matches in any letter case, as its path does.
    pub fn of(&self, hub: &str) -> &HubOptions {
        let lower = hub.to_lowercase();
        let mut named = self.named.iter();
        let found = named.find(|(name, _)| name.to_lowercase() == lower);
        found.map_or(&self.defaults, |(_, options)| options)
    }

    /// The names in the configuration that none of `served` has, in any letter case.
    pub fn unknown<'a>(&'a self, served: &[&str]) -> Vec<&'a str> {
        let served: Vec<_> = served.iter().map(|name| name.to_lowercase()).collect();
        let names = self.named.keys().map(String::as_str);
        names
            .filter(|name| !served.contains(&name.to_lowercase()))
            .collect()
    }

    /// Tells the tables of single hubs from the options of all, and lays the former over the latter.
    pub(super) fn extract(areas: &mut Areas, problems: &mut Problems) -> Self {
        let area = HubOptions::AREA;
        let is_hub = |key: &String, value: &Value| {
            value.as_dict().is_some() && area.options.iter().all(|option| option.name != key)
        };
        let (named, common) = areas
            .take(area)
            .into_iter()
            .partition(|(key, value)| is_hub(key, value));

        let (defaults, common) = areas.extract_at(&["hubs"], common, problems);
        let hub = |(name, own): (String, Value)| {
            let mut options = common.clone();
            options.extend(own.into_dict().unwrap_or_default());
            let (options, _) = areas.extract_at(&["hubs", &name], options, problems);
            (name, options)
        };
        let named: figment::value::Dict = named;
        Self {
            defaults,
            named: named.into_iter().map(hub).collect(),
        }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        let common = self.defaults.problems();
        for (name, options) in &self.named {
            // What is wrong for all hubs is reported once.
            let own = options.problems().into_iter();
            for (option, message) in own.filter(|problem| !common.contains(problem)) {
                problems.add(format!("hubs.{name}.{option}"), message);
            }
            if options.paths.iter().any(|path| !path.starts_with('/')) {
                problems.add(
                    format!("hubs.{name}.paths"),
                    "has a path that does not begin with /",
                );
            }
            // A token carries the time of its issue, and is judged before its hub is looked up.
            if options.negotiate_timeout != self.defaults.negotiate_timeout {
                problems.add(
                    format!("hubs.{name}.negotiate_timeout"),
                    "is the same for all hubs, and belongs in [hubs]",
                );
            }
        }
        let of_one = [
            ("redirect", self.defaults.redirect.is_some()),
            (
                "redirect_access_token",
                self.defaults.redirect_access_token.is_some(),
            ),
        ];
        for (option, _) in of_one.into_iter().filter(|(_, is_set)| *is_set) {
            problems.add(
                format!("hubs.{option}"),
                "belongs in the table of one hub, as in [hubs.chat]",
            );
        }
        if !self.defaults.paths.is_empty() {
            problems.add(
                "hubs.paths",
                "belongs in the table of one hub, as in [hubs.chat]",
            );
        }
        for (option, message) in common {
            problems.add(format!("hubs.{option}"), message);
        }
    }
}

impl HubOptions {
    fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        let positive = [
            ("handshake_timeout", self.handshake_timeout.is_zero()),
            ("keep_alive_interval", self.keep_alive_interval.is_zero()),
            (
                "max_message_bytes",
                self.max_message_bytes == Limit::Bytes(0),
            ),
            (
                "max_parallel_invocations",
                self.max_parallel_invocations == 0,
            ),
            (
                "outbound_queue_bytes",
                self.outbound_queue_bytes.bytes() == 0,
            ),
            (
                "invocation_timeout",
                self.invocation_timeout
                    .is_some_and(|timeout| timeout.is_zero()),
            ),
            ("outbound_queue_age", self.outbound_queue_age.is_zero()),
            ("negotiate_timeout", self.negotiate_timeout.is_zero()),
        ];
        let zero = positive.into_iter().filter(|(_, is_zero)| *is_zero);
        let mut problems: Vec<_> = zero.map(|(option, _)| (option, "is 0")).collect();
        if self.roles.iter().any(String::is_empty) {
            problems.push(("roles", "has an empty role"));
        }
        let nameless = |claim: &String| claim.is_empty() || claim.starts_with('=');
        if self.claims.iter().any(nameless) {
            problems.push(("claims", "has a claim without a name"));
        }
        let asks = !self.roles.is_empty() || !self.claims.is_empty();
        if self.authorize == Some(false) && asks {
            problems.push(("authorize", "is false, but roles or claims are asked for"));
        }
        if self.client_timeout <= self.keep_alive_interval {
            problems.push(("client_timeout", "is not longer than keep_alive_interval"));
        }
        if self.redirect.as_ref().is_some_and(|url| !is_url(url)) {
            problems.push(("redirect", "is no URL that begins with https:// or http://"));
        }
        if self.redirect_access_token.is_some() && self.redirect.is_none() {
            problems.push(("redirect_access_token", "needs redirect"));
        }
        problems
    }
}
