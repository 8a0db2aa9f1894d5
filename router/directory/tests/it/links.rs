//! One stream between a gateway and a router: two queues, in order, each as late as the test wants.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hubplane_router_directory::message::{StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{SessionId, StreamId};

/// The way from one gateway to one router for one kind of stream, through all its lives.
pub(crate) struct Link {
    pub(crate) gateway: usize,
    pub(crate) router: usize,
    pub(crate) kind: StreamKind,
    /// The gateway's end, while the gateway believes that it is open.
    pub(crate) stream: Option<StreamId>,
    /// The router's end, while bytes arrive there.
    pub(crate) session: Option<SessionId>,
    pub(crate) up: Lane<ToRouter>,
    pub(crate) down: Lane<ToGateway>,
    /// When the gateway notices that the stream has ended.
    pub(crate) noticed_at: Option<Instant>,
    /// When the gateway dials.
    pub(crate) dial_at: Option<Instant>,
}

/// One direction of a stream.
pub(crate) struct Lane<M> {
    queue: VecDeque<(Instant, M)>,
    last_due_at: Option<Instant>,
    /// What every message takes on top of the usual.
    pub(crate) slower_by: Duration,
    /// Nothing arrives before.
    pub(crate) stuck_until: Option<Instant>,
}

impl<M> Default for Lane<M> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            last_due_at: None,
            slower_by: Duration::ZERO,
            stuck_until: None,
        }
    }
}

impl<M> Lane<M> {
    pub(crate) fn send(&mut self, message: M, now: Instant, delay: Duration) {
        let due_at = self.last_due_at.max(Some(now + delay + self.slower_by));
        self.last_due_at = due_at;
        self.queue.push_back((due_at.unwrap_or(now), message));
    }

    /// What no stream does: a message that goes past those before it.
    pub(crate) fn overtake(&mut self, message: M, now: Instant, delay: Duration) {
        self.queue.push_front((now + delay, message));
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        let (due_at, _) = self.queue.front()?;
        Some(self.stuck_until.map_or(*due_at, |until| until.max(*due_at)))
    }

    pub(crate) fn receive(&mut self) -> Option<M> {
        self.queue.pop_front().map(|(_, message)| message)
    }

    /// What was on its way is lost; a new life of the stream has its own order.
    pub(crate) fn lose(&mut self) {
        self.queue.clear();
        self.last_due_at = None;
    }
}

impl Link {
    pub(crate) fn new(gateway: usize, router: usize, kind: StreamKind, dial_at: Instant) -> Self {
        Self {
            gateway,
            router,
            kind,
            stream: None,
            session: None,
            up: Lane::default(),
            down: Lane::default(),
            noticed_at: None,
            dial_at: Some(dial_at),
        }
    }

    pub(crate) fn lose(&mut self) {
        self.up.lose();
        self.down.lose();
    }
}
