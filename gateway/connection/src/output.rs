use bytes::Bytes;
use hubplane_proto_ids::UserId;
use hubplane_proto_link::{ClientOutcome, CloseReason, ToHubHost};
use hubplane_proto_signalr::TransferFormat;

use crate::AskedId;

/// What a connection asks its carrier to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write these whole hub messages, or this handshake response, as one message of the transport.
    Send {
        /// Whether it goes as text or as binary (reference signalr-core 6).
        format: TransferFormat,
        /// The payload, without any framing of the transport.
        bytes: Bytes,
        /// What it takes of the window of this connection at its hub-host, to be given back when the transport has taken
        /// it (DESIGN 3.1).
        window_bytes: u32,
        /// Whether it is one of the messages that stateful reconnect numbers (reference signalr-core 17.2).
        numbered: bool,
    },
    /// From now on keep what is sent until it is acknowledged
    /// ([`OutboundQueue::keep_unacknowledged`](crate::OutboundQueue::keep_unacknowledged)).
    KeepUnacknowledged {
        /// How much is kept before the next message waits, in bytes of hub messages.
        limit_bytes: usize,
    },
    /// The client has got everything up to this number.
    Acknowledged {
        /// The number.
        through: u64,
    },
    /// Keep nothing any more: the connection ends.
    ForgetUnacknowledged,
    /// What became of a request for a client result.
    Answered {
        /// Which request.
        asked: AskedId,
        /// What the client answered, or why it does not.
        outcome: ClientOutcome,
    },
    /// Write a Ping in the connection's encoding, unless the transport is behind anyway.
    Ping,
    /// Make the connection and its user visible (DESIGN 3.2), then call
    /// [`Connection::handle_visible`](crate::Connection::handle_visible).
    Appear {
        /// The user, if it has one.
        user: Option<UserId>,
    },
    /// Hand this to the hub-host.
    ToHubHost(ToHubHost),
    /// Write what waits, then close the transport. Nothing is sent after this.
    CloseTransport(TransportClose),
    /// The last output: the connection is over and its keys can be released.
    Ended(CloseReason),
}

/// How the transport is closed by this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportClose {
    /// As planned: WebSocket 1000, long polling 204.
    Normal,
    /// The application failed: WebSocket 1011, long polling 500 (reference signalr-core 13.3).
    Failed,
}
