//! Which web pages may use which hub (reference signalr-core 4.2).
//!
//! A browser keeps an answer from a page of another origin unless the answer names that origin. Requests are not refused
//! for their origin, as by the reference: it is the browser that keeps the page from the answer. WebSockets are not subject
//! to that, so that they are refused here.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hubplane_node::config::OriginPattern;

use crate::answer;
use crate::front::Front;
use crate::outside::PublicUrl;
use crate::upgrade::WebSocketRequest;

/// Around all routes. A request without an origin, or to a hub that names none, is not looked at.
pub(crate) async fn around(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let options = front.options_at(request.uri().path());
    let listed = &options.allowed_origins;
    if listed.is_empty() {
        return next.run(request).await;
    }
    let allowed = is_allowed(&origin, listed, request.extensions().get());
    let refused = !allowed && !options.web_sockets_of_any_origin;
    let (method, headers) = (request.method(), request.headers());
    if method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return preflight(headers, allowed.then_some(origin));
    }
    if refused && WebSocketRequest::of(method, headers).is_some() {
        return answer::bare(StatusCode::FORBIDDEN);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A route of the application may have its own rules.
    if allowed && !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        allow(headers, origin);
    }
    response
}

fn is_allowed(origin: &HeaderValue, listed: &[OriginPattern], url: Option<&PublicUrl>) -> bool {
    origin.to_str().is_ok_and(|origin| {
        listed.iter().any(|pattern| pattern.matches(origin))
            || url.is_some_and(|url| url.is_origin(origin))
    })
}

/// What was asked for is allowed to an origin that is, and nothing is said to another one (recorded).
fn preflight(asked: &HeaderMap, origin: Option<HeaderValue>) -> Response<Body> {
    let mut response = answer::bare(StatusCode::NO_CONTENT);
    let Some(origin) = origin else {
        return response;
    };
    let headers = response.headers_mut();
    allow(headers, origin);
    for (of_request, of_answer) in [
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
    ] {
        if let Some(wanted) = asked.get(of_request) {
            headers.insert(of_answer, wanted.clone());
        }
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
