//! What the hub answers becomes bytes for the client.

use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_link::{CloseReason, Completion, Outcome, Payload};
use hubplane_proto_signalr::transcode::{json_to_messagepack, messagepack_to_json};
use hubplane_proto_signalr::{CompletionResult, Encoding, TranscodeError};

use crate::connection::Connection;
use crate::handshake::link_encoding;

impl Connection {
    /// An invocation has ended: the client is told, and the slot is free if it had one.
    pub fn handle_completion(&mut self, completion: Completion, now: Instant) {
        if self.hears() {
            self.write_completion(&completion, now);
        }
        if completion.releases_slot {
            self.handle_slot_released(now);
        }
    }

    fn write_completion(&mut self, completion: &Completion, now: Instant) {
        let result = match &completion.outcome {
            Outcome::Void => CompletionResult::Void,
            Outcome::Error(text) => CompletionResult::Error(text.clone()),
            Outcome::Value(payload) => match self.in_own_encoding(payload) {
                Ok(value) => CompletionResult::Value(value),
                Err(error) => return self.handle_unserializable(&error.to_string(), now),
            },
        };
        let mut bytes = Vec::new();
        self.encoding
            .encode_completion(completion.invocation_id.as_str(), &result, &mut bytes);
        self.send(Bytes::from(bytes));
    }

    fn in_own_encoding(&self, payload: &Payload) -> Result<Bytes, TranscodeError> {
        if payload.encoding == link_encoding(self.encoding) {
            return Ok(payload.bytes.clone());
        }
        let mut value = Vec::with_capacity(payload.bytes.len());
        match self.encoding {
            Encoding::Json => messagepack_to_json(&payload.bytes, &mut value)?,
            Encoding::MessagePack => json_to_messagepack(&payload.bytes, &mut value)?,
        }
        Ok(Bytes::from(value))
    }

    /// Something for this client cannot be written in its protocol; what was wrong.
    pub fn handle_unserializable(&mut self, error: &str, now: Instant) {
        self.end_with_error(
            CloseReason::Unserializable(format!("InvalidDataException: {error}")),
            now,
        );
    }
}
