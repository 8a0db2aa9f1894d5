//! Negotiate (`signalr-core` 3): which version, and what the answer looks like.
#![allow(clippy::todo, unused_variables)]

use crate::TransferFormats;

/// The newest version of negotiate that is spoken.
pub const VERSION_MAX: i32 = 1;

/// A way to carry a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// WebSockets, text and binary.
    WebSockets,
    /// Server-Sent Events, text only.
    ServerSentEvents,
    /// Long polling, text and binary.
    LongPolling,
}

/// One entry of `availableTransports`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransportOffer {
    /// The transport.
    pub transport: Transport,
    /// What it carries.
    pub transfer_formats: TransferFormats,
}

/// Why no version was agreed on. The answer is still HTTP 200, with `client_text` as its `error` (`signalr-core` 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    /// `negotiateVersion` is not one 32-bit integer.
    #[error("negotiate version that is not an integer")]
    NotAnInteger,
    /// `negotiateVersion` is below the endpoint's minimum.
    #[error("negotiate version {version} below the minimum")]
    Unsupported {
        /// What the client asked for; 0 if it did not say.
        version: i32,
    },
}

/// The answer to a negotiate request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiateResponse {
    /// The error, and then nothing else counts.
    pub error: Option<String>,
    /// The endpoint base to negotiate with instead.
    pub url: Option<String>,
    /// The bearer token to use there.
    pub access_token: Option<String>,
    /// The version agreed on.
    pub version: Option<i32>,
    /// The connection's public name.
    pub connection_id: Option<String>,
    /// The secret that transport requests name the connection with; absent below version 1, where it is the id.
    pub connection_token: Option<String>,
    /// Whether stateful reconnect was granted.
    pub stateful_reconnect: bool,
    /// How the connection may be carried on, the best first.
    pub transports: Vec<TransportOffer>,
}

/// The version to answer with, of at most [`VERSION_MAX`].
///
/// `query_value` is the value of `negotiateVersion`: `None` if absent, joined by a comma if given twice.
///
/// # Errors
/// See [`NegotiateError`]. Note that a version *above* the maximum is no error.
pub fn select_version(query_value: Option<&str>, minimum: i32) -> Result<i32, NegotiateError> {
    todo!()
}

/// Whether `useStatefulReconnect` asks for it: the text `true` in any letter case.
pub fn asks_for_stateful_reconnect(query_value: Option<&str>) -> bool {
    todo!()
}

impl NegotiateError {
    /// The text for the client.
    pub fn client_text(&self) -> String {
        todo!()
    }
}

impl NegotiateResponse {
    /// A connection was made. The token is left out below version 1.
    pub fn accepted(
        version: i32,
        connection_id: impl Into<String>,
        connection_token: impl Into<String>,
        stateful_reconnect: bool,
        transports: &[TransportOffer],
    ) -> Self {
        todo!()
    }

    /// The client shall negotiate with another endpoint base.
    pub fn redirect(url: impl Into<String>, access_token: Option<String>) -> Self {
        todo!()
    }

    /// No connection was made, and this is why.
    pub fn error(text: impl Into<String>) -> Self {
        todo!()
    }

    /// The body, with the members in the reference's order. Its content type is `application/json`.
    pub fn to_json(&self) -> Vec<u8> {
        todo!()
    }

    /// Reads a body, as clients do: unknown members and unknown transports are skipped. `None` if it is no JSON object
    /// or a member has the wrong type.
    pub fn from_json(body: &[u8]) -> Option<Self> {
        todo!()
    }
}

impl Transport {
    /// All transports, in the reference's order of preference.
    pub const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// The name in `availableTransports`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    /// What the transport carries.
    pub fn transfer_formats(self) -> TransferFormats {
        match self {
            Self::ServerSentEvents => TransferFormats::TEXT,
            Self::WebSockets | Self::LongPolling => TransferFormats::BOTH,
        }
    }

    /// The entry for `availableTransports`.
    pub fn offer(self) -> TransportOffer {
        TransportOffer {
            transport: self,
            transfer_formats: self.transfer_formats(),
        }
    }
}
