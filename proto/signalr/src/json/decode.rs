//! One record to one message.

use std::ops::Range;

use bytes::Bytes;

use super::reader::{Reader, Token};
use super::syntax::{SyntaxError, SyntaxErrorKind};
use crate::message::{
    Arguments, Completion, CompletionResult, Invocation, Message, StreamIds, StreamItem,
};
use crate::{DecodeError, Detail};

/// Reads one record. `None`: a message of an unknown type.
///
/// Members are checked in the order in which they come and whatever the type is, as the reference does it: a Ping with a
/// `target` of 5 is fatal. Of a repeated member the last one counts.
pub(crate) fn decode(frame: &Bytes) -> Result<Option<Message>, DecodeError> {
    let mut members = Members::default();
    read(frame, &mut members)?;
    Ok(members.into_message(frame)?)
}

#[derive(Default)]
struct Members {
    kind: Option<i32>,
    invocation_id: Option<String>,
    target: Option<String>,
    arguments: Option<Payload>,
    stream_ids: StreamIds,
    item: Option<Payload>,
    result: Option<Payload>,
    error: Option<String>,
    allow_reconnect: bool,
    sequence_id: Option<i64>,
}

/// Where a value stands, and whether something can be bound to it.
struct Payload {
    range: Range<usize>,
    sound: bool,
}

/// Anything that is fatal.
struct Fatal(Detail);

impl From<Fatal> for DecodeError {
    fn from(Fatal(detail): Fatal) -> Self {
        Self::Malformed(detail)
    }
}

impl From<SyntaxError> for Fatal {
    fn from(_: SyntaxError) -> Self {
        invalid("Error reading JSON.")
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fatal {
    Fatal(Detail::invalid_data(message))
}

fn missing(name: &str) -> Fatal {
    invalid(format!("Missing required property '{name}'."))
}

fn expected(name: &str, kind: &str) -> Fatal {
    invalid(format!("Expected '{name}' to be of type {kind}."))
}

fn read(frame: &[u8], members: &mut Members) -> Result<(), Fatal> {
    let mut reader = Reader::new(frame);
    expect_object(reader.next()?).map_err(Fatal)?;
    while reader.next()? == Token::Key {
        let name = reader.text();
        let unescaped;
        let name = if name.escaped {
            unescaped = name.to_string().unwrap_or_default();
            unescaped.as_bytes()
        } else {
            name.raw
        };
        match name {
            b"type" => members.kind = Some(int32(&mut reader, "type")?),
            b"invocationId" => members.invocation_id = Some(string(&mut reader, "invocationId")?),
            b"target" => members.target = Some(string(&mut reader, "target")?),
            b"error" => members.error = Some(string(&mut reader, "error")?),
            b"streamIds" => members.stream_ids = stream_ids(&mut reader)?,
            b"headers" => headers(&mut reader)?,
            b"allowReconnect" => members.allow_reconnect = boolean(&mut reader, "allowReconnect")?,
            b"sequenceId" => members.sequence_id = Some(int64(&mut reader, "sequenceId")?),
            b"item" => members.item = Some(value(&mut reader, frame)?),
            b"result" => members.result = Some(value(&mut reader, frame)?),
            b"arguments" => {
                let arguments = arguments(&mut reader, frame)?;
                // The first one that can be bound.
                if !members.arguments.as_ref().is_some_and(|first| first.sound) {
                    members.arguments = Some(arguments);
                }
            }
            _ => {
                let first = reader.next()?;
                reader.skip(first)?;
            }
        }
    }
    Ok(())
}

/// The token that begins a record, or the reference's words for it.
pub(crate) fn expect_object(token: Token) -> Result<(), Detail> {
    let name = match token {
        Token::ObjectStart => return Ok(()),
        Token::ArrayStart => "Array",
        Token::String => "String",
        Token::Number => "Number",
        Token::True => "True",
        Token::False => "False",
        Token::Null => "Null",
        Token::Key | Token::ArrayEnd | Token::ObjectEnd => "None",
    };
    Err(Detail::invalid_data(format!(
        "Unexpected JSON Token Type '{name}'. Expected a JSON Object."
    )))
}

/// The reference's words for a number that is no integer of that many bits.
pub(crate) fn not_an_integer(bits: u8) -> Detail {
    Detail::new(
        "FormatException",
        format!("Either the JSON value is not in a supported format, or is out of bounds for an Int{bits}.").into(),
    )
}

/// The integer that the last token spells, if it is one and fits.
pub(crate) fn integer<T: std::str::FromStr>(reader: &Reader<'_>) -> Option<T> {
    std::str::from_utf8(reader.text().raw).ok()?.parse().ok()
}

fn int32(reader: &mut Reader<'_>, name: &str) -> Result<i32, Fatal> {
    match reader.next()? {
        Token::Number => integer(reader).ok_or_else(|| Fatal(not_an_integer(32))),
        _ => Err(expected(name, "Number")),
    }
}

fn int64(reader: &mut Reader<'_>, name: &str) -> Result<i64, Fatal> {
    match reader.next()? {
        Token::Number => integer(reader).ok_or_else(|| Fatal(not_an_integer(64))),
        _ => Err(expected(name, "Number")),
    }
}

fn boolean(reader: &mut Reader<'_>, name: &str) -> Result<bool, Fatal> {
    match reader.next()? {
        Token::True => Ok(true),
        Token::False => Ok(false),
        _ => Err(invalid(format!("Expected '{name}' to be true or false."))),
    }
}

fn string(reader: &mut Reader<'_>, name: &str) -> Result<String, Fatal> {
    match reader.next()? {
        Token::String => meaning(reader),
        _ => Err(expected(name, "String")),
    }
}

fn meaning(reader: &mut Reader<'_>) -> Result<String, Fatal> {
    reader.text().to_string().map_err(|_| {
        let message = if reader.take_lone_surrogate() {
            "Cannot read incomplete UTF-16 JSON text as string with missing low surrogate."
        } else {
            "Cannot transcode invalid UTF-8 JSON text to UTF-16 string."
        };
        Fatal(Detail::new("InvalidOperationException", message.into()))
    })
}

fn stream_ids(reader: &mut Reader<'_>) -> Result<StreamIds, Fatal> {
    if reader.next()? != Token::ArrayStart {
        return Err(expected("streamIds", "Array"));
    }
    let mut stream_ids = StreamIds::new();
    loop {
        match reader.next()? {
            Token::ArrayEnd => return Ok(stream_ids),
            Token::String => stream_ids.push(meaning(reader)?),
            Token::Null => return Err(invalid("Null value for 'streamIds' is not valid.")),
            _ => return Err(expected("streamIds", "Array")),
        }
    }
}

/// Headers carry trace context, which nothing here uses: they are checked and dropped.
fn headers(reader: &mut Reader<'_>) -> Result<(), Fatal> {
    if reader.next()? != Token::ObjectStart {
        return Err(expected("headers", "Object"));
    }
    while reader.next()? == Token::Key {
        let name = reader.text();
        if reader.next()? != Token::String {
            let name = String::from_utf8_lossy(name.raw);
            return Err(invalid(format!(
                "Expected header '{name}' to be of type String."
            )));
        }
    }
    Ok(())
}

fn value(reader: &mut Reader<'_>, frame: &[u8]) -> Result<Payload, Fatal> {
    reader.take_lone_surrogate();
    let first = reader.next()?;
    let start = reader.start();
    reader.skip(first)?;
    Ok(payload(reader, frame, start))
}

fn arguments(reader: &mut Reader<'_>, frame: &[u8]) -> Result<Payload, Fatal> {
    reader.take_lone_surrogate();
    if reader.next()? != Token::ArrayStart {
        return Err(expected("arguments", "Array"));
    }
    let (start, inside) = (reader.start(), reader.depth());
    let mut closed_behind_comma = false;
    while reader.depth() >= inside {
        match reader.next() {
            Ok(_) => {}
            // The one slip that the reference only meets when it binds the arguments.
            Err(SyntaxError {
                kind: SyntaxErrorKind::TrailingComma { .. },
                ..
            }) if reader.depth() == inside => {
                reader.forgive_trailing_comma();
                closed_behind_comma = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mut arguments = payload(reader, frame, start);
    arguments.sound &= !closed_behind_comma;
    Ok(arguments)
}

/// The value that ends where the reader is. It cannot be bound if it is not Unicode.
fn payload(reader: &mut Reader<'_>, frame: &[u8], start: usize) -> Payload {
    let range = start..reader.end();
    let utf8 = frame
        .get(range.clone())
        .is_some_and(|raw| std::str::from_utf8(raw).is_ok());
    Payload {
        range,
        sound: utf8 && !reader.take_lone_surrogate(),
    }
}

impl Members {
    fn into_message(self, frame: &Bytes) -> Result<Option<Message>, Fatal> {
        Ok(Some(match self.kind.ok_or_else(|| missing("type"))? {
            1 => Message::Invocation(self.into_invocation(frame)?),
            2 => {
                let invocation_id = needed_id(self.invocation_id)?;
                let item = self.item.ok_or_else(|| missing("item"))?.slice(frame);
                Message::StreamItem(StreamItem {
                    invocation_id,
                    item,
                })
            }
            3 => Message::Completion(Completion {
                invocation_id: needed_id(self.invocation_id)?,
                result: match (self.result, self.error) {
                    (None, None) => CompletionResult::Void,
                    (Some(result), None) => CompletionResult::Value(result.slice(frame)),
                    (None, Some(error)) => CompletionResult::Error(error),
                    (Some(_), Some(_)) => {
                        return Err(invalid(
                            "The 'error' and 'result' properties are mutually exclusive.",
                        ));
                    }
                },
            }),
            4 => {
                if self.invocation_id.as_ref().is_none_or(|id| id.is_empty()) {
                    return Err(missing("invocationId"));
                }
                Message::StreamInvocation(self.into_invocation(frame)?)
            }
            5 => Message::CancelInvocation {
                invocation_id: needed_id(self.invocation_id)?,
            },
            6 => Message::Ping,
            7 => Message::Close {
                error: self.error,
                allow_reconnect: self.allow_reconnect,
            },
            8 => Message::Ack {
                sequence_id: self.sequence_id.ok_or_else(|| missing("sequenceId"))?,
            },
            9 => Message::Sequence {
                sequence_id: self.sequence_id.ok_or_else(|| missing("sequenceId"))?,
            },
            _ => return Ok(None),
        }))
    }

    fn into_invocation(self, frame: &Bytes) -> Result<Invocation, Fatal> {
        let target = self.target.ok_or_else(|| missing("target"))?;
        let arguments = self.arguments.ok_or_else(|| missing("arguments"))?;
        Ok(Invocation {
            invocation_id: self.invocation_id.filter(|id| !id.is_empty()),
            target,
            arguments: if arguments.sound {
                Arguments::Raw(frame.slice(arguments.range))
            } else {
                Arguments::Malformed(Detail::ARGUMENTS)
            },
            stream_ids: self.stream_ids,
        })
    }
}

fn needed_id(invocation_id: Option<String>) -> Result<String, Fatal> {
    invocation_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| missing("invocationId"))
}

impl Payload {
    fn slice(self, frame: &Bytes) -> Bytes {
        if self.sound {
            frame.slice(self.range)
        } else {
            Bytes::new()
        }
    }
}
