use std::fmt;

use hubplane_proto_link::{Arguments, Encoding};
use serde::de::DeserializeOwned;

use crate::value::{self, Parameters, Writing};
use crate::{ClientArguments, Context, ValueError};

/// An invocation before its method runs: who invokes what, with which arguments. For [`Filter`](crate::Filter)s and a
/// hub's own `authorize`.
///
/// ```
/// # use hubplane_hub::*;
/// # struct Shop;
/// #[hub]
/// impl Shop {
///     fn authorize(&self, call: &Call) -> bool {
///         let keeper = call.context().claim("role") == Some("keeper");
///         keeper || call.argument::<u32>(0).is_ok_and(|price| price < 100)
///     }
///
///     fn buy(&self, _price: u32) {}
/// }
///
/// let ana = testing::TestHub::new(Shop).connect("ana");
/// assert!(ana.invoke::<()>("buy", (99,)).is_ok());
/// assert!(ana.invoke::<()>("buy", (100,)).is_err());
/// ```
#[derive(Clone)]
pub struct Call {
    ctx: Context,
    method: String,
    arguments: Arguments,
    changed: bool,
}

impl Call {
    pub(crate) fn new(ctx: Context, method: &str, arguments: Arguments) -> Self {
        Self {
            ctx,
            method: method.to_owned(),
            arguments,
            changed: false,
        }
    }

    /// Who invokes, and the way to all others.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// The method's name as it was declared.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The arguments, as a tuple. Streams of the client are not among them.
    ///
    /// # Errors
    /// If they are others.
    pub fn arguments<P: Parameters>(&self) -> Result<P, ValueError> {
        Ok(value::bind(&self.arguments)?)
    }

    /// One argument, counted from 0.
    ///
    /// # Errors
    /// If there is none there, or it is no `T`.
    pub fn argument<T: DeserializeOwned>(&self, at: usize) -> Result<T, ValueError> {
        value::nth(&self.arguments, at)
    }

    /// Gives the method other arguments, a tuple. They have to fit it as those of a client.
    ///
    /// # Errors
    /// If they cannot be written; the arguments then stay as they were.
    pub fn set_arguments(&mut self, arguments: impl ClientArguments) -> Result<(), ValueError> {
        let encoding = self.encoding();
        let mut bytes = Vec::new();
        arguments.write(Writing::only(encoding), &mut bytes)?;
        self.arguments.bytes = bytes.into();
        self.changed = true;
        Ok(())
    }

    /// The arguments, if they are not those of the client any more.
    pub(crate) fn changed(&self) -> Option<&Arguments> {
        self.changed.then_some(&self.arguments)
    }

    fn encoding(&self) -> Encoding {
        self.arguments.encoding
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments are not for logs.
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("ctx", &self.ctx)
            .finish_non_exhaustive()
    }
}
