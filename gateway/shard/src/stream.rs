//! What a socket is written to and read from: plain, or through TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket as the front hands it over: in non-blocking mode, and of no runtime.
#[derive(Debug)]
pub enum ClientSocket {
    /// Bytes are what they are.
    Plain(std::net::TcpStream),
    /// Behind a TLS handshake that is over. What the TLS connection has read ahead is still in it.
    Tls(std::net::TcpStream, Box<ServerConnection>),
}

impl From<std::net::TcpStream> for ClientSocket {
    fn from(socket: std::net::TcpStream) -> Self {
        Self::Plain(socket)
    }
}

/// A socket of a shard, registered with its runtime.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

/// A TLS connection and the socket below it.
///
/// rustls is driven here, not by tokio-rustls, which can do no other than begin with a handshake. While nothing
/// happens it holds one read buffer of 4 KiB; what it was given to encrypt is never more than one write's worth, at
/// most 64 KiB, because nothing more is taken before that has left.
#[derive(Debug)]
pub(crate) struct Tls {
    socket: TcpStream,
    connection: Box<ServerConnection>,
}

impl Stream {
    /// Registers the socket with the current runtime.
    pub(crate) fn new(socket: ClientSocket) -> io::Result<Self> {
        Ok(match socket {
            ClientSocket::Plain(socket) => Self::Plain(TcpStream::from_std(socket)?),
            ClientSocket::Tls(socket, connection) => Self::Tls(Box::new(Tls {
                socket: TcpStream::from_std(socket)?,
                connection,
            })),
        })
    }

    /// See [`TcpStream::set_nodelay`].
    pub(crate) fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.set_nodelay(nodelay),
            Self::Tls(tls) => tls.socket.set_nodelay(nodelay),
        }
    }

    /// Whether the system has everything that was written. If not, a flush has to follow when the socket is writable.
    pub(crate) fn is_drained(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(tls) => !tls.connection.wants_write(),
        }
    }
}

impl Tls {
    /// Writes out what is encrypted.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            let mut socket = Polled {
                socket: &mut self.socket,
                cx,
            };
            match self.connection.write_tls(&mut socket) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what the socket has into the TLS connection, one read of it.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut socket = Polled {
            socket: &mut self.socket,
            cx,
        };
        match self.connection.read_tls(&mut socket) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
        let processed = self.connection.process_new_packets();
        // An alert about what was wrong, or what the protocol itself answers. If it has to wait, the socket's waker
        // is registered.
        let _ = self.poll_drain(cx)?;
        processed
            .map(drop)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
            .into()
    }

    /// Reads until `buffer` is full or the socket has no more: plaintext that stayed behind would not be announced.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            match io::Read::read(&mut self.connection.reader(), buffer.initialize_unfilled()) {
                // The end, in order, or no room.
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(len) => buffer.advance(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.poll_fill(cx) {
                        Poll::Ready(Ok(())) => {}
                        // What was wrong comes again.
                        _ if buffer.filled().len() > before => return Poll::Ready(Ok(())),
                        other => return other,
                    }
                }
                Err(_) if buffer.filled().len() > before => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let taken = io::Write::write_vectored(&mut self.connection.writer(), slices)?;
        let _ = self.poll_drain(cx)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.send_close_notify();
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for Tls {
    /// Says that this is the end and no cut, as far as that goes without waiting.
    fn drop(&mut self) {
        self.connection.send_close_notify();
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Tried(&self.socket)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(tls) => tls.poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(tls) => tls.poll_write_vectored(cx, &[IoSlice::new(bytes)]),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Tls(tls) => tls.poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(tls) => tls.poll_drain(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(tls) => tls.poll_shutdown(cx),
        }
    }
}

/// The socket as rustls wants it. What would block has registered the waker.
struct Polled<'a, 'b> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

impl io::Read for Polled<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        let polled = Pin::new(&mut *self.socket).poll_read(self.cx, &mut buffer);
        or_would_block(polled).map(|()| buffer.filled().len())
    }
}

impl io::Write for Polled<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The socket outside of any turn.
struct Tried<'a>(&'a TcpStream);

impl io::Write for Tried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn or_would_block<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
