//! One task's life: polled until it ends, panics or is told to stop.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;

use super::Outcome;

/// How a task ended.
pub(super) enum End {
    /// By itself, well, or because it was told to stop.
    Done,
    /// By an error or a panic.
    Failed(String),
}

/// Runs `future` until it ends.
pub(super) async fn run<F>(future: F) -> End
where
    F: Future<Output: Outcome>,
{
    let mut future = pin!(future);
    poll_fn(move |cx| poll(future.as_mut(), cx)).await
}

/// Runs `future` until it ends or `stop` fires.
///
/// The future is asked first, so that one that does not wait costs nothing but its own work: the stop
/// signal, which takes a lock, is looked at only while the future waits.
pub(super) async fn run_until<F>(future: F, stop: &CancellationToken) -> End
where
    F: Future<Output: Outcome>,
{
    if stop.is_cancelled() {
        return End::Done;
    }
    let mut future = pin!(future);
    let mut stopped = pin!(stop.cancelled());
    poll_fn(move |cx| match poll(future.as_mut(), cx) {
        Poll::Pending => stopped.as_mut().poll(cx).map(|()| End::Done),
        ended => ended,
    })
    .await
}

/// Polls once, and makes a panic an end of this task alone.
fn poll<F>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<End>
where
    F: Future<Output: Outcome>,
{
    // A task that panicked is never polled again, so nobody sees what the panic left half done.
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Err(panic) => Poll::Ready(End::Failed(panic_text(&*panic))),
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(outcome.failure().map_or(End::Done, End::Failed)),
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "panicked: {}",
        text.unwrap_or("with a value that is no text")
    )
}
