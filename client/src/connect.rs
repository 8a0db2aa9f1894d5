//! From an address to an open, shaken connection.

use bytes::BytesMut;
use http::{Method, Request, Uri, header};
use hubplane_proto_signalr::handshake::{self, HandshakeResponse};
use hubplane_proto_signalr::negotiate::Transport;
use hubplane_proto_signalr::{NegotiateResponse, TransferFormat};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::http::{Route, authority, is_secure, open, parse, request_by};
use crate::session::Session;
use crate::wire::{Came, Events, Receiving, Sending, Wire, open_polls};
use crate::{ConnectError, Options, Socket, resume};

/// As the JavaScript client (`signalr-core` 3.4).
const REDIRECTIONS_MAX: usize = 100;
/// An idle connection keeps its read buffer: small ones let one process hold many.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// What is left of an endpoint after negotiate: where to attach, by what name, and with which token.
#[derive(Debug)]
pub(crate) struct Negotiated {
    base: String,
    connection_id: Option<String>,
    connection_token: Option<String>,
    access_token: Option<String>,
    stateful_reconnect: bool,
}

/// Negotiates and opens the WebSocket, and hands out its socket: nothing has been said on it. For what no WebSocket
/// library sends; [`frame::masked`](crate::frame::masked) makes the frames.
///
/// # Errors
/// As [`Connection::connect`](crate::Connection::connect), but there is no handshake yet.
pub async fn upgrade(url: &str, options: &Options) -> Result<Socket, ConnectError> {
    in_time(options, async {
        let negotiated = negotiate(url, options).await?;
        Ok(attach(&negotiated, options).await?.into_inner())
    })
    .await
}

/// An open connection after its handshake.
pub(crate) struct Connected {
    pub(crate) sending: Sending,
    pub(crate) receiving: Receiving,
    pub(crate) connection_id: Option<String>,
    /// What came behind the answer of the handshake.
    pub(crate) received: BytesMut,
    /// With stateful reconnect: where to attach again.
    pub(crate) again: Option<Negotiated>,
}

pub(crate) async fn connect(url: &str, options: &Options) -> Result<Connected, ConnectError> {
    in_time(options, async {
        let negotiated = negotiate(url, options).await?;
        let (mut sending, mut receiving) = open_wire(&negotiated, options).await?.split();
        let version = match negotiated.stateful_reconnect {
            true => resume::HANDSHAKE_VERSION,
            false => options.handshake_version,
        };
        let received = shake(&mut sending, &mut receiving, options, version).await?;
        Ok(Connected {
            sending,
            receiving,
            connection_id: negotiated.connection_id.clone(),
            received,
            again: negotiated.stateful_reconnect.then_some(negotiated),
        })
    })
    .await
}

/// How this server is reached.
fn route(options: &Options) -> Route<'_> {
    Route {
        local: options.local_address,
        trust: options.trust.as_ref(),
    }
}

/// Opens another socket for the same connection, on which nothing has been said.
pub(crate) async fn attach_again(
    negotiated: &Negotiated,
    options: &Options,
) -> Result<Wire, ConnectError> {
    let socket = in_time(options, attach(negotiated, options)).await?;
    Ok(Wire::WebSocket(Box::new(socket)))
}

/// Attaches by the transport of the options.
async fn open_wire(negotiated: &Negotiated, options: &Options) -> Result<Wire, ConnectError> {
    let session = || {
        let (url, mut headers) = target(&negotiated.base, negotiated, options);
        headers.extend(options.headers.clone());
        Session::new(&url, headers, options)
    };
    Ok(match options.transport {
        Transport::WebSockets => Wire::WebSocket(Box::new(attach(negotiated, options).await?)),
        Transport::ServerSentEvents => {
            let events = Events::open(session()?).await?;
            Wire::Events(Box::new((events, session()?)))
        }
        Transport::LongPolling => {
            let mut polls = session()?;
            open_polls(&mut polls).await?;
            Wire::Polls(Box::new((polls, session()?)))
        }
    })
}

/// The address of a connection, and the headers by which a client says who it is.
fn target(
    base: &str,
    negotiated: &Negotiated,
    options: &Options,
) -> (String, Vec<(String, String)>) {
    let mut url = base.to_owned();
    if let Some(token) = &negotiated.connection_token {
        append_query(&mut url, &format!("id={token}"));
    }
    let mut headers = Vec::new();
    match &negotiated.access_token {
        Some(token) if options.token_in_query => {
            append_query(&mut url, &format!("access_token={token}"))
        }
        Some(token) => headers.push(bearer(token)),
        None => {}
    }
    (url, headers)
}

async fn in_time<T>(
    options: &Options,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let limit = options.connect_timeout;
    // Boxed: what it passes through is large, and whoever connects should not carry that along.
    match tokio::time::timeout(limit, Box::pin(work)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(ConnectError::TimedOut { limit }),
    }
}

async fn negotiate(url: &str, options: &Options) -> Result<Negotiated, ConnectError> {
    let mut base = url.to_owned();
    let mut token = options.access_token.clone();
    if options.skip_negotiation {
        return Ok(Negotiated {
            base,
            connection_id: None,
            connection_token: None,
            access_token: token,
            stateful_reconnect: false,
        });
    }
    for _ in 0..=REDIRECTIONS_MAX {
        let response = ask(&base, token.as_deref(), options).await?;
        if let Some(text) = response.error {
            return Err(ConnectError::Negotiate { text });
        }
        if let Some(url) = response.url {
            base = url;
            token = response.access_token.or(token);
            continue;
        }
        let connection_id = response
            .connection_id
            .ok_or(ConnectError::MalformedNegotiation)?;
        // Below version 1 the id is the token (`signalr-core` 3.3).
        let connection_token = response
            .connection_token
            .unwrap_or_else(|| connection_id.clone());
        return Ok(Negotiated {
            base,
            connection_id: Some(connection_id),
            connection_token: Some(connection_token),
            access_token: token,
            stateful_reconnect: response.stateful_reconnect && options.stateful_reconnect.is_some(),
        });
    }
    Err(ConnectError::Redirections)
}

async fn ask(
    base: &str,
    token: Option<&str>,
    options: &Options,
) -> Result<NegotiateResponse, ConnectError> {
    let (path, query) = base.split_once('?').unwrap_or((base, ""));
    let mut url = format!("{}/negotiate", path.trim_end_matches('/'));
    let version = options
        .negotiate_version
        .map(|version| format!("negotiateVersion={version}"));
    append_query(&mut url, query);
    append_query(&mut url, version.as_deref().unwrap_or(""));
    if options.stateful_reconnect.is_some() {
        append_query(&mut url, "useStatefulReconnect=true");
    }

    let mut headers = options.headers.clone();
    headers.extend(token.map(bearer));
    let response = request_by(&route(options), Method::POST, &url, &headers).await?;
    if response.status() != http::StatusCode::OK {
        return Err(ConnectError::Status {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body()).into_owned(),
        });
    }
    NegotiateResponse::from_json(response.body()).ok_or(ConnectError::MalformedNegotiation)
}

async fn attach(
    negotiated: &Negotiated,
    options: &Options,
) -> Result<WebSocketStream<Socket>, ConnectError> {
    let uri = parse(&negotiated.base)?;
    let request = attach_request(&uri, negotiated, options)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(options.max_message_bytes))
        .max_frame_size(Some(options.max_message_bytes));
    let stream = open(&uri, &route(options)).await?;
    match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _response)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(ConnectError::Status {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                .into_owned(),
        }),
        Err(error) => Err(ConnectError::WebSocket(Box::new(error))),
    }
}

fn attach_request(
    uri: &Uri,
    negotiated: &Negotiated,
    options: &Options,
) -> Result<Request<()>, ConnectError> {
    let scheme = if is_secure(uri) { "wss" } else { "ws" };
    let mut base = format!("{scheme}://{}{}", authority(uri), uri.path());
    append_query(&mut base, uri.query().unwrap_or(""));
    let (url, mut headers) = target(&base, negotiated, options);
    headers.extend(options.headers.clone());
    let mut request = Request::builder()
        .uri(url)
        .header(header::HOST, authority(uri))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(()).map_err(ConnectError::Header)
}

async fn shake(
    sending: &mut Sending,
    receiving: &mut Receiving,
    options: &Options,
    version: i32,
) -> Result<BytesMut, ConnectError> {
    let request = handshake::write_request(options.encoding, version);
    let sent = sending.data(TransferFormat::Text, request).await;
    sent.map_err(|_broken| ConnectError::Ended)?;
    let mut received = BytesMut::new();
    loop {
        let answer =
            handshake::parse_response(&received).map_err(|error| ConnectError::Handshake {
                text: error.to_string(),
            })?;
        match answer {
            Some((HandshakeResponse::Accepted, len_bytes)) => {
                let _answer = received.split_to(len_bytes);
                return Ok(received);
            }
            Some((HandshakeResponse::Refused { error: text }, _)) => {
                return Err(ConnectError::Handshake { text });
            }
            None => match receiving.next().await {
                Came::Data(data) => received.extend_from_slice(&data),
                Came::End(_) => return Err(ConnectError::Ended),
            },
        }
    }
}

fn append_query(url: &mut String, query: &str) {
    if !query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(query);
    }
}

fn bearer(token: &str) -> (String, String) {
    (header::AUTHORIZATION.to_string(), format!("Bearer {token}"))
}
