//! HTTP requests byte by byte, over a socket each.

use std::fmt::Write as _;
use std::net::SocketAddr;

use hubplane_testkit::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that was sent, and whatever has come back.
pub(crate) struct Exchange {
    stream: TcpStream,
    unread: Vec<u8>,
    is_chunked: bool,
}

/// An answer, the body read if it has a length or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Exchange {
    /// Sends a request: method and target as in its first line, further headers, and a body with its length.
    pub(crate) async fn send(
        address: SocketAddr,
        line: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Self {
        Self::send_part(address, line, headers, body.len(), body.as_bytes()).await
    }

    /// The same with a body of which this is the beginning.
    pub(crate) async fn send_part(
        address: SocketAddr,
        line: &str,
        headers: &[(&str, &str)],
        length: usize,
        beginning: &[u8],
    ) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut head = format!("{line} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if length > 0 || line.starts_with("POST") {
            write!(head, "Content-Length: {length}\r\n").unwrap();
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        Self {
            stream,
            unread: Vec::new(),
            is_chunked: false,
        }
    }

    /// More of the body.
    pub(crate) async fn more(&mut self, bytes: &[u8]) {
        within("the server reads", self.stream.write_all(bytes))
            .await
            .unwrap();
    }

    /// The status and headers of the answer; the body is read by [`text`](Self::text).
    pub(crate) async fn head(&mut self) -> Answer {
        let end = loop {
            let found = self.unread.windows(4).position(|four| four == b"\r\n\r\n");
            match found {
                Some(end) => break end,
                None => assert!(self.read().await, "the connection ends before an answer"),
            }
        };
        let head: Vec<u8> = self.unread.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        self.is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
        Answer {
            status: status.parse().unwrap(),
            headers,
            body: String::new(),
        }
    }

    /// The whole answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let length = answer.header("content-length");
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read().await, "a body is cut off");
        }
        let body = self.unread.drain(..length).collect();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// The next chunk of a body without a length; `None` at its end, in order.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        assert!(self.is_chunked);
        let line = loop {
            match self.unread.windows(2).position(|two| two == b"\r\n") {
                Some(line) => break line,
                None => assert!(self.read().await, "a body is cut off"),
            }
        };
        let size = String::from_utf8(self.unread[..line].to_vec()).unwrap();
        let size = usize::from_str_radix(&size, 16).unwrap();
        while self.unread.len() < line + 2 + size + 2 {
            assert!(self.read().await, "a body is cut off");
        }
        let chunk: Vec<u8> = self.unread.drain(..line + 2 + size + 2).collect();
        let text = String::from_utf8(chunk[line + 2..line + 2 + size].to_vec()).unwrap();
        (size > 0).then_some(text)
    }

    /// Whether nothing has come until now.
    pub(crate) fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        self.unread.is_empty() && self.stream.try_read(&mut byte).is_err()
    }

    async fn read(&mut self) -> bool {
        let read = within("an answer", self.stream.read_buf(&mut self.unread)).await;
        read.unwrap() > 0
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Status, content type and body, as one text.
    pub(crate) fn shown(&self) -> String {
        let content_type = self.header("content-type").unwrap_or("-");
        let cached = match self.header("cache-control") {
            Some("no-cache, no-store") => " uncached",
            _ => "",
        };
        format!("{} {content_type}{cached} {}", self.status, self.body)
    }
}
