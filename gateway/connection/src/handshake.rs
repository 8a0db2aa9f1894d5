//! The first record of a connection, and its answer (reference signalr-core 10.2).

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use hubplane_proto_link::{self as link, CloseReason, ToHubHost};
use hubplane_proto_signalr::handshake::{
    accept, parse_request_within, response_error, response_ok,
};
use hubplane_proto_signalr::{Encoding, HandshakeError, TransferFormat, TransferFormats};

use crate::connection::{Connection, Phase, UserSource};
use crate::{Output, TransportClose};

impl Connection {
    /// Looks for the handshake request. True if something happened.
    pub(crate) fn read_handshake(&mut self) -> bool {
        let parsed = parse_request_within(&self.input, self.options.message_bytes_max);
        let request = match parsed {
            Ok(None) => return false,
            Ok(Some((request, len_bytes))) => {
                self.input.advance(len_bytes);
                request
            }
            Err(error) => {
                self.refuse(&error);
                return true;
            }
        };
        let formats = formats(self.info.transport);
        match accept(&request, &self.options.encodings, formats) {
            Ok((encoding, version)) => {
                self.decide_stateful(version);
                self.accept(encoding);
            }
            Err(error) => self.refuse(&error),
        }
        true
    }

    fn accept(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        Arc::make_mut(&mut self.info).protocol = link_encoding(encoding);
        match &self.user {
            UserSource::Known(_) => self.appear(),
            UserSource::AskHub => {
                self.phase = Phase::Identifying;
                self.output(Output::ToHubHost(ToHubHost::Identify(Arc::clone(
                    &self.info,
                ))));
            }
        }
    }

    /// The user is known: the response may be written once all of the cluster knows the connection.
    pub(crate) fn appear(&mut self) {
        self.phase = Phase::Appearing;
        self.output(Output::Appear {
            user: self.user().cloned(),
        });
    }

    /// A JSON record in every protocol, but in the transfer format of the one agreed on.
    pub(crate) fn answer_handshake(&mut self) {
        self.begin_stateful();
        self.send_unnumbered(Bytes::from_static(response_ok()));
    }

    pub(crate) fn cancel_handshake(&mut self) {
        self.refuse(&HandshakeError::Canceled);
    }

    /// The hub failed to name the user. The protocol is agreed on by then, and with it the format of the refusal.
    pub(crate) fn refuse_unidentified(&mut self, text: &str) {
        self.send(Bytes::from(response_error(text)), 0);
        self.finish_as(
            CloseReason::ProtocolError(text.to_owned()),
            TransportClose::Normal,
        );
    }

    /// The refusal goes as text whatever protocol was asked for; the hub hears nothing of the connection.
    fn refuse(&mut self, error: &HandshakeError) {
        let close = match error.response(self.options.detailed_errors) {
            Some(response) => {
                self.output(Output::Send {
                    format: TransferFormat::Text,
                    bytes: Bytes::from(response),
                    window_bytes: 0,
                    numbered: false,
                });
                TransportClose::Normal
            }
            // Recorded: no protocol at all closes with 1011.
            None => TransportClose::Failed,
        };
        let reason = CloseReason::ProtocolError(error.client_text(true));
        self.finish_as(reason, close);
    }
}

/// What a transport carries (reference signalr-core 3.3).
fn formats(transport: link::Transport) -> TransferFormats {
    match transport {
        link::Transport::WebSockets | link::Transport::LongPolling => TransferFormats::BOTH,
        link::Transport::ServerSentEvents => TransferFormats::TEXT,
    }
}

pub(crate) fn link_encoding(encoding: Encoding) -> link::Encoding {
    match encoding {
        Encoding::Json => link::Encoding::Json,
        Encoding::MessagePack => link::Encoding::MessagePack,
    }
}
