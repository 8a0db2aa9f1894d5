//! What the code that the macros write refers to. No part of the interface: it changes without notice.

use std::fmt::Debug;
use std::pin::Pin;
pub use std::sync::Arc;

use serde::Serialize;

pub use crate::value::{BindError, Reply, bind};
use crate::{Context, HubError};
pub use hubplane_proto_link::Arguments;

pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Chooses how a method's value becomes its answer: the value of a `Result`, or the value itself.
///
/// `(&returned).returned()` finds this trait first, and [`PlainReturned`] where it does not apply.
pub trait ResultReturned {
    fn returned(&self) -> FromResult;
}

impl<T, E> ResultReturned for Result<T, E> {
    fn returned(&self) -> FromResult {
        FromResult
    }
}

pub trait PlainReturned {
    fn returned(&self) -> FromValue;
}

impl<T> PlainReturned for &T {
    fn returned(&self) -> FromValue {
        FromValue
    }
}

#[derive(Debug)]
pub struct FromResult;

impl FromResult {
    pub fn reply<T: Serialize, E: Into<HubError>>(
        self,
        returned: Result<T, E>,
        ctx: &Context,
    ) -> Result<Reply, HubError> {
        FromValue.reply(returned.map_err(Into::into)?, ctx)
    }

    pub fn end<E: Into<HubError>>(self, returned: Result<(), E>) -> Result<(), HubError> {
        returned.map_err(Into::into)
    }
}

#[derive(Debug)]
pub struct FromValue;

impl FromValue {
    pub fn reply<T: Serialize>(self, returned: T, ctx: &Context) -> Result<Reply, HubError> {
        Ok(Reply::new(&returned, ctx.protocol())?)
    }

    pub fn end(self, (): ()) -> Result<(), HubError> {
        Ok(())
    }
}
