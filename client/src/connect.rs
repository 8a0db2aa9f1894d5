//! From an address to an open, shaken connection.

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, Uri, header};
use hubplane_proto_signalr::handshake::{self, HandshakeResponse};
use hubplane_proto_signalr::{NegotiateResponse, TransferFormat};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::http::{Route, authority, is_secure, open, parse, request_by};
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
    pub(crate) socket: WebSocketStream<Socket>,
    pub(crate) connection_id: Option<String>,
    /// What came behind the answer of the handshake.
    pub(crate) received: BytesMut,
    /// With stateful reconnect: where to attach again.
    pub(crate) again: Option<Negotiated>,
}

pub(crate) async fn connect(url: &str, options: &Options) -> Result<Connected, ConnectError> {
    in_time(options, async {
        let negotiated = negotiate(url, options).await?;
        let mut socket = attach(&negotiated, options).await?;
        let version = match negotiated.stateful_reconnect {
            true => resume::HANDSHAKE_VERSION,
            false => options.handshake_version,
        };
        let received = shake(&mut socket, options, version).await?;
        Ok(Connected {
            socket,
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
) -> Result<WebSocketStream<Socket>, ConnectError> {
    in_time(options, attach(negotiated, options)).await
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
    let mut url = format!("{scheme}://{}{}", authority(uri), uri.path());
    append_query(&mut url, uri.query().unwrap_or(""));
    if let Some(token) = &negotiated.connection_token {
        append_query(&mut url, &format!("id={token}"));
    }
    let mut headers = options.headers.clone();
    match &negotiated.access_token {
        Some(token) if options.token_in_query => {
            append_query(&mut url, &format!("access_token={token}"))
        }
        Some(token) => headers.push(bearer(token)),
        None => {}
    }
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
    socket: &mut WebSocketStream<Socket>,
    options: &Options,
    version: i32,
) -> Result<BytesMut, ConnectError> {
    let request = handshake::write_request(options.encoding, version);
    let websocket = |error| ConnectError::WebSocket(Box::new(error));
    socket
        .send(data_message(TransferFormat::Text, request))
        .await
        .map_err(websocket)?;
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
            None => match socket.next().await {
                Some(Ok(Message::Close(_))) | None => return Err(ConnectError::Ended),
                Some(Ok(message)) if message.is_text() || message.is_binary() => {
                    received.extend_from_slice(&message.into_data());
                }
                Some(Ok(_control)) => {}
                Some(Err(error)) => return Err(websocket(error)),
            },
        }
    }
}

/// Hub data as one WebSocket message of the kind that the format wants.
pub(crate) fn data_message(format: TransferFormat, data: Vec<u8>) -> Message {
    match format {
        TransferFormat::Binary => Message::Binary(data.into()),
        TransferFormat::Text => match String::from_utf8(data) {
            Ok(text) => Message::Text(text.into()),
            Err(other) => Message::Binary(other.into_bytes().into()),
        },
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
