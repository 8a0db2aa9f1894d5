//! One HTTP request on a connection of its own: what negotiate needs, and enough to look at a server's other endpoints.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

use crate::ConnectError;

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
    request_from(None, method, url, headers).await
}

/// The same from an address of this machine.
pub(crate) async fn request_from(
    local: Option<IpAddr>,
    method: Method,
    url: &str,
    headers: &[(String, String)],
) -> Result<Response<Bytes>, ConnectError> {
    let uri = parse(url)?;
    let stream = open(&uri, local).await?;
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
    stream: TcpStream,
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
    uri.filter(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some())
        .ok_or_else(|| ConnectError::Url {
            url: url.to_owned(),
        })
}

pub(crate) fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

/// Opens the TCP connection. Small messages leave at once.
pub(crate) async fn open(uri: &Uri, local: Option<IpAddr>) -> Result<TcpStream, ConnectError> {
    let stream = connect(uri, local).await;
    stream.map_err(|source| ConnectError::Unreachable {
        authority: authority(uri).to_owned(),
        source,
    })
}

async fn connect(uri: &Uri, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let to = (host, uri.port_u16().unwrap_or(80));
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
