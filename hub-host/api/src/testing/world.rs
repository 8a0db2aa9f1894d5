//! Everything between the hub and its clients: who is there, who is in which group, and who receives what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubplane_proto_ids::{ConnectionId, GroupName, InvocationId};
use hubplane_proto_link::{
    Audience, ClientOutcome, CloseReason, CloseRequest, Completion, Delivery, Invocation,
    InvocationKind, Outcome, Payload, RequestId, ToGateway, UPLOAD_CREDIT_ITEMS,
};

use super::client::{Closed, Message};
use super::executor::Slot;
use super::presence::Changes;
use super::requests::{Asked, Handler};
use crate::host::Connection;
use crate::signal::Signal;

/// A gateway without sockets.
#[derive(Default)]
pub(super) struct World(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub(super) members: BTreeMap<ConnectionId, Member>,
    /// Calls that nothing keeps from starting.
    ready: VecDeque<Due>,
    /// What hubs want to be run beside their methods.
    pub(super) spawned: Vec<BoxFuture<'static, ()>>,
    /// The clock, and who waits for it.
    pub(super) now: Duration,
    pub(super) sleeping: Vec<(Duration, Signal)>,
    /// Requests for client results that nobody has answered.
    pub(super) asked: BTreeMap<RequestId, Asked>,
    pub(super) requests: u64,
    pub(super) presence: Changes,
}

/// So many items of a stream may be there before a test takes any of them.
pub(super) const ITEMS_MAX: usize = 100;

/// A stream that answers an invocation, as its client sees it.
#[derive(Default)]
pub(super) struct Inflow {
    pub(super) items: VecDeque<Payload>,
    pub(super) waiting: Option<Waker>,
}

/// A stream that a client sends.
struct Outflow {
    credit: u32,
    waiting: VecDeque<Part>,
    closed: bool,
}

pub(super) enum Part {
    Item(Payload),
    End(Option<String>),
}

/// A connection that is there.
pub(super) struct Member {
    pub(super) connection: Arc<Connection>,
    pub(super) groups: BTreeSet<GroupName>,
    inbox: VecDeque<Message>,
    /// Whether an invocation runs; the next ones wait for it, as they do in a gateway.
    busy: bool,
    waiting: VecDeque<Invocation>,
    answers: BTreeMap<InvocationId, Slot<Outcome>>,
    pub(super) streams: BTreeMap<InvocationId, Inflow>,
    uploads: BTreeMap<InvocationId, Outflow>,
    /// What its client answers by itself.
    pub(super) handlers: BTreeMap<String, Handler>,
    invocations: u64,
    /// Whether it is on its way out: it receives nothing any more.
    pub(super) ending: bool,
    /// What the hub's Close message said.
    pub(super) closed: Option<Closed>,
    /// Whether it has ended.
    pub(super) gone: bool,
}

/// What became of an invocation that was taken.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) answer: Slot<Outcome>,
    pub(super) id: Option<InvocationId>,
    pub(super) uploads: Vec<InvocationId>,
}

/// Something that a gateway would tell the hub-host now.
pub(super) enum Due {
    Invoke(Arc<Connection>, Invocation),
    End(Arc<Connection>, CloseReason),
}

impl World {
    pub(super) fn add(&self, connection: &Arc<Connection>) {
        let member = Member {
            connection: Arc::clone(connection),
            groups: BTreeSet::new(),
            inbox: VecDeque::new(),
            busy: false,
            waiting: VecDeque::new(),
            answers: BTreeMap::new(),
            streams: BTreeMap::new(),
            uploads: BTreeMap::new(),
            handlers: BTreeMap::new(),
            invocations: 0,
            ending: false,
            closed: None,
            gone: false,
        };
        self.with(|state| {
            state.members.insert(connection.id().clone(), member);
            state.tell_came(connection.id());
        });
    }

    /// Begins the end of a connection, once.
    pub(super) fn end(&self, id: &ConnectionId, reason: CloseReason) {
        self.with(|state| {
            let member = state.members.get_mut(id).filter(|member| !member.ending);
            if let Some(member) = member {
                member.ending = true;
                member.waiting.clear();
                let connection = Arc::clone(&member.connection);
                state.ready.push_back(Due::End(connection, reason));
                for asked in state.asked.values().filter(|asked| asked.connection == *id) {
                    asked.answer(ClientOutcome::Disconnected);
                }
            }
        });
    }

    /// The hub closes a connection.
    fn close(&self, request: &CloseRequest) {
        self.with(|state| {
            let member = state.members.get_mut(&request.connection);
            if let Some(member) = member.filter(|member| !member.ending) {
                member.closed = Some(Closed {
                    error: request.reason.clone(),
                    allow_reconnect: request.allow_reconnect,
                });
            }
        });
        self.end(&request.connection, request.close_reason());
    }

    /// A connection has ended. What it received can still be looked at.
    pub(super) fn forget(&self, id: &ConnectionId) {
        self.with(|state| {
            let Some(member) = state.members.get_mut(id) else {
                return;
            };
            member.answers.clear();
            member.uploads.clear();
            member.gone = true;
            for group in std::mem::take(&mut member.groups) {
                state.tell_left(id, group);
            }
            state.tell_went(id);
        });
    }

    pub(super) fn is_open(&self, id: &ConnectionId) -> bool {
        self.with(|state| state.members.get(id).is_some_and(|member| !member.ending))
    }

    /// Takes an invocation of a client with so many uploads; where its answer will be, its id, and those of the uploads.
    pub(super) fn invoke(
        &self,
        mut invocation: Invocation,
        answered: bool,
        uploads: usize,
    ) -> Taken {
        self.with(|state| {
            let mut taken = Taken::default();
            let Some(member) = state.members.get_mut(&invocation.connection) else {
                return taken;
            };
            for _ in 0..uploads {
                let Some(id) = member.new_id() else { continue };
                let outflow = Outflow {
                    credit: UPLOAD_CREDIT_ITEMS,
                    waiting: VecDeque::new(),
                    closed: false,
                };
                member.uploads.insert(id.clone(), outflow);
                invocation.stream_ids.push(id.clone());
                taken.uploads.push(id);
            }
            let streams = invocation.kind == InvocationKind::Stream;
            if answered && let Some(id) = member.new_id() {
                member.answers.insert(id.clone(), taken.answer.clone());
                if streams {
                    member.streams.insert(id.clone(), Inflow::default());
                }
                taken.id = Some(id.clone());
                invocation.invocation_id = Some(id);
            }
            if member.ending {
                return taken;
            }
            invocation.takes_slot = !streams && uploads == 0;
            if invocation.takes_slot {
                member.waiting.push_back(invocation);
                member.release(false, &mut state.ready);
            } else {
                let connection = Arc::clone(&member.connection);
                state.ready.push_back(Due::Invoke(connection, invocation));
            }
            taken
        })
    }

    /// The client no longer wants a stream.
    pub(super) fn cancel(&self, connection: &ConnectionId, id: &InvocationId) {
        let there = self.with(|state| {
            let member = state.members.get(connection)?;
            Some(Arc::clone(&member.connection))
        });
        if let Some(connection) = there {
            connection.cancel(id);
        }
    }

    /// The client goes on with an upload, as far as there is credit.
    pub(super) fn upload(&self, connection: &ConnectionId, stream: &InvocationId, part: Part) {
        self.with(|state| {
            let member = state.members.get_mut(connection)?;
            let outflow = member.uploads.get_mut(stream)?;
            outflow.waiting.push_back(part);
            Some(())
        });
        self.feed(connection, stream, 0);
    }

    /// Whether nobody reads an upload any more.
    pub(super) fn is_upload_closed(
        &self,
        connection: &ConnectionId,
        stream: &InvocationId,
    ) -> bool {
        self.with(|state| {
            let upload = state
                .members
                .get(connection)
                .and_then(|member| member.uploads.get(stream));
            upload.is_none_or(|upload| upload.closed)
        })
    }

    /// Gives an upload more credit, and what there is credit for to the hub.
    fn feed(&self, connection: &ConnectionId, stream: &InvocationId, credit: u32) {
        let fed = self.with(|state| {
            let member = state.members.get_mut(connection)?;
            let outflow = member.uploads.get_mut(stream)?;
            outflow.credit += credit;
            let mut parts = Vec::new();
            while let Some(part) = outflow.waiting.pop_front() {
                match part {
                    Part::Item(_) if outflow.credit == 0 => {
                        outflow.waiting.push_front(part);
                        break;
                    }
                    Part::Item(_) => outflow.credit -= 1,
                    Part::End(_) => {}
                }
                parts.push(part);
            }
            let open = !member.ending && !outflow.closed;
            Some((Arc::clone(&member.connection), open.then_some(parts)?))
        });
        let Some((connection, parts)) = fed else {
            return;
        };
        for part in parts {
            match part {
                Part::Item(item) => connection.upload_item(stream, item),
                Part::End(error) => connection.upload_end(stream, error),
            }
        }
    }

    /// Moves the clock.
    pub(super) fn advance(&self, time: Duration) {
        let due = self.with(|state| {
            state.now += time;
            state.tell_offline();
            let now = state.now;
            let (due, rest) = std::mem::take(&mut state.sleeping)
                .into_iter()
                .partition(|(at, _)| *at <= now);
            state.sleeping = rest;
            due
        });
        let due: Vec<(Duration, Signal)> = due;
        for (_, signal) in due {
            signal.fire();
        }
    }

    /// What hubs want to be run since this was asked.
    pub(super) fn spawned(&self) -> Vec<BoxFuture<'static, ()>> {
        self.with(|state| std::mem::take(&mut state.spawned))
    }

    /// Takes the oldest item of a stream.
    pub(super) fn next_item(
        &self,
        connection: &ConnectionId,
        id: &InvocationId,
    ) -> Option<Payload> {
        let (item, waiting) = self.with(|state| {
            let member = state.members.get_mut(connection)?;
            let inflow = member.streams.get_mut(id)?;
            Some((inflow.items.pop_front()?, inflow.waiting.take()))
        })?;
        if let Some(waker) = waiting {
            waker.wake();
        }
        Some(item)
    }

    pub(super) fn next_call(&self) -> Option<Due> {
        self.with(|state| state.ready.pop_front())
    }

    pub(super) fn messages<T>(
        &self,
        id: &ConnectionId,
        take: impl FnOnce(&mut VecDeque<Message>) -> T,
    ) -> Option<T> {
        self.with(|state| {
            state
                .members
                .get_mut(id)
                .map(|member| take(&mut member.inbox))
        })
    }

    pub(super) fn members(&self, group: &str) -> Vec<ConnectionId> {
        self.with(|state| {
            let there = state
                .members
                .iter()
                .filter(|(_, member)| member.groups.contains(group));
            there.map(|(id, _)| id.clone()).collect()
        })
    }

    /// Does what a hub-host asks for.
    pub(super) fn take(&self, frame: ToGateway) {
        match frame {
            ToGateway::Send(send) => self.with(|state| state.deliver(&send.delivery)),
            ToGateway::Completion(Completion {
                connection,
                invocation_id,
                outcome,
                releases_slot,
            }) => self.with(|state| {
                if let Some(member) = state.members.get_mut(&connection) {
                    if let Some(slot) = member.answers.remove(&invocation_id) {
                        slot.fill(outcome);
                    }
                    member.release(releases_slot, &mut state.ready);
                }
            }),
            ToGateway::SlotReleased { connection } => self.with(|state| {
                if let Some(member) = state.members.get_mut(&connection) {
                    member.release(true, &mut state.ready);
                }
            }),
            ToGateway::Close(request) => self.close(&request),
            ToGateway::StreamItem {
                connection,
                invocation_id,
                item,
            } => self.with(|state| {
                let member = state.members.get_mut(&connection);
                let inflow = member.and_then(|member| member.streams.get_mut(&invocation_id));
                if let Some(inflow) = inflow {
                    inflow.items.push_back(item);
                }
            }),
            ToGateway::UploadCredit {
                connection,
                stream_id,
                items,
            } => self.feed(&connection, &stream_id, items),
            ToGateway::UploadClosed {
                connection,
                stream_id,
            } => self.with(|state| {
                let member = state.members.get_mut(&connection);
                let outflow = member.and_then(|member| member.uploads.get_mut(&stream_id));
                if let Some(outflow) = outflow {
                    outflow.closed = true;
                    outflow.waiting.clear();
                }
            }),
            // Answers to what this gateway never asks, and requests that come with their acknowledgement.
            _ => {}
        }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Member {
    fn new_id(&mut self) -> Option<InvocationId> {
        self.invocations += 1;
        InvocationId::new(self.invocations.to_string()).ok()
    }

    /// Gives the slot back, and to the next invocation that waits for it.
    fn release(&mut self, release: bool, ready: &mut VecDeque<Due>) {
        self.busy &= !release;
        if self.busy {
            return;
        }
        if let Some(next) = self.waiting.pop_front() {
            self.busy = true;
            ready.push_back(Due::Invoke(Arc::clone(&self.connection), next));
        }
    }
}

impl State {
    fn deliver(&mut self, delivery: &Delivery) {
        for id in self.receivers(&delivery.audience) {
            if delivery.except.contains(&id) {
                continue;
            }
            if let Some(member) = self.members.get_mut(&id).filter(|member| !member.ending) {
                member.inbox.push_back(Message::new(delivery));
            }
        }
    }

    /// Who receives, as often as it does (reference signalr-core 14.1).
    pub(super) fn receivers(&self, audience: &Audience) -> Vec<ConnectionId> {
        let those = |which: &dyn Fn(&Member) -> bool| -> Vec<ConnectionId> {
            let those = self.members.iter().filter(|(_, member)| which(member));
            those.map(|(id, _)| id.clone()).collect()
        };
        match audience {
            Audience::All => those(&|_| true),
            Audience::Connections(ids) => those(&|member| ids.contains(member.connection.id())),
            Audience::Users(users) => those(&|member| {
                member
                    .connection
                    .user()
                    .is_some_and(|user| users.contains(user))
            }),
            Audience::Groups(groups) => {
                let of_each = groups
                    .iter()
                    .map(|group| those(&|member| member.groups.contains(group)));
                of_each.flatten().collect()
            }
        }
    }
}
