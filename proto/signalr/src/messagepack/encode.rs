//! Messages to frames, in the layouts that the reference writes.

use super::writer::{self, Count, Sink};
use crate::message::{CompletionResult, Invocation, Message, StreamIds};

pub(crate) fn encode(message: &Message, out: &mut Vec<u8>) {
    match message {
        Message::Invocation(Invocation {
            invocation_id,
            target,
            arguments,
            stream_ids,
        })
        | Message::StreamInvocation(Invocation {
            invocation_id,
            target,
            arguments,
            stream_ids,
        }) => {
            let arguments = arguments.raw().map_or([].as_slice(), |raw| raw);
            encode_invocation(
                message.kind(),
                invocation_id.as_deref(),
                target,
                arguments,
                stream_ids,
                out,
            );
        }
        Message::StreamItem(item) => encode_stream_item(&item.invocation_id, &item.item, out),
        Message::Completion(completion) => {
            encode_completion(&completion.invocation_id, &completion.result, out)
        }
        Message::CancelInvocation { invocation_id } => framed(&Body::Cancel { invocation_id }, out),
        Message::Ping => out.extend_from_slice(&[0x02, 0x91, 0x06]),
        Message::Close {
            error,
            allow_reconnect,
        } => {
            framed(
                &Body::Close {
                    error: error.as_deref(),
                    allow_reconnect: *allow_reconnect,
                },
                out,
            );
        }
        Message::Ack { sequence_id } | Message::Sequence { sequence_id } => {
            framed(
                &Body::Number {
                    kind: message.kind(),
                    sequence_id: *sequence_id,
                },
                out,
            );
        }
    }
}

pub(crate) fn encode_invocation(
    kind: u8,
    invocation_id: Option<&str>,
    target: &str,
    arguments: &[u8],
    stream_ids: &StreamIds,
    out: &mut Vec<u8>,
) {
    framed(
        &Body::Invocation {
            kind,
            invocation_id,
            target,
            arguments,
            stream_ids,
        },
        out,
    );
}

pub(crate) fn encode_stream_item(invocation_id: &str, item: &[u8], out: &mut Vec<u8>) {
    framed(
        &Body::StreamItem {
            invocation_id,
            item,
        },
        out,
    );
}

pub(crate) fn encode_completion(invocation_id: &str, result: &CompletionResult, out: &mut Vec<u8>) {
    framed(
        &Body::Completion {
            invocation_id,
            result,
        },
        out,
    );
}

/// The parts of a message. Written twice: once to learn the length that goes in front, once for good.
enum Body<'a> {
    Invocation {
        kind: u8,
        invocation_id: Option<&'a str>,
        target: &'a str,
        arguments: &'a [u8],
        stream_ids: &'a StreamIds,
    },
    StreamItem {
        invocation_id: &'a str,
        item: &'a [u8],
    },
    Completion {
        invocation_id: &'a str,
        result: &'a CompletionResult,
    },
    Cancel {
        invocation_id: &'a str,
    },
    Close {
        error: Option<&'a str>,
        allow_reconnect: bool,
    },
    Number {
        kind: u8,
        sequence_id: i64,
    },
}

fn framed(body: &Body<'_>, out: &mut Vec<u8>) {
    let mut count = Count::default();
    body.write(&mut count);
    let mut len = count.0;
    out.reserve(len + super::PREFIX_BYTES_MAX);
    while len > 0x7f {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    body.write(out);
}

/// Headers are always written, and always empty.
const NO_HEADERS: u8 = 0x80;

impl Body<'_> {
    fn write(&self, sink: &mut impl Sink) {
        match *self {
            Self::Invocation {
                kind,
                invocation_id,
                target,
                arguments,
                stream_ids,
            } => {
                sink.bytes(&[0x96, kind, NO_HEADERS]);
                optional_text(invocation_id, sink);
                writer::text(target, sink);
                match arguments {
                    [] => writer::array(0, sink),
                    arguments => sink.bytes(arguments),
                }
                writer::array(stream_ids.len(), sink);
                for stream_id in stream_ids {
                    writer::text(stream_id, sink);
                }
            }
            Self::StreamItem {
                invocation_id,
                item,
            } => {
                sink.bytes(&[0x94, 0x02, NO_HEADERS]);
                writer::text(invocation_id, sink);
                value(item, sink);
            }
            Self::Completion {
                invocation_id,
                result,
            } => {
                let count = if *result == CompletionResult::Void {
                    0x94
                } else {
                    0x95
                };
                sink.bytes(&[count, 0x03, NO_HEADERS]);
                writer::text(invocation_id, sink);
                match result {
                    CompletionResult::Error(error) => {
                        sink.bytes(&[0x01]);
                        writer::text(error, sink);
                    }
                    CompletionResult::Void => sink.bytes(&[0x02]),
                    CompletionResult::Value(result) => {
                        sink.bytes(&[0x03]);
                        value(result, sink);
                    }
                }
            }
            Self::Cancel { invocation_id } => {
                sink.bytes(&[0x93, 0x05, NO_HEADERS]);
                writer::text(invocation_id, sink);
            }
            Self::Close {
                error,
                allow_reconnect,
            } => {
                sink.bytes(&[0x93, 0x07]);
                optional_text(error, sink);
                writer::boolean(allow_reconnect, sink);
            }
            Self::Number { kind, sequence_id } => {
                sink.bytes(&[0x92, kind]);
                writer::integer(sequence_id.into(), sink);
            }
        }
    }
}

fn optional_text(text: Option<&str>, sink: &mut impl Sink) {
    match text {
        Some(text) => writer::text(text, sink),
        None => writer::nil(sink),
    }
}

fn value(raw: &[u8], sink: &mut impl Sink) {
    if raw.is_empty() {
        writer::nil(sink)
    } else {
        sink.bytes(raw)
    }
}
