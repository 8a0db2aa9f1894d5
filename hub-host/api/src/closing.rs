use std::fmt;
use std::future::IntoFuture;

use hubplane_proto_ids::{ConnectionId, InvalidId};
use hubplane_proto_link::{CloseRequest, ToGateway};

use crate::audience::Origin;
use crate::{SendError, Sending};

/// A reason may have this many bytes.
const REASON_BYTES_MAX: usize = 1024;

/// The end of a connection that a hub asks for; nothing happens before it is awaited.
///
/// Resolves when the gateway's queue has taken it. What was sent to the connection before still arrives, on whichever
/// gateway it is; an unknown connection is nobody.
///
/// ```
/// # use hubplane_hub::*;
/// # struct Rooms;
/// #[hub]
/// impl Rooms {
///     async fn kick(&self, ctx: &Context, connection: String) -> Result<(), HubError> {
///         Ok(ctx.close(connection).reason("you were too loud").await?)
///     }
///
///     async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) -> Result<(), HubError> {
///         Ok(ctx.all().send("Left", (ctx.user_id(), reason.reason())).await?)
///     }
/// }
///
/// let hub = testing::TestHub::new(Rooms);
/// let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
/// ana.invoke::<()>("kick", (ben.id(),)).unwrap();
/// assert_eq!(ben.closed().unwrap().error.as_deref(), Some("you were too loud"));
/// assert_eq!(ana.next::<(String, String)>("Left"), ("ben".into(), "you were too loud".into()));
/// ```
#[must_use = "nothing is closed before this is awaited"]
pub struct Closing {
    origin: Origin,
    connection: Result<ConnectionId, InvalidId>,
    reason: Option<String>,
    allow_reconnect: bool,
}

impl Closing {
    pub(crate) fn new(origin: &Origin, connection: &str) -> Self {
        Self {
            origin: origin.clone(),
            connection: ConnectionId::new(connection),
            reason: None,
            allow_reconnect: false,
        }
    }

    /// Tells the client why: a text of at most 1 KiB, which it reads as the error of the Close message (reference
    /// signalr-core 13.3), and `on_disconnected` by [`Disconnect::reason`](crate::Disconnect::reason). Without one, the
    /// client sees an ordinary end.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Lets the client come back by itself, if it does such things. It is told not to otherwise.
    pub fn allow_reconnect(mut self) -> Self {
        self.allow_reconnect = true;
        self
    }

    fn frame(&self) -> Result<ToGateway, SendError> {
        let len_bytes = self.reason.as_ref().map_or(0, String::len);
        if len_bytes > REASON_BYTES_MAX {
            return Err(SendError::ReasonTooLong {
                len_bytes,
                bytes_max: REASON_BYTES_MAX,
            });
        }
        Ok(ToGateway::Close(CloseRequest {
            caller: self.origin.caller.clone(),
            hub: self.origin.hub.clone(),
            connection: self.connection.clone()?,
            reason: self.reason.clone(),
            allow_reconnect: self.allow_reconnect,
        }))
    }
}

impl IntoFuture for Closing {
    type Output = Result<(), SendError>;
    type IntoFuture = Sending;

    fn into_future(self) -> Sending {
        Sending::new(&self.origin.port, self.frame())
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing")
            .field("connection", &self.connection)
            .field("reason", &self.reason)
            .field("allow_reconnect", &self.allow_reconnect)
            .finish_non_exhaustive()
    }
}
