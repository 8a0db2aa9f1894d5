//! Negotiate (`signalr-core` 3): which version, and what the answer looks like.

use crate::json::reader::{Reader, Token};
use crate::json::syntax::SyntaxError;
use crate::json::text::write_string;
use crate::{TransferFormat, TransferFormats};

/// The newest version of negotiate that is spoken.
pub const VERSION_MAX: i32 = 1;

/// A way to carry a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// WebSockets, text and binary.
    WebSockets,
    /// Server-Sent Events, text only.
    ServerSentEvents,
    /// Long polling, text and binary.
    LongPolling,
}

/// One entry of `availableTransports`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransportOffer {
    /// The transport.
    pub transport: Transport,
    /// What it carries.
    pub transfer_formats: TransferFormats,
}

/// Why no version was agreed on. The answer is still HTTP 200, with `client_text` as its `error` (`signalr-core` 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    /// `negotiateVersion` is not one 32-bit integer.
    #[error("negotiate version that is not an integer")]
    NotAnInteger,
    /// `negotiateVersion` is below the endpoint's minimum.
    #[error("negotiate version {version} below the minimum")]
    Unsupported {
        /// What the client asked for; 0 if it did not say.
        version: i32,
    },
}

/// The answer to a negotiate request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NegotiateResponse {
    /// The error, and then nothing else counts.
    pub error: Option<String>,
    /// The endpoint base to negotiate with instead.
    pub url: Option<String>,
    /// The bearer token to use there.
    pub access_token: Option<String>,
    /// The version agreed on.
    pub version: Option<i32>,
    /// The connection's public name.
    pub connection_id: Option<String>,
    /// The secret that transport requests name the connection with; absent below version 1, where it is the id.
    pub connection_token: Option<String>,
    /// Whether stateful reconnect was granted.
    pub stateful_reconnect: bool,
    /// How the connection may be carried on, the best first.
    pub transports: Vec<TransportOffer>,
}

/// The version to answer with, of at most [`VERSION_MAX`].
///
/// `query_value` is the value of `negotiateVersion`: `None` if absent, joined by a comma if given twice.
///
/// # Errors
/// See [`NegotiateError`]. Note that a version *above* the maximum is no error.
pub fn select_version(query_value: Option<&str>, minimum: i32) -> Result<i32, NegotiateError> {
    let version = match query_value {
        None => 0,
        Some(value) => trim(value)
            .parse()
            .map_err(|_| NegotiateError::NotAnInteger)?,
    };
    if version < minimum {
        Err(NegotiateError::Unsupported { version })
    } else {
        Ok(version.min(VERSION_MAX))
    }
}

/// Whether `useStatefulReconnect` asks for it: the text `true` in any letter case.
pub fn asks_for_stateful_reconnect(query_value: Option<&str>) -> bool {
    query_value.is_some_and(|value| trim(value).eq_ignore_ascii_case("true"))
}

/// White space around a query value is tolerated (recorded).
fn trim(value: &str) -> &str {
    value.trim_matches(|character| matches!(character, ' ' | '\t'..='\r'))
}

impl NegotiateError {
    /// The text for the client.
    pub fn client_text(&self) -> String {
        match self {
            Self::NotAnInteger => "The client requested a non-integer protocol version.".into(),
            Self::Unsupported { version } => {
                format!(
                    "The client requested version '{version}', but the server does not support this version."
                )
            }
        }
    }
}

impl NegotiateResponse {
    /// A connection was made. The token is left out below version 1.
    pub fn accepted(
        version: i32,
        connection_id: impl Into<String>,
        connection_token: impl Into<String>,
        stateful_reconnect: bool,
        transports: &[TransportOffer],
    ) -> Self {
        Self {
            version: Some(version),
            connection_id: Some(connection_id.into()),
            connection_token: (version > 0).then(|| connection_token.into()),
            stateful_reconnect,
            transports: transports.to_vec(),
            ..Self::default()
        }
    }

    /// The client shall negotiate with another endpoint base.
    pub fn redirect(url: impl Into<String>, access_token: Option<String>) -> Self {
        Self {
            url: Some(url.into()),
            access_token,
            ..Self::default()
        }
    }

    /// No connection was made, and this is why.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            error: Some(text.into()),
            ..Self::default()
        }
    }

    /// The body, with the members in the reference's order. Its content type is `application/json`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut members = Members(Vec::with_capacity(320));
        members.text("error", self.error.as_deref());
        if self.stateful_reconnect {
            members
                .name("useStatefulReconnect")
                .extend_from_slice(b"true");
        }
        if let Some(version) = self.version {
            members
                .name("negotiateVersion")
                .extend_from_slice(version.to_string().as_bytes());
        }
        members.text("url", self.url.as_deref());
        members.text("accessToken", self.access_token.as_deref());
        members.text("connectionId", self.connection_id.as_deref());
        members.text("connectionToken", self.connection_token.as_deref());
        if !self.transports.is_empty() {
            let out = members.name("availableTransports");
            separated(&self.transports, out, |offer, out| {
                out.extend_from_slice(b"{\"transport\":");
                write_string(offer.transport.name(), out);
                out.extend_from_slice(b",\"transferFormats\":");
                let formats: Vec<_> = offer.transfer_formats.iter().collect();
                separated(&formats, out, |format, out| {
                    write_string(format.name(), out)
                });
                out.push(b'}');
            });
        }
        members.end()
    }

    /// Reads a body, as clients do: unknown members and unknown transports are skipped, null members are absent. `None`
    /// if it is no JSON object or a member has the wrong type.
    pub fn from_json(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let mut response = Self::default();
        if reader.next().ok()? != Token::ObjectStart {
            return None;
        }
        while reader.next().ok()? == Token::Key {
            let name = reader.text().to_string().ok()?;
            match name.as_str() {
                "error" => response.error = optional_text(&mut reader)?,
                "url" => response.url = optional_text(&mut reader)?,
                "accessToken" => response.access_token = optional_text(&mut reader)?,
                "connectionId" => response.connection_id = optional_text(&mut reader)?,
                "connectionToken" => response.connection_token = optional_text(&mut reader)?,
                "negotiateVersion" => response.version = Some(integer(&mut reader)?),
                "useStatefulReconnect" => {
                    response.stateful_reconnect = reader.next().ok()? == Token::True
                }
                "availableTransports" => response.transports = offers(&mut reader)?,
                _ => skip(&mut reader).ok()?,
            }
        }
        Some(response)
    }
}

/// The members of an object that is being written.
struct Members(Vec<u8>);

impl Members {
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        write_string(name, &mut self.0);
        self.0.push(b':');
        &mut self.0
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            write_string(value, self.name(name));
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }
}

fn separated<T>(values: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

fn skip(reader: &mut Reader<'_>) -> Result<(), SyntaxError> {
    let first = reader.next()?;
    reader.skip(first)
}

fn optional_text(reader: &mut Reader<'_>) -> Option<Option<String>> {
    match reader.next().ok()? {
        Token::String => Some(Some(reader.text().to_string().ok()?)),
        Token::Null => Some(None),
        _ => None,
    }
}

fn integer(reader: &mut Reader<'_>) -> Option<i32> {
    match reader.next().ok()? {
        Token::Number => std::str::from_utf8(reader.text().raw).ok()?.parse().ok(),
        _ => None,
    }
}

fn offers(reader: &mut Reader<'_>) -> Option<Vec<TransportOffer>> {
    let mut offers = Vec::new();
    if reader.next().ok()? != Token::ArrayStart {
        return None;
    }
    loop {
        match reader.next().ok()? {
            Token::ArrayEnd => return Some(offers),
            Token::ObjectStart => offers.extend(offer(reader)?),
            _ => return None,
        }
    }
}

/// One entry; `None` inside for a transport that is not known.
fn offer(reader: &mut Reader<'_>) -> Option<Option<TransportOffer>> {
    let mut transport = None;
    let mut transfer_formats = TransferFormats {
        text: false,
        binary: false,
    };
    while reader.next().ok()? == Token::Key {
        match reader.text().to_string().ok()?.as_str() {
            "transport" => {
                let name = optional_text(reader)??;
                transport = Transport::ALL
                    .into_iter()
                    .find(|transport| transport.name() == name);
            }
            "transferFormats" => {
                if reader.next().ok()? != Token::ArrayStart {
                    return None;
                }
                while reader.next().ok()? == Token::String {
                    let name = reader.text();
                    transfer_formats.text |= name.is(TransferFormat::Text.name());
                    transfer_formats.binary |= name.is(TransferFormat::Binary.name());
                }
            }
            _ => skip(reader).ok()?,
        }
    }
    Some(transport.map(|transport| TransportOffer {
        transport,
        transfer_formats,
    }))
}

impl Transport {
    /// All transports, in the reference's order of preference.
    pub const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// The name in `availableTransports`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    /// What the transport carries.
    pub fn transfer_formats(self) -> TransferFormats {
        match self {
            Self::ServerSentEvents => TransferFormats::TEXT,
            Self::WebSockets | Self::LongPolling => TransferFormats::BOTH,
        }
    }

    /// The entry for `availableTransports`.
    pub fn offer(self) -> TransportOffer {
        TransportOffer {
            transport: self,
            transfer_formats: self.transfer_formats(),
        }
    }
}
