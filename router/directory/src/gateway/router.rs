use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::message::{Hello, Layout};
use crate::{Key, Timers};

/// The number of a [`Router`], never used again.
pub(crate) type RouterRef = u32;

/// One generation of a router that this gateway reports to, or reported to lately.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) node: NodeId,
    pub(crate) layout: Layout,
    pub(crate) is_connected: bool,
    /// When its last stream ended.
    pub(crate) ended_at: Instant,
    /// When this gateway last answered one of its pings; none while nobody waits for it.
    pub(crate) answered_at: Option<Instant>,
    /// It is draining: nobody uses what it said.
    pub(crate) is_released: bool,
    /// It holds everything that was reported.
    pub(crate) is_complete: bool,
    /// The number that ended the snapshot, until it is visible.
    pub(crate) snapshot_end: Option<u64>,
    /// It applied every change for it up to this number.
    pub(crate) applied: u64,
    /// The last change, or end of a snapshot, that was written to it.
    pub(crate) sent: u64,
    /// The last change of which is known whether it was for this router.
    pub(crate) considered: u64,
    /// Every change up to this number is either applied or for other routers.
    pub(crate) settled: u64,
}

impl Router {
    /// One that says hello for the first time.
    pub(crate) fn new(hello: &Hello, now: Instant) -> Self {
        Self {
            node: hello.router.clone(),
            layout: hello.layout,
            is_connected: true,
            ended_at: now,
            answered_at: None,
            is_released: false,
            is_complete: false,
            snapshot_end: None,
            applied: 0,
            sent: 0,
            considered: 0,
            settled: 0,
        }
    }

    pub(crate) fn knows(&self, key: &Key) -> bool {
        key.shard(self.layout.shards) == self.layout.shard()
    }

    pub(crate) fn is_waited_for(&self, now: Instant, timers: &Timers) -> bool {
        let waited = |at| now < at + timers.silent_replica;
        !self.is_released && self.answered_at.is_some_and(waited)
    }

    /// Notes what is settled now: everything considered, or only what it said that it applied.
    pub(crate) fn settle(&mut self) {
        let all_applied = self.applied >= self.sent;
        let settled = if all_applied { self.considered } else { 0 };
        self.settled = self.settled.max(settled).max(self.applied);
    }

    /// Whether it may go on where it was when its stream breaks.
    pub(crate) fn may_resume(&self) -> bool {
        self.is_complete || self.snapshot_end.is_some()
    }
}
