//! The receive loop: bytes become messages, messages become invocations (reference signalr-core 12.2).

use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_ids::{InvalidId, InvocationId};
use hubplane_proto_link::{self as link, CloseReason, InvocationKind, ToHubHost};
use hubplane_proto_signalr::{Arguments, Detail, Invocation, Message};

use crate::Output;
use crate::connection::{Connection, Waiting};
use crate::exchange::takes_slot;
use crate::handshake::link_encoding;

impl Connection {
    /// Takes one message, unless something is in its way. True if something happened.
    pub(crate) fn receive(&mut self, now: Instant) -> bool {
        let is_in_the_way =
            self.reason.is_some() || self.parting.is_some() || self.waiting.is_some();
        if is_in_the_way || self.paused || self.throttled_until.is_some() {
            return false;
        }
        let input_bytes = self.input.len();
        match self
            .encoding
            .decode(&mut self.input, self.options.message_bytes_max)
        {
            Ok(Some(message)) => {
                self.clocks.heard(now);
                self.messages += u32::from(!matches!(message, Message::Ping));
                self.taken(input_bytes - self.input.len());
                if self.is_news(&message, now) {
                    self.dispatch(message, now);
                }
                true
            }
            Ok(None) if self.ended.is_some() => {
                self.end_as_client_did(now);
                true
            }
            Ok(None) => false,
            Err(error) => {
                let reason = CloseReason::ProtocolError(error.detail().to_string());
                let farewell = self.farewell_of_error(&reason);
                self.part(reason, farewell, now);
                true
            }
        }
    }

    fn dispatch(&mut self, message: Message, now: Instant) {
        match message {
            Message::Invocation(invocation) => self.invoke(invocation, InvocationKind::Call, now),
            Message::StreamInvocation(invocation) => {
                self.invoke(invocation, InvocationKind::Stream, now)
            }
            Message::StreamItem(item) => self.upload_item(item),
            Message::Completion(completion) => self.completion_of_client(completion),
            Message::CancelInvocation { invocation_id } => self.cancel(invocation_id),
            Message::Ping => self.clocks.armed = true,
            Message::Close { error, .. } => {
                let reason = error.map_or(CloseReason::ClientClosed, CloseReason::ClientError);
                self.part(reason, (None, false), now);
            }
            Message::Ack { sequence_id } => self.acknowledged(sequence_id),
            Message::Sequence { sequence_id } => self.sequence_of_client(sequence_id, now),
        }
    }

    fn invoke(&mut self, invocation: Invocation, kind: InvocationKind, now: Instant) {
        let takes_slot = takes_slot(kind, &invocation.stream_ids);
        if !takes_slot && !self.may_stream(&invocation.stream_ids) {
            let id = invocation.invocation_id.as_deref();
            return self.refuse_stream(id, &invocation.target);
        }
        let invocation = match self.for_link(invocation, kind, takes_slot) {
            Ok(invocation) => invocation,
            Err(error) => {
                let detail = Detail::invalid_data(error.to_string());
                self.end_with_error(CloseReason::ProtocolError(detail.to_string()), now);
                return;
            }
        };
        if !takes_slot {
            self.streams(&invocation);
            self.output(Output::ToHubHost(ToHubHost::Invocation(invocation)));
        } else if self.running < self.options.parallel_invocations_max.get() {
            self.running += 1;
            self.output(Output::ToHubHost(ToHubHost::Invocation(invocation)));
        } else {
            self.waiting = Some(Waiting::ForSlot(Box::new(invocation)));
        }
    }

    /// A slot is free again: the invocation that waited for one takes it.
    pub fn handle_slot_released(&mut self, now: Instant) {
        self.running = self.running.saturating_sub(1);
        if self.reason.is_some() {
            return;
        }
        if self.running == 0
            && let Some(parting) = self.parting.take()
        {
            return self.end(parting.reason, Some(parting.farewell), now);
        }
        if let Some(waiting) = self
            .waiting
            .take_if(|waiting| matches!(waiting, Waiting::ForSlot(_)))
            && let Waiting::ForSlot(invocation) = waiting
        {
            self.running += 1;
            self.clocks.heard(now);
            self.output(Output::ToHubHost(ToHubHost::Invocation(*invocation)));
        }
    }

    fn for_link(
        &self,
        invocation: Invocation,
        kind: InvocationKind,
        takes_slot: bool,
    ) -> Result<link::Invocation, InvalidId> {
        let bytes = match invocation.arguments {
            Arguments::Raw(raw) => raw,
            // An invocation that fails to bind: the hub answers, and the connection lives on (11.3).
            Arguments::Malformed(_) => Bytes::new(),
        };
        Ok(link::Invocation {
            connection: self.info.connection.clone(),
            invocation_id: invocation
                .invocation_id
                .map(InvocationId::new)
                .transpose()?,
            kind,
            target: invocation.target,
            arguments: link::Arguments {
                encoding: link_encoding(self.encoding),
                bytes,
            },
            stream_ids: invocation
                .stream_ids
                .into_iter()
                .map(InvocationId::new)
                .collect::<Result<_, _>>()?,
            takes_slot,
        })
    }
}
