//! What the code that the macros write refers to. No part of the interface: it changes without notice.

use std::fmt::Debug;
use std::pin::Pin;
pub use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::value::{BindError, Reply, bind};
use crate::{Context, HubError};
pub use hubplane_proto_link::Arguments;

pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A type that can come from a client.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a hub method: serde cannot read it",
    label = "not `serde::Deserialize`, or it borrows",
    note = "derive `serde::Deserialize` for it, or take a type that owns what it holds"
)]
pub trait Parameter: DeserializeOwned + Send {}
impl<T: DeserializeOwned + Send> Parameter for T {}

/// Fails to compile, at the place of the type, unless clients can send it.
pub const fn assert_parameter<T: Parameter>() {}

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
