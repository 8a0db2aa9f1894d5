//! The handshake (`signalr-core` 10.2): one JSON record from the client, one from the server, before any hub message.
#![allow(clippy::todo, unused_variables)]

use crate::{Detail, Encoding, TransferFormat, TransferFormats};

/// The newest hub protocol version that is spoken. Version 2 adds Ack and Sequence.
pub const VERSION_MAX: i32 = 2;

/// What the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// The hub protocol's name as the client spelled it.
    pub protocol: String,
    /// The hub protocol's version; any integer up to [`VERSION_MAX`] is accepted.
    pub version: i32,
}

/// Why there is no handshake. The client is told by `client_text`, and then the connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// No complete request in time, or none within the message size limit.
    #[error("handshake canceled")]
    Canceled,
    /// What was sent is no handshake request.
    #[error("malformed handshake request ({0})")]
    Malformed(Detail),
    /// A hub protocol that this hub does not speak.
    #[error("unknown hub protocol {protocol:?}")]
    UnknownProtocol {
        /// As the client spelled it.
        protocol: String,
    },
    /// A version above [`VERSION_MAX`].
    #[error("version {version} of hub protocol {protocol:?} is not supported")]
    Version {
        /// As the client spelled it.
        protocol: String,
        /// As the client asked.
        version: i32,
    },
    /// The transport cannot carry the hub protocol.
    #[error("hub protocol {protocol:?} on a transport that does not carry it")]
    TransferFormat {
        /// As the client spelled it.
        protocol: String,
        /// What the hub protocol needs.
        needs: TransferFormat,
    },
    /// This hub speaks no hub protocol at all. The reference sends no response and closes the WebSocket with 1011.
    #[error("no hub protocol is configured")]
    NoProtocols,
}

impl HandshakeError {
    /// The `error` of the response. `detailed` adds the exception's text to an unexpected failure.
    pub fn client_text(&self, detailed: bool) -> String {
        todo!()
    }

    /// The response to send before the connection ends; `None` where the reference sends none.
    pub fn response(&self, detailed: bool) -> Option<Vec<u8>> {
        todo!()
    }
}

/// Looks for one complete request at the front of `input`, and how many bytes it has, the record separator included.
/// `Ok(None)`: it is not complete yet.
///
/// # Errors
/// [`HandshakeError::Malformed`].
pub fn parse_request(input: &[u8]) -> Result<Option<(HandshakeRequest, usize)>, HandshakeError> {
    todo!()
}

/// The same under the size limit of hub messages: a request of exactly that many bytes passes.
///
/// # Errors
/// [`HandshakeError::Canceled`] if more bytes than the limit hold no complete request, else as [`parse_request`].
pub fn parse_request_within(
    input: &[u8],
    max_message_bytes: Option<usize>,
) -> Result<Option<(HandshakeRequest, usize)>, HandshakeError> {
    todo!()
}

/// Decides on a request: the hub protocol and version to speak from now on.
///
/// # Errors
/// The reference's checks in its order: protocol, version, transfer format.
pub fn accept(
    request: &HandshakeRequest,
    available: &[Encoding],
    possible: TransferFormats,
) -> Result<(Encoding, i32), HandshakeError> {
    todo!()
}

/// The response that accepts, with its record separator.
pub fn response_ok() -> &'static [u8] {
    b"{}\x1e"
}

/// The response that refuses, with its record separator.
pub fn response_error(text: &str) -> Vec<u8> {
    todo!()
}

/// The request, as clients write it.
pub fn write_request(encoding: Encoding, version: i32) -> Vec<u8> {
    todo!()
}

/// Looks for one complete response at the front of `input`, as clients do: what the server said, and how many bytes the
/// response has. `Ok(None)`: it is not complete yet. A non-empty `error` is a refusal.
///
/// # Errors
/// [`HandshakeError::Malformed`].
#[allow(clippy::type_complexity)]
pub fn parse_response(input: &[u8]) -> Result<Option<(Result<(), String>, usize)>, HandshakeError> {
    todo!()
}
