//! Every HTTP request comes through here: which endpoint, who asks, and what the reference answers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, Method, Response, StatusCode};
use hubplane_gateway_shard::{Attach, UserSource};
use hubplane_node::tasks::Pool;
use hubplane_proto_ids::{ConnectionId, ConnectionToken, HubName};
use hubplane_proto_link::{Access, ConnectionInfo, Encoding, Header, Transport, UserIdSource};
use hubplane_proto_signalr::negotiate::{self, NegotiateResponse};

use crate::admission::Admission;
use crate::answer;
use crate::auth::{Authenticator, Identity};
use crate::core::Core;
use crate::cors;
use crate::endpoints::Endpoint;
use crate::listener::Peers;
use crate::options::HubOptions;
use crate::query::Query;
use crate::registry::{AttachError, Attached};
use crate::upgrade::{WebSocketRequest, take_socket};

/// What a hub may see of the request's headers, in bytes (DESIGN 6).
const HEADERS_BYTES_MAX: usize = 8 * 1024;

/// The front of one gateway.
pub(crate) struct Front {
    pub(crate) core: Arc<Core>,
    pub(crate) authenticator: Authenticator,
    pub(crate) admission: Admission,
    /// Waits for the upgrade of one request each, for moments.
    pub(crate) upgrades: Pool,
}

/// One request to an endpoint of a hub, its head read.
struct Asked {
    method: Method,
    hub: HubName,
    query: Query,
    identity: Identity,
    request: Request,
}

impl Front {
    /// The routes of the hubs, behind those that the application brought.
    pub(crate) fn routes(self: Arc<Self>, application: Router) -> Router {
        let front = Arc::clone(&self);
        application
            .fallback(move |request: Request| handle(Arc::clone(&front), request))
            .layer(middleware::from_fn_with_state(self, cors::around))
    }

    /// What holds for a path: what its hub says, or what is said of all.
    pub(crate) fn options_at(&self, path: &str) -> &HubOptions {
        match self.core.links.endpoint(path) {
            Some(Endpoint::Hub(hub) | Endpoint::Negotiate(hub)) => self.hub_options(&hub),
            None => &self.core.options.default_hub,
        }
    }

    fn hub_options(&self, hub: &HubName) -> &HubOptions {
        self.core.options.hub(hub)
    }

    /// The refusal of who may not connect to a hub, with any request: before anything else is looked at (reference
    /// signalr-core 4.1).
    fn refusal(&self, hub: &HubName, identity: &Identity) -> Option<Response<Body>> {
        let Identity {
            authenticated,
            disbelieved,
            claims,
        } = identity;
        let configured = self.hub_options(hub).access.judge(*authenticated, claims);
        let declared = self.core.links.judge(hub, *authenticated, claims);
        match configured.and(declared) {
            Access::Allowed => None,
            Access::Unauthenticated => Some(answer::unauthorized(*disbelieved)),
            Access::Forbidden => Some(answer::bare(StatusCode::FORBIDDEN)),
        }
    }
}

async fn handle(front: Arc<Front>, request: Request) -> Response<Body> {
    let Some(endpoint) = front.core.links.endpoint(request.uri().path()) else {
        return match front.admission.refusal() {
            Some(why) if request.uri().path().starts_with("/hubs/") => answer::unavailable(why),
            _ => answer::bare(StatusCode::NOT_FOUND),
        };
    };
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let method = request.method().clone();
    // A browser cannot send headers with a WebSocket or an EventSource: only there the query counts.
    let query_token = query
        .access_token
        .as_deref()
        .filter(|_| method == Method::GET);
    let identity = front.authenticator.identify(request.headers(), query_token);
    let (hub, negotiates) = match endpoint {
        Endpoint::Hub(hub) => (hub, false),
        Endpoint::Negotiate(hub) => (hub, true),
    };
    if let Some(refusal) = front.refusal(&hub, &identity) {
        return refusal;
    }
    let asked = Asked {
        method,
        hub,
        query,
        identity,
        request,
    };
    match (negotiates, asked.method.as_str()) {
        (true, "POST") => negotiate(&front, &asked),
        (true, _) => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
        (false, "GET") => get(&front, asked),
        (false, "POST") => post(&front, &asked),
        (false, "DELETE") => delete(&front, &asked),
        (false, _) => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Reference signalr-core 3.
fn negotiate(front: &Front, asked: &Asked) -> Response<Body> {
    if let Some(redirect) = &front.hub_options(&asked.hub).redirect {
        let answer = NegotiateResponse::redirect(
            asked.query.carried_to(&redirect.url),
            redirect.access_token.clone(),
        );
        return answer::json(answer.to_json());
    }
    if let Some(why) = front.admission.refusal() {
        return answer::unavailable(why);
    }
    let minimum = front.hub_options(&asked.hub).negotiate_version_min;
    let asked_version = asked.query.negotiate_version.as_deref();
    let version = match negotiate::select_version(asked_version, minimum) {
        Ok(version) => version,
        Err(error) => return answer::json(NegotiateResponse::error(error.client_text()).to_json()),
    };
    let made = ConnectionId::random().and_then(|id| {
        let token = if version > 0 {
            ConnectionToken::random()?
        } else {
            ConnectionToken::from_connection_id(&id)
        };
        Ok((id, token))
    });
    let (id, token) = match made {
        Ok(made) => made,
        Err(error) => {
            tracing::error!(%error, "the operating system gives no randomness");
            return answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    if !front
        .core
        .registry
        .negotiated(token.clone(), id.clone(), asked.hub.clone(), Instant::now())
    {
        return answer::unavailable("Too many connections are being negotiated");
    }
    let offers = [negotiate::Transport::WebSockets.offer()];
    answer::json(
        NegotiateResponse::accepted(version, id.as_str(), token.expose(), false, &offers).to_json(),
    )
}

fn get(front: &Arc<Front>, asked: Asked) -> Response<Body> {
    let Some(websocket) = WebSocketRequest::of(&asked.method, asked.request.headers()) else {
        return if wants_events(asked.request.headers()) {
            other_transport(front, &asked, Transport::ServerSentEvents)
        } else {
            answer::uncached(other_transport(front, &asked, Transport::LongPolling))
        };
    };
    match &asked.query.id {
        Some(id) if !id.is_empty() => {
            let token = ConnectionToken::from_request(id);
            match front
                .core
                .registry
                .attach(&token, &asked.hub, Instant::now())
            {
                Ok(attached) => upgrade(front, asked, &websocket, attached),
                Err(AttachError::Attached) => answer::empty(StatusCode::CONFLICT),
                Err(AttachError::Unknown) => {
                    let mut response = answer::text(StatusCode::NOT_FOUND, answer::UNKNOWN_ID);
                    response.headers_mut().remove(http::header::CONTENT_TYPE);
                    response
                }
            }
        }
        _ => {
            if let Some(why) = front.admission.refusal() {
                return answer::unavailable(why);
            }
            let Ok(id) = ConnectionId::random() else {
                return answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
            };
            let attached = front.core.registry.attach_new(id, asked.hub.clone());
            upgrade(front, asked, &websocket, attached)
        }
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

/// A transport that this hub does not offer; the id is looked at first (reference signalr-core 5.1).
fn other_transport(front: &Front, asked: &Asked, transport: Transport) -> Response<Body> {
    answer_by_id(front, asked, |attached| {
        if attached {
            return answer::text(StatusCode::BAD_REQUEST, answer::OTHER_TRANSPORT);
        }
        let text = format!(
            "{} transport not supported by this end point type",
            transport.name()
        );
        answer::text(StatusCode::NOT_FOUND, text)
    })
}

/// Reference signalr-core 8.3.
fn post(front: &Front, asked: &Asked) -> Response<Body> {
    answer_by_id(front, asked, |_| {
        answer::text(StatusCode::METHOD_NOT_ALLOWED, answer::POST_TO_WEBSOCKET)
    })
}

/// Reference signalr-core 8.4.
fn delete(front: &Front, asked: &Asked) -> Response<Body> {
    answer_by_id(front, asked, |_| {
        answer::text(StatusCode::BAD_REQUEST, answer::DELETE_ELSEWHERE)
    })
}

/// Answers a request that has to name a connection; `found` is told whether a transport has attached to it.
fn answer_by_id(
    front: &Front,
    asked: &Asked,
    found: impl FnOnce(bool) -> Response<Body>,
) -> Response<Body> {
    let Some(id) = asked.query.id.as_deref().filter(|id| !id.is_empty()) else {
        return answer::text(StatusCode::BAD_REQUEST, answer::NO_ID);
    };
    let token = ConnectionToken::from_request(id);
    match front.core.registry.find(&token, &asked.hub, Instant::now()) {
        Some(attached) => found(attached),
        None => answer::text(StatusCode::NOT_FOUND, answer::UNKNOWN_ID),
    }
}

/// Answers 101 and hands the socket to a shard.
fn upgrade(
    front: &Arc<Front>,
    asked: Asked,
    websocket: &WebSocketRequest,
    attached: Attached,
) -> Response<Body> {
    let Asked {
        hub,
        query,
        identity,
        mut request,
        ..
    } = asked;
    let Some((placed, user_id)) = front.core.links.place(&hub) else {
        return answer::unavailable("No hub-host serves this hub");
    };
    let peers = request.extensions().get::<Peers>().copied();
    let info = ConnectionInfo {
        connection: attached.connection().clone(),
        hub: hub.clone(),
        authenticated: identity.authenticated,
        headers: visible_headers(request.headers()),
        path: request.uri().path().to_owned(),
        query: query.visible,
        remote: peers.map(|peers| peers.remote),
        local: peers.map(|peers| peers.local),
        transport: Transport::WebSockets,
        protocol: Encoding::Json,
        claims: Vec::new(),
    };
    let user = match user_id {
        UserIdSource::Claim => UserSource::Known(identity.user()),
        UserIdSource::Hub => UserSource::AskHub,
    };
    let info = ConnectionInfo {
        claims: identity.claims,
        ..info
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let (core, options) = (
        Arc::clone(&front.core),
        Arc::clone(&front.hub_options(&hub).connection),
    );
    front.upgrades.spawn(async move {
        let (socket, read_ahead) = match take_socket(upgrading).await {
            Ok(taken) => taken,
            Err(error) => {
                return tracing::debug!(%error, "a websocket was lost while it was handed over");
            }
        };
        let link = placed.link().sender.clone();
        let attach = Attach {
            socket,
            read_ahead,
            info,
            user,
            expires_at: None,
            link,
            options,
            guard: Box::new(()),
        };
        core.attach(attach, attached, placed).await;
    });
    websocket.response()
}

/// The headers that a hub sees: all but `authorization`, as far as they fit (DESIGN 6).
fn visible_headers(headers: &HeaderMap) -> Vec<Header> {
    let mut room = HEADERS_BYTES_MAX;
    let mut visible = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let cost = name.as_str().len() + value.len();
        if name == AUTHORIZATION || cost > room {
            continue;
        }
        room -= cost;
        visible.push(Header {
            name: name.as_str().to_owned(),
            value: value.to_owned(),
        });
    }
    visible
}
