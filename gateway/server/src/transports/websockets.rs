//! WebSockets (reference signalr-core 6).

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use http::Response;
use http::header::CONTENT_TYPE;
use hubplane_gateway_shard::{AttachTransport, Resumption};
use hubplane_proto_ids::{ConnectionId, ConnectionToken};
use hubplane_proto_link::{Transport, UserIdSource};

use super::{Claim, Refusal, begin, claim, offered};
use crate::front::{Asked, Front};
use crate::owner::Owner;
use crate::registry::Attached;
use crate::upgrade::{WebSocketRequest, take_socket};

/// What an upgrade is for.
enum Way {
    /// A connection that has no transport yet, and whether it may come back on another one.
    New(Attached, bool),
    /// A connection that may come back.
    Again(Owner),
}

/// Answers an upgrade. Without an id, or with an empty one, the connection is made on the fly.
pub(super) async fn get(
    front: &Arc<Front>,
    asked: Asked,
    websocket: &WebSocketRequest,
) -> Response<Body> {
    let way = match asked.query.id.as_deref() {
        Some(id) if !id.is_empty() => by_token(front, &asked, &ConnectionToken::from_request(id)),
        _ => on_the_fly(front, &asked).map(|attached| Way::New(attached, false)),
    };
    let answer = match way {
        Ok(Way::New(attached, is_stateful)) => {
            upgrade(front, asked, websocket, attached, is_stateful)
        }
        Ok(Way::Again(owner)) => match owner.resumption(&front.core).await {
            Some(Resumption::Welcome) => Ok(resume(front, asked, websocket, owner)),
            Some(Resumption::Refused) => Err(Refusal::Attached),
            Some(Resumption::Closing) => Err(Refusal::Closing),
            None => Err(Refusal::Unknown),
        },
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(refused)
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = refusal.response();
    if refusal == Refusal::Unknown {
        // Recorded: this one answer has no content type.
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

fn by_token(front: &Front, asked: &Asked, token: &ConnectionToken) -> Result<Way, Refusal> {
    let claim = claim(front, asked, token, Transport::WebSockets)?;
    let found = front.core.registry.find(token, &asked.hub, Instant::now());
    let found = found.ok_or(Refusal::Unknown)?;
    match claim {
        Claim::New(attached) => Ok(Way::New(attached, found.is_stateful)),
        // Before a shard has it nothing can have been lost.
        Claim::Again if found.is_stateful => found.owner.map(Way::Again).ok_or(Refusal::Attached),
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
    is_stateful: bool,
) -> Result<Response<Body>, Refusal> {
    let upgrading = hyper::upgrade::on(&mut asked.request);
    let beginning = begin(front, asked, attached.connection(), Transport::WebSockets)?;
    let core = Arc::clone(&front.core);
    front.upgrades.spawn(async move {
        match take_socket(upgrading).await {
            Ok((socket, read_ahead)) => {
                let transport = AttachTransport::WebSocket {
                    socket,
                    read_ahead,
                    is_stateful,
                };
                core.attach(beginning, transport, attached).await;
            }
            Err(error) => {
                tracing::debug!(%error, "a websocket was lost while it was handed over");
            }
        }
    });
    Ok(websocket.response())
}

/// Answers 101 and hands the socket to the connection that comes back (reference signalr-core 17.5).
fn resume(
    front: &Arc<Front>,
    mut asked: Asked,
    websocket: &WebSocketRequest,
    owner: Owner,
) -> Response<Body> {
    let upgrading = hyper::upgrade::on(&mut asked.request);
    let user = match front.core.links.place(&asked.hub) {
        Some((_placed, UserIdSource::Claim)) => Some(asked.identity.user()),
        _ => None,
    };
    let core = Arc::clone(&front.core);
    front.upgrades.spawn(async move {
        match take_socket(upgrading).await {
            Ok((socket, read_ahead)) => {
                owner.resume(&core, socket, read_ahead, user).await;
            }
            Err(error) => {
                tracing::debug!(%error, "a websocket was lost while it was handed over");
            }
        }
    });
    websocket.response()
}
