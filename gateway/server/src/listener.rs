//! The public listener: HTTP/1.1 and HTTP/2 on one port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hubplane_node::tasks::{OnFailure, Pool, Tasks};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long a client may take to send the head of a request.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(15);
/// Room for the head of a request, in bytes.
const HEADERS_BYTES_MAX: usize = 64 * 1024;

/// Both ends of the socket that a request came over; an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peers {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// Accepts until `closing` fires, then lets requests that have begun end.
pub(crate) fn serve(
    listener: TcpListener,
    routes: Router,
    tasks: &Tasks,
    closing: CancellationToken,
) {
    let connections = tasks.pool("http connection");
    let accept = async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = closing.cancelled() => return,
            };
            match accepted {
                Ok((socket, remote)) => {
                    if let Err(error) = start(socket, remote, &routes, &connections, &closing) {
                        tracing::debug!(%remote, %error, "a socket was gone before it was served");
                    }
                }
                Err(error) => {
                    // Out of descriptors, most likely: others must close some before the next one fits.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    tasks.spawn_graceful("listener", OnFailure::StopNode, accept);
}

fn start(
    socket: TcpStream,
    remote: SocketAddr,
    routes: &Router,
    connections: &Pool,
    closing: &CancellationToken,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let peers = Peers {
        remote,
        local: socket.local_addr()?,
    };
    let (routes, closing) = (routes.clone(), closing.clone());
    connections.spawn(async move {
        if let Err(error) = http(socket, peers, routes, closing).await {
            tracing::debug!(%remote, error, "an http connection ended early");
        }
    });
    Ok(())
}

async fn http(
    socket: TcpStream,
    peers: Peers,
    routes: Router,
    closing: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(HEADERS_BYTES_MAX);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peers);
        let routes = routes.clone();
        async move {
            Ok::<_, Infallible>(
                routes
                    .oneshot(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
