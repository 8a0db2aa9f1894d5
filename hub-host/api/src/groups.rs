use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_util::future::BoxFuture;
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, InvalidId};
use hubplane_proto_link::{AckOutcome, Caller, GroupOperation};

use crate::SendError;
use crate::host::{GroupRequest, Port};

/// What became of a change of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// It is done: every send that starts from now on, by anyone, sees it. Adding a member again and removing one that
    /// is none succeed too.
    Changed,
    /// No connection has this id. That is no error: connections end at any time.
    UnknownConnection,
}

/// A change of groups on its way; nothing happens before it is awaited.
///
/// Not cancel safe: dropped while it waits, the change may happen or not.
#[must_use = "nothing is changed before this is awaited"]
pub struct Changing(BoxFuture<'static, Result<Membership, SendError>>);

impl Changing {
    pub(crate) fn new(
        port: Arc<dyn Port>,
        caller: Caller,
        hub: HubName,
        operation: GroupOperation,
        connection: Result<ConnectionId, InvalidId>,
        group: &str,
    ) -> Self {
        let group = GroupName::new(group);
        Self(Box::pin(async move {
            let request = GroupRequest {
                caller,
                operation,
                hub,
                group: group?,
                connection: connection?,
            };
            match port.change_group(request).await {
                Ok(AckOutcome::Done) => Ok(Membership::Changed),
                Ok(AckOutcome::UnknownConnection) => Ok(Membership::UnknownConnection),
                Ok(AckOutcome::Unavailable) => Err(SendError::Unavailable),
                Err(_lost) => Err(SendError::LinkLost),
            }
        }))
    }
}

impl Future for Changing {
    type Output = Result<Membership, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changing")
    }
}
