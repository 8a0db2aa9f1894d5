use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::ConnectionId;
use crate::text::random_text;

/// The secret by which a client attaches a transport to its connection: the `id` of every transport request.
///
/// It has no `Display` and its `Debug` is redacted; [`expose`](Self::expose) is for the one place that writes it into a
/// negotiate response.
#[derive(Clone)]
pub struct ConnectionToken(Arc<str>);

impl ConnectionToken {
    /// A new random token, URL-safe: clients put it into the URL without escaping it (reference signalr-core 3.3).
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        random_text().map(Self)
    }

    /// The token that a request brought. Any text is one; whether it names a connection is found by looking it up.
    pub fn from_request(text: &str) -> Self {
        Self(text.into())
    }

    /// Under negotiate version 0 the connection id is the token (reference signalr-core 3.3).
    pub fn from_connection_id(id: &ConnectionId) -> Self {
        Self(id.as_str().into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for ConnectionToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for ConnectionToken {}

impl Hash for ConnectionToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for ConnectionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionToken(redacted)")
    }
}
