//! A connection comes, becomes visible, and goes.

use hubplane_gateway_connection::{Connection, OutboundQueue};
use hubplane_proto_ids::HubName;
use hubplane_proto_link::CloseReason;
use hubplane_router_directory::{Key, Visibility};

use crate::Attach;
use crate::entry::{Entry, Socket};
use crate::groups::Waiter;
use crate::ready::SocketWaker;
use crate::sets::{Change, SetName};
use crate::shard::Shard;
use crate::stream::Stream;
use crate::websocket::Reader;

impl Shard {
    /// Takes a socket. One that cannot be taken is dropped, as if the client had gone.
    pub(crate) fn attach(&mut self, attach: Attach) {
        let id = attach.info.connection.clone();
        if self.ids.contains_key(&id) {
            return tracing::warn!(connection = %id, "a second socket for a connection was dropped");
        }
        let stream = match Stream::new(attach.socket) {
            Ok(stream) => stream,
            Err(error) => {
                return tracing::warn!(connection = %id, %error, "a socket could not be taken");
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(connection = %id, %error, "a socket keeps its delay");
        }
        let link = self.links.attach(&attach.link);
        let mut connection = Connection::new(attach.info, attach.user, attach.options, self.now);
        connection.expire_at(attach.expires_at);
        let entry = self.entries.vacant_entry();
        let place = entry.key();
        let signal = SocketWaker::new(&self.ready, place);
        self.serial += 1;
        entry.insert(Entry {
            connection,
            socket: Some(Socket {
                stream,
                reader: Reader::new(),
                closing: None,
            }),
            queue: OutboundQueue::new(),
            waker: signal.clone().into(),
            signal,
            link,
            frames_waiting: 0,
            asked: Vec::new(),
            serial: self.serial,
            held: false,
            keys_on_their_way: 0,
            dirty: false,
            blocked: false,
            unread: false,
            tick: None,
            guard: Some(attach.guard),
        });
        self.ids.insert(id, place);
        self.metrics.attached += 1;
        self.received(place, &mut Vec::from(attach.read_ahead));
        self.to_read.push_back(place);
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
        }
    }

    /// The connection is over. Its socket may linger for a moment.
    pub(crate) fn ended(&mut self, place: usize, reason: &CloseReason) {
        self.release_keys(place);
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let id = &entry.connection.info().connection;
        tracing::debug!(connection = %id, reason = reason.name(), "connection ended");
        self.ids.remove(id);
        self.links.detach(entry.link);
        self.metrics.count_close(reason);
        entry.guard = None;
    }

    /// Leaves all sets, and lets go of all keys.
    pub(crate) fn release_keys(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place).filter(|entry| entry.held) else {
            return;
        };
        entry.held = false;
        let info = entry.connection.info();
        let mut emptied = Vec::new();
        self.sets.leave_all(place, &mut emptied);
        let mut directory = self.directory.lock();
        for (hub, name) in &emptied {
            directory.release(&key(hub, name), self.index, self.now);
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

/// What the directory calls a set.
pub(crate) fn key(hub: &HubName, name: &SetName) -> Key {
    match name {
        SetName::Hub => Key::hub(hub),
        SetName::User(user) => Key::user(hub, user),
        SetName::Group(group) => Key::group(hub, group),
    }
}
