//! A router for the gateways of a test, without anything that a router may be asked besides.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hubplane_gateway_server::{RouterDialer, RouterStreams};
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_proto_ids::NodeId;
use hubplane_router_directory::message::{Layout, StreamKind, ToRouter};
use hubplane_router_directory::{Replica, ReplicaOutput, SessionId, Timers};
use tokio::sync::{mpsc, oneshot};

use crate::node::node;

type Dialled = (NodeId, StreamKind, oneshot::Sender<RouterStreams>);
type Said = (SessionId, Option<ToRouter>, mpsc::Receiver<ToRouter>);

#[derive(Clone)]
pub(crate) struct Router(mpsc::Sender<Dialled>);

impl Router {
    pub(crate) fn start(tasks: &Tasks) -> Self {
        let (dials, dialled) = mpsc::channel(16);
        tasks.spawn("router", OnFailure::StopNode, run(dialled));
        Self(dials)
    }

    pub(crate) fn dialer(&self, gateway: &NodeId) -> RouterDialer {
        let (router, gateway) = (self.clone(), gateway.clone());
        RouterDialer::new(move |kind| {
            let (router, gateway) = (router.clone(), gateway.clone());
            Box::pin(async move {
                let (streams, opened) = oneshot::channel();
                router.0.send((gateway, kind, streams)).await.ok()?;
                opened.await.ok()
            })
        })
    }
}

async fn run(mut dialled: mpsc::Receiver<Dialled>) {
    let mut replica = Replica::new(node("router"), Layout::single(), Timers::default());
    let mut sessions = HashMap::new();
    let mut said = FuturesUnordered::<BoxFuture<'static, Said>>::new();
    let listen = |session, mut messages: mpsc::Receiver<ToRouter>| -> BoxFuture<'static, Said> {
        Box::pin(async move { (session, messages.recv().await, messages) })
    };
    loop {
        while let Some(output) = replica.poll_output() {
            if let ReplicaOutput::ToGateway { session, message } = output
                && let Some(sender) = sessions.get(&session)
            {
                let sender: &mpsc::Sender<_> = sender;
                sender.try_send(message).unwrap();
            }
        }
        let timeout = replica.poll_timeout();
        let timeout = async {
            match timeout {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((gateway, kind, streams)) = dialled.recv() => {
                let (sender, messages) = mpsc::channel(4096);
                let (to_gateway, inbox) = mpsc::channel(4096);
                if streams.send((sender, inbox)).is_ok() {
                    let session = replica.connected(gateway, kind, Instant::now());
                    sessions.insert(session, to_gateway);
                    said.push(listen(session, messages));
                }
            }
            Some((session, message, messages)) = said.next(), if !said.is_empty() => match message {
                Some(message) => {
                    replica.handle(session, message, Instant::now());
                    said.push(listen(session, messages));
                }
                None => {
                    sessions.remove(&session);
                    replica.disconnected(session, Instant::now());
                }
            },
            () = timeout => replica.handle_timeout(Instant::now()),
            else => return,
        }
    }
}
