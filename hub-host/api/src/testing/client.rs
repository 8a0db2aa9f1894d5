use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::{
    Arguments, Claim, CloseReason, ConnectionInfo, Delivery, Encoding, Header, Invocation,
    InvocationKind, Outcome, Transport,
};
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use super::executor::Slot;
use super::{TestHub, stalled};
use crate::value::{self, Parameters, Writing};
use crate::{ClientArguments, UserId, ValueError, host};

/// A connection that is about to come, and what it brings.
#[must_use = "nothing connects before `open`"]
pub struct TestConnection {
    hub: TestHub,
    info: ConnectionInfo,
    user: Option<String>,
}

impl TestConnection {
    pub(super) fn new(hub: TestHub, number: usize) -> Self {
        let id = ConnectionId::new(format!("connection-{number}"));
        let info = ConnectionInfo {
            // Both are short texts.
            connection: id.unwrap_or_else(|error| panic!("{error}")),
            hub: hub.name(),
            authenticated: false,
            claims: Vec::new(),
            headers: Vec::new(),
            path: format!("/hubs/{}", hub.name()),
            query: String::new(),
            remote: None,
            local: None,
            transport: Transport::WebSockets,
            protocol: Encoding::Json,
        };
        Self {
            hub,
            info,
            user: None,
        }
    }

    /// As this user, by a claim `sub`.
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self.claim("sub", user)
    }

    /// With a valid token that says this.
    pub fn claim(mut self, name: &str, value: &str) -> Self {
        self.info.authenticated = true;
        self.info.claims.push(Claim {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// With this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.info.headers.push(Header {
            name: name.to_ascii_lowercase(),
            value: value.to_owned(),
        });
        self
    }

    /// With this query, escaped, without the leading `?`.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.info.query);
        self
    }

    /// To this path.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.info.path);
        self
    }

    /// From this address.
    pub fn remote_address(mut self, address: SocketAddr) -> Self {
        self.info.remote = Some(address);
        self
    }

    /// By this transport.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.info.transport = transport;
        self
    }

    /// In this encoding; JSON if nothing is said.
    pub fn protocol(mut self, encoding: Encoding) -> Self {
        self.info.protocol = encoding;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// What the client reads if it does not come in: `401 Unauthorized` or `403 Forbidden` if the rule of the hub is
    /// against it, the error of the handshake if `user_id` failed, that of the Close message if `on_connected` did.
    #[track_caller]
    pub fn open(self) -> Result<TestClient, String> {
        let Self { hub, info, user } = self;
        let encoding = info.protocol;
        let connection = hub.open(info, user.as_deref())?;
        Ok(TestClient {
            hub,
            connection,
            encoding,
        })
    }
}

impl fmt::Debug for TestConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestConnection")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// A client of a [`TestHub`]. Dropping it leaves it connected; a clone is the same one.
#[derive(Clone)]
pub struct TestClient {
    pub(super) hub: TestHub,
    connection: Arc<host::Connection>,
    pub(super) encoding: Encoding,
}

impl TestClient {
    /// Its connection's id.
    pub fn id(&self) -> &ConnectionId {
        self.connection.id()
    }

    /// Its user, as the hub sees it.
    pub fn user_id(&self) -> Option<&UserId> {
        self.connection.user()
    }

    /// Invokes a method and waits for its result.
    ///
    /// # Errors
    /// The text that the client reads.
    ///
    /// # Panics
    /// If the method waits for something that nothing in this test does, if its result is no `T`, or if the arguments
    /// cannot be written.
    #[track_caller]
    pub fn invoke<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> Result<T, String> {
        self.start(target, arguments).result()
    }

    /// Begins an invocation, which goes on while the test does something else.
    ///
    /// # Panics
    /// If the arguments cannot be written.
    #[track_caller]
    pub fn start<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> Invoking<T> {
        let invocation = self.invocation(target, arguments);
        let taken = self.hub.parts.world.invoke(invocation, true, 0);
        self.hub.run();
        Invoking::new(&self.hub, taken.answer, self.encoding)
    }

    /// Invokes a method without waiting for an answer; there is none, not even of an error.
    ///
    /// # Panics
    /// If the arguments cannot be written.
    #[track_caller]
    pub fn send(&self, target: &str, arguments: impl ClientArguments) {
        let invocation = self.invocation(target, arguments);
        self.hub.parts.world.invoke(invocation, false, 0);
        self.hub.run();
    }

    /// Takes the oldest message of this name, in any letter case, and reads its arguments as a tuple.
    ///
    /// # Panics
    /// If there is none, or its arguments are others.
    #[track_caller]
    pub fn next<T: Parameters>(&self, target: &str) -> T {
        self.hub.run();
        let taken = self.hub.parts.world.messages(self.id(), |inbox| {
            let at = inbox
                .iter()
                .position(|message| message.target.eq_ignore_ascii_case(target));
            at.and_then(|at| inbox.remove(at))
                .ok_or_else(|| names(&*inbox))
        });
        match taken {
            Some(Ok(message)) => match message.arguments() {
                Ok(arguments) => arguments,
                Err(error) => panic!("`{}` came with other arguments: {error}", message.target),
            },
            Some(Err(others)) => panic!("`{target}` was not received, but [{others}]"),
            None => panic!("`{target}` was not received"),
        }
    }

    /// Takes all messages that it has received, in their order.
    pub fn messages(&self) -> Vec<Message> {
        self.hub.run();
        let taken = self
            .hub
            .parts
            .world
            .messages(self.id(), |inbox| inbox.drain(..).collect());
        taken.unwrap_or_default()
    }

    /// Whether it is connected; the hub may have closed it.
    pub fn is_connected(&self) -> bool {
        self.hub.run();
        self.hub.parts.world.is_open(self.id())
    }

    /// What its Close message said, if the hub has closed it.
    pub fn closed(&self) -> Option<Closed> {
        self.hub.run();
        let world = &self.hub.parts.world;
        world.with(|state| state.members.get(self.id())?.closed.clone())
    }

    /// Closes its connection and runs `on_disconnected`.
    pub fn disconnect(&self) {
        self.disconnect_because(CloseReason::ClientClosed);
    }

    /// Ends its connection for this reason and runs `on_disconnected`.
    pub fn disconnect_because(&self, reason: CloseReason) {
        self.hub.parts.world.end(self.id(), reason);
        self.hub.run();
    }

    #[track_caller]
    pub(super) fn invocation(&self, target: &str, arguments: impl ClientArguments) -> Invocation {
        let mut bytes = Vec::new();
        if let Err(error) = arguments.write(Writing::only(self.encoding), &mut bytes) {
            panic!("the arguments of `{target}` cannot be written: {error}");
        }
        Invocation {
            connection: self.id().clone(),
            invocation_id: None,
            kind: InvocationKind::Call,
            target: target.to_owned(),
            arguments: Arguments {
                encoding: self.encoding,
                bytes: bytes.into(),
            },
            stream_ids: SmallVec::new(),
            takes_slot: true,
        }
    }
}

fn names<'a>(messages: impl IntoIterator<Item = &'a Message>) -> String {
    let names: Vec<_> = messages
        .into_iter()
        .map(|message| format!("`{}`", message.target))
        .collect();
    names.join(", ")
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClient").field(&self.connection).finish()
    }
}

/// What a client is told by the Close message of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The hub's reason, if it gave one.
    pub error: Option<String>,
    /// Whether it may reconnect by itself.
    pub allow_reconnect: bool,
}

/// An invocation on its way.
#[must_use = "the result says whether the method failed"]
pub struct Invoking<T> {
    hub: TestHub,
    answer: Slot<Outcome>,
    encoding: Encoding,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Invoking<T> {
    pub(super) fn new(hub: &TestHub, answer: Slot<Outcome>, encoding: Encoding) -> Self {
        Self {
            hub: hub.clone(),
            answer,
            encoding,
            value: PhantomData,
        }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.hub.run();
        self.answer.is_filled()
    }

    /// Its result.
    ///
    /// # Errors
    /// The text that the client reads.
    ///
    /// # Panics
    /// If it waits for something that nothing in this test does, or if its result is no `T`.
    #[track_caller]
    pub fn result(self) -> Result<T, String> {
        self.hub.run();
        match self.answer.take() {
            Some(Outcome::Value(payload)) => match value::read(self.encoding, &payload.bytes) {
                Ok(value) => Ok(value),
                Err(error) => panic!("the result is another: {error}"),
            },
            Some(Outcome::Error(text)) => Err(text),
            Some(Outcome::Void) => panic!("the result is a stream"),
            None => stalled(),
        }
    }
}

impl<T> fmt::Debug for Invoking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoking")
            .field("finished", &self.answer.is_filled())
            .finish_non_exhaustive()
    }
}

/// What a client received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The method that it is to run, as the hub wrote it.
    pub target: String,
    arguments: Arguments,
}

impl Message {
    pub(super) fn new(delivery: &Delivery) -> Self {
        Self {
            target: delivery.target.clone(),
            arguments: delivery.arguments.clone(),
        }
    }

    pub(super) fn of_request(request: &host::ClientRequest) -> Self {
        Self {
            target: request.target.clone(),
            arguments: request.arguments.clone(),
        }
    }

    /// Its arguments, as a tuple.
    ///
    /// # Errors
    /// If they are others.
    pub fn arguments<T: Parameters>(&self) -> Result<T, ValueError> {
        Ok(value::bind(&self.arguments)?)
    }
}
