//! A server with no mind of its own.

use std::net::IpAddr;

use futures_util::{SinkExt, StreamExt};
use hubplane_client::Encoding;
use hubplane_client::message::{Completion, CompletionResult, Message};
use hubplane_proto_signalr::{handshake, transcode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;

/// One canned HTTP answer.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        let len = body.len();
        Self(format!(
            "HTTP/1.1 {status} Status\r\ncontent-length: {len}\r\n\r\n{body}"
        ))
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::new(200, body)
    }
}

pub(crate) struct Server {
    listener: TcpListener,
    /// What the requests before the WebSocket's are answered with.
    pub(crate) answers: Vec<Answer>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let body = r#"{"negotiateVersion":1,"connectionId":"public","connectionToken":"secret","availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]}]}"#;
        Self {
            listener,
            answers: vec![Answer::json(body)],
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hub", self.listener.local_addr().unwrap())
    }

    /// Answers the requests that have canned answers, and nothing else.
    pub(crate) async fn answer_all(self) -> Vec<String> {
        let mut requests = Vec::new();
        for answer in self.answers {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            requests.push(head(&mut stream).await);
            stream.write_all(answer.0.as_bytes()).await.unwrap();
        }
        requests
    }

    /// Answers requests until one upgrades.
    pub(crate) async fn accept_bare(self) -> Peer {
        let mut answers = self.answers.into_iter();
        let mut requests = Vec::new();
        loop {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let mut first = [0; 3];
            while stream.peek(&mut first).await.unwrap() < 3 {}
            if &first == b"GET" {
                let mut seen = vec![0; 4096];
                let len = stream.peek(&mut seen).await.unwrap();
                requests.push(String::from_utf8_lossy(&seen[..len]).to_string());
                let from = stream.peer_addr().unwrap().ip();
                let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                let requests = requests.iter().map(|head| lower_headers(head)).collect();
                return Peer {
                    socket,
                    encoding: Encoding::Json,
                    from,
                    requests,
                };
            }
            requests.push(head(&mut stream).await);
            let answer = answers.next().expect("an answer for each request");
            stream.write_all(answer.0.as_bytes()).await.unwrap();
        }
    }

    /// Accepts the WebSocket and the handshake.
    pub(crate) async fn accept(self, encoding: Encoding) -> Peer {
        let mut peer = self.accept_bare().await;
        peer.encoding = encoding;
        let expected = handshake::write_request(encoding, 1);
        assert_eq!(peer.heard().await.unwrap().into_bytes(), expected);
        peer.socket
            .send(Frame::Text("{}\u{1e}".into()))
            .await
            .unwrap();
        peer
    }

    pub(crate) async fn refuse_handshake(self, text: &str) {
        let mut peer = self.accept_bare().await;
        peer.heard().await.unwrap();
        let answer = String::from_utf8(handshake::response_error(text)).unwrap();
        peer.socket.send(Frame::Text(answer.into())).await.unwrap();
    }
}

/// The server's end of one connection.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    encoding: Encoding,
    /// Where it came from.
    pub(crate) from: IpAddr,
    /// The requests seen, with header lines in lower case.
    pub(crate) requests: Vec<String>,
}

impl Peer {
    /// The next data message as text, or the status of the close frame.
    pub(crate) async fn heard(&mut self) -> Result<String, Option<u16>> {
        match self
            .socket
            .next()
            .await
            .expect("a frame")
            .expect("no error")
        {
            Frame::Close(frame) => Err(frame.map(|frame| frame.code.into())),
            frame => Ok(String::from_utf8_lossy(&frame.into_data()).to_string()),
        }
    }

    /// Everything up to the end, then how it ended.
    pub(crate) async fn rest(&mut self) -> String {
        let mut all = String::new();
        loop {
            match self.socket.next().await {
                Some(Ok(Frame::Close(_))) => all.push_str("close frame"),
                Some(Ok(frame)) => all.push_str(&String::from_utf8_lossy(&frame.into_data())),
                Some(Err(_)) => return all + "lost",
                None => return all,
            }
        }
    }

    /// The next invocation: id, target, arguments as JSON.
    pub(crate) async fn invocation(&mut self) -> (String, String, String) {
        loop {
            let frame = self
                .socket
                .next()
                .await
                .expect("a frame")
                .expect("no error");
            let mut data = frame.into_data();
            while let Some(message) = self.encoding.decode(&mut data, None).unwrap() {
                if let Message::Invocation(invocation) = message {
                    let raw = invocation.arguments.raw().unwrap();
                    let mut json = Vec::new();
                    match self.encoding {
                        Encoding::Json => json.extend_from_slice(raw),
                        Encoding::MessagePack => {
                            transcode::messagepack_to_json(raw, &mut json).unwrap()
                        }
                    }
                    let id = invocation.invocation_id.unwrap_or_default();
                    return (id, invocation.target, String::from_utf8(json).unwrap());
                }
            }
        }
    }

    /// Completes with a value given as JSON.
    pub(crate) async fn complete(&mut self, id: &str, json: &str) {
        let mut value = Vec::new();
        match self.encoding {
            Encoding::Json => value.extend_from_slice(json.as_bytes()),
            Encoding::MessagePack => {
                transcode::json_to_messagepack(json.as_bytes(), &mut value).unwrap()
            }
        }
        self.write(id, CompletionResult::Value(value.into())).await;
    }

    pub(crate) async fn fail(&mut self, id: &str, text: &str) {
        self.write(id, CompletionResult::Error(text.to_owned()))
            .await;
    }

    async fn write(&mut self, id: &str, result: CompletionResult) {
        let mut out = Vec::new();
        let message = Message::Completion(Completion {
            invocation_id: id.to_owned(),
            result,
        });
        self.encoding.encode(&message, &mut out);
        self.socket.send(Frame::Binary(out.into())).await.unwrap();
    }

    /// Sends one JSON record.
    pub(crate) async fn say(&mut self, json: &str) {
        self.socket
            .send(Frame::Text(format!("{json}\u{1e}").into()))
            .await
            .unwrap();
    }

    /// Closes, and drops the stream once that is answered.
    pub(crate) async fn close(mut self, status: Option<u16>) {
        let frame = status.map(|status| CloseFrame {
            code: status.into(),
            reason: Utf8Bytes::default(),
        });
        // It may have been closed by the other end already.
        let _ = self.socket.close(frame).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
    lower_headers(&String::from_utf8_lossy(&seen))
}

fn lower_headers(head: &str) -> String {
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    format!("{first}\r\n{}", rest.to_lowercase())
}
