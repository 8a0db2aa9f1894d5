use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Instant;

use bytes::Bytes;

use hubplane_proto_link::WINDOW_BYTES;

use crate::account::Charge;
use crate::unacknowledged::Unacknowledged;
use crate::{Account, QueueLimits};

/// What an entry is charged besides its length, in bytes.
const ENTRY_BYTES: usize = 64;

/// A queue with more room than this gives it back when it is empty.
const IDLE_ENTRIES_MAX: usize = 8;

/// The queue's bound in bytes is reached: the client reads too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outbound queue full")]
pub struct Overflow;

/// The start of an entry that is this connection's own: a frame header, a sequence id. At most 15 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    len: u8,
    bytes: [u8; Self::LEN_MAX],
}

impl Head {
    /// The longest head, in bytes.
    pub const LEN_MAX: usize = 15;

    /// No head: the body is all there is.
    pub const fn empty() -> Self {
        Self {
            len: 0,
            bytes: [0; Self::LEN_MAX],
        }
    }

    /// Appends to the head. What does not fit any more is left out: a head is built from constants that fit.
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let start = usize::from(self.len);
        let taken = bytes.len().min(Self::LEN_MAX - start);
        debug_assert_eq!(taken, bytes.len(), "a head has room for all of its parts");
        self.bytes[start..start + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken as u8;
        self
    }

    /// The bytes of the head.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Head({:02x?})", self.as_slice())
    }
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) bound: Bound,
}

/// What keeps the number of entries of a sort within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// This queue.
    Queue,
    /// The window of the connection at its hub-host, of which the entry has taken so many bytes, or something else, of
    /// which there is nothing to give back.
    Elsewhere(u32),
    /// Whoever appends it, who asks how much of it there is.
    Control,
}

impl Entry {
    /// The same again, for another place to hold it: nothing of the window is given back for it.
    pub(crate) fn copy(&self) -> Self {
        let bound = match self.bound {
            Bound::Elsewhere(_) => Bound::Elsewhere(0),
            other => other,
        };
        let (head, body) = (self.head, self.body.clone());
        Self { head, body, bound }
    }

    fn len_bytes(&self) -> usize {
        self.head.as_slice().len() + self.body.len()
    }

    fn charge_bytes(&self) -> usize {
        self.len_bytes() + ENTRY_BYTES
    }

    /// What it costs in memory that is not counted elsewhere: the body of a send to an audience is shared.
    pub(crate) fn own_bytes(&self) -> usize {
        match self.bound {
            Bound::Queue => self.head.as_slice().len() + ENTRY_BYTES,
            Bound::Elsewhere(_) | Bound::Control => self.charge_bytes(),
        }
    }
}

/// What waits to be written to one client: bounded in bytes and in age (DESIGN 9).
///
/// An entry is an optional small head of the connection's own and a body that it may share with any number of others.
/// Entries are written whole and in order; what is written is decided by whoever calls [`slices`](Self::slices).
///
/// With stateful reconnect ([`keep_unacknowledged`](Self::keep_unacknowledged)) messages are kept until the client has
/// acknowledged them, and wait while too many are. What has no number (pings, acknowledgements, frames of the transport's
/// own) passes those that wait.
#[derive(Debug, Default)]
pub struct OutboundQueue {
    /// What the transport is to take.
    pub(crate) entries: VecDeque<Entry>,
    /// With stateful reconnect: what may have to be sent again, and what may not be sent yet.
    pub(crate) unacknowledged: Option<Box<Unacknowledged>>,
    /// Length and charge of all entries.
    charged_bytes: usize,
    /// The part of it that this queue bounds: sends to audiences.
    bounded_bytes: usize,
    /// The part of it that is frames of the transport's own.
    control_bytes: usize,
    /// What entries that have left took of the window, and nobody has asked for yet.
    window_bytes: u32,
    /// How much of the first entry the transport has taken.
    pub(crate) taken_bytes: usize,
    /// Since when something waits and the transport has not taken a byte.
    stuck_since: Option<Instant>,
    /// What it holds of its own, as whoever keeps the account sees it.
    pub(crate) charge: Charge,
}

impl OutboundQueue {
    /// An empty queue, which allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty queue that is counted in this account.
    pub fn charged_to(account: &Account) -> Self {
        let mut queue = Self::new();
        queue.charge_to(account);
        queue
    }

    /// From now on it is counted in this account.
    pub fn charge_to(&mut self, account: &Account) {
        self.charge.move_to(account);
        if let Some(unacknowledged) = &mut self.unacknowledged {
            unacknowledged.charge.move_to(account);
        }
    }

    /// Appends an entry of a send to an audience. A queue without any takes any one entry.
    ///
    /// # Errors
    /// [`Overflow`] if the queue would outgrow its bound; it is then as before.
    pub fn push(
        &mut self,
        head: Head,
        body: Bytes,
        limits: &QueueLimits,
        now: Instant,
    ) -> Result<(), Overflow> {
        let bound = Bound::Queue;
        let entry = Entry { head, body, bound };
        let bytes = self.bounded_bytes.saturating_add(entry.charge_bytes());
        if self.bounded_bytes > 0 && bytes > limits.bytes_max {
            return Err(Overflow);
        }
        self.append_message(entry, now);
        Ok(())
    }

    /// Appends a message of this connection alone, which takes `window_bytes` of its window.
    pub fn push_own(&mut self, head: Head, body: Bytes, window_bytes: u32, now: Instant) {
        let bound = Bound::Elsewhere(window_bytes);
        self.append_message(Entry { head, body, bound }, now);
    }

    /// Appends an entry that has no number, and whose number is bounded by something else: the window of the connection,
    /// of which it takes `window_bytes`, or slots for instance, and it takes nothing.
    pub fn push_bounded_elsewhere(
        &mut self,
        head: Head,
        body: Bytes,
        window_bytes: u32,
        now: Instant,
    ) {
        let bound = Bound::Elsewhere(window_bytes);
        self.append(Entry { head, body, bound }, now);
    }

    /// Appends a frame of the transport's own that the client asked for. Whoever does keeps
    /// [`control_bytes`](Self::control_bytes) within bounds.
    pub fn push_control(&mut self, body: Bytes, now: Instant) {
        let (head, bound) = (Head::empty(), Bound::Control);
        self.append(Entry { head, body, bound }, now);
    }

    pub(crate) fn append(&mut self, entry: Entry, now: Instant) {
        self.comes(&entry, now);
        self.entries.push_back(entry);
    }

    /// Appends a hub message that has a number where messages are numbered.
    fn append_message(&mut self, entry: Entry, now: Instant) {
        match &mut self.unacknowledged {
            None => self.append(entry, now),
            Some(_) => self.hold(entry, now),
        }
    }

    /// An entry is charged.
    pub(crate) fn comes(&mut self, entry: &Entry, now: Instant) {
        self.charged_bytes += entry.charge_bytes();
        self.charge.add(entry.own_bytes());
        match entry.bound {
            Bound::Queue => self.bounded_bytes += entry.charge_bytes(),
            Bound::Control => self.control_bytes += entry.charge_bytes(),
            Bound::Elsewhere(_) => {}
        }
        self.stuck_since.get_or_insert(now);
    }

    /// An entry leaves the queue, written or not.
    pub(crate) fn leaves(&mut self, entry: &Entry) {
        self.charged_bytes -= entry.charge_bytes();
        self.charge.take_away(entry.own_bytes());
        match entry.bound {
            Bound::Queue => self.bounded_bytes -= entry.charge_bytes(),
            Bound::Control => self.control_bytes -= entry.charge_bytes(),
            Bound::Elsewhere(bytes) => self.give_back(bytes),
        }
    }

    /// Something took this much of the window without ever being here.
    pub fn give_back(&mut self, window_bytes: u32) {
        self.window_bytes = self.window_bytes.saturating_add(window_bytes);
    }

    /// What is to be given back of the window: half of it or more, at once. Less never keeps a sender waiting, who sends
    /// while anything is left.
    pub fn take_window_bytes(&mut self) -> Option<u32> {
        let is_half = self.window_bytes >= WINDOW_BYTES / 2;
        is_half.then(|| std::mem::take(&mut self.window_bytes))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What all that waits is charged, in bytes.
    pub fn charged_bytes(&self) -> usize {
        self.charged_bytes
    }

    /// What frames of the transport's own are charged that wait, in bytes.
    pub fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    /// When the queue is too old, if the transport takes nothing until then.
    pub fn expires_at(&self, limits: &QueueLimits) -> Option<Instant> {
        self.stuck_since.map(|since| since + limits.age_max)
    }

    /// Fills `slices` with what comes next, for one vectored write, and returns how many it filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut skip = self.taken_bytes;
        for entry in &self.entries {
            for part in [entry.head.as_slice(), &entry.body] {
                if skip >= part.len() {
                    skip -= part.len();
                    continue;
                }
                let Some(slice) = slices.get_mut(filled) else {
                    return filled;
                };
                *slice = IoSlice::new(&part[skip..]);
                skip = 0;
                filled += 1;
            }
        }
        filled
    }

    /// The transport has taken this many bytes. Returns how many entries are written whole by now that were not before.
    pub fn advance(&mut self, taken_bytes: usize, now: Instant) -> usize {
        let before = self.entries.len();
        self.taken_bytes += taken_bytes;
        while let Some(first) = self.entries.front() {
            let len_bytes = first.len_bytes();
            if self.taken_bytes < len_bytes {
                break;
            }
            self.taken_bytes -= len_bytes;
            if let Some(entry) = self.entries.pop_front() {
                self.leaves(&entry);
            }
        }
        if self.entries.is_empty() {
            debug_assert_eq!(
                self.taken_bytes, 0,
                "a transport takes only what it was given"
            );
            self.taken_bytes = 0;
            self.rest();
        }
        if taken_bytes > 0 {
            self.advances(now);
        }
        before - self.entries.len()
    }

    /// Takes the first entry out whole: the transport has it. For transports that take no parts of entries.
    pub fn take(&mut self, now: Instant) -> Option<(Head, Bytes)> {
        let entry = self.entries.pop_front()?;
        debug_assert_eq!(self.taken_bytes, 0, "no part of it was written");
        self.leaves(&entry);
        self.advances(now);
        self.rest();
        Some((entry.head, entry.body))
    }

    /// An empty queue keeps no room.
    fn rest(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > IDLE_ENTRIES_MAX {
            self.entries = VecDeque::new();
        }
    }

    /// The client has taken or acknowledged something.
    pub(crate) fn advances(&mut self, now: Instant) {
        let held = self.unacknowledged.as_ref();
        let waits = !self.entries.is_empty() || held.is_some_and(|of| !of.held.is_empty());
        self.stuck_since = waits.then_some(now);
    }

    /// Drops all entries, and what was kept of earlier ones.
    pub fn clear(&mut self) {
        self.start_over();
        self.drop_unsent();
        self.entries = VecDeque::new();
    }

    /// The transport takes nothing more, not even the rest of the first entry.
    pub(crate) fn start_over(&mut self) {
        self.taken_bytes = 0;
        self.stuck_since = None;
    }

    /// Drops all entries but one that is partly written already, which has to end for the next one to be understood.
    pub fn drop_unsent(&mut self) {
        let keep = usize::from(self.taken_bytes > 0);
        let unsent = self.entries.split_off(keep.min(self.entries.len()));
        let held = self.unacknowledged.take().map(|it| it.held);
        for dropped in unsent.into_iter().chain(held.into_iter().flatten()) {
            self.leaves(&dropped);
        }
        if self.entries.is_empty() {
            self.stuck_since = None;
        }
    }
}
