//! A WebSocket that says what the test wants it to say.

use std::net::SocketAddr;

use hubplane_client::frame::masked;
use hubplane_testkit::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CLOSE: u8 = 0x88;

pub(crate) struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    /// Opens a WebSocket for the token, or says which status it was refused with.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self, u16> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /hubs/test?id={token} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let received = Vec::new();
        let mut raw = Self { stream, received };
        let end = loop {
            let end = raw.received.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => break end,
                None => assert!(raw.read().await, "an answer"),
            }
        };
        let head = String::from_utf8(raw.received.drain(..end + 4).collect()).unwrap();
        match head.split(' ').nth(1).unwrap() {
            "101" => Ok(raw),
            status => Err(status.parse().unwrap()),
        }
    }

    /// The same with the handshake.
    pub(crate) async fn shaken(address: SocketAddr, token: &str, version: u32) -> Self {
        let mut raw = Self::open(address, token).await.unwrap();
        raw.say(&format!("{{\"protocol\":\"json\",\"version\":{version}}}"))
            .await;
        assert_eq!(raw.hear().await, "{}");
        raw
    }

    async fn read(&mut self) -> bool {
        let reading = self.stream.read_buf(&mut self.received);
        matches!(within("bytes", reading).await, Ok(1..))
    }

    pub(crate) async fn say(&mut self, message: &str) {
        let frame = masked(0x81, format!("{message}\u{1e}").as_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    pub(crate) async fn close(&mut self) {
        let frame = masked(CLOSE, &1000_u16.to_be_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    /// The next message without its end, `close <code>`, or `end`; pings of the hub protocol are left out.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            let len = self.received.get(1).map(|len| usize::from(*len));
            let Some(len) = len.filter(|len| self.received.len() >= len + 2) else {
                if self.read().await {
                    continue;
                }
                return "end".to_owned();
            };
            assert!(len < 126, "short messages");
            let frame: Vec<u8> = self.received.drain(..len + 2).collect();
            if frame[0] == CLOSE {
                return format!("close {}", u16::from_be_bytes([frame[2], frame[3]]));
            }
            let text = String::from_utf8(frame[2..].to_vec()).unwrap();
            if text != "{\"type\":6}\u{1e}" {
                return text.trim_end_matches('\u{1e}').to_owned();
            }
        }
    }

    /// Vanishes without a word.
    pub(crate) fn lose(self) {
        self.stream.set_zero_linger().unwrap();
    }
}
