//! The read path: from sockets, and from what was posted, to connections.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use hubplane_gateway_connection::End;
use hubplane_proto_ids::ConnectionId;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::sync::oneshot;

use crate::entry::{Entry, Posted};
use crate::shard::Shard;
use crate::transport::Wire;
use crate::transport::websocket::Wait;
use crate::websocket::frame::{self, CloseCode};
use crate::websocket::{Received, Violation};

/// The most bytes of pongs that wait for one client: who sends pings and reads nothing gets no more of them.
const PONGS_BYTES_MAX: usize = 64 * 1024;

/// The socket gave less than there was room for.
struct ShortRead;

impl Shard {
    /// Somebody says that a wire has something to read, or room, or has come to its end; or reading was put off.
    pub(crate) fn look_at_wire(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.signal.seen();
        if let Some(Wire::Polls(_)) = entry.wire {
            return self.look_at_polls(place);
        }
        let drained = match &entry.wire {
            Some(Wire::WebSocket(socket)) => socket.stream.is_drained(),
            _ => true,
        };
        if entry.blocked || !drained {
            entry.blocked = false;
            self.mark_dirty(place);
        }
        match self.entries.get(place).map(|entry| &entry.wire) {
            Some(Some(Wire::Events(_))) => self.look_at_events(place),
            _ => self.read(place),
        }
    }

    /// Reads as much as the scratch buffer takes, and comes back to it in a later turn if there may be more.
    fn read(&mut self, place: usize) {
        // A short read has told the runtime that there is no more: the second one asks the system for nothing, it only
        // registers this socket's waker.
        // A client that has sent more meanwhile has its next turn like all others.
        if self.read_once(place).is_some() && self.read_once(place).is_some() {
            self.to_read.push_back(place);
        }
    }

    /// Reads once; `None` if the socket need not be asked again now.
    fn read_once(&mut self, place: usize) -> Option<ShortRead> {
        let entry = self.entries.get_mut(place)?;
        entry.unread = !entry.wants_read();
        if entry.unread {
            return None;
        }
        let Some(Wire::WebSocket(socket)) = &mut entry.wire else {
            return None;
        };
        let mut buffer = ReadBuf::new(&mut self.scratch);
        let mut cx = Context::from_waker(&entry.waker);
        match Pin::new(&mut socket.stream).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => None,
            Poll::Ready(Ok(())) => {
                let len = buffer.filled().len();
                if len == 0 {
                    // In order this comes only behind a close frame.
                    self.lose_wire(place);
                    return None;
                }
                self.metrics.bytes_in += len as u64;
                let mut scratch = std::mem::take(&mut self.scratch);
                self.received(place, &mut scratch[..len]);
                self.scratch = scratch;
                if len < self.scratch.len() {
                    return Some(ShortRead);
                }
                self.to_read.push_back(place);
                None
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(connection = %entry.connection.info().connection, %error, "a socket was lost");
                self.lose_wire(place);
                None
            }
        }
    }

    /// Bytes of the client, as they came from the socket.
    pub(crate) fn received(&mut self, place: usize, mut bytes: &mut [u8]) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        loop {
            let Some(Wire::WebSocket(socket)) = &mut entry.wire else {
                return;
            };
            if socket
                .closing
                .is_some_and(|closing| closing.wait != Wait::CloseFrame)
            {
                break;
            }
            match socket.reader.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Received::Data(data))) => entry.connection.handle_bytes(data),
                Ok(Some(Received::Ping(payload))) => {
                    // However much else waits: clients exist that leave without their pongs.
                    if entry.may_write() && entry.queue.control_bytes() < PONGS_BYTES_MAX {
                        entry.queue.push_control(frame::pong(&payload), self.now);
                    }
                }
                Ok(Some(Received::Close)) => {
                    entry.connection.handle_end(End::Closed, self.now);
                    // Whatever status the client gave: 1000 (recorded).
                    entry.close_socket(CloseCode::Normal, Wait::Nothing, self.now);
                    break;
                }
                Err(violation) => {
                    violated(entry, violation, self.now);
                    break;
                }
            }
        }
        self.pump(place);
    }

    /// Bytes that a client has posted. They are read, and it is answered, when nothing is in the way of more (reference signalr-core 8.3);
    /// dropping `reply` says that there is no such connection any more.
    pub(crate) fn post(
        &mut self,
        connection: &ConnectionId,
        bytes: Bytes,
        reply: oneshot::Sender<()>,
    ) {
        let Some(place) = self.ids.get(connection).copied() else {
            return;
        };
        if let Some(entry) = self
            .entries
            .get_mut(place)
            .filter(|entry| entry.wire.is_some())
        {
            self.metrics.bytes_in += bytes.len() as u64;
            // One that is still unread was given up by whoever posted it.
            entry.posted = Some(Posted { bytes, reply });
            self.settle(place);
        }
    }

    /// The wire is of no more use: dropped, and the connection told, which may wait for another one.
    pub(crate) fn lose_wire(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place) {
            if !entry.detach(self.now) {
                entry.drop_wire();
                entry.connection.handle_end(End::Lost, self.now);
            }
            // Nothing waits in its queue any more.
            self.resume(place);
            self.pump(place);
        }
    }
}

fn violated(entry: &mut Entry, violation: Violation, now: Instant) {
    tracing::debug!(connection = %entry.connection.info().connection, %violation, "a client broke the websocket protocol");
    let detail = format!("WebSocketException: {violation}");
    entry.connection.handle_end(End::Violation(detail), now);
    if !entry.may_write() {
        // It was to close anyway, and has done that in its own way.
        entry.close_socket(violation.code, Wait::Nothing, now);
    } else {
        entry.close_socket(violation.code, Wait::EndOfStream, now);
    }
}
