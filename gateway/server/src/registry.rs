//! Which connection tokens are in use, and on which shard each connection of this node is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hubplane_proto_ids::{ConnectionId, ConnectionToken, HubName};

/// What attaching by a token can meet (reference signalr-core 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("no connection with that id")]
    Unknown,
    #[error("a transport is attached already")]
    Attached,
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
    /// Its place in `waiting`; `None` once a transport has attached.
    waits: Option<(Instant, u64)>,
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

    /// From now on frames about this connection go to that shard.
    pub(crate) fn place(&self, shard: u8) {
        let mut tables = self.registry.lock();
        if let Some(token) = tables.tokens.get(&self.token) {
            let hub = token.hub.clone();
            let place = Place { shard, hub };
            tables.places.insert(self.connection.clone(), place);
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut tables = self.registry.lock();
        tables.tokens.remove(&self.token);
        tables.places.remove(&self.connection);
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
        connection: ConnectionId,
        hub: HubName,
        now: Instant,
    ) -> bool {
        let mut tables = self.lock();
        tables.expire(now);
        if tables.waiting.len() >= self.negotiated_max {
            return false;
        }
        let place = tables.place(now + self.negotiate_timeout);
        tables.waiting.insert(place, token.clone());
        tables.tokens.insert(
            token,
            Token {
                connection,
                hub,
                waits: Some(place),
            },
        );
        true
    }

    /// A transport claims the connection that was negotiated under this token. A token of another hub is unknown.
    pub(crate) fn attach(
        self: &Arc<Self>,
        token: &ConnectionToken,
        hub: &HubName,
        now: Instant,
    ) -> Result<Attached, AttachError> {
        let mut tables = self.lock();
        tables.expire(now);
        let entry = tables
            .tokens
            .get_mut(token)
            .filter(|entry| entry.hub == *hub)
            .ok_or(AttachError::Unknown)?;
        let place = entry.waits.take().ok_or(AttachError::Attached)?;
        let connection = entry.connection.clone();
        tables.waiting.remove(&place);
        Ok(Attached {
            registry: Arc::clone(self),
            token: token.clone(),
            connection,
        })
    }

    /// A transport came without a token: its connection id is its token, as under negotiate version 0.
    pub(crate) fn attach_new(self: &Arc<Self>, connection: ConnectionId, hub: HubName) -> Attached {
        let token = ConnectionToken::from_connection_id(&connection);
        let entry = Token {
            connection: connection.clone(),
            hub,
            waits: None,
        };
        self.lock().tokens.insert(token.clone(), entry);
        Attached {
            registry: Arc::clone(self),
            token,
            connection,
        }
    }

    /// Whether a token names a connection of this hub, and whether a transport has attached to it.
    pub(crate) fn find(
        &self,
        token: &ConnectionToken,
        hub: &HubName,
        now: Instant,
    ) -> Option<bool> {
        let mut tables = self.lock();
        tables.expire(now);
        let entry = tables.tokens.get(token).filter(|entry| entry.hub == *hub)?;
        Some(entry.waits.is_none())
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

    fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            let token = entry.remove();
            self.tokens.remove(&token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(15);

    fn negotiate(registry: &Arc<Registry>, now: Instant) -> ConnectionToken {
        let token = ConnectionToken::random().unwrap();
        assert!(registry.negotiated(
            token.clone(),
            ConnectionId::random().unwrap(),
            "chat".parse().unwrap(),
            now
        ));
        token
    }

    #[test]
    fn a_token_attaches_once_and_ends_with_its_connection() {
        let (registry, now) = (Registry::new(TIMEOUT, 10), Instant::now());
        let (hub, other) = ("chat".parse().unwrap(), "other".parse().unwrap());
        let token = negotiate(&registry, now);
        assert_eq!(registry.find(&token, &hub, now), Some(false));
        assert_eq!(
            registry.attach(&token, &other, now).unwrap_err(),
            AttachError::Unknown,
            "of another hub"
        );
        let attached = registry.attach(&token, &hub, now).unwrap();
        attached.place(3);
        assert_eq!(registry.shard(attached.connection()), Some(3));
        assert!(registry.has(&hub, attached.connection()));
        assert!(!registry.has(&other, attached.connection()));
        assert_eq!(
            registry.attach(&token, &hub, now).unwrap_err(),
            AttachError::Attached
        );
        assert_eq!(registry.find(&token, &hub, now + 2 * TIMEOUT), Some(true));
        let connection = attached.connection().clone();
        drop(attached);
        assert_eq!(registry.shard(&connection), None);
        assert_eq!(
            registry.attach(&token, &hub, now).unwrap_err(),
            AttachError::Unknown
        );
    }

    #[test]
    fn what_nobody_attaches_to_is_forgotten() {
        let (registry, now) = (Registry::new(TIMEOUT, 2), Instant::now());
        let hub = "chat".parse().unwrap();
        let token = negotiate(&registry, now);
        negotiate(&registry, now);
        let third = ConnectionToken::random().unwrap();
        let id = ConnectionId::random().unwrap();
        assert!(!registry.negotiated(third.clone(), id.clone(), HubName::clone(&hub), now));
        let later = now + TIMEOUT;
        assert_eq!(registry.find(&token, &hub, later), None);
        assert_eq!(registry.waiting(), 0);
        assert!(registry.negotiated(third, id, hub, later));
    }
}
