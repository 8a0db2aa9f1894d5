//! Changes of presence on their way to a hub: one after the other, and no more of them wait than there is room for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubplane_hub::Presence;
use hubplane_hub::host::{Port, Run, Service};
use hubplane_proto_link::PresenceChange;
use tokio::sync::Notify;

use crate::metrics::Counts;
use crate::stuck::Watch;

/// How many changes of one link may wait for a hub. Those beyond are counted, and the hub is told how many they were.
const CHANGES_MAX: usize = 16 * 1024;

/// What a hub is still to be told. Dropped, it is told the rest.
#[derive(Debug)]
pub(crate) struct Changes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Presence>,
    ended: bool,
}

impl Waiting {
    /// Keeps a change, if there is room; whether there was.
    fn push(&mut self, change: Presence, changes_max: usize) -> bool {
        if self.changes.len() < changes_max {
            self.changes.push_back(change);
            return true;
        }
        // In its place, so that the hub knows where to ask anew.
        match self.changes.back_mut() {
            Some(Presence::Missed { changes }) => *changes += 1,
            _ => self.changes.push_back(Presence::Missed { changes: 1 }),
        }
        false
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Option<Presence> {
        loop {
            {
                let mut waiting = self.lock();
                if let Some(change) = waiting.changes.pop_front() {
                    return Some(change);
                }
                if waiting.ended {
                    return None;
                }
            }
            self.more.notified().await;
        }
    }
}

impl Changes {
    /// Nothing yet; with what tells it, to be run until it ends.
    pub(crate) fn new(
        service: &Service,
        port: Arc<dyn Port>,
        watch: &Arc<Watch>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let shared = Arc::<Shared>::default();
        let tell = tell(
            Arc::clone(&shared),
            service.clone(),
            port,
            Arc::clone(watch),
        );
        (Self(shared), tell)
    }

    /// Never waits.
    pub(crate) fn push(&self, changes: Vec<PresenceChange>, counts: &Counts) {
        let mut waiting = self.0.lock();
        for change in changes {
            if !waiting.push(change.into(), CHANGES_MAX) {
                counts.missed();
            }
        }
        drop(waiting);
        self.0.more.notify_one();
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.more.notify_one();
    }
}

async fn tell(shared: Arc<Shared>, service: Service, port: Arc<dyn Port>, watch: Arc<Watch>) {
    while let Some(change) = shared.next().await {
        let connection = match &change {
            Presence::Joined { connection, .. } | Presence::Left { connection, .. } => {
                Some(connection.clone())
            }
            _ => None,
        };
        let hub = service.name().clone();
        if let Presence::Missed { changes } = change {
            tracing::warn!(%hub, changes, "on_presence does not keep up: changes are left out");
        }
        let run = service.presence(&port, change);
        let ended = watch
            .watched(&hub, connection.as_ref(), "on_presence", run)
            .await;
        let Some(problem) = ended.problem else {
            continue;
        };
        if ended.run == Run::Panicked {
            tracing::error!(%hub, target = "on_presence", problem, "hub code panicked");
        } else {
            tracing::warn!(%hub, target = "on_presence", problem, "hub code failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online(number: u32) -> Presence {
        Presence::Online {
            user: format!("user-{number}").parse().unwrap(),
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_in_its_place() {
        let mut waiting = Waiting::default();
        let kept: Vec<_> = (0..5).map(|n| waiting.push(online(n), 3)).collect();
        assert_eq!(kept, [true, true, true, false, false]);
        let took: Vec<_> = waiting.changes.drain(..2).collect();
        assert_eq!(took, [online(0), online(1)]);
        assert!(waiting.push(online(5), 3));
        let rest: Vec<_> = waiting.changes.drain(..).collect();
        assert_eq!(
            rest,
            [online(2), Presence::Missed { changes: 2 }, online(5)]
        );
    }
}
