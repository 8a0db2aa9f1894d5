//! What the hub answers becomes bytes for the client.

use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_link::{self as link, Arguments, CloseReason, Completion, Outcome, Payload};
use hubplane_proto_signalr::transcode::{json_to_messagepack, messagepack_to_json};
use hubplane_proto_signalr::{CompletionResult, Encoding, StreamIds, TranscodeError};

use crate::connection::Connection;
use crate::handshake::link_encoding;

impl Connection {
    /// An invocation has ended: the client is told, and the slot is free if it had one. `window_bytes` is what the
    /// completion takes of the client's window.
    pub fn handle_completion(&mut self, completion: Completion, window_bytes: u32, now: Instant) {
        if self.hears() {
            self.write_completion(&completion, window_bytes, now);
        } else {
            self.not_sent(window_bytes);
        }
        if completion.releases_slot {
            self.handle_slot_released(now);
        } else {
            self.streams_end(&completion.invocation_id, now);
        }
    }

    fn write_completion(&mut self, completion: &Completion, window_bytes: u32, now: Instant) {
        let result = match &completion.outcome {
            Outcome::Void => CompletionResult::Void,
            Outcome::Error(text) => CompletionResult::Error(text.clone()),
            Outcome::Value(payload) => match in_encoding(self.encoding, payload) {
                Ok(value) => CompletionResult::Value(value),
                Err(error) => return self.unsent(&error.to_string(), window_bytes, now),
            },
        };
        let mut bytes = Vec::new();
        self.encoding
            .encode_completion(completion.invocation_id.as_str(), &result, &mut bytes);
        self.send(Bytes::from(bytes), window_bytes);
    }

    /// An invocation of a client method, in the client's encoding.
    pub(crate) fn invocation(
        &self,
        invocation_id: Option<&str>,
        target: &str,
        arguments: &Arguments,
    ) -> Result<Bytes, TranscodeError> {
        let arguments = transcoded(self.encoding, arguments.encoding, &arguments.bytes)?;
        let mut bytes = Vec::with_capacity(target.len() + arguments.len() + 64);
        self.encoding.encode_invocation(
            invocation_id,
            target,
            &arguments,
            &StreamIds::new(),
            &mut bytes,
        );
        Ok(Bytes::from(bytes))
    }

    pub(crate) fn unsent(&mut self, error: &str, window_bytes: u32, now: Instant) {
        self.not_sent(window_bytes);
        self.handle_unserializable(error, now);
    }

    /// Something for this client cannot be written in its protocol; what was wrong.
    pub fn handle_unserializable(&mut self, error: &str, now: Instant) {
        self.end_with_error(
            CloseReason::Unserializable(format!("InvalidDataException: {error}")),
            now,
        );
    }
}

/// A payload in the encoding that a client speaks.
pub(crate) fn in_encoding(encoding: Encoding, payload: &Payload) -> Result<Bytes, TranscodeError> {
    transcoded(encoding, payload.encoding, &payload.bytes)
}

fn transcoded(to: Encoding, from: link::Encoding, bytes: &Bytes) -> Result<Bytes, TranscodeError> {
    if from == link_encoding(to) {
        return Ok(bytes.clone());
    }
    let mut value = Vec::with_capacity(bytes.len());
    match to {
        Encoding::Json => messagepack_to_json(bytes, &mut value)?,
        Encoding::MessagePack => json_to_messagepack(bytes, &mut value)?,
    }
    Ok(Bytes::from(value))
}
