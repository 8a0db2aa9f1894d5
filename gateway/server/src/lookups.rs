//! Questions to the directory, and who waits for their answers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::{BoxFuture, join_all};
use hubplane_proto_ids::NodeId;
use hubplane_router_directory::{Holders, Key, LookupId, NodeList, Resolution, Targets};
use tokio::sync::oneshot;

use crate::core::Core;

/// Who waits for which lookup.
#[derive(Debug, Default)]
pub(crate) struct Lookups(Mutex<HashMap<LookupId, Vec<oneshot::Sender<Resolution>>>>);

impl Lookups {
    /// To be called under the lock of the directory that gave the id, so that its answer cannot come first.
    fn wait(&self, lookup: LookupId) -> oneshot::Receiver<Resolution> {
        let (sender, receiver) = oneshot::channel();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(lookup)
            .or_default()
            .push(sender);
        receiver
    }

    /// The directory has answered.
    pub(crate) fn resolved(&self, lookup: LookupId, resolution: Resolution) {
        let waiting = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&lookup);
        for sender in waiting.into_iter().flatten() {
            // Whoever asked may be gone with its link.
            drop(sender.send(resolution.clone()));
        }
    }
}

/// The targets of a send, or what they are made of.
pub(crate) enum Resolved {
    /// Known now.
    Now(Vec<NodeId>),
    /// Some are known now, the rest is being looked up.
    Later(Vec<NodeId>, Vec<BoxFuture<'static, NodeList>>),
}

impl Resolved {
    /// Waits for what is being looked up, which a lookup bounds in time.
    pub(crate) async fn known(self) -> Vec<NodeId> {
        match self {
            Self::Now(targets) => targets,
            Self::Later(mut targets, lookups) => {
                for node in join_all(lookups).await.into_iter().flatten() {
                    if !targets.contains(&node) {
                        targets.push(node);
                    }
                }
                targets
            }
        }
    }
}

/// Where a connection is that is not on this gateway.
pub(crate) enum Owner {
    At(NodeId),
    Nobody,
    Unknown,
}

impl Core {
    /// The other gateways that a send to these keys goes to, each once.
    pub(crate) fn targets(&self, keys: &[Key]) -> Resolved {
        let (mut known, mut lookups) = (Vec::new(), Vec::<BoxFuture<'static, NodeList>>::new());
        let mut directory = self.directory.lock();
        let now = Instant::now();
        for key in keys {
            match directory.targets(key, now) {
                Targets::Known(nodes) | Targets::Untargeted(nodes) => {
                    for node in nodes {
                        if !known.contains(&node) {
                            known.push(node);
                        }
                    }
                }
                Targets::Wait(lookup) => {
                    let answer = self.lookups.wait(lookup);
                    lookups.push(Box::pin(async move {
                        answer.await.map(|found| found.targets).unwrap_or_default()
                    }));
                }
            }
        }
        drop(directory);
        if lookups.is_empty() {
            return Resolved::Now(known);
        }
        self.directory.changed();
        Resolved::Later(known, lookups)
    }

    /// The other gateway that owns a connection.
    pub(crate) async fn owner(&self, key: &Key) -> Owner {
        let holders = match self.ask(key) {
            Ok(known) => known,
            Err(answer) => answer
                .await
                .map_or(Holders::Unknown, |found| found.connection()),
        };
        match holders {
            Holders::At(node) => Owner::At(node),
            // It was here a moment ago, and is not any more.
            Holders::Local | Holders::Nobody => Owner::Nobody,
            Holders::Unknown | Holders::Wait(_) => Owner::Unknown,
        }
    }

    /// What is known now, or who will say.
    fn ask(&self, key: &Key) -> Result<Holders, oneshot::Receiver<Resolution>> {
        let mut directory = self.directory.lock();
        match directory.holders(key, Instant::now()) {
            Holders::Wait(lookup) => {
                let answer = self.lookups.wait(lookup);
                drop(directory);
                self.directory.changed();
                Err(answer)
            }
            known => Ok(known),
        }
    }
}
