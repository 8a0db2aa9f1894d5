use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use futures_util::stream::{BoxStream, Stream, StreamExt as _};

use crate::HubError;

/// A stream of items that answers an invocation: what a method returns to clients that call `stream(…)`.
///
/// Made from any `Stream`, from values that are there already, or by [`generate`](Self::generate). A method may also
/// return `impl Stream<Item = T>`, or `Result<Items<T>, HubError>` where it can fail before it has a stream; then write
/// the type out, the macro reads it.
///
/// The stream is polled as fast as the client takes items, and no faster. It is dropped where it stands when the client
/// cancels or is gone ([`Context::cancelled`](crate::Context::cancelled) tells others). An error ends it:
/// the client keeps the items that it has and reads that the stream failed.
///
/// ```
/// # use hubplane_hub::*;
/// # #[derive(Default)]
/// # struct Numbers;
/// #[hub]
/// impl Numbers {
///     fn count(&self, to: u32) -> Items<u32> {
///         Items::of(0..to)
///     }
///
///     fn halves(&self, of: u32) -> Items<u32> {
///         Items::generate(async move |mut items| {
///             let mut rest = of;
///             while rest > 1 {
///                 if rest % 2 == 1 {
///                     return Err(HubError::new("odd"));
///                 }
///                 rest /= 2;
///                 items.give(rest).await;
///             }
///             Ok(())
///         })
///     }
/// }
///
/// let ana = testing::TestHub::new(Numbers).connect("ana");
/// assert_eq!(ana.stream::<u32>("count", (3,)).collect(), (vec![0, 1, 2], Ok(())));
/// let (halves, end) = ana.stream::<u32>("halves", (12,)).collect();
/// assert_eq!(halves, [6, 3]);
/// assert!(end.unwrap_err().ends_with("HubException: odd"));
/// ```
#[must_use = "a client sees nothing of a stream that is not returned"]
#[doc(alias = "IAsyncEnumerable")]
#[doc(alias = "ChannelReader")]
pub struct Items<T>(BoxStream<'static, Result<T, HubError>>);

impl<T: Send + 'static> Items<T> {
    /// What this stream gives.
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self(stream.map(Ok).boxed())
    }

    /// What this stream gives, up to its first error.
    pub fn fallible<E: Into<HubError>>(
        stream: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Self {
        Self(stream.map(|item| item.map_err(Into::into)).boxed())
    }

    /// These values.
    pub fn of(values: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self::new(futures_util::stream::iter(values))
    }

    /// What this code gives, one item after the other: it goes on behind `give(…).await` when the item before is on its
    /// way. It is dropped where it waits when the client cancels.
    pub fn generate<F>(code: impl FnOnce(Giving<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), HubError>> + Send + 'static,
    {
        let given = Arc::new(Mutex::new(None));
        let code = code(Giving(Arc::clone(&given)));
        let generated = Generated {
            code: Some(Box::pin(code)),
            given,
        };
        Self(generated.boxed())
    }
}

impl<T> Stream for Items<T> {
    type Item = Result<T, HubError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<T, HubError>>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

type Given<T> = Arc<Mutex<Option<T>>>;

fn take<T>(given: &Given<T>) -> Option<T> {
    given.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Where the code of [`Items::generate`] puts its items.
pub struct Giving<T>(Given<T>);

impl<T> Giving<T> {
    /// Gives an item, and waits until it is on its way. Not cancel safe: dropped before it resolves, the item may go out
    /// or not.
    pub async fn give(&mut self, item: T) {
        let mut item = Some(item);
        std::future::poll_fn(|cx| {
            let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if given.is_none() {
                match item.take() {
                    Some(item) => *given = Some(item),
                    None => return Poll::Ready(()),
                }
            }
            // It is taken when this code waits; who polls this beside something else has to come back all the same.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl<T> fmt::Debug for Giving<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Giving")
    }
}

struct Generated<T, F> {
    /// Nothing once it has ended.
    code: Option<Pin<Box<F>>>,
    given: Given<T>,
}

impl<T, F: Future<Output = Result<(), HubError>>> Stream for Generated<T, F> {
    type Item = Result<T, HubError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<T, HubError>>> {
        let Some(code) = &mut self.code else {
            return Poll::Ready(None);
        };
        let polled = code.as_mut().poll(cx);
        if polled.is_ready() {
            self.code = None;
        }
        match (take(&self.given), polled) {
            (Some(item), _) => Poll::Ready(Some(Ok(item))),
            (None, Poll::Ready(Ok(()))) => Poll::Ready(None),
            (None, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error))),
            (None, Poll::Pending) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn all<T: Send + 'static>(items: Items<T>) -> Vec<Result<T, String>> {
        items
            .map(|item| item.map_err(|error| error.text().to_owned()))
            .collect()
            .now_or_never()
            .unwrap()
    }

    #[test]
    fn a_generator_gives_its_items_and_then_its_error() {
        let counted = Items::generate(async |mut items| {
            items.give(1).await;
            items.give(2).await;
            Err(HubError::new("enough"))
        });
        assert_eq!(all(counted), [Ok(1), Ok(2), Err("enough".to_owned())]);
        let none = Items::<u8>::generate(async |_| Ok(()));
        assert_eq!(all(none), []);
    }

    #[test]
    fn a_generator_that_waits_is_waited_for() {
        let (go, gone) = (
            crate::signal::Signal::default(),
            crate::signal::Signal::default(),
        );
        let waits = go.clone();
        let mut items = Items::generate(async move |mut items| {
            waits.fired().await;
            items.give(1).await;
            gone.fired().await;
            Ok(())
        });
        assert!(items.next().now_or_never().is_none());
        go.fire();
        assert!(matches!(items.next().now_or_never(), Some(Some(Ok(1)))));
        assert!(items.next().now_or_never().is_none());
    }
}
