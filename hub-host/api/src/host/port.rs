use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubplane_proto_ids::{ConnectionId, GroupName, HubName};
use hubplane_proto_link::{
    AckOutcome, Answer, Arguments, Audience, Caller, ClientOutcome, GroupOperation, Question,
    ToGateway,
};

use crate::Timestamp;

/// Where a hub's frames leave: to one gateway, or to any.
///
/// The frames of one [`Caller`] have to arrive in the order in which they were taken.
pub trait Port: Send + Sync + 'static {
    /// Takes a frame if there is room for it now, in the queue and in its window or credit.
    ///
    /// # Errors
    /// Gives the frame back if there is no room, and says so if there will never be.
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused>;

    /// Waits for room, then takes the frame. Cancel safe: dropped before it resolves, the frame was not taken.
    ///
    /// Resolves to [`LinkLost`] if there is no way to the gateway any more.
    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>>;

    /// Asks for a change of groups and waits for its acknowledgement. Not cancel safe.
    ///
    /// Resolves to [`LinkLost`] if there is no way to the gateway any more; whether the change happened is then unknown.
    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>>;

    /// Asks a client for a result and waits for it. Dropped before it resolves, the gateway is told that nobody waits.
    fn ask(&self, request: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>>;

    /// Asks about the connections of an audience and waits for the answer. Cancel safe.
    fn query(&self, request: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>>;

    /// What time it is.
    fn now(&self) -> Timestamp;

    /// How long the host has run, or anything else that grows as time passes, and never jumps.
    fn elapsed(&self) -> Duration;

    /// Resolves after this time. Cancel safe.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;

    /// Runs something beside the methods of hubs.
    fn spawn(&self, work: BoxFuture<'static, ()>);
}

/// Sends a frame that ends something and for which nobody waits.
pub(crate) fn post(port: &Arc<dyn Port>, frame: ToGateway) {
    if let Err(Refused::Full(frame)) = port.try_send(frame) {
        let sending = port.send(*frame);
        port.spawn(Box::pin(async move {
            // Where the link is lost, it has ended already.
            let _ = sending.await;
        }));
    }
}

/// The way to the gateway is lost for good, or there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link to the gateway is lost")]
pub struct LinkLost;

/// Why a [`Port`] did not take a frame.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no room now.
    #[error("the queue to the gateway is full")]
    Full(Box<ToGateway>),
    /// There is no way to the gateway any more.
    #[error(transparent)]
    Lost(#[from] LinkLost),
}

/// A change of groups; [`Port`] adds the id by which it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRequest {
    /// Whose order it keeps.
    pub caller: Caller,
    /// What is done.
    pub operation: GroupOperation,
    /// The hub of both.
    pub hub: HubName,
    /// Which group.
    pub group: GroupName,
    /// Which connection, of any gateway.
    pub connection: ConnectionId,
}

/// A request for a client result; [`Port`] adds the id by which it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// Whose order it keeps.
    pub caller: Caller,
    /// The hub of the connection.
    pub hub: HubName,
    /// Which connection, of any gateway.
    pub connection: ConnectionId,
    /// The client's method.
    pub target: String,
    /// The arguments.
    pub arguments: Arguments,
}

/// A question about connections; [`Port`] adds the id by which it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRequest {
    /// Whose order it keeps.
    pub caller: Caller,
    /// Within which hub.
    pub hub: HubName,
    /// About whom.
    pub audience: Audience,
    /// What is asked.
    pub question: Question,
}
