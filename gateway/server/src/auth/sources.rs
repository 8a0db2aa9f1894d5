//! Files and addresses that keys come from, looked at again and again.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hubplane_node::tasks::{OnFailure, Tasks};

use super::fetch::{Fetcher, InvalidAddress};
use super::keys::{InvalidKeys, Key, Trust};
use super::ring::{KeyRing, Remote};
use super::{AuthOptions, KeySource};

/// The largest key set that is read, in bytes.
pub(crate) const SET_BYTES_MAX: u64 = 1024 * 1024;

/// Between two looks at an address that failed: at first, and at most.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LAST: Duration = Duration::from_secs(60);

/// Why a source of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// A file cannot be read.
    #[error("the key file {path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no keys.
    #[error("the key file {path} gives no keys")]
    Keys {
        /// Which.
        path: PathBuf,
        /// Why.
        source: InvalidKeys,
    },
    /// Keys are not fetched from such an address.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
}

/// What stands in a key file, and its keys.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, Vec<Key>), KeySourceError> {
    let text = text_of(path).map_err(|source| KeySourceError::File {
        path: path.to_owned(),
        source,
    })?;
    let keys = keys_of(path, &text)?;
    Ok((text, keys))
}

fn text_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(SET_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn keys_of(path: &Path, text: &[u8]) -> Result<Vec<Key>, KeySourceError> {
    let trust = Trust {
        secrets: true,
        issuer: None,
    };
    Key::read_set(text, &trust).map_err(|source| KeySourceError::Keys {
        path: path.to_owned(),
        source,
    })
}

/// Starts what keeps the ring as its sources are.
pub(crate) fn watch(ring: &Arc<KeyRing>, options: &AuthOptions, tasks: &Tasks) {
    let mut remotes = ring.remotes().peekable();
    let fetcher = match remotes
        .peek()
        .map(|_| Fetcher::new(options.allow_http, tasks))
    {
        None => None,
        Some(Ok(fetcher)) => Some(fetcher),
        Some(Err(error)) => {
            tracing::error!(%error, "no keys can be fetched");
            None
        }
    };
    for (at, source) in options.sources.iter().enumerate() {
        let ring = Arc::clone(ring);
        if let KeySource::File(path) = source {
            let (path, interval) = (path.clone(), options.refresh.file_interval);
            tasks.spawn("key file", OnFailure::Log, follow(ring, at, path, interval));
            continue;
        }
        let (Some(remote), Some(fetcher)) = (remotes.next().cloned(), fetcher.clone()) else {
            continue;
        };
        let interval = options.refresh.interval;
        let keep = keep(ring, at, source.clone(), remote, fetcher, interval);
        tasks.spawn("key address", OnFailure::Log, keep);
    }
}

/// Follows a file. Its old keys stay while it cannot be read.
async fn follow(ring: Arc<KeyRing>, at: usize, path: PathBuf, interval: Duration) {
    let mut last = None;
    loop {
        let read = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || text_of(&path)).await
        };
        let text = match read {
            Ok(Ok(text)) => Some(text),
            Ok(Err(_)) | Err(_) => None,
        };
        if last.as_ref() != Some(&text) {
            match text.as_deref().map(|text| keys_of(&path, text)) {
                Some(Ok(keys)) => {
                    tracing::info!(path = %path.display(), keys = keys.len(), "keys are read");
                    ring.replace(at, keys);
                }
                Some(Err(error)) => {
                    tracing::warn!(path = %path.display(), error = &error as &dyn std::error::Error, "a key file is not taken; its old keys stay");
                }
                None => {
                    tracing::warn!(path = %path.display(), "a key file cannot be read; its old keys stay");
                }
            }
            last = Some(text);
        }
        tokio::time::sleep(interval).await;
    }
}

/// Keeps the keys of an address. Old ones stay while it cannot be reached.
async fn keep(
    ring: Arc<KeyRing>,
    at: usize,
    source: KeySource,
    remote: Arc<Remote>,
    fetcher: Fetcher,
    interval: Duration,
) {
    let mut failures = 0_u32;
    let from = source.shown();
    loop {
        remote.begun();
        match fetcher.keys(&source).await {
            Ok(keys) => {
                failures = 0;
                tracing::debug!(from, keys = keys.len(), "keys are fetched");
                ring.replace(at, keys);
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(
                    from,
                    error = &error as &dyn std::error::Error,
                    "keys cannot be fetched; the old ones stay"
                );
            }
        }
        remote.ended();
        let pause = match failures {
            0 => interval,
            _ => (RETRY_FIRST * 2_u32.pow(failures.min(7) - 1))
                .min(RETRY_LAST)
                .min(interval),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = remote.wanted.notified() => {}
        }
    }
}
