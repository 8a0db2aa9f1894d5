use axum::body::Body;
use http::{Response, StatusCode};
use hubplane_proto_link::Transport;

use crate::answer;

/// Why a request of a transport gets nothing: the rows of the status matrix (reference signalr-core 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It names no connection.
    NoId,
    /// No connection has this token.
    Unknown,
    /// The hub does not offer this transport.
    NotOffered(Transport),
    /// The connection has another transport.
    OtherTransport,
    /// The connection has its transport already.
    Attached,
    /// The connection that the client wants to come back to ends.
    Closing,
    /// New connections are refused now, and why.
    Unavailable(&'static str),
    /// A WebSocket takes no posts.
    PostToWebSocket,
    /// Only polls end by a DELETE.
    NotDeletable,
    /// The connection has gone while the request was carried out.
    Gone,
    /// The body broke off.
    Broken,
    /// The body is too long.
    TooLong,
    /// The body comes too slowly.
    TooSlow,
    /// The operating system gives no randomness.
    NoRandomness,
}

impl Refusal {
    /// What the client gets.
    pub(crate) fn response(self) -> Response<Body> {
        match self {
            Self::NoId => answer::text(StatusCode::BAD_REQUEST, answer::NO_ID),
            Self::Unknown => answer::text(StatusCode::NOT_FOUND, answer::UNKNOWN_ID),
            Self::NotOffered(transport) => {
                let name = transport.name();
                let text = format!("{name} transport not supported by this end point type");
                answer::text(StatusCode::NOT_FOUND, text)
            }
            Self::OtherTransport => answer::text(StatusCode::BAD_REQUEST, answer::OTHER_TRANSPORT),
            Self::Attached => answer::empty(StatusCode::CONFLICT),
            Self::Closing => answer::empty(StatusCode::NO_CONTENT),
            Self::Unavailable(why) => answer::unavailable(why),
            Self::PostToWebSocket => {
                answer::text(StatusCode::METHOD_NOT_ALLOWED, answer::POST_TO_WEBSOCKET)
            }
            Self::NotDeletable => answer::text(StatusCode::BAD_REQUEST, answer::DELETE_ELSEWHERE),
            Self::Gone => answer::empty(StatusCode::NOT_FOUND),
            Self::Broken => answer::empty(StatusCode::BAD_REQUEST),
            Self::TooLong => answer::empty(StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooSlow => answer::empty(StatusCode::REQUEST_TIMEOUT),
            Self::NoRandomness => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
