//! A node without a front: shards, the directory with one replica, and a hub-host that the tests play.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::{
    Attach, AttachTransport, ClientSocket, Command, JoinReply, LinkSender, ShardOptions, Shards,
    SharedDirectory, SharedMessage, SharedPresence, UserSource,
};
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, InvocationId, NodeId, NodeName};
use hubplane_proto_link::{
    AckId, Arguments, Audience, CloseReason, Completion, ConnectionInfo, Delivery, Done, Encoding,
    Invocation, Outcome, Payload, Stage, ToGateway, ToHubHost, Transport,
};
use hubplane_router_directory::message::{Layout, StreamKind, ToGateway as FromReplica};
use hubplane_router_directory::{
    GatewayDirectory, Output, Replica, ReplicaId, ReplicaOutput, Timers,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use crate::client::{Client, DEADLINE, Seen};

pub(crate) struct Node {
    pub(crate) shards: Shards,
    pub(crate) presence: SharedPresence,
    pub(crate) tasks: Tasks,
    pub(crate) link: LinkSender,
    pub(crate) frames: mpsc::Receiver<ToHubHost>,
    /// Whether what the directory says to be visible is passed on.
    pub(crate) gate: watch::Sender<bool>,
    places: HashMap<ConnectionId, u8>,
}

impl Node {
    pub(crate) async fn start(shards: u8) -> Self {
        Self::with_link(shards, 1024).await
    }

    /// A node whose link takes this many frames at a time.
    pub(crate) async fn with_link(shards: u8, frames_max: usize) -> Self {
        let tasks = Tasks::current();
        let me = node("gateway");
        let directory = SharedDirectory {
            directory: Arc::new(Mutex::new(GatewayDirectory::new(
                me.clone(),
                Timers::default(),
            ))),
            changed: Arc::new(Notify::new()),
        };
        let presence = SharedPresence::new(me.clone());
        let options = ShardOptions::default();
        let shards = Shards::spawn(shards, &options, &directory, &presence, &tasks).unwrap();
        let (gate, open) = watch::channel(true);
        let driver = drive(directory, me, shards.clone(), open);
        tasks.spawn("directory", OnFailure::StopNode, driver);
        let (link, frames) = mpsc::channel(frames_max);
        Self {
            shards,
            presence,
            tasks,
            link: LinkSender::new(link),
            frames,
            gate,
            places: HashMap::new(),
        }
    }

    /// A socket that a shard has taken, before its handshake.
    pub(crate) async fn attach(
        &mut self,
        id: &str,
        hub: &str,
        user: UserSource,
        options: &Options,
    ) -> Client {
        let (client, socket) = sockets().await;
        self.attach_socket(id, hub, socket, user, options).await;
        client
    }

    /// A socket of any sort.
    pub(crate) async fn attach_socket(
        &mut self,
        id: &str,
        hub: &str,
        socket: impl Into<ClientSocket>,
        user: UserSource,
        options: &Options,
    ) {
        self.attach_by(websocket(socket, b""), id, hub, user, options)
            .await;
    }

    /// Any transport.
    pub(crate) async fn attach_by(
        &mut self,
        transport: AttachTransport,
        id: &str,
        hub: &str,
        user: UserSource,
        options: &Options,
    ) {
        let guard = Box::new(());
        let (info, link, options) = (info(id, hub), self.link.clone(), Arc::new(options.clone()));
        self.give(Attach {
            transport,
            posted: Bytes::new(),
            info,
            user,
            expires_at: None,
            link,
            options,
            guard,
        })
        .await;
    }

    /// The same with some bytes that were read ahead, and something that is dropped at the end.
    pub(crate) async fn attach_with(
        &mut self,
        id: &str,
        read_ahead: &[u8],
        guard: Box<dyn Any + Send>,
    ) -> Client {
        let (client, socket) = sockets().await;
        let (user, transport) = (UserSource::Known(None), websocket(socket, read_ahead));
        let (info, link, options) = (info(id, "chat"), self.link.clone(), Arc::default());
        self.give(Attach {
            transport,
            posted: Bytes::new(),
            info,
            user,
            expires_at: None,
            link,
            options,
            guard,
        })
        .await;
        client
    }

    async fn give(&mut self, attach: Attach) {
        let shard = self.shards.pick();
        self.places.insert(attach.info.connection.clone(), shard);
        self.shards
            .send(shard, Command::Attach(Box::new(attach)))
            .await;
    }

    /// An open connection of the hub `chat`.
    pub(crate) async fn connect(&mut self, id: &str, handshake: &str) -> Client {
        self.connect_with(id, handshake, UserSource::Known(None), &Options::default())
            .await
    }

    pub(crate) async fn connect_with(
        &mut self,
        id: &str,
        handshake: &str,
        user: UserSource,
        options: &Options,
    ) -> Client {
        let mut client = self.attach(id, "chat", user, options).await;
        client.text(handshake).await;
        self.expect_opened(id).await;
        self.done(id, Stage::Opening, None).await;
        let response = client.next().await;
        assert!(
            response == Seen::Text("{}\x1e".into()) || response == Seen::Binary(b"{}\x1e".to_vec()),
            "{response:?}"
        );
        client
    }

    /// What comes to the hub-host next.
    pub(crate) async fn next(&mut self) -> ToHubHost {
        timeout(DEADLINE, self.frames.recv())
            .await
            .expect("something comes to the hub-host")
            .unwrap()
    }

    /// The same without what is given back of windows.
    pub(crate) async fn next_but_windows(&mut self) -> ToHubHost {
        loop {
            match self.next().await {
                ToHubHost::Window { .. } => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn expect_opened(&mut self, id: &str) -> Arc<ConnectionInfo> {
        match self.next().await {
            ToHubHost::Opened { info, .. } if info.connection.as_str() == id => info,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn expect_closed(&mut self, id: &str) -> CloseReason {
        match self.next_but_windows().await {
            ToHubHost::Closed { connection, reason } if connection.as_str() == id => reason,
            other => panic!("{other:?}"),
        }
    }

    /// The same, behind whatever else is on the link.
    pub(crate) async fn expect_closed_behind(&mut self, id: &str) {
        loop {
            if let ToHubHost::Closed { connection, .. } = self.next().await {
                return assert_eq!(connection.as_str(), id);
            }
        }
    }

    pub(crate) async fn expect_call(&mut self, invocation: &str) -> Invocation {
        match self.next_but_windows().await {
            ToHubHost::Invocation(call)
                if call
                    .invocation_id
                    .as_ref()
                    .is_some_and(|id| id.as_str() == invocation) =>
            {
                call
            }
            other => panic!("{other:?} instead of {invocation}"),
        }
    }

    /// Gives a command to the shard of a connection.
    pub(crate) async fn command(&self, id: &str, command: Command) {
        self.shards.send(self.places[id], command).await;
    }

    pub(crate) async fn done(&self, id: &str, stage: Stage, error: Option<&str>) {
        let done = Done {
            connection: id.parse().unwrap(),
            stage,
            error: error.map(str::to_owned),
        };
        self.command(id, Command::FromHub(ToGateway::Done(done)))
            .await;
    }

    /// Completes an invocation with a JSON value.
    pub(crate) async fn complete(&self, id: &str, invocation: &str, value: &str) {
        self.complete_as(id, invocation, value, true).await;
    }

    /// The same, with or without a slot to give back.
    pub(crate) async fn complete_as(
        &self,
        id: &str,
        invocation: &str,
        value: &str,
        releases_slot: bool,
    ) {
        let completion = Completion {
            connection: id.parse().unwrap(),
            invocation_id: InvocationId::new(invocation).unwrap(),
            outcome: Outcome::Value(Payload {
                encoding: Encoding::Json,
                bytes: value.to_owned().into(),
            }),
            releases_slot,
        };
        self.command(id, Command::FromHub(ToGateway::Completion(completion)))
            .await;
    }

    /// Sends to an audience of the hub `chat`; `arguments` is an array in MessagePack.
    pub(crate) async fn send(
        &self,
        audience: Audience,
        except: &[&str],
        target: &str,
        arguments: &[u8],
    ) {
        let delivery = Delivery {
            hub: hub(),
            audience,
            except: except.iter().map(|id| id.parse().unwrap()).collect(),
            target: target.to_owned(),
            arguments: Arguments {
                encoding: Encoding::MessagePack,
                bytes: Bytes::copy_from_slice(arguments),
            },
        };
        let message = Arc::new(SharedMessage::new(delivery));
        for shard in 0..self.shards.count() {
            self.shards
                .send(shard, Command::Deliver(Arc::clone(&message)))
                .await;
        }
    }

    pub(crate) async fn join(&self, id: &str, group: &str, ack: u64) {
        let (connection, group, reply) = self.change(id, group, ack);
        let shard = self.places.get(id).copied().unwrap_or_default();
        self.shards
            .send(
                shard,
                Command::Join {
                    connection,
                    group,
                    reply,
                },
            )
            .await;
    }

    pub(crate) async fn leave(&self, id: &str, group: &str, ack: u64) {
        let (connection, group, reply) = self.change(id, group, ack);
        self.command(
            id,
            Command::Leave {
                connection,
                group,
                reply,
            },
        )
        .await;
    }

    fn change(&self, id: &str, group: &str, ack: u64) -> (ConnectionId, GroupName, JoinReply) {
        let reply = JoinReply {
            link: self.link.clone(),
            ack: AckId(ack),
        };
        (id.parse().unwrap(), group.parse().unwrap(), reply)
    }

    /// Waits until the numbers of the shards are as `holds` wants them.
    pub(crate) async fn until(
        &self,
        what: &str,
        holds: impl Fn(&hubplane_gateway_shard::Metrics) -> bool,
    ) {
        let until = Instant::now() + DEADLINE;
        while !holds(&self.shards.metrics()) {
            assert!(
                Instant::now() < until,
                "{what}: {:?}",
                self.shards.metrics()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn websocket(socket: impl Into<ClientSocket>, read_ahead: &[u8]) -> AttachTransport {
    AttachTransport::WebSocket {
        socket: socket.into(),
        read_ahead: Bytes::copy_from_slice(read_ahead),
        is_stateful: false,
    }
}

pub(crate) fn hub() -> HubName {
    "chat".parse().unwrap()
}

pub(crate) fn groups(names: &[&str]) -> Audience {
    Audience::Groups(names.iter().map(|name| name.parse().unwrap()).collect())
}

/// Both ends of a socket, one as the front hands it over.
async fn sockets() -> (Client, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    (
        Client::new(client.unwrap()),
        accepted.unwrap().0.into_std().unwrap(),
    )
}

fn info(id: &str, hub: &str) -> ConnectionInfo {
    ConnectionInfo {
        connection: id.parse().unwrap(),
        hub: hub.parse().unwrap(),
        authenticated: false,
        claims: Vec::new(),
        headers: Vec::new(),
        path: "/hubs/chat".to_owned(),
        query: String::new(),
        remote: None,
        local: None,
        transport: Transport::WebSockets,
        protocol: Encoding::Json,
    }
}

fn node(name: &str) -> NodeId {
    NodeId::new_generation(NodeName::new(name).unwrap()).unwrap()
}

/// Joins the gateway's directory with one replica. While the gate is closed, nothing becomes visible.
async fn drive(
    shared: SharedDirectory,
    me: NodeId,
    shards: Shards,
    mut gate: watch::Receiver<bool>,
) {
    let mut replica = Replica::new(node("router"), Layout::single(), Timers::default());
    let mut held = Vec::new();
    let now = Instant::now();
    let mut streams = Vec::new();
    for kind in [StreamKind::Report, StreamKind::Watch] {
        let session = replica.connected(me.clone(), kind, now);
        streams.push((
            session,
            shared
                .directory
                .lock()
                .unwrap()
                .connected(ReplicaId(0), kind, now),
        ));
    }
    loop {
        let mut visible = Vec::new();
        let next = {
            let mut gateway = shared.directory.lock().unwrap();
            let now = Instant::now();
            gateway.handle_timeout(now);
            replica.handle_timeout(now);
            let is_open = *gate.borrow_and_update();
            if is_open {
                for (stream, message) in held.drain(..) {
                    gateway.handle(stream, message, now);
                }
            }
            loop {
                let mut quiet = true;
                while let Some(output) = gateway.poll_output() {
                    quiet = false;
                    match output {
                        Output::ToRouter { stream, message } => {
                            let session = streams.iter().find(|(_, of)| *of == stream).unwrap().0;
                            replica.handle(session, message, now);
                        }
                        Output::Visible(change) => visible.push(change),
                        Output::Close { reason, .. } => panic!("{reason}"),
                        Output::Resolved(..) => {}
                    }
                }
                while let Some(output) = replica.poll_output() {
                    quiet = false;
                    match output {
                        ReplicaOutput::ToGateway { session, message } => {
                            let stream = streams.iter().find(|(of, _)| *of == session).unwrap().1;
                            if !is_open && matches!(message, FromReplica::Visible(_)) {
                                held.push((stream, message));
                            } else {
                                gateway.handle(stream, message, now);
                            }
                        }
                        other => panic!("{other:?}"),
                    }
                }
                if quiet {
                    break;
                }
            }
            [gateway.poll_timeout(), replica.poll_timeout()]
                .into_iter()
                .flatten()
                .min()
        };
        if !visible.is_empty() {
            for shard in 0..shards.count() {
                shards.send(shard, Command::Visible(visible.clone())).await;
            }
        }
        let next = next.unwrap_or_else(|| Instant::now() + DEADLINE);
        tokio::select! {
            () = shared.changed.notified() => {}
            () = tokio::time::sleep_until(next.into()) => {}
            changed = gate.changed() => if changed.is_err() { return },
        }
    }
}
