//! One thread and its connections: slab, queues, tables, local delivery, timers, the write path (DESIGN 10).
//!
//! [`Shards`] starts the threads and gives each of them [`Command`]s; what their connections have to say goes to the
//! hub-host over the [`LinkSender`] that each [`Attach`] brings. Inside, a shard is one loop on a runtime of its own. A
//! *turn* of it
//!
//! 1. does what is due (`wheel`),
//! 2. carries out the commands of its inbox, strictly first-in first-out: a delivery appends shared frames to the queues
//!    of its audience (`sets`, `deliver`),
//! 3. reads the sockets that have something (`read`, `websocket`) and lets each
//!    [`Connection`](hubplane_gateway_connection::Connection) say what follows from it (`carry`),
//! 4. writes to the wires whose queues have grown (`flush`, `transport`): a vectored write to a WebSocket, a piece of a
//!    body, the answer to a poll; a large number of them in chunks.
//!
//! What a client posts comes as a command. An event stream and a poll are drained by an HTTP server on another thread:
//! what they have to say to the shard comes over the same list as what sockets have to say.
//!
//! There is no task, channel or lock per connection, and nothing here ever waits for a single client or a single link:
//! a queue that is full pauses the reading of the sockets that fill it. What a shard deliberately does not do: HTTP,
//! authentication, finding out on which nodes an audience is, and anything that runs hub code.

mod asking;
mod attach;
mod carry;
mod command;
mod deliver;
mod entry;
mod flush;
mod groups;
mod links;
mod message;
mod metrics;
mod online;
mod options;
mod presence;
mod questions;
mod read;
mod ready;
mod sets;
mod shard;
mod shards;
mod stateful;
mod stream;
mod transport;
mod websocket;
mod wheel;

pub use command::{
    Ask, Attach, AttachTransport, Command, JoinReply, Resume, SharedDirectory, connection_of,
};
pub use hubplane_gateway_connection::{AskedId, Resumption, UserSource};
pub use links::{LinkEnded, LinkSender};
pub use message::{SharedMessage, Unserializable};
pub use metrics::{CLOSE_REASONS, Metrics};
pub use online::{AskOthers, HubUser, OnlineUsers, SharedPresence, Told, Voice};
pub use options::ShardOptions;
pub use shards::Shards;
pub use stream::ClientSocket;
pub use transport::body::{BodyReader, BodyWriter};
pub use transport::events::event_stream;
pub use transport::polls::PollAnswer;
