//! From a hub-host to everyone concerned: the one place where an audience becomes destinations (DESIGN 4).
//!
//! One task per link reads its frames. What concerns one connection goes to its shard. A send is resolved: this node's
//! shards get it, and each other gateway that holds a member gets it a number in its stream. While one of a caller's
//! sends looks up its targets, that caller's later frames wait behind it; no other caller's do.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_gateway_shard::{Command, JoinReply, SharedMessage, connection_of};
use hubplane_proto_ids::{ConnectionId, HubName, NodeId};
use hubplane_proto_link::{
    AckOutcome, Audience, ClientOutcome, ClientResultRequest, CloseRequest, Delivery, GroupChange,
    GroupOperation, Query, RequestId, Send, ToGateway, ToHubHost, codec,
};
use hubplane_router_directory::Key;
use smallvec::SmallVec;
use tokio::sync::{mpsc, oneshot};

use crate::core::Core;
use crate::credits::Credits;
use crate::links::Link;
use crate::lookups::{Owner, Resolved};
use crate::relay::{RelayCall, RelayedGroup};
use crate::sequence::Sequence;

/// How many frames may wait behind frames of their own callers before the link is not read any further.
const WAITING_MAX: usize = 4096;
/// How many requests about connections of other gateways one link has under way.
const RELAYED_MAX: usize = 1024;

/// How many clients one link asks for results at a time; they may take as long as they like.
const ASKED_MAX: usize = 16 * 1024;

/// What a waiting frame has come to.
enum Finished {
    /// The targets of a send are known.
    Targets(Send, Vec<NodeId>),
    /// A request about a connection of another gateway was answered.
    Relayed,
    /// A client was asked, and has answered or is not waited for any more.
    Asked(RequestId),
    /// The hub-host was told something.
    Told,
}

/// The keys that an audience is made of.
pub(crate) fn keys(hub: &HubName, audience: &Audience) -> SmallVec<[Key; 1]> {
    match audience {
        Audience::All => smallvec::smallvec![Key::hub(hub)],
        Audience::Connections(ids) => ids.iter().map(|id| Key::connection(hub, id)).collect(),
        Audience::Groups(groups) => groups.iter().map(|group| Key::group(hub, group)).collect(),
        Audience::Users(users) => users.iter().map(|user| Key::user(hub, user)).collect(),
    }
}

/// One link's frames towards clients.
pub(crate) struct Egress {
    core: Arc<Core>,
    link: Arc<Link>,
    sequence: Sequence<ToGateway>,
    waits: FuturesUnordered<BoxFuture<'static, Finished>>,
    relayed: usize,
    /// Clients that are asked. Dropping an entry ends the waiting.
    asked: HashMap<RequestId, oneshot::Sender<()>>,
    credits: Credits,
}

impl Egress {
    pub(crate) fn new(core: Arc<Core>, link: Arc<Link>) -> Self {
        Self {
            core,
            link,
            sequence: Sequence::new(),
            waits: FuturesUnordered::new(),
            relayed: 0,
            asked: HashMap::new(),
            credits: Credits::default(),
        }
    }

    /// Carries out frames until the hub-host closes the link.
    pub(crate) async fn run(mut self, mut frames: mpsc::Receiver<ToGateway>) {
        loop {
            let reads = self.sequence.waiting() < WAITING_MAX && self.relayed < RELAYED_MAX;
            tokio::select! {
                biased;
                Some(finished) = self.waits.next(), if !self.waits.is_empty() => self.finished(finished).await,
                frame = frames.recv(), if reads => match frame {
                    Some(frame) => self.arrived(frame).await,
                    None => break,
                },
            }
        }
        self.asked.clear();
        while let Some(finished) = self.waits.next().await {
            self.finished(finished).await;
        }
    }

    async fn arrived(&mut self, frame: ToGateway) {
        let caller = frame.caller();
        if let Some(frame) = self.sequence.admit(&caller, frame)
            && !self.carry_out(frame).await
        {
            self.sequence.hold(caller);
        }
    }

    async fn finished(&mut self, finished: Finished) {
        match finished {
            Finished::Relayed => self.relayed -= 1,
            Finished::Asked(request) => drop(self.asked.remove(&request)),
            Finished::Told => {}
            Finished::Targets(send, targets) => {
                let caller = send.caller.clone();
                self.publish(send, &targets).await;
                while let Some(frame) = self.sequence.next(&caller) {
                    if !self.carry_out(frame).await {
                        return;
                    }
                }
            }
        }
    }

    /// `false`: the frame waits for a lookup, and its caller with it.
    async fn carry_out(&mut self, frame: ToGateway) -> bool {
        match frame {
            ToGateway::Send(send) => return self.send(send).await,
            ToGateway::Group(change) => self.group(change).await,
            ToGateway::Close(request) => self.close(request).await,
            ToGateway::ClientResult(request) => self.ask(request).await,
            ToGateway::CancelClientResult { request, .. } => drop(self.asked.remove(&request)),
            ToGateway::Query(query) => self.look_up(query),
            frame => {
                if let Some(connection) = connection_of(&frame).cloned() {
                    let command = Command::FromHub(frame);
                    self.core.to_connection(&connection, command).await;
                }
            }
        }
        true
    }

    async fn send(&mut self, send: Send) -> bool {
        let delivery = &send.delivery;
        match self.core.targets(&keys(&delivery.hub, &delivery.audience)) {
            Resolved::Now(targets) => {
                self.publish(send, &targets).await;
                true
            }
            later => {
                self.waits.push(Box::pin(async move {
                    Finished::Targets(send, later.known().await)
                }));
                false
            }
        }
    }

    async fn publish(&mut self, send: Send, targets: &[NodeId]) {
        let credit_bytes = send.credit_bytes();
        let Send { caller, delivery } = send;
        self.core.publish(delivery, targets).await;
        let credits = self.credits.done(caller, credit_bytes);
        if !credits.is_empty() {
            self.tell(
                credits
                    .into_iter()
                    .map(|(caller, bytes)| ToHubHost::Credit { caller, bytes }),
            );
        }
    }

    /// Tells the hub-host as soon as the link has room, and waits for nothing.
    fn tell(&mut self, frames: impl Iterator<Item = ToHubHost> + std::marker::Send + 'static) {
        let link = Arc::clone(&self.link);
        self.waits.push(Box::pin(async move {
            for frame in frames {
                if link.sender.send(frame).await.is_err() {
                    tracing::debug!(node = %link.node, "a link ended before an answer");
                    break;
                }
            }
            Finished::Told
        }));
    }

    async fn ask(&mut self, request: ClientResultRequest) {
        let id = request.request;
        if self.asked.len() >= ASKED_MAX {
            tracing::warn!(node = %self.link.node, "a hub-host asks too many clients at a time");
            let outcome = ClientOutcome::Unavailable;
            let frame = ToHubHost::ClientResult {
                request: id,
                outcome,
            };
            return self.tell(std::iter::once(frame));
        }
        let (cancel, cancelled) = oneshot::channel();
        self.asked.insert(id, cancel);
        let asked = self.core.begin_asking(request).await;
        let (core, link) = (Arc::clone(&self.core), Arc::clone(&self.link));
        self.waits.push(Box::pin(async move {
            if let Some(outcome) = asked.outcome(core, cancelled).await {
                let frame = ToHubHost::ClientResult {
                    request: id,
                    outcome,
                };
                if link.sender.send(frame).await.is_err() {
                    tracing::debug!(node = %link.node, "a link ended before a client's answer");
                }
            }
            Finished::Asked(id)
        }));
    }

    fn look_up(&mut self, query: Query) {
        let (core, link) = (Arc::clone(&self.core), Arc::clone(&self.link));
        self.relay(async move {
            let id = query.ack;
            let answer = core.answer(query).await;
            if link
                .sender
                .send(ToHubHost::Answer { id, answer })
                .await
                .is_err()
            {
                tracing::debug!(node = %link.node, "a link ended before an answer");
            }
        });
    }

    async fn group(&mut self, change: GroupChange) {
        let GroupChange {
            ack,
            operation,
            hub,
            group,
            connection,
            ..
        } = change;
        if self.core.registry.has(&hub, &connection) {
            let reply = JoinReply {
                link: self.link.sender.clone(),
                ack,
            };
            let command = match operation {
                GroupOperation::Add => Command::Join {
                    connection: connection.clone(),
                    group,
                    reply,
                },
                GroupOperation::Remove => Command::Leave {
                    connection: connection.clone(),
                    group,
                    reply,
                },
            };
            return self.core.to_connection(&connection, command).await;
        }
        let (core, link) = (Arc::clone(&self.core), Arc::clone(&self.link));
        self.relay(async move {
            let call = RelayCall::Group(RelayedGroup {
                operation,
                group,
                connection: connection.clone(),
            });
            let outcome = core.ask_owner(&hub, &connection, call).await;
            if link
                .sender
                .send(ToHubHost::Ack { id: ack, outcome })
                .await
                .is_err()
            {
                tracing::debug!(node = %link.node, "a link ended before an acknowledgement");
            }
        });
    }

    async fn close(&mut self, request: CloseRequest) {
        let reason = request.close_reason();
        let CloseRequest {
            hub,
            connection,
            allow_reconnect,
            ..
        } = request;
        if self.core.registry.has(&hub, &connection) {
            let command = Command::Close {
                connection: connection.clone(),
                reason,
                allow_reconnect,
            };
            return self.core.to_connection(&connection, command).await;
        }
        let core = Arc::clone(&self.core);
        self.relay(async move {
            let call = RelayCall::Close {
                connection: connection.clone(),
                reason,
                allow_reconnect,
            };
            core.ask_owner(&hub, &connection, call).await;
        });
    }

    fn relay(&mut self, work: impl Future<Output = ()> + std::marker::Send + 'static) {
        self.relayed += 1;
        self.waits.push(Box::pin(async move {
            work.await;
            Finished::Relayed
        }));
    }
}

impl Core {
    /// Delivers to the members on this node, and gives the message a number in the stream of each target.
    pub(crate) async fn publish(&self, delivery: Delivery, targets: &[NodeId]) {
        if !targets.is_empty() {
            match codec::encode(&delivery) {
                Ok(body) => self.backplane.send(targets, body.into()),
                Err(error) => {
                    tracing::error!(%error, "a send could not be written for other gateways")
                }
            }
        }
        self.deliver(delivery).await;
    }

    /// Delivers to the members on this node.
    pub(crate) async fn deliver(&self, delivery: Delivery) {
        let shards = self.local_shards(&keys(&delivery.hub, &delivery.audience));
        let message = Arc::new(SharedMessage::new(delivery));
        for shard in (0..self.shards.count()).filter(|shard| shards & (1 << shard) != 0) {
            self.shards
                .send(shard, Command::Deliver(Arc::clone(&message)))
                .await;
        }
    }

    /// Which shards of this node have members of any of these keys, as bits.
    pub(crate) fn local_shards(&self, keys: &[Key]) -> u64 {
        let directory = self.directory.lock();
        keys.iter()
            .fold(0, |bits, key| bits | directory.local_shards(key).bits())
    }

    /// Gives a command to the shard that has this connection; one that is gone needs none.
    pub(crate) async fn to_connection(&self, connection: &ConnectionId, command: Command) {
        if let Some(shard) = self.registry.shard(connection) {
            self.shards.send(shard, command).await;
        }
    }

    /// Asks the gateway that owns a connection, after what was sent to it before (DESIGN 3.3).
    async fn ask_owner(
        &self,
        hub: &HubName,
        connection: &ConnectionId,
        call: RelayCall,
    ) -> AckOutcome {
        match self.owner(&Key::connection(hub, connection)).await {
            Owner::At(node) => {
                let after = self.backplane.last_number_to(&node);
                self.relay
                    .call(&node, self.node.clone(), after, call)
                    .await
                    .unwrap_or(AckOutcome::Unavailable)
            }
            Owner::Nobody => AckOutcome::UnknownConnection,
            Owner::Unknown => AckOutcome::Unavailable,
        }
    }
}
