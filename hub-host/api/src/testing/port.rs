//! The hub's side of a world: nothing waits that a test does not make wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hubplane_proto_link::{
    AckOutcome, Answer, ClientOutcome, GroupOperation, Member as Listed, Question, RequestId,
    ToGateway,
};

use super::client::Message;
use super::requests::Asked;
use super::world::{ITEMS_MAX, State, World};
use crate::Timestamp;
use crate::host::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};
use crate::signal::Signal;

/// When the clock of every test begins: 2000-01-01T00:00:00Z.
const START_SECONDS: i64 = 946_684_800;

/// What a hub of a test sends by.
#[derive(Clone)]
pub(super) struct WorldPort(pub(super) Arc<World>);

impl State {
    /// Whether an item has to wait until the test takes those before it.
    fn is_full(&mut self, frame: &ToGateway, waker: Option<&std::task::Waker>) -> bool {
        let ToGateway::StreamItem {
            connection,
            invocation_id,
            ..
        } = frame
        else {
            return false;
        };
        let Some(member) = self.members.get_mut(connection) else {
            return false;
        };
        if member.ending {
            return false;
        }
        let Some(inflow) = member.streams.get_mut(invocation_id) else {
            return false;
        };
        let full = inflow.items.len() >= ITEMS_MAX;
        if let (true, Some(waker)) = (full, waker) {
            inflow.waiting = Some(waker.clone());
        }
        full
    }
}

impl Port for WorldPort {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        if self.0.with(|state| state.is_full(&frame, None)) {
            return Err(Refused::Full(Box::new(frame)));
        }
        self.0.take(frame);
        Ok(())
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        let world = Arc::clone(&self.0);
        let mut frame = Some(frame);
        std::future::poll_fn(move |cx| {
            let full = |frame| world.with(|state| state.is_full(frame, Some(cx.waker())));
            if frame.as_ref().is_some_and(full) {
                return Poll::Pending;
            }
            if let Some(frame) = frame.take() {
                world.take(frame);
            }
            Poll::Ready(Ok(()))
        })
        .boxed()
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        let outcome = self.0.with(|state| {
            let member = state.members.get_mut(&request.connection);
            let Some(member) = member.filter(|member| !member.ending) else {
                return AckOutcome::UnknownConnection;
            };
            let (connection, group) = (&request.connection, request.group);
            match request.operation {
                GroupOperation::Add if member.groups.insert(group.clone()) => {
                    state.tell_joined(connection, group);
                }
                GroupOperation::Remove if member.groups.remove(&group) => {
                    state.tell_left(connection, group);
                }
                _ => {}
            }
            AckOutcome::Done
        });
        Box::pin(std::future::ready(Ok(outcome)))
    }

    fn ask(&self, request: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>> {
        let asked = Asked::new(&request);
        let (answered, outcome) = (asked.answered.clone(), asked.outcome.clone());
        let handler = self.0.with(|state| {
            let member = state.members.get_mut(&request.connection)?;
            if member.ending {
                return None;
            }
            let handler = member.handlers.get(&request.target.to_lowercase()).cloned();
            Some((handler, member.connection.request.protocol()))
        });
        let Some((handler, encoding)) = handler else {
            return std::future::ready(Ok(ClientOutcome::UnknownConnection)).boxed();
        };
        let message = Message::of_request(&request);
        let id = self.0.with(|state| {
            state.requests += 1;
            let id = RequestId(state.requests);
            state.asked.insert(id, asked);
            id
        });
        let forget = Forget(Arc::clone(&self.0), id);
        if let Some(handler) = handler {
            outcome.fill(handler(&message, encoding));
            answered.fire();
        }
        async move {
            answered.fired().await;
            drop(forget);
            Ok(outcome.take().unwrap_or(ClientOutcome::Void))
        }
        .boxed()
    }

    fn query(&self, request: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>> {
        let answer = self.0.with(|state| {
            let mut ids = state.receivers(&request.audience);
            ids.sort();
            ids.dedup();
            ids.retain(|id| state.members.get(id).is_some_and(|member| !member.ending));
            match request.question {
                Question::Exists => Answer::Exists(!ids.is_empty()),
                Question::Count => Answer::Count(ids.len() as u64),
                Question::Connections { after, limit } => {
                    let after = |id: &_| after.as_ref().is_none_or(|after| id > after);
                    let listed = ids.into_iter().filter(after).take(limit as usize);
                    let user = |id: &_| state.members.get(id)?.connection.user().cloned();
                    let listed = listed.map(|id| Listed {
                        user: user(&id),
                        connection: id,
                    });
                    Answer::Connections(listed.collect())
                }
                Question::Users { after, limit } => {
                    let user = |id: &_| state.members.get(id)?.connection.user().cloned();
                    let users: BTreeSet<_> = ids.iter().filter_map(user).collect();
                    let after = |user: &_| after.as_ref().is_none_or(|after| user > after);
                    Answer::Users(
                        users
                            .into_iter()
                            .filter(after)
                            .take(limit as usize)
                            .collect(),
                    )
                }
            }
        });
        std::future::ready(Ok(answer)).boxed()
    }

    fn now(&self) -> Timestamp {
        let start = Timestamp::new(START_SECONDS, 0).unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from(SystemTime::from(start) + self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.0.with(|state| state.now)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let signal = Signal::default();
        if time.is_zero() {
            signal.fire();
        } else {
            self.0.with(|state| {
                let at = state.now + time;
                state.sleeping.push((at, signal.clone()));
            });
        }
        signal.fired().boxed()
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.with(|state| state.spawned.push(work));
    }
}

/// Nobody waits for this answer any more, once dropped.
struct Forget(Arc<World>, RequestId);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.with(|state| state.asked.remove(&self.1));
    }
}
