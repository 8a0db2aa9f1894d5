//! Stateful reconnect, the receiving half: numbers, acknowledgements, and a connection whose WebSocket is lost and comes
//! again (reference signalr-core 17). What is sent is kept by the outbound queue (`resumable`).

use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_proto_link::CloseReason;
use hubplane_proto_signalr::Message;

use crate::connection::{Connection, Phase};
use crate::{Options, Output};

/// From the first message that is not acknowledged to the Ack (17.3).
const ACK_DELAY: Duration = Duration::from_secs(1);

/// The hub protocol that knows Ack and Sequence (10.2).
const STATEFUL_VERSION: i32 = 2;

/// A whole message that is longer than this is no Ack, in bytes. JSON may be written with much white space.
const ACK_BYTES_MAX: usize = 128;

const SEQUENCE_AHEAD: &str =
    "InvalidOperationException: Sequence ID greater than amount of messages we've received.";

/// What another WebSocket for a connection would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumption {
    /// It takes over.
    Welcome,
    /// The connection is not resumed over another one, or not yet.
    Refused,
    /// The connection ends.
    Closing,
}

/// The numbers of a client's messages, and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stateful {
    /// The number that the next message will have.
    pub(crate) next: i64,
    /// The highest number that was taken.
    pub(crate) latest: i64,
    /// The highest number that the client was told to have arrived.
    pub(crate) told: i64,
    /// When to tell it more.
    pub(crate) ack_at: Option<Instant>,
    /// It has no transport, and ends then.
    pub(crate) detached_until: Option<Instant>,
    /// How much of the unread input was looked through for acknowledgements, in bytes.
    pub(crate) looked_through: usize,
}

impl Stateful {
    pub(crate) const fn new() -> Self {
        Self {
            next: 1,
            latest: 0,
            told: 0,
            ack_at: None,
            detached_until: None,
            looked_through: 0,
        }
    }

    fn ack_soon(&mut self, now: Instant) {
        if self.latest > self.told {
            self.ack_at.get_or_insert(now + ACK_DELAY);
        }
    }
}

impl Connection {
    /// Stateful reconnect was granted to the client, and its transport is a WebSocket. It is used if the options have it
    /// and the client says version 2 in its handshake (17.1). To be called before any bytes.
    pub fn grant_stateful_reconnect(&mut self) {
        self.is_granted = self.options.stateful_reconnect.is_some();
    }

    pub(crate) fn decide_stateful(&mut self, version: i32) {
        if self.is_granted && version >= STATEFUL_VERSION {
            self.stateful = Some(Box::new(Stateful::new()));
        }
    }

    /// What is sent from now on is numbered.
    pub(crate) fn begin_stateful(&mut self) {
        if self.stateful.is_some()
            && let Some(options) = self.options.stateful_reconnect
        {
            let limit_bytes = options.buffer_bytes;
            self.output(Output::KeepUnacknowledged { limit_bytes });
        }
    }

    /// From now on the loss of the transport is final.
    pub(crate) fn end_stateful(&mut self) {
        if self.stateful.take().is_some() {
            self.output(Output::ForgetUnacknowledged);
        }
    }

    /// What another WebSocket would meet now.
    pub fn resumption(&self) -> Resumption {
        match self.phase {
            _ if self.reason.is_some() || self.ended.is_some() || self.parting.is_some() => {
                Resumption::Closing
            }
            Phase::Opening | Phase::Open if self.stateful.is_some() => Resumption::Welcome,
            Phase::Closing | Phase::Closed => Resumption::Closing,
            _ => Resumption::Refused,
        }
    }

    /// The transport was lost without a word, and the queue may resume. True: the connection waits for another one, and
    /// what was received whole is still carried out. False: nothing has happened, and it is to be told that its client
    /// has gone ([`handle_end`](Self::handle_end)).
    pub fn handle_detached(&mut self, now: Instant) -> bool {
        if self.resumption() != Resumption::Welcome {
            return false;
        }
        let timeout = self
            .options
            .stateful_reconnect
            .map_or(Duration::ZERO, |options| options.detached_timeout);
        if let Some(stateful) = &mut self.stateful {
            // An Ack that is due waits for the next transport: however short their lives are, the client hears of it.
            stateful.detached_until.get_or_insert(now + timeout);
        }
        true
    }

    /// Another transport has come, whether or not the loss of the last one was noticed. The number is that of the first
    /// message that will be sent on it. Returns the Sequence, which has to be the first message; `None`: the connection
    /// is not resumed, and nothing has happened.
    pub fn handle_resumed(&mut self, first_unacknowledged: u64, now: Instant) -> Option<Bytes> {
        if self.resumption() != Resumption::Welcome {
            return None;
        }
        // What was not taken has no number yet, and the client sends it again.
        self.input.clear();
        if let Some(stateful) = &mut self.stateful {
            stateful.looked_through = 0;
            stateful.detached_until = None;
            stateful.ack_soon(now);
        }
        let sequence_id = i64::try_from(first_unacknowledged).unwrap_or(i64::MAX);
        Some(self.encoded(&Message::Sequence { sequence_id }))
    }

    /// Whether it waits for another transport.
    pub fn is_detached(&self) -> bool {
        let stateful = self.stateful.as_ref();
        stateful.is_some_and(|it| it.detached_until.is_some())
    }

    /// Whether a message is to be carried out: it has no number, or one that was not taken before (17.2).
    pub(crate) fn is_news(&mut self, message: &Message, now: Instant) -> bool {
        let Some(stateful) = self.stateful.as_mut().filter(|_| message.is_trackable()) else {
            return true;
        };
        let number = stateful.next;
        stateful.next += 1;
        if number <= stateful.latest {
            return false;
        }
        stateful.latest = number;
        stateful.ack_soon(now);
        true
    }

    /// The client has got everything up to a number. Zero and less, and what it said before, change nothing.
    pub(crate) fn acknowledged(&mut self, through: i64) {
        if self.stateful.is_some()
            && let Ok(through) = u64::try_from(through)
        {
            self.output(Output::Acknowledged { through });
        }
    }

    /// The client says which number its next message has (17.5).
    pub(crate) fn sequence_of_client(&mut self, first: i64, now: Instant) {
        let Some(stateful) = &mut self.stateful else {
            return;
        };
        // A client that did not finish sending again when it lost its socket may know of more than that.
        if first > stateful.next.max(stateful.latest.saturating_add(1)) {
            return self.end_with_error(CloseReason::ProtocolError(SEQUENCE_AHEAD.into()), now);
        }
        stateful.next = first;
        // It has not heard of what it sends again, and may wait for that.
        stateful.told = stateful.told.min(first.saturating_sub(1));
        stateful.ack_soon(now);
    }

    /// So much of the input has been taken.
    pub(crate) fn taken(&mut self, len_bytes: usize) {
        if let Some(stateful) = &mut self.stateful {
            stateful.looked_through = stateful.looked_through.saturating_sub(len_bytes);
        }
    }

    /// Nothing of the input can be taken now, but acknowledgements in it are: what stands in the way may wait for them.
    /// Each is met again in its turn, and says nothing new then. True if there was one.
    pub(crate) fn look_for_acks(&mut self) -> bool {
        let Some(stateful) = &mut self.stateful else {
            return false;
        };
        let mut found = None;
        while let Some(len_bytes) = self
            .encoding
            .message_len_bytes(&self.input[stateful.looked_through..])
        {
            let start = stateful.looked_through;
            stateful.looked_through += len_bytes;
            if len_bytes > ACK_BYTES_MAX {
                continue;
            }
            let mut message = Bytes::copy_from_slice(&self.input[start..start + len_bytes]);
            if let Ok(Some(Message::Ack { sequence_id })) = self.encoding.decode(&mut message, None)
            {
                found = found.max(Some(sequence_id));
            }
        }
        if let Some(through) = found {
            self.acknowledged(through);
        }
        found.is_some_and(|through| through >= 0)
    }

    pub(crate) fn stateful_timeout(&self) -> Option<Instant> {
        let stateful = self.stateful.as_ref()?;
        stateful.detached_until.or(stateful.ack_at)
    }

    /// True if something was due.
    pub(crate) fn handle_stateful_timeout(&mut self, now: Instant) -> bool {
        let Some(stateful) = self.stateful.as_mut() else {
            return false;
        };
        if stateful.detached_until.is_some_and(|until| now >= until) {
            self.end(CloseReason::TransportLost, None, now);
            return true;
        }
        let is_due = stateful.ack_at.is_some_and(|at| now >= at);
        if !is_due || stateful.detached_until.is_some() {
            return false;
        }
        stateful.ack_at = None;
        stateful.told = stateful.latest;
        let sequence_id = stateful.latest;
        let ack = self.encoded(&Message::Ack { sequence_id });
        self.send_unnumbered(ack);
        true
    }

    fn encoded(&self, message: &Message) -> Bytes {
        let mut bytes = Vec::new();
        self.encoding.encode(message, &mut bytes);
        Bytes::from(bytes)
    }
}

impl Options {
    /// Whether stateful reconnect may be granted.
    pub fn allows_stateful_reconnect(&self) -> bool {
        self.stateful_reconnect.is_some()
    }
}
