//! Requests about connections that another gateway owns, and fetches (DESIGN 3.3).
//!
//! In this process: a bus of channels. Sends never use it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_backplane_stream::{FetchFailed, FetchRequest, FetchResponse, Number};
use hubplane_gateway_shard::{Command, HubUser, JoinReply, LinkSender, Voice};
use hubplane_proto_ids::{ConnectionId, GroupName, NodeId};
use hubplane_proto_link::{
    AckId, AckOutcome, Answer, ClientOutcome, CloseReason, GroupOperation, Query, ToHubHost,
};
use tokio::sync::{mpsc, oneshot};

use crate::asking::Asking;
use crate::core::Core;

/// How many requests may wait at one gateway.
const REQUESTS_MAX: usize = 1024;
/// How many of them are carried out at once.
const UNDER_WAY_MAX: usize = 1024;
/// How long an answer is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for what was sent before it (DESIGN 3.3).
const AFTER_TIMEOUT: Duration = Duration::from_secs(5);

/// A change of a group of a connection that the asked gateway owns.
#[derive(Debug)]
pub(crate) struct RelayedGroup {
    pub(crate) operation: GroupOperation,
    pub(crate) group: GroupName,
    pub(crate) connection: ConnectionId,
}

/// What is asked of another gateway.
#[derive(Debug)]
pub(crate) enum RelayCall {
    Group(RelayedGroup),
    Close {
        connection: ConnectionId,
        reason: CloseReason,
        allow_reconnect: bool,
    },
}

/// What an origin answers.
pub(crate) type Fetched = Result<FetchResponse, FetchFailed>;

#[derive(Debug)]
enum Request {
    Call {
        origin: NodeId,
        after: Number,
        call: RelayCall,
        answer: oneshot::Sender<AckOutcome>,
    },
    Fetch {
        request: FetchRequest,
        answer: oneshot::Sender<Fetched>,
    },
    /// Ask a client for a result. It answers by itself, however long that takes: such a request is not under way here.
    Ask {
        origin: NodeId,
        after: Number,
        asking: Asking,
    },
    /// Forget what nobody waits for any more.
    Forget(ConnectionId),
    LookUp {
        query: Query,
        answer: oneshot::Sender<Answer>,
    },
    /// Whether this gateway speaks for a user of a hub that hears of presence.
    SpeaksFor {
        of: HubUser,
        asker: NodeId,
        leaving: bool,
        answer: oneshot::Sender<Voice>,
    },
}

/// The gateways of this process, by node.
#[derive(Debug, Clone, Default)]
pub struct RelayBus(Arc<Mutex<HashMap<NodeId, mpsc::Sender<Request>>>>);

/// What other gateways ask of this one.
#[derive(Debug)]
pub(crate) struct Requests(mpsc::Receiver<Request>);

impl RelayBus {
    /// No gateway yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn join(&self, node: NodeId) -> Requests {
        let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(node, sender);
        Requests(receiver)
    }

    pub(crate) fn leave(&self, node: &NodeId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(node);
    }

    fn peer(&self, node: &NodeId) -> Option<mpsc::Sender<Request>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(node)
            .cloned()
    }

    /// Asks a gateway; it carries the call out after number `after` of the stream from `origin`. `None`: no answer.
    pub(crate) async fn call(
        &self,
        node: &NodeId,
        origin: NodeId,
        after: Number,
        call: RelayCall,
    ) -> Option<AckOutcome> {
        let (answer, answered) = oneshot::channel();
        self.request(
            node,
            Request::Call {
                origin,
                after,
                call,
                answer,
            },
            answered,
        )
        .await
    }

    /// Asks an origin for messages again. `None`: no answer.
    pub(crate) async fn fetch(&self, node: &NodeId, request: FetchRequest) -> Option<Fetched> {
        let (answer, answered) = oneshot::channel();
        self.request(node, Request::Fetch { request, answer }, answered)
            .await
    }

    /// Has a gateway ask a client of its own, after number `after` of the stream from `origin`. What the client answers
    /// comes by itself, and a gateway that goes away drops it: so does one that cannot be reached.
    pub(crate) async fn ask(&self, node: &NodeId, origin: NodeId, after: Number, asking: Asking) {
        let request = Request::Ask {
            origin,
            after,
            asking,
        };
        self.tell(node, request).await;
    }

    /// Has a gateway forget what it asked this client, as far as nobody waits for it.
    pub(crate) async fn forget(&self, node: &NodeId, connection: ConnectionId) {
        self.tell(node, Request::Forget(connection)).await;
    }

    /// Asks a gateway about its connections. `None`: no answer.
    pub(crate) async fn look_up(&self, node: &NodeId, query: Query) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.request(node, Request::LookUp { query, answer }, answered)
            .await
    }

    /// Asks a gateway whether it speaks for a user. `None`: no answer.
    pub(crate) async fn speaks_for(
        &self,
        node: &NodeId,
        of: HubUser,
        asker: NodeId,
        leaving: bool,
    ) -> Option<Voice> {
        let (answer, answered) = oneshot::channel();
        let request = Request::SpeaksFor {
            of,
            asker,
            leaving,
            answer,
        };
        self.request(node, request, answered).await
    }

    async fn tell(&self, node: &NodeId, request: Request) {
        if let Some(peer) = self.peer(node)
            && tokio::time::timeout(ANSWER_TIMEOUT, peer.send(request))
                .await
                .is_ok_and(|sent| sent.is_ok())
        {
            return;
        }
        tracing::debug!(%node, "a gateway could not be told");
    }

    async fn request<T>(
        &self,
        node: &NodeId,
        request: Request,
        answered: oneshot::Receiver<T>,
    ) -> Option<T> {
        let peer = self.peer(node)?;
        let asked = async {
            peer.send(request).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(ANSWER_TIMEOUT, asked)
            .await
            .ok()
            .flatten()
    }
}

/// Carries out what other gateways ask, until this gateway has left the bus.
pub(crate) async fn serve(core: Arc<Core>, mut requests: Requests) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
            request = requests.0.recv(), if under_way.len() < UNDER_WAY_MAX => match request {
                Some(request) => under_way.push(carry_out(Arc::clone(&core), request)),
                None => break,
            },
        }
    }
    while under_way.next().await.is_some() {}
}

async fn carry_out(core: Arc<Core>, request: Request) {
    match request {
        // Whoever asked may have given up: then nobody wants the answer.
        Request::Fetch { request, answer } => {
            let _ = answer.send(core.backplane.fetch(&request));
        }
        Request::LookUp { query, answer } => {
            let _ = answer.send(core.look_up_here(&Arc::new(query)).await);
        }
        Request::SpeaksFor {
            of,
            asker,
            leaving,
            answer,
        } => {
            let speaks = core.presence.lock().speaks_for(&of, &asker, leaving);
            let _ = answer.send(speaks);
        }
        Request::Forget(connection) => {
            let command = Command::Forget(connection.clone());
            core.to_connection(&connection, command).await;
        }
        Request::Ask {
            origin,
            after,
            asking,
        } => {
            let posted = core.backplane.posted(&origin, after);
            match tokio::time::timeout(AFTER_TIMEOUT, posted).await {
                Ok(()) => core.ask_here(asking).await,
                Err(_elapsed) => drop(asking.reply.send(ClientOutcome::Unavailable)),
            }
        }
        Request::Call {
            origin,
            after,
            call,
            answer,
        } => {
            let posted = core.backplane.posted(&origin, after);
            let outcome = match tokio::time::timeout(AFTER_TIMEOUT, posted).await {
                Ok(()) => change(&core, call).await,
                Err(_elapsed) => AckOutcome::Unavailable,
            };
            let _ = answer.send(outcome);
        }
    }
}

async fn change(core: &Core, call: RelayCall) -> AckOutcome {
    let (RelayCall::Group(RelayedGroup { ref connection, .. })
    | RelayCall::Close { ref connection, .. }) = call;
    let connection = connection.clone();
    let Some(shard) = core.registry.shard(&connection) else {
        return AckOutcome::UnknownConnection;
    };
    match call {
        RelayCall::Close {
            reason,
            allow_reconnect,
            ..
        } => {
            let command = Command::Close {
                connection,
                reason,
                allow_reconnect,
            };
            core.shards.send(shard, command).await;
            AckOutcome::Done
        }
        RelayCall::Group(RelayedGroup {
            operation, group, ..
        }) => {
            // The shard answers as it answers a hub-host: with one acknowledgement.
            let (sender, mut answers) = mpsc::channel(1);
            let reply = JoinReply {
                link: LinkSender::new(sender),
                ack: AckId(0),
            };
            let command = match operation {
                GroupOperation::Add => Command::Join {
                    connection,
                    group,
                    reply,
                },
                GroupOperation::Remove => Command::Leave {
                    connection,
                    group,
                    reply,
                },
            };
            core.shards.send(shard, command).await;
            match answers.recv().await {
                Some(ToHubHost::Ack { outcome, .. }) => outcome,
                _ => AckOutcome::UnknownConnection,
            }
        }
    }
}
