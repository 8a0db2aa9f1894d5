//! Carrying out what connections ask for.

use hubplane_gateway_connection::{Head, Output, TransportClose};
use hubplane_proto_link::{CloseReason, Completion, Done, Identified, ToGateway, ToHubHost};

use crate::links::Handed;
use crate::shard::Shard;
use crate::slot::Wait;
use crate::websocket::frame::{self, CloseCode};

impl Shard {
    /// A frame of the hub-host about one connection. One that is gone needs none.
    pub(crate) fn answer_of_hub(&mut self, frame: ToGateway) {
        let (ToGateway::Identified(Identified { ref connection, .. })
        | ToGateway::Done(Done { ref connection, .. })
        | ToGateway::Completion(Completion { ref connection, .. })
        | ToGateway::SlotReleased { ref connection }) = frame
        else {
            return tracing::debug!("a frame that is not for a shard");
        };
        let Some(slot) = self.ids.get(connection).copied() else {
            return;
        };
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        match frame {
            ToGateway::Identified(answer) => entry.connection.handle_identified(answer),
            ToGateway::Done(done) => entry.connection.handle_done(done, self.now),
            ToGateway::Completion(completion) => {
                entry.connection.handle_completion(completion, self.now)
            }
            ToGateway::SlotReleased { .. } => entry.connection.handle_slot_released(self.now),
            _ => {}
        }
        self.pump(slot);
    }

    /// Ends a connection that did nothing wrong.
    pub(crate) fn close(&mut self, slot: usize, reason: CloseReason, allow_reconnect: bool) {
        if let Some(entry) = self.slots.get_mut(slot) {
            entry
                .connection
                .handle_close(reason, allow_reconnect, self.now);
            self.pump(slot);
        }
    }

    /// Ends some of the connections that can be ended.
    pub(crate) fn drain(&mut self, connections_max: usize) {
        let drained: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, entry)| entry.connection.hears())
            .map(|(slot, _)| slot)
            .take(connections_max)
            .collect();
        for slot in drained {
            self.close(slot, CloseReason::Draining, true);
        }
    }

    /// Carries out all that a connection asks for now. To be called after whatever was handled by it.
    pub(crate) fn pump(&mut self, slot: usize) {
        loop {
            let Some(entry) = self.slots.get_mut(slot) else {
                return;
            };
            let Some(output) = entry.connection.poll_output(self.now) else {
                break;
            };
            match output {
                Output::Send { format, bytes } => {
                    let head = frame::head(format, bytes.len());
                    entry.push_own(head, bytes, self.now);
                    self.pause_if_full(slot);
                }
                Output::Ping => self.ping(slot),
                Output::Appear { .. } => self.appear(slot),
                Output::ToHubHost(frame) => self.hand_to_hub_host(slot, frame),
                Output::CloseTransport(close) => {
                    let code = match close {
                        TransportClose::Normal => CloseCode::Normal,
                        TransportClose::Failed => CloseCode::Failed,
                    };
                    entry.close_socket(code, Wait::CloseFrame, self.now);
                }
                Output::Ended(reason) => self.ended(slot, &reason),
            }
        }
        self.settle(slot);
    }

    /// After something has happened to a connection: sees to writing, reading, its clock and its removal.
    fn settle(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if entry.is_closed_by_both() {
            entry.drop_socket();
        }
        if entry.is_over() {
            return self.remove_if_over(slot);
        }
        if entry.unread && entry.wants_read() {
            entry.unread = false;
            self.to_read.push_back(slot);
        }
        if !entry.queue.is_empty() {
            self.mark_dirty(slot);
        }
        self.watch_clock(slot);
    }

    pub(crate) fn remove_if_over(&mut self, slot: usize) {
        if self.slots.get(slot).is_some_and(|entry| entry.is_over()) {
            self.slots.remove(slot);
        }
    }

    /// The shared Ping, unless the client has not even taken what it was sent before.
    fn ping(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        let encoding = entry.connection.encoding();
        let ping = self
            .pings
            .iter()
            .find(|(of, _)| *of == encoding)
            .map(|(_, ping)| ping.clone());
        if let Some(ping) = ping.filter(|_| !entry.blocked) {
            entry.push_own(Head::empty(), ping, self.now);
        }
    }

    fn hand_to_hub_host(&mut self, slot: usize, frame: ToHubHost) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if matches!(frame, ToHubHost::Invocation(_)) {
            self.metrics.invocations += 1;
        }
        match self
            .links
            .send(entry.link, Some((slot, entry.serial)), frame)
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

    /// The link has taken a frame that waited.
    pub(crate) fn frame_sent(&mut self, slot: usize, serial: u64) {
        if let Some(entry) = self
            .slots
            .get_mut(slot)
            .filter(|entry| entry.serial == serial)
        {
            entry.frames_waiting = entry.frames_waiting.saturating_sub(1);
            self.resume(slot);
        }
    }

    /// More messages of a client that does not take their answers would only make its queue longer.
    fn pause_if_full(&mut self, slot: usize) {
        if let Some(entry) = self.slots.get_mut(slot)
            && entry.queue.charged_bytes() > entry.connection.options().queue.pause_reading_bytes
        {
            entry.connection.pause(true, self.now);
        }
    }

    /// Takes messages of the client again once the link has room and half of the queue's pause is written.
    pub(crate) fn resume(&mut self, slot: usize) {
        if let Some(entry) = self
            .slots
            .get_mut(slot)
            .filter(|entry| entry.connection.is_paused())
        {
            let half = entry.connection.options().queue.pause_reading_bytes / 2;
            if entry.frames_waiting == 0 && entry.queue.charged_bytes() <= half {
                entry.connection.pause(false, self.now);
            }
            self.pump(slot);
        }
    }

    /// Has the wheel report this connection when its next deadline passes.
    pub(crate) fn watch_clock(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        let Some(deadline) = entry.deadline() else {
            return;
        };
        let tick = self.wheel.tick_of(deadline);
        if entry.tick.is_none_or(|known| tick < known) {
            entry.tick = Some(tick);
            self.wheel.insert(tick, slot);
        }
    }

    /// The wheel reports a connection: whatever is due is done.
    pub(crate) fn look_at_the_clock(&mut self, slot: usize, tick: u64) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if entry.tick != Some(tick) {
            return;
        }
        entry.tick = None;
        let due = |at: Option<std::time::Instant>| at.is_some_and(|at| at <= self.now);
        let closing = entry
            .socket
            .as_ref()
            .and_then(|socket| socket.closing)
            .map(|closing| closing.until);
        if due(closing) {
            return self.lose_socket(slot);
        }
        if due(entry.queue.expires_at(&entry.connection.options().queue)) {
            return self.too_slow(slot);
        }
        if due(entry.connection.poll_timeout()) {
            entry.connection.handle_timeout(self.now);
        }
        self.pump(slot);
    }
}
