use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use hashbrown::HashMap;
use hubplane_proto_ids::ConnectionId;
use hubplane_router_directory::ChangeId;
use slab::Slab;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::coop::unconstrained;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::entry::Entry;
use crate::groups::Waiter;
use crate::links::Links;
use crate::metrics::{Metrics, Published};
use crate::ready::ReadyList;
use crate::sets::Sets;
use crate::transport::Pings;
use crate::wheel::Wheel;
use crate::{Command, ShardOptions, SharedDirectory, SharedPresence};

/// All sockets of a shard are read into one buffer of this length, in bytes.
const SCRATCH_BYTES: usize = 64 * 1024;

/// One thread's connections, and the loop over them.
pub(crate) struct Shard {
    pub(crate) index: u8,
    pub(crate) options: ShardOptions,
    pub(crate) directory: SharedDirectory,
    pub(crate) presence: SharedPresence,
    pub(crate) entries: Slab<Entry>,
    pub(crate) ids: HashMap<ConnectionId, usize>,
    /// Connections that are over, and whose clients have not asked for their end yet.
    pub(crate) parted: HashMap<ConnectionId, usize>,
    pub(crate) sets: Sets,
    pub(crate) links: Links,
    pub(crate) wheel: Wheel,
    /// What waits for which change of the directory to be visible.
    pub(crate) waiters: HashMap<ChangeId, Vec<Waiter>>,
    pub(crate) ready: Arc<ReadyList>,
    /// Wires to look at, in the order in which they became ready.
    pub(crate) to_read: VecDeque<usize>,
    /// Wires to write to that have got something in this turn.
    pub(crate) dirty: VecDeque<usize>,
    /// Wires to write to that an earlier turn had no time for.
    pub(crate) dirty_before: VecDeque<usize>,
    pub(crate) scratch: Box<[u8]>,
    /// One Ping for all connections of a format.
    pub(crate) pings: Pings,
    pub(crate) serial: u64,
    /// The time of this turn.
    pub(crate) now: Instant,
    pub(crate) metrics: Metrics,
    published: Arc<Published>,
    /// Taken from the inbox and not carried out yet, in order.
    commands: VecDeque<Command>,
    taken: Vec<Command>,
    due: Vec<(u64, usize)>,
}

/// What the loop sleeps on.
struct Sources {
    inbox: mpsc::Receiver<Command>,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    sleep: Pin<Box<Sleep>>,
}

/// Why the loop woke up.
#[derive(PartialEq, Eq)]
enum Woken {
    Work,
    Stop,
}

impl Shard {
    /// Runs a shard on the current thread until its handles are gone or the node ends.
    pub(crate) fn start(
        index: u8,
        options: ShardOptions,
        shared: (SharedDirectory, SharedPresence),
        published: Arc<Published>,
        inbox: mpsc::Receiver<Command>,
        cancelled: CancellationToken,
    ) -> io::Result<()> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build_local(LocalOptions::default())?;
        runtime.block_on(async move {
            let now = Instant::now();
            let sources = Sources {
                inbox,
                cancelled: Box::pin(cancelled.cancelled_owned()),
                sleep: Box::pin(tokio::time::sleep_until(now.into())),
            };
            let shard = Self::new(index, options, shared, published, now);
            // The loop bounds each turn itself, and lets the driver run between turns.
            unconstrained(shard.run(sources)).await;
        });
        Ok(())
    }

    fn new(
        index: u8,
        options: ShardOptions,
        shared: (SharedDirectory, SharedPresence),
        published: Arc<Published>,
        now: Instant,
    ) -> Self {
        let (directory, presence) = shared;
        Self {
            index,
            options,
            directory,
            presence,
            entries: Slab::new(),
            ids: HashMap::new(),
            parted: HashMap::new(),
            sets: Sets::default(),
            links: Links::default(),
            wheel: Wheel::new(now),
            waiters: HashMap::new(),
            ready: Arc::default(),
            to_read: VecDeque::new(),
            dirty: VecDeque::new(),
            dirty_before: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into(),
            pings: Pings::new(),
            serial: 0,
            now,
            metrics: Metrics::default(),
            published,
            commands: VecDeque::new(),
            taken: Vec::new(),
            due: Vec::new(),
        }
    }

    async fn run(mut self, mut sources: Sources) {
        loop {
            let mut slept = false;
            let woken = poll_fn(|cx| {
                let polled = self.poll_work(&mut sources, cx);
                slept |= polled.is_pending();
                polled
            })
            .await;
            if woken == Woken::Stop {
                return self.stop();
            }
            self.turn();
            if !slept {
                // There was work without sleep: what the sockets have to say is looked at between turns all the same.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Collects what there is to do; pending, with this loop's waker in all the right places, if there is nothing.
    fn poll_work(&mut self, sources: &mut Sources, cx: &mut Context<'_>) -> Poll<Woken> {
        self.ready.register(cx.waker());
        self.ready.take(&mut self.to_read);
        if sources.cancelled.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Woken::Stop);
        }
        let mut work = self.has_work();
        // The inbox stays full, and its senders wait, while there is enough to do.
        let commands_max = self.options.commands_per_turn_max.max(1);
        if self.commands.is_empty() {
            match sources
                .inbox
                .poll_recv_many(cx, &mut self.taken, commands_max)
            {
                Poll::Ready(0) => return Poll::Ready(Woken::Stop),
                Poll::Ready(_) => work = true,
                Poll::Pending => {}
            }
            self.commands.extend(self.taken.drain(..));
        }
        let mut handed = Vec::new();
        self.links.poll(cx, &mut handed);
        for ((place, serial), outcome) in handed {
            self.now = Instant::now();
            self.frame_handed(place, serial, outcome);
            work = true;
        }
        if let Some(next) = self.wheel.next() {
            if sources.sleep.deadline().into_std() != next {
                sources.sleep.as_mut().reset(next.into());
            }
            work |= sources.sleep.as_mut().poll(cx).is_ready();
        }
        if work {
            Poll::Ready(Woken::Work)
        } else {
            Poll::Pending
        }
    }

    fn has_work(&self) -> bool {
        let lines = [&self.to_read, &self.dirty, &self.dirty_before];
        !self.commands.is_empty() || lines.iter().any(|line| !line.is_empty())
    }

    fn turn(&mut self) {
        self.now = Instant::now();
        let mut due = std::mem::take(&mut self.due);
        self.wheel.fire(self.now, &mut due);
        for (tick, place) in due.drain(..) {
            self.look_at_the_clock(place, tick);
        }
        self.due = due;

        while let Some(command) = self.commands.pop_front() {
            self.carry_out(command);
            if self.now.elapsed() > self.options.command_time_max {
                break;
            }
        }

        for _ in 0..self.options.reads_per_turn_max.max(1) {
            let Some(place) = self.to_read.pop_front() else {
                break;
            };
            self.look_at_wire(place);
        }
        self.flush_dirty();

        self.metrics.turns += 1;
        self.metrics.connections = (self.ids.len() + self.parted.len()) as u64;
        self.metrics.memberships = self.sets.memberships() as u64;
        self.published.write(self.metrics);
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Attach(attach) => self.attach(*attach),
            Command::Deliver(message) => self.deliver(&message),
            Command::FromHub(frame) => self.answer_of_hub(frame),
            // Whoever asked may have given up.
            Command::Resumption { connection, reply } => {
                self.resumption(&connection)
                    .map(|resumption| reply.send(resumption));
            }
            Command::Resume(resume) => self.take_over(*resume),
            Command::Post {
                connection,
                bytes,
                reply,
            } => self.post(&connection, bytes, reply),
            Command::Poll { connection, reply } => self.poll(&connection, reply),
            Command::Delete(connection) => self.delete(&connection),
            Command::Ask(ask) => self.ask(*ask),
            Command::Forget(connection) => self.forget(&connection),
            // Whoever asked may have given up.
            Command::LookUp(query, reply) => drop(reply.send(self.look_up(&query))),
            Command::Close {
                connection,
                reason,
                allow_reconnect,
            } => {
                if let Some(place) = self.ids.get(&connection).copied() {
                    self.close(place, reason, allow_reconnect);
                }
            }
            Command::Join {
                connection,
                group,
                reply,
            } => self.join(&connection, group, reply),
            Command::Leave {
                connection,
                group,
                reply,
            } => self.leave(&connection, group, &reply),
            Command::Visible(changes) => self.visible(&changes),
            Command::Drain {
                connections_max,
                busy,
            } => self.drain(connections_max, busy),
        }
    }

    /// The node ends: whoever is still here is told to come back, as far as that goes without waiting.
    fn stop(mut self) {
        self.now = Instant::now();
        self.drain(usize::MAX, true);
        for place in self
            .entries
            .iter()
            .map(|(place, _)| place)
            .collect::<Vec<_>>()
        {
            self.flush(place);
        }
        let left: Vec<_> = self.entries.iter().map(|(place, _)| place).collect();
        for place in left {
            self.release_keys(place);
        }
        self.published.write(Metrics {
            connections: 0,
            memberships: 0,
            ..self.metrics
        });
    }
}
