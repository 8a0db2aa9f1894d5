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
//! which malformed message ends a connection ([`DecodeError`]), which fails one invocation ([`Arguments::Malformed`]), and
//! which is ignored; [`DecodeError::detail`] has its texts. It differs on purpose where the reference is in its own way:
//! messages of unknown types are skipped at once (there, the connection goes deaf); whether a trailing comma in JSON
//! arguments is fatal does not depend on the order of the members; in MessagePack, bytes behind the message's array are
//! never taken for its elements; arguments that nest more than 64 deep fail the invocation (there, some hundreds).
//!
//! **Limits.** Nesting is at most [`DEPTH_MAX`] deep, in both protocols. Nothing is allocated because of a length or a
//! count that the peer declared; memory is proportional to the bytes that arrived.
//!
//! ```
//! use bytes::BytesMut;
//! use hubplane_proto_signalr::{Arguments, CompletionResult, Encoding, Message};
//!
//! let mut received = BytesMut::from("{\"type\":1,\"invocationId\":\"7\",\"target\":\"Add\",\"arguments\":[40,2]}\u{1e}{\"ty");
//! let Ok(Some(Message::Invocation(invocation))) = Encoding::Json.decode(&mut received, Some(32_768)) else { panic!() };
//! let Arguments::Raw(raw) = &invocation.arguments else { panic!() };
//! assert_eq!(Encoding::Json.arguments(raw).unwrap().as_slice(), ["40", "2"]);
//! assert_eq!(Encoding::Json.decode(&mut received, Some(32_768)), Ok(None)); // the rest is still to come
//!
//! let mut out = Vec::new();
//! Encoding::Json.encode_completion("7", &CompletionResult::Value("42".into()), &mut out);
//! assert_eq!(out, b"{\"type\":3,\"invocationId\":\"7\",\"result\":42}\x1e");
//! ```

mod encoding;
mod error;
pub mod handshake;
mod json;
pub mod json_text;
pub mod message;
mod messagepack;
pub mod negotiate;
pub mod transcode;

pub use encoding::{Elements, Encoding, Source, TransferFormat, TransferFormats};
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
