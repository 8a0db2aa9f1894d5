//! A WebSocket, driven by the shard.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hubplane_gateway_connection::{OutboundQueue, TransportClose};
use tokio::io::AsyncWrite as _;

use crate::stream::Stream;
use crate::websocket::Reader;
use crate::websocket::frame::CloseCode;

/// The most frames of one vectored write.
const SLICES_MAX: usize = 64;

/// The socket of a connection.
pub(crate) struct WebSocket {
    pub(crate) stream: Stream,
    pub(crate) reader: Reader,
    pub(crate) closing: Option<Closing>,
}

/// This side has written its close frame, or is about to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// The socket is dropped then, come what may.
    pub(crate) until: Instant,
    /// Whether anything of the client is still waited for once the close frame is written.
    pub(crate) wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The client has closed: nothing.
    Nothing,
    /// Its close frame.
    CloseFrame,
    /// The end of its stream, after a violation; nothing that it sends is read as frames.
    EndOfStream,
}

impl WebSocket {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            reader: Reader::new(),
            closing: None,
        }
    }

    /// Whether both sides have said that they close, but for what waits to be written.
    pub(crate) fn is_closed_by_client(&self) -> bool {
        self.closing
            .is_some_and(|closing| closing.wait == Wait::Nothing)
    }

    /// One vectored write of what comes next. When that is all, what the stream has encrypted follows; and after a
    /// violation the client is told by the end of our stream, too, that nothing more comes.
    pub(crate) fn write(
        &mut self,
        queue: &mut OutboundQueue,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<io::Result<Written>> {
        let mut written = Written {
            bytes: 0,
            frames: 0,
            drained: true,
        };
        if !queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = queue.slices(&mut slices);
            let stream = Pin::new(&mut self.stream);
            written.bytes = ready!(stream.poll_write_vectored(cx, &slices[..filled]))?;
            written.frames = queue.advance(written.bytes, now);
        }
        if queue.is_empty() {
            written.drained = Pin::new(&mut self.stream).poll_flush(cx)?.is_ready();
            let violated = self
                .closing
                .is_some_and(|closing| closing.wait == Wait::EndOfStream);
            if written.drained
                && violated
                && Pin::new(&mut self.stream).poll_shutdown(cx).is_ready()
            {
                tracing::trace!("a socket is shut down for writing");
            }
        }
        Poll::Ready(Ok(written))
    }
}

/// What a socket has taken.
pub(crate) struct Written {
    pub(crate) bytes: usize,
    /// How many frames are written whole by now that were not before.
    pub(crate) frames: usize,
    /// Whether the system has all of it. If not, the waker is told when there is room.
    pub(crate) drained: bool,
}

/// The code that tells a client of an end (reference signalr-core 13.3).
pub(crate) fn code(close: TransportClose) -> CloseCode {
    match close {
        TransportClose::Normal => CloseCode::Normal,
        TransportClose::Failed => CloseCode::Failed,
    }
}
