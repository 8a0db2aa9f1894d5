//! WebSockets (reference signalr-core 6).

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use http::header::CONTENT_TYPE;
use hubplane_gateway_shard::AttachTransport;
use hubplane_proto_ids::{ConnectionId, ConnectionToken};
use hubplane_proto_link::Transport;

use super::{Claim, Refusal, begin, claim, offered};
use crate::front::{Asked, Front};
use crate::registry::Attached;
use crate::upgrade::{WebSocketRequest, take_socket};

/// Answers an upgrade. Without an id, or with an empty one, the connection is made on the fly.
pub(super) fn get(
    front: &Arc<Front>,
    asked: Asked,
    websocket: &WebSocketRequest,
) -> Response<Body> {
    let attached = match asked.query.id.as_deref() {
        Some(id) if !id.is_empty() => by_token(front, &asked, &ConnectionToken::from_request(id)),
        _ => on_the_fly(front, &asked),
    };
    attached
        .and_then(|attached| upgrade(front, asked, websocket, attached))
        .unwrap_or_else(refused)
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = refusal.response();
    if refusal == Refusal::Unknown {
        // Recorded: this one answer has no content type.
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

fn by_token(front: &Front, asked: &Asked, token: &ConnectionToken) -> Result<Attached, Refusal> {
    match claim(front, asked, token, Transport::WebSockets)? {
        Claim::New(attached) => Ok(attached),
        Claim::Again => Err(Refusal::Attached),
    }
}

fn on_the_fly(front: &Front, asked: &Asked) -> Result<Attached, Refusal> {
    offered(front, asked, Transport::WebSockets)?;
    if let Some(why) = front.admission.refusal() {
        return Err(Refusal::Unavailable(why));
    }
    let id = ConnectionId::random().map_err(|_error| Refusal::NoRandomness)?;
    Ok(front.core.registry.attach_new(id, asked.hub.clone()))
}

/// Answers 101 and hands the socket to a shard.
fn upgrade(
    front: &Arc<Front>,
    mut asked: Asked,
    websocket: &WebSocketRequest,
    attached: Attached,
) -> Result<Response<Body>, Refusal> {
    let upgrading = hyper::upgrade::on(&mut asked.request);
    let beginning = begin(front, asked, attached.connection(), Transport::WebSockets)?;
    let core = Arc::clone(&front.core);
    front.upgrades.spawn(async move {
        match take_socket(upgrading).await {
            Ok((socket, read_ahead)) => {
                let socket = socket.into();
                let transport = AttachTransport::WebSocket { socket, read_ahead };
                core.attach(beginning, transport, attached).await;
            }
            Err(error) => {
                tracing::debug!(%error, "a websocket was lost while it was handed over");
            }
        }
    });
    Ok(websocket.response())
}
