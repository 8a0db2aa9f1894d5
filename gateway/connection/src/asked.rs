use std::fmt;

/// Which request for a client result: its number, and `s<number>` for the client. Server ids begin so that they never
/// meet the ids that clients choose for their streams (reference signalr-core 12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskedId(pub u64);

impl AskedId {
    /// The id in a completion of a client, if it can be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let asked = Self(text.strip_prefix('s')?.parse().ok()?);
        // The client repeats what it was given: neither a sign nor zeros in front.
        (asked.to_string() == text).then_some(asked)
    }
}

impl fmt::Display for AskedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}
