use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use hubplane_gateway_connection::{AskedId, Options, Resumption, UserSource};
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, UserId};
use hubplane_proto_link::{
    AckId, AckOutcome, Answer, Arguments, ClientOutcome, CloseReason, Completion, ConnectionInfo,
    ConnectionSend, Done, Identified, Query, ToGateway, ToHubHost,
};
use hubplane_router_directory::{ChangeId, GatewayDirectory};
use tokio::sync::{Notify, oneshot};

use crate::transport::body::BodyWriter;
use crate::transport::polls::PollAnswer;
use crate::{ClientSocket, LinkSender, SharedMessage};

/// What a shard is asked to do. Commands to one shard are carried out in the order in which they were sent.
#[derive(Debug)]
pub enum Command {
    /// Take this transport and serve the connection on it.
    Attach(Box<Attach>),
    /// Say what another WebSocket for a connection would meet; `reply` is dropped if the connection is gone.
    Resumption {
        /// Which one.
        connection: ConnectionId,
        /// Where the answer goes.
        reply: oneshot::Sender<Resumption>,
    },
    /// Go on over another WebSocket (reference signalr-core 17.5). It is dropped if the connection cannot any more.
    Resume(Box<Resume>),
    /// Read these bytes of a client that has no other way than to post them.
    Post {
        /// Which one.
        connection: ConnectionId,
        /// What it says, split anyhow.
        bytes: Bytes,
        /// Told when the connection is ready for more; dropped if it is gone. One post of a connection at a time.
        reply: oneshot::Sender<()>,
    },
    /// Answer a poll when there is something to say. The poll ends when the other end of `reply` is dropped.
    Poll {
        /// Which connection.
        connection: ConnectionId,
        /// Where the answer goes.
        reply: oneshot::Sender<PollAnswer>,
    },
    /// The client of a polled connection deletes it.
    Delete(ConnectionId),
    /// Write this to the members of its audience on this shard.
    Deliver(Arc<SharedMessage>),
    /// A frame of the hub-host about one connection, see [`connection_of`]. Any other frame is not for a shard, and is
    /// dropped.
    FromHub(ToGateway),
    /// Ask a client for a result.
    Ask(Box<Ask>),
    /// Ignore late answers of this client to [`Ask`]s whose reply is no longer waited for.
    Forget(ConnectionId),
    /// Answer a question from what this shard knows.
    LookUp(Arc<Query>, oneshot::Sender<Answer>),
    /// End a connection.
    Close {
        /// Which one; one that is gone is gone already.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
        /// Whether its client may reconnect by itself.
        allow_reconnect: bool,
    },
    /// Add a connection to a group of its hub. Answered when the membership is visible (DESIGN 3.2).
    Join {
        /// Which one.
        connection: ConnectionId,
        /// Which group.
        group: GroupName,
        /// Where the answer goes.
        reply: JoinReply,
    },
    /// Remove a connection from a group of its hub.
    Leave {
        /// Which one.
        connection: ConnectionId,
        /// Which group.
        group: GroupName,
        /// Where the answer goes.
        reply: JoinReply,
    },
    /// The directory says that these changes are visible. Changes that this shard does not wait for are ignored.
    Visible(Vec<ChangeId>),
    /// Say Close with `allowReconnect` to some more connections. The caller spreads these over the drain window.
    Drain {
        /// To how many, at most.
        connections_max: usize,
        /// Also to those that run an invocation, whose answer is lost then.
        busy: bool,
    },
}

/// What carries a connection.
#[derive(Debug)]
pub enum AttachTransport {
    /// A WebSocket that the front has answered with 101.
    WebSocket {
        /// The socket.
        socket: ClientSocket,
        /// What was read from it behind the request.
        read_ahead: Bytes,
        /// Whether the client was granted stateful reconnect.
        is_stateful: bool,
    },
    /// A response whose body is an [`event_stream`](crate::event_stream).
    Events(BodyWriter),
    /// Polls, the first of which has been answered.
    Polls,
}

/// A connection whose transport is there, and whose it is.
pub struct Attach {
    /// The transport.
    pub transport: AttachTransport,
    /// What the client has posted before.
    pub posted: Bytes,
    /// What is known of the connection. `protocol` is replaced when the handshake is read.
    pub info: ConnectionInfo,
    /// Who names its user.
    pub user: UserSource,
    /// When it is closed because its token has expired; `None` if it outlives its token or has none.
    pub expires_at: Option<Instant>,
    /// The link to the hub-host that serves it.
    pub link: LinkSender,
    /// The options of its hub.
    pub options: Arc<Options>,
    /// Dropped when the connection is over, on the shard's thread: it must be quick to drop.
    pub guard: Box<dyn Any + Send>,
}

impl fmt::Debug for Attach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attach")
            .field("connection", &self.info.connection)
            .field("hub", &self.info.hub)
            .field("remote", &self.info.remote)
            .finish_non_exhaustive()
    }
}

/// Another WebSocket for a connection, which the front has answered with 101.
#[derive(Debug)]
pub struct Resume {
    /// Which one.
    pub connection: ConnectionId,
    /// The socket.
    pub socket: ClientSocket,
    /// What was read from it behind the request.
    pub read_ahead: Bytes,
    /// Who asks for it, where users come with tokens. That it is another one than before is logged, and nothing else.
    pub user: Option<Option<UserId>>,
}

/// The connection of this gateway whose shard carries out a frame; `None` if the frame is not for one shard.
pub fn connection_of(frame: &ToGateway) -> Option<&ConnectionId> {
    match frame {
        ToGateway::Identified(Identified { connection, .. })
        | ToGateway::Done(Done { connection, .. })
        | ToGateway::Completion(Completion { connection, .. })
        | ToGateway::StreamItem { connection, .. }
        | ToGateway::ToConnection(ConnectionSend { connection, .. })
        | ToGateway::UploadCredit { connection, .. }
        | ToGateway::UploadClosed { connection, .. }
        | ToGateway::Item { connection, .. }
        | ToGateway::SlotReleased { connection } => Some(connection),
        ToGateway::ClientResult(_)
        | ToGateway::CancelClientResult { .. }
        | ToGateway::Query(_)
        | ToGateway::Send(_)
        | ToGateway::Group(_)
        | ToGateway::Close(_) => None,
    }
}

/// A request for a client result.
#[derive(Debug)]
pub struct Ask {
    /// What the client calls it; unique on this gateway.
    pub id: AskedId,
    /// The hub of the connection; a connection of another hub is unknown.
    pub hub: HubName,
    /// Which connection.
    pub connection: ConnectionId,
    /// The client's method.
    pub target: String,
    /// The arguments.
    pub arguments: Arguments,
    /// Who waits. Nobody is asked any more once its other end is dropped; see [`Command::Forget`] for who was.
    pub reply: oneshot::Sender<ClientOutcome>,
}

/// Whom to tell what became of a group change.
#[derive(Debug, Clone)]
pub struct JoinReply {
    /// The link that asked.
    pub link: LinkSender,
    /// What it called its request.
    pub ack: AckId,
}

impl JoinReply {
    /// The answer as a frame.
    pub(crate) fn frame(&self, outcome: AckOutcome) -> ToHubHost {
        ToHubHost::Ack {
            id: self.ack,
            outcome,
        }
    }
}

/// The node's end of the directory as the shards share it. Locked for moments, and only when a connection comes or goes
/// or a group gets its first or loses its last member on a shard.
#[derive(Debug, Clone)]
pub struct SharedDirectory {
    /// The machine.
    pub directory: Arc<Mutex<GatewayDirectory>>,
    /// Told after each change, so that the machine's driver takes its outputs.
    pub changed: Arc<Notify>,
}

impl SharedDirectory {
    /// Locks the machine. A panic while it was locked is no reason to stop serving.
    pub(crate) fn lock(&self) -> MutexGuard<'_, GatewayDirectory> {
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
