//! Requests for client results, as a test answers them.

use std::fmt;
use std::sync::Arc;

use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::{ClientOutcome, Encoding, Payload, RequestId};
use serde::Serialize;

use super::client::Message;
use super::executor::Slot;
use super::{TestClient, TestHub};
use crate::ValueError;
use crate::host::ClientRequest;
use crate::signal::Signal;
use crate::value::{self, Parameters, Writing};

/// Answers a request at once.
pub(super) type Handler = Arc<dyn Fn(&Message, Encoding) -> ClientOutcome + Send + Sync>;

/// A request that waits for its answer.
pub(super) struct Asked {
    pub(super) connection: ConnectionId,
    pub(super) message: Message,
    /// Whether a test has taken it.
    pub(super) seen: bool,
    pub(super) outcome: Slot<ClientOutcome>,
    pub(super) answered: Signal,
}

impl Asked {
    pub(super) fn new(request: &ClientRequest) -> Self {
        Self {
            connection: request.connection.clone(),
            message: Message::of_request(request),
            seen: false,
            outcome: Slot::default(),
            answered: Signal::default(),
        }
    }

    pub(super) fn answer(&self, outcome: ClientOutcome) {
        if !self.answered.is_fired() {
            self.outcome.fill(outcome);
            self.answered.fire();
        }
    }
}

fn payload<T: Serialize>(value: &T, encoding: Encoding) -> Result<Payload, ValueError> {
    let mut bytes = Vec::new();
    value::write(value, Writing::only(encoding), &mut bytes)?;
    Ok(Payload {
        encoding,
        bytes: bytes.into(),
    })
}

impl TestClient {
    /// From now on its client answers requests of this name, in any letter case, by this function.
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Sums;
    /// #[hub]
    /// impl Sums {
    ///     async fn ask(&self, ctx: &Context, number: i32) -> Result<i32, HubError> {
    ///         Ok(ctx.caller().invoke("Sum", (number,)).await?)
    ///     }
    /// }
    ///
    /// let ana = testing::TestHub::new(Sums).connect("ana");
    /// ana.answer("Sum", |(number,): (i32,)| Ok(number + 1));
    /// assert_eq!(ana.invoke("ask", (5,)), Ok(6));
    /// ```
    pub fn answer<A: Parameters, T: Serialize>(
        &self,
        target: &str,
        answer: impl Fn(A) -> Result<T, String> + Send + Sync + 'static,
    ) {
        let handler: Handler = Arc::new(move |message, encoding| {
            let answered = match message.arguments() {
                Ok(arguments) => answer(arguments),
                // The text of the client libraries.
                Err(_unfit) => Err("Client failed to parse argument(s).".to_owned()),
            };
            match answered.map(|value| payload(&value, encoding)) {
                Ok(Ok(value)) => ClientOutcome::Value(value),
                Ok(Err(error)) => ClientOutcome::Error(error.to_string()),
                Err(text) => ClientOutcome::Error(text),
            }
        });
        self.hub.parts.world.with(|state| {
            if let Some(member) = state.members.get_mut(self.id()) {
                member.handlers.insert(target.to_lowercase(), handler);
            }
        });
    }

    /// Takes the oldest request of this name, in any letter case, that waits for its client's answer; its arguments as
    /// a tuple.
    ///
    /// # Panics
    /// If there is none, or its arguments are others.
    #[track_caller]
    pub fn next_request<T: Parameters>(&self, target: &str) -> (T, TestRequest) {
        self.hub.run();
        let taken = self.hub.parts.world.with(|state| {
            let ours = state.asked.iter_mut().find(|(_, asked)| {
                !asked.seen
                    && asked.connection == *self.id()
                    && asked.message.target.eq_ignore_ascii_case(target)
            });
            ours.map(|(id, asked)| {
                asked.seen = true;
                (*id, asked.message.clone())
            })
        });
        let Some((id, message)) = taken else {
            panic!("`{target}` was not asked for")
        };
        let request = TestRequest {
            hub: self.hub.clone(),
            id,
            encoding: self.encoding,
        };
        match message.arguments() {
            Ok(arguments) => (arguments, request),
            Err(error) => panic!("`{target}` came with other arguments: {error}"),
        }
    }
}

/// A request for a client result that waits for its answer.
#[must_use = "a request waits until it is answered"]
pub struct TestRequest {
    hub: TestHub,
    id: RequestId,
    encoding: Encoding,
}

impl TestRequest {
    /// Answers with a value.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn reply(self, value: impl Serialize) {
        match payload(&value, self.encoding) {
            Ok(value) => self.outcome(ClientOutcome::Value(value)),
            Err(error) => panic!("the answer cannot be written: {error}"),
        }
    }

    /// Answers that the client failed.
    pub fn fail(self, text: &str) {
        self.outcome(ClientOutcome::Error(text.to_owned()));
    }

    /// Answers with neither a value nor an error.
    pub fn reply_nothing(self) {
        self.outcome(ClientOutcome::Void);
    }

    /// Whether the hub still waits.
    pub fn is_waited_for(&self) -> bool {
        self.hub.run();
        let world = &self.hub.parts.world;
        world.with(|state| state.asked.contains_key(&self.id))
    }

    fn outcome(self, outcome: ClientOutcome) {
        self.hub.parts.world.with(|state| {
            if let Some(asked) = state.asked.get(&self.id) {
                asked.answer(outcome);
            }
        });
        self.hub.run();
    }
}

impl fmt::Debug for TestRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestRequest").field(&self.id).finish()
    }
}
