//! What the parts of one gateway share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hubplane_gateway_shard::{Attach, AttachTransport, Command, Shards, SharedPresence};
use hubplane_proto_ids::NodeId;

use crate::backplane::Backplane;
use crate::directory::Directory;
use crate::links::Links;
use crate::lookups::Lookups;
use crate::options::GatewayOptions;
use crate::registry::{Attached, Registry};
use crate::relay::RelayBus;
use crate::transports::Beginning;

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
    /// Hands a connection to a shard. Its token, its place on the shard and its place on its link end when the shard
    /// lets go of it.
    ///
    /// Cancel safe: the connection is then given up.
    pub(crate) async fn attach(
        &self,
        beginning: Beginning,
        transport: AttachTransport,
        attached: Attached,
    ) {
        let shard = self.shards.pick();
        let Some(room) = self.shards.reserve(shard).await else {
            return tracing::debug!(shard, "a connection for a shard that has ended");
        };
        let Beginning {
            info,
            user,
            expires_at,
            placed,
            options,
        } = beginning;
        attached.place(shard, |attached, posted| {
            let attach = Attach {
                transport,
                posted,
                info,
                user,
                expires_at,
                link: placed.link().sender.clone(),
                options,
                guard: Box::new((attached, placed)),
            };
            room.send(Command::Attach(Box::new(attach)));
        });
    }
}
