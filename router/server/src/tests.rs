use std::time::{Duration, Instant};

use hubplane_node::Phases;
use hubplane_node::metrics::compare_with_docs;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use hubplane_proto_ids::{Generation, HubName, NodeId};
use hubplane_router_directory::message::{Push, Question, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{
    GatewayDirectory, Key, Output, ReplicaId, StreamId, Targets, Timers, Visibility,
};

use crate::server::Options;
use crate::{GatewayStreams, RouterHandle, RouterServer};

fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(1),
    }
}

fn group(name: &str) -> Key {
    let hub: HubName = "chat".parse().unwrap();
    Key::group(&hub, &name.parse().unwrap())
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, future).await.expect("in time")
}

struct Fixture {
    tasks: Tasks,
    telemetry: Telemetry,
    router: RouterHandle,
}

fn start(options: Options) -> Fixture {
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
    let meter = telemetry.meter("hubplane-router-server");
    let router = RouterServer::start_with(options, node("router-0"), &tasks, &meter);
    Fixture {
        tasks,
        telemetry,
        router,
    }
}

impl Fixture {
    async fn open(&self, gateway: &str, kind: StreamKind) -> GatewayStreams {
        soon(self.router.connect(node(gateway), kind))
            .await
            .unwrap()
    }

    async fn metric_becomes(&self, name: &str, value: f64) {
        soon(async {
            while self.telemetry.value(name, &[]) != Some(value) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// A gateway as small as one can be: one router, one task.
struct Gateway {
    directory: GatewayDirectory,
    streams: Vec<(StreamId, GatewayStreams)>,
    outputs: Vec<Output>,
}

impl Gateway {
    async fn join(fixture: &Fixture, name: &str) -> Self {
        let mut directory = GatewayDirectory::new(node(name), Timers::default());
        let mut streams = Vec::new();
        for kind in [StreamKind::Report, StreamKind::Watch] {
            let ends = fixture.open(name, kind).await;
            let stream = directory.connected(ReplicaId(0), kind, Instant::now());
            streams.push((stream, ends));
        }
        let outputs = Vec::new();
        let mut gateway = Self {
            directory,
            streams,
            outputs,
        };
        gateway
            .until(|it| it.directory.is_ready(Instant::now()))
            .await;
        gateway
    }

    /// Drives the machine until this is so.
    async fn until(&mut self, so: impl Fn(&Self) -> bool) {
        soon(async {
            while !so(self) {
                let now = Instant::now();
                for (stream, (_, messages)) in &mut self.streams {
                    while let Ok(message) = messages.try_recv() {
                        self.directory.handle(*stream, message, now);
                    }
                }
                if self.directory.poll_timeout().is_some_and(|due| due <= now) {
                    self.directory.handle_timeout(now);
                }
                while let Some(output) = self.directory.poll_output() {
                    self.carry_out(output);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::ToRouter { stream, message } => {
                let (_, (sender, _)) = self.streams.iter().find(|it| it.0 == stream).unwrap();
                sender.try_send(message).unwrap();
            }
            Output::Close { .. } | Output::Visible(_) | Output::Resolved(..) => {
                self.outputs.push(output);
            }
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_a_hello_and_answers_pings() {
    let it = start(Options::default());
    let (sender, mut messages) = it.open("gateway-0", StreamKind::Watch).await;
    let hello = soon(messages.recv()).await;
    assert!(matches!(hello, Some(ToGateway::Hello(hello)) if hello.router == node("router-0")));
    sender.send(ToRouter::Ping(7)).await.unwrap();
    soon(async { while messages.recv().await.unwrap() != ToGateway::Pong(7) {} }).await;
}

#[tokio::test]
async fn a_key_held_on_one_gateway_is_found_by_another() {
    let it = start(Options::default());
    let mut ana = Gateway::join(&it, "gateway-0").await;
    let mut ben = Gateway::join(&it, "gateway-1").await;
    let key = group("a");

    let held = ana.directory.hold(&key, 0, Instant::now());
    let Visibility::Wait(change) = held else {
        panic!("a router that answers is waited for");
    };
    ana.until(|it| it.outputs.contains(&Output::Visible(change)))
        .await;

    let targets = ben.directory.targets(&key, Instant::now());
    let Targets::Wait(lookup) = targets else {
        panic!("an unknown key is looked up: {targets:?}");
    };
    let found = |it: &Output| matches!(it, Output::Resolved(id, _) if *id == lookup);
    ben.until(|it| it.outputs.iter().any(found)).await;
    let Some(Output::Resolved(_, resolution)) = ben.outputs.iter().find(|it| found(it)) else {
        unreachable!("it was there");
    };
    if !resolution.untargeted {
        assert_eq!(resolution.targets.as_slice(), [node("gateway-0")]);
    }
    it.metric_becomes("hubplane_router_gateways", 2.0).await;
    it.metric_becomes("hubplane_router_holdings", 1.0).await;
    it.metric_becomes("hubplane_router_watches", 1.0).await;
    it.metric_becomes("hubplane_router_snapshots_total", 2.0)
        .await;
}

#[tokio::test]
async fn a_gateway_that_ends_its_streams_is_not_synced_any_more() {
    let it = start(Options::default());
    let ana = Gateway::join(&it, "gateway-0").await;
    it.metric_becomes("hubplane_router_synced_gateways", 1.0)
        .await;
    drop(ana);
    it.metric_becomes("hubplane_router_synced_gateways", 0.0)
        .await;
}

#[tokio::test]
async fn a_gateway_that_does_not_read_loses_its_stream_and_nobody_else_does() {
    let it = start(Options {
        stream_messages_max: 8,
        ..Options::default()
    });
    let (slow, mut unread) = it.open("gateway-0", StreamKind::Watch).await;
    let (other, mut read) = it.open("gateway-1", StreamKind::Watch).await;
    for id in 0..64 {
        let question = Question {
            id,
            key: group("a"),
        };
        // Each ping parts two answers that would go into one message.
        let sent = slow.send(ToRouter::Lookup(vec![question])).await;
        if sent.is_err() || slow.send(ToRouter::Ping(id)).await.is_err() {
            break;
        }
    }
    it.metric_becomes("hubplane_router_overflows_total", 1.0)
        .await;
    soon(async { while unread.recv().await.is_some() {} }).await;
    other.send(ToRouter::Ping(1)).await.unwrap();
    soon(async { while read.recv().await.unwrap() != ToGateway::Pong(1) {} }).await;
}

#[tokio::test]
async fn a_drain_releases_the_watchers_first_and_refuses_new_streams() {
    let it = start(Options::default());
    let (report, mut reported) = it.open("gateway-0", StreamKind::Report).await;
    let (watch, mut watched) = it.open("gateway-1", StreamKind::Watch).await;
    watch.send(ToRouter::Ping(1)).await.unwrap();
    soon(async { while watched.recv().await.unwrap() != ToGateway::Pong(1) {} }).await;

    let drained = tokio::time::timeout(Duration::from_millis(50), it.router.drain()).await;
    assert!(drained.is_err(), "the watcher has not acknowledged");
    let through = soon(async {
        loop {
            if let ToGateway::Pushes { last, pushes } = watched.recv().await.unwrap()
                && pushes.contains(&Push::Released)
            {
                return last;
            }
        }
    })
    .await;
    while let Ok(message) = reported.try_recv() {
        assert_ne!(message, ToGateway::Released, "watchers are released first");
    }
    watch.send(ToRouter::Ack { through }).await.unwrap();
    soon(it.router.drain()).await;
    soon(async { while reported.recv().await.unwrap() != ToGateway::Released {} }).await;
    soon(it.router.drain()).await;

    let (_late, mut refused) = it.open("gateway-2", StreamKind::Watch).await;
    assert_eq!(soon(refused.recv()).await, None);
    drop(report);
}

#[tokio::test]
async fn the_end_of_the_node_drains_the_router() {
    let it = start(Options::default());
    let (_report, mut reported) = it.open("gateway-0", StreamKind::Report).await;
    let shutdown = it.tasks.shutdown(Duration::from_secs(5));
    let released = async { while reported.recv().await.unwrap() != ToGateway::Released {} };
    let (ended, ()) = soon(async { tokio::join!(shutdown, released) }).await;
    ended.unwrap();
    let connected = it.router.connect(node("gateway-0"), StreamKind::Watch);
    assert!(soon(connected).await.is_none(), "it has ended");
    soon(it.router.drain()).await;
}

#[test]
fn every_metric_is_documented() {
    let docs = include_str!("../../../docs/metrics.md");
    compare_with_docs(docs, "hubplane-router-server", &crate::metrics::all()).unwrap();
}
