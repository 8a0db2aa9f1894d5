use std::fmt;

use futures_util::stream::BoxStream;
use hubplane_proto_link::Encoding;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::value::{self, Reply};
use crate::{Context, HubError, ValueError};

/// What a method returned, in its caller's encoding: what a [`Filter`](crate::Filter) sees of it.
///
/// ```
/// # use hubplane_hub::*;
/// struct Doubling;
///
/// impl Filter for Doubling {
///     fn invoke<'a>(&'a self, call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
///         Box::pin(async move {
///             let ctx = call.context().clone();
///             let returned = next.run(call).await?;
///             match returned.value::<u32>() {
///                 Ok(Some(number)) => Ok(Returned::new(&ctx, &(number * 2))?),
///                 _ => Ok(returned),
///             }
///         })
///     }
/// }
/// ```
pub struct Returned(pub(crate) What);

pub(crate) enum What {
    Value(Encoding, Reply),
    Stream(BoxStream<'static, Result<Reply, HubError>>),
}

impl Returned {
    /// A value for who invoked by this context.
    ///
    /// # Errors
    /// If it cannot be written, or is longer than a message may be.
    pub fn new<T: Serialize>(ctx: &Context, value: &T) -> Result<Self, ValueError> {
        let encoding = ctx.protocol();
        Ok(Self(What::Value(encoding, Reply::new(value, encoding)?)))
    }

    /// The value, if it is one and no stream.
    ///
    /// # Errors
    /// If it is no `T`.
    pub fn value<T: DeserializeOwned>(&self) -> Result<Option<T>, ValueError> {
        match &self.0 {
            What::Value(encoding, reply) => value::read(*encoding, reply.bytes()).map(Some),
            What::Stream(_) => Ok(None),
        }
    }

    /// Whether it is a stream.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, What::Stream(_))
    }

    pub(crate) fn stream(items: BoxStream<'static, Result<Reply, HubError>>) -> Self {
        Self(What::Stream(items))
    }
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            What::Value(..) => "Value",
            What::Stream(_) => "Stream",
        })
    }
}
