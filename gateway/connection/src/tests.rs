//! The machine under a clock that the tests move. What it puts out is compared as text.

mod closing;
mod exchange;
mod fuzz;
mod handshake;
mod queue;
mod receive;
mod stateful;
mod throttle;
mod timers;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hubplane_proto_ids::{ConnectionId, InvocationId};
use hubplane_proto_link::{
    self as link, Completion, ConnectionInfo, Done, Outcome, Payload, Stage, ToHubHost,
};
use hubplane_proto_signalr::TransferFormat;

use crate::{Connection, Options, Output, TransportClose, UserSource};

const JSON: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const MESSAGEPACK: &str = "{\"protocol\":\"messagepack\",\"version\":1}\x1e";
/// What every completion takes of the window.
const WINDOW_TAKEN_BYTES: u32 = 70;
const PING: &str = "{\"type\":6}\x1e";

/// A connection, its clock, and nobody else.
struct Rig {
    connection: Connection,
    start: Instant,
    now: Instant,
}

impl Rig {
    fn new(options: Options) -> Self {
        Self::with_user(options, UserSource::Known(None))
    }

    fn with_user(options: Options, user: UserSource) -> Self {
        let now = Instant::now();
        let connection = Connection::new(info(), user, Arc::new(options), now);
        Self {
            connection,
            start: now,
            now,
        }
    }

    /// A connection whose hub is told of it and whose `on_connected` runs.
    fn opening(options: Options, handshake: &str) -> Self {
        let mut rig = Self::new(options);
        rig.client(handshake);
        rig.connection.handle_visible(rig.now);
        rig.outputs();
        rig
    }

    /// A connection that is open.
    fn open(options: Options) -> Self {
        Self::open_with(options, JSON)
    }

    fn open_with(options: Options, handshake: &str) -> Self {
        let mut rig = Self::opening(options, handshake);
        assert_eq!(rig.opened(), Vec::<String>::new());
        rig
    }

    /// Bytes of the client, and what follows.
    fn client(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        self.connection.handle_bytes(bytes.as_ref());
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.connection.poll_output(self.now))
            .map(|output| shown(&output))
            .collect()
    }

    /// Lets time pass, deadline by deadline.
    fn pass(&mut self, seconds: f64) -> Vec<String> {
        let (until, mut seen) = (self.now + Duration::from_secs_f64(seconds), Vec::new());
        while let Some(at) = self.connection.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.connection.handle_timeout(self.now);
            let since = self.now.duration_since(self.start).as_secs_f64();
            seen.extend(
                self.outputs()
                    .into_iter()
                    .map(|output| format!("{since}: {output}")),
            );
        }
        self.now = until;
        seen
    }

    fn done(&mut self, stage: Stage, error: Option<&str>) -> Vec<String> {
        let error = error.map(str::to_owned);
        self.connection.handle_done(
            Done {
                connection: id(),
                stage,
                error,
            },
            self.now,
        );
        self.outputs()
    }

    fn opened(&mut self) -> Vec<String> {
        self.done(Stage::Opening, None)
    }

    fn closed(&mut self) -> Vec<String> {
        self.done(Stage::Closing, None)
    }

    fn complete(&mut self, invocation: &str, outcome: Outcome) -> Vec<String> {
        self.complete_as(invocation, outcome, true)
    }

    /// Completes an invocation that has no slot, or has given it back.
    fn complete_slotless(&mut self, invocation: &str, outcome: Outcome) -> Vec<String> {
        self.complete_as(invocation, outcome, false)
    }

    fn complete_as(
        &mut self,
        invocation: &str,
        outcome: Outcome,
        releases_slot: bool,
    ) -> Vec<String> {
        let completion = Completion {
            connection: id(),
            invocation_id: InvocationId::new(invocation).unwrap(),
            outcome,
            releases_slot,
        };
        self.connection
            .handle_completion(completion, WINDOW_TAKEN_BYTES, self.now);
        self.outputs()
    }
}

fn id() -> ConnectionId {
    "c1".parse().unwrap()
}

fn info() -> ConnectionInfo {
    ConnectionInfo {
        connection: id(),
        hub: "chat".parse().unwrap(),
        authenticated: false,
        claims: Vec::new(),
        headers: Vec::new(),
        path: "/hubs/chat".to_owned(),
        query: String::new(),
        remote: None,
        local: None,
        transport: link::Transport::WebSockets,
        protocol: link::Encoding::Json,
    }
}

fn detailed() -> Options {
    Options {
        detailed_errors: true,
        ..Options::default()
    }
}

fn parallel(n: u32) -> Options {
    Options {
        parallel_invocations_max: NonZeroU32::new(n).unwrap(),
        ..Options::default()
    }
}

fn json(value: &str) -> Outcome {
    Outcome::Value(Payload {
        encoding: link::Encoding::Json,
        bytes: value.to_owned().into(),
    })
}

/// An ordinary invocation.
fn call(invocation: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{invocation}\",\"target\":\"Echo\",\"arguments\":[\"x\"]}}\x1e"
    )
}

/// A streaming invocation.
fn stream(invocation: &str) -> String {
    format!(
        "{{\"type\":4,\"invocationId\":\"{invocation}\",\"target\":\"Count\",\"arguments\":[3]}}\x1e"
    )
}

fn shown(output: &Output) -> String {
    match output {
        Output::Send {
            format: TransferFormat::Text,
            bytes,
            ..
        } => {
            format!(
                "text {}",
                std::str::from_utf8(bytes).unwrap().replace('\x1e', "<RS>")
            )
        }
        Output::Send {
            format: TransferFormat::Binary,
            bytes,
            ..
        } => format!("binary {:02x}", HexBytes(bytes)),
        Output::KeepUnacknowledged { limit_bytes } => format!("keep {limit_bytes}"),
        Output::Acknowledged { through } => format!("acknowledged {through}"),
        Output::ForgetUnacknowledged => "forget".to_owned(),
        Output::Answered { asked, outcome } => format!("answered {asked} {outcome:?}"),
        Output::Ping => "ping".to_owned(),
        Output::Appear { user } => format!("appear {user:?}"),
        Output::ToHubHost(frame) => format!("hub {}", shown_frame(frame)),
        Output::CloseTransport(TransportClose::Normal) => "close".to_owned(),
        Output::CloseTransport(TransportClose::Failed) => "close failed".to_owned(),
        Output::Ended(reason) => format!("ended {}", reason.name()),
    }
}

fn shown_frame(frame: &ToHubHost) -> String {
    match frame {
        ToHubHost::Identify(info) => format!("identify {:?}", info.protocol),
        ToHubHost::Opened { info, user } => format!("opened {:?} {user:?}", info.protocol),
        ToHubHost::Closed { reason, .. } => format!("closed {:?}", reason.error()),
        ToHubHost::Invocation(invocation) => format!(
            "{:?} {} {}{}",
            invocation.kind,
            invocation
                .invocation_id
                .as_ref()
                .map_or("-", InvocationId::as_str),
            invocation.target,
            if invocation.takes_slot {
                ""
            } else {
                " without slot"
            },
        ),
        ToHubHost::UploadItem {
            stream_id, item, ..
        } => format!("item {stream_id} {}", String::from_utf8_lossy(&item.bytes)),
        ToHubHost::UploadEnd {
            stream_id, error, ..
        } => format!("end {stream_id} {error:?}"),
        ToHubHost::Cancel { invocation_id, .. } => format!("cancel {invocation_id}"),
        other => panic!("a connection does not say {other:?}"),
    }
}

struct HexBytes<'a>(&'a [u8]);

impl std::fmt::LowerHex for HexBytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn none() -> Vec<String> {
    Vec::new()
}
