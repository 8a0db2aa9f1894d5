use std::any::Any;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use hubplane_gateway_connection::{AskedId, Connection, Head, OutboundQueue, TransportClose};
use hubplane_proto_link::ClientOutcome;
use hubplane_proto_signalr::TransferFormat;
use tokio::sync::oneshot;

use crate::links::LinkIndex;
use crate::ready::SocketWaker;
use crate::transport::websocket::{Closing, Wait, code};
use crate::transport::{Format, Wire};
use crate::websocket::frame::{self, CloseCode};

/// One connection of a shard.
pub(crate) struct Entry {
    pub(crate) connection: Connection,
    /// `None` once it is dropped; the connection may still wait for its `on_disconnected`.
    pub(crate) wire: Option<Wire>,
    pub(crate) queue: OutboundQueue,
    pub(crate) signal: Arc<SocketWaker>,
    /// `signal`, as the runtime wants it.
    pub(crate) waker: Waker,
    pub(crate) link: LinkIndex,
    /// Frames of this connection that wait for room on the link.
    pub(crate) frames_waiting: usize,
    /// What was posted last, and who waits until it is read as far as it has to be.
    pub(crate) posted: Option<Posted>,
    /// Who waits for which result of this client.
    pub(crate) asked: Vec<(AskedId, oneshot::Sender<ClientOutcome>)>,
    /// Told apart from whoever had this place in the slab before.
    pub(crate) serial: u64,
    /// Its hub hears of presence.
    pub(crate) presence: bool,
    /// It counts among its user's connections.
    pub(crate) is_online: bool,
    /// Its keys are held in the directory.
    pub(crate) held: bool,
    /// Keys of this connection that are not visible yet.
    pub(crate) keys_on_their_way: usize,
    /// It is in a list of connections to write to.
    pub(crate) dirty: bool,
    /// The wire takes nothing more until it says so.
    pub(crate) blocked: bool,
    /// Its socket may hold something that was not read because the connection did not want it.
    pub(crate) unread: bool,
    /// The tick at which the wheel reports it.
    pub(crate) tick: Option<u64>,
    /// What the attacher wants dropped at the end.
    pub(crate) guard: Option<Box<dyn Any + Send>>,
}

/// What a client has posted.
pub(crate) struct Posted {
    /// Empty once it is read.
    pub(crate) bytes: Bytes,
    pub(crate) reply: oneshot::Sender<()>,
}

impl Entry {
    /// Whether there is a socket that is to be read now.
    pub(crate) fn wants_read(&self) -> bool {
        match &self.wire {
            Some(Wire::WebSocket(socket)) => match socket.closing {
                Some(closing) => closing.wait != Wait::Nothing,
                None => self.connection.wants_read(),
            },
            Some(Wire::Events(_) | Wire::Polls(_)) | None => false,
        }
    }

    /// Whether the connection and its wire are both over.
    pub(crate) fn is_over(&self) -> bool {
        self.connection.is_closed() && self.wire.is_none()
    }

    /// Whether all is said and written, and nothing of the client is waited for.
    pub(crate) fn is_done(&self) -> bool {
        let queued = !self.queue.is_empty();
        let wire = self.wire.as_ref();
        wire.is_some_and(|wire| wire.is_done(queued))
    }

    /// Whether there is something to write now.
    pub(crate) fn has_to_write(&self) -> bool {
        let queued = !self.queue.is_empty();
        match &self.wire {
            Some(Wire::Polls(polls)) => polls.has_answer(queued),
            _ => queued,
        }
    }

    /// Whether anything more can be written to the client.
    pub(crate) fn may_write(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| !wire.is_closing())
    }

    /// How shared messages look on its wire.
    pub(crate) fn format(&self) -> Format {
        let encoding = self.connection.encoding();
        let format = self.wire.as_ref().map(|wire| wire.format(encoding));
        format.unwrap_or(Format::WebSocket(encoding))
    }

    /// The connection has said its last: the wire is closed behind what waits.
    pub(crate) fn close_wire(&mut self, close: TransportClose, now: Instant) {
        let until = now + self.connection.options().transport_close_timeout;
        match &mut self.wire {
            Some(Wire::WebSocket(_)) => self.close_socket(code(close), Wait::CloseFrame, now),
            Some(Wire::Events(events)) => events.closing = Some(until),
            Some(Wire::Polls(polls)) => polls.closing = Some(close),
            None => {}
        }
    }

    /// Appends the last frame of a WebSocket, and keeps the socket for as long as `wait` and the option say. Only the
    /// first close counts.
    pub(crate) fn close_socket(&mut self, code: CloseCode, wait: Wait, now: Instant) {
        let Some(Wire::WebSocket(socket)) = self.wire.as_mut() else {
            return;
        };
        match &mut socket.closing {
            Some(closing) => {
                if wait == Wait::Nothing {
                    closing.wait = Wait::Nothing;
                }
            }
            None => {
                let until = now + self.connection.options().transport_close_timeout;
                socket.closing = Some(Closing { until, wait });
                self.queue
                    .push_bounded_elsewhere(Head::empty(), frame::close(code), 0, now);
            }
        }
    }

    /// Drops the wire with all that waits for it.
    pub(crate) fn drop_wire(&mut self) {
        self.wire = None;
        self.posted = None;
        self.queue.clear();
        self.blocked = false;
        self.unread = false;
    }

    /// Appends a hub message of this connection alone, which took this much of its window.
    pub(crate) fn push_message(
        &mut self,
        format: TransferFormat,
        bytes: Bytes,
        window_bytes: u32,
        now: Instant,
    ) {
        if self.may_write() || self.queue.is_detached() {
            let (head, body) = self.framed(format, bytes);
            self.queue.push_own(head, body, window_bytes, now);
        } else {
            self.queue.give_back(window_bytes);
        }
    }

    /// Appends a message of this connection alone that has no number where messages are numbered.
    pub(crate) fn push_own(
        &mut self,
        format: TransferFormat,
        bytes: Bytes,
        window_bytes: u32,
        now: Instant,
    ) {
        if self.may_write() {
            let (head, body) = self.framed(format, bytes);
            self.queue
                .push_bounded_elsewhere(head, body, window_bytes, now);
        } else {
            self.queue.give_back(window_bytes);
        }
    }

    /// A message as it goes over the wire. Who has none for a while has had a WebSocket.
    fn framed(&self, format: TransferFormat, bytes: Bytes) -> (Head, Bytes) {
        match &self.wire {
            Some(wire) => wire.framed(format, bytes),
            None => (frame::head(format, bytes.len()), bytes),
        }
    }

    /// Reads what was posted, if nothing is in its way; then whoever posted it may post more. True if something was read.
    pub(crate) fn read_posted(&mut self) -> bool {
        if !self.connection.wants_read() {
            return false;
        }
        let Some(posted) = &mut self.posted else {
            return false;
        };
        if posted.bytes.is_empty() {
            if let Some(posted) = self.posted.take() {
                // Whoever posted may have gone.
                let _ = posted.reply.send(());
            }
            return false;
        }
        let bytes = std::mem::take(&mut posted.bytes);
        self.connection.handle_bytes(&bytes);
        true
    }

    /// When something has to be done about the wire.
    pub(crate) fn wire_deadline(&self) -> Option<Instant> {
        let idle = self.connection.options().disconnect_timeout;
        self.wire.as_ref().and_then(|wire| wire.deadline(idle))
    }

    /// When something has to be done without anybody asking for it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limits = &self.connection.options().queue;
        [
            self.connection.poll_timeout(),
            self.queue.expires_at(limits),
            self.wire_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // What it holds by itself; what a hub may know of it, its ids and its memberships come on top.
        assert!(size_of::<Entry>() <= 768, "{}", size_of::<Entry>());
    }
}
