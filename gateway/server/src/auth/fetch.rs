//! Key sets over the network, and OpenID discovery.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hubplane_node::tasks::{Pool, Tasks};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;

use super::KeySource;
use super::keys::{InvalidKeys, Key, Trust};
use super::sources::SET_BYTES_MAX;

/// For one answer, all of it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Keys are not fetched from such an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("keys cannot be fetched from {address}: it has to begin with https://")]
pub struct InvalidAddress {
    address: String,
}

/// Why an address gave no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error("the address cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the answer broke off, or is too long")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer in time")]
    Timeout,
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error("the answer is no discovery document")]
    Discovery(#[source] serde_json::Error),
    #[error("the discovery document is that of {0}")]
    OtherIssuer(String),
    #[error("the answer gives no keys")]
    Keys(#[from] InvalidKeys),
}

/// What is used of a discovery document (OpenID Connect Discovery 1.0, 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Whether keys may come from there: who can change them on their way can sign anything.
pub(crate) fn allowed(address: &str, allow_http: bool) -> Result<Uri, InvalidAddress> {
    let invalid = || InvalidAddress {
        address: address.split('?').next().unwrap_or_default().to_owned(),
    };
    let uri: Uri = address.parse().map_err(|_| invalid())?;
    let host = uri.host().ok_or_else(invalid)?.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_here || allow_http => Ok(uri),
        _ => Err(invalid()),
    }
}

/// Fetches. Follows no redirections; cheap to clone.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    allow_http: bool,
}

/// Runs what the client leaves in the background as tasks of the node.
#[derive(Clone)]
struct Executor(Pool);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

impl Fetcher {
    /// # Errors
    /// If this system has no root certificates.
    pub(crate) fn new(allow_http: bool, tasks: &Tasks) -> std::io::Result<Self> {
        let connector = HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = connector.https_or_http().enable_http1().build();
        let client = Client::builder(Executor(tasks.pool("key connection")))
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { client, allow_http })
    }

    /// The keys of an address or of an issuer.
    pub(crate) async fn keys(&self, source: &KeySource) -> Result<Vec<Key>, FetchError> {
        let (address, issuer) = match source {
            KeySource::File(_) => return Ok(Vec::new()),
            KeySource::Address(address) => (address.clone(), None),
            KeySource::Issuer(issuer) => {
                let found = self.discover(issuer).await?;
                (found.jwks_uri, Some(found.issuer.into()))
            }
        };
        let text = self.get(&address).await?;
        let trust = Trust {
            secrets: false,
            issuer,
        };
        Ok(Key::read_set(&text, &trust)?)
    }

    async fn discover(&self, issuer: &str) -> Result<Discovery, FetchError> {
        let base = issuer.trim_end_matches('/');
        let address = format!("{base}/.well-known/openid-configuration");
        let text = self.get(&address).await?;
        let found: Discovery = serde_json::from_slice(&text).map_err(FetchError::Discovery)?;
        if found.issuer.trim_end_matches('/') != base {
            return Err(FetchError::OtherIssuer(found.issuer));
        }
        Ok(found)
    }

    async fn get(&self, address: &str) -> Result<Bytes, FetchError> {
        let uri = allowed(address, self.allow_http)?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        let accept = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(http::header::ACCEPT, accept);
        let answer = async {
            let response = self.client.request(request).await;
            let response = response.map_err(FetchError::Unreachable)?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            let body_max = usize::try_from(SET_BYTES_MAX).unwrap_or(usize::MAX);
            let body = Limited::new(response.into_body(), body_max).collect().await;
            Ok(body.map_err(FetchError::Body)?.to_bytes())
        };
        let answered = tokio::time::timeout(TIMEOUT, answer).await;
        answered.unwrap_or(Err(FetchError::Timeout))
    }
}
