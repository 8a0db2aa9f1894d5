//! A Rust client of the protocols that Hubplane serves, for tests, load and tools.
//!
//! It speaks ASP.NET Core SignalR over WebSockets, Server-Sent Events and long polling, in JSON and in MessagePack. [`Connection::connect`] is where to
//! start:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hubplane_client::{Connection, Options};
//!
//! let mut ana = Connection::connect("http://127.0.0.1:8080/hubs/chat", &Options::default()).await?;
//! let sum: i64 = ana.invoke("Add", (40, 2)).await?;
//! let (room, text): (String, String) = ana.receive("Said").await?;
//! ana.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! It is made to look closely at a server, so it hides little: messages that nothing claims come out as they are, in
//! their order ([`Connection::next`]); anything can be sent ([`Connection::send_frame`], [`upgrade`]); a connection can
//! vanish without a word ([`Connection::kill`]), or lose its socket and go on over another one
//! ([`Options::stateful_reconnect`], [`Connection::lose_socket`]). It makes no new connections by itself, tries no
//! other transport than it is told, and trusts no certificate that it was not told of.

mod connect;
mod connection;
mod driver;
mod error;
mod events;
pub mod frame;
pub mod http;
mod options;
mod payload;
mod resume;
mod session;
mod socket;
mod wire;

pub use connect::upgrade;
pub use connection::{Connection, Invoker};
pub use driver::{CloseMessage, End, TransportEnd};
pub use error::{ConnectError, InvokeError, PayloadError, ReceiveError};
pub use frame::Frame;
pub use hubplane_proto_signalr::negotiate::Transport;
pub use hubplane_proto_signalr::{Encoding, message};
pub use options::Options;
pub use payload::{read_arguments, read_value, write_arguments};
pub use socket::{Socket, Trust, TrustError};
