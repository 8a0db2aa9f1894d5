//! The carrier between nodes of one process.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hubplane_backplane_stream::{DecodeError, Destination, Envelope, Heartbeat};
use hubplane_proto_ids::NodeId;
use tokio::sync::mpsc;

use crate::carrier::Kind;
use crate::subject::Subjects;
use crate::{Carrier, CarrierDown, Inbound, Received, Stats};

/// Nodes here never connect anew, and have one attempt only.
const ATTEMPT: u32 = 1;

/// Joins nodes of one process. A clone is the same bus.
#[derive(Debug, Clone)]
pub struct MemoryBus(Arc<Bus>);

struct Bus {
    subjects: Subjects,
    control: String,
    serialised: bool,
    /// Held for a moment by every publication, which makes their order the same for all. Hook and counters included.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// By subject.
    listeners: HashMap<String, Vec<Listener>>,
    fault: Option<FaultHook>,
    /// What has been published, from and to whom; counted while there is a hook.
    crossings: BTreeMap<(NodeId, NodeId, Contents), u64>,
}

type FaultHook = Box<dyn FnMut(&Crossing<'_>) -> Fault + Send>;

struct Listener {
    node: NodeId,
    queue: mpsc::Sender<Item>,
    end: Arc<End>,
}

/// What both ends of a node share.
#[derive(Debug, Default)]
struct End {
    left: AtomicBool,
    published: AtomicU64,
    beats: AtomicU64,
    received: AtomicU64,
    heard: AtomicU64,
    overflowed: AtomicU64,
    malformed: AtomicU64,
}

/// One thing on its way.
#[derive(Debug, Clone)]
enum Item {
    Value(Received),
    Encoded(Contents, Bytes),
}

/// What is about to be put into a node's queue, as a fault hook sees it.
#[derive(Debug)]
pub struct Crossing<'a> {
    /// Who published it.
    pub from: &'a NodeId,
    /// Who would receive it.
    pub to: &'a NodeId,
    /// What it is.
    pub contents: Contents,
    /// Its place, from 1, among those of the same three since the hook was set.
    pub nth: u64,
}

/// What crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contents {
    /// A message of a stream.
    Envelope,
    /// A node's word to all.
    Heartbeat,
}

/// What happens to a crossing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it arrives.
    Deliver,
    /// It is lost, as a broker loses.
    Drop,
}

impl MemoryBus {
    /// A bus on which contents cross as the values that they are: nothing is encoded, bodies are shared.
    #[expect(clippy::new_without_default, reason = "it has a sibling, `serialised`")]
    pub fn new() -> Self {
        Self::build(false)
    }

    /// A bus on which contents cross encoded, as they do between processes.
    pub fn serialised() -> Self {
        Self::build(true)
    }

    fn build(serialised: bool) -> Self {
        let subjects = Subjects::new("hubplane", "memory");
        Self(Arc::new(Bus {
            control: subjects.control(),
            subjects,
            serialised,
            table: Mutex::default(),
        }))
    }

    /// A node's two ends, with an inbound queue for this many (at least one). Who joined as the same generation before has left by
    /// that.
    pub fn join(&self, node: NodeId, capacity: usize) -> (Carrier, Inbound) {
        let (queue, items) = mpsc::channel(capacity.max(1));
        let end = Arc::new(End::default());
        let mut table = self.0.table();
        table.remove(|listener| listener.node == node);
        let own = self.0.subjects.gateway(&node, ATTEMPT);
        for subject in [own, self.0.control.clone()] {
            let listener = Listener {
                node: node.clone(),
                queue: queue.clone(),
                end: Arc::clone(&end),
            };
            table.listeners.entry(subject).or_default().push(listener);
        }
        drop(table);
        let carrier = MemoryCarrier {
            node,
            bus: Arc::clone(&self.0),
            end: Arc::clone(&end),
        };
        let inbound = MemoryInbound {
            items,
            bus: Arc::clone(&self.0),
            end,
        };
        (Carrier::Memory(carrier), Inbound(Kind::Memory(inbound)))
    }

    /// Asks this from now on what happens to each crossing, instead of what was asked before. It must not use the bus.
    pub fn set_fault(&self, hook: impl FnMut(&Crossing<'_>) -> Fault + Send + 'static) {
        let mut table = self.0.table();
        table.crossings.clear();
        table.fault = Some(Box::new(hook));
    }

    /// Everything arrives again.
    pub fn clear_fault(&self) {
        self.0.table().fault = None;
    }
}

impl Bus {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A hook that panicked has left no half-done change.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, from: &NodeId, subject: &str, contents: Contents, item: &Item) {
        let mut table = self.table();
        let Table {
            listeners,
            fault,
            crossings,
        } = &mut *table;
        // Who listens nowhere has gone, or has not come yet.
        for listener in listeners.get(subject).into_iter().flatten() {
            if let Some(hook) = fault {
                let key = (from.clone(), listener.node.clone(), contents);
                let nth = crossings.entry(key).or_default();
                *nth += 1;
                let crossing = Crossing {
                    from,
                    to: &listener.node,
                    contents,
                    nth: *nth,
                };
                if hook(&crossing) == Fault::Drop {
                    continue;
                }
            }
            if let Err(mpsc::error::TrySendError::Full(_)) = listener.queue.try_send(item.clone()) {
                count(&listener.end.overflowed);
            }
        }
    }
}

impl Table {
    fn remove(&mut self, which: impl Fn(&Listener) -> bool) {
        for listeners in self.listeners.values_mut() {
            for listener in listeners.extract_if(.., |listener| which(listener)) {
                listener.end.left.store(true, Ordering::Relaxed);
            }
        }
        self.listeners.retain(|_, listeners| !listeners.is_empty());
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Bus");
        debug.field("serialised", &self.serialised);
        debug.finish_non_exhaustive()
    }
}

/// One node's publishing end on a [`MemoryBus`].
#[derive(Debug)]
pub struct MemoryCarrier {
    node: NodeId,
    bus: Arc<Bus>,
    end: Arc<End>,
}

impl MemoryCarrier {
    pub(crate) fn publish(&self, to: &Destination, envelope: &Envelope) -> Result<(), CarrierDown> {
        self.up()?;
        let Destination::Gateway(receiver) = to;
        let subject = self.bus.subjects.gateway(receiver, ATTEMPT);
        let item = if self.bus.serialised {
            Item::Encoded(Contents::Envelope, envelope.encode())
        } else {
            Item::Value(Received::Envelope(envelope.clone()))
        };
        count(&self.end.published);
        let contents = Contents::Envelope;
        self.bus.publish(&self.node, &subject, contents, &item);
        Ok(())
    }

    pub(crate) fn beat(&self, heartbeat: &Heartbeat) -> Result<(), CarrierDown> {
        self.up()?;
        let item = if self.bus.serialised {
            Item::Encoded(Contents::Heartbeat, heartbeat.encode())
        } else {
            Item::Value(Received::Heartbeat(heartbeat.clone()))
        };
        count(&self.end.beats);
        let contents = Contents::Heartbeat;
        let subject = &self.bus.control;
        self.bus.publish(&self.node, subject, contents, &item);
        Ok(())
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            published: read(&self.end.published),
            beats: read(&self.end.beats),
            received: read(&self.end.received),
            heard: read(&self.end.heard),
            overflowed: read(&self.end.overflowed),
            malformed: read(&self.end.malformed),
        }
    }

    /// A node that has left the bus is cut off from it.
    fn up(&self) -> Result<(), CarrierDown> {
        if self.end.left.load(Ordering::Relaxed) {
            return Err(CarrierDown);
        }
        Ok(())
    }
}

/// One node's receiving end on a [`MemoryBus`].
#[derive(Debug)]
pub(crate) struct MemoryInbound {
    items: mpsc::Receiver<Item>,
    bus: Arc<Bus>,
    end: Arc<End>,
}

impl MemoryInbound {
    /// Cancel safe: nothing is waited for but the queue.
    pub(crate) async fn recv(&mut self) -> Option<Received> {
        loop {
            match self.items.recv().await?.open() {
                Ok(received) => {
                    count(match &received {
                        Received::Envelope(_) => &self.end.received,
                        Received::Heartbeat(_) => &self.end.heard,
                    });
                    return Some(received);
                }
                Err(error) => {
                    count(&self.end.malformed);
                    tracing::warn!(%error, "dropped what another node published");
                }
            }
        }
    }
}

impl Drop for MemoryInbound {
    fn drop(&mut self) {
        let mut table = self.bus.table();
        table.remove(|listener| Arc::ptr_eq(&listener.end, &self.end));
    }
}

impl Item {
    fn open(self) -> Result<Received, DecodeError> {
        Ok(match self {
            Self::Value(received) => received,
            Self::Encoded(Contents::Envelope, bytes) => {
                Received::Envelope(Envelope::decode(bytes)?)
            }
            Self::Encoded(Contents::Heartbeat, bytes) => {
                Received::Heartbeat(Heartbeat::decode(bytes)?)
            }
        })
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
