//! A connection comes, becomes visible, and goes.

use std::io;

use bytes::Bytes;
use hubplane_gateway_connection::{Connection, OutboundQueue};
use hubplane_proto_ids::{ConnectionId, HubName};
use hubplane_proto_link::CloseReason;
use hubplane_router_directory::{Key, Visibility};

use crate::entry::Entry;
use crate::groups::Waiter;
use crate::ready::SocketWaker;
use crate::sets::{Change, SetName};
use crate::shard::Shard;
use crate::stream::Stream;
use crate::transport::Wire;
use crate::transport::events::Events;
use crate::transport::polls::Polls;
use crate::transport::websocket::WebSocket;
use crate::{Attach, AttachTransport, ClientSocket};

impl Shard {
    /// Takes a connection. One that cannot be taken is dropped, as if the client had gone.
    pub(crate) fn attach(&mut self, attach: Attach) {
        let id = attach.info.connection.clone();
        if self.ids.contains_key(&id) {
            return tracing::warn!(connection = %id, "a second transport for a connection was dropped");
        }
        let is_stateful = attach.transport.is_stateful();
        let (wire, read_ahead) = match self.wire(attach.transport) {
            Ok(taken) => taken,
            Err(error) => {
                return tracing::warn!(connection = %id, %error, "a socket could not be taken");
            }
        };
        let link = self.links.attach(&attach.link);
        let presence = self.presence.hears(&attach.info.hub);
        let mut connection = Connection::new(attach.info, attach.user, attach.options, self.now);
        connection.expire_at(attach.expires_at);
        if is_stateful {
            connection.grant_stateful_reconnect();
        }
        let entry = self.entries.vacant_entry();
        let place = entry.key();
        let signal = SocketWaker::new(&self.ready, place);
        self.serial += 1;
        connection.handle_bytes(&attach.posted);
        if let Wire::Events(events) = &wire {
            events.body.tell(&signal.clone().into());
        }
        let blocked = matches!(wire, Wire::Polls(_));
        entry.insert(Entry {
            connection,
            wire: Some(wire),
            queue: OutboundQueue::new(),
            waker: signal.clone().into(),
            signal,
            link,
            frames_waiting: 0,
            posted: None,
            asked: Vec::new(),
            serial: self.serial,
            presence,
            is_online: false,
            held: false,
            keys_on_their_way: 0,
            dirty: false,
            blocked,
            unread: false,
            tick: None,
            guard: Some(attach.guard),
        });
        self.ids.insert(id, place);
        self.metrics.attached += 1;
        match read_ahead {
            Some(read_ahead) => {
                self.received(place, &mut Vec::from(read_ahead));
                self.to_read.push_back(place);
            }
            None => self.pump(place),
        }
    }

    /// Takes over what the front brings, and what of a socket was read ahead.
    fn wire(&self, transport: AttachTransport) -> io::Result<(Wire, Option<Bytes>)> {
        Ok(match transport {
            AttachTransport::WebSocket {
                socket, read_ahead, ..
            } => (websocket(socket)?, Some(read_ahead)),
            AttachTransport::Events(body) => (Wire::Events(Events::new(body)), None),
            AttachTransport::Polls => (Wire::Polls(Polls::new(self.now)), None),
        })
    }

    /// The handshake is read: the connection, its user and its hub become visible (DESIGN 3.2).
    pub(crate) fn appear(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let info = entry.connection.info();
        let (hub, user, serial) = (&info.hub, entry.connection.user(), entry.serial);
        let mut keys_on_their_way = 0;
        {
            let mut directory = self.directory.lock();
            let mut hold = |key: &Key, change| {
                let visibility = match change {
                    Change::Edge => directory.hold(key, self.index, self.now),
                    Change::Inner | Change::None => directory.visibility(key),
                };
                if let Visibility::Wait(change) = visibility {
                    keys_on_their_way += 1;
                    self.waiters
                        .entry(change)
                        .or_default()
                        .push(Waiter::Connection { place, serial });
                }
            };
            hold(&Key::connection(hub, &info.connection), Change::Edge);
            hold(&Key::hub(hub), self.sets.join(place, hub, &SetName::Hub));
            if let Some(user) = user {
                hold(
                    &Key::user(hub, user),
                    self.sets.join(place, hub, &SetName::User(user.clone())),
                );
            }
        }
        self.directory.changed.notify_one();
        entry.held = true;
        entry.keys_on_their_way = keys_on_their_way;
        if keys_on_their_way == 0 {
            entry.connection.handle_visible(self.now);
            self.user_came(place);
        }
    }

    /// The place of a connection, of one that is over too while its client may still ask for its end.
    pub(crate) fn place_of_parted(&self, connection: &ConnectionId) -> Option<usize> {
        let place = self.ids.get(connection);
        place.or_else(|| self.parted.get(connection)).copied()
    }

    /// The connection is over. Its wire may linger for a moment; who polls is told when it polls next.
    pub(crate) fn ended(&mut self, place: usize, reason: &CloseReason) {
        self.release_keys(place);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let id = &entry.connection.info().connection;
        tracing::debug!(connection = %id, reason = reason.name(), "connection ended");
        self.ids.remove(id);
        if let Some(Wire::Polls(_)) = entry.wire {
            // Its token stays good until then.
            self.parted.insert(id.clone(), place);
        } else {
            entry.guard = None;
        }
        self.links.detach(entry.link);
        self.metrics.count_close(reason);
    }

    /// Leaves all sets, and lets go of all keys.
    pub(crate) fn release_keys(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place).filter(|entry| entry.held) else {
            return;
        };
        entry.held = false;
        if entry.presence {
            let groups = self.sets.groups_of(place);
            self.tell_left(place, groups);
            self.user_went(place);
        }
        let Some(entry) = self.entries.get(place) else {
            return;
        };
        let info = entry.connection.info();
        let mut emptied = Vec::new();
        self.sets.leave_all(place, &mut emptied);
        let mut directory = self.directory.lock();
        for (hub, name) in &emptied {
            let key = key(hub, name);
            match name {
                // Another gateway that the user comes back to asks this one.
                SetName::User(_) if entry.presence => {
                    directory.release_later(&key, self.index, self.now);
                }
                _ => directory.release(&key, self.index, self.now),
            }
        }
        directory.release(
            &Key::connection(&info.hub, &info.connection),
            self.index,
            self.now,
        );
        drop(directory);
        self.directory.changed.notify_one();
    }
}

/// Takes over a socket.
pub(crate) fn websocket(socket: ClientSocket) -> io::Result<Wire> {
    let stream = Stream::new(socket)?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps its delay");
    }
    Ok(Wire::WebSocket(WebSocket::new(stream)))
}

/// What the directory calls a set.
pub(crate) fn key(hub: &HubName, name: &SetName) -> Key {
    match name {
        SetName::Hub => Key::hub(hub),
        SetName::User(user) => Key::user(hub, user),
        SetName::Group(group) => Key::group(hub, group),
    }
}
