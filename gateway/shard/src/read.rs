//! The read path: from sockets to connections.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use hubplane_gateway_connection::End;
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::entry::{Entry, Wait};
use crate::shard::Shard;
use crate::websocket::frame::{self, CloseCode};
use crate::websocket::{Received, Violation};

/// The most bytes of pongs that wait for one client: who sends pings and reads nothing gets no more of them.
const PONGS_BYTES_MAX: usize = 64 * 1024;

/// The socket gave less than there was room for.
struct ShortRead;

impl Shard {
    /// The runtime says that a socket is readable or writable, or reading was put off.
    pub(crate) fn look_at_socket(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.signal.seen();
        let socket = entry.socket.as_ref();
        if entry.blocked || socket.is_some_and(|socket| !socket.stream.is_drained()) {
            entry.blocked = false;
            self.mark_dirty(place);
        }
        self.read(place);
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
        let socket = entry.socket.as_mut()?;
        let mut buffer = ReadBuf::new(&mut self.scratch);
        let mut cx = Context::from_waker(&entry.waker);
        match Pin::new(&mut socket.stream).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => None,
            Poll::Ready(Ok(())) => {
                let len = buffer.filled().len();
                if len == 0 {
                    // In order this comes only behind a close frame.
                    self.lose_socket(place);
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
                self.lose_socket(place);
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
            let Some(socket) = entry.socket.as_mut() else {
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

    /// The socket is of no more use: dropped, and the connection told.
    pub(crate) fn lose_socket(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.drop_socket();
            entry.connection.handle_end(End::Lost, self.now);
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
    if entry
        .socket
        .as_ref()
        .is_some_and(|socket| socket.closing.is_some())
    {
        // It was to close anyway, and has done that in its own way.
        entry.close_socket(violation.code, Wait::Nothing, now);
    } else {
        entry.close_socket(violation.code, Wait::EndOfStream, now);
    }
}
