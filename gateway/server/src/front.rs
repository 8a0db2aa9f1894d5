//! Every HTTP request comes through here: which endpoint, who asks, and what the reference answers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use http::{Method, Response, StatusCode};
use hubplane_node::tasks::Pool;
use hubplane_proto_ids::{ConnectionId, ConnectionToken, HubName};
use hubplane_proto_link::Access;
use hubplane_proto_signalr::negotiate::{self, NegotiateResponse};

use crate::admission::Admission;
use crate::answer;
use crate::auth::{Authenticator, Identity};
use crate::core::Core;
use crate::cors;
use crate::endpoints::Endpoint;
use crate::options::HubOptions;
use crate::query::Query;
use crate::registry::Negotiated;
use crate::transports::{self, polls, posts};

/// The front of one gateway.
pub(crate) struct Front {
    pub(crate) core: Arc<Core>,
    pub(crate) authenticator: Authenticator,
    pub(crate) admission: Admission,
    /// Waits for the upgrade of one request each, for moments.
    pub(crate) upgrades: Pool,
}

/// One request to an endpoint of a hub, its head read.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) hub: HubName,
    pub(crate) query: Query,
    pub(crate) identity: Identity,
    pub(crate) request: Request,
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

    pub(crate) fn hub_options(&self, hub: &HubName) -> &HubOptions {
        self.core.options.hub(hub)
    }

    /// The refusal of who may not connect to a hub, with any request: before anything else is looked at (reference
    /// signalr-core 4.1).
    fn refusal(&self, hub: &HubName, identity: &Identity) -> Option<Response<Body>> {
        let Identity {
            authenticated,
            disbelieved,
            claims,
            ..
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
    let identity = front
        .authenticator
        .identify(request.headers(), query_token)
        .await;
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
        (false, "GET") => transports::get(&front, asked).await,
        (false, "POST") => posts::post(&front, asked).await,
        (false, "DELETE") => polls::delete(&front, asked).await,
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
    let options = front.hub_options(&asked.hub);
    let offers = options.transports.offers();
    // Over WebSockets alone; but who asks for it and takes another transport is told the same (recorded).
    let is_stateful =
        negotiate::asks_for_stateful_reconnect(asked.query.stateful_reconnect.as_deref())
            && options.connection.allows_stateful_reconnect();
    let negotiated = Negotiated {
        connection: id.clone(),
        hub: asked.hub.clone(),
        is_stateful,
    };
    if !front
        .core
        .registry
        .negotiated(token.clone(), negotiated, Instant::now())
    {
        return answer::unavailable("Too many connections are being negotiated");
    }
    let response =
        NegotiateResponse::accepted(version, id.as_str(), token.expose(), is_stateful, &offers);
    answer::json(response.to_json())
}
