use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_proto_ids::NodeId;
use hubplane_router_directory::message::{Layout, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{Replica, ReplicaCounts, ReplicaOutput, SessionId, Timers};
use opentelemetry::metrics::Meter;
use tokio::sync::{mpsc, oneshot};

use crate::metrics;

/// How many messages may wait on one stream, in each direction. A gateway that lets more wait is cut off, and comes
/// back with a snapshot: a router never waits for a gateway.
const STREAM_MESSAGES_MAX: usize = 4096;
/// How many requests of handles may wait.
const REQUESTS_MAX: usize = 64;

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

enum Event {
    Said(SessionId, Option<ToRouter>, mpsc::Receiver<ToRouter>),
}

impl RouterServer {
    /// Starts a router that knows all keys; it ends with its tasks.
    pub fn start(node: NodeId, tasks: &Tasks, meter: &Meter) -> RouterHandle {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let counts = Arc::new(Mutex::new(ReplicaCounts::default()));
        metrics::register(meter, &counts);
        let driver = Driver {
            replica: Replica::new(node, Layout::single(), Timers::default()),
            sessions: HashMap::new(),
            events: FuturesUnordered::new(),
            draining: Vec::new(),
            counts,
        };
        tasks.spawn("router", OnFailure::StopNode, driver.run(inbox));
        RouterHandle { requests }
    }
}

impl RouterHandle {
    /// Opens a stream for a gateway. `None`: the router has ended.
    ///
    /// Cancel safe: the stream is then closed.
    pub async fn connect(&self, gateway: NodeId, kind: StreamKind) -> Option<GatewayStreams> {
        let (streams, opened) = oneshot::channel();
        self.requests
            .send(Request::Connect {
                gateway,
                kind,
                streams,
            })
            .await
            .ok()?;
        opened.await.ok()
    }

    /// Releases those who watch, then those who wait, so that nobody misses this router. Returns when that is done.
    pub async fn drain(&self) {
        let (drained, done) = oneshot::channel();
        if self.requests.send(Request::Drain { drained }).await.is_ok() {
            // A router that ended meanwhile is drained, too.
            let _ = done.await;
        }
    }
}

struct Driver {
    replica: Replica,
    sessions: HashMap<SessionId, mpsc::Sender<ToGateway>>,
    events: FuturesUnordered<BoxFuture<'static, Event>>,
    /// Who waits for the end of the drain.
    draining: Vec<oneshot::Sender<()>>,
    counts: Arc<Mutex<ReplicaCounts>>,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        loop {
            self.drain();
            let deadline = self.replica.poll_timeout();
            let timeout = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(request) = inbox.recv() => self.request(request),
                Some(Event::Said(session, message, messages)) = self.events.next(), if !self.events.is_empty() => {
                    self.said(session, message, messages);
                }
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
                let (sender, messages) = mpsc::channel(STREAM_MESSAGES_MAX);
                let (to_gateway, inbox) = mpsc::channel(STREAM_MESSAGES_MAX);
                let session = self.replica.connected(gateway, kind, Instant::now());
                self.sessions.insert(session, to_gateway);
                self.listen(session, messages);
                // A gateway that is gone already closes the stream by dropping it.
                let _ = streams.send((sender, inbox));
            }
            Request::Drain { drained } => {
                self.draining.push(drained);
                self.replica.drain(Instant::now());
            }
        }
    }

    fn listen(&mut self, session: SessionId, mut messages: mpsc::Receiver<ToRouter>) {
        self.events.push(Box::pin(async move {
            let message = messages.recv().await;
            Event::Said(session, message, messages)
        }));
    }

    fn said(
        &mut self,
        session: SessionId,
        message: Option<ToRouter>,
        mut messages: mpsc::Receiver<ToRouter>,
    ) {
        let now = Instant::now();
        if !self.sessions.contains_key(&session) {
            return;
        }
        let Some(message) = message else {
            self.sessions.remove(&session);
            return self.replica.disconnected(session, now);
        };
        self.replica.handle(session, message, now);
        // What is there already is taken along, a bounded part of it: the others have their turn too.
        for _ in 0..STREAM_MESSAGES_MAX {
            let Ok(message) = messages.try_recv() else {
                break;
            };
            self.replica.handle(session, message, now);
        }
        self.listen(session, messages);
    }

    /// Does what the machine wants.
    fn drain(&mut self) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                ReplicaOutput::ToGateway { session, message } => self.write(session, message),
                ReplicaOutput::Close { session, reason } => {
                    tracing::debug!(?session, %reason, "a gateway's stream is closed");
                    self.sessions.remove(&session);
                }
                ReplicaOutput::Drained => {
                    for drained in self.draining.drain(..) {
                        // Whoever asked may have given up.
                        let _ = drained.send(());
                    }
                }
            }
        }
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = self.replica.counts();
    }

    fn write(&mut self, session: SessionId, message: ToGateway) {
        let Some(sender) = self.sessions.get(&session) else {
            return;
        };
        if sender.try_send(message).is_err() {
            tracing::warn!(
                ?session,
                "a gateway does not keep up with its router, or is gone"
            );
            self.sessions.remove(&session);
            self.replica.disconnected(session, Instant::now());
        }
    }
}
