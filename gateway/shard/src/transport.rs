//! What carries a connection to its client: a WebSocket, an event stream, or long polls (reference signalr-core 6 to 8).

pub(crate) mod body;
pub(crate) mod events;
pub(crate) mod polls;
pub(crate) mod websocket;

use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_gateway_connection::Head;
use hubplane_proto_signalr::{Encoding, TransferFormat};

use crate::transport::events::Events;
use crate::transport::polls::Polls;
use crate::transport::websocket::WebSocket;
use crate::websocket::frame;

/// The transport of one connection.
pub(crate) enum Wire {
    WebSocket(WebSocket),
    Events(Events),
    Polls(Polls),
}

/// How a hub message looks on a wire. Connections of one format share the bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A WebSocket message, header included.
    WebSocket(Encoding),
    /// One event; JSON, as an event stream carries text alone.
    Event,
    /// As it is, one behind the other in the body of a poll.
    Polled(Encoding),
}

impl Format {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// Numbers them from 0.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::WebSocket(Encoding::Json) => 0,
            Self::WebSocket(Encoding::MessagePack) => 1,
            Self::Polled(Encoding::Json) => 2,
            Self::Polled(Encoding::MessagePack) => 3,
            Self::Event => 4,
        }
    }
}

impl Wire {
    /// The format of shared messages on this wire.
    pub(crate) fn format(&self, encoding: Encoding) -> Format {
        match self {
            Self::WebSocket(_) => Format::WebSocket(encoding),
            Self::Events(_) => Format::Event,
            Self::Polls(_) => Format::Polled(encoding),
        }
    }

    /// A message of one connection alone, framed for this wire.
    pub(crate) fn framed(&self, format: TransferFormat, bytes: Bytes) -> (Head, Bytes) {
        match self {
            Self::WebSocket(_) => (frame::head(format, bytes.len()), bytes),
            Self::Events(_) => (Head::empty(), events::event(&bytes)),
            Self::Polls(_) => (Head::empty(), bytes),
        }
    }

    /// Whether this side has said its last on it, or is about to.
    pub(crate) fn is_closing(&self) -> bool {
        match self {
            Self::WebSocket(socket) => socket.closing.is_some(),
            Self::Events(events) => events.closing.is_some(),
            Self::Polls(polls) => polls.closing.is_some(),
        }
    }

    /// Whether it is of no more use: all is said and, unless nobody waits for it, written.
    pub(crate) fn is_done(&self, queued: bool) -> bool {
        match self {
            Self::WebSocket(socket) => {
                socket.is_closed_by_client() && !queued && socket.stream.is_drained()
            }
            Self::Events(events) => events.closing.is_some() && !queued,
            Self::Polls(polls) => polls.is_forsaken(queued),
        }
    }

    /// When something about it is due, if its client may be gone for `idle`.
    pub(crate) fn deadline(&self, idle: Duration) -> Option<Instant> {
        match self {
            Self::WebSocket(socket) => socket.closing.map(|closing| closing.until),
            Self::Events(events) => events.closing,
            Self::Polls(polls) => Some(polls.deadline(idle)),
        }
    }
}

/// The Pings that all connections share.
pub(crate) struct Pings([Option<Bytes>; Format::COUNT]);

impl Pings {
    pub(crate) fn new() -> Self {
        let mut pings = [const { None }; Format::COUNT];
        for encoding in Encoding::ALL {
            let ping = encoding.ping();
            let frame = frame::message(encoding.transfer_format(), |out| {
                out.extend_from_slice(ping)
            });
            pings[Format::WebSocket(encoding).index()] = Some(frame);
        }
        pings[Format::Event.index()] = Some(events::event(Encoding::Json.ping()));
        Self(pings)
    }

    /// `None`: a client that polls is not pinged (reference signalr-core 8.5).
    pub(crate) fn of(&self, format: Format) -> Option<Bytes> {
        self.0[format.index()].clone()
    }
}
