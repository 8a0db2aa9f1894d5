//! Ways to gateways for what belongs to no link.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use hubplane_hub::Timestamp;
use hubplane_hub::host::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};
use hubplane_proto_link::{AckOutcome, Answer, Audience, ClientOutcome, ToGateway};

use crate::background::Background;
use crate::port::LinkPort;

/// The way for what is sent outside of invocations: by any link, but for one audience always by the same one while the
/// links last, which keeps its order (DESIGN 4).
#[derive(Debug)]
pub(crate) struct AnyLink {
    links: RwLock<Vec<Weak<LinkPort>>>,
    background: Background,
}

impl AnyLink {
    pub(crate) fn new(background: &Background) -> Self {
        Self {
            links: RwLock::default(),
            background: background.clone(),
        }
    }

    pub(crate) fn add(&self, port: &Arc<LinkPort>) {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        links.push(Arc::downgrade(port));
    }

    pub(crate) fn remove(&self, ended: &Arc<LinkPort>) {
        let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| !std::ptr::eq(link.as_ptr(), Arc::as_ptr(ended)));
    }

    fn choose(&self, key: u64) -> Result<Arc<LinkPort>, LinkLost> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        let at = key.checked_rem(links.len() as u64).ok_or(LinkLost)?;
        let link = usize::try_from(at).ok().and_then(|at| links.get(at));
        link.and_then(Weak::upgrade).ok_or(LinkLost)
    }

    fn find(&self, is_it: impl Fn(&LinkPort) -> bool) -> Option<Arc<LinkPort>> {
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        let mut links = links.iter().filter_map(Weak::upgrade);
        links.find(|link| is_it(link))
    }

    fn of_frame(&self, frame: &ToGateway) -> Result<Arc<LinkPort>, LinkLost> {
        // The window of a connection is that of its own link.
        let home = match frame {
            ToGateway::Send(send) => match &send.delivery.audience {
                Audience::Connections(ids) if ids.len() == 1 => ids
                    .first()
                    .and_then(|id| self.find(|link| link.has(&send.delivery.hub, id))),
                _ => None,
            },
            ToGateway::ToConnection(send) => self.find(|link| link.holds(&send.connection)),
            _ => None,
        };
        if let Some(link) = home {
            return Ok(link);
        }
        self.choose(match frame {
            ToGateway::Send(send) => of_audience(&send.delivery.audience),
            ToGateway::Close(request) => hash(&request.connection),
            _ => 0,
        })
    }
}

fn hash(named: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(named)
}

fn of_audience(audience: &Audience) -> u64 {
    match audience {
        Audience::All => 0,
        Audience::Connections(ids) => match &**ids {
            [one] => hash(one),
            ids => hash(&ids),
        },
        Audience::Groups(groups) => hash(groups),
        Audience::Users(users) => hash(users),
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
        match self.choose(hash(&request.connection)) {
            Ok(link) => link.change_group(request),
            Err(lost) => Box::pin(std::future::ready(Err(lost))),
        }
    }

    fn ask(&self, request: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>> {
        match self.choose(hash(&request.connection)) {
            Ok(link) => link.ask(request),
            Err(lost) => Box::pin(std::future::ready(Err(lost))),
        }
    }

    fn query(&self, request: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>> {
        match self.choose(of_audience(&request.audience)) {
            Ok(link) => link.query(request),
            Err(lost) => Box::pin(std::future::ready(Err(lost))),
        }
    }

    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn elapsed(&self) -> Duration {
        self.background.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.background.sleep(time)
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.background.spawn(work);
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
    fn ask(&self, request: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>> {
        match self.link() {
            Some(link) => link.ask(request),
            None => self.any.ask(request),
        }
    }

    fn query(&self, request: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>> {
        match self.link() {
            Some(link) => link.query(request),
            None => self.any.query(request),
        }
    }

    fn now(&self) -> Timestamp {
        self.any.now()
    }

    fn elapsed(&self) -> Duration {
        self.any.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.any.sleep(time)
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.any.spawn(work);
    }
}
