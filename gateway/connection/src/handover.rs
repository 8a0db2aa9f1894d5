//! A connection as a plain value, for another gateway to go on with (DESIGN 8).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hubplane_proto_ids::UserId;
use hubplane_proto_link::{self as link, ConnectionInfo};
use hubplane_proto_signalr::Encoding;
use serde::{Deserialize, Serialize};

use crate::connection::{Connection, Phase, UserSource};
use crate::queue::{Bound, Entry};
use crate::stateful::{Resumption, Stateful};
use crate::{Head, ItemBag, ItemBagFull, Options, OutboundQueue};

/// All that there is to know of a connection that waits for its client: identity, item bag, numbers, what the client has
/// not acknowledged, what waits behind it, and what it sent that was not taken. Its groups are its shard's to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    info: ConnectionInfo,
    user: Option<UserId>,
    items: Vec<(String, Bytes)>,
    input: Bytes,
    /// The numbers of what the client sends: the next one, the highest one taken, the highest one it was told of.
    received: [i64; 3],
    /// Since when the client is silent, if its silence counts.
    silent: Option<Duration>,
    /// How long its token is still valid, if that counts.
    expires_in: Option<Duration>,
    /// The numbers of what it is sent: the last one, and the highest one that it has acknowledged.
    sent: [u64; 2],
    kept: Vec<Message>,
    /// What waits for room.
    held: Vec<Message>,
}

/// A message in its frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    frame: Bytes,
    /// Whether it went to an audience.
    is_shared: bool,
}

impl From<&Entry> for Message {
    fn from(entry: &Entry) -> Self {
        Self {
            frame: whole(entry.head, &entry.body),
            is_shared: entry.bound == Bound::Queue,
        }
    }
}

impl From<Message> for Entry {
    fn from(message: Message) -> Self {
        Self {
            head: Head::empty(),
            body: message.frame,
            bound: match message.is_shared {
                true => Bound::Queue,
                // Its window was given back where it comes from.
                false => Bound::Elsewhere(0),
            },
        }
    }
}

/// Why a connection stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotExportable {
    /// It opens, or ends, or its client did not ask for stateful reconnect.
    #[error("connection cannot be resumed")]
    NotResumable,
    /// An invocation, a stream or a client result is under way, or waits to be.
    #[error("connection has something under way")]
    Busy,
}

/// What another gateway said of a connection cannot be.
#[derive(Debug, thiserror::Error)]
pub enum NotImportable {
    /// The bytes are no [`Exported`].
    #[error("not an exported connection")]
    Bytes(#[from] postcard::Error),
    /// Its item bag is too large.
    #[error("item bag of an exported connection")]
    Items(#[from] ItemBagFull),
    /// This gateway does not allow stateful reconnect for its hub.
    #[error("stateful reconnect is not allowed")]
    NotAllowed,
    /// More is unacknowledged than was sent, or more was taken than was received.
    #[error("numbers of an exported connection")]
    Numbers,
}

impl Exported {
    /// Whose it is.
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// As bytes, for a peer of the same release or the next.
    ///
    /// # Errors
    /// None that is known of.
    pub fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`NotImportable::Bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotImportable> {
        match postcard::take_from_bytes(bytes)? {
            (exported, []) => Ok(exported),
            _ => Err(postcard::Error::DeserializeBadEncoding.into()),
        }
    }
}

impl Connection {
    /// The connection and its queue as a value, as if its transport were gone. Nothing changes here: whoever exports a
    /// connection sees to it that only one of the two lives on.
    ///
    /// # Errors
    /// [`NotExportable`].
    pub fn export(&self, queue: &OutboundQueue, now: Instant) -> Result<Exported, NotExportable> {
        let is_open = self.phase == Phase::Open && self.resumption() == Resumption::Welcome;
        let (Some(stateful), Some(unacknowledged)) = (&self.stateful, &queue.unacknowledged) else {
            return Err(NotExportable::NotResumable);
        };
        if !is_open || !unacknowledged.is_whole() {
            return Err(NotExportable::NotResumable);
        }
        let is_busy = self.running > 0 || self.waiting.is_some() || self.exchanges.is_some();
        if is_busy || !self.outputs.is_empty() {
            return Err(NotExportable::Busy);
        }
        let kept = unacknowledged.kept.iter();
        let held = unacknowledged.held.iter();
        Ok(Exported {
            info: ConnectionInfo::clone(&self.info),
            user: self.user().cloned(),
            items: self
                .items()
                .into_iter()
                .flat_map(ItemBag::iter)
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
            input: Bytes::copy_from_slice(&self.input),
            received: [stateful.next, stateful.latest, stateful.told],
            silent: self.clocks.silent(now),
            expires_in: self.clocks.expires_in(now),
            sent: [unacknowledged.sent, unacknowledged.acknowledged],
            kept: kept.map(Message::from).collect(),
            held: held.map(Message::from).collect(),
        })
    }

    /// Goes on with a connection of another gateway. It waits for its client from now on, as if it had just lost its
    /// transport.
    ///
    /// # Errors
    /// [`NotImportable`].
    pub fn import(
        exported: Exported,
        options: Arc<Options>,
        now: Instant,
    ) -> Result<(Self, OutboundQueue), NotImportable> {
        let Some(limits) = options.stateful_reconnect else {
            return Err(NotImportable::NotAllowed);
        };
        let [next, latest, told] = exported.received;
        let [sent, acknowledged] = exported.sent;
        let fits = u64::try_from(exported.kept.len()).is_ok_and(|kept| kept <= sent);
        if !fits || next > latest.saturating_add(1) || told > latest {
            return Err(NotImportable::Numbers);
        }
        let mut queue = OutboundQueue::new();
        queue.keep_unacknowledged(limits.buffer_bytes, &options.queue);
        queue.restore(sent, acknowledged, exported.kept, exported.held, now);

        let (protocol, user) = (exported.info.protocol, exported.user);
        let mut connection = Self::new(
            exported.info,
            UserSource::Known(user),
            Arc::clone(&options),
            now,
        );
        connection.phase = Phase::Open;
        connection.encoding = match protocol {
            link::Encoding::Json => Encoding::Json,
            link::Encoding::MessagePack => Encoding::MessagePack,
        };
        connection.input = BytesMut::from(&exported.input[..]);
        for (key, value) in exported.items {
            connection.handle_item(key, Some(value))?;
        }
        connection
            .clocks
            .answered(&options, connection.info.transport, now);
        connection.clocks.was_silent(exported.silent, now);
        connection.expire_at(exported.expires_in.map(|left| now + left));
        connection.is_granted = true;
        connection.stateful = Some(Box::new(Stateful {
            next,
            latest,
            told,
            ..Stateful::new()
        }));
        connection.handle_detached(now);
        Ok((connection, queue))
    }
}

impl OutboundQueue {
    /// A queue that keeps all of this, without a transport.
    fn restore(
        &mut self,
        sent: u64,
        acknowledged: u64,
        kept: Vec<Message>,
        held: Vec<Message>,
        now: Instant,
    ) {
        if let Some(unacknowledged) = &mut self.unacknowledged {
            unacknowledged.sent = sent - kept.len() as u64;
            for message in kept {
                unacknowledged.keep(message.into());
            }
            unacknowledged.sent_before = unacknowledged.sent;
            unacknowledged.acknowledge(acknowledged);
        }
        self.detach();
        for message in held {
            self.hold(message.into(), now);
        }
    }
}

/// A frame in one piece; one that is shared stays shared.
fn whole(head: Head, body: &Bytes) -> Bytes {
    if head.as_slice().is_empty() {
        return body.clone();
    }
    let mut frame = BytesMut::with_capacity(head.as_slice().len() + body.len());
    frame.extend_from_slice(head.as_slice());
    frame.extend_from_slice(body);
    frame.freeze()
}
