//! The timers of a connection (reference signalr-core 10.2, 13.1, 13.2).

use std::time::{Duration, Instant};

use hubplane_proto_link::{CloseReason, Transport};

use crate::connection::{Connection, Phase};
use crate::{Options, Output};

/// When what is due.
#[derive(Debug)]
pub(crate) struct Clocks {
    handshake_until: Instant,
    /// The next ping to the client. Counted from the last ping, whatever else is sent (13.1); a client that polls gets
    /// none (8.5).
    ping_at: Option<Instant>,
    /// Since when the receive loop waits for the client without having got a whole message.
    heard_at: Instant,
    /// The client has pinged: from the first ping on its silence counts (13.2).
    pub(crate) armed: bool,
    /// When the token of the connection expires, if that ends it (12.1, `CloseOnAuthenticationExpiration`).
    expires_at: Option<Instant>,
    /// Until when a lifecycle method is waited for once the connection is to end.
    closing_until: Instant,
}

impl Clocks {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        Self {
            handshake_until: now + options.handshake_timeout,
            ping_at: None,
            heard_at: now,
            armed: false,
            expires_at: None,
            closing_until: now,
        }
    }

    /// The handshake is answered: pings begin.
    pub(crate) fn answered(&mut self, options: &Options, transport: Transport, now: Instant) {
        let pings = transport != Transport::LongPolling;
        self.ping_at = pings.then(|| now + options.keep_alive_interval);
    }

    /// A whole message came, or the receive loop waits for the client again: silence counts from zero.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// How long its token is still valid, if that counts.
    pub(crate) fn expires_in(&self, now: Instant) -> Option<Duration> {
        self.expires_at
            .map(|expires_at| expires_at.saturating_duration_since(now))
    }

    /// How long the client has been silent, if that counts.
    pub(crate) fn silent(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.heard_at);
        self.armed.then_some(silent)
    }

    /// The client has been silent elsewhere.
    pub(crate) fn was_silent(&mut self, silent: Option<Duration>, now: Instant) {
        self.armed = silent.is_some();
        let heard_at = silent.and_then(|silent| now.checked_sub(silent));
        self.heard_at = heard_at.unwrap_or(now);
    }

    pub(crate) fn closing(&mut self, options: &Options, now: Instant) {
        self.closing_until = now + options.closing_timeout;
    }
}

impl Connection {
    /// The connection ends when this has come, because its token has expired then; `None` if it outlives its token. A
    /// later request of the same connection may bring another one.
    pub fn expire_at(&mut self, expires_at: Option<Instant>) {
        self.clocks.expires_at = expires_at;
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` means that no deadline is armed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Handshaking | Phase::Identifying | Phase::Appearing => {
                Some(self.or_expiry(self.clocks.handshake_until))
            }
            Phase::Opening | Phase::Open if self.reason.is_some() => {
                Some(self.clocks.closing_until)
            }
            Phase::Opening | Phase::Open if self.parting.is_some() => {
                self.parting.as_ref().map(|parting| parting.until)
            }
            Phase::Opening | Phase::Open => match &self.ended {
                Some(ended) => Some(
                    self.throttled_until
                        .map_or(ended.until, |until| until.min(ended.until)),
                ),
                None => [
                    self.silent_at(),
                    self.throttled_until,
                    self.stateful_timeout(),
                    self.clocks.expires_at,
                    self.clocks.ping_at,
                ]
                .into_iter()
                .flatten()
                .min(),
            },
            Phase::Closing => Some(self.clocks.closing_until),
            Phase::Closed => None,
        }
    }

    /// Time has passed: what is due by `now` happens.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Handshaking | Phase::Identifying | Phase::Appearing => {
                if now >= self.or_expiry(self.clocks.handshake_until) {
                    self.cancel_handshake();
                }
            }
            Phase::Opening | Phase::Open => self.handle_timeout_of_client(now),
            Phase::Closing => {
                if now >= self.clocks.closing_until {
                    self.finish(false);
                }
            }
            Phase::Closed => {}
        }
    }

    fn handle_timeout_of_client(&mut self, now: Instant) {
        if self
            .throttled_until
            .take_if(|until| *until <= now)
            .is_some()
        {
            self.clocks.heard(now);
        }
        if self.reason.is_some() {
            // A method that never ends is not waited for any longer: `on_disconnected` runs beside it.
            if now >= self.clocks.closing_until {
                self.tell_hub(now);
            }
            return;
        }
        if let Some(until) = self.parting.as_ref().map(|parting| parting.until) {
            if now >= until
                && let Some(parting) = self.parting.take()
            {
                self.end(parting.reason, Some(parting.farewell), now);
            }
            return;
        }
        if let Some(ended) = &self.ended {
            if now >= ended.until {
                self.end_as_client_did(now);
            }
            return;
        }
        let expires_at = self.clocks.expires_at;
        if expires_at.is_some_and(|expires_at| now >= expires_at) {
            self.handle_close(CloseReason::AuthenticationExpired, true, now);
        } else if self.silent_at().is_some_and(|silent_at| now >= silent_at) {
            self.end_with_error(CloseReason::ClientTimeout, now);
        } else if self.handle_stateful_timeout(now) {
            // One thing at a time: whoever calls asks again.
        } else if self.clocks.ping_at.is_some_and(|ping_at| now >= ping_at) {
            self.clocks.ping_at = Some(now + self.options.keep_alive_interval);
            if !self.is_detached() {
                self.output(Output::Ping);
            }
        }
    }

    /// The earlier of a deadline and the end of the token.
    fn or_expiry(&self, deadline: Instant) -> Instant {
        self.clocks
            .expires_at
            .map_or(deadline, |expires_at| expires_at.min(deadline))
    }

    /// When the client will have been silent for too long. The clock stands still while the receive loop does not wait
    /// for the client: a message waits for its slot or for room (13.2).
    fn silent_at(&self) -> Option<Instant> {
        let waits_for_client = self.phase == Phase::Open
            && self.waiting.is_none()
            && !self.paused
            && self.throttled_until.is_none();
        (self.clocks.armed && waits_for_client)
            .then(|| self.clocks.heard_at + self.options.client_timeout)
    }
}
