//! How a connection ends (reference signalr-core 13.3, 13.4).

use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_link::{CloseReason, Done, Stage, ToHubHost};
use hubplane_proto_signalr::{Detail, Message};

use crate::connection::{Connection, End, Phase};
use crate::{Output, TransportClose};

/// The text of every Close message that tells of an error (reference signalr-core 12.4).
const CLOSED_WITH_ERROR: &str = "Connection closed with an error.";

/// What a Close message says: its error, and whether the client may reconnect by itself.
pub(crate) type Farewell = (Option<String>, bool);

/// An end that the client brought about, put off for a moment.
#[derive(Debug)]
pub(crate) struct Parting {
    pub(crate) reason: CloseReason,
    pub(crate) farewell: Farewell,
    pub(crate) until: Instant,
}

impl Connection {
    /// A lifecycle method has run.
    pub fn handle_done(&mut self, done: Done, now: Instant) {
        match (self.phase, done.stage) {
            (Phase::Opening, Stage::Opening) => match done.error {
                Some(text) => {
                    self.end(CloseReason::OpeningFailed, Some((Some(text), false)), now);
                    self.finish(false);
                }
                None if self.reason.is_some() => self.tell_hub(now),
                None => {
                    self.phase = Phase::Open;
                    self.clocks.heard(now);
                }
            },
            (Phase::Closing, Stage::Closing) => self.finish(done.error.is_some()),
            _ => {}
        }
    }

    /// The connection is to end: the hub aborted it or gave a reason, or this node drains. The client is told that
    /// reason, and whether it may reconnect.
    pub fn handle_close(&mut self, reason: CloseReason, allow_reconnect: bool, now: Instant) {
        let error = match &reason {
            CloseReason::ByHub(text) => Some(text.clone()),
            _ => None,
        };
        self.end(reason, Some((error, allow_reconnect)), now);
    }

    /// The outbound queue outgrew its bound and what waited in it has been dropped: what is lost is not lost silently.
    pub fn handle_overflow(&mut self, now: Instant) {
        self.end_with_error(CloseReason::SlowConsumer, now);
    }

    /// The hub-host is gone and nobody else serves the connection: nothing more is waited for.
    pub fn handle_link_lost(&mut self, now: Instant) {
        self.end(CloseReason::Draining, Some((None, true)), now);
        self.finish(false);
    }

    /// Nothing more is read: the client said Close, or what cannot be read. What it had invoked before is answered in
    /// front of the Close, as by the reference server, whose methods answer at once if they can (recorded in limits.txt,
    /// HH-11). A method that takes longer is not waited for.
    pub(crate) fn part(&mut self, reason: CloseReason, farewell: Farewell, now: Instant) {
        if self.running == 0 {
            return self.end(reason, Some(farewell), now);
        }
        self.input.clear();
        self.exchanges_end();
        let until = now + self.options.answers_timeout;
        self.parting = Some(Box::new(Parting {
            reason,
            farewell,
            until,
        }));
    }

    /// Ends it for a reason that is an error for the client too. It may reconnect.
    pub(crate) fn end_with_error(&mut self, reason: CloseReason, now: Instant) {
        let farewell = self.farewell_of_error(&reason);
        self.end(reason, Some(farewell), now);
    }

    pub(crate) fn farewell_of_error(&self, reason: &CloseReason) -> Farewell {
        let mut text = CLOSED_WITH_ERROR.to_owned();
        if self.options.detailed_errors
            && let Some(detail) = reason.error()
        {
            text.push(' ');
            text.push_str(&detail);
        }
        (Some(text), true)
    }

    /// The client has gone and all that it sent is carried out, or was given time enough.
    pub(crate) fn end_as_client_did(&mut self, now: Instant) {
        let waits = self.waiting.is_some() || self.paused || self.phase != Phase::Open;
        let reason = match self.ended.as_ref().map(|ended| &ended.how) {
            // Bytes that no parser waits behind are a message that was cut off.
            Some(End::Closed | End::Deleted | End::Lost) if !waits && !self.input.is_empty() => {
                CloseReason::ProtocolError(
                    Detail::invalid_data("Connection terminated while reading a message.")
                        .to_string(),
                )
            }
            Some(End::Lost) => CloseReason::TransportLost,
            Some(End::Violation(detail)) => CloseReason::ProtocolError(detail.clone()),
            Some(End::Closed | End::Deleted) | None => CloseReason::ClientClosed,
        };
        let deleted = self.ended.as_ref().map(|ended| &ended.how) == Some(&End::Deleted);
        self.end(reason, deleted.then_some((None, true)), now);
    }

    /// Ends the conversation with the client, once, then the connection as far as that is possible now.
    pub(crate) fn end(&mut self, reason: CloseReason, farewell: Option<Farewell>, now: Instant) {
        if self.reason.is_some() || self.phase == Phase::Closed {
            return;
        }
        self.input.clear();
        self.waiting = None;
        self.parting = None;
        self.exchanges_end();
        self.end_stateful();
        match self.phase {
            // The hub has not heard of it.
            Phase::Handshaking | Phase::Identifying | Phase::Appearing => {
                self.finish_as(reason, TransportClose::Normal);
            }
            // `on_disconnected` never runs beside `on_connected`.
            Phase::Opening => {
                self.say(farewell);
                self.reason = Some(reason);
                self.clocks.closing(&self.options, now);
            }
            Phase::Open => {
                self.say(farewell);
                self.reason = Some(reason);
                self.tell_hub(now);
            }
            Phase::Closing | Phase::Closed => {}
        }
    }

    fn say(&mut self, farewell: Option<Farewell>) {
        if let Some((error, allow_reconnect)) = farewell {
            let mut bytes = Vec::new();
            self.encoding.encode(
                &Message::Close {
                    error,
                    allow_reconnect,
                },
                &mut bytes,
            );
            self.send_unnumbered(Bytes::from(bytes));
        }
    }

    pub(crate) fn tell_hub(&mut self, now: Instant) {
        if let Some(reason) = self.reason.clone() {
            let connection = self.info.connection.clone();
            self.output(Output::ToHubHost(ToHubHost::Closed { connection, reason }));
            self.phase = Phase::Closing;
            self.clocks.closing(&self.options, now);
        }
    }

    /// The lifecycle is complete.
    pub(crate) fn finish(&mut self, hub_failed: bool) {
        if self.phase != Phase::Closed {
            let reason = self.reason.clone().unwrap_or(CloseReason::ClientClosed);
            let close = if hub_failed {
                TransportClose::Failed
            } else {
                TransportClose::Normal
            };
            self.finish_as(reason, close);
        }
    }

    pub(crate) fn finish_as(&mut self, reason: CloseReason, close: TransportClose) {
        self.phase = Phase::Closed;
        self.input.clear();
        self.exchanges_end();
        self.end_stateful();
        self.reason = Some(reason.clone());
        self.close_transport(close);
        self.output(Output::Ended(reason));
    }
}
