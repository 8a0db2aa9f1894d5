//! Reading Server-Sent Events, as strictly as the .NET client does (`signalr-core` 7).

use bytes::{Buf as _, BytesMut};

/// Takes events apart as their bytes come.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    unread: BytesMut,
    /// The lines of the event that has begun.
    lines: Vec<Vec<u8>>,
}

impl EventReader {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next whole event; `Err` with a line that no server may send.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line = self.unread.split_to(end);
            self.unread.advance(1);
            let Some(line) = line.strip_suffix(b"\r") else {
                return Err(format!(
                    "a line without CR: {:?}",
                    String::from_utf8_lossy(&line)
                ));
            };
            if line.is_empty() {
                if !self.lines.is_empty() {
                    return Ok(Some(std::mem::take(&mut self.lines).join(&b'\n')));
                }
            } else if let Some(data) = line.strip_prefix(b"data: ") {
                self.lines.push(data.to_vec());
            } else if !line.starts_with(b":") {
                return Err(format!(
                    "no line of data: {:?}",
                    String::from_utf8_lossy(line)
                ));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn events_come_whole_however_their_bytes_are_cut() {
        let bytes = b":\r\ndata: a\r\n\r\ndata: b\r\ndata: c\r\n\r\n";
        for cut in 1..bytes.len() {
            let mut reader = EventReader::default();
            let mut events = Vec::new();
            for piece in bytes.chunks(cut) {
                reader.push(piece);
                while let Some(event) = reader.next().unwrap() {
                    events.push(String::from_utf8(event).unwrap());
                }
            }
            assert_eq!(events, ["a", "b\nc"], "{cut}");
        }
    }

    #[test]
    fn what_the_dotnet_client_refuses_is_refused() {
        for line in ["event: x\r\n", "data:x\r\n", "data: x\n", "x\r\n"] {
            let mut reader = EventReader::default();
            reader.push(line.as_bytes());
            assert!(reader.next().is_err(), "{line:?}");
        }
    }
}
