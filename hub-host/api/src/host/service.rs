use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hubplane_proto_ids::{HubName, InvalidId, UserId};
use hubplane_proto_link::{
    Arguments, CloseReason, Completion, ConnectionInfo, Done, Encoding, HubDeclaration, Invocation,
    InvocationKind, Outcome, Payload, Stage, ToGateway, UserIdSource,
};

use super::{Connection, text};
use crate::value::{BindError, Reply};
use crate::{Context, Definition, Disconnect, Hub, HubContext, HubError, Request, name};

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
    options: Options,
    hub: Arc<dyn Erased>,
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
        let hub = Arc::new(hub);
        Ok(Self {
            name,
            options,
            hub: Arc::new(Native { hub, definition }),
        })
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
        }
    }

    /// A way to it from outside any invocation, whose frames leave by `port`.
    pub fn context(&self, port: Arc<dyn super::Port>) -> HubContext {
        HubContext::new(self.name.clone(), port)
    }

    /// Who the hub says that a connection's user is. A panic, and a name that is none, is nobody.
    pub fn user_id(&self, info: &Arc<ConnectionInfo>) -> Option<UserId> {
        let request = Request::new(Arc::clone(info));
        let named = catch_unwind(AssertUnwindSafe(|| self.hub.user_id(&request)));
        UserId::new(named.ok()??).ok()
    }

    /// Runs `on_connected`.
    pub async fn connected(&self, connection: &Arc<Connection>) -> Ended {
        let run = || self.hub.connected(connection.context());
        self.stage(connection, Stage::Opening, caught(run).await)
    }

    /// Runs `on_disconnected`, unless `on_connected` failed.
    pub async fn disconnected(&self, connection: &Arc<Connection>, reason: CloseReason) -> Ended {
        let ran = if reason == CloseReason::OpeningFailed {
            Ok(())
        } else {
            let reason = Disconnect::new(reason);
            caught(|| self.hub.disconnected(connection.context(), reason)).await
        };
        self.stage(connection, Stage::Closing, ran)
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

    /// Runs a method to its end. What it sends leaves by the connection's port before this resolves; the frame that
    /// this resolves to has to follow it.
    pub async fn invoke(&self, connection: &Arc<Connection>, invocation: Invocation) -> Ended {
        let protocol = connection.request.protocol();
        let (outcome, run, problem) = match self.begin(connection, &invocation) {
            Err(Unbound { text, problem }) => (Outcome::Error(text), Run::Unbound, Some(problem)),
            Ok((target, running)) => match caught(|| running).await {
                Ok(reply) => (value(protocol, reply), Run::Returned, None),
                Err(Failure { error, run }) => {
                    let text = text::failed(target, &error, self.options.detailed_errors);
                    (Outcome::Error(text), run, Some(format!("{error:?}")))
                }
            },
        };
        let frame = match invocation.invocation_id {
            Some(invocation_id) => Some(ToGateway::Completion(Completion {
                connection: invocation.connection,
                invocation_id,
                outcome,
                releases_slot: invocation.takes_slot,
            })),
            None if invocation.takes_slot => Some(ToGateway::SlotReleased {
                connection: invocation.connection,
            }),
            None => None,
        };
        Ended {
            frame,
            run,
            problem,
        }
    }

    /// Everything that is checked before a method runs, in the reference's order (signalr-core 12.2): it decides which
    /// text a client reads that made two mistakes.
    fn begin<'a>(
        &'a self,
        connection: &Arc<Connection>,
        invocation: &'a Invocation,
    ) -> Result<(&'a str, Running), Unbound> {
        let given = &invocation.target;
        let detailed = self.options.detailed_errors;
        let bind = || {
            self.hub
                .bind(given, connection.context(), &invocation.arguments)
        };
        let bound = catch_unwind(AssertUnwindSafe(bind)).map_err(|_panic| {
            // Somebody's `Deserialize` did. Which method it was for is lost.
            Unbound::arguments(given, &BindError::panicked(), detailed)
        })?;
        let (declared, bound) = bound.ok_or_else(|| Unbound::from(text::unknown(given)))?;
        let streaming = invocation.kind == InvocationKind::Stream;
        // Texts show the declared name, but in one case of the reference.
        let target = if streaming && invocation.arguments.encoding == Encoding::MessagePack {
            given
        } else {
            declared
        };
        let running = bound.map_err(|error| Unbound::arguments(target, &error, detailed))?;
        if streaming {
            return Err(text::no_stream(target).into());
        }
        if !invocation.stream_ids.is_empty() {
            return Err(text::stream_count(target, invocation.stream_ids.len(), 0).into());
        }
        Ok((target, running))
    }
}

/// Why a method is not run: for the client, and for the log.
struct Unbound {
    text: String,
    problem: String,
}

impl Unbound {
    fn arguments(target: &str, error: &BindError, detailed: bool) -> Self {
        Self {
            text: text::unbound(target, error, detailed),
            problem: format!("{target}: {}", HubError::from(error.clone())),
        }
    }
}

impl From<String> for Unbound {
    fn from(text: String) -> Self {
        let problem = text.clone();
        Self { text, problem }
    }
}

fn value(encoding: Encoding, reply: Reply) -> Outcome {
    Outcome::Value(Payload {
        encoding,
        bytes: reply.into_bytes(),
    })
}

type Running = BoxFuture<'static, Result<Reply, HubError>>;

struct Failure {
    error: HubError,
    run: Run,
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

/// Runs a hub's code. Its panics end here: the hub is shared by all connections and stays in use, as after any error.
async fn caught<T, F>(run: impl FnOnce() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, HubError>>,
{
    let outcome = AssertUnwindSafe(async { run().await }).catch_unwind().await;
    match outcome {
        Ok(returned) => Ok(returned?),
        Err(panic) => Err(Failure {
            error: HubError::hidden("Panic", panic_text(&*panic)),
            run: Run::Panicked,
        }),
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

/// A hub of any type. The seam for hubs that are not Rust values in this process.
trait Erased: Send + Sync {
    /// The declared name of the method that `target` means, and its run if the arguments fit.
    fn bind(
        &self,
        target: &str,
        ctx: Context,
        arguments: &Arguments,
    ) -> Option<(&str, Result<Running, BindError>)>;
    fn connected(&self, ctx: Context) -> BoxFuture<'static, Result<(), HubError>>;
    fn disconnected(
        &self,
        ctx: Context,
        reason: Disconnect,
    ) -> BoxFuture<'static, Result<(), HubError>>;
    fn names_users(&self) -> bool;
    fn user_id(&self, request: &Request) -> Option<String>;
}

struct Native<H> {
    hub: Arc<H>,
    /// Its methods are sorted by name.
    definition: Definition<H>,
}

impl<H: Hub> Erased for Native<H> {
    fn bind(
        &self,
        target: &str,
        ctx: Context,
        arguments: &Arguments,
    ) -> Option<(&str, Result<Running, BindError>)> {
        let methods = &self.definition.methods;
        let at = methods
            .binary_search_by(|method| name::compare(method.name, target))
            .ok()?;
        let method = methods.get(at)?;
        Some((
            method.name,
            (method.invoke)(Arc::clone(&self.hub), ctx, arguments),
        ))
    }

    fn connected(&self, ctx: Context) -> BoxFuture<'static, Result<(), HubError>> {
        match self.definition.connected {
            Some(run) => run(Arc::clone(&self.hub), ctx),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn disconnected(
        &self,
        ctx: Context,
        reason: Disconnect,
    ) -> BoxFuture<'static, Result<(), HubError>> {
        match self.definition.disconnected {
            Some(run) => run(Arc::clone(&self.hub), ctx, reason),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn names_users(&self) -> bool {
        self.definition.user_id.is_some()
    }

    fn user_id(&self, request: &Request) -> Option<String> {
        self.definition
            .user_id
            .and_then(|name| name(&self.hub, request))
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
