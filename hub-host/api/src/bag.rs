use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hubplane_proto_link::{Encoding, ToGateway};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::Connection;
use crate::value::{self, Writing};
use crate::{SendError, Sending, ValueError};

/// What a connection may keep, keys and values together, in bytes (DESIGN 9).
const BAG_BYTES_MAX: usize = 16 * 1024;

/// Values that a hub keeps with a connection, as long as that lasts: who it is in a game, how far it has read.
///
/// They are kept where the connection is, so that they go with it. Two invocations of one connection may change them at
/// the same time; of two that set one key, the last one wins. For more than 16 KiB, keep a key and the rest elsewhere.
///
/// ```
/// # use hubplane_hub::*;
/// # struct Game;
/// #[hub]
/// impl Game {
///     async fn score(&self, ctx: &Context, points: u32) -> Result<u32, HubError> {
///         let score = ctx.items().get::<u32>("score")?.unwrap_or(0) + points;
///         ctx.items().set("score", &score).await?;
///         Ok(score)
///     }
/// }
///
/// let ana = testing::TestHub::new(Game).connect("ana");
/// assert_eq!(ana.invoke("score", (3,)), Ok(3));
/// assert_eq!(ana.invoke("score", (4,)), Ok(7));
/// ```
pub struct ItemBag<'a> {
    connection: &'a Arc<Connection>,
}

/// What is kept, encoded.
#[derive(Default)]
pub(crate) struct Kept(Mutex<BTreeMap<String, Bytes>>);

impl Kept {
    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<'a> ItemBag<'a> {
    pub(crate) fn new(connection: &'a Arc<Connection>) -> Self {
        Self { connection }
    }

    /// The value under this key, if there is one.
    ///
    /// # Errors
    /// If it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        let kept = self.connection.kept.with(|kept| kept.get(key).cloned());
        kept.map(|bytes| value::read(Encoding::MessagePack, &bytes))
            .transpose()
    }

    /// Keeps a value under this key. It is there for everybody at once, and moves along with the connection when what
    /// this returns has been awaited.
    ///
    /// # Errors
    /// [`SendError`] if it cannot be written, or if the bag would have more than 16 KiB: it keeps what it had. Or if the
    /// link to the gateway is lost.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Sending {
        self.change(key, encoded(key, value).map(Some))
    }

    /// Drops the value under this key. Without one, that succeeds too.
    ///
    /// # Errors
    /// [`SendError::LinkLost`].
    pub fn remove(&self, key: &str) -> Sending {
        self.change(key, Ok(None))
    }

    fn change(&self, key: &str, value: Result<Option<Bytes>, SendError>) -> Sending {
        let frame = value.and_then(|value| {
            self.connection.kept.with(|kept| {
                let others = kept.iter().filter(|(other, _)| *other != key);
                let of_others: usize = others.map(|(key, value)| key.len() + value.len()).sum();
                let of_this = value.as_ref().map_or(0, |value| key.len() + value.len());
                if of_others + of_this > BAG_BYTES_MAX {
                    return Err(SendError::BagFull {
                        key: key.to_owned(),
                        len_bytes: of_others + of_this,
                        bytes_max: BAG_BYTES_MAX,
                    });
                }
                match &value {
                    Some(value) => kept.insert(key.to_owned(), value.clone()),
                    None => kept.remove(key),
                };
                Ok(ToGateway::Item {
                    connection: self.connection.id().clone(),
                    key: key.to_owned(),
                    value,
                })
            })
        });
        Sending::new(&self.connection.origin.port, frame)
    }
}

fn encoded<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Bytes, SendError> {
    let mut bytes = Vec::new();
    match value::write(value, Writing::only(Encoding::MessagePack), &mut bytes) {
        Ok(()) => Ok(bytes.into()),
        Err(source) => Err(SendError::Value {
            target: key.to_owned(),
            source,
        }),
    }
}

impl fmt::Debug for ItemBag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are not for logs.
        let keys: Vec<String> = self
            .connection
            .kept
            .with(|kept| kept.keys().cloned().collect());
        f.debug_tuple("ItemBag").field(&keys).finish()
    }
}
