//! The handshake (`signalr-core` 10.2): one JSON record from the client, one from the server, before any hub message.

use crate::json;
use crate::json::reader::{Reader, Token};
use crate::json::syntax::SyntaxError;
use crate::json::text::{NotUnicode, write_string};
use crate::{Detail, Encoding, RECORD_SEPARATOR, TransferFormat, TransferFormats};

/// The newest hub protocol version that is spoken. Version 2 adds Ack and Sequence.
pub const VERSION_MAX: i32 = 2;

/// What the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// The hub protocol's name as the client spelled it.
    pub protocol: String,
    /// The hub protocol's version; any integer up to [`VERSION_MAX`] is accepted.
    pub version: i32,
}

/// Why there is no handshake. The client is told by `client_text`, and then the connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// No complete request in time, or none within the message size limit.
    #[error("handshake canceled")]
    Canceled,
    /// What was sent is no handshake request.
    #[error("malformed handshake request ({0})")]
    Malformed(Detail),
    /// A hub protocol that this hub does not speak.
    #[error("unknown hub protocol {protocol:?}")]
    UnknownProtocol {
        /// As the client spelled it.
        protocol: String,
    },
    /// A version above [`VERSION_MAX`].
    #[error("version {version} of hub protocol {protocol:?} is not supported")]
    Version {
        /// As the client spelled it.
        protocol: String,
        /// As the client asked.
        version: i32,
    },
    /// The transport cannot carry the hub protocol.
    #[error("hub protocol {protocol:?} on a transport that does not carry it")]
    TransferFormat {
        /// As the client spelled it.
        protocol: String,
        /// What the hub protocol needs.
        needs: TransferFormat,
    },
    /// This hub speaks no hub protocol at all. The reference sends no response and closes the WebSocket with 1011.
    #[error("no hub protocol is configured")]
    NoProtocols,
}

impl HandshakeError {
    /// The `error` of the response. `detailed` adds the exception's text to an unexpected failure. Empty where the
    /// reference sends no response.
    pub fn client_text(&self, detailed: bool) -> String {
        match self {
            Self::Canceled => "Handshake was canceled.".into(),
            Self::Malformed(detail) if detailed => format!("{UNEXPECTED} {detail}"),
            Self::Malformed(_) => UNEXPECTED.into(),
            Self::UnknownProtocol { protocol } => {
                format!("The protocol '{protocol}' is not supported.")
            }
            Self::Version { protocol, version } => {
                format!(
                    "The server does not support version {version} of the '{protocol}' protocol."
                )
            }
            Self::TransferFormat { protocol, needs } => format!(
                "Cannot use the '{protocol}' protocol on the current transport. The transport does not support '{}' transfer format.",
                needs.name()
            ),
            Self::NoProtocols => String::new(),
        }
    }

    /// The response to send before the connection ends; `None` where the reference sends none.
    pub fn response(&self, detailed: bool) -> Option<Vec<u8>> {
        match self {
            Self::NoProtocols => None,
            _ => Some(response_error(&self.client_text(detailed))),
        }
    }
}

const UNEXPECTED: &str = "An unexpected error occurred during connection handshake.";

/// Looks for one complete request at the front of `input`, and how many bytes it has, the record separator included.
/// `Ok(None)`: it is not complete yet.
///
/// # Errors
/// [`HandshakeError::Malformed`].
pub fn parse_request(input: &[u8]) -> Result<Option<(HandshakeRequest, usize)>, HandshakeError> {
    let Some(record) = record(input) else {
        return Ok(None);
    };
    let request = read_request(record).map_err(HandshakeError::Malformed)?;
    Ok(Some((request, record.len() + 1)))
}

/// The same under the size limit of hub messages: a request of exactly that many bytes passes.
///
/// # Errors
/// [`HandshakeError::Canceled`] if more bytes than the limit hold no complete request, else as [`parse_request`].
pub fn parse_request_within(
    input: &[u8],
    max_message_bytes: Option<usize>,
) -> Result<Option<(HandshakeRequest, usize)>, HandshakeError> {
    let visible = max_message_bytes
        .and_then(|max_bytes| input.get(..max_bytes))
        .unwrap_or(input);
    match parse_request(visible)? {
        None if visible.len() < input.len() => Err(HandshakeError::Canceled),
        parsed => Ok(parsed),
    }
}

/// Decides on a request: the hub protocol and version to speak from now on.
///
/// # Errors
/// The reference's checks in its order: protocol, version, transfer format.
pub fn accept(
    request: &HandshakeRequest,
    available: &[Encoding],
    possible: TransferFormats,
) -> Result<(Encoding, i32), HandshakeError> {
    if available.is_empty() {
        return Err(HandshakeError::NoProtocols);
    }
    let HandshakeRequest { protocol, version } = request;
    let encoding = Encoding::by_name(protocol)
        .filter(|encoding| available.contains(encoding))
        .ok_or_else(|| HandshakeError::UnknownProtocol {
            protocol: protocol.clone(),
        })?;
    if *version > VERSION_MAX {
        return Err(HandshakeError::Version {
            protocol: protocol.clone(),
            version: *version,
        });
    }
    let needs = encoding.transfer_format();
    if !possible.contains(needs) {
        return Err(HandshakeError::TransferFormat {
            protocol: protocol.clone(),
            needs,
        });
    }
    Ok((encoding, *version))
}

/// The response that accepts, with its record separator.
pub fn response_ok() -> &'static [u8] {
    b"{}\x1e"
}

/// The response that refuses, with its record separator.
pub fn response_error(text: &str) -> Vec<u8> {
    let mut out = b"{\"error\":".to_vec();
    write_string(text, &mut out);
    out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
    out
}

/// The request, as clients write it.
pub fn write_request(encoding: Encoding, version: i32) -> Vec<u8> {
    format!("{{\"protocol\":\"{encoding}\",\"version\":{version}}}\u{1e}").into_bytes()
}

/// What a server said about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeResponse {
    /// Hub messages follow.
    Accepted,
    /// The connection ends, and this is why.
    Refused {
        /// The server's text; never empty.
        error: String,
    },
}

/// Looks for one complete response at the front of `input`, as clients do, and how many bytes it has, the record
/// separator included. `Ok(None)`: it is not complete yet.
///
/// # Errors
/// [`HandshakeError::Malformed`], also for a hub message that comes first: it has a `type`, which responses never have.
pub fn parse_response(input: &[u8]) -> Result<Option<(HandshakeResponse, usize)>, HandshakeError> {
    let Some(record) = record(input) else {
        return Ok(None);
    };
    let response = read_response(record).map_err(HandshakeError::Malformed)?;
    Ok(Some((response, record.len() + 1)))
}

/// The first record, without its separator.
fn record(input: &[u8]) -> Option<&[u8]> {
    memchr::memchr(RECORD_SEPARATOR, input).and_then(|len| input.get(..len))
}

/// Property names are case-sensitive, the last of a repeated one counts, others are skipped (recorded).
fn read_request(record: &[u8]) -> Result<HandshakeRequest, Detail> {
    let syntax =
        |error: SyntaxError| Detail::new("JsonReaderException", error.message(record).into());
    let mut reader = Reader::new(record);
    let (mut protocol, mut version) = (None, None);
    json::expect_object(reader.next().map_err(syntax)?)?;
    while reader.next().map_err(syntax)? == Token::Key {
        let name = reader.text();
        let value = reader.next().map_err(syntax)?;
        if name.is("protocol") {
            if value != Token::String {
                return Err(Detail::invalid_data(
                    "Expected 'protocol' to be of type String.",
                ));
            }
            protocol = Some(reader.text().to_string().map_err(not_unicode)?);
        } else if name.is("version") {
            version = match value {
                Token::Number => {
                    Some(json::integer(&reader).ok_or_else(|| json::not_an_integer(32))?)
                }
                Token::Null => None,
                _ => {
                    return Err(Detail::invalid_data(
                        "Expected 'version' to be of type Number.",
                    ));
                }
            };
        } else {
            reader.skip(value).map_err(syntax)?;
        }
    }
    Ok(HandshakeRequest {
        protocol: protocol.ok_or_else(|| missing("protocol", record))?,
        version: version.ok_or_else(|| missing("version", record))?,
    })
}

fn read_response(record: &[u8]) -> Result<HandshakeResponse, Detail> {
    let syntax =
        |error: SyntaxError| Detail::new("JsonReaderException", error.message(record).into());
    let mut reader = Reader::new(record);
    let mut response = HandshakeResponse::Accepted;
    json::expect_object(reader.next().map_err(syntax)?)?;
    while reader.next().map_err(syntax)? == Token::Key {
        let name = reader.text();
        let value = reader.next().map_err(syntax)?;
        if name.is("type") {
            return Err(Detail::invalid_data(
                "Expected a handshake response from the server.",
            ));
        }
        if name.is("error") && value == Token::String {
            let error = reader.text().to_string().map_err(not_unicode)?;
            if !error.is_empty() {
                response = HandshakeResponse::Refused { error };
            }
        }
        reader.skip(value).map_err(syntax)?;
    }
    Ok(response)
}

fn missing(name: &str, record: &[u8]) -> Detail {
    let content = String::from_utf8_lossy(record);
    Detail::invalid_data(format!(
        "Missing required property '{name}'. Message content: {content}"
    ))
}

fn not_unicode(_: NotUnicode) -> Detail {
    Detail::new(
        "InvalidOperationException",
        "Cannot transcode invalid UTF-8 JSON text to UTF-16 string.".into(),
    )
}
