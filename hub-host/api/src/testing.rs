//! A hub with fake connections: no socket, no runtime, no waiting.
//!
//! A [`TestHub`] runs a hub inside an ordinary `#[test]` function. What its methods send goes to exactly the
//! connections that it would reach in a cluster; values go through the encodings that they would go through.
//!
//! ```
//! # use hubplane_hub::*;
//! # #[derive(Default)]
//! # struct Rooms;
//! #[hub]
//! impl Rooms {
//!     async fn say(&self, ctx: &Context, room: String, text: String) -> Result<(), HubError> {
//!         ctx.join(&room).await?;
//!         ctx.others_in_group(&room).send("Said", (ctx.user_id(), text)).await?;
//!         Ok(())
//!     }
//! }
//!
//! let hub = testing::TestHub::new(Rooms);
//! let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
//! ben.invoke::<()>("say", ("kitchen", "first")).unwrap();
//! ana.invoke::<()>("say", ("kitchen", "hello")).unwrap();
//!
//! assert_eq!(ben.next::<(String, String)>("said"), ("ana".into(), "hello".into()));
//! assert!(ana.messages().is_empty());
//! ```
//!
//! [`TestClient::stream`] gives the items of a stream as the test takes them, [`TestClient::start_with_uploads`] sends
//! streams along, [`TestClient::answer`] and [`TestClient::next_request`] answer what a hub asks its clients. Time stands
//! still until [`TestHub::advance`] moves it, and [`TestHub::running`] says whether anything is left of what ran.
//!
//! Nothing runs in the background: every call here runs the hub until all of it waits. A method that waits for
//! something that only a runtime, a timer or another thread can bring never goes on, and the test fails with a
//! message that says so.

mod client;
mod executor;
mod port;
mod presence;
mod requests;
mod streams;
mod world;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hubplane_proto_ids::{ConnectionId, HubName};
use hubplane_proto_link::{CloseReason, ConnectionInfo, Identified, ToGateway};

pub use crate::value::Parameters;
pub use client::{Closed, Invoking, Message, TestClient, TestConnection};
pub use hubplane_proto_link::CloseReason as EndReason;
pub use requests::TestRequest;
pub use streams::{Streaming, TestUpload};

use crate::host::{Connection, Options, Port, Service};
use crate::rule::refusal;
use crate::{Filters, Hub, HubContext};
use executor::Executor;
use port::WorldPort;
use world::{Due, World};

/// A hub that runs in a test.
#[derive(Clone)]
pub struct TestHub {
    parts: Arc<Parts>,
}

struct Parts {
    service: Service,
    world: Arc<World>,
    executor: Executor,
    connections: AtomicUsize,
}

impl TestHub {
    /// Runs a hub.
    ///
    /// # Panics
    /// If it cannot be run: its name is none, or two of its methods are one for clients.
    #[track_caller]
    pub fn new(hub: impl Hub) -> Self {
        Self::with_options(hub, Options::default())
    }

    /// Runs a hub under other options, with detailed errors for instance.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn with_options(hub: impl Hub, options: Options) -> Self {
        Self::filtered(hub, options, Filters::new())
    }

    /// Runs a hub with filters of its host around its own.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn filtered(hub: impl Hub, options: Options, filters: Filters) -> Self {
        match Service::new(hub, options) {
            Ok(service) => Self::of(service.filtered(filters)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs what a host would run, with a limit to invocations for instance.
    pub fn of(service: Service) -> Self {
        let world = World::default();
        world.with(|state| state.presence.heard = service.declaration().presence);
        let parts = Parts {
            service,
            world: Arc::new(world),
            executor: Executor::default(),
            connections: AtomicUsize::new(0),
        };
        Self {
            parts: Arc::new(parts),
        }
    }

    /// A connection of this user, which has been through `on_connected`.
    ///
    /// # Panics
    /// If it may not connect or `on_connected` failed; [`connection`](Self::connection) gives the error instead.
    #[track_caller]
    pub fn connect(&self, user: &str) -> TestClient {
        match self.connection().user(user).open() {
            Ok(client) => client,
            Err(text) => panic!("`{user}` could not connect: {text}"),
        }
    }

    /// A connection without a user.
    ///
    /// # Panics
    /// As [`connect`](Self::connect).
    #[track_caller]
    pub fn connect_anonymously(&self) -> TestClient {
        match self.connection().open() {
            Ok(client) => client,
            Err(text) => panic!("nobody could connect: {text}"),
        }
    }

    /// A connection with claims, headers or a protocol of its own.
    pub fn connection(&self) -> TestConnection {
        let number = self.parts.connections.fetch_add(1, Ordering::Relaxed) + 1;
        TestConnection::new(self.clone(), number)
    }

    /// The hub as background work sees it.
    pub fn context(&self) -> HubContext {
        self.parts.service.context(self.port())
    }

    /// Runs a future to its end, and the hub with it.
    ///
    /// # Panics
    /// If it waits for something that nothing in this test does.
    #[track_caller]
    pub fn wait<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        let result = self.parts.executor.spawn_for_result(future);
        self.run();
        match result.take() {
            Some(value) => value,
            None => stalled(),
        }
    }

    /// Moves the clock by which hubs sleep and time out; it begins at 2000-01-01T00:00:00Z and stands still otherwise.
    pub fn advance(&self, time: Duration) {
        self.run();
        self.parts.world.advance(time);
        self.run();
    }

    /// How many runs of the hub's code have not ended: methods and their streams, and what they spawned.
    pub fn running(&self) -> usize {
        self.run();
        self.parts.executor.len()
    }

    /// The members of a group, in order of their ids.
    pub fn members(&self, group: &str) -> Vec<ConnectionId> {
        self.parts.world.members(group)
    }

    /// Runs the hub until all of it waits. Every other call here does that too.
    pub fn run(&self) {
        loop {
            self.parts.executor.run();
            let spawned = self.parts.world.spawned();
            if !spawned.is_empty() {
                for work in spawned {
                    self.parts.executor.spawn(work);
                }
                continue;
            }
            if let Some(change) = self.parts.world.next_presence() {
                let run = self.parts.service.presence(&self.port(), change);
                let world = Arc::clone(&self.parts.world);
                self.parts.executor.spawn(async move {
                    run.await;
                    world.told();
                });
                continue;
            }
            // What was freed by that comes next: calls that waited for a slot, and ends of connections.
            let Some(call) = self.parts.world.next_call() else {
                return;
            };
            self.start(call);
        }
    }

    fn start(&self, call: Due) {
        let service = self.parts.service.clone();
        let world = Arc::clone(&self.parts.world);
        match call {
            Due::Invoke(connection, invocation) => {
                let run = service.invoke(&connection, invocation);
                self.parts.executor.spawn(async move {
                    if let Some(frame) = run.await.frame {
                        world.take(frame);
                    }
                });
            }
            Due::End(connection, reason) => {
                connection.end();
                self.parts.executor.spawn(async move {
                    service.disconnected(&connection, reason).await;
                    world.forget(connection.id());
                });
            }
        }
    }

    fn port(&self) -> Arc<dyn Port> {
        Arc::new(WorldPort(Arc::clone(&self.parts.world)))
    }

    fn name(&self) -> HubName {
        self.parts.service.name().clone()
    }

    /// Runs `on_connected` of a new connection; what its client reads if it does not come to be.
    fn open(&self, info: ConnectionInfo, user: Option<&str>) -> Result<Arc<Connection>, String> {
        use hubplane_proto_link::UserIdSource;
        let info = Arc::new(info);
        let declaration = self.parts.service.declaration();
        let access = declaration.access.judge(info.authenticated, &info.claims);
        if let Some(refusal) = refusal(access) {
            return Err(refusal.to_owned());
        }
        let user = match declaration.user_id {
            UserIdSource::Hub => match self.parts.service.identify(&info).frame {
                Some(ToGateway::Identified(Identified {
                    error: Some(text), ..
                })) => return Err(text),
                Some(ToGateway::Identified(answer)) => answer.user,
                _ => None,
            },
            UserIdSource::Claim => user.and_then(|user| user.parse().ok()),
        };
        let connection = Connection::new(info, user, self.port(), self.port());
        self.parts.world.add(&connection);
        let service = self.parts.service.clone();
        let opened = Arc::clone(&connection);
        let ended = self.wait(async move { service.connected(&opened).await });
        let error = match ended.frame {
            Some(ToGateway::Done(done)) => done.error,
            _ => None,
        };
        match error {
            None => Ok(connection),
            Some(text) => {
                self.parts
                    .world
                    .end(connection.id(), CloseReason::OpeningFailed);
                self.run();
                Err(text)
            }
        }
    }
}

impl fmt::Debug for TestHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestHub").field(&self.parts.service).finish()
    }
}

#[track_caller]
fn stalled() -> ! {
    panic!(
        "this waits for something that nothing in this test does: a timer, another thread, or a call that was not made"
    )
}
