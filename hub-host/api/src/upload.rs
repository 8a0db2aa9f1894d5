use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context as TaskContext, Poll, Waker};

use futures_util::future::BoxFuture;
use futures_util::stream::{Stream, StreamExt};
use hubplane_proto_ids::InvocationId;
use hubplane_proto_link::{Payload, ToGateway, UPLOAD_CREDIT_ITEMS};
use serde::de::DeserializeOwned;

use crate::host::{Connection, LinkLost, Refused, post};
use crate::{HubError, value};

/// So many items are taken before as many more are asked for.
const CREDIT_BATCH: u32 = UPLOAD_CREDIT_ITEMS / 2;

/// A stream that a client sends with its invocation, as a parameter of a method.
///
/// A method may take several, among its other parameters; the client gives them in the same order. Items come as the
/// method takes them: a client that is faster waits, with at most ten items under way. Dropping an upload says that
/// nobody reads it any more.
///
/// It ends with `None` when the client completes it, and with an error when the client gives one, when an item is no
/// `T`, or when the connection is gone.
///
/// ```
/// # use hubplane_hub::*;
/// # #[derive(Default)]
/// # struct Sums;
/// #[hub]
/// impl Sums {
///     async fn sum(&self, mut numbers: Upload<i32>) -> Result<i32, HubError> {
///         let mut sum = 0;
///         while let Some(number) = numbers.next().await {
///             sum += number?;
///         }
///         Ok(sum)
///     }
/// }
///
/// let ana = testing::TestHub::new(Sums).connect("ana");
/// let (sum, [numbers]) = ana.start_with_uploads::<i32, 1>("sum", ());
/// numbers.send(40);
/// numbers.send(2);
/// numbers.complete();
/// assert_eq!(sum.result(), Ok(42));
/// ```
#[doc(alias = "IAsyncEnumerable")]
#[doc(alias = "ChannelReader")]
pub struct Upload<T> {
    source: Option<Source>,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Upload<T> {
    pub(crate) fn new(source: Option<Source>) -> Self {
        Self {
            source,
            items: PhantomData,
        }
    }

    /// The next item; `None` when the client has completed the stream. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<T, HubError>> {
        StreamExt::next(self).await
    }
}

impl<T> Unpin for Upload<T> {}

impl<T: DeserializeOwned> Stream for Upload<T> {
    type Item = Result<T, HubError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<T, HubError>>> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let taken = match source.poll(cx) {
            Poll::Ready(taken) => taken,
            Poll::Pending => return Poll::Pending,
        };
        let item = match taken {
            Taken::Item(item) => value::read(item.encoding, &item.bytes)
                .map_err(|error| unbound(source.detailed, &error)),
            Taken::Failed(error) => Err(error),
            Taken::End => {
                self.source = None;
                return Poll::Ready(None);
            }
        };
        if item.is_err() {
            // Nothing comes behind an error.
            self.source = None;
        }
        Poll::Ready(Some(item))
    }
}

/// The error of an item that is no value of its type (reference signalr-core 11.5).
fn unbound(detailed: bool, error: &crate::ValueError) -> HubError {
    let base = "Failed to bind Stream message.";
    if detailed {
        HubError::new(format!("{base} ValueError: {error}"))
    } else {
        HubError::new(base)
    }
}

impl<T> fmt::Debug for Upload<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("open", &self.source.is_some())
            .finish()
    }
}

/// The uploads of one invocation, in the order of its parameters.
#[derive(Clone, Default)]
pub struct Uploads(Arc<Mutex<VecDeque<Source>>>);

impl Uploads {
    pub(crate) fn new(sources: VecDeque<Source>) -> Self {
        Self(Arc::new(Mutex::new(sources)))
    }

    /// The one of the next parameter.
    pub fn take<T: DeserializeOwned>(&self) -> Upload<T> {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Upload::new(sources.pop_front())
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uploads")
    }
}

/// What an upload has that did not fit: nothing of it reaches the hub.
pub(crate) enum Taken {
    Item(Payload),
    Failed(HubError),
    End,
}

/// Between the link, which puts, and a method, which takes.
#[derive(Default)]
pub(crate) struct Channel(Mutex<State>);

#[derive(Default)]
struct State {
    items: VecDeque<Payload>,
    /// How it ended; nothing comes behind it.
    end: Option<Result<(), HubError>>,
    ended: bool,
    /// Nobody takes any more.
    closed: bool,
    waiting: Option<Waker>,
}

impl Channel {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An item has come. A gateway sends no more than there is credit for; one that does ends the stream.
    pub(crate) fn put(&self, item: Payload) {
        let full = self.with(|state| {
            if state.ended || state.closed {
                return false;
            }
            if state.items.len() >= UPLOAD_CREDIT_ITEMS as usize {
                return true;
            }
            state.items.push_back(item);
            state.wake();
            false
        });
        if full {
            self.end(Err(HubError::hidden(
                "InvalidDataException",
                "more items than were asked for",
            )));
        }
    }

    /// Nothing follows.
    pub(crate) fn end(&self, end: Result<(), HubError>) {
        self.with(|state| {
            if !state.ended {
                state.ended = true;
                state.end = Some(end);
                state.wake();
            }
        });
    }

    /// Whether nobody needs to be told that nobody reads: the client has ended it, or it was said before.
    fn close(&self) -> bool {
        self.with(|state| {
            state.items.clear();
            let known = state.ended || state.closed;
            state.closed = true;
            known
        })
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// The reading end of one upload.
pub(crate) struct Source {
    channel: Arc<Channel>,
    connection: Weak<Connection>,
    stream: InvocationId,
    detailed: bool,
    taken: u32,
    crediting: Option<BoxFuture<'static, Result<(), LinkLost>>>,
}

impl Source {
    pub(crate) fn new(
        channel: Arc<Channel>,
        connection: &Arc<Connection>,
        stream: InvocationId,
        detailed: bool,
    ) -> Self {
        Self {
            channel,
            connection: Arc::downgrade(connection),
            stream,
            detailed,
            taken: 0,
            crediting: None,
        }
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Taken> {
        let taken = self.channel.with(|state| {
            if let Some(item) = state.items.pop_front() {
                return Some((Taken::Item(item), !state.ended));
            }
            if state.ended {
                let end = match state.end.take() {
                    Some(Err(error)) => Taken::Failed(error),
                    Some(Ok(())) | None => Taken::End,
                };
                return Some((end, false));
            }
            state.waiting = Some(cx.waker().clone());
            None
        });
        if let Some((Taken::Item(_), true)) = &taken {
            self.taken += 1;
        }
        self.credit(cx);
        match taken {
            Some((taken, _)) => Poll::Ready(taken),
            None => Poll::Pending,
        }
    }

    /// Gives back what was taken, a few at a time. Whatever waits here is polled with the next item.
    fn credit(&mut self, cx: &mut TaskContext<'_>) {
        if let Some(crediting) = &mut self.crediting {
            if crediting.as_mut().poll(cx).is_pending() {
                return;
            }
            self.crediting = None;
        }
        if self.taken < CREDIT_BATCH {
            return;
        }
        let Some(connection) = self.connection.upgrade() else {
            return;
        };
        let port = &connection.origin.port;
        let frame = ToGateway::UploadCredit {
            connection: connection.id().clone(),
            stream_id: self.stream.clone(),
            items: std::mem::take(&mut self.taken),
        };
        if let Err(Refused::Full(frame)) = port.try_send(frame) {
            let mut crediting = port.send(*frame);
            if crediting.as_mut().poll(cx).is_pending() {
                self.crediting = Some(crediting);
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let known = self.channel.close();
        let Some(connection) = self.connection.upgrade() else {
            return;
        };
        let ours = connection.forget_upload(&self.stream, &self.channel);
        if ours && !known {
            let frame = ToGateway::UploadClosed {
                connection: connection.id().clone(),
                stream_id: self.stream.clone(),
            };
            post(&connection.origin.port, frame);
        }
    }
}
