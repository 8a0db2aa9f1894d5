//! The write path: from queues to sockets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite as _;

use crate::entry::{Entry, Wait};
use crate::shard::Shard;

/// The most frames of one vectored write.
const SLICES_MAX: usize = 64;

impl Shard {
    /// Writes to sockets whose queues have grown, one vectored write each. A large number of them is written in chunks,
    /// one per turn, and who has got something since comes first: nobody waits behind the largest audience.
    pub(crate) fn flush_dirty(&mut self) {
        let budget = self.options.writes_per_turn_max.max(2);
        // At least a quarter is for those that wait already.
        let reserved = self.dirty_before.len().min(budget / 4);
        let fresh = self.dirty.len().min(budget - reserved);
        for _ in 0..fresh {
            if let Some(place) = self.dirty.pop_front() {
                self.flush(place);
            }
        }
        for _ in 0..budget - fresh {
            let Some(place) = self.dirty_before.pop_front() else {
                break;
            };
            self.flush(place);
        }
        self.dirty_before.append(&mut self.dirty);
    }

    /// One vectored write, straight from the shard. Only a socket that would block registers interest.
    pub(crate) fn flush(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.dirty = false;
        if entry.queue.is_empty() {
            return self.drain_stream(place);
        }
        match write_some(entry) {
            Poll::Ready(Ok(taken)) => {
                self.metrics.writes += 1;
                self.metrics.bytes_out += taken as u64;
                self.metrics.frames_written += entry.queue.advance(taken, self.now) as u64;
                entry.blocked = false;
                self.return_window(place);
                let Some(entry) = self.entries.get(place) else {
                    return;
                };
                if entry.queue.is_empty() {
                    self.drain_stream(place);
                } else {
                    // More than one write's worth: its turn comes again.
                    self.mark_dirty(place);
                    self.resume(place);
                }
            }
            Poll::Pending => {
                entry.blocked = true;
                self.watch_clock(place);
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(connection = %entry.connection.info().connection, %error, "a socket takes no more");
                self.lose_socket(place);
            }
        }
    }

    /// The queue is empty. What the stream has encrypted and not yet written follows.
    fn drain_stream(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let drained = entry.socket.as_mut().map(|socket| {
            let mut cx = Context::from_waker(&entry.waker);
            Pin::new(&mut socket.stream).poll_flush(&mut cx)
        });
        match drained {
            Some(Poll::Pending) => {
                entry.blocked = true;
                self.watch_clock(place);
            }
            Some(Poll::Ready(Err(error))) => {
                tracing::debug!(connection = %entry.connection.info().connection, %error, "a socket takes no more");
                self.lose_socket(place);
            }
            Some(Poll::Ready(Ok(()))) | None => self.flushed(place),
        }
    }

    /// The socket has taken everything.
    fn flushed(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry
            .socket
            .as_mut()
            .and_then(|socket| socket.closing.map(|closing| (socket, closing)))
        {
            Some((_, closing)) if closing.wait == Wait::Nothing => {
                entry.drop_socket();
                self.remove_if_over(place);
            }
            Some((socket, closing)) if closing.wait == Wait::EndOfStream => {
                // The client is told by the end of our stream, too, that nothing more comes.
                let mut cx = Context::from_waker(&entry.waker);
                if Pin::new(&mut socket.stream)
                    .poll_shutdown(&mut cx)
                    .is_ready()
                {
                    tracing::trace!("a socket is shut down for writing");
                }
            }
            _ => self.resume(place),
        }
    }

    /// From now on the socket is one of those to write to, unless it takes nothing.
    pub(crate) fn mark_dirty(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place)
            && !entry.dirty
            && !entry.blocked
            && entry.socket.is_some()
        {
            entry.dirty = true;
            self.dirty.push_back(place);
        }
    }
}

fn write_some(entry: &mut Entry) -> Poll<io::Result<usize>> {
    let Some(socket) = entry.socket.as_mut() else {
        return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
    };
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let filled = entry.queue.slices(&mut slices);
    let mut cx = Context::from_waker(&entry.waker);
    Pin::new(&mut socket.stream).poll_write_vectored(&mut cx, &slices[..filled])
}
