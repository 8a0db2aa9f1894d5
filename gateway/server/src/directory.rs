//! Drives this gateway's end of the directory: its streams to the routers, and who waits for what they say.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_gateway_shard::{Command, SharedDirectory};
use hubplane_router_directory::message::{StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{ChangeId, GatewayDirectory, Output, ReplicaId, StreamId};
use tokio::sync::{Notify, mpsc, watch};

use crate::core::Core;

/// The time between two attempts to reach a router.
const REDIAL_DELAY: Duration = Duration::from_millis(100);

/// Both directions of one stream to a router.
pub type RouterStreams = (mpsc::Sender<ToRouter>, mpsc::Receiver<ToGateway>);

type Dial = dyn Fn(StreamKind) -> BoxFuture<'static, Option<RouterStreams>> + Send + Sync;

/// How one router is reached. Dialling again after a stream has ended is the gateway's business.
#[derive(Clone)]
pub struct RouterDialer(Arc<Dial>);

impl RouterDialer {
    /// `dial` opens a stream of the kind to the router, or gives `None` if it cannot be reached now.
    pub fn new<F>(dial: F) -> Self
    where
        F: Fn(StreamKind) -> BoxFuture<'static, Option<RouterStreams>> + Send + Sync + 'static,
    {
        Self(Arc::new(dial))
    }
}

impl fmt::Debug for RouterDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouterDialer")
    }
}

/// The machine, shared with the shards. Whoever leaves outputs behind wakes its driver.
#[derive(Debug)]
pub(crate) struct Directory(pub(crate) SharedDirectory);

impl Directory {
    pub(crate) fn new(machine: GatewayDirectory) -> Self {
        Self(SharedDirectory {
            directory: Arc::new(Mutex::new(machine)),
            changed: Arc::new(Notify::new()),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, GatewayDirectory> {
        self.0
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// There are outputs to be polled, or a deadline has come nearer.
    pub(crate) fn changed(&self) {
        self.0.changed.notify_one();
    }
}

enum Event {
    Dialled(ReplicaId, StreamKind, Option<RouterStreams>),
    Said(StreamId, Option<ToGateway>, mpsc::Receiver<ToGateway>),
}

struct Driver {
    core: Arc<Core>,
    routers: Vec<RouterDialer>,
    streams: HashMap<StreamId, mpsc::Sender<ToRouter>>,
    events: FuturesUnordered<BoxFuture<'static, Event>>,
}

/// Drives the directory until the node ends.
pub(crate) async fn drive(
    core: Arc<Core>,
    routers: Vec<RouterDialer>,
    synced: watch::Sender<bool>,
) {
    let mut driver = Driver {
        core,
        routers,
        streams: HashMap::new(),
        events: FuturesUnordered::new(),
    };
    for router in 0..driver.routers.len() {
        for kind in [StreamKind::Report, StreamKind::Watch] {
            driver.dial(ReplicaId(router as u32), kind, Duration::ZERO);
        }
    }
    loop {
        let deadline = driver.drain().await;
        let ready =
            driver.routers.is_empty() || driver.core.directory.lock().is_ready(Instant::now());
        synced.send_if_modified(|synced| std::mem::replace(synced, ready) != ready);
        let timeout = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let core = Arc::clone(&driver.core);
        tokio::select! {
            () = core.directory.0.changed.notified() => {}
            Some(event) = driver.events.next(), if !driver.events.is_empty() => driver.handle(event),
            () = timeout => core.directory.lock().handle_timeout(Instant::now()),
        }
    }
}

impl Driver {
    fn dial(&mut self, replica: ReplicaId, kind: StreamKind, delay: Duration) {
        let Some(router) = self.routers.get(replica.0 as usize).cloned() else {
            return;
        };
        self.events.push(Box::pin(async move {
            tokio::time::sleep(delay).await;
            Event::Dialled(replica, kind, (router.0)(kind).await)
        }));
    }

    fn listen(&mut self, stream: StreamId, mut messages: mpsc::Receiver<ToGateway>) {
        self.events.push(Box::pin(async move {
            let message = messages.recv().await;
            Event::Said(stream, message, messages)
        }));
    }

    fn handle(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Dialled(replica, kind, Some((sender, messages))) => {
                let stream = self.core.directory.lock().connected(replica, kind, now);
                self.streams.insert(stream, sender);
                self.listen(stream, messages);
            }
            Event::Dialled(replica, kind, None) => self.dial(replica, kind, REDIAL_DELAY),
            // Closed by this side before: it is being dialled again already.
            Event::Said(stream, ..) if !self.streams.contains_key(&stream) => {}
            Event::Said(stream, Some(message), mut messages) => {
                let mut directory = self.core.directory.lock();
                directory.handle(stream, message, now);
                // What is there already is taken along: an answer is worth more the earlier it is read.
                while let Ok(message) = messages.try_recv() {
                    directory.handle(stream, message, now);
                }
                drop(directory);
                self.listen(stream, messages);
            }
            Event::Said(stream, None, _) => self.lost(stream),
        }
    }

    fn lost(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
        self.core
            .directory
            .lock()
            .disconnected(stream, Instant::now());
        self.dial(stream.replica(), stream.kind(), REDIAL_DELAY);
    }

    /// Does what the machine wants; says when it wants to be called again.
    async fn drain(&mut self) -> Option<Instant> {
        loop {
            let (outputs, deadline) = {
                let mut directory = self.core.directory.lock();
                let outputs: Vec<_> = std::iter::from_fn(|| directory.poll_output()).collect();
                (outputs, directory.poll_timeout())
            };
            if outputs.is_empty() {
                return deadline;
            }
            let mut visible = Vec::new();
            for output in outputs {
                self.carry_out(output, &mut visible);
            }
            tell(&self.core, visible).await;
        }
    }

    fn carry_out(&mut self, output: Output, visible: &mut Vec<ChangeId>) {
        match output {
            Output::ToRouter { stream, message } => {
                let Some(sender) = self.streams.get(&stream) else {
                    return;
                };
                if sender.try_send(message).is_err() {
                    tracing::warn!(replica = stream.replica().0, kind = ?stream.kind(), "a router does not keep up, or is gone");
                    self.lost(stream);
                }
            }
            Output::Close { stream, reason } => {
                tracing::warn!(replica = stream.replica().0, %reason, "a stream to a router is closed");
                self.streams.remove(&stream);
                self.dial(stream.replica(), stream.kind(), REDIAL_DELAY);
            }
            Output::Visible(change) => visible.push(change),
            Output::Resolved(lookup, resolution) => self.core.lookups.resolved(lookup, resolution),
        }
    }
}

/// Any shard may wait for any change.
async fn tell(core: &Core, visible: Vec<ChangeId>) {
    if visible.is_empty() {
        return;
    }
    for shard in 0..core.shards.count() {
        core.shards
            .send(shard, Command::Visible(visible.clone()))
            .await;
    }
}
