//! The plain HTTP endpoints of the test applications (reference signalr-core 18.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use hubplane_gateway_server::PublicUrl;
use hubplane_hub::{HubContext, HubError, InvokeError};
use serde::{Deserialize, Serialize};

/// How long a token lives that names no time itself.
const TOKEN_LIFETIME: Duration = Duration::from_secs(5);
/// The same of one that comes with a redirection.
const REDIRECTED_LIFETIME: Duration = Duration::from_secs(300);

type Text = ([(HeaderName, &'static str); 1], String);

/// All of them. Clients' results are asked of the first of `hubs` that has the connection; without a key there are no
/// tokens.
pub(super) fn routes(hubs: Vec<HubContext>, key: Option<&[u8]>) -> Router {
    let hubs: Arc<[_]> = hubs.into();
    let redirects = AtomicU64::new(0);
    let redirect = move |query: Query<Redirect>| {
        let count = redirects.fetch_add(1, Ordering::Relaxed) + 1;
        std::future::ready(redirected(&query, count))
    };
    let redirect = Arc::new(redirect);
    let routes = Router::new()
        .route(
            "/clientresult/{connection}",
            get(move |Path(connection): Path<String>| {
                let hubs = Arc::clone(&hubs);
                async move { plain(client_result(&hubs, &connection).await) }
            }),
        )
        .route("/redirect/negotiate", post(move |query| redirect(query)))
        .route("/echoredirect", any(echo_redirect))
        .route("/echoredirect/{*rest}", any(echo_redirect))
        .route(
            "/bad-negotiate/negotiate",
            post(async || {
                let text = plain("Some response from server".to_owned());
                (StatusCode::BAD_REQUEST, text)
            }),
        );
    match key {
        Some(key) => routes.merge(tokens(key)),
        None => routes,
    }
}

fn plain(text: String) -> Text {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// Asks a client for its method `Result`: the number, or the text of the failure.
async fn client_result(hubs: &[HubContext], connection: &str) -> String {
    let mut outcome = format!("Connection '{connection}' does not exist.");
    for hub in hubs {
        match hub.client(connection).invoke::<i32>("Result", ()).await {
            Ok(number) => return number.to_string(),
            Err(error @ InvokeError::UnknownConnection { .. }) => outcome = error.to_string(),
            Err(error) => return HubError::from(error).text().to_owned(),
        }
    }
    outcome
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Redirect {
    #[serde(default)]
    base_url: String,
}

/// Where a client is to negotiate instead, and how often this was asked, which the hub's own query then says.
fn redirected(query: &Redirect, count: u64) -> Json<Redirection> {
    Json(Redirection {
        url: format!("{}/testHub?numRedirects={count}", query.base_url),
        access_token: None,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Redirection {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
}

/// The same request elsewhere, its method and query kept.
async fn echo_redirect(request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());
    let rest = path.strip_prefix("/echoredirect").unwrap_or_default();
    let base = public(&request).map_or("", |url| &url.path_base);
    let location = [(LOCATION, format!("{base}/echo{rest}"))];
    (StatusCode::TEMPORARY_REDIRECT, location).into_response()
}

/// Whom a token is for, and for how long.
#[derive(Deserialize)]
struct Wanted {
    user: Option<String>,
    seconds: Option<f64>,
}

/// A token's claims.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
}

/// The endpoints that hand out tokens.
fn tokens(key: &[u8]) -> Router {
    let key = Arc::new(jsonwebtoken::EncodingKey::from_secret(key));
    let redirecting = Arc::clone(&key);
    Router::new()
        .route(
            "/generateJwtToken",
            get(move |Query(wanted): Query<Wanted>| {
                let lifetime = wanted
                    .seconds
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let user = wanted.user.as_deref().unwrap_or("testuser");
                let token = token(&key, user, lifetime.unwrap_or(TOKEN_LIFETIME));
                std::future::ready(token.map(plain))
            }),
        )
        .route(
            "/redirecttoken/negotiate",
            post(move |request: Request| {
                let base = public(&request).map(PublicUrl::base).unwrap_or_default();
                let url = format!("{base}/authorizedhub");
                let token = token(&redirecting, "testuser", REDIRECTED_LIFETIME);
                std::future::ready(token.map(|token| {
                    Json(Redirection {
                        url,
                        access_token: Some(token),
                    })
                }))
            }),
        )
}

fn token(
    key: &jsonwebtoken::EncodingKey,
    user: &str,
    lifetime: Duration,
) -> Result<String, StatusCode> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let claims = Claims {
        sub: user,
        iat: now.as_secs(),
        exp: now.saturating_add(lifetime).as_secs(),
    };
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, key)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// How a request was addressed.
fn public(request: &Request) -> Option<&PublicUrl> {
    request.extensions().get()
}

/// Whether a request came over TLS.
fn is_secure(request: &Request) -> bool {
    public(request).is_some_and(|url| url.is_secure)
}

/// What every answer under a path with `/negotiate` sets: two cookies, and one that has expired. Over TLS they are for
/// pages of other sites too, which browsers keep only with all three attributes; those pages come over HTTP.
pub(super) async fn cookies(request: Request, next: Next) -> Response {
    if !request.uri().path().contains("/negotiate") {
        return next.run(request).await;
    }
    let attributes = if is_secure(&request) {
        "; path=/; secure; samesite=none; Partitioned"
    } else {
        "; path=/"
    };
    let mut response = next.run(request).await;
    for cookie in [
        "testCookie=testValue",
        "testCookie2=testValue2",
        "expiredCookie=doesntmatter; expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        // Constant text of visible characters.
        if let Ok(value) = HeaderValue::from_str(&format!("{cookie}{attributes}")) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    response
}
