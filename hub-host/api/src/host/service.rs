use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use hubplane_proto_ids::{HubName, InvalidId, UserId};
use hubplane_proto_link::{
    CloseReason, ConnectionInfo, Done, HubDeclaration, Identified, Stage, ToGateway, UserIdSource,
};

use super::erased::{Erased, Native};
use super::{Connection, text};
use crate::running::Running;
use crate::{Context, Disconnect, Filters, Hub, HubContext, HubError, Presence, Request, name};

/// How a hub is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether clients read the text of every error, and not only of those that are meant for them. For development:
    /// such texts may say more than strangers should know.
    pub detailed_errors: bool,
}

/// Why a hub cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHub {
    /// Its name is none.
    #[error("the hub '{name}' has a name that cannot be one")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: InvalidId,
    },
    /// Two methods are one for clients, which write names in any letter case.
    #[error(
        "the hub '{hub}' has two methods that clients cannot tell apart, '{first}' and '{second}'"
    )]
    SameMethod {
        /// The hub.
        hub: HubName,
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// A hub whose type is not known any more, ready to run. Cloning gives the same one.
#[derive(Clone)]
pub struct Service {
    name: HubName,
    pub(super) options: Options,
    pub(super) hub: Arc<dyn Erased>,
    pub(super) filters: Filters,
    pub(super) timeout: Option<Duration>,
}

/// How a run of a hub's code ended.
#[derive(Debug)]
pub struct Ended {
    /// What the gateway is told; nothing where nothing waits for it.
    pub frame: Option<ToGateway>,
    /// In one word, for logs and metrics.
    pub run: Run,
    /// What went wrong, for logs: more than clients read.
    pub problem: Option<String>,
}

/// What became of a run of a hub's code, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Run {
    /// It returned.
    Returned,
    /// It failed with an error that is meant for the client.
    Refused,
    /// It failed otherwise.
    Failed,
    /// It panicked.
    Panicked,
    /// It was not run: no such method, or the wrong arguments, streams or mode.
    Unbound,
}

impl Run {
    /// A short constant name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Unbound => "unbound",
        }
    }
}

impl Service {
    /// A hub under its own name.
    ///
    /// # Errors
    /// [`InvalidHub`] if its name is none or two of its methods are one for clients; `#[hub]` refuses the latter when
    /// it compiles.
    pub fn new<H: Hub>(hub: H, options: Options) -> Result<Self, InvalidHub> {
        Self::named(H::NAME, hub, options)
    }

    /// A hub under another name.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn named<H: Hub>(name: &str, hub: H, options: Options) -> Result<Self, InvalidHub> {
        let name = HubName::new(name).map_err(|source| InvalidHub::Name {
            name: name.to_owned(),
            source,
        })?;
        let mut definition = H::definition();
        definition
            .methods
            .sort_by(|a, b| name::compare(a.name, b.name));
        for pair in definition.methods.windows(2) {
            let [first, second] = pair else { continue };
            if name::compare(first.name, second.name).is_eq() {
                return Err(InvalidHub::SameMethod {
                    hub: name,
                    first: first.name,
                    second: second.name,
                });
            }
        }
        let filters = definition.filters.map(|filters| filters(&hub));
        let hub = Arc::new(hub);
        Ok(Self {
            filters: filters.unwrap_or_default(),
            timeout: None,
            name,
            options,
            hub: Arc::new(Native { hub, definition }),
        })
    }

    /// With these filters around its own.
    #[must_use]
    pub fn filtered(mut self, filters: Filters) -> Self {
        self.filters = filters.around(self.filters);
        self
    }

    /// With a limit to how long one invocation runs: beyond it, it is dropped where it waits, and its client reads that
    /// it failed. Of a method that answers by a stream, that is the time until it has the stream.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hubplane_hub::{host::*, testing::TestHub, *};
    /// # struct Slow;
    /// #[hub]
    /// impl Slow {
    ///     async fn forever(&self) {
    ///         std::future::pending().await
    ///     }
    /// }
    ///
    /// let service = Service::new(Slow, Options::default()).unwrap();
    /// let hub = TestHub::of(service.invocation_timeout(Duration::from_secs(5)));
    /// let forever = hub.connect("ana").start::<()>("forever", ());
    /// hub.advance(Duration::from_secs(5));
    /// assert!(forever.result().is_err());
    /// ```
    ///
    /// Without a limit, as in the reference, a method that waits for ever keeps its connection's slot for ever.
    #[must_use]
    pub fn invocation_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Its name.
    pub fn name(&self) -> &HubName {
        &self.name
    }

    /// What a gateway must know of it.
    pub fn declaration(&self) -> HubDeclaration {
        HubDeclaration {
            name: self.name.clone(),
            user_id: if self.hub.names_users() {
                UserIdSource::Hub
            } else {
                UserIdSource::Claim
            },
            access: self.hub.access(),
            presence: self.hub.hears_presence(),
        }
    }

    /// A way to it from outside any invocation, whose frames leave by `port`.
    pub fn context(&self, port: Arc<dyn super::Port>) -> HubContext {
        HubContext::new(self.name.clone(), port)
    }

    /// Asks the hub who the user of a connection is. A name that is none is nobody; after a panic the connection does
    /// not come to be.
    pub fn identify(&self, info: &Arc<ConnectionInfo>) -> Ended {
        let request = Request::new(Arc::clone(info));
        let named = catch_unwind(AssertUnwindSafe(|| self.hub.user_id(&request)));
        let (user, failure) = match named {
            Ok(name) => (name.and_then(|name| UserId::new(name).ok()), None),
            Err(panic) => (None, Some(Failure::panicked(&*panic))),
        };
        let text = |error| text::handshake_failed(error, self.options.detailed_errors);
        let identified = Identified {
            connection: info.connection.clone(),
            user,
            error: failure.as_ref().map(|failure| text(&failure.error)),
        };
        Ended {
            frame: Some(ToGateway::Identified(identified)),
            run: failure
                .as_ref()
                .map_or(Run::Returned, |failure| failure.run),
            problem: failure.map(|failure| format!("{:?}", failure.error)),
        }
    }

    /// Runs `on_connected`.
    pub async fn connected(&self, connection: &Arc<Connection>) -> Ended {
        let running = Running::opening(connection);
        let ctx = Context::new(connection, &running);
        let connected = || {
            self.filters
                .connected(&ctx, || self.hub.connected(ctx.clone()))
        };
        let ran = caught(connected).await;
        running.opened();
        self.stage(connection, Stage::Opening, ran)
    }

    /// Runs `on_disconnected`, unless `on_connected` failed.
    pub async fn disconnected(&self, connection: &Arc<Connection>, reason: CloseReason) -> Ended {
        let ran = if reason == CloseReason::OpeningFailed {
            Ok(())
        } else {
            let reason = Disconnect::new(reason);
            let running = Arc::new(Running::new(connection));
            let ctx = Context::new(connection, &running);
            let disconnected = || {
                let run = || self.hub.disconnected(ctx.clone(), reason.clone());
                self.filters.disconnected(&ctx, &reason, run)
            };
            caught(disconnected).await
        };
        self.stage(connection, Stage::Closing, ran)
    }

    /// Runs `on_presence`, within the limit to invocations. One change is over before the next is told.
    pub fn presence(
        &self,
        port: &Arc<dyn super::Port>,
        change: Presence,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let (service, port) = (self.clone(), Arc::clone(port));
        async move {
            let hub = service.context(Arc::clone(&port));
            let run = caught(|| service.hub.presence(hub, change));
            let (run, problem) = match in_time(service.timeout, &*port, run).await {
                Ok(()) => (Run::Returned, None),
                Err(Failure { error, run }) => (run, Some(format!("{error:?}"))),
            };
            Ended {
                frame: None,
                run,
                problem,
            }
        }
    }

    fn stage(&self, connection: &Arc<Connection>, stage: Stage, ran: Result<(), Failure>) -> Ended {
        let done = |error| {
            Some(ToGateway::Done(Done {
                connection: connection.id().clone(),
                stage,
                error,
            }))
        };
        match ran {
            Ok(()) => Ended {
                frame: done(None),
                run: Run::Returned,
                problem: None,
            },
            Err(Failure { error, run }) => Ended {
                frame: done(Some(text::refused(&error, self.options.detailed_errors))),
                run,
                problem: Some(format!("{error:?}")),
            },
        }
    }
}

pub(super) struct Failure {
    pub(super) error: HubError,
    pub(super) run: Run,
}

impl Failure {
    pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        Self {
            error: HubError::hidden("Panic", panic_text(panic)),
            run: Run::Panicked,
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        let run = if error.is_shown() {
            Run::Refused
        } else {
            Run::Failed
        };
        Self { error, run }
    }
}

/// What a run gives, or that it took longer than it may; then it is dropped where it stands.
pub(super) async fn in_time<T>(
    limit: Option<Duration>,
    port: &dyn super::Port,
    run: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else {
        return run.await;
    };
    match select(Box::pin(run), port.sleep(limit)).await {
        Either::Left((ran, _)) => ran,
        Either::Right(((), run)) => {
            dropped(run);
            let text = format!("it ran longer than {limit:?}");
            Err(HubError::hidden("TimeoutException", text).into())
        }
    }
}

/// Drops what a hub made. That runs its code: a panic ends here.
pub(super) fn dropped<T>(made: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(made)));
}

/// Runs a hub's code. Its panics end here: the hub is shared by all connections and stays in use, as after any error.
pub(super) async fn caught<T, F>(run: impl FnOnce() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, HubError>>,
{
    let outcome = AssertUnwindSafe(async { run().await }).catch_unwind().await;
    match outcome {
        Ok(returned) => Ok(returned?),
        Err(panic) => Err(Failure::panicked(&*panic)),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "without a text"
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
