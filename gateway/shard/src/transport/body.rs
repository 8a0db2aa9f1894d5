//! The body of a response that never ends by itself: a shard fills it, and an HTTP server drains it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

/// A body takes no more once it holds this many bytes; one piece may be of any length.
const ROOM_BYTES: usize = 16 * 1024;

/// The shard's end of a body. Dropping it ends the body in order, behind what it holds.
#[derive(Debug)]
pub struct BodyWriter(Arc<Shared>);

/// The HTTP server's end of a body. Dropping it tells the shard that the client has gone.
#[derive(Debug)]
pub struct BodyReader(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Bytes>,
    /// The length of all of them.
    bytes: usize,
    ended: bool,
    /// Nobody reads any more.
    forsaken: bool,
    /// The writer has more, and waits for room.
    wanted: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// A body that begins with this piece.
pub(crate) fn body(first: Bytes) -> (BodyWriter, BodyReader) {
    let state = State {
        bytes: first.len(),
        pieces: VecDeque::from([first]),
        ..State::default()
    };
    let shared = Arc::new(Shared(Mutex::new(state)));
    (BodyWriter(Arc::clone(&shared)), BodyReader(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BodyWriter {
    /// From now on `waker` is told when there is room again, and when nobody reads any more.
    pub(crate) fn tell(&self, waker: &Waker) {
        let mut state = self.0.lock();
        state.writer = Some(waker.clone());
        if state.forsaken {
            waker.wake_by_ref();
        }
    }

    /// Takes pieces of `next` while there is room. True if there is none left: then the waker is told of it.
    pub(crate) fn fill(&self, mut next: impl FnMut() -> Option<Bytes>) -> bool {
        let mut state = self.0.lock();
        let before = state.pieces.len();
        while state.bytes < ROOM_BYTES
            && let Some(piece) = next()
        {
            state.bytes += piece.len();
            state.pieces.push_back(piece);
        }
        let grown = state.pieces.len() > before;
        state.wanted = state.bytes >= ROOM_BYTES;
        let full = state.wanted;
        let reader = state.reader.take_if(|_| grown);
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        full
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_forsaken(&self) -> bool {
        self.0.lock().forsaken
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        state.writer = None;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl BodyReader {
    /// What comes next, small pieces put together; `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.0.lock();
        let Some(next) = state.take() else {
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let wanted = std::mem::take(&mut state.wanted);
        let writer = state.writer.clone().filter(|_| wanted);
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(Some(next))
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.forsaken = true;
        state.pieces = VecDeque::new();
        state.reader = None;
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

impl State {
    /// All that it holds, in one piece: an HTTP chunk has a price of its own. A long piece stays what it is.
    fn take(&mut self) -> Option<Bytes> {
        let joined = match self.pieces.len() {
            0 => return None,
            1 => self.pieces.pop_front()?,
            _ => self.join()?,
        };
        self.bytes -= joined.len();
        if self.pieces.is_empty() {
            // An idle body keeps no room.
            self.pieces = VecDeque::new();
        }
        Some(joined)
    }

    fn join(&mut self) -> Option<Bytes> {
        if self.pieces.front()?.len() >= ROOM_BYTES {
            return self.pieces.pop_front();
        }
        let mut joined = BytesMut::with_capacity(self.bytes.min(ROOM_BYTES));
        while let Some(piece) = self
            .pieces
            .pop_front_if(|piece| joined.is_empty() || joined.len() + piece.len() <= ROOM_BYTES)
        {
            joined.extend_from_slice(&piece);
        }
        Some(joined.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn taken(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    fn read(reader: &mut BodyReader, waker: &Waker) -> Poll<Option<Bytes>> {
        reader.poll_next(&mut Context::from_waker(waker))
    }

    #[test]
    fn pieces_come_in_order_and_small_ones_together_and_then_the_end() {
        let (writer, mut reader) = body(Bytes::from_static(b":"));
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert_eq!(
            read(&mut reader, &waker),
            Poll::Ready(Some(Bytes::from_static(b":")))
        );
        assert_eq!(read(&mut reader, &waker), Poll::Pending);
        let mut pieces = ["a", "b", "c"].map(Bytes::from).into_iter();
        assert!(!writer.fill(|| pieces.next()));
        assert_eq!(woken.taken(), 1);
        drop(writer);
        assert_eq!(
            read(&mut reader, &waker),
            Poll::Ready(Some(Bytes::from_static(b"abc")))
        );
        assert_eq!(read(&mut reader, &waker), Poll::Ready(None));
    }

    #[test]
    fn a_full_body_takes_no_more_and_says_when_it_does_again() {
        let (writer, mut reader) = body(Bytes::from_static(b":"));
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        writer.tell(&waker);
        let mut taken = 0;
        let mut endless = || {
            taken += 1;
            Some(Bytes::from_static(&[b'x'; 10_000]))
        };
        assert!(writer.fill(&mut endless));
        assert!(writer.fill(&mut endless));
        assert_eq!((taken, woken.taken()), (2, 0));
        let Poll::Ready(Some(first)) = read(&mut reader, &waker) else {
            panic!("nothing to read");
        };
        assert_eq!((first.len(), woken.taken()), (10_001, 1));
        let Poll::Ready(Some(second)) = read(&mut reader, &waker) else {
            panic!("nothing to read");
        };
        assert_eq!(
            (second.len(), woken.taken()),
            (10_000, 0),
            "told once for each time that it waited"
        );
    }

    #[test]
    fn a_reader_that_goes_is_noticed_even_before_anybody_listens() {
        let (writer, reader) = body(Bytes::new());
        drop(reader);
        assert!(writer.is_forsaken());
        let woken = Arc::new(Count::default());
        writer.tell(&Waker::from(Arc::clone(&woken)));
        assert_eq!(woken.taken(), 1);
    }
}
