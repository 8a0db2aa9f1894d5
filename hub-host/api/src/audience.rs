use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, InvalidId, UserId};
use hubplane_proto_link::{
    self as link, Arguments, Caller, Delivery, Encoding, GroupOperation, ToGateway,
};
use serde::Serialize;
use smallvec::SmallVec;

use crate::host::{LinkLost, Port, Refused};
use crate::running::Running;
use crate::value::{self, ValueError};
use crate::{Changing, SendError};

/// The arguments of one send may together have this many bytes, in every encoding (DESIGN 9).
pub(crate) const ARGUMENT_BYTES_MAX: usize = 1024 * 1024;

/// On whose behalf, by which way and to which hub something is sent.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) port: Arc<dyn Port>,
    pub(crate) caller: Caller,
    pub(crate) hub: HubName,
    /// The run of a method that it belongs to.
    pub(crate) running: Option<Arc<Running>>,
}

impl Origin {
    pub(crate) fn all(&self) -> Audience {
        self.to(Ok(link::Audience::All))
    }

    pub(crate) fn connections<N: AsRef<str>>(&self, ids: impl IntoIterator<Item = N>) -> Audience {
        self.to(names(ids, ConnectionId::new).map(|ids| link::Audience::Connections(once_each(ids))))
    }

    pub(crate) fn groups<N: AsRef<str>>(&self, groups: impl IntoIterator<Item = N>) -> Audience {
        self.to(names(groups, GroupName::new).map(link::Audience::Groups))
    }

    pub(crate) fn users<N: AsRef<str>>(&self, users: impl IntoIterator<Item = N>) -> Audience {
        self.to(names(users, UserId::new).map(|users| link::Audience::Users(once_each(users))))
    }

    pub(crate) fn to(&self, audience: Result<link::Audience, InvalidId>) -> Audience {
        Audience {
            origin: self.clone(),
            audience,
            except: SmallVec::new(),
        }
    }

    pub(crate) fn change(
        &self,
        operation: GroupOperation,
        connection: &str,
        group: &str,
    ) -> Changing {
        Changing::new(
            Arc::clone(&self.port),
            self.caller.clone(),
            self.hub.clone(),
            operation,
            ConnectionId::new(connection),
            group,
        )
    }
}

/// Takes names as texts. What cannot be the name of a connection, user or group is nobody's name, but more likely a
/// mistake: it fails the send.
fn names<N: AsRef<str>, T>(
    names: impl IntoIterator<Item = N>,
    new: impl Fn(Arc<str>) -> Result<T, InvalidId>,
) -> Result<SmallVec<[T; 1]>, InvalidId> {
    names
        .into_iter()
        .map(|name| new(Arc::from(name.as_ref())))
        .collect()
}

/// Who is named twice receives once; only groups count as often as they are named (reference signalr-core 14.1).
fn once_each<T: Ord>(mut names: SmallVec<[T; 1]>) -> SmallVec<[T; 1]> {
    names.sort_unstable();
    names.dedup();
    names
}

/// Some connections of one hub, named by what they have in common. Those that it means when something is sent receive.
///
/// From [`Context`](crate::Context) or [`HubContext`](crate::HubContext); `#[client]` adds typed methods to it.
///
/// ```
/// # use hubplane_hub::*;
/// # async fn example(ctx: &Context) -> Result<(), SendError> {
/// ctx.all().send("price", ("eggs", 3)).await?;
/// ctx.group("room").except(["a-connection"]).send("left", ()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an audience receives nothing before something is sent to it"]
#[doc(alias = "IClientProxy")]
#[doc(alias = "IHubClients")]
pub struct Audience {
    origin: Origin,
    audience: Result<link::Audience, InvalidId>,
    except: SmallVec<[ConnectionId; 1]>,
}

impl Audience {
    /// Without these connections, by their ids.
    pub fn except<N: AsRef<str>>(mut self, connections: impl IntoIterator<Item = N>) -> Self {
        match names(connections, ConnectionId::new) {
            Ok(ids) => self.except.extend(ids),
            Err(invalid) => self.audience = Err(invalid),
        }
        self
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn excepts_nobody(&self) -> bool {
        self.except.is_empty()
    }

    /// Who it is, with those that it excepts.
    pub(crate) fn whom(&self) -> Result<link::Audience, SendError> {
        Ok(self.audience.clone()?)
    }

    pub(crate) fn except_id(mut self, connection: ConnectionId) -> Self {
        self.except.push(connection);
        self
    }

    /// Sends: each of them is to run its method `target` with these arguments, a tuple.
    ///
    /// The name goes out as it is written here. There is no answer, and who is gone receives nothing; when it returns,
    /// the message is on its way to its receivers in the order of the caller's sends.
    ///
    /// # Errors
    /// [`SendError`] if an argument cannot be written for every client, if the message is too long or a name is none,
    /// and if the link to the gateway is lost.
    #[doc(alias = "SendAsync")]
    #[doc(alias = "SendCoreAsync")]
    pub fn send(&self, target: &str, arguments: impl ClientArguments) -> Sending {
        Sending::new(&self.origin.port, self.frame(target, &arguments))
    }

    fn frame(
        &self,
        target: &str,
        arguments: &impl ClientArguments,
    ) -> Result<ToGateway, SendError> {
        let audience = self.audience.clone()?;
        let bytes = encoded(target, arguments)?;
        Ok(ToGateway::Send(link::Send {
            caller: self.origin.caller.clone(),
            delivery: Delivery {
                hub: self.origin.hub.clone(),
                audience,
                except: self.except.clone(),
                target: target.to_owned(),
                arguments: Arguments {
                    encoding: Encoding::MessagePack,
                    bytes,
                },
            },
        }))
    }
}

/// Writes arguments so that every client can read them, whoever listens.
pub(crate) fn encoded(target: &str, arguments: &impl ClientArguments) -> Result<Bytes, SendError> {
    let mut bytes = Vec::with_capacity(64);
    if let Err(source) = arguments.write(value::Writing::PORTABLE, &mut bytes) {
        let target = target.to_owned();
        return Err(SendError::Value { target, source });
    }
    if bytes.len() > ARGUMENT_BYTES_MAX {
        return Err(SendError::TooLong {
            target: target.to_owned(),
            len_bytes: bytes.len(),
            bytes_max: ARGUMENT_BYTES_MAX,
        });
    }
    Ok(bytes.into())
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience")
            .field("hub", &self.origin.hub)
            .field("audience", &self.audience)
            .field("except", &self.except)
            .finish()
    }
}

/// A message on its way to the gateway; nothing is sent before it is awaited.
///
/// Resolves when the gateway's queue has taken it. Cancel safe: dropped before it resolves, it was not sent.
#[must_use = "nothing is sent before this is awaited"]
pub struct Sending {
    port: Arc<dyn Port>,
    state: Step,
}

enum Step {
    Unsent(Box<Result<ToGateway, SendError>>),
    Waiting(BoxFuture<'static, Result<(), LinkLost>>),
    Over,
}

impl Sending {
    pub(crate) fn new(port: &Arc<dyn Port>, frame: Result<ToGateway, SendError>) -> Self {
        Self {
            port: Arc::clone(port),
            state: Step::Unsent(Box::new(frame)),
        }
    }

    fn start(
        &self,
        frame: Result<ToGateway, SendError>,
    ) -> Result<Option<BoxFuture<'static, Result<(), LinkLost>>>, SendError> {
        match self.port.try_send(frame?) {
            Ok(()) => Ok(None),
            Err(Refused::Full(frame)) => Ok(Some(self.port.send(*frame))),
            Err(Refused::Lost(LinkLost)) => Err(SendError::LinkLost),
        }
    }
}

impl Future for Sending {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut waiting = match std::mem::replace(&mut self.state, Step::Over) {
            Step::Unsent(frame) => match self.start(*frame) {
                Ok(Some(waiting)) => waiting,
                Ok(None) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            },
            Step::Waiting(waiting) => waiting,
            Step::Over => return Poll::Pending,
        };
        match waiting.as_mut().poll(cx) {
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|LinkLost| SendError::LinkLost)),
            Poll::Pending => {
                self.state = Step::Waiting(waiting);
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sending")
    }
}

/// What a client's method can be given: a tuple of values that serde writes, `()` for none; or an [`ArgumentList`].
#[diagnostic::on_unimplemented(
    message = "the arguments of a client's method are a tuple, `{Self}` is none",
    label = "not a tuple of values that serde writes",
    note = "write `(value,)` for one argument and `()` for none"
)]
pub trait ClientArguments {
    #[doc(hidden)]
    fn write(&self, how: value::Writing, out: &mut Vec<u8>) -> Result<(), ValueError>;
}

/// Arguments whose number is known only while the hub runs: each element is one argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArgumentList<T>(pub Vec<T>);

impl<T: Serialize> ClientArguments for ArgumentList<T> {
    fn write(&self, how: value::Writing, out: &mut Vec<u8>) -> Result<(), ValueError> {
        value::write(&self.0, how, out)
    }
}

impl ClientArguments for () {
    fn write(&self, how: value::Writing, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let none: [(); 0] = [];
        value::write(&none, how, out)
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Serialize),+> ClientArguments for ($($name,)+) {
            fn write(&self, how: value::Writing, out: &mut Vec<u8>) -> Result<(), ValueError> {
                value::write(self, how, out)
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);
