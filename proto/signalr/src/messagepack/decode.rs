//! One frame to one message.

use bytes::Bytes;

use super::reader::{Head, ReadError, Reader};
use crate::message::{
    Arguments, Completion, CompletionResult, Invocation, Message, StreamIds, StreamItem,
};
use crate::{DecodeError, Detail};

/// Reads one frame. `None`: a message of an unknown type.
pub(crate) fn decode(frame: &Bytes) -> Result<Option<Message>, DecodeError> {
    read(frame).map_err(DecodeError::Malformed)
}

fn read(frame: &Bytes) -> Result<Option<Message>, Detail> {
    let mut elements = Elements::of(frame)?;
    Ok(Some(match elements.int32("messageType")? {
        1 => Message::Invocation(elements.invocation("Invocation")?),
        2 => elements.stream_item().map(Message::StreamItem)?,
        3 => elements.completion().map(Message::Completion)?,
        4 => {
            let invocation = elements.invocation("StreamInvocation")?;
            Message::StreamInvocation(invocation)
        }
        5 => {
            elements.headers()?;
            Message::CancelInvocation {
                invocation_id: elements.needed_id("CancelInvocation")?,
            }
        }
        6 => Message::Ping,
        7 => {
            let error = elements.text("error")?;
            let allow_reconnect = elements.left > 0 && elements.boolean("allowReconnect")?;
            Message::Close {
                error,
                allow_reconnect,
            }
        }
        8 => Message::Ack {
            sequence_id: elements.int64("sequenceId")?,
        },
        9 => Message::Sequence {
            sequence_id: elements.int64("sequenceId")?,
        },
        _ => return Ok(None),
    }))
}

/// The elements of a message that have not been read yet.
struct Elements<'a> {
    frame: &'a Bytes,
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Elements<'a> {
    fn of(frame: &'a Bytes) -> Result<Self, Detail> {
        let mut reader = Reader::new(frame);
        let code = reader.peek();
        match reader.head() {
            Ok(Head::Array(left)) => Ok(Self {
                frame,
                reader,
                left,
            }),
            Err(ReadError::Truncated) => Err(end_of_stream()),
            _ => Err(unexpected(code)),
        }
    }

    /// The head of the next element; `None` if there is none.
    fn head(&mut self) -> Option<Head> {
        self.left = self.left.checked_sub(1)?;
        self.reader.head().ok()
    }

    fn int64_or(&mut self, failure: impl FnOnce() -> Detail) -> Result<i64, Detail> {
        match self.head() {
            Some(Head::Integer(value)) => value.to_i64().ok_or_else(failure),
            _ => Err(failure()),
        }
    }

    fn int64(&mut self, name: &str) -> Result<i64, Detail> {
        self.int64_or(|| not_read(name, "Int64"))
    }

    fn int32(&mut self, name: &str) -> Result<i32, Detail> {
        let value = self.int64_or(|| not_read(name, "Int32"))?;
        value.try_into().map_err(|_| not_read(name, "Int32"))
    }

    fn boolean(&mut self, name: &str) -> Result<bool, Detail> {
        match self.head() {
            Some(Head::Bool(value)) => Ok(value),
            _ => Err(not_read(name, "Boolean")),
        }
    }

    /// A text or nil.
    fn text(&mut self, name: &str) -> Result<Option<String>, Detail> {
        let head = self.head();
        self.text_behind(head)
            .ok_or_else(|| not_read(name, "String"))
    }

    fn text_behind(&mut self, head: Option<Head>) -> Option<Option<String>> {
        match head? {
            Head::Nil => Some(None),
            Head::Str(len) => {
                let text = std::str::from_utf8(self.reader.bytes(len).ok()?).ok()?;
                Some(Some(text.to_owned()))
            }
            _ => None,
        }
    }

    /// Headers carry trace context, which nothing here uses: they are checked and dropped.
    fn headers(&mut self) -> Result<(), Detail> {
        let Some(Head::Map(count)) = self.head() else {
            return Err(Detail::invalid_data(
                "Reading map length for 'headers' failed.",
            ));
        };
        for index in 0..count {
            for part in ["Key", "Value"] {
                let head = self.reader.head().ok();
                match self.text_behind(head) {
                    None => return Err(not_read(&format!("headers[{index}].{part}"), "String")),
                    Some(text) if text.as_ref().is_none_or(String::is_empty) => {
                        return Err(null_or_empty(&format!("{} in header", part.to_lowercase())));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn needed_id(&mut self, message: &str) -> Result<String, Detail> {
        let invocation_id = self.text("invocationId")?;
        let invocation_id = invocation_id.filter(|id| !id.is_empty());
        invocation_id.ok_or_else(|| null_or_empty(&format!("invocation ID for {message} message")))
    }

    fn invocation(&mut self, message: &str) -> Result<Invocation, Detail> {
        self.headers()?;
        let invocation_id = match message {
            "Invocation" => self.text("invocationId")?.filter(|id| !id.is_empty()),
            _ => Some(self.needed_id(message)?),
        };
        let target = self.text("target")?.filter(|target| !target.is_empty());
        let target =
            target.ok_or_else(|| null_or_empty(&format!("target for {message} message")))?;
        let arguments = self.arguments();
        let stream_ids = match &arguments {
            Arguments::Raw(_) if self.left > 0 => self.stream_ids()?,
            // Where the arguments end is not known if they are malformed.
            _ => StreamIds::new(),
        };
        Ok(Invocation {
            invocation_id,
            target,
            arguments,
            stream_ids,
        })
    }

    fn arguments(&mut self) -> Arguments {
        let start = self.reader.position();
        let mut whole = self.reader.clone();
        let Some(Head::Array(_)) = self.head() else {
            return Arguments::Malformed(Detail::invalid_data(
                "Reading array length for 'arguments' failed.",
            ));
        };
        if whole.skip(1).is_err() {
            return Arguments::Malformed(Detail::ARGUMENTS);
        }
        self.reader = whole;
        Arguments::Raw(self.frame.slice(start..self.reader.position()))
    }

    fn stream_ids(&mut self) -> Result<StreamIds, Detail> {
        let Some(Head::Array(count)) = self.head() else {
            return Err(Detail::invalid_data(
                "Reading array length for 'streamIds' failed.",
            ));
        };
        let mut stream_ids = StreamIds::new();
        for _ in 0..count {
            let code = self.reader.peek();
            let head = self.reader.head().ok();
            let stream_id = self.text_behind(head).ok_or_else(|| unexpected(code))?;
            let stream_id = stream_id.filter(|id| !id.is_empty());
            stream_ids.push(stream_id.ok_or_else(|| null_or_empty("value in streamIds received"))?);
        }
        Ok(stream_ids)
    }

    fn stream_item(&mut self) -> Result<StreamItem, Detail> {
        self.headers()?;
        let invocation_id = self.needed_id("StreamItem")?;
        // Whatever is wrong with the item is met when it is bound.
        let item = self.value().unwrap_or_default();
        Ok(StreamItem {
            invocation_id,
            item,
        })
    }

    fn completion(&mut self) -> Result<Completion, Detail> {
        self.headers()?;
        let invocation_id = self.needed_id("Completion")?;
        let result = match self.int32("resultKind")? {
            1 => self
                .text("error")?
                .map_or(CompletionResult::Void, CompletionResult::Error),
            2 => CompletionResult::Void,
            3 => CompletionResult::Value(match self.value() {
                Ok(value) => value,
                Err(ReadError::TooDeep) => Bytes::new(),
                Err(ReadError::Truncated) => return Err(end_of_stream()),
                Err(ReadError::Reserved) => return Err(unexpected(Some(0xc1))),
            }),
            _ => return Err(Detail::invalid_data("Invalid invocation result kind.")),
        };
        Ok(Completion {
            invocation_id,
            result,
        })
    }

    /// The next element, raw.
    fn value(&mut self) -> Result<Bytes, ReadError> {
        self.left = self.left.checked_sub(1).ok_or(ReadError::Truncated)?;
        let start = self.reader.position();
        self.reader.skip(1)?;
        Ok(self.frame.slice(start..self.reader.position()))
    }
}

fn not_read(name: &str, kind: &str) -> Detail {
    Detail::invalid_data(format!("Reading '{name}' as {kind} failed."))
}

fn null_or_empty(what: &str) -> Detail {
    Detail::invalid_data(format!("Null or empty {what}."))
}

fn end_of_stream() -> Detail {
    Detail::new(
        "EndOfStreamException",
        "Attempted to read past the end of the stream.".into(),
    )
}

fn unexpected(code: Option<u8>) -> Detail {
    let Some(code) = code else {
        return end_of_stream();
    };
    let message = format!(
        "Unexpected msgpack code {code} ({}) encountered.",
        code_name(code)
    );
    Detail::new("MessagePackSerializationException", message.into())
}

/// The name that the reference's MessagePack library has for a code.
fn code_name(code: u8) -> &'static str {
    const CODES: [&str; 32] = [
        "nil",
        "(never used)",
        "false",
        "true",
        "bin 8",
        "bin 16",
        "bin 32",
        "ext 8",
        "ext 16",
        "ext 32",
        "float 32",
        "float 64",
        "uint 8",
        "uint 16",
        "uint 32",
        "uint 64",
        "int 8",
        "int 16",
        "int 32",
        "int 64",
        "fixext 1",
        "fixext 2",
        "fixext 4",
        "fixext 8",
        "fixext 16",
        "str 8",
        "str 16",
        "str 32",
        "array 16",
        "array 32",
        "map 16",
        "map 32",
    ];
    match code {
        0x00..=0x7f => "positive fixint",
        0x80..=0x8f => "fixmap",
        0x90..=0x9f => "fixarray",
        0xa0..=0xbf => "fixstr",
        0xc0..=0xdf => CODES[usize::from(code - 0xc0)],
        0xe0..=0xff => "negative fixint",
    }
}
