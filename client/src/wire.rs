//! The three transports as two halves: what is sent, and what comes.

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, StatusCode};
use hubplane_proto_signalr::TransferFormat;
use hyper::body::Incoming;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::driver::TransportEnd;
use crate::events::EventReader;
use crate::session::Session;
use crate::{ConnectError, Encoding, Socket};

/// The transport of a connection.
pub(crate) enum Wire {
    WebSocket(Box<WebSocketStream<Socket>>),
    /// A response that does not end, and where to post to.
    Events(Box<(Events, Session)>),
    /// Where to poll, and where to post to.
    Polls(Box<(Session, Session)>),
}

/// Where a client sends to.
pub(crate) enum Sending {
    WebSocket(SplitSink<WebSocketStream<Socket>, Frame>),
    Posts(Box<Posts>),
}

/// Where a client hears from.
pub(crate) enum Receiving {
    WebSocket {
        stream: SplitStream<WebSocketStream<Socket>>,
        /// The status of the close frame that has come.
        closed: Option<Option<u16>>,
    },
    Events(Box<Events>),
    Polls(Box<Session>),
}

/// What has come.
pub(crate) enum Came {
    /// Data of the hub protocol; empty if it was something of the transport's own.
    Data(Bytes),
    End(TransportEnd),
}

/// Nothing more can be sent; why is told by what comes.
#[derive(Debug)]
pub(crate) struct Broken;

impl Wire {
    pub(crate) fn split(self) -> (Sending, Receiving) {
        match self {
            Self::WebSocket(socket) => {
                let (sink, stream) = (*socket).split();
                let closed = None;
                (
                    Sending::WebSocket(sink),
                    Receiving::WebSocket { stream, closed },
                )
            }
            Self::Events(both) => {
                let (events, session) = *both;
                let posts = Posts {
                    session,
                    ends_by_delete: false,
                };
                (
                    Sending::Posts(Box::new(posts)),
                    Receiving::Events(Box::new(events)),
                )
            }
            Self::Polls(both) => {
                let (polls, session) = *both;
                let posts = Posts {
                    session,
                    ends_by_delete: true,
                };
                (
                    Sending::Posts(Box::new(posts)),
                    Receiving::Polls(Box::new(polls)),
                )
            }
        }
    }
}

/// What cannot be sent over a WebSocket, or has no WebSocket, is posted.
pub(crate) struct Posts {
    session: Session,
    ends_by_delete: bool,
}

impl Posts {
    async fn post(&mut self, data: Vec<u8>) -> Result<(), Broken> {
        let answer = self.session.exchange(Method::POST, data.into()).await;
        match answer {
            Ok(answer) if answer.status() == StatusCode::OK => Ok(()),
            _ => Err(Broken),
        }
    }
}

impl Sending {
    /// Sends hub messages in the kind of message that their format wants.
    pub(crate) async fn data(
        &mut self,
        format: TransferFormat,
        data: Vec<u8>,
    ) -> Result<(), Broken> {
        match self {
            Self::WebSocket(sink) => sink
                .send(data_message(format, data))
                .await
                .map_err(|_error| Broken),
            Self::Posts(posts) => posts.post(data).await,
        }
    }

    /// Sends a frame as it is; without a WebSocket what is in it, if it is data.
    pub(crate) async fn frame(&mut self, frame: Frame) -> Result<(), Broken> {
        match self {
            Self::WebSocket(sink) => sink.send(frame).await.map_err(|_error| Broken),
            Self::Posts(posts) if frame.is_text() || frame.is_binary() => {
                posts.post(frame.into_data().into()).await
            }
            Self::Posts(_) => Ok(()),
        }
    }

    /// Ends the connection as the official clients do: Close message and close frame, Close message, or DELETE.
    pub(crate) async fn stop(&mut self, encoding: Encoding, close: Vec<u8>) -> Result<(), Broken> {
        if let Self::Posts(posts) = self
            && posts.ends_by_delete
        {
            let deleted = posts.session.exchange(Method::DELETE, Bytes::new()).await;
            return deleted.map(drop).map_err(|_error| Broken);
        }
        self.data(encoding.transfer_format(), close).await?;
        // Without a status, as the official clients do.
        self.frame(Frame::Close(None)).await
    }
}

impl Receiving {
    /// What comes next.
    pub(crate) async fn next(&mut self) -> Came {
        match self {
            Self::WebSocket { stream, closed } => match stream.next().await {
                Some(Ok(Frame::Close(frame))) => {
                    // Reading on answers it, and ends when the server drops the stream.
                    *closed = Some(frame.map(|frame| u16::from(frame.code)));
                    Came::Data(Bytes::new())
                }
                Some(Ok(frame)) if frame.is_text() || frame.is_binary() => {
                    Came::Data(frame.into_data())
                }
                Some(Ok(_control)) => Came::Data(Bytes::new()),
                ended => Came::End(match (*closed, ended) {
                    (Some(status), _) => TransportEnd::CloseFrame(status),
                    (None, Some(Err(error))) => TransportEnd::Lost(error.to_string()),
                    (None, _) => TransportEnd::Lost("end of stream".to_owned()),
                }),
            },
            Self::Events(events) => events.next().await,
            Self::Polls(session) => poll(session).await,
        }
    }
}

/// An event stream that has begun.
pub(crate) struct Events {
    session: Session,
    body: Incoming,
    reader: EventReader,
}

impl Events {
    /// Attaches to a connection.
    pub(crate) async fn open(mut session: Session) -> Result<Self, ConnectError> {
        let response = session
            .request(Method::GET, Some("text/event-stream"), Bytes::new())
            .await?;
        let status = response.status();
        let mut body = response.into_body();
        if status != StatusCode::OK {
            let text = session.piece(&mut body).await.and_then(Result::ok);
            return Err(refused(status, &text.unwrap_or_default()));
        }
        let reader = EventReader::default();
        Ok(Self {
            session,
            body,
            reader,
        })
    }

    async fn next(&mut self) -> Came {
        loop {
            match self.reader.next() {
                Ok(Some(event)) => return Came::Data(event.into()),
                Ok(None) => {}
                Err(text) => return Came::End(TransportEnd::Malformed(text)),
            }
            match self.session.piece(&mut self.body).await {
                Some(Ok(piece)) => self.reader.push(&piece),
                Some(Err(error)) => return Came::End(TransportEnd::Lost(error.to_string())),
                None => return Came::End(TransportEnd::Finished),
            }
        }
    }
}

/// The first poll, which attaches.
pub(crate) async fn open_polls(session: &mut Session) -> Result<(), ConnectError> {
    let answer = session.exchange(Method::GET, Bytes::new()).await?;
    match answer.status() {
        StatusCode::OK => Ok(()),
        status => Err(refused(status, answer.body())),
    }
}

async fn poll(session: &mut Session) -> Came {
    match session.exchange(Method::GET, Bytes::new()).await {
        Ok(answer) => match answer.status() {
            StatusCode::OK => Came::Data(answer.into_body()),
            StatusCode::NO_CONTENT => Came::End(TransportEnd::Finished),
            status => Came::End(TransportEnd::Status(status.as_u16())),
        },
        Err(error) => Came::End(TransportEnd::Lost(error.to_string())),
    }
}

fn refused(status: StatusCode, body: &[u8]) -> ConnectError {
    ConnectError::Status {
        status: status.as_u16(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

/// Hub data as one WebSocket message of the kind that the format wants.
fn data_message(format: TransferFormat, data: Vec<u8>) -> Frame {
    match format {
        TransferFormat::Binary => Frame::Binary(data.into()),
        TransferFormat::Text => match String::from_utf8(data) {
            Ok(text) => Frame::Text(text.into()),
            Err(other) => Frame::Binary(other.into_bytes().into()),
        },
    }
}
