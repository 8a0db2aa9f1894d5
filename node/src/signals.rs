//! How the operating system, or a person at a terminal, ends the process.

use std::fmt;
use std::io;

/// What asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`, or Ctrl-C.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The two signals that end a node: the first begins the drain, the second ends it at once.
///
/// From the moment that this exists the process no longer dies of these signals by itself.
#[derive(Debug)]
pub struct Shutdown {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    first: Option<Signal>,
}

impl Shutdown {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the operating system refuses a handler.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                first: None,
            })
        }
        #[cfg(not(unix))]
        Ok(Self { first: None })
    }

    /// Waits for the first signal; resolves at once when it has come. Cancel safe.
    pub async fn first(&mut self) -> Signal {
        if let Some(signal) = self.first {
            return signal;
        }
        let signal = self.next().await;
        self.first = Some(signal);
        signal
    }

    /// Waits for a signal after the first one. Cancel safe.
    pub async fn second(&mut self) -> Signal {
        self.first().await;
        self.next().await
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_refused) => std::future::pending().await,
        }
    }
}
