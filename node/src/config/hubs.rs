//! `[hubs]` and `[hubs.<name>]`.

use std::collections::BTreeMap;
use std::time::Duration;

use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::extract::Areas;
use super::list::List;
use super::origins::OriginPattern;
use super::problems::Problems;
use super::settings::{self, Reader, Settings};
use super::values::{Limit, Secret, Size};

options! {
    /// Limits and timers of hubs. `[hubs]` is for all of them, `[hubs.<name>]` for one; what a hub's own
    /// table leaves out is as in `[hubs]`. `[hubs.<name>.settings]` is what the author of that hub made configurable
    /// ([Write a hub](guides/write-a-hub.md)).
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
        /// Whether a client that asks for it may lose its WebSocket and go on over another one, with nothing lost.
        pub stateful_reconnect: bool = false,
        /// How much such a connection may have been sent without acknowledging it, before the next message waits; that
        /// much is kept in memory for it.
        pub stateful_reconnect_buffer_bytes: Size = Size::new(100_000),
        /// How long such a connection waits for its client once its WebSocket is lost.
        #[serde(with = "humantime_serde")]
        pub stateful_reconnect_timeout: Duration = Duration::from_secs(15),
        /// How long a negotiated connection may take to open its transport; the same for all hubs.
        #[serde(with = "humantime_serde")]
        pub negotiate_timeout: Duration = Duration::from_secs(15),
        /// The transports that clients may choose from, in any order.
        pub transports: Vec<Transport> = Transport::ALL.to_vec(),
        /// How long a long poll waits for something to answer before it is answered with nothing. Below what clients and
        /// proxies give a request, 100 s for most clients.
        #[serde(with = "humantime_serde")]
        pub long_polling_timeout: Duration = Duration::from_secs(90),
        /// After how long without a poll a connection by long polling is given up.
        #[serde(with = "humantime_serde")]
        pub disconnect_timeout: Duration = Duration::from_secs(15),
        /// Whether connections without a valid token are refused; not set: as `auth.required` says. What a hub says of
        /// itself (`#[hub(authorize)]`) holds beside it.
        pub authorize: Option<bool> = None,
        /// Only who has one of these roles connects, by a claim `role` or `roles`; others with a valid token get 403.
        pub roles: Vec<String> = Vec::new(), shown as "everybody",
        /// Only who has all of these claims connects, written `name` or `name=value`; others with a valid token get 403.
        pub claims: Vec<String> = Vec::new(), shown as "everybody",
        /// Whether a connection is closed when its token expires. Its client may come again, with a new one.
        pub close_on_authentication_expiration: bool = false,
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

/// A transport, by the name that clients have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// WebSockets.
    WebSockets,
    /// Server-Sent Events.
    ServerSentEvents,
    /// Long polling.
    LongPolling,
}

impl Transport {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];
}

/// The options of all hubs, and of those that have their own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hubs {
    /// What holds for a hub that is not in `named`.
    pub defaults: HubOptions,
    /// Complete options by hub name.
    pub named: BTreeMap<String, HubOptions>,
    /// What hubs have configured in types of their own, by hub name.
    pub settings: BTreeMap<String, Settings>,
}

/// How it is printed: a table for each hub that something is said of.
impl Serialize for Hubs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct All<'a> {
            #[serde(flatten)]
            defaults: &'a HubOptions,
            #[serde(flatten)]
            hubs: BTreeMap<&'a str, One<'a>>,
        }
        #[derive(Serialize)]
        struct One<'a> {
            #[serde(flatten)]
            options: Option<&'a HubOptions>,
            #[serde(skip_serializing_if = "Option::is_none")]
            settings: Option<&'a toml::Table>,
        }
        let names = self.named.keys().chain(self.settings.keys());
        let hubs = names.map(|name| {
            let one = One {
                options: self.named.get(name),
                settings: self.settings.get(name).map(|settings| &settings.in_force),
            };
            (name.as_str(), one)
        });
        let all = All {
            defaults: &self.defaults,
            hubs: hubs.collect(),
        };
        all.serialize(serializer)
    }
}

impl Hubs {
    /// What is in force for one hub; its name matches in any letter case, as its path does.
    pub fn of(&self, hub: &str) -> &HubOptions {
        let lower = hub.to_lowercase();
        let mut named = self.named.iter();
        let found = named.find(|(name, _)| name.to_lowercase() == lower);
        found.map_or(&self.defaults, |(_, options)| options)
    }

    /// The settings of one hub, as the type that [`Sources::hub_settings`](super::Sources::hub_settings) named for it.
    pub fn settings<S: DeserializeOwned>(&self, hub: &str) -> Option<S> {
        let lower = hub.to_lowercase();
        let mut settings = self.settings.iter();
        let found = settings.find(|(name, _)| name.to_lowercase() == lower);
        found?.1.get()
    }

    /// Tells the tables of single hubs from the options of all, and lays the former over the latter.
    pub(super) fn extract(
        areas: &mut Areas,
        served: &BTreeMap<String, Reader>,
        problems: &mut Problems,
    ) -> Self {
        let area = HubOptions::AREA;
        let is_hub = |key: &String, value: &Value| {
            value.as_dict().is_some() && area.options.iter().all(|option| option.name != key)
        };
        let (named, common) = areas
            .take(area)
            .into_iter()
            .partition(|(key, value)| is_hub(key, value));

        let (defaults, common) = areas.extract_at(&["hubs"], common, problems);
        let mut named: Dict = named;
        check_names(&named, served, problems);
        let settings = settings::extract(&mut named, served, problems);
        let hub = |(name, own): (String, Value)| {
            let mut options = common.clone();
            options.extend(own.into_dict().unwrap_or_default());
            let (options, _) = areas.extract_at(&["hubs", &name], options, problems);
            (name, options)
        };
        Self {
            defaults,
            named: named.into_iter().map(hub).collect(),
            settings,
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

/// A table for a hub that is not there is a slip of the pen.
fn check_names(named: &Dict, served: &BTreeMap<String, Reader>, problems: &mut Problems) {
    let names: Vec<_> = served.keys().map(String::as_str).collect();
    if names.is_empty() {
        return;
    }
    for hub in named.keys() {
        let lower = hub.to_lowercase();
        if names.iter().all(|name| name.to_lowercase() != lower) {
            let names = names.join(", ");
            let message = format!("no hub of this name is served here, only {names}");
            problems.add(format!("hubs.{hub}"), message);
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
            (
                "stateful_reconnect_buffer_bytes",
                self.stateful_reconnect_buffer_bytes.bytes() == 0,
            ),
            (
                "stateful_reconnect_timeout",
                self.stateful_reconnect_timeout.is_zero(),
            ),
            ("long_polling_timeout", self.long_polling_timeout.is_zero()),
            ("disconnect_timeout", self.disconnect_timeout.is_zero()),
        ];
        let zero = positive.into_iter().filter(|(_, is_zero)| *is_zero);
        let mut problems: Vec<_> = zero.map(|(option, _)| (option, "is 0")).collect();
        if self.transports.is_empty() {
            problems.push(("transports", "names none, so that nobody could connect"));
        }
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
