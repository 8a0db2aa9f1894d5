use std::collections::BTreeMap;
use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::Timers;

/// The other gateways that are live: heard within the lease, or listed by a router.
#[derive(Debug)]
pub(crate) struct Live {
    me: NodeId,
    heard_at: BTreeMap<NodeId, Instant>,
    /// By how many routers a gateway is listed.
    listed: BTreeMap<NodeId, u32>,
    all: Vec<NodeId>,
    /// When a gateway may stop being live; never too late.
    due_at: Option<Instant>,
}

impl Live {
    pub(crate) fn new(me: NodeId) -> Self {
        Self {
            me,
            heard_at: BTreeMap::new(),
            listed: BTreeMap::new(),
            all: Vec::new(),
            due_at: None,
        }
    }

    /// In order, this gateway not among them.
    pub(crate) fn all(&self) -> &[NodeId] {
        &self.all
    }

    pub(crate) fn is_live(&self, node: &NodeId, now: Instant, timers: &Timers) -> bool {
        let heard_at = self.heard_at.get(node);
        heard_at.is_some_and(|at| now < *at + timers.lease) || self.listed.contains_key(node)
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// Whether another gateway is live now.
    pub(crate) fn heard(&mut self, node: &NodeId, now: Instant, timers: &Timers) -> bool {
        if *node == self.me {
            return false;
        }
        if let Some(at) = self.heard_at.get_mut(node) {
            *at = now;
            return false;
        }
        self.heard_at.insert(node.clone(), now);
        self.refresh(now, timers)
    }

    /// A router lists the gateway. Whether another gateway is live now.
    pub(crate) fn list(&mut self, node: &NodeId, now: Instant, timers: &Timers) -> bool {
        if *node == self.me {
            return false;
        }
        *self.listed.entry(node.clone()).or_default() += 1;
        self.refresh(now, timers)
    }

    /// A router no longer lists the gateway. Whether one gateway less is live now.
    pub(crate) fn unlist(&mut self, node: &NodeId, now: Instant, timers: &Timers) -> bool {
        let Some(routers) = self.listed.get_mut(node) else {
            return false;
        };
        *routers -= 1;
        if *routers == 0 {
            self.listed.remove(node);
        }
        self.refresh(now, timers)
    }

    /// Whether the set changed.
    pub(crate) fn expire(&mut self, now: Instant, timers: &Timers) -> bool {
        self.due_at.is_some_and(|due| due <= now) && self.refresh(now, timers)
    }

    fn refresh(&mut self, now: Instant, timers: &Timers) -> bool {
        self.heard_at.retain(|_, at| now < *at + timers.lease);
        self.due_at = self.heard_at.values().min().map(|at| *at + timers.lease);
        let mut all: Vec<_> = self.heard_at.keys().cloned().collect();
        all.extend(self.listed.keys().cloned());
        all.sort_unstable();
        all.dedup();
        if all == self.all {
            return false;
        }
        self.all = all;
        true
    }
}
