//! UTF-8 that comes in pieces.

/// Checks a text message whose pieces end anywhere. Keeps at most the three bytes of an unfinished character.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Utf8 {
    unfinished: [u8; 4],
    len: u8,
}

/// The text is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotUtf8;

impl Utf8 {
    pub(crate) const fn new() -> Self {
        Self {
            unfinished: [0; 4],
            len: 0,
        }
    }

    /// The next piece.
    pub(crate) fn push(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.len > 0 {
            let Some((&next, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.unfinished[usize::from(self.len)] = next;
            self.len += 1;
            piece = rest;
            match std::str::from_utf8(&self.unfinished[..usize::from(self.len)]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                // A fourth byte always decides: here at most three are kept.
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NotUtf8),
            Err(error) => {
                let rest = &piece[error.valid_up_to()..];
                self.unfinished[..rest.len()].copy_from_slice(rest);
                self.len = rest.len() as u8;
                Ok(())
            }
        }
    }

    /// The end of the message. The next one starts afresh.
    pub(crate) fn finish(&mut self) -> Result<(), NotUtf8> {
        let whole = self.len == 0;
        self.len = 0;
        if whole { Ok(()) } else { Err(NotUtf8) }
    }
}
