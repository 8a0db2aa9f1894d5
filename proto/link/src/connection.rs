use std::net::SocketAddr;

use hubplane_proto_ids::{ConnectionId, HubName};
use serde::{Deserialize, Serialize};

use crate::Encoding;

/// How the bytes of a connection travel (reference signalr-core 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// A WebSocket.
    WebSockets,
    /// Server-Sent Events down, POST up.
    ServerSentEvents,
    /// Long polling down, POST up.
    LongPolling,
}

impl Transport {
    /// The name that the protocol and its clients use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }
}

/// One statement of a token about its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What it is about, `sub` or `role` for instance.
    pub name: String,
    /// A text as it is; any other JSON value as JSON text; an array as several claims.
    pub value: String,
}

/// One header of the transport request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// As it came, where it was text.
    pub value: String,
}

/// What a hub may know of a connection besides its user: fixed when its transport attached and its handshake was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// Its public name.
    pub connection: ConnectionId,
    /// The hub that it is connected to.
    pub hub: HubName,
    /// Whether it brought a valid token.
    pub authenticated: bool,
    /// What the token says, in its order.
    pub claims: Vec<Claim>,
    /// The headers of the transport request but `authorization`; at most 8 KiB of them.
    pub headers: Vec<Header>,
    /// The path of the transport request.
    pub path: String,
    /// The query of the transport request, still escaped, without `access_token` and `id`.
    pub query: String,
    /// Where the client is.
    pub remote: Option<SocketAddr>,
    /// The address of ours that it came to.
    pub local: Option<SocketAddr>,
    /// The transport in use.
    pub transport: Transport,
    /// The hub protocol in use, by its encoding.
    pub protocol: Encoding,
}

/// Why a connection ended. Decides what `on_disconnected` is told and what a log and a metric say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseReason {
    /// The client closed its transport, or said Close without an error.
    ClientClosed,
    /// The client said Close with this error.
    ClientError(String),
    /// The transport was lost without a word.
    TransportLost,
    /// The hub aborted the connection, or asked for its close.
    Aborted,
    /// Nothing came from the client for longer than the client timeout.
    ClientTimeout,
    /// The client broke the protocol; what was wrong, with its exception name as the reference has it.
    ProtocolError(String),
    /// A message for this connection could not be written in its protocol; what was wrong.
    Unserializable(String),
    /// Its outbound queue outgrew its bound in bytes or in age.
    SlowConsumer,
    /// `on_connected` failed; `on_disconnected` does not run.
    OpeningFailed,
    /// This node drains.
    Draining,
    /// The hub asked for its close with this reason, which the client is told.
    ByHub(String),
    /// Its token has expired, and its hub keeps nobody beyond that.
    AuthenticationExpired,
}

impl CloseReason {
    /// A short constant name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::ClientError(_) => "client_error",
            Self::TransportLost => "transport_lost",
            Self::Aborted => "aborted",
            Self::ClientTimeout => "client_timeout",
            Self::ProtocolError(_) => "protocol_error",
            Self::Unserializable(_) => "unserializable",
            Self::SlowConsumer => "slow_consumer",
            Self::OpeningFailed => "opening_failed",
            Self::Draining => "draining",
            Self::ByHub(_) => "closed_by_hub",
            Self::AuthenticationExpired => "authentication_expired",
        }
    }

    /// The error that `on_disconnected` is given; `None` where the end is ordinary (reference signalr-core 13.3).
    pub fn error(&self) -> Option<String> {
        match self {
            Self::ClientClosed
            | Self::TransportLost
            | Self::Aborted
            | Self::Draining
            | Self::OpeningFailed
            | Self::ByHub(_)
            | Self::AuthenticationExpired => None,
            Self::ClientError(text) => Some(format!("HubException: {text}")),
            Self::ClientTimeout => Some(
                "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
                    .to_owned(),
            ),
            Self::ProtocolError(detail) | Self::Unserializable(detail) => Some(detail.clone()),
            Self::SlowConsumer => Some("SlowConsumer: the outbound queue of this connection outgrew its bound".to_owned()),
        }
    }
}
