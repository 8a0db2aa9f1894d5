use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} has {min_bytes} to {max_bytes} bytes, this text has {len_bytes}")]
pub struct InvalidId {
    /// The type that refused, for people.
    pub kind: &'static str,
    /// Length of the refused text in bytes.
    pub len_bytes: usize,
    /// The shortest text that is accepted, in bytes.
    pub min_bytes: usize,
    /// The longest text that is accepted, in bytes.
    pub max_bytes: usize,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal bytes) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of this id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a text that is an id.
            ///
            /// # Errors
            /// [`InvalidId`] if the text is shorter or longer than an id of this kind may be.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, InvalidId> {
                let text = text.into();
                if !($min..=$max).contains(&text.len()) {
                    return Err(InvalidId { kind: stringify!($name), len_bytes: text.len(), min_bytes: $min, max_bytes: $max });
                }
                Ok(Self(text))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }
    };
}

text_id! {
    /// The name of a hub: one set of connections, users and groups. Compared as it is; paths are matched to it
    /// without regard to letter case, at the front.
    HubName, 1..=128 bytes
}
text_id! {
    /// The public name of one connection. Applications address a connection by it; it is no secret.
    ConnectionId, 1..=128 bytes
}
text_id! {
    /// A user as the hub knows it: compared by its bytes, case-sensitive (reference signalr-core 14.1).
    UserId, 0..=1024 bytes
}
text_id! {
    /// The name of a group. Any text is one, the empty text too; compared by its bytes (reference signalr-core 14.2).
    GroupName, 0..=1024 bytes
}
text_id! {
    /// What the sender of an invocation calls it: opaque, unique per sender and connection (reference signalr-core 1).
    InvocationId, 0..=1048576 bytes
}
text_id! {
    /// The name of a node, which survives its restarts. See [`NodeId`](crate::NodeId).
    NodeName, 1..=64 bytes
}

impl ConnectionId {
    /// A new random id: 16 bytes in base64url, 22 characters, as the reference server makes them (signalr-core 3.3).
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        random_text().map(Self)
    }
}

pub(crate) fn random_text() -> Result<Arc<str>, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}
