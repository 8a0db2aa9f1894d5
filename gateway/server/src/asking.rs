//! Clients are asked for results, here or on the gateway that owns them (DESIGN 3.3; reference signalr-core 12.3).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hubplane_gateway_shard::{Ask, AskedId, Command};
use hubplane_proto_ids::{ConnectionId, HubName};
use hubplane_proto_link::{Arguments, ClientOutcome, ClientResultRequest};
use hubplane_router_directory::Key;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::lookups::Owner;

/// A request for a client result that has no number yet.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    pub(crate) target: String,
    pub(crate) arguments: Arguments,
    /// Dropped at its other end when nobody waits any more.
    pub(crate) reply: oneshot::Sender<ClientOutcome>,
}

/// A request whose client is asked, or is about to be.
pub(crate) struct Asked {
    /// Whoever it is, here or elsewhere.
    pub(crate) connection: ConnectionId,
    answered: oneshot::Receiver<ClientOutcome>,
    /// `None`: the client is here, and its shard has the request.
    elsewhere: Option<Asking>,
}

impl Core {
    /// Begins a request, in its caller's order. [`Asked::outcome`] goes on with it.
    pub(crate) async fn begin_asking(&self, request: ClientResultRequest) -> Asked {
        let ClientResultRequest {
            hub,
            connection,
            target,
            arguments,
            ..
        } = request;
        let (reply, answered) = oneshot::channel();
        let asking = Asking {
            hub,
            connection: connection.clone(),
            target,
            arguments,
            reply,
        };
        let is_here = self.registry.shard(&connection).is_some();
        let elsewhere = if is_here {
            self.ask_here(asking).await;
            None
        } else {
            Some(asking)
        };
        Asked {
            connection,
            answered,
            elsewhere,
        }
    }

    /// Has the shard of a connection of this gateway ask it. A connection that is not here is answered for.
    pub(crate) async fn ask_here(&self, asking: Asking) {
        let Some(shard) = self.registry.shard(&asking.connection) else {
            // Whoever asked may have stopped waiting.
            let _ = asking.reply.send(ClientOutcome::UnknownConnection);
            return;
        };
        let id = AskedId(self.asked.fetch_add(1, Ordering::Relaxed) + 1);
        let Asking {
            hub,
            connection,
            target,
            arguments,
            reply,
        } = asking;
        let ask = Ask {
            id,
            hub,
            connection,
            target,
            arguments,
            reply,
        };
        self.shards.send(shard, Command::Ask(Box::new(ask))).await;
    }
}

impl Asked {
    /// Waits for the client, for as long as it takes. `None`: nobody waits any more, because `cancelled` came or its other
    /// end is gone; a late answer will be ignored.
    pub(crate) async fn outcome(
        self,
        core: Arc<Core>,
        mut cancelled: oneshot::Receiver<()>,
    ) -> Option<ClientOutcome> {
        let Self {
            connection,
            mut answered,
            elsewhere,
        } = self;
        let node = match elsewhere {
            None => None,
            Some(asking) => {
                let key = Key::connection(&asking.hub, &connection);
                let owner = tokio::select! {
                    owner = core.owner(&key) => owner,
                    _ = &mut cancelled => return None,
                };
                match owner {
                    Owner::Nobody => return Some(ClientOutcome::UnknownConnection),
                    Owner::Unknown => return Some(ClientOutcome::Unavailable),
                    Owner::At(node) => {
                        let after = core.backplane.last_number_to(&node);
                        core.relay
                            .ask(&node, core.node.clone(), after, asking)
                            .await;
                        Some(node)
                    }
                }
            }
        };
        tokio::select! {
            // Whoever was to ask it has gone without an answer.
            outcome = &mut answered => return Some(outcome.unwrap_or(ClientOutcome::Unavailable)),
            _ = &mut cancelled => {}
        }
        // In this order: who finds nobody waiting neither asks nor keeps the question.
        drop(answered);
        match node {
            None => {
                let command = Command::Forget(connection.clone());
                core.to_connection(&connection, command).await;
            }
            Some(node) => core.relay.forget(&node, connection).await,
        }
        None
    }
}
