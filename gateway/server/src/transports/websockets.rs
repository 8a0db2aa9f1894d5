//! WebSockets (reference signalr-core 6).

use std::sync::Arc;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use hubplane_gateway_shard::AttachTransport;
use hubplane_proto_ids::{ConnectionId, ConnectionToken};
use hubplane_proto_link::Transport;

use super::{Claim, Refusal, begin, claim, offered, unknown};
use crate::answer;
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
        .unwrap_or_else(|refusal| refusal)
}

fn by_token(
    front: &Front,
    asked: &Asked,
    token: &ConnectionToken,
) -> Result<Attached, Response<Body>> {
    match claim(front, asked, token, Transport::WebSockets) {
        Ok(Claim::New(attached)) => Ok(attached),
        Ok(Claim::Again) => Err(answer::empty(StatusCode::CONFLICT)),
        Err(Refusal::Unknown) => {
            // Recorded: this one answer has no content type.
            let mut response = unknown();
            response.headers_mut().remove(CONTENT_TYPE);
            Err(response)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn on_the_fly(front: &Front, asked: &Asked) -> Result<Attached, Response<Body>> {
    offered(front, asked, Transport::WebSockets)?;
    if let Some(why) = front.admission.refusal() {
        return Err(answer::unavailable(why));
    }
    let id = ConnectionId::random()
        .map_err(|_error| answer::empty(StatusCode::INTERNAL_SERVER_ERROR))?;
    Ok(front.core.registry.attach_new(id, asked.hub.clone()))
}

/// Answers 101 and hands the socket to a shard.
fn upgrade(
    front: &Arc<Front>,
    mut asked: Asked,
    websocket: &WebSocketRequest,
    attached: Attached,
) -> Result<Response<Body>, Response<Body>> {
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
