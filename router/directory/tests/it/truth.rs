//! What must be so: who can rely on what, and a note of every promise broken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hubplane_proto_ids::NodeId;
use hubplane_router_directory::{
    ChangeId, Holders, Key, LookupId, NodeList, Resolution, Targets, Visibility,
};

/// A member of a key on a gateway, from the moment its add began to the moment its remove began.
type Membership = u64;

#[derive(Default)]
pub(crate) struct Truth {
    /// By key and gateway: shards that have members.
    shards: BTreeMap<(Key, usize), BTreeSet<u8>>,
    membership: BTreeMap<(Key, usize), Membership>,
    last_membership: Membership,
    /// Memberships whose add has returned.
    told: BTreeSet<Membership>,
    adds: BTreeMap<(usize, ChangeId), Add>,
    sends: BTreeMap<(usize, LookupId), Vec<Send>>,
    last_resolution: Option<(usize, LookupId, NodeList)>,
    pub(crate) untargeted: u64,
    pub(crate) violations: Vec<String>,
}

struct Add {
    since: Instant,
    memberships: Vec<Membership>,
}

struct Send {
    since: Instant,
    key: Key,
    /// Who has to be among the targets, as long as it stays a member.
    expected: Vec<(usize, Membership)>,
}

impl Truth {
    /// Whether the shard has no member yet, so that it may add its first.
    pub(crate) fn has(&self, key: &Key, gateway: usize, shard: u8) -> bool {
        self.shards
            .get(&(key.clone(), gateway))
            .is_some_and(|it| it.contains(&shard))
    }

    pub(crate) fn holders(&self, key: &Key) -> BTreeSet<usize> {
        let held = self.shards.iter().filter(|((it, _), _)| it == key);
        held.map(|((_, gateway), _)| *gateway).collect()
    }

    pub(crate) fn add(
        &mut self,
        key: &Key,
        gateway: usize,
        shard: u8,
        outcome: Visibility,
        now: Instant,
    ) {
        let place = (key.clone(), gateway);
        self.shards.entry(place.clone()).or_default().insert(shard);
        let membership = *self.membership.entry(place).or_insert_with(|| {
            self.last_membership += 1;
            self.last_membership
        });
        match outcome {
            Visibility::Visible => {
                self.told.insert(membership);
            }
            Visibility::Wait(change) => {
                let memberships = Vec::new();
                let since = now;
                let add = self
                    .adds
                    .entry((gateway, change))
                    .or_insert(Add { since, memberships });
                add.memberships.push(membership);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &Key, gateway: usize, shard: u8) {
        let place = (key.clone(), gateway);
        let Some(shards) = self.shards.get_mut(&place) else {
            return;
        };
        shards.remove(&shard);
        if shards.is_empty() {
            self.shards.remove(&place);
            self.membership.remove(&place);
        }
    }

    pub(crate) fn visible(&mut self, gateway: usize, change: ChangeId) {
        match self.adds.remove(&(gateway, change)) {
            Some(add) => self.told.extend(add.memberships),
            None => self.violations.push(format!(
                "{change:?} of gateway {gateway} is visible, but nobody waits"
            )),
        }
    }

    pub(crate) fn send(
        &mut self,
        key: &Key,
        gateway: usize,
        targets: Targets,
        nodes: &[NodeId],
        now: Instant,
    ) {
        let expected = self.expected(key, gateway);
        let key = key.clone();
        let send = Send {
            since: now,
            key,
            expected,
        };
        match targets {
            Targets::Wait(lookup) => self.sends.entry((gateway, lookup)).or_default().push(send),
            Targets::Known(targets) => self.check(gateway, &send, &targets, nodes),
            Targets::Untargeted(targets) => {
                self.untargeted += 1;
                self.check(gateway, &send, &targets, nodes);
            }
        }
    }

    pub(crate) fn ask(
        &mut self,
        key: &Key,
        gateway: usize,
        answer: Holders,
        nodes: &[NodeId],
        now: Instant,
    ) {
        let expected = self.expected(key, gateway);
        let send = Send {
            since: now,
            key: key.clone(),
            expected,
        };
        match answer {
            Holders::Wait(lookup) => self.sends.entry((gateway, lookup)).or_default().push(send),
            Holders::Nobody => self.check(gateway, &send, &[], nodes),
            Holders::Local | Holders::At(_) | Holders::Unknown => {}
        }
    }

    pub(crate) fn resolved(
        &mut self,
        gateway: usize,
        lookup: LookupId,
        it: &Resolution,
        nodes: &[NodeId],
    ) {
        let Some(sends) = self.sends.remove(&(gateway, lookup)) else {
            let text = format!("{lookup:?} of gateway {gateway} is resolved, but nobody waits");
            return self.violations.push(text);
        };
        self.last_resolution = Some((gateway, lookup, it.targets.clone()));
        for send in sends {
            self.untargeted += u64::from(it.untargeted);
            self.check(gateway, &send, &it.targets, nodes);
            if it.connection() == Holders::Nobody {
                self.check(gateway, &send, &[], nodes);
            }
        }
    }

    /// What the last lookup found, if it was this one.
    pub(crate) fn resolution(&self, gateway: usize, lookup: LookupId) -> Option<NodeList> {
        let (by, it, targets) = self.last_resolution.as_ref()?;
        (*by == gateway && *it == lookup).then(|| targets.clone())
    }

    /// Nothing may be waited for longer than this.
    pub(crate) fn check_patience(&mut self, now: Instant, add_max: Duration, send_max: Duration) {
        for ((gateway, change), add) in &self.adds {
            if now > add.since + add_max {
                self.violations.push(format!(
                    "{change:?} of gateway {gateway} is waited for too long"
                ));
            }
        }
        for ((gateway, lookup), sends) in &self.sends {
            if sends.iter().any(|it| now > it.since + send_max) {
                self.violations.push(format!(
                    "{lookup:?} of gateway {gateway} is waited for too long"
                ));
            }
        }
    }

    fn expected(&self, key: &Key, sender: usize) -> Vec<(usize, Membership)> {
        let memberships = self.membership.iter();
        memberships
            .filter(|((it, gateway), membership)| {
                it == key && *gateway != sender && self.told.contains(membership)
            })
            .map(|((_, gateway), membership)| (*gateway, *membership))
            .collect()
    }

    fn check(&mut self, sender: usize, send: &Send, targets: &[NodeId], nodes: &[NodeId]) {
        let mut sorted = targets.to_vec();
        sorted.sort();
        sorted.dedup();
        if sorted.len() != targets.len() || targets.contains(&nodes[sender]) {
            self.violations
                .push(format!("targets twice or the sender itself: {targets:?}"));
        }
        for (gateway, membership) in &send.expected {
            let is_member = self.membership.get(&(send.key.clone(), *gateway)) == Some(membership);
            if is_member && !targets.contains(&nodes[*gateway]) {
                self.violations.push(format!(
                    "a send by gateway {sender} to {} misses gateway {gateway}",
                    send.key
                ));
            }
        }
    }
}
