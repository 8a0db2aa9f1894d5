use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use hubplane_router_directory::SessionId;
use hubplane_router_directory::message::ToRouter;
use tokio::sync::mpsc;

/// What a gateway writes to one stream, with the stream's name on it; `None` once, at its end.
#[derive(Debug)]
pub(crate) struct Inbound {
    session: SessionId,
    messages: Option<mpsc::Receiver<ToRouter>>,
}

impl Inbound {
    pub(crate) fn new(session: SessionId, messages: mpsc::Receiver<ToRouter>) -> Self {
        let messages = Some(messages);
        Self { session, messages }
    }
}

impl Stream for Inbound {
    type Item = (SessionId, Option<ToRouter>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(messages) = &mut self.messages else {
            return Poll::Ready(None);
        };
        let message = ready!(messages.poll_recv(cx));
        if message.is_none() {
            self.messages = None;
        }
        Poll::Ready(Some((self.session, message)))
    }
}
