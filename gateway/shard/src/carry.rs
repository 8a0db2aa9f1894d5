//! Carrying out what connections ask for.

use hubplane_gateway_connection::{Head, Output};
use hubplane_proto_link::{CloseReason, ToGateway, ToHubHost};

use crate::connection_of;
use crate::links::Handed;
use crate::shard::Shard;
use crate::transport::Wire;

impl Shard {
    /// A frame of the hub-host about one connection. One that is gone needs none.
    pub(crate) fn answer_of_hub(&mut self, frame: ToGateway) {
        let Some(connection) = connection_of(&frame) else {
            return tracing::debug!("a frame that is not for a shard");
        };
        let Some(place) = self.ids.get(connection).copied() else {
            return;
        };
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let (window_bytes, now) = (frame.window_bytes(), self.now);
        let connection = &mut entry.connection;
        match frame {
            ToGateway::Identified(answer) => connection.handle_identified(answer),
            ToGateway::Done(done) => connection.handle_done(done, now),
            ToGateway::Completion(completion) => {
                connection.handle_completion(completion, window_bytes, now)
            }
            ToGateway::SlotReleased { .. } => connection.handle_slot_released(now),
            ToGateway::StreamItem {
                invocation_id,
                item,
                ..
            } => {
                self.metrics.stream_items += 1;
                connection.handle_stream_item(&invocation_id, &item, window_bytes, now);
            }
            ToGateway::ToConnection(send) => {
                self.metrics.deliveries += 1;
                connection.handle_send(&send.target, &send.arguments, window_bytes, now);
            }
            ToGateway::UploadCredit {
                stream_id, items, ..
            } => connection.handle_upload_credit(&stream_id, items, now),
            ToGateway::UploadClosed { stream_id, .. } => {
                connection.handle_upload_closed(&stream_id, now)
            }
            ToGateway::Item { key, value, .. } => {
                if let Err(error) = connection.handle_item(key, value) {
                    tracing::warn!(connection = %connection.info().connection, %error, "a value of a hub is not kept");
                }
            }
            _ => {}
        }
        self.pump(place);
    }

    /// Ends a connection that did nothing wrong.
    pub(crate) fn close(&mut self, place: usize, reason: CloseReason, allow_reconnect: bool) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry
                .connection
                .handle_close(reason, allow_reconnect, self.now);
            self.pump(place);
        }
    }

    /// Ends some of the connections that can be ended; those that run an invocation only if `busy` says so.
    pub(crate) fn drain(&mut self, connections_max: usize, busy: bool) {
        let drained: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.connection.hears() && (busy || !entry.connection.is_busy()))
            .map(|(place, _)| place)
            .take(connections_max)
            .collect();
        for place in drained {
            self.close(place, CloseReason::Draining, true);
        }
    }

    /// Carries out all that a connection asks for now. To be called after whatever was handled by it.
    pub(crate) fn pump(&mut self, place: usize) {
        loop {
            let Some(entry) = self.entries.get_mut(place) else {
                return;
            };
            let Some(output) = entry.connection.poll_output(self.now) else {
                break;
            };
            match output {
                Output::Send {
                    format,
                    bytes,
                    window_bytes,
                    numbered,
                } => {
                    if numbered {
                        entry.push_message(format, bytes, window_bytes, self.now);
                    } else {
                        entry.push_own(format, bytes, window_bytes, self.now);
                    }
                    self.pause_if_full(place);
                }
                Output::KeepUnacknowledged { limit_bytes } => {
                    let limits = entry.connection.options().queue;
                    entry.queue.keep_unacknowledged(limit_bytes, &limits);
                }
                Output::Acknowledged { through } => entry.queue.acknowledge(through, self.now),
                Output::ForgetUnacknowledged => {
                    let hears = entry.may_write();
                    entry.queue.forget_unacknowledged(hears);
                }
                Output::Ping => self.ping(place),
                Output::Appear { .. } => self.appear(place),
                Output::ToHubHost(frame) => self.hand_to_hub_host(place, frame),
                Output::CloseTransport(close) => entry.close_wire(close, self.now),
                Output::Answered { asked, outcome } => self.answered(place, asked, outcome),
                Output::Ended(reason) => self.ended(place, &reason),
            }
        }
        self.settle(place);
    }

    /// After something has happened to a connection: sees to writing, reading, its clock and its removal.
    pub(crate) fn settle(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if entry.read_posted() {
            return self.pump(place);
        }
        if entry.is_done() {
            entry.drop_wire();
        }
        if entry.is_over() {
            return self.remove_if_over(place);
        }
        if entry.unread && entry.wants_read() {
            entry.unread = false;
            self.to_read.push_back(place);
        }
        entry.lift();
        if entry.has_to_write() {
            self.mark_dirty(place);
        }
        self.return_window(place);
        self.watch_clock(place);
    }

    /// Gives back what the wire has taken of the connection's window, in halves.
    pub(crate) fn return_window(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.queue.give_back(entry.connection.take_unsent_bytes());
        let Some(bytes) = entry.queue.take_window_bytes() else {
            return;
        };
        if entry.connection.is_closed() {
            // Its hub-host has said its last about it, and the link is not its own any more.
            return;
        }
        let connection = entry.connection.info().connection.clone();
        let frame = ToHubHost::Window { connection, bytes };
        if self.links.send(entry.link, None, frame) == Handed::Lost {
            tracing::debug!("a window of a link that has ended");
        }
    }

    pub(crate) fn remove_if_over(&mut self, place: usize) {
        if self.entries.get(place).is_some_and(|entry| entry.is_over()) {
            let entry = self.entries.remove(place);
            self.parted.remove(&entry.connection.info().connection);
        }
    }

    /// The shared Ping, unless the client has not even taken what it was sent before.
    fn ping(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if entry.blocked || !entry.may_write() {
            return;
        }
        if let Some(ping) = self.pings.of(entry.format()) {
            entry
                .queue
                .push_bounded_elsewhere(Head::empty(), ping, 0, self.now);
        }
    }

    fn hand_to_hub_host(&mut self, place: usize, frame: ToHubHost) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match frame {
            ToHubHost::Invocation(_) => self.metrics.invocations += 1,
            ToHubHost::UploadItem { .. } => self.metrics.upload_items += 1,
            _ => {}
        }
        match self
            .links
            .send(entry.link, Some((place, entry.serial)), frame)
        {
            Handed::Sent => {}
            Handed::Waits => {
                entry.frames_waiting += 1;
                entry.connection.pause(true, self.now);
            }
            Handed::Lost => {
                tracing::warn!(connection = %entry.connection.info().connection, "the link of a connection has ended");
                entry.connection.handle_link_lost(self.now);
            }
        }
    }

    /// The link has taken a frame that waited, or has ended before it could.
    pub(crate) fn frame_handed(&mut self, place: usize, serial: u64, outcome: Handed) {
        let Some(entry) = self
            .entries
            .get_mut(place)
            .filter(|entry| entry.serial == serial)
        else {
            return;
        };
        entry.frames_waiting = entry.frames_waiting.saturating_sub(1);
        if outcome == Handed::Lost {
            tracing::warn!(connection = %entry.connection.info().connection, "a frame was lost with its link");
            entry.connection.handle_link_lost(self.now);
            return self.pump(place);
        }
        self.resume(place);
    }

    /// More messages of a client that does not take their answers would only make its queue longer.
    fn pause_if_full(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place)
            && entry.queue.charged_bytes() > entry.connection.options().queue.pause_reading_bytes
        {
            entry.connection.pause(true, self.now);
        }
    }

    /// Takes messages of the client again once the link has room and half of the queue's pause is written.
    pub(crate) fn resume(&mut self, place: usize) {
        if let Some(entry) = self
            .entries
            .get_mut(place)
            .filter(|entry| entry.connection.is_paused())
        {
            let half = entry.connection.options().queue.pause_reading_bytes / 2;
            if entry.frames_waiting == 0 && entry.queue.charged_bytes() <= half {
                entry.connection.pause(false, self.now);
            }
            self.pump(place);
        }
    }

    /// Has the wheel report this connection when its next deadline passes.
    pub(crate) fn watch_clock(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Some(deadline) = entry.deadline() else {
            return;
        };
        let tick = self.wheel.tick_of(deadline);
        if entry.tick.is_none_or(|known| tick < known) {
            entry.tick = Some(tick);
            self.wheel.insert(tick, place);
        }
    }

    /// The wheel reports a connection: whatever is due is done.
    pub(crate) fn look_at_the_clock(&mut self, place: usize, tick: u64) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if entry.tick != Some(tick) {
            return;
        }
        entry.tick = None;
        let now = self.now;
        let due = |at: Option<std::time::Instant>| at.is_some_and(|at| at <= now);
        if due(entry.wire_deadline()) {
            match entry.wire {
                Some(Wire::Polls(_)) => self.polls_are_due(place),
                _ => return self.lose_wire(place),
            }
        }
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if due(entry.queue.expires_at(&entry.connection.options().queue)) {
            return self.too_slow(place);
        }
        if due(entry.connection.poll_timeout()) {
            entry.connection.handle_timeout(self.now);
        }
        self.pump(place);
    }
}
