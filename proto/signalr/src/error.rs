//! Why a message could not be read, in this crate's words and in the reference server's.

use std::borrow::Cow;
use std::fmt;

/// Why the bytes at the front of a connection are no hub message. Each of these ends the connection with a Close
/// (`signalr-core` 11.2, 13.3); the bytes behind the failed message are not to be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than one message may have, and none is complete (`signalr-core` 12.1).
    #[error("hub message longer than {max_bytes} bytes")]
    TooLarge {
        /// The limit that was exceeded.
        max_bytes: usize,
    },
    /// A message that is not what the hub protocol says.
    #[error("malformed hub message ({0})")]
    Malformed(Detail),
}

impl DecodeError {
    /// What the reference appends to `Connection closed with an error.` when detailed errors are on: the short name of
    /// its exception, a colon, and the text.
    pub fn detail(&self) -> Detail {
        match self {
            Self::TooLarge { max_bytes } => Detail::invalid_data(format!(
                "The maximum message size of {max_bytes}B was exceeded. The message size can be configured in AddHubOptions."
            )),
            Self::Malformed(detail) => detail.clone(),
        }
    }
}

/// The reference server's own words for a failure: `<ExceptionTypeName>: <message>`. Clients see them when detailed
/// errors are on, and applications match on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The exception's short class name, such as `InvalidDataException`.
    pub exception: &'static str,
    /// The exception's message.
    pub message: Cow<'static, str>,
}

impl Detail {
    /// Arguments that no parameters can be bound to (`signalr-core` 12.4).
    pub const ARGUMENTS: Self = Self::new(
        "InvalidDataException",
        Cow::Borrowed(
            "Error binding arguments. Make sure that the types of the provided values match the types of the hub method \
             being invoked.",
        ),
    );

    /// A detail with any exception name.
    pub const fn new(exception: &'static str, message: Cow<'static, str>) -> Self {
        Self { exception, message }
    }

    /// `InvalidDataException`, which most of them are.
    pub fn invalid_data(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("InvalidDataException", message.into())
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exception, self.message)
    }
}

/// Why raw bytes are no array of arguments. Only bytes that this crate did not decode can fail like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an array of arguments")]
pub struct ArgumentsError;
