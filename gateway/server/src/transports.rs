//! The requests of the three transports: which one a request is for, and what a connection begins with.

pub(crate) mod events;
pub(crate) mod polls;
pub(crate) mod posts;
mod refusal;
mod websockets;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use http::{HeaderMap, Response};
use hubplane_gateway_connection as connection;
use hubplane_gateway_shard::UserSource;
use hubplane_proto_ids::{ConnectionId, ConnectionToken, HubName};
use hubplane_proto_link::{ConnectionInfo, Encoding, Header, Transport, UserIdSource};

use crate::answer;
use crate::auth::{Identity, without_cookie};
use crate::front::{Asked, Front};
use crate::links::Placed;
use crate::listener::Peers;
use crate::registry::{AttachError, Attached};
use crate::transports::refusal::Refusal;
use crate::upgrade::WebSocketRequest;

/// What a hub may see of the request's headers, in bytes (DESIGN 6).
const HEADERS_BYTES_MAX: usize = 8 * 1024;

/// What a connection begins with, whatever carries it.
pub(crate) struct Beginning {
    pub(crate) info: ConnectionInfo,
    pub(crate) user: UserSource,
    /// When its client is no longer who it was.
    pub(crate) expires_at: Option<Instant>,
    pub(crate) placed: Placed,
    pub(crate) options: Arc<connection::Options>,
}

/// A GET is for one of the transports (reference signalr-core 2).
pub(crate) async fn get(front: &Arc<Front>, asked: Asked) -> Response<Body> {
    let headers = asked.request.headers();
    if let Some(websocket) = WebSocketRequest::of(&asked.method, headers) {
        websockets::get(front, asked, &websocket).await
    } else if wants_events(headers) {
        events::get(front, asked).await
    } else {
        answer::uncached(polls::get(front, asked).await)
    }
}

/// Whether one entry of Accept is exactly the media type of an event stream (reference signalr-core 2).
fn wants_events(headers: &HeaderMap) -> bool {
    let entries = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    entries
        .flat_map(|value| value.split(','))
        .any(|entry| entry.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The token that a request names its connection with.
///
/// # Errors
/// If it names none.
fn token(asked: &Asked) -> Result<ConnectionToken, Refusal> {
    let id = asked.query.id.as_deref().filter(|id| !id.is_empty());
    id.map(ConnectionToken::from_request).ok_or(Refusal::NoId)
}

/// What a claim on a connection comes to.
enum Claim {
    /// It is this transport's from now on.
    New(Attached),
    /// It was already.
    Again,
}

/// A transport claims the connection that a request names; in this order (reference signalr-core 5.1, recorded).
fn claim(
    front: &Front,
    asked: &Asked,
    token: &ConnectionToken,
    transport: Transport,
) -> Result<Claim, Refusal> {
    let (registry, now) = (&front.core.registry, Instant::now());
    if registry.find(token, &asked.hub, now).is_none() {
        return Err(Refusal::Unknown);
    }
    offered(front, asked, transport)?;
    match registry.attach(token, &asked.hub, transport, now) {
        Ok(attached) => Ok(Claim::New(attached)),
        Err(AttachError::Attached(other)) if other == transport => Ok(Claim::Again),
        Err(AttachError::Attached(_)) => Err(Refusal::OtherTransport),
        Err(AttachError::Unknown) => Err(Refusal::Unknown),
    }
}

/// Whether the hub offers a transport.
///
/// # Errors
/// If it does not.
fn offered(front: &Front, asked: &Asked, transport: Transport) -> Result<(), Refusal> {
    let offered = front.hub_options(&asked.hub).transports.has(transport);
    offered.then_some(()).ok_or(Refusal::NotOffered(transport))
}

/// Finds a place for a connection and gathers what its hub may know of it.
///
/// # Errors
/// If no hub-host serves the hub.
fn begin(
    front: &Front,
    asked: Asked,
    connection: &ConnectionId,
    transport: Transport,
) -> Result<Beginning, Refusal> {
    let Asked {
        hub,
        query,
        identity,
        request,
        ..
    } = asked;
    let Some((placed, user_id)) = front.core.links.place(&hub) else {
        return Err(Refusal::Unavailable("No hub-host serves this hub"));
    };
    let user = match user_id {
        UserIdSource::Claim => UserSource::Known(identity.user()),
        UserIdSource::Hub => UserSource::AskHub,
    };
    let peers = request.extensions().get::<Peers>().copied();
    let expires_at = expires_at(front, &hub, &identity);
    let options = Arc::clone(&front.hub_options(&hub).connection);
    let info = ConnectionInfo {
        connection: connection.clone(),
        hub,
        authenticated: identity.authenticated,
        headers: visible_headers(request.headers(), front.authenticator.cookie()),
        path: request.uri().path().to_owned(),
        query: query.visible,
        remote: peers.map(|peers| peers.remote),
        local: peers.map(|peers| peers.local),
        transport,
        protocol: Encoding::Json,
        claims: identity.claims,
    };
    Ok(Beginning {
        info,
        user,
        expires_at,
        placed,
        options,
    })
}

/// When a connection is over because its token is, if its hub wants that.
fn expires_at(front: &Front, hub: &HubName, identity: &Identity) -> Option<Instant> {
    let closes = front.hub_options(hub).close_on_authentication_expiration;
    identity.expires_at().filter(|_| closes)
}

/// The headers that a hub sees: all but `authorization` and the cookie that carries tokens, as far as they fit
/// (DESIGN 6).
fn visible_headers(headers: &HeaderMap, token_cookie: Option<&str>) -> Vec<Header> {
    let mut room = HEADERS_BYTES_MAX;
    let mut visible = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let mut value = Cow::Borrowed(value);
        if let Some(secret) = token_cookie.filter(|_| name == COOKIE) {
            match without_cookie(&value, secret) {
                Some(others) => value = Cow::Owned(others),
                None => continue,
            }
        }
        let cost = name.as_str().len() + value.len();
        if name == AUTHORIZATION || cost > room {
            continue;
        }
        room -= cost;
        visible.push(Header {
            name: name.as_str().to_owned(),
            value: value.into_owned(),
        });
    }
    visible
}
