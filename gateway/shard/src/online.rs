//! Which users have connections here, for hubs that hear of presence. A machine without IO, and its place between the
//! shards and whoever drives it.
//!
//! A user is told as online by the gateway that got the first connection of all, and as offline by the one that lost the
//! last. So a gateway whose first connection of a user comes, or whose last one has been gone for a moment, asks the
//! others whether they speak for that user; of two that ask each other at the same time one gives way.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hubplane_proto_ids::{HubName, NodeId, UserId};
use tokio::sync::Notify;

/// How long a user without connections counts as online: who is back by then has not been away.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// A user of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubUser {
    /// The hub.
    pub hub: HubName,
    /// The user.
    pub user: UserId,
}

/// A question to the other gateways: does one of them speak for this user?
#[derive(Debug)]
pub struct AskOthers {
    /// About whom.
    pub of: HubUser,
    /// Whether the user has gone here, and not come.
    pub leaving: bool,
    number: u64,
}

/// Whether a gateway that was asked speaks for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// It has nothing to do with the user.
    No,
    /// It tells what is to be told, or finds out a moment later.
    Speaks,
    /// The user is online there, or was online all along.
    Online,
    /// Who asked tells: this one relies on that.
    You,
}

/// What hubs are to be told of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The user is online.
    Online,
    /// The user is offline.
    Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A first connection came, and the others are asked.
    Coming(Speaker),
    /// Told, by whomever.
    Online,
    /// The last connection has gone a moment ago.
    Lingering,
    /// It did not come back, and the others are asked.
    Going,
}

/// Who tells that a user is online, among those that ask each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    /// That depends on what the others say.
    Open,
    /// Another one, which asked.
    Other,
    /// This node: another one relies on it.
    Me,
}

#[derive(Debug)]
struct Here {
    connections: u64,
    state: State,
    /// Who leaves it to this node to tell the end, while it asks.
    relied: Vec<NodeId>,
    /// Of the last change of the state: what refers to an older one is out of date.
    number: u64,
}

/// The users of one node.
#[derive(Debug)]
pub struct OnlineUsers {
    me: NodeId,
    users: HashMap<HubUser, Here>,
    asks: VecDeque<AskOthers>,
    lingering: VecDeque<(Instant, HubUser, u64)>,
    last: u64,
}

impl OnlineUsers {
    /// Nobody yet, on this node.
    pub fn new(me: NodeId) -> Self {
        Self {
            me,
            users: HashMap::new(),
            asks: VecDeque::new(),
            lingering: VecDeque::new(),
            last: 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The user has one more connection here.
    pub fn came(&mut self, of: HubUser) {
        let number = self.number();
        if let Some(here) = self.users.get_mut(&of) {
            here.connections += 1;
            if matches!(here.state, State::Lingering | State::Going) {
                here.state = State::Online;
                here.number = number;
            }
            return;
        }
        let here = Here {
            connections: 1,
            state: State::Coming(Speaker::Open),
            relied: Vec::new(),
            number,
        };
        self.users.insert(of.clone(), here);
        self.asks.push_back(AskOthers {
            of,
            leaving: false,
            number,
        });
    }

    /// The user has one connection less here.
    pub fn went(&mut self, of: &HubUser, now: Instant) {
        let Some(here) = self.users.get_mut(of) else {
            return;
        };
        here.connections = here.connections.saturating_sub(1);
        if here.connections == 0 && here.state == State::Online {
            self.linger(of.clone(), now);
        }
    }

    fn linger(&mut self, of: HubUser, now: Instant) {
        let number = self.number();
        if let Some(here) = self.users.get_mut(&of) {
            here.state = State::Lingering;
            here.number = number;
            self.lingering.push_back((now + LINGER, of, number));
        }
    }

    /// What the other gateways are to be asked next.
    pub fn poll_ask(&mut self) -> Option<AskOthers> {
        while let Some(ask) = self.asks.pop_front() {
            if self.is_current(&ask.of, ask.number) {
                return Some(ask);
            }
        }
        None
    }

    fn is_current(&self, of: &HubUser, number: u64) -> bool {
        self.users.get(of).is_some_and(|here| here.number == number)
    }

    /// The other gateways have answered, or do not: what is to be told.
    pub fn answered(
        &mut self,
        ask: AskOthers,
        others: &[(NodeId, Voice)],
        now: Instant,
    ) -> Option<Told> {
        let AskOthers { of, number, .. } = ask;
        let here = self.users.get_mut(&of)?;
        if here.number != number {
            return None;
        }
        match here.state {
            State::Coming(speaker) => {
                here.state = State::Online;
                if here.connections == 0 {
                    self.linger(of, now);
                }
                let tells = match speaker {
                    Speaker::Open => {
                        let says = |voice| others.iter().any(|(_, other)| *other == voice);
                        says(Voice::You) || !(says(Voice::Speaks) || says(Voice::Online))
                    }
                    Speaker::Other => false,
                    Speaker::Me => true,
                };
                tells.then_some(Told::Online)
            }
            State::Going => {
                let here = self.users.remove(&of)?;
                // Who says that it speaks may have come to rely on this node since.
                let is_spoken_for = |(other, voice): &(NodeId, Voice)| match voice {
                    Voice::Online => true,
                    Voice::Speaks => !here.relied.contains(other),
                    Voice::No | Voice::You => false,
                };
                (!others.iter().any(is_spoken_for)).then_some(Told::Offline)
            }
            State::Online | State::Lingering => None,
        }
    }

    /// Whether this node speaks for the user, so that `asker` has nothing to tell.
    pub fn speaks_for(&mut self, of: &HubUser, asker: &NodeId, leaving: bool) -> Voice {
        let Some(here) = self.users.get_mut(of) else {
            return Voice::No;
        };
        match (&mut here.state, leaving) {
            (State::Online, _) | (State::Coming(_), true) => Voice::Online,
            (State::Lingering, true) => Voice::Speaks,
            (State::Coming(speaker), false) => {
                // Whom this one has left it to tells.
                if *speaker != Speaker::Open {
                    return Voice::Speaks;
                }
                if self.me < *asker {
                    *speaker = Speaker::Me;
                    Voice::Speaks
                } else {
                    *speaker = Speaker::Other;
                    Voice::You
                }
            }
            // The user was online all along, and is the asker's from now on.
            (State::Lingering, false) => {
                self.users.remove(of);
                Voice::Online
            }
            // Another one may have told the end meanwhile.
            (State::Going, false) => {
                self.users.remove(of);
                Voice::No
            }
            (State::Going, true) if self.me < *asker => {
                here.relied.push(asker.clone());
                Voice::Speaks
            }
            (State::Going, true) => {
                self.users.remove(of);
                Voice::No
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.lingering.front().map(|(due, ..)| *due)
    }

    /// Asks about those who did not come back.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, of, number)) = self.lingering.pop_front_if(|(due, ..)| *due <= now) {
            let next = self.number();
            let lingers = self.users.get_mut(&of).filter(|it| it.number == number);
            if let Some(here) = lingers {
                here.state = State::Going;
                here.relied.clear();
                here.number = next;
                self.asks.push_back(AskOthers {
                    of,
                    leaving: true,
                    number: next,
                });
            }
        }
    }
}

/// The machine, shared with the shards, and which hubs hear of presence at all.
#[derive(Debug, Clone)]
pub struct SharedPresence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hubs: RwLock<HashSet<HubName>>,
    users: Mutex<OnlineUsers>,
    changed: Notify,
}

impl SharedPresence {
    /// Of this node; no hub hears of anything yet.
    pub fn new(me: NodeId) -> Self {
        Self(Arc::new(Shared {
            hubs: RwLock::default(),
            users: Mutex::new(OnlineUsers::new(me)),
            changed: Notify::new(),
        }))
    }

    /// Says whether a hub hears of presence: of what happens to connections that come from now on.
    pub fn declare(&self, hub: &HubName, hears: bool) {
        let mut hubs = self.0.hubs.write().unwrap_or_else(PoisonError::into_inner);
        if hears {
            hubs.insert(hub.clone());
        } else {
            hubs.remove(hub);
        }
    }

    /// Locks the machine. Whoever leaves work behind calls [`changed`](Self::changed).
    pub fn lock(&self) -> MutexGuard<'_, OnlineUsers> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who drives the machine.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// Waits for [`changed`](Self::changed). Cancel safe.
    pub async fn wait(&self) {
        self.0.changed.notified().await;
    }

    pub(crate) fn hears(&self, hub: &HubName) -> bool {
        let hubs = self.0.hubs.read().unwrap_or_else(PoisonError::into_inner);
        hubs.contains(hub)
    }

    pub(crate) fn came(&self, of: HubUser) {
        self.lock().came(of);
        self.changed();
    }

    pub(crate) fn went(&self, of: &HubUser, now: Instant) {
        self.lock().went(of, now);
        self.changed();
    }
}

#[cfg(test)]
mod tests;
