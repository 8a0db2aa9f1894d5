//! What clients of event streams and polls post (reference signalr-core 8.3).

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Response, StatusCode};
use hubplane_proto_link::Transport;
use hyper::body::Body as _;

use super::{Refusal, token};
use crate::answer;
use crate::front::{Asked, Front};
use crate::registry::Posted;

/// The longest body, in bytes: that of the reference's host.
const BODY_BYTES_MAX: u64 = 30_000_000;
/// A body goes to its connection in pieces of about this length, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// How long the next bytes of a body may take.
const BYTES_TIMEOUT: Duration = Duration::from_secs(30);

/// Hands a body to its connection, behind all that were posted to it before.
pub(crate) async fn post(front: &Front, asked: Asked) -> Response<Body> {
    match read(front, asked).await {
        Ok(()) => answer::empty(StatusCode::OK),
        Err(refusal) => refusal.response(),
    }
}

async fn read(front: &Front, asked: Asked) -> Result<(), Refusal> {
    let token = token(&asked)?;
    let registry = &front.core.registry;
    let found = registry.find(&token, &asked.hub, Instant::now());
    if found.ok_or(Refusal::Unknown)?.transport == Some(Transport::WebSockets) {
        return Err(Refusal::PostToWebSocket);
    }
    let turn = registry.turn(&token, &asked.hub).ok_or(Refusal::Unknown)?;
    let _turn = turn.post().await;
    let body = asked.request.into_body();
    if body.size_hint().lower() > BODY_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let mut body = body.into_data_stream();
    let mut read_bytes = 0;
    while let Some(piece) = piece(&mut body).await? {
        read_bytes += piece.len() as u64;
        if read_bytes > BODY_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        loop {
            let change = turn.change();
            match registry.post(&token, &asked.hub, &piece, Instant::now()) {
                Posted::Kept => break,
                // Its transport comes, or its time is over.
                Posted::Full => change.await,
                Posted::For(owner) => {
                    let posted = owner.post(&front.core, piece).await;
                    posted.map_err(|_gone| Refusal::Gone)?;
                    break;
                }
                Posted::Gone => return Err(Refusal::Gone),
            }
        }
    }
    Ok(())
}

/// The next piece of a body: all of it if it is short, so that one that breaks off leaves nothing behind.
async fn piece(body: &mut BodyDataStream) -> Result<Option<Bytes>, Refusal> {
    let Some(first) = next(body).await? else {
        return Ok(None);
    };
    if first.len() >= PIECE_BYTES {
        return Ok(Some(first));
    }
    let mut piece = BytesMut::from(first);
    while piece.len() < PIECE_BYTES
        && let Some(more) = next(body).await?
    {
        piece.extend_from_slice(&more);
    }
    Ok(Some(piece.freeze()))
}

async fn next(body: &mut BodyDataStream) -> Result<Option<Bytes>, Refusal> {
    match tokio::time::timeout(BYTES_TIMEOUT, body.next()).await {
        Ok(next) => next.transpose().map_err(|_broken| Refusal::Broken),
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}
