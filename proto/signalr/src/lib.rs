//! ASP.NET Core SignalR on the wire: negotiate, handshake, and the JSON and MessagePack hub protocols.
//!
//! Nothing here knows sockets, clocks or tasks. What a client sends becomes a [`Message`]; what it shall receive becomes
//! bytes. Both directions exist for both ends, so that the server, the client and their tests share one codec.
//!
//! | Step | Module |
//! | --- | --- |
//! | `POST /negotiate`: the version, the answer | [`negotiate`] |
//! | the first record on the connection | [`handshake`] |
//! | hub messages | [`message`] says what they are, [`Encoding`] reads and writes them |
//! | a value that crosses from one hub protocol to the other | [`transcode`] |
//!
//! **Arguments, items and results stay raw.** They are slices of the received bytes in the connection's own hub
//! protocol; nobody parses them before the hub method that knows their types. A message therefore costs no copy of its
//! payload and no value tree.
//!
//! **What counts as fatal is the reference server's.** Its recorded behaviour (`signalr-core` 10.2, 11.2, 11.3) decides
//! which malformed message ends a connection ([`DecodeError`]), which fails one invocation ([`Arguments::Malformed`]),
//! and which is ignored; `DecodeError::detail` has its texts. The exceptions, all recommended by that reference:
//! unknown message types are skipped at once (the reference server goes deaf).
//!
//! **Limits.** Nesting is at most [`DEPTH_MAX`] deep, in both protocols. Nothing is allocated because of a length or a
//! count that the peer declared; memory is proportional to the bytes that arrived.

mod encoding;
mod error;
pub mod handshake;
mod json;
pub mod message;
mod messagepack;
pub mod negotiate;
pub mod transcode;

pub use encoding::{Encoding, Source, TransferFormat, TransferFormats};
pub use error::{ArgumentsError, DecodeError, Detail};
pub use handshake::{HandshakeError, HandshakeRequest, HandshakeResponse};
pub use message::{
    Arguments, Completion, CompletionResult, Invocation, Message, StreamIds, StreamItem,
};
pub use negotiate::{NegotiateError, NegotiateResponse, Transport, TransportOffer};
pub use transcode::TranscodeError;

/// The deepest nesting that either hub protocol may have, the message itself included (`signalr-core` 11.2): an
/// argument may be 62 deep, an item or a result 63.
pub const DEPTH_MAX: usize = 64;

/// The byte that ends a JSON record: the handshake, and each message of the JSON hub protocol (`signalr-core` 10.1).
pub const RECORD_SEPARATOR: u8 = 0x1e;
