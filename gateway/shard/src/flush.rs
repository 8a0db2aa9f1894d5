//! The write path: from queues to sockets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite as _;

use crate::shard::Shard;
use crate::slot::{Slot, Wait};

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
            if let Some(slot) = self.dirty.pop_front() {
                self.flush(slot);
            }
        }
        for _ in 0..budget - fresh {
            let Some(slot) = self.dirty_before.pop_front() else {
                break;
            };
            self.flush(slot);
        }
        self.dirty_before.append(&mut self.dirty);
    }

    /// One vectored write, straight from the shard. Only a socket that would block registers interest.
    pub(crate) fn flush(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        entry.dirty = false;
        if entry.queue.is_empty() {
            return self.flushed(slot);
        }
        match write_some(entry) {
            Poll::Ready(Ok(taken)) => {
                self.metrics.writes += 1;
                self.metrics.bytes_out += taken as u64;
                self.metrics.frames_written += entry.queue.advance(taken, self.now) as u64;
                entry.blocked = false;
                if entry.queue.is_empty() {
                    self.flushed(slot);
                } else {
                    // More than one write's worth: its turn comes again.
                    self.mark_dirty(slot);
                    self.resume(slot);
                }
            }
            Poll::Pending => {
                entry.blocked = true;
                self.watch_clock(slot);
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(connection = %entry.connection.info().connection, %error, "a socket takes no more");
                self.lose_socket(slot);
            }
        }
    }

    /// The socket has taken everything.
    fn flushed(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        match entry
            .socket
            .as_mut()
            .and_then(|socket| socket.closing.map(|closing| (socket, closing)))
        {
            Some((_, closing)) if closing.wait == Wait::Nothing => {
                entry.drop_socket();
                self.remove_if_over(slot);
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
            _ => self.resume(slot),
        }
    }

    /// From now on the socket is one of those to write to, unless it takes nothing.
    pub(crate) fn mark_dirty(&mut self, slot: usize) {
        if let Some(entry) = self.slots.get_mut(slot)
            && !entry.dirty
            && !entry.blocked
            && entry.socket.is_some()
        {
            entry.dirty = true;
            self.dirty.push_back(slot);
        }
    }
}

fn write_some(entry: &mut Slot) -> Poll<io::Result<usize>> {
    let Some(socket) = entry.socket.as_mut() else {
        return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
    };
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let filled = entry.queue.slices(&mut slices);
    let mut cx = Context::from_waker(&entry.waker);
    Pin::new(&mut socket.stream).poll_write_vectored(&mut cx, &slices[..filled])
}
