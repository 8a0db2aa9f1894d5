//! Who has a connection, and what requests ask of it.

use bytes::Bytes;
use hubplane_gateway_shard::{ClientSocket, Command, PollAnswer, Resume, Resumption};
use hubplane_proto_ids::{ConnectionId, UserId};
use tokio::sync::oneshot;

use crate::core::Core;

/// Who has a connection. For now that is a shard of this gateway; requests know nothing but these questions, so that another gateway can answer them as well (DESIGN 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    shard: u8,
    connection: ConnectionId,
}

/// The connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is gone")]
pub(crate) struct Gone;

impl Owner {
    pub(crate) const fn new(shard: u8, connection: ConnectionId) -> Self {
        Self { shard, connection }
    }

    /// Hands over what a client posts, and waits until the connection is ready for more.
    ///
    /// Not cancel safe: the bytes may have been read.
    ///
    /// # Errors
    /// [`Gone`]
    pub(crate) async fn post(&self, core: &Core, bytes: Bytes) -> Result<(), Gone> {
        let (reply, read) = oneshot::channel();
        let connection = self.connection.clone();
        let command = Command::Post {
            connection,
            bytes,
            reply,
        };
        core.shards.send(self.shard, command).await;
        read.await.map_err(|_dropped| Gone)
    }

    /// Waits for the answer to a poll. Whoever stops waiting ends the poll.
    pub(crate) async fn poll(&self, core: &Core) -> PollAnswer {
        let (reply, answered) = oneshot::channel();
        let connection = self.connection.clone();
        let command = Command::Poll { connection, reply };
        core.shards.send(self.shard, command).await;
        // A shard that drops a poll has nothing more to say.
        answered.await.unwrap_or(PollAnswer::Over)
    }

    /// What another WebSocket would meet; `None` if the connection is gone.
    pub(crate) async fn resumption(&self, core: &Core) -> Option<Resumption> {
        let (reply, answered) = oneshot::channel();
        let connection = self.connection.clone();
        let command = Command::Resumption { connection, reply };
        core.shards.send(self.shard, command).await;
        answered.await.ok()
    }

    /// Has the connection go on over another WebSocket, if it still can.
    pub(crate) async fn resume(
        &self,
        core: &Core,
        socket: ClientSocket,
        read_ahead: Bytes,
        user: Option<Option<UserId>>,
    ) {
        let resume = Resume {
            connection: self.connection.clone(),
            socket,
            read_ahead,
            user,
        };
        let command = Command::Resume(Box::new(resume));
        core.shards.send(self.shard, command).await;
    }

    /// Ends the connection: its client has asked for that.
    pub(crate) async fn delete(&self, core: &Core) {
        let command = Command::Delete(self.connection.clone());
        core.shards.send(self.shard, command).await;
    }
}
