//! The links to hub-hosts: which serve which hub, and which takes the next connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hubplane_gateway_shard::LinkSender;
use hubplane_proto_ids::{HubName, NodeId};
use hubplane_proto_link::{Access, AccessRule, Claim, HubHostHello, UserIdSource};

use crate::endpoints::{Endpoint, Endpoints};

/// One link to one hub-host.
#[derive(Debug)]
pub(crate) struct Link {
    /// Who is at its other end.
    pub(crate) node: NodeId,
    pub(crate) sender: LinkSender,
    open: AtomicUsize,
}

/// A connection's place on a link; given back when dropped.
#[derive(Debug)]
pub(crate) struct Placed(Arc<Link>);

impl Placed {
    pub(crate) fn link(&self) -> &Link {
        &self.0
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A hub that is served somewhere.
#[derive(Debug)]
struct Hub {
    user_id: UserIdSource,
    access: AccessRule,
    links: Vec<Arc<Link>>,
}

#[derive(Debug, Default)]
struct Tables {
    hubs: HashMap<HubName, Hub>,
    endpoints: Endpoints,
}

/// All links of this gateway.
#[derive(Debug)]
pub(crate) struct Links {
    tables: RwLock<Tables>,
    /// Further paths of hubs, from the configuration.
    paths: Vec<(String, HubName)>,
    turn: AtomicUsize,
}

impl Links {
    pub(crate) fn new(paths: Vec<(String, HubName)>) -> Self {
        Self {
            tables: RwLock::default(),
            paths,
            turn: AtomicUsize::new(0),
        }
    }

    /// A hub-host answered: connections may be placed on its link from now on.
    pub(crate) fn add(&self, hello: &HubHostHello, sender: LinkSender) -> Arc<Link> {
        let link = Arc::new(Link {
            node: hello.node.clone(),
            sender,
            open: AtomicUsize::new(0),
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for declared in &hello.hubs {
            let paths = self
                .paths
                .iter()
                .filter(|(_, hub)| *hub == declared.name)
                .map(|(path, _)| path.as_str());
            tables.endpoints.add(&declared.name, paths);
            let hub = tables
                .hubs
                .entry(declared.name.clone())
                .or_insert_with(|| Hub {
                    user_id: declared.user_id,
                    access: AccessRule::default(),
                    links: Vec::new(),
                });
            hub.user_id = declared.user_id;
            hub.access.clone_from(&declared.access);
            hub.links.push(Arc::clone(&link));
        }
        link
    }

    /// The link has ended: nothing is placed on it any more.
    pub(crate) fn remove(&self, ended: &Arc<Link>) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for hub in tables.hubs.values_mut() {
            hub.links.retain(|link| !Arc::ptr_eq(link, ended));
        }
    }

    pub(crate) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        self.tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .endpoints
            .find(path)
    }

    /// What a hub itself says of somebody who wants to connect.
    pub(crate) fn judge(&self, hub: &HubName, authenticated: bool, claims: &[Claim]) -> Access {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.hubs.get(hub).map_or(Access::Allowed, |hub| {
            hub.access.judge(authenticated, claims)
        })
    }

    /// A link of a hub for what belongs to no connection: the same for one `hash` while the links last. `None` if no
    /// hub-host serves the hub now.
    pub(crate) fn any(&self, hub: &HubName, hash: u64) -> Option<LinkSender> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let links = &tables.hubs.get(hub)?.links;
        let at = hash.checked_rem(links.len() as u64)?;
        let link = links.get(usize::try_from(at).ok()?)?;
        Some(link.sender.clone())
    }

    /// A link for one more connection, by the power of two choices on open connections; `None` if no hub-host serves the
    /// hub now.
    pub(crate) fn place(&self, hub: &HubName) -> Option<(Placed, UserIdSource)> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let hub = tables.hubs.get(hub)?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let choice = |step: usize| hub.links.get((turn + step) % hub.links.len().max(1));
        let (one, two) = (choice(0)?, choice(1 + turn / 7 % hub.links.len())?);
        let open = |link: &Arc<Link>| link.open.load(Ordering::Relaxed);
        let link = if open(two) < open(one) { two } else { one };
        link.open.fetch_add(1, Ordering::Relaxed);
        Some((Placed(Arc::clone(link)), hub.user_id))
    }
}
