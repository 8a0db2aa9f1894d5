use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::UserSource;
use hubplane_proto_link::{Audience, Stage};

use crate::client::{Client, JSON, MESSAGEPACK, Seen};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    a_broadcast_reaches_everybody_in_both_protocols,
    users_and_connections_are_reached_and_nobody_else,
    sends_and_completions_keep_their_order,
    what_json_cannot_carry_ends_only_json_receivers,
    more_receivers_than_one_turn_writes_all_get_everything,
);

/// `["hi", 7]` as MessagePack.
const HI_7: &[u8] = b"\x92\xa2hi\x07";
/// `Send("hi", 7)` as a MessagePack hub message, from the reference.
const SEND_HI_7: &[u8] = b"\x0f\x96\x01\x80\xc0\xa4Send\x92\xa2hi\x07\x90";

async fn expect_send(client: &mut Client, is_json: bool) {
    if is_json {
        client
            .expect_text("{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\",7]}<RS>")
            .await;
    } else {
        assert_eq!(client.next().await, Seen::Binary(SEND_HI_7.to_vec()));
    }
}

async fn a_broadcast_reaches_everybody_in_both_protocols(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut clients = Vec::new();
    for n in 0..50 {
        let handshake = if n % 2 == 0 { JSON } else { MESSAGEPACK };
        clients.push(node.connect(&format!("c{n}"), handshake).await);
    }
    node.send(Audience::All, &["c7", "c8", "nobody"], "Send", HI_7)
        .await;
    node.send(Audience::All, &[], "Send", HI_7).await;
    for (n, client) in clients.iter_mut().enumerate() {
        expect_send(client, n % 2 == 0).await;
        if n != 7 && n != 8 {
            expect_send(client, n % 2 == 0).await;
        }
    }
    node.until("all is written", |metrics| {
        (metrics.deliveries, metrics.frames_written) == (98, 50 + 98)
    })
    .await;
}

async fn users_and_connections_are_reached_and_nobody_else(shards: u8) {
    let mut node = Node::start(shards).await;
    let user = |name: &str| UserSource::Known(Some(name.parse().unwrap()));
    let options = Options::default();
    let mut ana_1 = node
        .connect_with("ana-1", JSON, user("ana"), &options)
        .await;
    let mut ana_2 = node
        .connect_with("ana-2", JSON, user("ana"), &options)
        .await;
    let mut bo = node.connect_with("bo", JSON, user("bo"), &options).await;
    let mut elsewhere = node
        .attach("elsewhere", "news", user("ana"), &options)
        .await;
    elsewhere.text(JSON).await;
    node.expect_opened("elsewhere").await;
    node.done("elsewhere", Stage::Opening, None).await;
    elsewhere.expect_text("{}<RS>").await;

    let users =
        |names: &[&str]| Audience::Users(names.iter().map(|name| name.parse().unwrap()).collect());
    let connections =
        |ids: &[&str]| Audience::Connections(ids.iter().map(|id| id.parse().unwrap()).collect());
    node.send(users(&["ana", "Ana"]), &[], "ToAna", b"\x90")
        .await;
    node.send(
        connections(&["bo", "nobody", "elsewhere"]),
        &[],
        "ToBo",
        b"\x90",
    )
    .await;
    node.send(Audience::All, &[], "ToAll", b"\x90").await;
    let message =
        |target: &str| format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[]}}<RS>");
    for client in [&mut ana_1, &mut ana_2] {
        client.expect_text(&message("ToAna")).await;
        client.expect_text(&message("ToAll")).await;
    }
    bo.expect_text(&message("ToBo")).await;
    bo.expect_text(&message("ToAll")).await;
    elsewhere.close(b"").await;
    assert_eq!(
        elsewhere.next().await,
        Seen::Close(1000),
        "another hub hears nothing"
    );
}

async fn sends_and_completions_keep_their_order(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client.text(crate::client::call("1")).await;
    node.expect_call("1").await;
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        let arguments = [0x91, 0xcd, high, low];
        let audience = match n % 2 {
            0 => Audience::All,
            _ => Audience::Connections(["c".parse().unwrap()].into_iter().collect()),
        };
        node.send(audience, &[], "Count", &arguments).await;
    }
    node.complete("c", "1", "null").await;
    for n in 0..1000 {
        client
            .expect_text(&format!(
                "{{\"type\":1,\"target\":\"Count\",\"arguments\":[{n}]}}<RS>"
            ))
            .await;
    }
    client
        .expect_text("{\"type\":3,\"invocationId\":\"1\",\"result\":null}<RS>")
        .await;
    let metrics = node.shards.metrics();
    assert!(metrics.writes < metrics.frames_written, "{metrics:?}");
}

async fn what_json_cannot_carry_ends_only_json_receivers(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut json = node.connect("json", JSON).await;
    let mut binary = node.connect("binary", MESSAGEPACK).await;
    // An application's own extension type.
    node.send(Audience::All, &[], "Ext", b"\x91\xd4\x05\x00")
        .await;
    json.expect_text(
        "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}<RS>",
    )
    .await;
    assert_eq!(node.expect_closed("json").await.name(), "unserializable");
    assert_eq!(
        binary.next().await,
        Seen::Binary(b"\x0d\x96\x01\x80\xc0\xa3Ext\x91\xd4\x05\x00\x90".to_vec())
    );
    node.until("it is counted", |metrics| metrics.unserializable == 1)
        .await;
}

async fn more_receivers_than_one_turn_writes_all_get_everything(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut clients = Vec::new();
    for n in 0..600 {
        clients.push(node.connect(&format!("c{n}"), JSON).await);
    }
    for _ in 0..3 {
        node.send(Audience::All, &[], "Send", HI_7).await;
    }
    for client in &mut clients {
        for _ in 0..3 {
            expect_send(client, true).await;
        }
    }
}
