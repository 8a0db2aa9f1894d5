//! One client connection as a state machine: bytes in, events out (DESIGN 3.1, 4; reference signalr-core 5 to 13).
//!
//! [`Connection`] is the whole life of a SignalR Core connection, handshake to close, with no socket, clock, task or
//! channel in sight. Whoever holds the socket feeds it (`handle_*`, with the time), carries out what it asks for
//! ([`Connection::poll_output`]) and calls it again when it says so ([`Connection::poll_timeout`]).
//!
//! ```text
//! handshaking -> identifying -> appearing -> opening -> open -> closing -> closed
//!      |         only hubs that |            on_connected  |    on_disconnected
//!      |         name users     |            runs          |    runs
//!      request read             connection and user        invocations run
//!                               become visible; then the
//!                               handshake is answered
//! ```
//!
//! Invocations wait for slots (`receive`); streams, uploads and client results do not (`exchange`). An upload has ten
//! items of credit, and beyond them the whole connection waits. What a hub sends to this client alone is in the window of
//! the connection: the machine says with each message what it took of it, and the queue gives it back.
//!
//! With stateful reconnect (`stateful`, `resumable`) the loss of a WebSocket is not the end: messages are numbered in both
//! directions, what the client has not acknowledged is kept, and another WebSocket goes on where the last one ended.
//!
//! What differs between transports stays outside: whole hub messages go in and out, and how they are framed, and how
//! the transport itself is closed, is its carrier's business. [`OutboundQueue`] is the bounded queue that every
//! transport writes from.
//!
//! This crate deliberately knows nothing of groups, audiences and other connections: deliveries do not pass through
//! the machine, which only says whether they may reach the client now ([`Connection::hears`]).

mod account;
mod asked;
mod clocks;
mod closing;
mod connection;
mod exchange;
mod handover;
mod handshake;
mod items;
mod options;
mod output;
mod queue;
mod receive;
mod reply;
mod resumable;
mod stateful;
mod unacknowledged;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use asked::AskedId;
pub use connection::{Connection, End, UserSource};
pub use handover::{Exported, NotExportable, NotImportable};
pub use items::{ItemBag, ItemBagFull};
pub use options::{Options, QueueLimits, StatefulOptions};
pub use output::{Output, TransportClose};
pub use queue::{Head, OutboundQueue, Overflow};
pub use stateful::Resumption;
