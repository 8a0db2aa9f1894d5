//! The write path: from queues to wires.

use std::task::{Context, Poll};

use crate::entry::Entry;
use crate::shard::Shard;
use crate::transport::Wire;

impl Shard {
    /// Writes to wires whose queues have grown, once each. A large number of them is written in chunks,
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

    /// Writes what waits, as its wire takes it.
    pub(crate) fn flush(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.dirty = false;
        match &entry.wire {
            Some(Wire::WebSocket(_)) => self.flush_socket(place),
            Some(Wire::Events(_)) => self.flush_events(place),
            Some(Wire::Polls(_)) => self.flush_polls(place),
            None => {}
        }
    }

    /// One vectored write, straight from the shard. Only a socket that would block registers interest.
    fn flush_socket(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Entry {
            wire, queue, waker, ..
        } = entry;
        let Some(Wire::WebSocket(socket)) = wire else {
            return;
        };
        let mut cx = Context::from_waker(waker);
        match socket.write(queue, &mut cx, self.now) {
            Poll::Ready(Ok(written)) => {
                self.metrics.writes += u64::from(written.bytes > 0);
                self.metrics.bytes_out += written.bytes as u64;
                self.metrics.frames_written += written.frames as u64;
                entry.blocked = !written.drained;
                self.written(place);
            }
            Poll::Pending => {
                entry.blocked = true;
                self.watch_clock(place);
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(connection = %entry.connection.info().connection, %error, "a socket takes no more");
                self.lose_wire(place);
            }
        }
    }

    /// The wire has taken something, or there was nothing to take.
    pub(crate) fn written(&mut self, place: usize) {
        self.return_window(place);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if entry.is_done() {
            entry.drop_wire();
            return self.remove_if_over(place);
        }
        if entry.blocked {
            self.watch_clock(place);
        } else if entry.has_to_write() {
            // More than one write's worth: its turn comes again.
            self.mark_dirty(place);
        }
        self.resume(place);
    }

    /// From now on the wire is one of those to write to, unless it takes nothing.
    pub(crate) fn mark_dirty(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place)
            && !entry.dirty
            && !entry.blocked
            && entry.wire.is_some()
        {
            entry.dirty = true;
            self.dirty.push_back(place);
        }
    }
}
