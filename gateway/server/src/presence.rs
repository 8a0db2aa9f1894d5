//! Who comes online and goes offline, for hubs that hear of it: drives [`OnlineUsers`] and asks the other gateways.
//!
//! [`OnlineUsers`]: hubplane_gateway_shard::OnlineUsers

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_gateway_shard::{AskOthers, HubUser, Told, Voice};
use hubplane_proto_ids::NodeId;
use hubplane_proto_link::{PresenceChange, PresenceChanges, ToHubHost};
use hubplane_router_directory::Key;

use crate::core::Core;

/// How many users the others are asked about at a time.
const ASKING_MAX: usize = 256;

/// Drives it until the node ends.
pub(crate) async fn drive(core: Arc<Core>) {
    let mut asking = FuturesUnordered::new();
    loop {
        while asking.len() < ASKING_MAX {
            let Some(ask) = core.presence.lock().poll_ask() else {
                break;
            };
            asking.push(settle(Arc::clone(&core), ask));
        }
        let deadline = core.presence.lock().poll_timeout();
        let timeout = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = core.presence.wait() => {}
            Some(()) = asking.next(), if !asking.is_empty() => {}
            () = timeout => core.presence.lock().handle_timeout(Instant::now()),
        }
    }
}

/// Asks the others about a user, and tells the hub what follows.
async fn settle(core: Arc<Core>, ask: AskOthers) {
    let others = core.voices(&ask).await;
    let of = ask.of.clone();
    let told = core.presence.lock().answered(ask, &others, Instant::now());
    let Some(told) = told else { return };
    // One user's changes take one link while the links last, and keep their order.
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&of);
    let Some(link) = core.links.any(&of.hub, hash) else {
        return tracing::debug!(hub = %of.hub, "nobody serves a hub that was to be told of presence");
    };
    let HubUser { hub, user } = of;
    let change = match told {
        Told::Online => PresenceChange::Online(user),
        Told::Offline => PresenceChange::Offline(user),
    };
    let frame = ToHubHost::Presence(PresenceChanges {
        hub,
        changes: vec![change],
    });
    if link.send(frame).await.is_err() {
        tracing::debug!("a link ended before a change of presence");
    }
}

impl Core {
    /// Which other gateways speak for the user, of those that answer.
    async fn voices(&self, ask: &AskOthers) -> Vec<(NodeId, Voice)> {
        let HubUser { hub, user } = &ask.of;
        let others = self.targets(&[Key::user(hub, user)]).known().await;
        let asked = others.iter().map(|node| {
            let asker = self.node.clone();
            self.relay
                .speaks_for(node, ask.of.clone(), asker, ask.leaving)
        });
        let answers = join_all(asked).await;
        let answers = others.iter().cloned().zip(answers);
        answers
            .filter_map(|(node, voice)| Some((node, voice?)))
            .collect()
    }
}
