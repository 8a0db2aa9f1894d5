use std::fmt;

/// A place in a stream. The first message has number 1; [`Number::ZERO`] is the place before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Number(u64);

impl Number {
    /// Before the first: nothing was sent, or nothing arrived.
    pub const ZERO: Self = Self(0);
    /// The number of a stream's first message.
    pub const FIRST: Self = Self(1);
    /// No number is higher: the open end of a fetch.
    pub const MAX: Self = Self(u64::MAX);

    /// A number that was written down.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// This number as an integer.
    pub const fn as_raw(self) -> u64 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number before this one; [`Number::ZERO`] is before itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an origin calls one message, the same for all its targets: unique within the origin's generation, and rising in
/// the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MessageId(u64);

impl MessageId {
    /// An id that was written down.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// This id as an integer.
    pub const fn as_raw(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
