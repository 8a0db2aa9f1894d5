//! What the parts of one gateway share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hubplane_gateway_shard::{Attach, Command, Shards, SharedPresence};
use hubplane_proto_ids::NodeId;

use crate::backplane::Backplane;
use crate::directory::Directory;
use crate::links::{Links, Placed};
use crate::lookups::Lookups;
use crate::options::GatewayOptions;
use crate::registry::{Attached, Registry};
use crate::relay::RelayBus;

/// One gateway.
pub(crate) struct Core {
    pub(crate) node: NodeId,
    pub(crate) options: GatewayOptions,
    pub(crate) shards: Shards,
    pub(crate) registry: Arc<Registry>,
    pub(crate) links: Links,
    pub(crate) directory: Directory,
    pub(crate) presence: SharedPresence,
    pub(crate) lookups: Lookups,
    pub(crate) backplane: Backplane,
    pub(crate) relay: RelayBus,
    /// How many clients were asked for a result; numbers the next one (reference signalr-core 12.3).
    pub(crate) asked: AtomicU64,
}

impl Core {
    /// Hands a socket to a shard. The connection's token, its place on its shard and its place on its link end when
    /// the shard lets go of it.
    pub(crate) async fn attach(&self, mut attach: Attach, attached: Attached, placed: Placed) {
        let shard = self.shards.pick();
        attached.place(shard);
        attach.guard = Box::new((attached, placed));
        self.shards
            .send(shard, Command::Attach(Box::new(attach)))
            .await;
    }
}
