//! What the code that the macros write refers to. No part of the interface: it changes without notice.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::pin::Pin;
pub use std::sync::Arc;

use futures_util::stream::{Stream, StreamExt as _};
use serde::Serialize;

pub use crate::hub::Shape;
pub use crate::returned::Returned;
pub use crate::rule::Rule;
pub use crate::typescript::{Body, Declared, Field, Gives, inline, list, literal, name_of, tuple};
pub use crate::upload::Uploads;
use crate::value::Reply;
pub use crate::value::{BindError, bind};
use crate::{Context, Declarations, HubError, TypeScript};
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
    ) -> Result<Returned, HubError> {
        FromValue.reply(returned.map_err(Into::into)?, ctx)
    }

    pub fn end<E: Into<HubError>>(self, returned: Result<(), E>) -> Result<(), HubError> {
        returned.map_err(Into::into)
    }
}

#[derive(Debug)]
pub struct FromValue;

impl FromValue {
    pub fn reply<T: Serialize>(self, returned: T, ctx: &Context) -> Result<Returned, HubError> {
        Ok(Returned::new(ctx, &returned)?)
    }

    pub fn end(self, (): ()) -> Result<(), HubError> {
        Ok(())
    }
}

/// Chooses how the items of a stream become its answer: the values of `Result`s, or the values themselves. Found as
/// [`ResultReturned`] is.
pub trait ResultItems {
    fn items(&self) -> FromResult;
}

impl<S, T, E> ResultItems for S
where
    S: Stream<Item = Result<T, E>>,
{
    fn items(&self) -> FromResult {
        FromResult
    }
}

pub trait PlainItems {
    fn items(&self) -> FromValue;
}

impl<S: Stream> PlainItems for &S {
    fn items(&self) -> FromValue {
        FromValue
    }
}

impl FromResult {
    pub fn stream<S, T, E>(self, stream: S, ctx: &Context) -> Result<Returned, HubError>
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: Into<HubError>,
    {
        let encoding = ctx.protocol();
        let items = stream.map(move |item| {
            let item = item.map_err(Into::into)?;
            Ok(Reply::new(&item, encoding)?)
        });
        Ok(Returned::stream(items.boxed()))
    }
}

impl FromValue {
    pub fn stream<S>(self, stream: S, ctx: &Context) -> Result<Returned, HubError>
    where
        S: Stream<Item: Serialize> + Send + 'static,
    {
        FromResult.stream(stream.map(Ok::<_, HubError>), ctx)
    }
}

/// What a method gives that may fail before it has a stream.
pub fn begun<S, E: Into<HubError>>(returned: Result<S, E>) -> Result<S, HubError> {
    returned.map_err(Into::into)
}

/// What a type is in TypeScript, if it says so. Where it does not, [`Untyped`] is found.
#[derive(Debug)]
pub struct Typed<T: ?Sized>(pub PhantomData<T>);

impl<T: TypeScript + ?Sized> Typed<T> {
    pub fn typescript(&self, declarations: &mut Declarations) -> String {
        T::typescript(declarations)
    }
}

pub trait Untyped {
    fn typescript(&self, _: &mut Declarations) -> String {
        "unknown".to_owned()
    }
}

impl<T: ?Sized> Untyped for Typed<T> {}
