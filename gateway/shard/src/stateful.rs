//! Stateful reconnect: a connection without a wire, and another WebSocket for it (reference signalr-core 17.5).

use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use hubplane_gateway_connection::Resumption;
use hubplane_proto_ids::ConnectionId;
use tokio::io::AsyncWrite as _;

use crate::attach::websocket;
use crate::entry::Entry;
use crate::shard::Shard;
use crate::transport::Wire;
use crate::websocket::frame::{self, CloseCode};
use crate::{AttachTransport, Resume};

impl AttachTransport {
    /// Whether the client was granted to come back on another one.
    pub(crate) fn is_stateful(&self) -> bool {
        matches!(self, Self::WebSocket { is_stateful, .. } if *is_stateful)
    }
}

impl Entry {
    /// The wire is lost. True if the connection waits for another one: what it is sent goes on being numbered and kept.
    pub(crate) fn detach(&mut self, now: Instant) -> bool {
        let detached = self.queue.may_resume() && self.connection.handle_detached(now);
        if detached {
            self.wire = None;
            self.queue.detach();
            self.blocked = false;
            self.unread = false;
        }
        detached
    }

    /// While nothing of the client is read, nothing waits for its acknowledgements: whoever waited would wait for himself.
    pub(crate) fn lift(&mut self) {
        let is_deaf = self.wire.is_some() && !self.wants_read();
        self.queue.lift(is_deaf);
    }

    fn resumption(&self) -> Resumption {
        match self.connection.resumption() {
            Resumption::Welcome if !self.queue.may_resume() => Resumption::Refused,
            resumption => resumption,
        }
    }

    /// Another socket has come while this one looked alive: whoever still listens to it is told that it is over, if that
    /// goes without waiting (recorded: 1000).
    fn dismiss_wire(&mut self) {
        let is_between_frames = self.queue.is_between_frames();
        if let Some(Wire::WebSocket(mut socket)) = self.wire.take()
            && is_between_frames
            && socket.stream.is_drained()
        {
            let mut cx = Context::from_waker(&self.waker);
            let close = frame::close(CloseCode::Normal);
            let mut stream = Pin::new(&mut socket.stream);
            let written = stream.as_mut().poll_write(&mut cx, &close);
            let told = written.is_ready()
                && stream.as_mut().poll_flush(&mut cx).is_ready()
                && stream.poll_shutdown(&mut cx).is_ready();
            tracing::trace!(told, "a socket was replaced");
        }
        self.blocked = false;
        self.unread = false;
    }
}

impl Shard {
    /// What another WebSocket for a connection would meet; `None` if the connection is gone.
    pub(crate) fn resumption(&self, connection: &ConnectionId) -> Option<Resumption> {
        let place = self.ids.get(connection)?;
        Some(self.entries.get(*place)?.resumption())
    }

    /// Goes on over another socket.
    pub(crate) fn take_over(&mut self, resume: Resume) {
        let id = resume.connection;
        let Some(place) = self.ids.get(&id).copied() else {
            return tracing::debug!(connection = %id, "a socket for a connection that is gone");
        };
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let wire = match websocket(resume.socket) {
            Ok(wire) => wire,
            Err(error) => {
                return tracing::warn!(connection = %id, %error, "a socket could not be taken");
            }
        };
        if entry.resumption() != Resumption::Welcome {
            return tracing::debug!(connection = %id, "a socket for a connection that ends");
        }
        let first = entry.queue.first_unacknowledged();
        let Some(sequence) = entry.connection.handle_resumed(first, self.now) else {
            return;
        };
        if resume
            .user
            .is_some_and(|user| user.as_ref() != entry.connection.user())
        {
            tracing::warn!(connection = %id, "another user came back to a connection");
        }
        tracing::debug!(connection = %id, first, "connection resumed");
        entry.dismiss_wire();
        entry.wire = Some(wire);
        let format = entry.connection.encoding().transfer_format();
        let head = frame::head(format, sequence.len());
        entry.queue.attach((head, sequence), self.now);
        self.metrics.resumed += 1;
        self.received(place, &mut Vec::from(resume.read_ahead));
        self.to_read.push_back(place);
    }
}
