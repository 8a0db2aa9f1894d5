use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hubplane_proto_ids::{ConnectionId, InvocationId, UserId};
use hubplane_proto_link::{Caller, ConnectionInfo, Invocation, InvocationKind, Payload};

use crate::audience::Origin;
use crate::bag::Kept;
use crate::host::Port;
use crate::running::Running;
use crate::signal::Signal;
use crate::upload::{Channel, Source, Uploads};
use crate::{HubContext, HubError, Request};

/// What a host keeps of a connection while it is there.
pub struct Connection {
    pub(crate) request: Request,
    pub(crate) user: Option<UserId>,
    pub(crate) origin: Origin,
    pub(crate) outside: HubContext,
    pub(crate) ended: Signal,
    pub(crate) kept: Kept,
    open: Mutex<Open>,
}

/// What frames of this connection may name.
#[derive(Default)]
struct Open {
    ended: bool,
    /// Streams that clients send, by the client's ids.
    uploads: HashMap<InvocationId, Arc<Channel>>,
    /// Streaming invocations that run, by the client's ids.
    streams: HashMap<InvocationId, Arc<Running>>,
}

impl Connection {
    /// A connection whose methods send by `port`, and whose work outside of them sends by `outside`.
    pub fn new(
        info: Arc<ConnectionInfo>,
        user: Option<UserId>,
        port: Arc<dyn Port>,
        outside: Arc<dyn Port>,
    ) -> Arc<Self> {
        let hub = info.hub.clone();
        Arc::new(Self {
            user,
            origin: Origin {
                port,
                caller: Caller::Connection(info.connection.clone()),
                hub: hub.clone(),
                running: None,
            },
            outside: HubContext::new(hub, outside),
            ended: Signal::default(),
            kept: Kept::default(),
            open: Mutex::default(),
            request: Request::new(info),
        })
    }

    /// Its public name.
    pub fn id(&self) -> &ConnectionId {
        self.request.connection_id()
    }

    /// Its user, if it has one.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// Tells its running methods that it has ended: their streams, either way, end with it.
    pub fn end(&self) {
        let uploads = self.with(|open| {
            open.ended = true;
            std::mem::take(&mut open.uploads)
        });
        for upload in uploads.into_values() {
            upload.end(Err(closed()));
        }
        self.ended.fire();
    }

    /// An item of a stream that its client sends; of one that nobody reads it is ignored.
    pub fn upload_item(&self, stream: &InvocationId, item: Payload) {
        if let Some(upload) = self.with(|open| open.uploads.get(stream).cloned()) {
            upload.put(item);
        }
    }

    /// A stream that its client sends has ended, with the client's error if it failed.
    pub fn upload_end(&self, stream: &InvocationId, error: Option<String>) {
        if let Some(upload) = self.with(|open| open.uploads.remove(stream)) {
            upload.end(error.map_or(Ok(()), |text| Err(HubError::new(text))));
        }
    }

    /// Its client no longer wants the stream of this invocation.
    pub fn cancel(&self, invocation: &InvocationId) {
        if let Some(running) = self.with(|open| open.streams.get(invocation).cloned()) {
            running.cancelled.fire();
        }
    }

    /// Takes note of an invocation, so that the frames behind it find what they name.
    pub(crate) fn begin(self: &Arc<Self>, invocation: &Invocation, detailed: bool) -> Begun {
        let running = Running::invocation(self, invocation.takes_slot);
        let sources = invocation.stream_ids.iter().map(|stream| {
            let channel = Arc::new(Channel::default());
            let before = self.with(|open| {
                if open.ended {
                    channel.end(Err(closed()));
                    return None;
                }
                open.uploads.insert(stream.clone(), Arc::clone(&channel))
            });
            if let Some(before) = before {
                before.end(Err(HubError::hidden(
                    "InvalidOperationException",
                    format!("Stream ID '{stream}' is in use for another invocation."),
                )));
            }
            Source::new(channel, self, stream.clone(), detailed)
        });
        let uploads = Uploads::new(sources.collect());
        let mut stream = None;
        let mut twice = false;
        if let (InvocationKind::Stream, Some(id)) = (invocation.kind, &invocation.invocation_id) {
            let taken = self.with(|open| match open.streams.entry(id.clone()) {
                Entry::Occupied(_) => false,
                Entry::Vacant(entry) => {
                    entry.insert(Arc::clone(&running));
                    true
                }
            });
            twice = !taken;
            stream = taken.then(|| OpenStream(Arc::clone(self), id.clone()));
        }
        Begun {
            running,
            uploads,
            stream,
            twice,
        }
    }

    /// Forgets an upload, if it is still this one.
    pub(crate) fn forget_upload(&self, stream: &InvocationId, channel: &Arc<Channel>) -> bool {
        self.with(|open| {
            let same = open
                .uploads
                .get(stream)
                .is_some_and(|other| Arc::ptr_eq(other, channel));
            if same {
                open.uploads.remove(stream);
            }
            same
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Open) -> T) -> T {
        f(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What readers of uploads are told (reference signalr-core 12.3).
fn closed() -> HubError {
    HubError::hidden(
        "OperationCanceledException",
        "The underlying connection was closed.",
    )
}

/// An invocation that has been taken note of.
pub(crate) struct Begun {
    pub(crate) running: Arc<Running>,
    pub(crate) uploads: Uploads,
    /// Its place among the streams, until dropped.
    pub(crate) stream: Option<OpenStream>,
    /// Whether its id is that of a stream that runs.
    pub(crate) twice: bool,
}

/// The place of a streaming invocation, given back when dropped.
pub(crate) struct OpenStream(Arc<Connection>, InvocationId);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.with(|open| open.streams.remove(&self.1));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", self.id())
            .field("user", &self.user)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
