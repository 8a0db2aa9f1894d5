use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use hubplane_proto_ids::UserId;
use hubplane_proto_link::{self as link, CloseReason, ConnectionInfo, Identified, ToHubHost};
use hubplane_proto_signalr::Encoding;

use crate::account::Charge;
use crate::clocks::Clocks;
use crate::closing::Parting;
use crate::exchange::Exchanges;
use crate::stateful::Stateful;
use crate::{Account, ItemBag, ItemBagFull, Options, Output, TransportClose};

/// Who names the user of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserSource {
    /// It is known from the token, or known that there is none.
    Known(Option<UserId>),
    /// The hub's own function, asked once the handshake is read.
    AskHub,
}

/// How the client's side of the transport ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// In order: a close frame.
    Closed,
    /// By a DELETE. A poll that still waits is told of the end (reference signalr-core 8.1).
    Deleted,
    /// Without a word.
    Lost,
    /// By breaking the transport's own rules, and what was wrong. The transport has told the client.
    Violation(String),
}

/// Where in its life a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The handshake request has not been read yet.
    Handshaking,
    /// The hub names the user.
    Identifying,
    /// Connection and user become visible.
    Appearing,
    /// The handshake is answered, `on_connected` runs.
    Opening,
    /// Messages are carried out.
    Open,
    /// `on_disconnected` runs.
    Closing,
    /// Over.
    Closed,
}

/// The client's side has ended, and what it sent before is being carried out.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) how: End,
    pub(crate) until: Instant,
}

/// What stands in the way of everything behind it.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// An invocation that waits for its slot.
    ForSlot(Box<link::Invocation>),
    /// An item of an upload that the hub has not taken enough of.
    ForCredit(Box<ToHubHost>),
}

/// One client connection, handshake to close. Holds no socket, clock, task or channel.
///
/// After every `handle_*` call, take outputs until [`poll_output`](Self::poll_output) returns `None`, then ask
/// [`poll_timeout`](Self::poll_timeout) again. Messages of the client are parsed one at a time while outputs are taken,
/// so that [`pause`](Self::pause) stops the very next one.
#[derive(Debug)]
pub struct Connection {
    pub(crate) options: Arc<Options>,
    /// Its `protocol` is a guess until the handshake request is read.
    pub(crate) info: Arc<ConnectionInfo>,
    pub(crate) user: UserSource,
    pub(crate) encoding: Encoding,
    pub(crate) phase: Phase,
    /// What the client sent and is not parsed yet.
    pub(crate) input: BytesMut,
    /// What waits; nothing behind it is parsed.
    pub(crate) waiting: Option<Waiting>,
    /// Slots in use.
    pub(crate) running: u32,
    /// Streams, uploads and client results, while there are any.
    pub(crate) exchanges: Option<Box<Exchanges>>,
    pub(crate) items: Option<Box<ItemBag>>,
    /// With stateful reconnect, from the handshake request on.
    pub(crate) stateful: Option<Box<Stateful>>,
    /// Stateful reconnect was granted; whether it is used is for the handshake to say.
    pub(crate) is_granted: bool,
    unsent_bytes: u32,
    /// No further message may be taken: the link or the outbound queue is full.
    pub(crate) paused: bool,
    pub(crate) ended: Option<Ended>,
    /// The client has brought about the end, and is still owed answers.
    pub(crate) parting: Option<Box<Parting>>,
    /// Why it ends, once it ends. Nothing is sent to the client from then on.
    pub(crate) reason: Option<CloseReason>,
    pub(crate) clocks: Clocks,
    pub(crate) outputs: VecDeque<Output>,
    /// What it holds, as whoever keeps the account sees it.
    charge: Charge,
    /// Messages read since it was asked last, pings left out.
    pub(crate) messages: u32,
    /// No further message is taken before.
    pub(crate) throttled_until: Option<Instant>,
}

impl Connection {
    /// A connection whose transport has just been attached. `info.protocol` is replaced when the handshake is read.
    pub fn new(
        info: ConnectionInfo,
        user: UserSource,
        options: Arc<Options>,
        now: Instant,
    ) -> Self {
        let clocks = Clocks::new(&options, now);
        Self {
            options,
            info: Arc::new(info),
            user,
            encoding: Encoding::Json,
            phase: Phase::Handshaking,
            input: BytesMut::new(),
            waiting: None,
            running: 0,
            exchanges: None,
            items: None,
            stateful: None,
            is_granted: false,
            unsent_bytes: 0,
            paused: false,
            ended: None,
            parting: None,
            reason: None,
            clocks,
            outputs: VecDeque::new(),
            charge: Charge::default(),
            messages: 0,
            throttled_until: None,
        }
    }

    /// From now on what it holds is counted in this account: unread input and its item bag.
    pub fn charge_to(&mut self, account: &Account) {
        self.charge.move_to(account);
        self.settle();
    }

    /// Tells the account what is held now.
    fn settle(&mut self) {
        let items_bytes = self.items.as_ref().map_or(0, |bag| bag.len_bytes());
        self.charge.set(self.input.len() + items_bytes);
    }

    /// What is known of it. The protocol is right from the handshake on.
    pub fn info(&self) -> &Arc<ConnectionInfo> {
        &self.info
    }

    /// What may be set for it.
    pub fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// The user, once it is known.
    pub fn user(&self) -> Option<&UserId> {
        match &self.user {
            UserSource::Known(user) => user.as_ref(),
            UserSource::AskHub => None,
        }
    }

    /// The hub protocol in use; JSON until the handshake is read.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Keeps a value of the hub with the connection, or drops it.
    ///
    /// # Errors
    /// [`ItemBagFull`]; the bag is then as before.
    pub fn handle_item(&mut self, key: String, value: Option<Bytes>) -> Result<(), ItemBagFull> {
        let bag = self.items.get_or_insert_default();
        let set = bag.set(key, value);
        if bag.is_empty() {
            self.items = None;
        }
        self.settle();
        set
    }

    /// What the hub keeps with the connection; `None` if that is nothing.
    pub fn items(&self) -> Option<&ItemBag> {
        self.items.as_deref()
    }

    /// Whether deliveries may be written to the client now: between the handshake response and the Close message.
    pub fn hears(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Open)
            && self.reason.is_none()
            && self.ended.is_none()
    }

    /// Whether it is over: [`Output::Ended`] has been put out or is about to be.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether an invocation runs whose answer would be lost if it ended now.
    pub fn is_busy(&self) -> bool {
        self.running > 0
    }

    /// Whether the carrier should read more from the client.
    pub fn wants_read(&self) -> bool {
        let parses = match self.phase {
            Phase::Handshaking => true,
            Phase::Open => !self.paused && self.waiting.is_none() && self.throttled_until.is_none(),
            Phase::Identifying | Phase::Appearing | Phase::Opening => false,
            // What comes now is dropped, and the client's close is waited for.
            Phase::Closing | Phase::Closed => return true,
        };
        let reads_on = self.reason.is_some() || self.parting.is_some();
        parses || reads_on || self.input.len() < self.options.read_ahead_bytes_max
    }

    /// Bytes of the client, split anyhow.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let is_read = self.reason.is_none() && self.parting.is_none() && self.ended.is_none();
        if !is_read || self.phase == Phase::Closed {
            return;
        }
        self.input.extend_from_slice(bytes);
        self.settle();
    }

    /// The client's side of the transport has ended. What it sent before is still carried out, for a while.
    pub fn handle_end(&mut self, end: End, now: Instant) {
        if self.ended.is_some() || self.phase == Phase::Closed {
            return;
        }
        let violation = match &end {
            End::Violation(detail) => Some(detail.clone()),
            End::Closed | End::Deleted | End::Lost => None,
        };
        self.ended = Some(Ended {
            how: end,
            until: now + self.options.drain_timeout,
        });
        if let Some(parting) = self.parting.take() {
            return self.end(parting.reason, None, now);
        }
        match (self.phase, violation) {
            (_, Some(detail)) => self.end(CloseReason::ProtocolError(detail), None, now),
            (Phase::Handshaking | Phase::Identifying | Phase::Appearing, None) => {
                self.end_as_client_did(now)
            }
            // The receive loop ends it when all is read.
            (Phase::Opening | Phase::Open | Phase::Closing | Phase::Closed, None) => {}
        }
    }

    /// The hub has named the user, or failed to.
    pub fn handle_identified(&mut self, answer: Identified) {
        if self.phase != Phase::Identifying {
            return;
        }
        match answer.error {
            None => {
                self.user = UserSource::Known(answer.user);
                self.appear();
            }
            Some(text) => self.refuse_unidentified(&text),
        }
    }

    /// Connection and user are visible everywhere: the handshake is answered, then the hub is told.
    pub fn handle_visible(&mut self, now: Instant) {
        if self.phase == Phase::Appearing {
            self.answer_handshake();
            let opened = ToHubHost::Opened {
                info: Arc::clone(&self.info),
                user: self.user().cloned(),
            };
            self.output(Output::ToHubHost(opened));
            self.phase = Phase::Opening;
            self.clocks
                .answered(&self.options, self.info.transport, now);
        }
    }

    /// Takes no further message of the client until it is called with `false`: what they lead to cannot be carried now.
    pub fn pause(&mut self, paused: bool, now: Instant) {
        if self.paused && !paused {
            self.clocks.heard(now);
        }
        self.paused = paused;
    }

    /// How many messages were read since this was asked last; pings are free.
    pub fn take_messages(&mut self) -> u32 {
        std::mem::take(&mut self.messages)
    }

    /// Takes no further message of the client before `until`: it has sent more than its share. What it has sent waits,
    /// and its silence does not count meanwhile.
    pub fn throttle(&mut self, until: Instant) {
        self.throttled_until = Some(until);
    }

    /// Whether it was told to take no further message.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What to do next; `None` until something is handled again.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                if self.outputs.is_empty() {
                    // An idle connection keeps no room for outputs.
                    self.outputs = VecDeque::new();
                }
                return Some(output);
            }
            let advanced = match self.phase {
                Phase::Handshaking => self.read_handshake(),
                Phase::Open => self.receive(now),
                Phase::Identifying
                | Phase::Appearing
                | Phase::Opening
                | Phase::Closing
                | Phase::Closed => false,
            };
            if !advanced {
                if self.look_for_acks() {
                    continue;
                }
                if self.input.is_empty() {
                    // Nor does it keep a read buffer.
                    self.input = BytesMut::new();
                }
                self.settle();
                return None;
            }
        }
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Writes to the client, unless it has gone.
    pub(crate) fn send(&mut self, bytes: Bytes, window_bytes: u32) {
        if self.may_hear() {
            self.output(Output::Send {
                format: self.encoding.transfer_format(),
                bytes,
                window_bytes,
                numbered: true,
            });
        } else {
            self.not_sent(window_bytes);
        }
    }

    /// Writes what has no number: a handshake response, a Close, an Ack.
    pub(crate) fn send_unnumbered(&mut self, bytes: Bytes) {
        if self.may_hear() {
            self.output(Output::Send {
                format: self.encoding.transfer_format(),
                bytes,
                window_bytes: 0,
                numbered: false,
            });
        }
    }

    /// Whether there may be somebody to read what is written: after a DELETE a poll may still wait.
    fn may_hear(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_none_or(|ended| ended.how == End::Deleted)
    }

    pub(crate) fn not_sent(&mut self, window_bytes: u32) {
        self.unsent_bytes = self.unsent_bytes.saturating_add(window_bytes);
    }

    /// What was not written because the client is leaving took this much of its window, which is to be given back.
    pub fn take_unsent_bytes(&mut self) -> u32 {
        std::mem::take(&mut self.unsent_bytes)
    }

    pub(crate) fn close_transport(&mut self, close: TransportClose) {
        self.output(Output::CloseTransport(close));
    }
}
