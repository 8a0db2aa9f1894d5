//! Where frames leave for gateways.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use futures_util::future::BoxFuture;
use hubplane_hub::host::{GroupRequest, LinkLost, Port, Refused};
use hubplane_proto_link::{AckId, AckOutcome, Audience, GroupChange, ToGateway};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// The way to one gateway.
#[derive(Debug)]
pub(crate) struct LinkPort {
    frames: mpsc::Sender<ToGateway>,
    asked: Arc<Asked>,
}

/// Requests that wait for their acknowledgement: at most a few per running method.
#[derive(Debug, Default)]
struct Asked(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    ended: bool,
    by_id: HashMap<AckId, oneshot::Sender<AckOutcome>>,
}

impl Asked {
    fn with<T>(&self, f: impl FnOnce(&mut Waiting) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Forgets a request that nobody waits for any more.
struct Forget(Arc<Asked>, AckId);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.with(|waiting| waiting.by_id.remove(&self.1));
    }
}

impl LinkPort {
    pub(crate) fn new(frames: mpsc::Sender<ToGateway>) -> Self {
        Self {
            frames,
            asked: Arc::default(),
        }
    }

    /// An acknowledgement has come.
    pub(crate) fn acknowledge(&self, id: AckId, outcome: AckOutcome) {
        let waiting = self.asked.with(|waiting| waiting.by_id.remove(&id));
        if let Some(waiting) = waiting {
            // Who asked may be gone.
            let _ = waiting.send(outcome);
        }
    }

    fn is_ended(&self) -> bool {
        self.frames.is_closed() || self.asked.with(|waiting| waiting.ended)
    }

    /// The link has ended: nothing is acknowledged any more.
    pub(crate) fn end(&self) {
        self.asked.with(|waiting| {
            waiting.ended = true;
            waiting.by_id.clear();
        });
    }
}

impl Port for LinkPort {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        self.frames.try_send(frame).map_err(|error| match error {
            TrySendError::Full(frame) => Refused::Full(Box::new(frame)),
            TrySendError::Closed(_) => Refused::Lost(LinkLost),
        })
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        let frames = self.frames.clone();
        Box::pin(async move { frames.send(frame).await.map_err(|_lost| LinkLost) })
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        let (frames, asked) = (self.frames.clone(), Arc::clone(&self.asked));
        Box::pin(async move {
            let (told, outcome) = oneshot::channel();
            let id = asked.with(|waiting| {
                waiting.last += 1;
                let id = AckId(waiting.last);
                if !waiting.ended {
                    waiting.by_id.insert(id, told);
                }
                id
            });
            let _forget = Forget(asked, id);
            let change = GroupChange {
                ack: id,
                caller: request.caller,
                operation: request.operation,
                hub: request.hub,
                group: request.group,
                connection: request.connection,
            };
            frames
                .send(ToGateway::Group(change))
                .await
                .map_err(|_lost| LinkLost)?;
            outcome.await.map_err(|_ended| LinkLost)
        })
    }
}

/// The way for what is sent outside of invocations: by any link, but for one audience always by the same one while the
/// links last, which keeps its order (DESIGN 4).
#[derive(Debug, Default)]
pub(crate) struct AnyLink(RwLock<Vec<Weak<LinkPort>>>);

impl AnyLink {
    pub(crate) fn add(&self, port: &Arc<LinkPort>) {
        let mut links = self.0.write().unwrap_or_else(PoisonError::into_inner);
        links.push(Arc::downgrade(port));
    }

    pub(crate) fn remove(&self, ended: &Arc<LinkPort>) {
        let mut links = self.0.write().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| !std::ptr::eq(link.as_ptr(), Arc::as_ptr(ended)));
    }

    fn choose(&self, key: u64) -> Result<Arc<LinkPort>, LinkLost> {
        let links = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let at = key.checked_rem(links.len() as u64).ok_or(LinkLost)?;
        let link = usize::try_from(at).ok().and_then(|at| links.get(at));
        link.and_then(Weak::upgrade).ok_or(LinkLost)
    }

    fn of_frame(&self, frame: &ToGateway) -> Result<Arc<LinkPort>, LinkLost> {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        self.choose(match frame {
            ToGateway::Send(send) => match &send.delivery.audience {
                Audience::All => 0,
                Audience::Connections(ids) => hash.hash_one(ids),
                Audience::Groups(groups) => hash.hash_one(groups),
                Audience::Users(users) => hash.hash_one(users),
            },
            ToGateway::Close(request) => hash.hash_one(&request.connection),
            _ => 0,
        })
    }
}

impl Port for AnyLink {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        self.of_frame(&frame)?.try_send(frame)
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        match self.of_frame(&frame) {
            Ok(link) => link.send(frame),
            Err(lost) => Box::pin(std::future::ready(Err(lost))),
        }
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        match self.choose(hash.hash_one(&request.connection)) {
            Ok(link) => link.change_group(request),
            Err(lost) => Box::pin(std::future::ready(Err(lost))),
        }
    }
}

/// The way for what an invocation sends on behalf of the hub: by its own link while that lasts (DESIGN 4), then by any,
/// because it may be kept for longer.
#[derive(Debug)]
pub(crate) struct LinkFirst {
    link: Weak<LinkPort>,
    any: Arc<AnyLink>,
}

impl LinkFirst {
    pub(crate) fn new(link: &Arc<LinkPort>, any: &Arc<AnyLink>) -> Arc<Self> {
        Arc::new(Self {
            link: Arc::downgrade(link),
            any: Arc::clone(any),
        })
    }

    fn link(&self) -> Option<Arc<LinkPort>> {
        self.link.upgrade().filter(|link| !link.is_ended())
    }
}

impl Port for LinkFirst {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        match self.link() {
            Some(link) => link.try_send(frame),
            None => self.any.try_send(frame),
        }
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        match self.link() {
            Some(link) => link.send(frame),
            None => self.any.send(frame),
        }
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        match self.link() {
            Some(link) => link.change_group(request),
            None => self.any.change_group(request),
        }
    }
}
