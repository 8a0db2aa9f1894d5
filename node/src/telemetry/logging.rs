//! The log: where lines go, and how they look.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use crate::config::{Log, LogFormat};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is none.
    #[error("the log's filter is invalid")]
    Filter(#[from] ParseError),
    /// The process has a log already.
    #[error("the process has a log already")]
    Twice(#[from] TryInitError),
}

/// Sets the log of this process, on standard error, and has panics logged.
///
/// # Errors
/// When the filter is invalid, or the process has a log already.
pub fn init_logging(log: &Log) -> Result<(), LoggingError> {
    let colours = std::io::stderr().is_terminal();
    subscriber(log, std::io::stderr, colours)?.try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// What turns events into lines.
pub(super) fn subscriber<W>(
    log: &Log,
    writer: W,
    colours: bool,
) -> Result<impl Subscriber + Send + Sync + use<W>, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(Registry::default().with(filter).with(lines))
}

/// Panics are lines of the log, in its format, like any other fault.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("with no text");
    let location = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    tracing::error!(
        thread = thread.name(),
        location,
        backtrace = backtrace.as_ref().map(tracing::field::display),
        "panicked: {message}"
    );
}
