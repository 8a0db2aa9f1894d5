use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::{
    Arguments, Audience as LinkAudience, Caller, ClientOutcome, Encoding, ToGateway,
};
use serde::de::DeserializeOwned;

use crate::audience::Origin;
use crate::host::ClientRequest;
use crate::value;
use crate::{Audience, ClientArguments, InvokeError, SendError};

/// One connection: an [`Audience`] that can also be asked for a result.
///
/// From `caller()` and `client(id)` of [`Context`](crate::Context), and `client(id)` of
/// [`HubContext`](crate::HubContext).
#[derive(Clone)]
#[must_use = "a client receives nothing before something is sent to it"]
#[doc(alias = "ISingleClientProxy")]
pub struct Client(Audience);

impl Client {
    pub(crate) fn new(audience: Audience) -> Self {
        Self(audience)
    }

    /// Without these connections, by their ids.
    pub fn except<N: AsRef<str>>(self, connections: impl IntoIterator<Item = N>) -> Audience {
        self.0.except(connections)
    }

    /// Asks the client: it is to run its method `target` with these arguments, a tuple, and to answer with a `T`.
    ///
    /// While it is waited for, the invocation that asks gives its place to others of its connection, so that a client
    /// can answer whatever else it has asked for. Without [`timeout`](Asking::timeout) it waits until the client answers
    /// or is gone.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hubplane_hub::*;
    /// # struct Sums;
    /// #[hub]
    /// impl Sums {
    ///     async fn ask(&self, ctx: &Context, number: i32) -> Result<i32, HubError> {
    ///         let sum = ctx.caller().invoke::<i32>("Sum", (number,));
    ///         Ok(sum.timeout(Duration::from_secs(5)).await?)
    ///     }
    /// }
    ///
    /// let ana = testing::TestHub::new(Sums).connect("ana");
    /// let asking = ana.start::<i32>("ask", (5,));
    /// let ((number,), request) = ana.next_request::<(i32,)>("Sum");
    /// request.reply(number + 1);
    /// assert_eq!(asking.result(), Ok(6));
    /// ```
    ///
    /// # Errors
    /// [`InvokeError`]: the client fails or answers with something else, it is not there or goes away, or the arguments
    /// cannot be sent. It cannot be asked in `on_connected`, whose client answers nothing before that has returned.
    #[doc(alias = "InvokeAsync")]
    pub fn invoke<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> Asking<T> {
        let request = self.request(target, &arguments);
        let origin = self.0.origin().clone();
        Asking::new(origin, request)
    }

    fn request(
        &self,
        target: &str,
        arguments: &impl ClientArguments,
    ) -> Result<ClientRequest, SendError> {
        let connection = self.0.one()?;
        let bytes = crate::audience::encoded(target, arguments)?;
        let origin = self.0.origin();
        Ok(ClientRequest {
            caller: origin.caller.clone(),
            hub: origin.hub.clone(),
            connection,
            target: target.to_owned(),
            arguments: Arguments {
                encoding: Encoding::MessagePack,
                bytes,
            },
        })
    }
}

impl Deref for Client {
    type Target = Audience;

    fn deref(&self) -> &Audience {
        &self.0
    }
}

impl From<Client> for Audience {
    fn from(client: Client) -> Self {
        client.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0).finish()
    }
}

/// A request to a client on its way; nothing is sent before it is awaited.
///
/// Dropped while it waits, the client is still asked, and nobody waits for its answer any more.
#[must_use = "nobody is asked before this is awaited"]
pub struct Asking<T> {
    state: State,
    result: PhantomData<fn() -> T>,
}

enum State {
    Unsent(Box<Unsent>),
    Waiting(BoxFuture<'static, Result<ClientOutcome, InvokeError>>),
    Over,
}

struct Unsent {
    origin: Origin,
    request: Result<ClientRequest, SendError>,
    timeout: Option<Duration>,
}

impl<T> Asking<T> {
    fn new(origin: Origin, request: Result<ClientRequest, SendError>) -> Self {
        let unsent = Unsent {
            origin,
            request,
            timeout: None,
        };
        Self {
            state: State::Unsent(Box::new(unsent)),
            result: PhantomData,
        }
    }

    /// Waits no longer than this, by the host's clock. Before it is awaited; later it changes nothing.
    ///
    /// Beyond it, the error is [`InvokeError::Cancelled`], and a late answer is ignored.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let State::Unsent(unsent) = &mut self.state {
            unsent.timeout = Some(timeout);
        }
        self
    }
}

impl<T> Unpin for Asking<T> {}

impl<T: DeserializeOwned> Future for Asking<T> {
    type Output = Result<T, InvokeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut waiting = match std::mem::replace(&mut self.state, State::Over) {
            State::Unsent(unsent) => Box::pin(unsent.ask()),
            State::Waiting(waiting) => waiting,
            State::Over => return Poll::Pending,
        };
        match waiting.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome.and_then(InvokeError::result)),
            Poll::Pending => {
                self.state = State::Waiting(waiting);
                Poll::Pending
            }
        }
    }
}

impl Unsent {
    async fn ask(self) -> Result<ClientOutcome, InvokeError> {
        let Self {
            origin,
            request,
            timeout,
        } = self;
        if let Some(running) = &origin.running
            && running.is_opening()
        {
            return Err(InvokeError::InOnConnected);
        }
        let request = request?;
        let connection = request.connection.clone();
        if origin.ended(&connection) {
            return Err(InvokeError::Disconnected { connection });
        }
        if let Some(running) = &origin.running
            && running.release_slot()
        {
            let connection = running.connection().clone();
            origin
                .port
                .send(ToGateway::SlotReleased { connection })
                .await?;
        }
        let asking = origin.port.ask(request);
        let outcome = match timeout {
            None => asking.await,
            Some(timeout) => match select(asking, origin.port.sleep(timeout)).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => return Err(InvokeError::Cancelled),
            },
        };
        match outcome? {
            ClientOutcome::UnknownConnection => Err(InvokeError::UnknownConnection { connection }),
            ClientOutcome::Disconnected => Err(InvokeError::Disconnected { connection }),
            ClientOutcome::Unavailable => Err(InvokeError::Unavailable),
            outcome => Ok(outcome),
        }
    }
}

impl Origin {
    /// Whether this is the connection of the running method, and has ended.
    fn ended(&self, connection: &ConnectionId) -> bool {
        let ours = matches!(&self.caller, Caller::Connection(ours) if ours == connection);
        ours && self
            .running
            .as_ref()
            .is_some_and(|running| running.is_ended())
    }
}

impl InvokeError {
    /// What a client answered, as a value.
    fn result<T: DeserializeOwned>(outcome: ClientOutcome) -> Result<T, Self> {
        match outcome {
            ClientOutcome::Value(payload) => {
                value::read(payload.encoding, &payload.bytes).map_err(|source| Self::Unfit {
                    expected: wire_name(std::any::type_name::<T>()),
                    source,
                })
            }
            ClientOutcome::Error(text) => Err(Self::Client { text }),
            // The default text of the reference's exception (signalr-core 12.3, recorded).
            ClientOutcome::Void => Err(Self::Client {
                text: "Exception of type 'Microsoft.AspNetCore.SignalR.HubException' was thrown."
                    .to_owned(),
            }),
            ClientOutcome::UnknownConnection
            | ClientOutcome::Disconnected
            | ClientOutcome::Unavailable => Err(Self::Unavailable),
        }
    }
}

/// The name that the reference has for a type, or its own.
fn wire_name(path: &'static str) -> &'static str {
    match path {
        "bool" => "Boolean",
        "i8" => "SByte",
        "u8" => "Byte",
        "i16" => "Int16",
        "u16" => "UInt16",
        "i32" => "Int32",
        "u32" => "UInt32",
        "i64" => "Int64",
        "u64" => "UInt64",
        "f32" => "Single",
        "f64" => "Double",
        "char" => "Char",
        "alloc::string::String" => "String",
        path => crate::error::short_name(path),
    }
}

impl<T> fmt::Debug for Asking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

/// Who can be sent to. `#[client]` makes the methods of a trait methods of everybody that is one.
pub trait Receiver: sealed::Sealed {
    #[doc(hidden)]
    fn audience(&self) -> &Audience;
}

/// Who can be asked for a result.
#[diagnostic::on_unimplemented(
    message = "only one connection can be asked for a result",
    note = "`caller()` and `client(id)` are one connection"
)]
pub trait OneClient: Receiver {
    #[doc(hidden)]
    fn client(&self) -> &Client;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Audience {}
    impl Sealed for super::Client {}
}

impl Receiver for Audience {
    fn audience(&self) -> &Audience {
        self
    }
}

impl Receiver for Client {
    fn audience(&self) -> &Audience {
        &self.0
    }
}

impl OneClient for Client {
    fn client(&self) -> &Client {
        self
    }
}

impl Audience {
    /// The one connection that it is.
    fn one(&self) -> Result<ConnectionId, SendError> {
        match self.whom()? {
            LinkAudience::Connections(ids) if ids.len() == 1 => Ok(ids[0].clone()),
            _ => Err(SendError::LinkLost),
        }
    }
}
