//! The public listener: HTTP/1.1 and HTTP/2 on one port, with TLS or without.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use hubplane_node::tasks::{OnFailure, Pool, Tasks};
use hubplane_node::tls::ServerTls;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::answer;
pub(crate) use crate::outside::Peers;
use crate::outside::{Arrived, Outside};

/// How long a client may take from its first byte, or its TLS handshake, to the head of its first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take for each later one, and so how long a connection may have nothing to ask. As long as by the
/// reference's server: clients that ping every 15 s by POST must not meet a connection that is just being closed.
const NEXT_REQUEST_TIMEOUT: Duration = Duration::from_secs(130);
/// How long a TLS handshake may take, its wait for others included.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many TLS handshakes are under way at a time; further clients that have begun to speak wait.
const TLS_HANDSHAKES_MAX: usize = 1024;
/// Room for the head of a request, in bytes; a longer one is answered with 431.
const HEADERS_BYTES_MAX: usize = 64 * 1024;
/// How often an HTTP/2 connection is asked whether it is still there, and how long it may take to answer.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(60);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The protocols that a TLS listener offers.
pub const ALPN_PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A bound socket, and what is spoken on it.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// TLS, which offers [`ALPN_PROTOCOLS`]; `None`: none.
    pub tls: Option<ServerTls>,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket, tls: None }
    }
}

/// What every connection of one listener needs.
#[derive(Clone)]
struct Shared {
    routes: Router,
    outside: Arc<Outside>,
    tls: Option<(TlsAcceptor, Arc<Semaphore>)>,
    closing: CancellationToken,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Accepts until `closing` fires, then lets requests that have begun end.
pub(crate) fn serve(
    listener: Listener,
    routes: Router,
    outside: Outside,
    tasks: &Tasks,
    closing: CancellationToken,
) {
    let connections = tasks.pool("http connection");
    let Listener { socket, tls } = listener;
    let handshakes = || Arc::new(Semaphore::new(TLS_HANDSHAKES_MAX));
    let shared = Shared {
        routes,
        outside: Arc::new(outside),
        tls: tls.map(|tls| (tls.config().into(), handshakes())),
        closing,
    };
    let accept = async move {
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = shared.closing.cancelled() => return,
            };
            match accepted {
                Ok((socket, remote)) => {
                    if let Err(error) = start(socket, remote, &shared, &connections) {
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
    shared: &Shared,
    connections: &Pool,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let peers = Peers {
        remote,
        local: socket.local_addr()?,
    };
    let shared = shared.clone();
    connections.spawn(async move {
        let served = match shared.tls.clone() {
            None => http(socket, peers, shared, false).await,
            Some((acceptor, handshakes)) => {
                tokio::select! {
                    stream = handshake(socket, &acceptor, &handshakes) => match stream {
                        Ok(stream) => http(stream, peers, shared, true).await,
                        Err(error) => Err(error.into()),
                    },
                    () = shared.closing.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = served {
            tracing::debug!(%remote, error, "an http connection ended early");
        }
    });
    Ok(())
}

/// Who says nothing keeps nobody waiting: a place among the handshakes is taken when the client has begun its own.
async fn handshake(
    socket: TcpStream,
    acceptor: &TlsAcceptor,
    handshakes: &Semaphore,
) -> io::Result<TlsStream<TcpStream>> {
    let handshake = async {
        socket.readable().await?;
        let _place = handshakes.acquire().await.map_err(io::Error::other)?;
        acceptor.accept(socket).await
    };
    tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, handshake)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn http<S>(socket: S, peers: Peers, shared: Shared, over_tls: bool) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST_TIMEOUT)
        .max_buf_size(HEADERS_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT)
        .max_header_list_size(HEADERS_BYTES_MAX as u32);
    let asked = Arc::new(AtomicBool::new(false));
    let Shared {
        routes,
        outside,
        closing,
        ..
    } = shared;
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request: http::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            let arrived = outside.arrive(&mut request, peers, over_tls);
            let routes = routes.clone();
            async move { Ok::<_, Infallible>(respond(routes, request, arrived).await) }
        })
    };
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = silence(&asked) => return Err("no request in time".into()),
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Ends if no request has come in time. hyper itself waits without end for the first bytes, which say what is spoken.
async fn silence(asked: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST_TIMEOUT).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

async fn respond(routes: Router, request: Request, arrived: Arrived) -> Response<Body> {
    match arrived {
        Arrived::Here => routes
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {}),
        Arrived::At(path) => {
            let mut response = answer::bare(StatusCode::TEMPORARY_REDIRECT);
            if let Ok(location) = HeaderValue::try_from(path) {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
    }
}
