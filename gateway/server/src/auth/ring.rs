//! All keys that are believed now, whatever they come from.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jsonwebtoken::Algorithm;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::keys::Key;
use super::sources::{KeySourceError, read_file};
use super::{AuthOptions, KeySource, RefreshOptions};

/// The keys of each source: first those of the configuration, then in the order of the sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeySet(Vec<Arc<[Key]>>);

impl KeySet {
    /// The keys that a token of this algorithm and key id may be signed with.
    pub(crate) fn fitting(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> impl Iterator<Item = &Key> {
        let all = self.0.iter().flat_map(|keys| keys.iter());
        all.filter(move |key| key.fits(algorithm, id))
    }
}

/// The keys that are believed now. Old ones stay while their source cannot be reached.
pub(crate) struct KeyRing {
    current: RwLock<Arc<KeySet>>,
    /// The sources that are asked over the network.
    remotes: Vec<Arc<Remote>>,
    refresh: RefreshOptions,
}

/// Looks at a source over the network, and whoever waits for one.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) wanted: Notify,
    looks: watch::Sender<Looks>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    ended: u64,
    running: bool,
    last_ended_at: Option<Instant>,
}

impl Remote {
    /// A look begins: for all that have asked by now.
    pub(crate) fn begun(&self) {
        self.wanted.notified().now_or_never();
        self.looks.send_modify(|looks| looks.running = true);
    }

    pub(crate) fn ended(&self) {
        self.looks.send_modify(|looks| {
            *looks = Looks {
                ended: looks.ended + 1,
                running: false,
                last_ended_at: Some(Instant::now()),
            };
        });
    }

    /// Asks for a look, unless the last one was a moment ago. What comes back waits for its end.
    fn ask(&self, at_most_every: Duration) -> Option<impl Future<Output = ()>> {
        let before = *self.looks.borrow();
        let at = before.last_ended_at;
        if !before.running {
            if at.is_some_and(|at| at.elapsed() < at_most_every) {
                return None;
            }
            self.wanted.notify_one();
        }
        let mut looks = self.looks.subscribe();
        Some(async move {
            // It fails when the node ends.
            let _ = looks.wait_for(|now| now.ended > before.ended).await;
        })
    }
}

impl KeyRing {
    pub(crate) fn new(options: &AuthOptions) -> Result<Self, KeySourceError> {
        let mut keys: Vec<Arc<[Key]>> = vec![options.keys.iter().map(Key::shared).collect()];
        let mut remotes = Vec::new();
        for source in &options.sources {
            keys.push(match source {
                KeySource::File(path) => read_file(path)?.1.into(),
                KeySource::Address(address) | KeySource::Issuer(address) => {
                    super::fetch::allowed(address, options.allow_http)?;
                    remotes.push(Arc::new(Remote {
                        wanted: Notify::new(),
                        looks: watch::Sender::new(Looks::default()),
                    }));
                    Arc::default()
                }
            });
        }
        Ok(Self {
            current: RwLock::new(Arc::new(KeySet(keys))),
            remotes,
            refresh: options.refresh.clone(),
        })
    }

    pub(crate) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these are the keys of a source, counted from 0.
    pub(crate) fn replace(&self, source: usize, keys: Vec<Key>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = Arc::make_mut(&mut current).0.get_mut(source + 1) {
            *slot = keys.into();
        }
    }

    pub(crate) fn remotes(&self) -> impl Iterator<Item = &Arc<Remote>> {
        self.remotes.iter()
    }

    /// Has the sources over the network looked at for a key that nobody knows; false if there is none that was not a
    /// moment ago. Waits for them, but not for long. Cancel safe.
    pub(crate) async fn look_again(&self) -> bool {
        let RefreshOptions {
            unknown_key_interval,
            wait_max,
            ..
        } = self.refresh;
        let asked = self.remotes.iter();
        let looks: Vec<_> = asked
            .filter_map(|remote| remote.ask(unknown_key_interval))
            .collect();
        if looks.is_empty() {
            return false;
        }
        // Those that came in time are enough.
        let _ = timeout(wait_max, join_all(looks)).await;
        true
    }
}
