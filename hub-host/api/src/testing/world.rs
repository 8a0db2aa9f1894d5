//! Everything between the hub and its clients: who is there, who is in which group, and who receives what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use hubplane_proto_ids::{ConnectionId, GroupName, InvocationId};
use hubplane_proto_link::{
    AckOutcome, Audience, CloseReason, Completion, Delivery, GroupOperation, Invocation, Outcome,
    ToGateway,
};

use super::client::Message;
use super::executor::Slot;
use crate::host::{Connection, GroupRequest, LinkLost, Port, Refused};

/// A gateway without sockets.
#[derive(Default)]
pub(super) struct World(Mutex<State>);

#[derive(Default)]
struct State {
    members: BTreeMap<ConnectionId, Member>,
    /// Calls that nothing keeps from starting.
    ready: VecDeque<Call>,
}

/// A connection that is there.
struct Member {
    connection: Arc<Connection>,
    groups: BTreeSet<GroupName>,
    inbox: VecDeque<Message>,
    /// Whether an invocation runs; the next ones wait for it, as they do in a gateway.
    busy: bool,
    waiting: VecDeque<Invocation>,
    answers: BTreeMap<InvocationId, Slot<Outcome>>,
    invocations: u64,
    /// Whether it is on its way out: it receives nothing any more.
    ending: bool,
}

/// Something that a gateway would tell the hub-host now.
pub(super) enum Call {
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
            invocations: 0,
            ending: false,
        };
        self.with(|state| state.members.insert(connection.id().clone(), member));
    }

    /// Begins the end of a connection, once.
    pub(super) fn end(&self, id: &ConnectionId, reason: CloseReason) {
        self.with(|state| {
            let member = state.members.get_mut(id).filter(|member| !member.ending);
            if let Some(member) = member {
                member.ending = true;
                member.waiting.clear();
                let connection = Arc::clone(&member.connection);
                state.ready.push_back(Call::End(connection, reason));
            }
        });
    }

    /// A connection has ended. What it received can still be looked at.
    pub(super) fn forget(&self, id: &ConnectionId) {
        self.with(|state| {
            if let Some(member) = state.members.get_mut(id) {
                member.groups.clear();
                member.answers.clear();
            }
        });
    }

    pub(super) fn is_open(&self, id: &ConnectionId) -> bool {
        self.with(|state| state.members.get(id).is_some_and(|member| !member.ending))
    }

    /// Takes an invocation of a client; the slot that its answer will be in, if it wants one.
    pub(super) fn invoke(
        &self,
        mut invocation: Invocation,
        answered: bool,
    ) -> Option<Slot<Outcome>> {
        self.with(|state| {
            let member = state.members.get_mut(&invocation.connection)?;
            let slot = Slot::default();
            if answered {
                member.invocations += 1;
                let id = InvocationId::new(member.invocations.to_string()).ok()?;
                member.answers.insert(id.clone(), slot.clone());
                invocation.invocation_id = Some(id);
            }
            if !member.ending {
                member.waiting.push_back(invocation);
                member.release(false, &mut state.ready);
            }
            answered.then_some(slot)
        })
    }

    pub(super) fn next_call(&self) -> Option<Call> {
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
            ToGateway::Close(request) => self.end(&request.connection, CloseReason::Aborted),
            // Answers to what this gateway never asks, and requests that come with their acknowledgement.
            _ => {}
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Member {
    /// Gives the slot back, and to the next invocation that waits for it.
    fn release(&mut self, release: bool, ready: &mut VecDeque<Call>) {
        self.busy &= !release;
        if self.busy {
            return;
        }
        if let Some(next) = self.waiting.pop_front() {
            self.busy = true;
            ready.push_back(Call::Invoke(Arc::clone(&self.connection), next));
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
    fn receivers(&self, audience: &Audience) -> Vec<ConnectionId> {
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

impl Port for World {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        self.take(frame);
        Ok(())
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        self.take(frame);
        Box::pin(std::future::ready(Ok(())))
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        let outcome = self.with(|state| {
            let member = state.members.get_mut(&request.connection);
            match (member.filter(|member| !member.ending), request.operation) {
                (None, _) => return AckOutcome::UnknownConnection,
                (Some(member), GroupOperation::Add) => member.groups.insert(request.group),
                (Some(member), GroupOperation::Remove) => member.groups.remove(&request.group),
            };
            AckOutcome::Done
        });
        Box::pin(std::future::ready(Ok(outcome)))
    }
}
