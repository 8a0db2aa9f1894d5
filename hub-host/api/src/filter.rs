use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::returned::Returned;
use crate::{Call, Context, Disconnect, HubError};

/// Code around every method of a hub, and around the two ends of a connection's life: for logs, measures, limits, or
/// what all methods have in common.
///
/// The first filter of a hub is the outermost; those of the host are around those of the hub. A filter goes on by
/// `next.run(…)`; it may leave that out, change the arguments before it and the result behind it, and an error of it is
/// as one of the method. It sees only what is about to run: not arguments that do not fit, nor who is not authorised. Of
/// a method that answers by a stream it sees the call that makes the stream (reference signalr-core 14.4).
///
/// ```
/// # use hubplane_hub::*;
/// struct Shouting;
///
/// impl Filter for Shouting {
///     fn invoke<'a>(&'a self, mut call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
///         Box::pin(async move {
///             if call.method() == "Echo" {
///                 let (text,): (String,) = call.arguments()?;
///                 call.set_arguments((text.to_uppercase(),))?;
///             }
///             next.run(call).await
///         })
///     }
/// }
///
/// struct Echoes;
///
/// #[hub]
/// impl Echoes {
///     fn filters(&self) -> Filters {
///         Filters::new().with(Shouting)
///     }
///
///     fn echo(&self, text: String) -> String {
///         text
///     }
/// }
///
/// let ana = testing::TestHub::new(Echoes).connect("ana");
/// assert_eq!(ana.invoke("echo", ("hello",)), Ok("HELLO".to_owned()));
/// ```
#[doc(alias = "IHubFilter")]
pub trait Filter: Send + Sync + 'static {
    /// Around a method.
    fn invoke<'a>(&'a self, call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
        next.run(call)
    }

    /// Around `on_connected`.
    fn connected<'a>(&'a self, ctx: &'a Context, next: NextStage<'a>) -> Filtered<'a, ()> {
        let _ = ctx;
        next.run()
    }

    /// Around `on_disconnected`.
    fn disconnected<'a>(
        &'a self,
        ctx: &'a Context,
        reason: &'a Disconnect,
        next: NextStage<'a>,
    ) -> Filtered<'a, ()> {
        let _ = (ctx, reason);
        next.run()
    }
}

/// What a filter gives: `Box::pin(async move { … })`.
pub type Filtered<'a, T> = BoxFuture<'a, Result<T, HubError>>;

/// The filters of a hub, the outermost first.
#[derive(Clone, Default)]
pub struct Filters(Arc<[Arc<dyn Filter>]>);

impl Filters {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and another one inside of them.
    #[must_use]
    pub fn with(self, filter: impl Filter) -> Self {
        let filter: Arc<dyn Filter> = Arc::new(filter);
        Self(self.0.iter().cloned().chain([filter]).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These around others.
    pub(crate) fn around(self, inner: Self) -> Self {
        Self(self.0.iter().chain(inner.0.iter()).cloned().collect())
    }

    pub(crate) fn invoke<'a>(
        &'a self,
        call: Call,
        method: impl FnOnce(Call) -> Filtered<'a, Returned> + Send + 'a,
    ) -> Filtered<'a, Returned> {
        let next = Next {
            filters: &self.0,
            method: Box::new(method),
        };
        next.run(call)
    }

    pub(crate) fn connected<'a>(
        &'a self,
        ctx: &'a Context,
        method: impl FnOnce() -> Filtered<'a, ()> + Send + 'a,
    ) -> Filtered<'a, ()> {
        let stage = Stage::Connected(ctx);
        self.stage(stage, method)
    }

    pub(crate) fn disconnected<'a>(
        &'a self,
        ctx: &'a Context,
        reason: &'a Disconnect,
        method: impl FnOnce() -> Filtered<'a, ()> + Send + 'a,
    ) -> Filtered<'a, ()> {
        let stage = Stage::Disconnected(ctx, reason);
        self.stage(stage, method)
    }

    fn stage<'a>(
        &'a self,
        stage: Stage<'a>,
        method: impl FnOnce() -> Filtered<'a, ()> + Send + 'a,
    ) -> Filtered<'a, ()> {
        let next = NextStage {
            filters: &self.0,
            stage,
            method: Box::new(method),
        };
        next.run()
    }
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filters").field(&self.0.len()).finish()
    }
}

/// What is inside a filter: the next one, and at last the method.
#[must_use = "without it the method does not run"]
pub struct Next<'a> {
    filters: &'a [Arc<dyn Filter>],
    method: Box<dyn FnOnce(Call) -> Filtered<'a, Returned> + Send + 'a>,
}

impl<'a> Next<'a> {
    /// Goes on.
    pub fn run(self, call: Call) -> Filtered<'a, Returned> {
        match self.filters.split_first() {
            None => (self.method)(call),
            Some((filter, filters)) => {
                let method = self.method;
                filter.invoke(call, Next { filters, method })
            }
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&self.filters.len()).finish()
    }
}

#[derive(Clone, Copy)]
enum Stage<'a> {
    Connected(&'a Context),
    Disconnected(&'a Context, &'a Disconnect),
}

/// What is inside a filter around `on_connected` or `on_disconnected`.
#[must_use = "without it the method does not run"]
pub struct NextStage<'a> {
    filters: &'a [Arc<dyn Filter>],
    stage: Stage<'a>,
    method: Box<dyn FnOnce() -> Filtered<'a, ()> + Send + 'a>,
}

impl<'a> NextStage<'a> {
    /// Goes on.
    pub fn run(self) -> Filtered<'a, ()> {
        let Some((filter, filters)) = self.filters.split_first() else {
            return (self.method)();
        };
        let stage = self.stage;
        let next = NextStage { filters, ..self };
        match stage {
            Stage::Connected(ctx) => filter.connected(ctx, next),
            Stage::Disconnected(ctx, reason) => filter.disconnected(ctx, reason, next),
        }
    }
}

impl fmt::Debug for NextStage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextStage")
            .field(&self.filters.len())
            .finish()
    }
}
