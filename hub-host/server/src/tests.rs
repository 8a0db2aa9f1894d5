//! A hub-host and a gateway that is two channels.

mod lifecycle;
mod order;
mod presence;
mod streams;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use hubplane_hub::host::{Options, Service};
use hubplane_hub::{
    Context, Disconnect, Encoding, Hub, HubError, Membership, SendError, Transport, hub,
};
use hubplane_node::Phases;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use hubplane_proto_ids::{Generation, NodeId};
use hubplane_proto_link::{
    Arguments, CloseReason, Completion, ConnectionInfo, Done, GatewayHello, HubHostHello,
    Invocation, InvocationKind, Outcome, Stage, ToGateway, ToHubHost,
};
use smallvec::SmallVec;
use tokio::sync::{Notify, mpsc};

use crate::HubHost;

/// How long a test waits for what has to come.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a test makes a hub wait for, and what the hub did.
#[derive(Default)]
struct Gates {
    connect: Notify,
    go: Notify,
    events: std::sync::Mutex<Vec<String>>,
}

#[derive(Clone, Default)]
struct Waiting(Arc<Gates>);

impl Waiting {
    fn note(&self, event: impl Into<String>) {
        self.0.events.lock().unwrap().push(event.into());
    }

    fn events(&self) -> Vec<String> {
        self.0.events.lock().unwrap().clone()
    }
}

#[hub]
impl Waiting {
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        if ctx.query("wait").is_some() {
            self.0.connect.notified().await;
        }
        self.note("connected");
        match ctx.query("refuse") {
            Some(text) => Err(HubError::new(text)),
            None => Ok(()),
        }
    }

    async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) -> Result<(), SendError> {
        self.note(format!("disconnected {reason}"));
        ctx.others().send("Left", (ctx.user_id(),)).await
    }

    fn user_id(&self, request: &hubplane_hub::Request) -> Option<String> {
        request.query("user")
    }

    fn echo(&self, text: String) -> String {
        text
    }

    async fn panics(&self) {
        panic!("on purpose");
    }

    async fn waits(&self) -> &'static str {
        self.0.go.notified().await;
        "went"
    }

    async fn until_disconnected(&self, ctx: &Context) {
        ctx.disconnected().await;
        self.note("saw the end");
    }

    async fn joins(&self, ctx: &Context, group: String) -> Result<bool, SendError> {
        Ok(ctx.join(group).await? == Membership::Changed)
    }

    async fn alternates(&self, ctx: &Context, count: u32) -> Result<u32, SendError> {
        for number in 0..count {
            match number % 3 {
                0 => ctx.caller().send("x", (number,)).await?,
                1 => ctx.group("g").send("x", (number,)).await?,
                _ => ctx.user("u").send("x", (number,)).await?,
            }
        }
        Ok(count)
    }

    async fn sends_later(&self, ctx: &Context) {
        let hub = ctx.hub();
        ctx.disconnected().await;
        // Its own link is gone: another one carries it.
        hub.group("later").send("x", ()).await.unwrap();
        self.note("sent");
    }

    async fn sends_from_outside(&self, ctx: &Context) -> Result<(), SendError> {
        ctx.hub().all().send("x", ()).await
    }
}

/// A gateway's end of one link.
struct Gateway {
    hello: HubHostHello,
    to_host: mpsc::Sender<ToHubHost>,
    frames: mpsc::Receiver<ToGateway>,
}

struct Fixture {
    host: HubHost,
    hub: Waiting,
    tasks: Tasks,
    telemetry: Telemetry,
}

fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(7),
    }
}

fn service(hub: impl Hub) -> Service {
    Service::new(
        hub,
        Options {
            detailed_errors: true,
        },
    )
    .unwrap()
}

impl Fixture {
    fn new() -> Self {
        let hub = Waiting::default();
        let tasks = Tasks::current();
        let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
        let meter = telemetry.meter("test");
        let hubs = vec![service(hub.clone())];
        let host = HubHost::start(node("hub-host-0"), hubs, &tasks, &meter);
        Self {
            host,
            hub,
            tasks,
            telemetry,
        }
    }

    fn link(&self) -> Gateway {
        let (hello, to_host, frames) = self.host.accept(GatewayHello {
            node: node("gateway-0"),
        });
        Gateway {
            hello,
            to_host,
            frames,
        }
    }

    /// A gateway with one connection, `c-1`.
    async fn connected(&self) -> Gateway {
        let mut gateway = self.link();
        gateway.open("c-1", "").await;
        assert_eq!(gateway.next().await, done("c-1", Stage::Opening, None));
        gateway
    }
}

impl Gateway {
    async fn tell(&self, frame: ToHubHost) {
        tokio::time::timeout(DEADLINE, self.to_host.send(frame))
            .await
            .unwrap()
            .unwrap();
    }

    async fn open(&self, id: &str, query: &str) {
        self.tell(ToHubHost::Opened {
            info: info(id, query),
            user: Some("ana".parse().unwrap()),
        })
        .await;
    }

    async fn close(&self, id: &str, reason: CloseReason) {
        let connection = id.parse().unwrap();
        self.tell(ToHubHost::Closed { connection, reason }).await;
    }

    async fn invoke(&self, id: &str, invocation: &str, target: &str, arguments: &str) {
        self.tell(ToHubHost::Invocation(Invocation {
            connection: id.parse().unwrap(),
            invocation_id: Some(invocation.parse().unwrap()),
            kind: InvocationKind::Call,
            target: target.into(),
            arguments: Arguments {
                encoding: Encoding::Json,
                bytes: arguments.to_owned().into(),
            },
            stream_ids: SmallVec::new(),
            takes_slot: true,
        }))
        .await;
    }

    /// The next frame, whose window and credit are given back at once.
    async fn next(&mut self) -> ToGateway {
        let frame = self.take().await;
        let connection = match &frame {
            ToGateway::StreamItem { connection, .. } => Some(connection),
            ToGateway::ToConnection(send) => Some(&send.connection),
            ToGateway::Completion(completion) => Some(&completion.connection),
            _ => None,
        };
        if let Some(connection) = connection.cloned() {
            let bytes = frame.window_bytes();
            self.tell(ToHubHost::Window { connection, bytes }).await;
        }
        let (caller, bytes) = (frame.caller(), frame.credit_bytes());
        if bytes > 0 {
            self.tell(ToHubHost::Credit { caller, bytes }).await;
        }
        frame
    }

    /// The next frame, of which nothing is given back.
    async fn take(&mut self) -> ToGateway {
        tokio::time::timeout(DEADLINE, self.frames.recv())
            .await
            .expect("a frame in time")
            .expect("a frame")
    }

    /// The next frame has to be a completion: its id, and its JSON or its error.
    async fn answer(&mut self) -> (String, Result<String, String>) {
        match self.next().await {
            ToGateway::Completion(Completion {
                invocation_id,
                outcome,
                ..
            }) => {
                let outcome = match outcome {
                    Outcome::Value(payload) => {
                        Ok(String::from_utf8(payload.bytes.to_vec()).unwrap())
                    }
                    Outcome::Error(text) => Err(text),
                    Outcome::Void => panic!("a stream"),
                };
                (invocation_id.to_string(), outcome)
            }
            other => panic!("no completion but {other:?}"),
        }
    }
}

fn info(id: &str, query: &str) -> Arc<ConnectionInfo> {
    Arc::new(ConnectionInfo {
        connection: id.parse().unwrap(),
        hub: "waiting".parse().unwrap(),
        authenticated: false,
        claims: Vec::new(),
        headers: Vec::new(),
        path: "/hubs/waiting".into(),
        query: query.into(),
        remote: None,
        local: None,
        transport: Transport::WebSockets,
        protocol: Encoding::Json,
    })
}

fn done(id: &str, stage: Stage, error: Option<&str>) -> ToGateway {
    ToGateway::Done(Done {
        connection: id.parse().unwrap(),
        stage,
        error: error.map(ToOwned::to_owned),
    })
}

/// Waits until something holds that no frame tells.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}
