//! A client that writes and reads bytes, so that nothing is hidden: each frame is seen as it is.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take before a test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const JSON: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
pub(crate) const MESSAGEPACK: &str = "{\"protocol\":\"messagepack\",\"version\":1}\x1e";
pub(crate) const PING: &str = "{\"type\":6}\x1e";

/// The client's end of a connection.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    received: Vec<u8>,
}

/// What the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
    /// The server's end of the TCP stream, in order or not.
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        timeout(DEADLINE, self.stream.write_all(bytes))
            .await
            .expect("the server reads")
            .unwrap();
    }

    pub(crate) async fn text(&mut self, text: impl AsRef<str>) {
        self.bytes(&frame(0x81, text.as_ref().as_bytes())).await;
    }

    pub(crate) async fn binary(&mut self, bytes: &[u8]) {
        self.bytes(&frame(0x82, bytes)).await;
    }

    /// A close frame with this body.
    pub(crate) async fn close(&mut self, body: &[u8]) {
        self.bytes(&frame(0x88, body)).await;
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Seen {
        loop {
            if let Some((first, payload, len)) = parse(&self.received) {
                let payload = payload.to_vec();
                self.received.drain(..len);
                return match first {
                    0x81 => Seen::Text(String::from_utf8(payload).unwrap()),
                    0x82 => Seen::Binary(payload),
                    0x8a => Seen::Pong(payload),
                    0x88 => Seen::Close(u16::from_be_bytes([payload[0], payload[1]])),
                    other => panic!("frame {other:#x}"),
                };
            }
            let mut buffer = vec![0; 16 * 1024];
            let read = timeout(DEADLINE, self.stream.read(&mut buffer))
                .await
                .expect("the server says something");
            match read {
                Ok(0) | Err(_) => {
                    assert_eq!(self.received, b"", "a frame is cut off");
                    return Seen::End;
                }
                Ok(len) => self.received.extend_from_slice(&buffer[..len]),
            }
        }
    }

    /// Reads something, whatever it is; false at the end.
    pub(crate) async fn read_some(&mut self) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read = timeout(DEADLINE, self.stream.read(&mut buffer))
            .await
            .expect("the server says something");
        read.unwrap_or(0) > 0
    }

    pub(crate) async fn expect_text(&mut self, text: &str) {
        let text = text.replace("<RS>", "\x1e");
        assert_eq!(self.next().await, Seen::Text(text));
    }

    /// The close frame, which is answered, and the end of the stream.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        assert_eq!(self.next().await, Seen::Close(code));
        self.close(&code.to_be_bytes()).await;
        assert_eq!(self.next().await, Seen::End);
    }
}

impl Client {
    /// Ends the connection with a TCP reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x1a, 0xb2, 0x3c, 0x4d];
    let mut bytes = vec![first];
    match payload.len() {
        len @ ..=125 => bytes.push(0x80 | len as u8),
        len @ ..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// First byte, payload and length of the frame at the front.
fn parse(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert!(second < 128, "a server masks nothing");
    let (head, len) = match second {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize,
        ),
        short => (2, usize::from(short)),
    };
    Some((first, bytes.get(head..head + len)?, head + len))
}

/// An ordinary invocation.
pub(crate) fn call(invocation: impl std::fmt::Display) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{invocation}\",\"target\":\"Echo\",\"arguments\":[\"x\"]}}\x1e"
    )
}
