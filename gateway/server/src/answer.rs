//! The front's answers, with the texts and headers of the reference (signalr-core 4.5, 9).

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

pub(crate) const NO_ID: &str = "Connection ID required";
pub(crate) const UNKNOWN_ID: &str = "No Connection with that ID";
pub(crate) const POST_TO_WEBSOCKET: &str =
    "POST requests are not allowed for WebSocket connections.";
pub(crate) const DELETE_ELSEWHERE: &str =
    "Cannot terminate this connection using the DELETE endpoint.";
pub(crate) const OTHER_TRANSPORT: &str = "Cannot change transports mid-connection";

/// A status without a body and without a content type, as authorization and unknown paths have it.
pub(crate) fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An error with its text.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// 405, or 409: `text/plain` with an empty body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    text(status, Body::empty())
}

/// Every answer to a long poll forbids caching.
pub(crate) fn uncached(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(
        EXPIRES,
        HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"),
    );
    response
}

/// The answer to negotiate, errors of its own included.
pub(crate) fn json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A hub that wants to know its callers. The body is empty: clients show the reason phrase (signalr-core 3.5). Who
/// brought a token reads that it is what was refused (RFC 6750 3.1).
pub(crate) fn unauthorized(disbelieved: bool) -> Response<Body> {
    let challenge = if disbelieved {
        r#"Bearer error="invalid_token""#
    } else {
        "Bearer"
    };
    let mut response = bare(StatusCode::UNAUTHORIZED);
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// Not now.
pub(crate) fn unavailable(why: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, why);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
