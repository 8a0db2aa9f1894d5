//! Messages to records, with the members in the reference's order.

use super::text::write_string;
use crate::RECORD_SEPARATOR;
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
        Message::CancelInvocation { invocation_id } => {
            begin(5, out);
            text_member("invocationId", invocation_id, out);
            end(out);
        }
        Message::Ping => {
            begin(6, out);
            end(out);
        }
        Message::Close {
            error,
            allow_reconnect,
        } => {
            begin(7, out);
            if let Some(error) = error {
                text_member("error", error, out);
            }
            if *allow_reconnect {
                out.extend_from_slice(b",\"allowReconnect\":true");
            }
            end(out);
        }
        Message::Ack { sequence_id } | Message::Sequence { sequence_id } => {
            begin(message.kind(), out);
            out.extend_from_slice(b",\"sequenceId\":");
            out.extend_from_slice(sequence_id.to_string().as_bytes());
            end(out);
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
    out.reserve(target.len() + arguments.len() + 64);
    begin(kind, out);
    if let Some(invocation_id) = invocation_id {
        text_member("invocationId", invocation_id, out);
    }
    text_member("target", target, out);
    out.extend_from_slice(b",\"arguments\":");
    out.extend_from_slice(if arguments.is_empty() {
        b"[]"
    } else {
        arguments
    });
    if !stream_ids.is_empty() {
        out.extend_from_slice(b",\"streamIds\":");
        for (index, stream_id) in stream_ids.iter().enumerate() {
            out.push(if index == 0 { b'[' } else { b',' });
            write_string(stream_id, out);
        }
        out.push(b']');
    }
    end(out);
}

pub(crate) fn encode_stream_item(invocation_id: &str, item: &[u8], out: &mut Vec<u8>) {
    out.reserve(item.len() + 64);
    begin(2, out);
    text_member("invocationId", invocation_id, out);
    value_member("item", item, out);
    end(out);
}

pub(crate) fn encode_completion(invocation_id: &str, result: &CompletionResult, out: &mut Vec<u8>) {
    begin(3, out);
    text_member("invocationId", invocation_id, out);
    match result {
        CompletionResult::Void => {}
        CompletionResult::Value(value) => value_member("result", value, out),
        CompletionResult::Error(error) => text_member("error", error, out),
    }
    end(out);
}

/// The one-digit type, which comes first.
fn begin(kind: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":");
    out.push(b'0' + kind);
}

fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
}

fn name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text_member(member: &str, text: &str, out: &mut Vec<u8>) {
    name(member, out);
    write_string(text, out);
}

fn value_member(member: &str, value: &[u8], out: &mut Vec<u8>) {
    name(member, out);
    out.extend_from_slice(if value.is_empty() { b"null" } else { value });
}
