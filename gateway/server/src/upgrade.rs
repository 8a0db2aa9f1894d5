//! The WebSocket upgrade, and taking the socket back from hyper (DESIGN 10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hubplane_gateway_shard::ClientSocket;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tungstenite::handshake::derive_accept_key;

/// A request that asks for a WebSocket, and all that is needed to answer it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WebSocketRequest {
    accept: String,
}

impl WebSocketRequest {
    /// `None` if the request is no upgrade, or an incomplete one: a version other than 13, a key that is missing or
    /// malformed. Such a request is handled as a poll (reference signalr-core 2).
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let names = |name, token: &str| {
            headers.get_all(name).iter().any(|value| {
                value.to_str().is_ok_and(|text| {
                    text.split(',')
                        .any(|part| part.trim().eq_ignore_ascii_case(token))
                })
            })
        };
        let key = headers.get(SEC_WEBSOCKET_KEY)?.as_bytes();
        let whole = method == Method::GET
            && names(CONNECTION, "upgrade")
            && names(UPGRADE, "websocket")
            && headers
                .get(SEC_WEBSOCKET_VERSION)
                .is_some_and(|version| version == "13")
            && STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
        whole.then(|| Self {
            accept: derive_accept_key(key),
        })
    }

    /// The 101: no sub-protocol, no extension (reference signalr-core 4.5).
    pub(crate) fn response<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// Why an upgraded socket could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error("the upgrade failed")]
    Upgrade(#[from] hyper::Error),
    #[error("the upgraded connection is no socket of this listener")]
    Foreign,
    #[error("the socket could not leave its runtime")]
    Socket(#[from] std::io::Error),
}

/// Waits until the 101 is written, then takes the socket and what was read ahead of it.
pub(crate) async fn take_socket(upgrade: OnUpgrade) -> Result<(ClientSocket, Bytes), TakeError> {
    let upgraded = match downcast::<TokioIo<TcpStream>>(upgrade.await?) {
        Ok(parts) => {
            let socket = parts.io.into_inner().into_std()?;
            return Ok((ClientSocket::Plain(socket), parts.read_buf));
        }
        Err(upgraded) => upgraded,
    };
    let parts = downcast::<TokioIo<TlsStream<TcpStream>>>(upgraded);
    let parts = parts.map_err(|_| TakeError::Foreign)?;
    let (socket, connection) = parts.io.into_inner().into_inner();
    let socket = ClientSocket::Tls(socket.into_std()?, Box::new(connection));
    Ok((socket, parts.read_buf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    const VERSION: (&str, &str) = ("sec-websocket-version", "13");

    #[test]
    fn a_whole_upgrade_is_answered_with_the_key_of_rfc_6455() {
        let headers = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            KEY,
            VERSION,
        ]);
        let request = WebSocketRequest::of(&Method::GET, &headers).unwrap();
        let response = request.response::<()>();
        assert_eq!(response.status(), 101);
        assert_eq!(
            response.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(response.headers().len(), 3);
    }

    #[test]
    fn an_incomplete_upgrade_is_none() {
        let (connection, upgrade) = (("connection", "upgrade"), ("upgrade", "websocket"));
        for incomplete in [
            vec![upgrade, KEY, VERSION],
            vec![connection, KEY, VERSION],
            vec![connection, upgrade, VERSION],
            vec![connection, upgrade, KEY],
            vec![connection, upgrade, KEY, ("sec-websocket-version", "8")],
            vec![
                connection,
                upgrade,
                ("sec-websocket-key", "c2hvcnQ="),
                VERSION,
            ],
        ] {
            assert_eq!(
                WebSocketRequest::of(&Method::GET, &headers(&incomplete)),
                None,
                "{incomplete:?}"
            );
        }
        let whole = headers(&[connection, upgrade, KEY, VERSION]);
        assert_eq!(WebSocketRequest::of(&Method::POST, &whole), None);
    }
}
