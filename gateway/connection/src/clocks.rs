//! The timers of a connection (reference signalr-core 10.2, 13.1, 13.2).

use std::time::Instant;

use hubplane_proto_link::CloseReason;

use crate::connection::{Connection, Phase};
use crate::{Options, Output};

/// When what is due.
#[derive(Debug)]
pub(crate) struct Clocks {
    handshake_until: Instant,
    /// The next ping to the client. Counted from the last ping, whatever else is sent (13.1).
    ping_at: Instant,
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
            ping_at: now,
            heard_at: now,
            armed: false,
            expires_at: None,
            closing_until: now,
        }
    }

    /// The handshake is answered: pings begin.
    pub(crate) fn answered(&mut self, options: &Options, now: Instant) {
        self.ping_at = now + options.keep_alive_interval;
    }

    /// A whole message came, or the receive loop waits for the client again: silence counts from zero.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
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
                    self.clocks.expires_at,
                ]
                .into_iter()
                .flatten()
                .chain([self.clocks.ping_at])
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
        } else if now >= self.clocks.ping_at {
            self.clocks.ping_at = now + self.options.keep_alive_interval;
            self.output(Output::Ping);
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
