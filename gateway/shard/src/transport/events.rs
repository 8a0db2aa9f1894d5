//! Server-Sent Events (reference signalr-core 7).

use std::time::Instant;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::shard::Shard;
use crate::transport::Wire;
use crate::transport::body::{BodyReader, BodyWriter, body};

/// The first bytes of a stream, by which a browser knows that it is open.
const PRELUDE: &[u8] = b":\r\n";
const DATA: &[u8] = b"data: ";
const END_OF_LINE: &[u8] = b"\r\n";

/// The body of an event stream, both ends; what it begins with is in it.
pub fn event_stream() -> (BodyWriter, BodyReader) {
    body(Bytes::from_static(PRELUDE))
}

/// The response that a shard fills with events.
pub(crate) struct Events {
    pub(crate) body: BodyWriter,
    /// The last has been said; until when it is waited for that the client takes it.
    pub(crate) closing: Option<Instant>,
}

impl Events {
    pub(crate) const fn new(body: BodyWriter) -> Self {
        Self {
            body,
            closing: None,
        }
    }
}

/// One event. A line feed in the payload begins another line of data, and takes one carriage return in front of it along,
/// unless that is the payload's first byte (recorded).
pub(crate) fn event(payload: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(payload.len() + 16);
    let mut lines = payload.split(|byte| *byte == b'\n').peekable();
    let mut first = true;
    while let Some(mut line) = lines.next() {
        let is_last = lines.peek().is_none();
        let is_first_byte = first && line.len() == 1;
        if !is_last && !is_first_byte {
            line = line.strip_suffix(b"\r").unwrap_or(line);
        }
        first = false;
        event.put_slice(DATA);
        event.put_slice(line);
        event.put_slice(END_OF_LINE);
    }
    event.put_slice(END_OF_LINE);
    event.freeze()
}

impl Shard {
    /// Moves what waits into the body, as far as it fits.
    pub(crate) fn flush_events(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Some(Wire::Events(events)) = &entry.wire else {
            return;
        };
        let (mut bytes, mut count, now) = (0, 0, self.now);
        let queue = &mut entry.queue;
        let full = events.body.fill(|| {
            let (_, event) = queue.take(now)?;
            bytes += event.len() as u64;
            count += 1;
            Some(event)
        });
        entry.blocked = full;
        self.metrics.writes += u64::from(count > 0);
        self.metrics.bytes_out += bytes;
        self.metrics.frames_written += count;
        self.written(place);
    }

    /// The body has room again, or nobody reads it any more.
    pub(crate) fn look_at_events(&mut self, place: usize) {
        let Some(entry) = self.entries.get(place) else {
            return;
        };
        if let Some(Wire::Events(events)) = &entry.wire
            && events.body.is_forsaken()
        {
            self.lose_wire(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::event;

    #[test]
    fn events_are_framed_as_recorded() {
        for (payload, lines) in [
            ("one", "data: one\r\n\r\n"),
            ("one\ntwo", "data: one\r\ndata: two\r\n\r\n"),
            ("one\r\ntwo", "data: one\r\ndata: two\r\n\r\n"),
            ("one\n", "data: one\r\ndata: \r\n\r\n"),
            ("\n", "data: \r\ndata: \r\n\r\n"),
            ("\r\n", "data: \r\r\ndata: \r\n\r\n"),
            ("one\rtwo", "data: one\rtwo\r\n\r\n"),
            ("one\n\ntwo", "data: one\r\ndata: \r\ndata: two\r\n\r\n"),
            ("one\r", "data: one\r\r\n\r\n"),
            ("data: x", "data: data: x\r\n\r\n"),
        ] {
            assert_eq!(event(payload.as_bytes()), lines, "{payload:?}");
        }
    }
}
