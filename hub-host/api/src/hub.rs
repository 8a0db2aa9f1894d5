use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hubplane_proto_link::Arguments;

use crate::returned::Returned;
use crate::rule::Rule;
use crate::typescript::Declared;
use crate::upload::Uploads;
use crate::value::BindError;
use crate::{
    Call, Context, Declarations, Disconnect, Filters, HubContext, HubError, Presence, Request,
};

/// A hub: the methods that its clients invoke. Made by `#[hub]` on an `impl` block of its type.
///
/// # What the macro takes
/// Every function of the block that takes `&self` is a method that clients invoke, `async` or not, public or not. Its
/// first parameter may be `ctx: &Context`; the others come from the client and are any types that serde reads, or an
/// [`Upload`](crate::Upload) for each stream that the client sends along. Its result is any type that serde writes,
/// nothing, or a `Result` of one whose error becomes a [`HubError`]; or a stream, as [`Items`](crate::Items) or
/// `impl Stream<Item = T>`, or a `Result` of one.
///
/// Clients name it in PascalCase, `send_to_room` is `SendToRoom`, and any letter case finds it.
///
/// | Attribute | Says |
/// | --- | --- |
/// | `#[hub]` | the hub's name is the type's name in lower case |
/// | `#[hub(name = "chat")]` | this is its name |
/// | `#[hub(parts(admin))]` | the block `#[hub(part = admin)] impl …` of the same type, in another file for instance, belongs to it |
/// | `#[hub(clients(ChatClient))]` | a `#[client]` trait of its clients, for the declaration that [`TypeScript`](crate::TypeScript) tells of |
/// | `#[method(name = "Say")]` on a method | clients know it by this name alone |
/// | `#[method(skip)]` on a function | it is none that clients invoke |
///
/// | `#[hub(authorize)]` | only who brought a valid token connects |
/// | `#[method(authorize)]` | only who brought a valid token invokes it |
/// | `… roles = "admin,owner"` | only who has one of these roles, by a claim `role` or `roles` |
/// | `… claim = "tenant"`, `… claim = "tenant=7"` | only who has this claim |
/// | `#[method(anonymous)]` | everybody who is connected, whatever the hub's own `authorize` says |
///
/// Who may not connect is refused with 401, or with 403 if the token is valid and not enough. Who may not invoke a method
/// reads that the user is unauthorized; the connection stays. Six names are the hub's own and cannot be invoked:
///
/// | Function | Runs |
/// | --- | --- |
/// | `async fn on_connected(&self, ctx: &Context)` | before the first invocation of a connection; an error closes it |
/// | `async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect)` | once, when it has ended; not if `on_connected` failed |
/// | `async fn on_presence(&self, hub: &HubContext, change: &Presence)` | whenever somebody joins or leaves a group, comes online or goes offline: see [`Presence`](crate::Presence) |
/// | `fn user_id(&self, request: &Request) -> Option<String>` | before all others: who the user of a connection is; a panic fails the handshake |
/// | `fn authorize(&self, call: &Call) -> bool`, `async` or not | before each method, unless that is `anonymous`: whether it may run |
/// | `fn filters(&self) -> Filters` | once: what is around all methods, see [`Filter`](crate::Filter) |
///
/// ```
/// # use hubplane_hub::*;
/// # struct Shop;
/// #[hub(authorize)]
/// impl Shop {
///     fn authorize(&self, call: &Call) -> bool {
///         call.method() != "Buy" || call.argument::<u32>(0).is_ok_and(|price| price < 100)
///     }
///
///     fn buy(&self, _price: u32) {}
///
///     #[method(authorize, roles = "keeper")]
///     fn close(&self) {}
///
///     #[method(anonymous)]
///     fn look(&self) {}
/// }
///
/// let hub = testing::TestHub::new(Shop);
/// assert_eq!(hub.connection().open().unwrap_err(), "401 Unauthorized");
/// let ana = hub.connect("ana");
/// assert_eq!(ana.invoke("buy", (7,)), Ok(()));
/// let denied = |method| Err(format!("Failed to invoke '{method}' because user is unauthorized"));
/// assert_eq!(ana.invoke::<()>("buy", (100,)), denied("Buy"));
/// assert_eq!(ana.invoke::<()>("close", ()), denied("Close"));
/// assert_eq!(ana.invoke("look", ()), Ok(()));
/// ```
///
/// The first three may be without the parameters that they do not need, and may return nothing or a `Result`.
pub trait Hub: Sized + Send + Sync + 'static {
    /// The name that clients connect to, unless the host gives it another.
    const NAME: &'static str;

    /// What can be done with a hub of this type.
    fn definition() -> Definition<Self>;
}

type Invoke<H> = fn(
    Arc<H>,
    Context,
    &Arguments,
    Uploads,
) -> Result<BoxFuture<'static, Result<Returned, HubError>>, BindError>;
type Connected<H> = fn(Arc<H>, Context) -> BoxFuture<'static, Result<(), HubError>>;
type Disconnected<H> = fn(Arc<H>, Context, Disconnect) -> BoxFuture<'static, Result<(), HubError>>;
type OnPresence<H> = fn(Arc<H>, HubContext, Presence) -> BoxFuture<'static, Result<(), HubError>>;
type Authorize<H> = fn(Arc<H>, Call) -> BoxFuture<'static, bool>;
type FiltersOf<H> = fn(&H) -> Filters;
type NameUser<H> = fn(&H, &Request) -> Option<String>;

/// What can be done with a hub of type `H`: its methods and its part in a connection's life.
pub struct Definition<H> {
    pub(crate) methods: Vec<Method<H>>,
    pub(crate) connected: Option<Connected<H>>,
    pub(crate) disconnected: Option<Disconnected<H>>,
    pub(crate) presence: Option<OnPresence<H>>,
    pub(crate) user_id: Option<NameUser<H>>,
    pub(crate) rule: Rule,
    pub(crate) authorize: Option<Authorize<H>>,
    pub(crate) filters: Option<FiltersOf<H>>,
    /// The methods and the traits of clients, for who writes in another language.
    pub(crate) declared: Vec<fn(&mut Declarations) -> Declared>,
    pub(crate) clients: Vec<fn(&mut Declarations)>,
}

impl<H> Definition<H> {
    /// A hub that does nothing.
    pub const fn new() -> Self {
        Self {
            methods: Vec::new(),
            connected: None,
            disconnected: None,
            presence: None,
            user_id: None,
            rule: Rule::OPEN,
            authorize: None,
            filters: None,
            declared: Vec::new(),
            clients: Vec::new(),
        }
    }

    #[doc(hidden)]
    pub fn method(mut self, name: &'static str, shape: Shape, invoke: Invoke<H>) -> Self {
        self.methods.push(Method {
            name,
            shape,
            invoke,
        });
        self
    }

    #[doc(hidden)]
    pub fn connected(mut self, run: Connected<H>) -> Self {
        self.connected = Some(run);
        self
    }

    #[doc(hidden)]
    pub fn disconnected(mut self, run: Disconnected<H>) -> Self {
        self.disconnected = Some(run);
        self
    }

    #[doc(hidden)]
    pub fn presence(mut self, run: OnPresence<H>) -> Self {
        self.presence = Some(run);
        self
    }

    #[doc(hidden)]
    pub fn user_id(mut self, name: NameUser<H>) -> Self {
        self.user_id = Some(name);
        self
    }

    #[doc(hidden)]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    #[doc(hidden)]
    pub fn authorize(mut self, authorize: Authorize<H>) -> Self {
        self.authorize = Some(authorize);
        self
    }

    #[doc(hidden)]
    pub fn filters(mut self, filters: FiltersOf<H>) -> Self {
        self.filters = Some(filters);
        self
    }

    #[doc(hidden)]
    pub fn declared(mut self, declared: fn(&mut Declarations) -> Declared) -> Self {
        self.declared.push(declared);
        self
    }

    #[doc(hidden)]
    pub fn clients(mut self, client: fn(&mut Declarations)) -> Self {
        self.clients.push(client);
        self
    }

    /// Its methods, in the order in which they were written.
    pub fn methods(&self) -> &[Method<H>] {
        &self.methods
    }
}

impl<H> Default for Definition<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H> fmt::Debug for Definition<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("methods", &self.methods)
            .field("connected", &self.connected.is_some())
            .field("disconnected", &self.disconnected.is_some())
            .field("presence", &self.presence.is_some())
            .field("user_id", &self.user_id.is_some())
            .finish()
    }
}

/// What is known of a method before it is called.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether it answers by a stream.
    pub streams: bool,
    /// How many of its parameters are streams of the client.
    pub uploads: usize,
    /// Who may invoke it.
    pub rule: Rule,
}

impl Shape {
    /// One value in answer to arguments.
    pub const ORDINARY: Self = Self {
        streams: false,
        uploads: 0,
        rule: Rule::OPEN,
    };
}

/// One method of a hub of type `H`.
pub struct Method<H> {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Reads the arguments; running the method is polling what comes back.
    pub(crate) invoke: Invoke<H>,
}

impl<H> Method<H> {
    /// The name that clients know it by, as it was declared.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it answers by a stream.
    pub fn is_stream(&self) -> bool {
        self.shape.streams
    }

    /// How many streams its clients send along.
    pub fn uploads(&self) -> usize {
        self.shape.uploads
    }
}

impl<H> fmt::Debug for Method<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Method").field(&self.name).finish()
    }
}
