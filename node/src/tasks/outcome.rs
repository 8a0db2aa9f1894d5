//! What a task may return.

use std::convert::Infallible;
use std::error::Error;

/// What a task returns: nothing, or a result whose error is a failure of the task.
pub trait Outcome: Send + 'static {
    /// The failure as one line, with the causes of an error; `None` when the task ended well.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl Outcome for Infallible {
    fn failure(self) -> Option<String> {
        match self {}
    }
}

impl<T, E> Outcome for Result<T, E>
where
    T: Outcome,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    fn failure(self) -> Option<String> {
        match self {
            Ok(value) => value.failure(),
            Err(error) => Some(chain(&*error.into())),
        }
    }
}

/// An error and its causes, joined by colons.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
