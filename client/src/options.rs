use std::net::IpAddr;
use std::time::Duration;

use hubplane_proto_signalr::Encoding;
use hubplane_proto_signalr::negotiate::Transport;

use crate::Trust;

/// How to connect. The defaults are those of the official clients.
#[derive(Debug, Clone)]
pub struct Options {
    /// The hub protocol to ask for. Default: JSON.
    pub encoding: Encoding,
    /// The transport. Default: WebSockets.
    pub transport: Transport,
    /// The bearer token. It travels in the `Authorization` header of every request.
    pub access_token: Option<String>,
    /// Sends the token of the transport's requests as `access_token` in the query instead, as browsers have to for a
    /// WebSocket or an event stream.
    pub token_in_query: bool,
    /// Opens the WebSocket at once; the connection then has no id that the client knows.
    pub skip_negotiation: bool,
    /// The version asked for in negotiate. `None`: the request names none, as old clients do, which means 0.
    pub negotiate_version: Option<i32>,
    /// The version asked for in the handshake.
    pub handshake_version: i32,
    /// Asks for stateful reconnect (`signalr-core` 17), and says how much may be sent without being acknowledged before
    /// the next message waits, in bytes; the official clients have 100,000. Where the server grants it, the handshake asks
    /// for version 2, and the connection goes on over another socket when its own is lost without a close frame: one
    /// attempt, as the official clients make it.
    pub stateful_reconnect: Option<usize>,
    /// The address of this machine to connect from. An address has some 28,000 ports for one server: who needs more
    /// connections takes several addresses. `None`: the system chooses.
    pub local_address: Option<IpAddr>,
    /// Whose certificates are believed at https addresses. `None`: nobody's, so that such an address is refused.
    pub trust: Option<Trust>,
    /// More headers for every request, as (name, value).
    pub headers: Vec<(String, String)>,
    /// Between two pings of ours. `None`: none are sent, not even the first, so that the server never arms its client
    /// timeout (`signalr-core` 13.2).
    pub keep_alive: Option<Duration>,
    /// The connection ends when nothing came from the server for this long. Polls wait for as long as the server wants.
    pub server_timeout: Duration,
    /// For everything up to the answer of the handshake.
    pub connect_timeout: Duration,
    /// How many messages wait for [`Connection::next`](crate::Connection::next). Beyond it nothing is read any more,
    /// completions neither.
    pub inbox_max: usize,
    /// A longer message from the server ends the connection, in bytes.
    pub max_message_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            encoding: Encoding::Json,
            transport: Transport::WebSockets,
            access_token: None,
            token_in_query: false,
            skip_negotiation: false,
            negotiate_version: Some(1),
            handshake_version: 1,
            stateful_reconnect: None,
            local_address: None,
            trust: None,
            headers: Vec::new(),
            keep_alive: Some(Duration::from_secs(15)),
            server_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(15),
            inbox_max: 1024,
            max_message_bytes: 16 << 20,
        }
    }
}

impl Options {
    /// The defaults, with this hub protocol.
    pub fn with_encoding(encoding: Encoding) -> Self {
        Self {
            encoding,
            ..Self::default()
        }
    }
}
