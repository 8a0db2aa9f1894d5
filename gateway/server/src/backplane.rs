//! The streams of this gateway over their carrier.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_backplane_carrier::{Carrier, Inbound, Received};
use hubplane_backplane_stream::{
    FetchFailed, FetchRequest, FetchResponse, Limits, Number, Output, Stats, Streams,
};
use hubplane_proto_ids::NodeId;
use hubplane_proto_link::codec;
use tokio::sync::Notify;

use crate::core::Core;

/// How many deliveries are taken from the machine before the carrier is looked at again.
const DELIVERIES_PER_TURN: usize = 256;

/// The streams, and what carries them.
///
/// Numbering and publishing happen under one lock, so that the carrier sees a stream in its order.
#[derive(Debug)]
pub(crate) struct Backplane {
    state: Mutex<State>,
    /// A deadline may have come nearer.
    touched: Notify,
    /// Something was put to the shards.
    progress: Notify,
}

#[derive(Debug)]
struct State {
    streams: Streams,
    carrier: Carrier,
    /// What the streams want of the task that drives them.
    wanted: VecDeque<Wanted>,
    /// Up to which number each origin's messages were put to the shards.
    posted: HashMap<NodeId, Number>,
}

#[derive(Debug)]
enum Wanted {
    Deliver {
        origin: NodeId,
        body: Bytes,
    },
    Fetch {
        origin: NodeId,
        request: FetchRequest,
    },
}

impl State {
    /// Publishes what is to be published, keeps the rest for the driver.
    fn drain(&mut self) {
        while let Some(output) = self.streams.poll_output() {
            match output {
                Output::Publish { to, envelope } => {
                    if let Err(error) = self.carrier.publish(&to, &envelope) {
                        tracing::debug!(?to, %error, "not published; the receiver fetches it");
                    }
                }
                Output::Deliver { origin, body, .. } => {
                    self.wanted.push_back(Wanted::Deliver { origin, body })
                }
                Output::Fetch { origin, request } => {
                    self.wanted.push_back(Wanted::Fetch { origin, request })
                }
                Output::Skipped {
                    origin,
                    count,
                    reason,
                } => {
                    tracing::warn!(%origin, count, ?reason, "messages of another gateway are lost");
                }
            }
        }
    }
}

impl Backplane {
    pub(crate) fn new(node: NodeId, carrier: Carrier) -> Self {
        let streams = Streams::new(node, Limits::default());
        let state = State {
            streams,
            carrier,
            wanted: VecDeque::new(),
            posted: HashMap::new(),
        };
        Self {
            state: Mutex::new(state),
            touched: Notify::new(),
            progress: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the body a number in the stream of each target, and publishes it.
    pub(crate) fn send(&self, targets: &[NodeId], body: Bytes) {
        let mut state = self.lock();
        state.streams.send(targets, body, Instant::now());
        state.drain();
        drop(state);
        self.touched.notify_one();
    }

    pub(crate) fn fetch(&self, request: &FetchRequest) -> Result<FetchResponse, FetchFailed> {
        self.lock().streams.fetch(request)
    }

    pub(crate) fn last_number_to(&self, node: &NodeId) -> Number {
        self.lock().streams.last_number_to(node)
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().streams.stats()
    }

    /// Waits until everything up to `number` from that origin was put to the shards. Cancel safe.
    pub(crate) async fn posted(&self, origin: &NodeId, number: Number) {
        loop {
            let progress = self.progress.notified();
            let mut progress = std::pin::pin!(progress);
            progress.as_mut().enable();
            if self
                .lock()
                .posted
                .get(origin)
                .copied()
                .unwrap_or(Number::ZERO)
                >= number
            {
                return;
            }
            progress.await;
        }
    }
}

/// Drives the streams of a gateway until its carrier ends.
pub(crate) async fn drive(core: Arc<Core>, mut inbound: Inbound) {
    let mut fetches = FuturesUnordered::new();
    // The first one says that this gateway is there.
    beat(&core);
    loop {
        let (work, deadline) = {
            let mut state = core.backplane.lock();
            state.drain();
            let count = state.wanted.len().min(DELIVERIES_PER_TURN);
            (
                state.wanted.drain(..count).collect::<Vec<_>>(),
                state.streams.poll_timeout(),
            )
        };
        let more = work.len() == DELIVERIES_PER_TURN;
        for wanted in work {
            match wanted {
                Wanted::Deliver { origin, body } => deliver(&core, &origin, &body).await,
                Wanted::Fetch { origin, request } => {
                    let relay = core.relay.clone();
                    fetches.push(async move {
                        let response = relay.fetch(&origin, request).await;
                        (origin, response.unwrap_or(Err(FetchFailed::Unanswered)))
                    });
                }
            }
        }
        if more {
            continue;
        }
        post(&core);
        let timeout = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = inbound.recv() => match received {
                Some(received) => arrived(&core, received),
                None => return,
            },
            Some((origin, response)) = fetches.next(), if !fetches.is_empty() => {
                core.backplane.lock().streams.fetched(&origin, response, Instant::now());
            }
            () = timeout => beat(&core),
            () = core.backplane.touched.notified() => {}
        }
    }
}

fn arrived(core: &Core, received: Received) {
    let now = Instant::now();
    let mut state = core.backplane.lock();
    match received {
        Received::Envelope(envelope) => state.streams.receive(envelope, now),
        Received::Heartbeat(heartbeat) => {
            state.streams.heard(&heartbeat, now);
            drop(state);
            core.directory.lock().heard(&heartbeat.origin, now);
        }
    }
}

fn beat(core: &Core) {
    let now = Instant::now();
    let mut state = core.backplane.lock();
    state.streams.handle_timeout(now);
    if let Some(heartbeat) = state.streams.heartbeat(now)
        && let Err(error) = state.carrier.beat(&heartbeat)
    {
        tracing::debug!(%error, "a heartbeat was not published");
    }
}

async fn deliver(core: &Core, origin: &NodeId, body: &[u8]) {
    match codec::decode(body) {
        Ok(delivery) => core.deliver(delivery).await,
        Err(error) => {
            tracing::error!(%origin, %error, "a message of another gateway cannot be read")
        }
    }
}

/// Tells who waits how far the messages of each origin have come; called when nothing is left to deliver.
fn post(core: &Core) {
    let mut state = core.backplane.lock();
    if !state.wanted.is_empty() {
        return;
    }
    let State {
        streams, posted, ..
    } = &mut *state;
    for origin in streams.origins() {
        posted.insert(origin.clone(), streams.delivered_from(origin));
    }
    drop(state);
    core.backplane.progress.notify_waiters();
}
