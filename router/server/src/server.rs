use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::stream::{SelectAll, StreamExt as _};
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_proto_ids::NodeId;
use hubplane_router_directory::message::{Layout, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{Replica, ReplicaOutput, SessionId, Timers};
use opentelemetry::metrics::Meter;
use tokio::sync::{mpsc, oneshot};

use crate::inbound::Inbound;
use crate::metrics::{self, Numbers};

/// How many messages may wait on one stream, in each direction. A gateway that lets more wait is cut off, dials again and
/// goes on where it was: a router never waits for a gateway.
const STREAM_MESSAGES_MAX: usize = 4096;
/// How many requests of handles may wait.
const REQUESTS_MAX: usize = 64;
/// How many messages are handled before what they caused is written.
const TURN_MESSAGES_MAX: usize = 256;

/// A gateway's end of one stream: what it writes, and what it reads.
pub type GatewayStreams = (mpsc::Sender<ToRouter>, mpsc::Receiver<ToGateway>);

/// A router of this process.
#[derive(Debug)]
pub struct RouterServer;

/// Reaches a router. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RouterHandle {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Connect {
        gateway: NodeId,
        kind: StreamKind,
        streams: oneshot::Sender<GatewayStreams>,
    },
    Drain {
        drained: oneshot::Sender<()>,
    },
}

/// What a test may choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) timers: Timers,
    pub(crate) stream_messages_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timers: Timers::default(),
            stream_messages_max: STREAM_MESSAGES_MAX,
        }
    }
}

impl RouterServer {
    /// Starts a router that knows all keys. It ends with its tasks, and drains before it does.
    pub fn start(node: NodeId, tasks: &Tasks, meter: &Meter) -> RouterHandle {
        Self::start_with(Options::default(), node, tasks, meter)
    }

    pub(crate) fn start_with(
        options: Options,
        node: NodeId,
        tasks: &Tasks,
        meter: &Meter,
    ) -> RouterHandle {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let numbers = Arc::new(Mutex::new(Numbers::default()));
        metrics::register(meter, &numbers);
        let actor = Actor {
            replica: Replica::new(node, Layout::single(), options.timers),
            sessions: BTreeMap::new(),
            inbound: SelectAll::new(),
            drained: Vec::new(),
            is_drained: false,
            overflows: 0,
            options,
            numbers,
        };
        let run = actor.run(inbox, tasks.clone());
        tasks.spawn_graceful("router", OnFailure::StopNode, run);
        RouterHandle { requests }
    }
}

impl RouterHandle {
    /// Opens a stream for a gateway. It is a gateway of this generation that says so: the router believes it. `None`: the
    /// router has ended.
    ///
    /// The stream ends when either end of a channel is dropped, on both sides. Cancel safe: the stream is then closed.
    pub async fn connect(&self, gateway: NodeId, kind: StreamKind) -> Option<GatewayStreams> {
        let (streams, opened) = oneshot::channel();
        let request = Request::Connect {
            gateway,
            kind,
            streams,
        };
        self.requests.send(request).await.ok()?;
        opened.await.ok()
    }

    /// Releases those who watch, then those who wait, so that nobody misses this router. Returns when that is done, or
    /// the router has ended: a second at most. It serves nobody from then on.
    ///
    /// Cancel safe: the drain goes on.
    pub async fn drain(&self) {
        let (drained, done) = oneshot::channel();
        if self.requests.send(Request::Drain { drained }).await.is_ok() {
            // A router that ended meanwhile is drained, too.
            let _ = done.await;
        }
    }
}

struct Actor {
    replica: Replica,
    sessions: BTreeMap<SessionId, mpsc::Sender<ToGateway>>,
    inbound: SelectAll<Inbound>,
    /// Who waits for the end of the drain.
    drained: Vec<oneshot::Sender<()>>,
    is_drained: bool,
    overflows: u64,
    options: Options,
    numbers: Arc<Mutex<Numbers>>,
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>, tasks: Tasks) {
        let mut give_up = Box::pin(tokio::time::sleep(Duration::MAX));
        let mut is_ending = false;
        loop {
            self.carry_out();
            if is_ending && (self.is_drained || self.sessions.is_empty()) {
                return;
            }
            let timeout = sleep_until(self.replica.poll_timeout());
            tokio::select! {
                () = tasks.cancelled().cancelled(), if !is_ending => {
                    is_ending = true;
                    self.replica.drain(Instant::now());
                    let limit = self.options.timers.silent_replica;
                    give_up = Box::pin(tokio::time::sleep(limit));
                }
                () = &mut give_up, if is_ending => return,
                Some(request) = inbox.recv(), if !is_ending => self.request(request),
                Some(said) = self.inbound.next() => self.turn(said),
                () = timeout => self.replica.handle_timeout(Instant::now()),
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Connect {
                gateway,
                kind,
                streams,
            } => {
                let messages_max = self.options.stream_messages_max;
                let (sender, messages) = mpsc::channel(messages_max);
                let (to_gateway, inbox) = mpsc::channel(messages_max);
                // A gateway that gave up has dropped its end, which ends the stream.
                let _ = streams.send((sender, inbox));
                let session = self.replica.connected(gateway, kind, Instant::now());
                self.sessions.insert(session, to_gateway);
                self.inbound.push(Inbound::new(session, messages));
            }
            Request::Drain { drained } => {
                self.drained.push(drained);
                self.replica.drain(Instant::now());
            }
        }
    }

    /// Handles what has come, as far as a turn goes.
    fn turn(&mut self, first: (SessionId, Option<ToRouter>)) {
        self.said(first);
        for _ in 1..TURN_MESSAGES_MAX {
            let Some(Some(said)) = self.inbound.next().now_or_never() else {
                return;
            };
            self.said(said);
        }
    }

    fn said(&mut self, (session, message): (SessionId, Option<ToRouter>)) {
        let now = Instant::now();
        match message {
            Some(message) => self.replica.handle(session, message, now),
            None => {
                self.sessions.remove(&session);
                self.replica.disconnected(session, now);
            }
        }
    }

    /// Does what the machine wants.
    fn carry_out(&mut self) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                ReplicaOutput::ToGateway { session, message } => self.write(session, message),
                ReplicaOutput::Close { session, reason } => {
                    tracing::info!(?session, %reason, "a gateway's stream is closed");
                    self.sessions.remove(&session);
                }
                ReplicaOutput::Drained => self.is_drained = true,
            }
        }
        if self.is_drained {
            for drained in self.drained.drain(..) {
                // Whoever asked may have given up.
                let _ = drained.send(());
            }
        }
        let numbers = Numbers {
            replica: self.replica.counts(),
            overflows: self.overflows,
        };
        *self.numbers.lock().unwrap_or_else(PoisonError::into_inner) = numbers;
    }

    fn write(&mut self, session: SessionId, message: ToGateway) {
        let Some(sender) = self.sessions.get(&session) else {
            return;
        };
        let Err(error) = sender.try_send(message) else {
            return;
        };
        if matches!(error, mpsc::error::TrySendError::Full(_)) {
            self.overflows += 1;
            tracing::warn!(?session, "a gateway does not keep up with its router");
        }
        self.sessions.remove(&session);
        self.replica.disconnected(session, Instant::now());
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
