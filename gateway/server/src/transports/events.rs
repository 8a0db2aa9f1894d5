//! Server-Sent Events (reference signalr-core 7).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response};
use hubplane_gateway_shard::{AttachTransport, BodyReader, event_stream};
use hubplane_proto_link::Transport;
use hyper::body::Frame;

use super::{Claim, Refusal, begin, claim, token};
use crate::front::{Asked, Front};

/// Tells nginx that nobody wants to wait until its buffer is full.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with a response that a shard fills.
pub(super) async fn get(front: &Front, asked: Asked) -> Response<Body> {
    attach(front, asked).await.unwrap_or_else(Refusal::response)
}

async fn attach(front: &Front, asked: Asked) -> Result<Response<Body>, Refusal> {
    let transport = Transport::ServerSentEvents;
    let token = token(&asked)?;
    let Claim::New(attached) = claim(front, &asked, &token, transport)? else {
        return Err(Refusal::Attached);
    };
    let beginning = begin(front, asked, attached.connection(), transport)?;
    let (writer, reader) = event_stream();
    let transport = AttachTransport::Events(writer);
    front.core.attach(beginning, transport, attached).await;
    Ok(response(reader))
}

/// The headers are those of the reference (4.5), and one for proxies that hold back what they get.
fn response(reader: BodyReader) -> Response<Body> {
    let mut response = Response::new(Body::new(Events(reader)));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache,no-store"),
        (PRAGMA, "no-cache"),
        (CONTENT_ENCODING, "identity"),
        (BUFFERING, "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The body of an event stream, as an HTTP server wants it.
struct Events(BodyReader);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_next(cx);
        next.map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }
}
