//! Whether new connections are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const NOT_READY: u8 = 0;
const OPEN: u8 = 1;
const DRAINING: u8 = 2;

/// Whether this gateway takes new connections. Every clone is the same switch.
#[derive(Debug, Clone, Default)]
pub struct Admission(Arc<AtomicU8>);

impl Admission {
    /// From now on new connections are taken.
    pub fn open(&self) {
        self.0.store(OPEN, Ordering::Release);
    }

    /// From now on new connections are refused; those that are there stay.
    pub fn close(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Why a new connection is refused with 503, if it is.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Acquire) {
            OPEN => None,
            NOT_READY => Some("This gateway is not ready yet"),
            _ => Some("This gateway is shutting down"),
        }
    }
}
