use std::io;
use std::time::Duration;

use hubplane_proto_signalr::TranscodeError;
use tokio_tungstenite::tungstenite;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither `http://host[:port]/…` nor `https://…`.
    #[error("{url:?} is no http address")]
    Url {
        /// What was given, by the caller or by a redirecting server.
        url: String,
    },
    /// An https address, and [`Options::trust`](crate::Options::trust) names nobody.
    #[error("https needs a root certificate to trust")]
    Untrusted,
    /// A header or the token cannot be sent.
    #[error("a header that cannot be sent")]
    Header(#[source] http::Error),
    /// No TCP connection, or it broke.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// Why.
        source: io::Error,
    },
    /// What came back is no HTTP.
    #[error("the request failed")]
    Request(#[source] hyper::Error),
    /// Another status than the protocol has for success.
    #[error("the server answered {status}")]
    Status {
        /// The status.
        status: u16,
        /// The body; of a refused WebSocket request, what came along with the headers.
        body: String,
    },
    /// The body of the negotiate answer cannot be used.
    #[error("malformed answer to negotiate")]
    MalformedNegotiation,
    /// Negotiate answered with this error.
    #[error("the server refused to negotiate: {text}")]
    Negotiate {
        /// The server's text, verbatim.
        text: String,
    },
    /// The server redirects in circles.
    #[error("negotiate redirection limit exceeded")]
    Redirections,
    /// The WebSocket could not be opened.
    #[error("the websocket was not opened")]
    WebSocket(#[source] Box<tungstenite::Error>),
    /// The server refused the handshake.
    #[error("the server refused the handshake: {text}")]
    Handshake {
        /// The server's text, verbatim.
        text: String,
    },
    /// The connection ended before the handshake was answered.
    #[error("the connection ended before the handshake was answered")]
    Ended,
    /// Not done in time.
    #[error("not connected within {limit:?}")]
    TimedOut {
        /// [`Options::connect_timeout`](crate::Options::connect_timeout).
        limit: Duration,
    },
}

/// Why an invocation has no result.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The server completed it with this error text, verbatim.
    #[error("{0}")]
    Hub(String),
    /// The connection ended first.
    #[error("the connection ended")]
    Ended,
    /// The arguments cannot be written, or the result is not what was expected.
    #[error("a value that does not fit")]
    Payload(#[from] PayloadError),
}

/// Why [`Connection::receive`](crate::Connection::receive) has no invocation.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The connection ended first.
    #[error("the connection ended")]
    Ended,
    /// Something else came.
    #[error("waited for {expected}, and got {got}")]
    Unexpected {
        /// The target waited for.
        expected: String,
        /// What came, for a person.
        got: String,
    },
    /// Its arguments are not what was expected.
    #[error("arguments that do not fit")]
    Payload(#[from] PayloadError),
}

/// Why a value cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// serde refuses it, or arguments that are not a tuple or a sequence.
    #[error("not the expected shape")]
    Shape(#[source] serde_json::Error),
    /// It cannot cross between JSON and MessagePack.
    #[error("not a value of both encodings")]
    Transcode(#[from] TranscodeError),
    /// The arguments of a received invocation could not be read at all.
    #[error("malformed arguments")]
    Malformed,
    /// The completion had no value.
    #[error("no value")]
    Void,
}
