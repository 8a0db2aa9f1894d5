//! One HTTP connection for several requests, one after the other: what event streams, polls and posts need.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::http::{Route, authority, open, parse};
use crate::{ConnectError, Options, Socket, Trust};

/// Requests to one address. Whoever waits for an answer, or for a piece of its body, drives the connection meanwhile.
pub(crate) struct Session {
    uri: Uri,
    headers: Vec<(String, String)>,
    local: Option<IpAddr>,
    trust: Option<Trust>,
    open: Option<Open>,
}

struct Open {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    connection: Option<Pin<Box<Driven>>>,
}

type Driven = http1::Connection<TokioIo<Socket>, Full<Bytes>>;

impl Session {
    /// Requests to `url` with these headers each.
    pub(crate) fn new(
        url: &str,
        headers: Vec<(String, String)>,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            uri: parse(url)?,
            headers,
            local: options.local_address,
            trust: options.trust.clone(),
            open: None,
        })
    }

    /// Sends a request and returns its answer, the body unread.
    pub(crate) async fn request(
        &mut self,
        method: Method,
        accept: Option<&str>,
        body: Bytes,
    ) -> Result<Response<Incoming>, ConnectError> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, authority(&self.uri));
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(body))
            .map_err(ConnectError::Header)?;
        let open = self.opened().await?;
        let Open { sender, connection } = open;
        drive(connection, sender.send_request(request))
            .await
            .map_err(ConnectError::Request)
    }

    /// The same, and reads the body.
    pub(crate) async fn exchange(
        &mut self,
        method: Method,
        body: Bytes,
    ) -> Result<Response<Bytes>, ConnectError> {
        let (head, mut body) = self.request(method, None, body).await?.into_parts();
        let mut whole = Vec::new();
        while let Some(piece) = self.piece(&mut body).await {
            whole.extend_from_slice(&piece.map_err(ConnectError::Request)?);
        }
        Ok(Response::from_parts(head, whole.into()))
    }

    /// The next piece of a body.
    pub(crate) async fn piece(
        &mut self,
        body: &mut Incoming,
    ) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            let mut ended = None;
            let connection = match &mut self.open {
                Some(open) => &mut open.connection,
                None => &mut ended,
            };
            match drive(connection, body.frame()).await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some(Ok(data)),
                    Err(_trailers) => {}
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The connection, a new one if the server has ended the last.
    async fn opened(&mut self) -> Result<&mut Open, ConnectError> {
        let mut usable = false;
        if let Some(open) = &mut self.open {
            // Whether the server has ended it meanwhile.
            drive(&mut open.connection, poll_fn(|_| Poll::Ready(()))).await;
            usable = open.connection.is_some() && !open.sender.is_closed();
        }
        if !usable {
            let route = Route {
                local: self.local,
                trust: self.trust.as_ref(),
            };
            let stream = TokioIo::new(open(&self.uri, &route).await?);
            let (sender, connection) = http1::handshake(stream)
                .await
                .map_err(ConnectError::Request)?;
            self.open = Some(Open {
                sender,
                connection: Some(Box::pin(connection)),
            });
        }
        self.open.as_mut().ok_or(ConnectError::Ended)
    }
}

/// Waits for what needs a connection to go on. Its end, or its failure, is what that then ends with.
async fn drive<T, C: Future + Unpin>(
    connection: &mut Option<C>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    poll_fn(|cx| {
        if let Some(running) = connection
            && Pin::new(running).poll(cx).is_ready()
        {
            *connection = None;
        }
        work.as_mut().poll(cx)
    })
    .await
}
