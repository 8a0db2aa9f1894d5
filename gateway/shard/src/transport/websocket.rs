//! A WebSocket, driven by the shard.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use hubplane_gateway_connection::{OutboundQueue, TransportClose};
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;

use crate::websocket::Reader;
use crate::websocket::frame::CloseCode;

/// The most frames of one vectored write.
const SLICES_MAX: usize = 64;

/// The socket of a connection.
pub(crate) struct WebSocket {
    pub(crate) stream: TcpStream,
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
    pub(crate) fn new(stream: TcpStream) -> Self {
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

    /// One vectored write of what comes next.
    pub(crate) fn write(
        &mut self,
        queue: &OutboundQueue,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let filled = queue.slices(&mut slices);
        Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..filled])
    }

    /// All is written: after a violation the client is told by the end of our stream, too, that nothing more comes.
    pub(crate) fn written(&mut self, cx: &mut Context<'_>) {
        let violated = self
            .closing
            .is_some_and(|closing| closing.wait == Wait::EndOfStream);
        if violated && Pin::new(&mut self.stream).poll_shutdown(cx).is_ready() {
            tracing::trace!("a socket is shut down for writing");
        }
    }
}

/// The code that tells a client of an end (reference signalr-core 13.3).
pub(crate) fn code(close: TransportClose) -> CloseCode {
    match close {
        TransportClose::Normal => CloseCode::Normal,
        TransportClose::Failed => CloseCode::Failed,
    }
}
