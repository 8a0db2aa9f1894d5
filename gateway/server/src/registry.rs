//! Which connection tokens are in use, and on which shard each connection of this node is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hubplane_proto_ids::{ConnectionId, ConnectionToken, HubName};
use hubplane_proto_link::Transport;

use crate::owner::Owner;
use crate::turns::{Turn, Waiters};

/// What clients may post to one connection before it has a transport, in bytes (reference signalr-core 5.3).
const POSTED_BYTES_MAX: usize = 64 * 1024;
/// What they may post to all such connections of this node together, in bytes.
const POSTED_TOTAL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What attaching by a token can meet (reference signalr-core 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("no connection with that id")]
    Unknown,
    #[error("a transport is attached already")]
    Attached(Transport),
}

/// What negotiate says of a connection.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) connection: ConnectionId,
    pub(crate) hub: HubName,
    /// Stateful reconnect was granted.
    pub(crate) is_stateful: bool,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The transport that has attached.
    pub(crate) transport: Option<Transport>,
    /// Who has the connection, once somebody does.
    pub(crate) owner: Option<Owner>,
    /// Stateful reconnect was granted.
    pub(crate) is_stateful: bool,
}

/// What becomes of bytes that a client posts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// They are kept for the transport that will attach.
    Kept,
    /// No more is kept until it has.
    Full,
    /// They are for whoever has the connection.
    For(Owner),
    /// The connection is gone.
    Gone,
}

/// The tokens and connections of this node.
#[derive(Debug)]
pub(crate) struct Registry {
    tables: Mutex<Tables>,
    negotiate_timeout: Duration,
    negotiated_max: usize,
}

#[derive(Debug, Default)]
struct Tables {
    tokens: HashMap<ConnectionToken, Token>,
    /// What was negotiated and has no transport yet, oldest first.
    waiting: BTreeMap<(Instant, u64), ConnectionToken>,
    next: u64,
    places: HashMap<ConnectionId, Place>,
    /// What all tokens keep of posts.
    posted_bytes: usize,
}

#[derive(Debug)]
struct Place {
    shard: u8,
    hub: HubName,
}

#[derive(Debug)]
struct Token {
    connection: ConnectionId,
    hub: HubName,
    is_stateful: bool,
    /// Its place in `waiting`; `None` once a transport has attached.
    waits: Option<(Instant, u64)>,
    transport: Option<Transport>,
    /// Once a shard has it.
    shard: Option<u8>,
    /// What was posted before.
    posted: Option<Box<BytesMut>>,
    /// While requests wait for it or for each other.
    waiters: Option<Arc<Waiters>>,
}

/// A connection that a transport has attached to. Its token and its place on a shard end with this value.
#[derive(Debug)]
pub(crate) struct Attached {
    registry: Arc<Registry>,
    token: ConnectionToken,
    connection: ConnectionId,
}

impl Attached {
    pub(crate) fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// From now on frames and requests about this connection go to that shard. `give` hands the connection to it, with
    /// what was posted before: no request comes in between.
    pub(crate) fn place(self, shard: u8, give: impl FnOnce(Self, Bytes)) {
        let registry = Arc::clone(&self.registry);
        let mut tables = registry.lock();
        let mut posted = Bytes::new();
        if let Some(token) = tables.tokens.get_mut(&self.token) {
            token.shard = Some(shard);
            posted = token.take_posted();
            token.tell_waiters();
            let hub = token.hub.clone();
            let place = Place { shard, hub };
            tables.places.insert(self.connection.clone(), place);
            tables.posted_bytes -= posted.len();
        }
        give(self, posted);
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut tables = self.registry.lock();
        tables.forget(&self.token);
        tables.places.remove(&self.connection);
    }
}

impl Token {
    fn new(connection: ConnectionId, hub: HubName) -> Self {
        Self {
            connection,
            hub,
            is_stateful: false,
            waits: None,
            transport: None,
            shard: None,
            posted: None,
            waiters: None,
        }
    }

    fn take_posted(&mut self) -> Bytes {
        self.posted
            .take()
            .map_or_else(Bytes::new, |posted| posted.freeze())
    }

    fn owner(&self) -> Option<Owner> {
        let shard = self.shard?;
        Some(Owner::new(shard, self.connection.clone()))
    }

    /// Something has changed for whoever waits.
    fn tell_waiters(&self) {
        if let Some(waiters) = &self.waiters {
            waiters.tell();
        }
    }
}

impl Registry {
    pub(crate) fn new(negotiate_timeout: Duration, negotiated_max: usize) -> Arc<Self> {
        Arc::new(Self {
            tables: Mutex::default(),
            negotiate_timeout,
            negotiated_max,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a negotiated token until a transport attaches, at most for the negotiate timeout. `false`: too many
    /// wait already.
    pub(crate) fn negotiated(
        &self,
        token: ConnectionToken,
        negotiated: Negotiated,
        now: Instant,
    ) -> bool {
        let mut tables = self.lock();
        tables.expire(now);
        if tables.waiting.len() >= self.negotiated_max {
            return false;
        }
        let place = tables.place(now + self.negotiate_timeout);
        tables.waiting.insert(place, token.clone());
        let entry = Token {
            waits: Some(place),
            is_stateful: negotiated.is_stateful,
            ..Token::new(negotiated.connection, negotiated.hub)
        };
        tables.tokens.insert(token, entry);
        true
    }

    /// A transport claims the connection that was negotiated under this token. A token of another hub is unknown.
    pub(crate) fn attach(
        self: &Arc<Self>,
        token: &ConnectionToken,
        hub: &HubName,
        transport: Transport,
        now: Instant,
    ) -> Result<Attached, AttachError> {
        let mut tables = self.lock();
        tables.expire(now);
        let entry = tables.find(token, hub).ok_or(AttachError::Unknown)?;
        if let Some(attached) = entry.transport {
            return Err(AttachError::Attached(attached));
        }
        entry.transport = Some(transport);
        let connection = entry.connection.clone();
        if let Some(place) = entry.waits.take() {
            tables.waiting.remove(&place);
        }
        Ok(Attached {
            registry: Arc::clone(self),
            token: token.clone(),
            connection,
        })
    }

    /// A WebSocket came without a token: its connection id is its token, as under negotiate version 0.
    pub(crate) fn attach_new(self: &Arc<Self>, connection: ConnectionId, hub: HubName) -> Attached {
        let token = ConnectionToken::from_connection_id(&connection);
        let entry = Token {
            transport: Some(Transport::WebSockets),
            ..Token::new(connection.clone(), hub)
        };
        self.lock().tokens.insert(token.clone(), entry);
        Attached {
            registry: Arc::clone(self),
            token,
            connection,
        }
    }

    /// What is known of a token of this hub.
    pub(crate) fn find(
        &self,
        token: &ConnectionToken,
        hub: &HubName,
        now: Instant,
    ) -> Option<Found> {
        let mut tables = self.lock();
        tables.expire(now);
        let entry = tables.find(token, hub)?;
        Some(Found {
            transport: entry.transport,
            owner: entry.owner(),
            is_stateful: entry.is_stateful,
        })
    }

    /// The same, once nobody is about to attach to it.
    ///
    /// Cancel safe.
    pub(crate) async fn find_placed(
        self: &Arc<Self>,
        token: &ConnectionToken,
        hub: &HubName,
    ) -> Option<Found> {
        let is_placed = |found: &Found| found.transport.is_none() || found.owner.is_some();
        let found = self.find(token, hub, Instant::now())?;
        if is_placed(&found) {
            return Some(found);
        }
        let turn = self.turn(token, hub)?;
        loop {
            let change = turn.change();
            let found = self.find(token, hub, Instant::now())?;
            if is_placed(&found) {
                return Some(found);
            }
            change.await;
        }
    }

    /// A place in the line of those who post to a connection.
    pub(crate) fn turn(self: &Arc<Self>, token: &ConnectionToken, hub: &HubName) -> Option<Turn> {
        let mut tables = self.lock();
        let entry = tables.find(token, hub)?;
        let waiters = Arc::clone(entry.waiters.get_or_insert_default());
        Some(Turn::new(Arc::clone(self), token.clone(), waiters))
    }

    /// Somebody has left the line.
    pub(crate) fn turn_over(&self, token: &ConnectionToken) {
        if let Some(entry) = self.lock().tokens.get_mut(token) {
            // This one's own is the other.
            entry
                .waiters
                .take_if(|waiters| Arc::strong_count(waiters) <= 2);
        }
    }

    /// Where bytes go that a client posts; they are copied if they are kept.
    pub(crate) fn post(
        &self,
        token: &ConnectionToken,
        hub: &HubName,
        bytes: &[u8],
        now: Instant,
    ) -> Posted {
        let mut tables = self.lock();
        tables.expire(now);
        let room = POSTED_TOTAL_BYTES_MAX.saturating_sub(tables.posted_bytes);
        let Some(entry) = tables.find(token, hub) else {
            return Posted::Gone;
        };
        if let Some(owner) = entry.owner() {
            return Posted::For(owner);
        }
        let posted = entry.posted.get_or_insert_default();
        let fits = posted.is_empty() || posted.len() + bytes.len() <= POSTED_BYTES_MAX;
        if !fits || bytes.len() > room {
            return Posted::Full;
        }
        posted.extend_from_slice(bytes);
        tables.posted_bytes += bytes.len();
        Posted::Kept
    }

    /// A client deletes its connection: the token is unknown from now on. `None` if there is nothing to delete.
    pub(crate) fn delete(&self, token: &ConnectionToken, hub: &HubName) -> Option<Owner> {
        let mut tables = self.lock();
        let entry = tables.find(token, hub)?;
        let deletable = entry.transport == Some(Transport::LongPolling);
        let owner = entry.owner().filter(|_| deletable)?;
        tables.forget(token);
        Some(owner)
    }

    /// On which shard of this node a connection is.
    pub(crate) fn shard(&self, connection: &ConnectionId) -> Option<u8> {
        Some(self.lock().places.get(connection)?.shard)
    }

    /// Whether a connection of this hub is on this node. To another hub it is unknown.
    pub(crate) fn has(&self, hub: &HubName, connection: &ConnectionId) -> bool {
        let tables = self.lock();
        let place = tables.places.get(connection);
        place.is_some_and(|place| place.hub == *hub)
    }

    /// Forgets what waited for too long; called now and then, so that memory returns without a further request.
    pub(crate) fn expire(&self, now: Instant) {
        self.lock().expire(now);
    }

    /// How many tokens wait for a transport.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }
}

impl Tables {
    fn place(&mut self, until: Instant) -> (Instant, u64) {
        self.next += 1;
        (until, self.next)
    }

    /// A token of another hub is unknown.
    fn find(&mut self, token: &ConnectionToken, hub: &HubName) -> Option<&mut Token> {
        let entry = self.tokens.get_mut(token)?;
        (entry.hub == *hub).then_some(entry)
    }

    fn forget(&mut self, token: &ConnectionToken) {
        if let Some(mut entry) = self.tokens.remove(token) {
            self.posted_bytes -= entry.take_posted().len();
            entry.tell_waiters();
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            let token = entry.remove();
            self.forget(&token);
        }
    }
}

#[cfg(test)]
mod tests;
