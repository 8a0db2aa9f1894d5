//! Long polling (reference signalr-core 8).

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use hubplane_gateway_shard::{AttachTransport, PollAnswer};
use hubplane_proto_link::Transport;

use super::{Claim, Refusal, begin, claim, token};
use crate::answer;
use crate::front::{Asked, Front};

/// Answers a poll: the first one at once, the others when there is something to say.
pub(super) async fn get(front: &Front, asked: Asked) -> Response<Body> {
    poll(front, asked).await.unwrap_or_else(Refusal::response)
}

async fn poll(front: &Front, asked: Asked) -> Result<Response<Body>, Refusal> {
    let transport = Transport::LongPolling;
    let token = token(&asked)?;
    match claim(front, &asked, &token, transport)? {
        Claim::New(attached) => {
            let beginning = begin(front, asked, attached.connection(), transport)?;
            let transport = AttachTransport::Polls;
            front.core.attach(beginning, transport, attached).await;
            Ok(messages(Body::empty()))
        }
        Claim::Again => {
            let registry = &front.core.registry;
            let found = registry.find_placed(&token, &asked.hub).await;
            let owner = found
                .and_then(|found| found.owner)
                .ok_or(Refusal::Unknown)?;
            Ok(response(owner.poll(&front.core).await))
        }
    }
}

fn response(answer: PollAnswer) -> Response<Body> {
    match answer {
        PollAnswer::Messages(bytes) => messages(Body::from(bytes)),
        PollAnswer::Nothing => answer::empty(StatusCode::OK),
        PollAnswer::Over => answer::empty(StatusCode::NO_CONTENT),
        PollAnswer::Failed => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        PollAnswer::Unknown => Refusal::Unknown.response(),
    }
}

/// The content type says nothing of what is in it: it is the same for text.
fn messages(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let value = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

/// The client ends its connection (reference signalr-core 8.4).
pub(crate) async fn delete(front: &Front, asked: Asked) -> Response<Body> {
    delete_by_token(front, asked)
        .await
        .unwrap_or_else(Refusal::response)
}

async fn delete_by_token(front: &Front, asked: Asked) -> Result<Response<Body>, Refusal> {
    let token = token(&asked)?;
    let registry = &front.core.registry;
    let found = registry.find(&token, &asked.hub, std::time::Instant::now());
    if found.ok_or(Refusal::Unknown)?.transport != Some(Transport::LongPolling) {
        return Err(Refusal::NotDeletable);
    }
    registry.find_placed(&token, &asked.hub).await;
    let owner = registry
        .delete(&token, &asked.hub)
        .ok_or(Refusal::Unknown)?;
    owner.delete(&front.core).await;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
