//! What goes wrong in a hub, and what its client is told of it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use hubplane_proto_ids::{ConnectionId, InvalidId};

use crate::ValueError;
use crate::host::LinkLost;

/// Why a hub method failed.
///
/// There are two sorts. [`HubError::new`] is a text for the client: it is always shown, behind `HubException: `, the
/// name by which the client libraries know it (reference signalr-core 12.4). Any other error becomes one with `?`; the
/// client sees that the method failed, and its text only where the hub runs with detailed errors.
///
/// ```
/// use hubplane_hub::HubError;
///
/// fn parse(text: &str) -> Result<u16, HubError> {
///     if text.is_empty() {
///         return Err(HubError::new("write a number")); // The client reads this.
///     }
///     Ok(text.parse()?) // It does not read what `parse` says.
/// }
/// # assert!(parse("").unwrap_err().is_shown());
/// # assert_eq!(parse("x").unwrap_err().name(), "ParseIntError");
/// ```
///
/// As with `anyhow::Error`, it is not a `std::error::Error` itself, and converts into a boxed one.
#[doc(alias = "HubException")]
pub struct HubError {
    name: Cow<'static, str>,
    text: String,
    shown: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The name of errors that are meant for clients.
const SHOWN: &str = "HubException";

impl HubError {
    /// An error whose text the client reads.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            name: Cow::Borrowed(SHOWN),
            text: text.into(),
            shown: true,
            source: None,
        }
    }

    /// An error whose text is for the log: the client reads it only with detailed errors.
    ///
    /// `name` is a short type name that stays the same, `OutOfStock` for instance.
    pub fn hidden(name: impl Into<Cow<'static, str>>, text: impl fmt::Display) -> Self {
        Self {
            name: name.into(),
            text: text.to_string(),
            shown: false,
            source: None,
        }
    }

    /// The short type name that stands before the text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, with its causes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the client reads the text without detailed errors.
    pub fn is_shown(&self) -> bool {
        self.shown
    }

    /// The error that it was made from.
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.source.as_deref()
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for HubError {
    fn from(error: E) -> Self {
        let any: &dyn std::any::Any = &error;
        if let Some(asked) = any.downcast_ref::<InvokeError>() {
            let (name, shown) = asked.known_as();
            return Self {
                name: Cow::Borrowed(name),
                text: error.to_string(),
                shown,
                source: Some(Box::new(error)),
            };
        }
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        Self {
            name: Cow::Borrowed(short_name(std::any::type_name::<E>())),
            text,
            shown: false,
            source: Some(Box::new(error)),
        }
    }
}

/// The last segment of a type's path, without its parameters.
pub(crate) fn short_name(path: &'static str) -> &'static str {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

impl From<HubError> for Box<dyn StdError + Send + Sync> {
    fn from(error: HubError) -> Self {
        match error.source {
            Some(source) => source,
            None => format!("{error:?}").into(),
        }
    }
}

impl From<HubError> for Box<dyn StdError> {
    fn from(error: HubError) -> Self {
        Box::<dyn StdError + Send + Sync>::from(error)
    }
}

/// Why a send or a change of groups failed. Nothing of it has happened, or, for the last two, nobody can say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// An argument cannot be written so that every client could read it: NaN and infinities, and map keys that are
    /// neither text nor integer, have no place in JSON.
    #[error("the arguments of '{target}' cannot be sent")]
    Value {
        /// The client's method.
        target: String,
        /// What was wrong with which value.
        #[source]
        source: ValueError,
    },
    /// The arguments together are longer than a message may be.
    #[error("the arguments of '{target}' have {len_bytes} bytes, at most {bytes_max} can be sent")]
    TooLong {
        /// The client's method.
        target: String,
        /// How long they are.
        len_bytes: usize,
        /// How long they may be.
        bytes_max: usize,
    },
    /// More would be kept with a connection than there is room for.
    #[error("with '{key}' there would be {len_bytes} bytes, at most {bytes_max} are kept")]
    BagFull {
        /// The key that was set.
        key: String,
        /// How much it would be, keys and values together.
        len_bytes: usize,
        /// How much it may be.
        bytes_max: usize,
    },
    /// The reason for which a connection is to be closed is longer than one may be.
    #[error("the reason has {len_bytes} bytes, at most {bytes_max} can be told")]
    ReasonTooLong {
        /// How long it is.
        len_bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A group, user or connection was named by a text that cannot be such a name.
    #[error("nobody can be named like this")]
    Name(#[from] InvalidId),
    /// There is no way to the gateway any more, or none yet.
    #[error("the link to the gateway is lost")]
    LinkLost,
    /// Whether the connection exists could not be found out in time.
    #[error("the gateway of this connection does not answer")]
    Unavailable,
}

/// Why a question about connections has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The audience excepts connections, which no answer could leave out.
    #[error("a question cannot be about all but some")]
    Except,
    /// Some gateway that may know could not be asked.
    #[error("not every gateway that may know has answered")]
    Unavailable,
    /// The question could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<LinkLost> for QuestionError {
    fn from(_: LinkLost) -> Self {
        Self::Send(SendError::LinkLost)
    }
}

/// Why a client's result did not come (reference signalr-core 12.3). It becomes a [`HubError`] with `?`; what a client
/// said itself is then shown to the client that invoked.
///
/// ```
/// # use std::time::Duration;
/// # use hubplane_hub::*;
/// # async fn example(ctx: &Context) -> Result<(), HubError> {
/// let answer = ctx.caller().invoke::<bool>("Sure", ()).timeout(Duration::from_secs(10)).await;
/// let sure = match answer {
///     Ok(sure) => sure,
///     Err(InvokeError::Cancelled | InvokeError::Disconnected { .. }) => false,
///     Err(error) => return Err(error.into()),
/// };
/// # let _ = sure;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The client failed, or answered with nothing; its text.
    #[error("{text}")]
    Client {
        /// What it said.
        text: String,
    },
    /// The client answered with something else.
    #[error("Error trying to deserialize result to {expected}. {source}")]
    Unfit {
        /// The type that was expected.
        expected: &'static str,
        /// What is wrong with the answer.
        source: ValueError,
    },
    /// Nobody waits any longer: the time is over.
    #[error("Invocation canceled by the server.")]
    Cancelled,
    /// No connection has this id.
    #[error("Connection '{connection}' does not exist.")]
    UnknownConnection {
        /// The id.
        connection: ConnectionId,
    },
    /// The connection ended before its client answered.
    #[error("Connection '{connection}' disconnected.")]
    Disconnected {
        /// The id.
        connection: ConnectionId,
    },
    /// `on_connected` asked: no client answers before that has returned.
    #[error("Client results inside OnConnectedAsync Hub methods are not allowed.")]
    InOnConnected,
    /// The gateway of the connection could not be asked.
    #[error("the gateway of this connection does not answer")]
    Unavailable,
    /// The request could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl InvokeError {
    /// The name that client libraries know it by, and whether clients read its text.
    fn known_as(&self) -> (&'static str, bool) {
        match self {
            Self::Client { .. } | Self::Unfit { .. } | Self::Cancelled => (SHOWN, true),
            Self::UnknownConnection { .. } | Self::Disconnected { .. } | Self::Unavailable => {
                ("IOException", false)
            }
            Self::InOnConnected => ("InvalidOperationException", false),
            Self::Send(_) => ("SendError", false),
        }
    }
}

impl From<LinkLost> for InvokeError {
    fn from(_: LinkLost) -> Self {
        Self::Send(SendError::LinkLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the shelf is empty")]
    struct OutOfStock<T: fmt::Debug + 'static>(#[source] T);

    #[test]
    fn any_error_becomes_a_hidden_one_with_its_name_and_its_causes() {
        let cause = std::io::Error::other("nobody ordered");
        let error = HubError::from(OutOfStock(cause));
        assert_eq!(error.name(), "OutOfStock");
        assert_eq!(error.text(), "the shelf is empty: nobody ordered");
        assert!(!error.is_shown());
        assert!(error.source().is_some());
        assert_eq!(
            format!("{error:?}"),
            "OutOfStock: the shelf is empty: nobody ordered"
        );
    }

    #[test]
    fn a_hub_error_is_a_boxed_error_too() {
        let boxed: Box<dyn StdError> = HubError::new("no").into();
        assert_eq!(boxed.to_string(), "HubException: no");
        let boxed: Box<dyn StdError + Send + Sync> = HubError::from(fmt::Error).into();
        assert!(boxed.downcast_ref::<fmt::Error>().is_some());
    }
}
