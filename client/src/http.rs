//! One HTTP request on a connection of its own: what negotiate needs, and enough to look at a server's other endpoints.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

use crate::{ConnectError, Socket, Trust};

/// From where, and whom to believe.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Route<'a> {
    pub(crate) local: Option<IpAddr>,
    pub(crate) trust: Option<&'a Trust>,
}

/// Sends a request without a body and reads the whole answer. The URL begins with `http://`.
///
/// Cancel safe in that nothing goes on when it is dropped; the server may have seen the request.
///
/// # Errors
/// No answer; whatever status the answer has is none.
pub async fn request(
    method: Method,
    url: &str,
    headers: &[(String, String)],
) -> Result<Response<Bytes>, ConnectError> {
    request_by(&Route::default(), method, url, headers).await
}

/// The same where the URL may begin with `https://`.
///
/// # Errors
/// As [`request`].
pub async fn request_trusting(
    trust: &Trust,
    method: Method,
    url: &str,
    headers: &[(String, String)],
) -> Result<Response<Bytes>, ConnectError> {
    let route = Route {
        trust: Some(trust),
        ..Route::default()
    };
    request_by(&route, method, url, headers).await
}

/// The same from an address of this machine.
pub(crate) async fn request_by(
    route: &Route<'_>,
    method: Method,
    url: &str,
    headers: &[(String, String)],
) -> Result<Response<Bytes>, ConnectError> {
    let uri = parse(url)?;
    let stream = open(&uri, route).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::HOST, authority(&uri))
        .header(http::header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::<Bytes>::default())
        .map_err(ConnectError::Header)?;
    // Boxed: it is large, and whoever asks should not carry that along.
    Box::pin(exchange(stream, request))
        .await
        .map_err(ConnectError::Request)
}

async fn exchange(
    stream: Socket,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, hyper::Error> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    tokio::pin!(exchange, connection);
    tokio::select! {
        answer = &mut exchange => answer,
        // Its end, or its failure, is what the exchange then ends with.
        _ = &mut connection => exchange.await,
    }
}

pub(crate) fn parse(url: &str) -> Result<Uri, ConnectError> {
    let uri: Option<Uri> = url.parse().ok();
    let is_known = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    uri.filter(|uri| is_known(uri) && uri.authority().is_some())
        .ok_or_else(|| ConnectError::Url {
            url: url.to_owned(),
        })
}

pub(crate) fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

pub(crate) fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// Opens the TCP connection, and TLS on it. Small messages leave at once.
pub(crate) async fn open(uri: &Uri, route: &Route<'_>) -> Result<Socket, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        authority: authority(uri).to_owned(),
        source,
    };
    let stream = connect(uri, route.local).await.map_err(unreachable)?;
    if !is_secure(uri) {
        return Ok(Socket::Plain(stream));
    }
    let trust = route.trust.ok_or(ConnectError::Untrusted)?;
    trust.connect(host(uri), stream).await.map_err(unreachable)
}

fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

async fn connect(uri: &Uri, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let usual = if is_secure(uri) { 443 } else { 80 };
    let to = (host(uri), uri.port_u16().unwrap_or(usual));
    let stream = match local {
        None => TcpStream::connect(to).await?,
        Some(local) => {
            let mut addresses = tokio::net::lookup_host(to).await?;
            let to = addresses.find(|address| address.is_ipv4() == local.is_ipv4());
            let to = to.ok_or(io::ErrorKind::AddrNotAvailable)?;
            let socket = if local.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            socket.bind((local, 0).into())?;
            socket.connect(to).await?
        }
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}
