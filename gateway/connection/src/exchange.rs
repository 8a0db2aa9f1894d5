//! What a client and its hub have under way besides ordinary invocations: uploads, streams, results that a client is
//! asked for (reference signalr-core 12.2, 12.3).

use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_ids::InvocationId;
use hubplane_proto_link::{
    self as link, Arguments, ClientOutcome, InvocationKind, Payload, ToHubHost, UPLOAD_CREDIT_ITEMS,
};
use hubplane_proto_signalr::{Completion, CompletionResult, StreamIds, StreamItem};

use crate::connection::{Connection, Phase, Waiting};
use crate::handshake::link_encoding;
use crate::reply::in_encoding;
use crate::{AskedId, Output};

/// What is under way. A connection that has nothing of the kind holds none of it.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    uploads: Vec<Upload>,
    /// Invocations that take no slot and are to be answered. An id may be there more than once (12.3).
    slotless: Vec<InvocationId>,
    /// What the client is asked for.
    asked: Vec<AskedId>,
}

/// A stream of the client that its hub reads.
#[derive(Debug)]
struct Upload {
    stream_id: InvocationId,
    /// The invocation that it belongs to, if that one is answered.
    invocation_id: Option<InvocationId>,
    /// How many items may still be handed over.
    credit: u32,
}

impl Exchanges {
    fn upload(&self, stream_id: &str) -> Option<usize> {
        self.uploads
            .iter()
            .position(|upload| upload.stream_id.as_str() == stream_id)
    }

    fn is_empty(&self) -> bool {
        self.uploads.is_empty() && self.slotless.is_empty() && self.asked.is_empty()
    }
}

impl Connection {
    /// Whether there is room for one more invocation that takes no slot. Without a bound a client could start any number
    /// of methods.
    pub(crate) fn may_stream(&self, stream_ids: &StreamIds) -> bool {
        let under_way = self.exchanges.as_ref().map_or(0, |exchanges| {
            exchanges.uploads.len() + exchanges.slotless.len()
        });
        under_way + stream_ids.len() < self.options.streams_max
    }

    /// An invocation that takes no slot begins. A stream id that is in use is taken over (12.3).
    pub(crate) fn streams(&mut self, invocation: &link::Invocation) {
        let exchanges = self.exchanges.get_or_insert_default();
        for stream_id in &invocation.stream_ids {
            if let Some(known) = exchanges.upload(stream_id.as_str()) {
                exchanges.uploads.swap_remove(known);
            }
            exchanges.uploads.push(Upload {
                stream_id: stream_id.clone(),
                invocation_id: invocation.invocation_id.clone(),
                credit: UPLOAD_CREDIT_ITEMS,
            });
        }
        exchanges
            .slotless
            .extend(invocation.invocation_id.iter().cloned());
    }

    /// The client sends an item. One of a stream that is not known is ignored (11.5).
    pub(crate) fn upload_item(&mut self, item: StreamItem) {
        let Some(exchanges) = &mut self.exchanges else {
            return;
        };
        let Some(upload) = exchanges
            .upload(&item.invocation_id)
            .and_then(|known| exchanges.uploads.get_mut(known))
        else {
            return;
        };
        let has_credit = upload.credit > 0;
        upload.credit = upload.credit.saturating_sub(1);
        let frame = ToHubHost::UploadItem {
            connection: self.info.connection.clone(),
            stream_id: upload.stream_id.clone(),
            item: Payload {
                encoding: link_encoding(self.encoding),
                bytes: item.item,
            },
        };
        if has_credit {
            self.output(Output::ToHubHost(frame));
        } else {
            // The whole connection waits, as by the reference server (12.2).
            self.waiting = Some(Waiting::ForCredit(Box::new(frame)));
        }
    }

    /// The hub has taken items of an upload.
    pub fn handle_upload_credit(&mut self, stream_id: &InvocationId, items: u32, now: Instant) {
        let waits = self.waits_for_credit_of(stream_id);
        let Some(exchanges) = &mut self.exchanges else {
            return;
        };
        let Some(upload) = exchanges
            .upload(stream_id.as_str())
            .and_then(|known| exchanges.uploads.get_mut(known))
        else {
            return;
        };
        upload.credit = upload.credit.saturating_add(items);
        if waits && upload.credit > 0 {
            upload.credit -= 1;
            if let Some(Waiting::ForCredit(frame)) = self.waiting.take() {
                self.clocks.heard(now);
                self.output(Output::ToHubHost(*frame));
            }
        }
    }

    /// The hub reads no more of an upload: what comes of it is ignored.
    pub fn handle_upload_closed(&mut self, stream_id: &InvocationId, now: Instant) {
        if let Some(exchanges) = &mut self.exchanges
            && let Some(known) = exchanges.upload(stream_id.as_str())
        {
            exchanges.uploads.swap_remove(known);
        }
        self.upload_has_ended(stream_id, now);
    }

    /// An item that waited for credit of a stream that has ended is dropped. The reference server ends the connection
    /// (12.3).
    fn upload_has_ended(&mut self, stream_id: &InvocationId, now: Instant) {
        if self.waits_for_credit_of(stream_id) {
            self.waiting = None;
            self.clocks.heard(now);
        }
        self.drop_if_idle();
    }

    fn waits_for_credit_of(&self, stream: &InvocationId) -> bool {
        let Some(Waiting::ForCredit(frame)) = &self.waiting else {
            return false;
        };
        matches!(&**frame, ToHubHost::UploadItem { stream_id, .. } if stream_id == stream)
    }

    /// An invocation that took no slot is answered: its uploads end with it.
    pub(crate) fn streams_end(&mut self, invocation_id: &InvocationId, now: Instant) {
        let Some(exchanges) = &mut self.exchanges else {
            return;
        };
        if let Some(known) = exchanges.slotless.iter().position(|id| id == invocation_id) {
            exchanges.slotless.swap_remove(known);
            let ended: Vec<_> = exchanges
                .uploads
                .extract_if(.., |upload| {
                    upload.invocation_id.as_ref() == Some(invocation_id)
                })
                .collect();
            for upload in ended {
                self.upload_has_ended(&upload.stream_id, now);
            }
        }
        self.drop_if_idle();
    }

    /// The client ends a stream of its own, or says what it was asked for; else it is ignored (11.5).
    pub(crate) fn completion_of_client(&mut self, completion: Completion) {
        let Some(exchanges) = &mut self.exchanges else {
            return;
        };
        if let Some(known) = exchanges.upload(&completion.invocation_id) {
            let upload = exchanges.uploads.swap_remove(known);
            let error = match completion.result {
                CompletionResult::Error(error) => Some(error),
                CompletionResult::Void | CompletionResult::Value(_) => None,
            };
            let connection = self.info.connection.clone();
            self.output(Output::ToHubHost(ToHubHost::UploadEnd {
                connection,
                stream_id: upload.stream_id,
                error,
            }));
        } else if let Some(asked) = AskedId::parse(&completion.invocation_id)
            && let Some(known) = exchanges.asked.iter().position(|of| *of == asked)
        {
            exchanges.asked.swap_remove(known);
            let outcome = match completion.result {
                CompletionResult::Void => ClientOutcome::Void,
                CompletionResult::Error(error) => ClientOutcome::Error(error),
                CompletionResult::Value(bytes) => ClientOutcome::Value(Payload {
                    encoding: link_encoding(self.encoding),
                    bytes,
                }),
            };
            self.output(Output::Answered { asked, outcome });
        }
        self.drop_if_idle();
    }

    /// The client no longer wants what answers an invocation of its own.
    pub(crate) fn cancel(&mut self, invocation_id: String) {
        if let Ok(invocation_id) = InvocationId::new(invocation_id) {
            let connection = self.info.connection.clone();
            self.output(Output::ToHubHost(ToHubHost::Cancel {
                connection,
                invocation_id,
            }));
        }
    }

    /// Asks the client for a result. [`Output::Answered`] says what became of it, exactly once unless it is
    /// [forgotten](Self::handle_forgotten) before.
    pub fn handle_ask(
        &mut self,
        asked: AskedId,
        target: &str,
        arguments: &Arguments,
        now: Instant,
    ) {
        let outcome = match self.phase {
            Phase::Handshaking | Phase::Identifying | Phase::Appearing => {
                Some(ClientOutcome::UnknownConnection)
            }
            _ if self.hears() && self.parting.is_none() => None,
            _ => Some(ClientOutcome::Disconnected),
        };
        if let Some(outcome) = outcome {
            return self.output(Output::Answered { asked, outcome });
        }
        self.exchanges.get_or_insert_default().asked.push(asked);
        match self.invocation(Some(&asked.to_string()), target, arguments) {
            Ok(bytes) => self.send(bytes, 0),
            Err(error) => self.handle_unserializable(&error.to_string(), now),
        }
    }

    /// Nobody waits for this result any more: a late answer is ignored.
    pub fn handle_forgotten(&mut self, asked: AskedId) {
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.asked.retain(|of| *of != asked);
        }
        self.drop_if_idle();
    }

    /// Nothing more is read of the client.
    pub(crate) fn exchanges_end(&mut self) {
        for asked in self.exchanges.take().into_iter().flat_map(|it| it.asked) {
            self.output(Output::Answered {
                asked,
                outcome: ClientOutcome::Disconnected,
            });
        }
    }

    /// Sends to this client alone. `window_bytes` is what that takes of its window.
    pub fn handle_send(
        &mut self,
        target: &str,
        arguments: &Arguments,
        window_bytes: u32,
        now: Instant,
    ) {
        if !self.hears() {
            return self.not_sent(window_bytes);
        }
        match self.invocation(None, target, arguments) {
            Ok(bytes) => self.send(bytes, window_bytes),
            Err(error) => self.unsent(&error.to_string(), window_bytes, now),
        }
    }

    /// An item of a stream that answers an invocation. `window_bytes` is what it takes of the client's window.
    pub fn handle_stream_item(
        &mut self,
        invocation_id: &InvocationId,
        item: &Payload,
        window_bytes: u32,
        now: Instant,
    ) {
        if !self.hears() {
            return self.not_sent(window_bytes);
        }
        match in_encoding(self.encoding, item) {
            Ok(item) => {
                let mut bytes = Vec::with_capacity(item.len() + 64);
                self.encoding
                    .encode_stream_item(invocation_id.as_str(), &item, &mut bytes);
                self.send(Bytes::from(bytes), window_bytes);
            }
            Err(error) => self.unsent(&error.to_string(), window_bytes, now),
        }
    }

    /// An invocation that took no slot and cannot be begun is refused.
    pub(crate) fn refuse_stream(&mut self, invocation_id: Option<&str>, target: &str) {
        let Some(invocation_id) = invocation_id else {
            return;
        };
        let text = format!(
            "An unexpected error occurred invoking '{target}' on the server. HubException: More than {} streams at once.",
            self.options.streams_max
        );
        let mut bytes = Vec::new();
        self.encoding
            .encode_completion(invocation_id, &CompletionResult::Error(text), &mut bytes);
        self.send(Bytes::from(bytes), 0);
    }

    fn drop_if_idle(&mut self) {
        if self.exchanges.as_ref().is_some_and(|it| it.is_empty()) {
            self.exchanges = None;
        }
    }
}

/// Whether an invocation takes a slot: one with streams in either direction starts at once (12.2).
pub(crate) fn takes_slot(kind: InvocationKind, stream_ids: &StreamIds) -> bool {
    kind == InvocationKind::Call && stream_ids.is_empty()
}
