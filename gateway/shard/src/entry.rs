use std::any::Any;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use hubplane_gateway_connection::{AskedId, Connection, Head, OutboundQueue};
use hubplane_proto_link::ClientOutcome;
use tokio::sync::oneshot;

use crate::links::LinkIndex;
use crate::ready::SocketWaker;
use crate::stream::Stream;
use crate::websocket::Reader;
use crate::websocket::frame::{self, CloseCode};

/// One connection of a shard.
pub(crate) struct Entry {
    pub(crate) connection: Connection,
    /// `None` once it is dropped; the connection may still wait for its `on_disconnected`.
    pub(crate) socket: Option<Socket>,
    pub(crate) queue: OutboundQueue,
    pub(crate) signal: Arc<SocketWaker>,
    /// `signal`, as the runtime wants it.
    pub(crate) waker: Waker,
    pub(crate) link: LinkIndex,
    /// Frames of this connection that wait for room on the link.
    pub(crate) frames_waiting: usize,
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
    /// It is in a list of sockets to write to.
    pub(crate) dirty: bool,
    /// The socket takes nothing more until it says so.
    pub(crate) blocked: bool,
    /// Its socket may hold something that was not read because the connection did not want it.
    pub(crate) unread: bool,
    /// The tick at which the wheel reports it.
    pub(crate) tick: Option<u64>,
    /// What the attacher wants dropped at the end.
    pub(crate) guard: Option<Box<dyn Any + Send>>,
}

/// A WebSocket.
pub(crate) struct Socket {
    pub(crate) stream: Stream,
    pub(crate) reader: Reader,
    pub(crate) closing: Option<Closing>,
}

/// This side has written its close frame, or is about to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// The socket is dropped then, come what may.
    pub(crate) until: Instant,
    /// Whether anything of the client is still waited for once the close frame is written.
    pub(crate) wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The client has closed: nothing.
    Nothing,
    /// Its close frame.
    CloseFrame,
    /// The end of its stream, after a violation; nothing that it sends is read as frames.
    EndOfStream,
}

impl Entry {
    /// Whether the socket is to be read now.
    pub(crate) fn wants_read(&self) -> bool {
        match &self.socket {
            Some(Socket {
                closing: Some(closing),
                ..
            }) => closing.wait != Wait::Nothing,
            Some(Socket { closing: None, .. }) => self.connection.wants_read(),
            None => false,
        }
    }

    /// Whether the connection and its socket are both over.
    pub(crate) fn is_over(&self) -> bool {
        self.connection.is_closed() && self.socket.is_none()
    }

    /// Whether both sides have said that they close, and all is written.
    pub(crate) fn is_closed_by_both(&self) -> bool {
        self.queue.is_empty()
            && self.socket.as_ref().is_some_and(|socket| {
                let closing = socket.closing;
                closing.is_some_and(|closing| closing.wait == Wait::Nothing)
                    && socket.stream.is_drained()
            })
    }

    /// Whether anything more can be written to the client.
    pub(crate) fn may_write(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(|socket| socket.closing.is_none())
    }

    /// Appends the last frame, and keeps the socket for as long as `wait` and the option say. Only the first close
    /// counts.
    pub(crate) fn close_socket(&mut self, code: CloseCode, wait: Wait, now: Instant) {
        let Some(socket) = self.socket.as_mut() else {
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

    /// Drops the socket with all that waits for it.
    pub(crate) fn drop_socket(&mut self) {
        self.socket = None;
        self.queue.clear();
        self.blocked = false;
        self.unread = false;
    }

    /// Appends a hub message of this connection alone, which took this much of its window.
    pub(crate) fn push_message(
        &mut self,
        head: Head,
        body: Bytes,
        window_bytes: u32,
        now: Instant,
    ) {
        if self.may_write() || self.queue.is_detached() {
            self.queue.push_own(head, body, window_bytes, now);
        } else {
            self.queue.give_back(window_bytes);
        }
    }

    /// Appends a message of this connection alone that has no number where messages are numbered.
    pub(crate) fn push_own(&mut self, head: Head, body: Bytes, window_bytes: u32, now: Instant) {
        if self.may_write() {
            self.queue
                .push_bounded_elsewhere(head, body, window_bytes, now);
        } else {
            self.queue.give_back(window_bytes);
        }
    }

    /// When something has to be done without anybody asking for it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limits = &self.connection.options().queue;
        let closing = self
            .socket
            .as_ref()
            .and_then(|socket| socket.closing)
            .map(|closing| closing.until);
        [
            self.connection.poll_timeout(),
            self.queue.expires_at(limits),
            closing,
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
