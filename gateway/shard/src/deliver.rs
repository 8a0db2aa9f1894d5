//! Sends to audiences: from a message to the queues of whoever receives it here.

use bytes::Bytes;
use hubplane_gateway_connection::Head;
use hubplane_proto_link::Audience;
use smallvec::SmallVec;

use crate::sets::SetIndex;
use crate::shard::Shard;
use crate::transport::Format;
use crate::{SharedMessage, Unserializable};

/// Receivers whose queue is full, or whose protocol cannot carry the message.
#[derive(Debug, Default)]
struct Troubled {
    overflowed: Vec<usize>,
    unserializable: Vec<(usize, Unserializable)>,
}

/// One message while it is appended to queues.
struct Fanout<'a> {
    message: &'a SharedMessage,
    /// Sorted.
    except: SmallVec<[usize; 4]>,
    /// By format.
    encoded: [Option<Result<Bytes, Unserializable>>; Format::COUNT],
}

impl Fanout<'_> {
    /// The shared bytes, looked up once per shard and format and not once per receiver.
    fn encoded(&mut self, format: Format) -> &Result<Bytes, Unserializable> {
        let cell = &mut self.encoded[format.index()];
        cell.get_or_insert_with(|| self.message.encoded(format))
    }
}

impl Shard {
    /// Appends a message to the queues of its audience. Who is in two of its groups gets it twice (reference
    /// signalr-core 14.1).
    pub(crate) fn deliver(&mut self, message: &SharedMessage) {
        let delivery = message.delivery();
        let mut except: SmallVec<_> = delivery
            .except
            .iter()
            .filter_map(|id| self.ids.get(id).copied())
            .collect();
        except.sort_unstable();
        let mut fanout = Fanout {
            message,
            except,
            encoded: [const { None }; Format::COUNT],
        };
        let mut troubled = Troubled::default();
        match &delivery.audience {
            Audience::All => {
                self.deliver_to_set(self.sets.all(&delivery.hub), &mut fanout, &mut troubled)
            }
            Audience::Groups(groups) => {
                for group in groups {
                    self.deliver_to_set(
                        self.sets.group(&delivery.hub, group),
                        &mut fanout,
                        &mut troubled,
                    );
                }
            }
            Audience::Users(users) => {
                for user in users {
                    self.deliver_to_set(
                        self.sets.user(&delivery.hub, user),
                        &mut fanout,
                        &mut troubled,
                    );
                }
            }
            Audience::Connections(ids) => {
                for id in ids {
                    let is_of_hub = |place: &usize| {
                        let entry = self.entries.get(*place);
                        entry.is_some_and(|entry| entry.connection.info().hub == delivery.hub)
                    };
                    let of_hub = self.ids.get(id).copied().filter(is_of_hub);
                    if let Some(place) = of_hub {
                        self.deliver_to(place, &mut fanout, &mut troubled);
                    }
                }
            }
        }
        self.part_with(troubled);
    }

    fn deliver_to_set(
        &mut self,
        set: Option<SetIndex>,
        fanout: &mut Fanout<'_>,
        troubled: &mut Troubled,
    ) {
        let Some(set) = set else { return };
        // Nobody joins or leaves while it is walked.
        for n in 0..self.sets.len(set) {
            if let Some(place) = self.sets.member(set, n) {
                self.deliver_to(place, fanout, troubled);
            }
        }
    }

    /// Tens of nanoseconds, as there may be many.
    fn deliver_to(&mut self, place: usize, fanout: &mut Fanout<'_>, troubled: &mut Troubled) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if !entry.connection.hears() || fanout.except.binary_search(&place).is_ok() {
            return;
        }
        match fanout.encoded(entry.format()) {
            Ok(frame) => {
                let limits = entry.connection.options().queue;
                if entry
                    .queue
                    .push(Head::empty(), frame.clone(), &limits, self.now)
                    .is_err()
                {
                    troubled.overflowed.push(place);
                    return;
                }
                self.metrics.deliveries += 1;
                if !entry.dirty && !entry.blocked {
                    entry.dirty = true;
                    self.dirty.push_back(place);
                }
            }
            Err(error) => troubled.unserializable.push((place, *error)),
        }
    }

    /// Connections that could not be given a message end, each with its reason.
    fn part_with(&mut self, troubled: Troubled) {
        for place in troubled.overflowed {
            self.too_slow(place);
        }
        if let Some((_, error)) = troubled.unserializable.first() {
            let connections = troubled.unserializable.len();
            tracing::warn!(%error, cause = %error.cause, connections, "a message could not be written for some receivers");
        }
        for (place, error) in troubled.unserializable {
            self.metrics.unserializable += 1;
            if let Some(entry) = self.entries.get_mut(place) {
                entry
                    .connection
                    .handle_unserializable(&error.to_string(), self.now);
                self.pump(place);
            }
        }
    }

    /// The queue has outgrown its bound in bytes or in age: what waits in it is dropped, and the client is told to come
    /// back if it still reads.
    pub(crate) fn too_slow(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let id = &entry.connection.info().connection;
        if !entry.connection.hears() {
            // It is ending already, and not even that gets through.
            tracing::debug!(connection = %id, "a closing wire takes nothing");
            return self.lose_wire(place);
        }
        tracing::info!(connection = %id, queued_bytes = entry.queue.charged_bytes(), "slow_consumer");
        entry.queue.drop_unsent();
        entry.connection.handle_overflow(self.now);
        self.pump(place);
    }
}
