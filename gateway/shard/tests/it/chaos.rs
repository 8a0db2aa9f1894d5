use hubplane_gateway_shard::{Command, UserSource};
use hubplane_proto_link::{Audience, CloseReason, Stage, ToHubHost};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use crate::client::{Client, JSON, MESSAGEPACK, PING, Seen, call, frame};
use crate::node::{Node, groups};
use crate::with_1_and_4_shards;

with_1_and_4_shards!(whatever_clients_do_the_others_are_served);

const CLIENTS: u64 = 300;

/// The same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(300))
            .map(|_| self.below(256) as u8)
            .collect()
    }
}

/// One client's life: sooner or later it does something bad, or just leaves.
async fn misbehave(mut client: Client, mut numbers: Numbers) {
    let is_json = numbers.below(2) == 0;
    let handshake = match numbers.below(8) {
        0 => "nonsense\x1e",
        1 => "",
        _ if is_json => JSON,
        _ => MESSAGEPACK,
    };
    client.text(handshake).await;
    if numbers.below(2) == 0 && handshake.ends_with('\x1e') {
        client.read_some().await;
    }
    for _ in 0..numbers.below(60) {
        let bytes = match numbers.below(60) {
            0 => numbers.bytes(),
            1 => frame(0x82, &numbers.bytes()),
            2 => frame(0x01, b"{\"type\":"),
            3 => frame(0x81, b"{\"type\":7}\x1e"),
            4 => frame(0x88, b""),
            5..12 => frame(0x89, b"ping"),
            12..20 if is_json => {
                let id = numbers.below(3);
                let upload = format!(
                    "{{\"type\":4,\"invocationId\":\"u{id}\",\"target\":\"U\",\"arguments\":[],\"streamIds\":[\"{id}\"]}}\x1e"
                );
                let item = format!("{{\"type\":2,\"invocationId\":\"{id}\",\"item\":1}}\x1e");
                let end = format!("{{\"type\":3,\"invocationId\":\"{id}\"}}\x1e");
                let text = upload + &item.repeat(numbers.below(14)) + &end;
                frame(0x81, text.as_bytes())
            }
            _ if is_json => frame(0x81, (call(numbers.below(100)) + PING).as_bytes()),
            _ => frame(
                0x82,
                b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90\x02\x91\x06",
            ),
        };
        // The server may have closed already.
        if client.stream.write_all(&bytes).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    match numbers.below(3) {
        0 => client.reset(),
        1 => drop(client),
        _ => {
            drop(client.stream.shutdown().await);
            while client.read_some().await {}
        }
    }
}

async fn whatever_clients_do_the_others_are_served(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut healthy = node.connect("healthy", JSON).await;
    let (ends, mut all_ended) = mpsc::channel::<()>(1);
    for n in 0..CLIENTS {
        let client = node
            .attach(
                &format!("c{n}"),
                "chat",
                UserSource::Known(None),
                &Default::default(),
            )
            .await;
        let end = ends.clone();
        node.tasks
            .spawn("client", hubplane_node::tasks::OnFailure::Log, async move {
                misbehave(client, Numbers(n)).await;
                drop(end);
            });
    }
    drop(ends);
    let mut served = 0;
    loop {
        tokio::select! {
            frame = node.next() => answer(&node, frame).await,
            ended = all_ended.recv() => {
                assert_eq!(ended, None);
                break;
            }
        }
        served += 1;
        if served % 20 == 0 {
            node.send(groups(&["g"]), &[], "Send", b"\x90").await;
            node.send(Audience::All, &["healthy"], "Send", b"\x90")
                .await;
        }
        if served % 30 == 0 {
            let connection = format!("c{}", served % CLIENTS);
            let command = Command::Close {
                connection: connection.parse().unwrap(),
                reason: CloseReason::Aborted,
                allow_reconnect: true,
            };
            node.command(&connection, command).await;
        }
    }
    while node.shards.metrics().connections > 1 {
        if let Ok(frame) = node.frames.try_recv() {
            answer(&node, frame).await;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(
        node.shards.metrics().memberships,
        1,
        "the hub of the healthy one"
    );
    healthy.text(call("alive")).await;
    loop {
        match node.next().await {
            ToHubHost::Invocation(call) if call.connection.as_str() == "healthy" => break,
            late => answer(&node, late).await,
        }
    }
    node.complete("healthy", "alive", "1").await;
    loop {
        match healthy.next().await {
            Seen::Text(text) if text == PING => {}
            Seen::Text(text) => break assert!(text.contains("alive"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

/// A hub whose every connection joins a group.
async fn answer(node: &Node, frame: ToHubHost) {
    match frame {
        ToHubHost::Opened { info, .. } => {
            node.join(info.connection.as_str(), "g", 1).await;
            node.done(info.connection.as_str(), Stage::Opening, None)
                .await;
        }
        ToHubHost::Closed { connection, .. } => {
            node.done(connection.as_str(), Stage::Closing, None).await
        }
        ToHubHost::Invocation(call) => {
            let invocation = call.invocation_id.as_ref().map_or("", |id| id.as_str());
            node.complete_as(call.connection.as_str(), invocation, "1", call.takes_slot)
                .await;
        }
        ToHubHost::Ack { .. }
        | ToHubHost::Window { .. }
        | ToHubHost::UploadItem { .. }
        | ToHubHost::UploadEnd { .. } => {}
        other => panic!("{other:?}"),
    }
}
