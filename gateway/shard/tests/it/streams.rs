//! Streams both ways, results of clients, windows, and questions.

use std::sync::Arc;

use bytes::Bytes;
use hubplane_gateway_connection::{Options, QueueLimits};
use hubplane_gateway_shard::{Ask, AskedId, Command, UserSource};
use hubplane_proto_ids::{ConnectionId, InvocationId, UserId};
use hubplane_proto_link::{
    AckId, Answer, Arguments, Audience, Caller, ClientOutcome, Completion, ConnectionSend,
    Encoding, Member, Outcome, Payload, Query, Question, Stage, ToGateway, ToHubHost,
    UPLOAD_CREDIT_ITEMS, WINDOW_BYTES,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::client::{DEADLINE, JSON, Seen, call, frame};
use crate::node::{Node, groups, hub};
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    a_slow_client_stops_its_stream_and_loses_nothing,
    a_client_that_reads_slowly_is_heard_all_the_same,
    sends_to_one_connection_take_its_window,
    a_full_upload_holds_up_its_connection_and_no_other,
    a_client_is_asked_and_answers,
    an_invocation_that_waits_for_a_flooding_client_goes_on,
    a_client_is_asked_while_its_queue_is_full,
    who_waits_for_a_client_that_is_gone_is_told,
    a_late_answer_is_ignored,
    questions_are_answered_from_who_is_here,
);

fn invocation_id(id: &str) -> InvocationId {
    InvocationId::new(id).unwrap()
}

fn id(id: &str) -> ConnectionId {
    id.parse().unwrap()
}

fn stream_item(of: &str, item: Bytes) -> ToGateway {
    ToGateway::StreamItem {
        connection: id(of),
        invocation_id: invocation_id("s"),
        item: Payload {
            encoding: Encoding::Json,
            bytes: item,
        },
    }
}

/// The hub's end of one connection's window.
struct Window(i64);

impl Window {
    fn full() -> Self {
        Self(i64::from(WINDOW_BYTES))
    }

    /// Sends one frame as soon as the window allows it; other frames of the connection are kept for later.
    async fn send(&mut self, node: &mut Node, frame: ToGateway, others: &mut Vec<ToHubHost>) {
        while self.0 <= 0 {
            match node.next().await {
                ToHubHost::Window { bytes, .. } => self.0 += i64::from(bytes),
                other => others.push(other),
            }
        }
        self.0 -= i64::from(frame.window_bytes());
        node.command("c", Command::FromHub(frame)).await;
    }
}

const STREAM: &str = "{\"type\":4,\"invocationId\":\"s\",\"target\":\"S\",\"arguments\":[]}\x1e";

async fn a_slow_client_stops_its_stream_and_loses_nothing(shards: u8) {
    const ITEMS: usize = 2000;
    let item = Bytes::from(format!("\"{}\"", "x".repeat(10_000)));
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client.text(STREAM).await;
    node.expect_call("s").await;
    let (mut window, mut sent) = (Window::full(), 0);
    // As much as the window and the system's buffers take.
    let mut others = Vec::new();
    let stopped = loop {
        let next = window.send(&mut node, stream_item("c", item.clone()), &mut others);
        if timeout(std::time::Duration::from_millis(300), next)
            .await
            .is_err()
        {
            break sent;
        }
        sent += 1;
        assert!(sent < ITEMS, "nothing stops it");
    };
    let reading = async {
        for _ in 0..ITEMS {
            let Seen::Text(text) = client.next().await else {
                panic!("closed")
            };
            assert_eq!(text.len(), item.len() + 38);
        }
        client
    };
    let sending = async {
        for _ in stopped..ITEMS {
            window
                .send(&mut node, stream_item("c", item.clone()), &mut Vec::new())
                .await;
        }
        node
    };
    let (mut client, node) = tokio::join!(reading, sending);
    let end = Completion {
        connection: id("c"),
        invocation_id: invocation_id("s"),
        outcome: Outcome::Void,
        releases_slot: false,
    };
    node.command("c", Command::FromHub(ToGateway::Completion(end)))
        .await;
    client
        .expect_text("{\"type\":3,\"invocationId\":\"s\"}<RS>")
        .await;
    let metrics = node.shards.metrics();
    assert_eq!(metrics.stream_items, ITEMS as u64);
    assert_eq!(metrics.closes.iter().sum::<u64>(), 0);
}

async fn a_client_that_reads_slowly_is_heard_all_the_same(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client.text(STREAM).await;
    node.expect_call("s").await;
    let (mut window, mut others) = (Window::full(), Vec::new());
    // Full, then never less than half full: the hub is always faster than the client.
    for n in 0_u32.. {
        let next = window.send(
            &mut node,
            stream_item("c", Bytes::from_static(b"1")),
            &mut others,
        );
        if timeout(std::time::Duration::from_millis(300), next)
            .await
            .is_err()
        {
            break;
        }
        assert!(n < 1_000_000, "nothing stops it");
    }
    client.text("{\"type\":5,\"invocationId\":\"s\"}\x1e").await;
    client.bytes(&frame(0x89, b"ping")).await;
    let mut is_ponged = false;
    while others.is_empty() || !is_ponged {
        let next = window.send(
            &mut node,
            stream_item("c", Bytes::from_static(b"1")),
            &mut others,
        );
        tokio::select! {
            () = next => {}
            seen = client.next() => match seen {
                Seen::Text(_) => {}
                Seen::Pong(_) => is_ponged = true,
                other => panic!("{other:?}"),
            },
        }
    }
    assert!(matches!(others[..], [ToHubHost::Cancel { .. }]));
}

async fn sends_to_one_connection_take_its_window(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let text = Bytes::from([&[0x91, 0xda, 0x10, 0x00][..], &[b'x'; 4096]].concat());
    let send = ToGateway::ToConnection(ConnectionSend {
        caller: Caller::HubHost,
        connection: id("c"),
        target: "Said".to_owned(),
        arguments: Arguments {
            encoding: Encoding::MessagePack,
            bytes: text,
        },
    });
    let mut window = Window::full();
    for _ in 0..100 {
        window.send(&mut node, send.clone(), &mut Vec::new()).await;
        assert!(matches!(client.next().await, Seen::Text(text) if text.contains("Said")));
    }
    assert!(window.0 > -5000);

    // One that is leaving takes nothing, and keeps nobody waiting.
    client.close(&1000_u16.to_be_bytes()).await;
    loop {
        match node.next().await {
            ToHubHost::Closed { .. } => break,
            ToHubHost::Window { bytes, .. } => window.0 += i64::from(bytes),
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..100 {
        window.send(&mut node, send.clone(), &mut Vec::new()).await;
    }
    node.done("c", Stage::Closing, None).await;
    node.until("it is gone", |metrics| metrics.connections == 0)
        .await;
}

async fn a_full_upload_holds_up_its_connection_and_no_other(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let mut other = node.connect("o", JSON).await;
    client
        .text("{\"type\":1,\"invocationId\":\"u\",\"target\":\"U\",\"arguments\":[],\"streamIds\":[\"7\"]}\x1e")
        .await;
    node.expect_call("u").await;
    let items: String = (0..=UPLOAD_CREDIT_ITEMS)
        .map(|n| format!("{{\"type\":2,\"invocationId\":\"7\",\"item\":{n}}}\x1e"))
        .collect();
    client.text(items + &call("1")).await;
    for _ in 0..UPLOAD_CREDIT_ITEMS {
        assert!(matches!(node.next().await, ToHubHost::UploadItem { .. }));
    }
    other.text(call("2")).await;
    assert_eq!(node.expect_call("2").await.connection, id("o"));
    let credit = ToGateway::UploadCredit {
        connection: id("c"),
        stream_id: invocation_id("7"),
        items: 5,
    };
    node.command("c", Command::FromHub(credit)).await;
    let ToHubHost::UploadItem { item, .. } = node.next().await else {
        panic!("no item")
    };
    assert_eq!(item.bytes, Bytes::from_static(b"10"));
    node.expect_call("1").await;
    node.until("items are counted", |metrics| {
        metrics.upload_items == u64::from(UPLOAD_CREDIT_ITEMS) + 1
    })
    .await;
}

impl Node {
    async fn ask(&self, of: &str, number: u64) -> oneshot::Receiver<ClientOutcome> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask {
            id: AskedId(number),
            hub: hub(),
            connection: id(of),
            target: "Sum".to_owned(),
            arguments: Arguments {
                encoding: Encoding::MessagePack,
                bytes: Bytes::from_static(b"\x91\x05"),
            },
            reply,
        };
        self.command(of, Command::Ask(Box::new(ask))).await;
        answer
    }

    /// What all shards together answer.
    async fn question(&self, audience: Audience, question: Question) -> Vec<Answer> {
        let query = Arc::new(Query {
            ack: AckId(1),
            caller: Caller::HubHost,
            hub: hub(),
            audience,
            question,
        });
        let mut answers = Vec::new();
        for shard in 0..self.shards.count() {
            let (reply, answer) = oneshot::channel();
            let command = Command::LookUp(Arc::clone(&query), reply);
            self.shards.send(shard, command).await;
            answers.push(outcome(answer).await);
        }
        answers
    }
}

async fn outcome<T>(answer: oneshot::Receiver<T>) -> T {
    timeout(DEADLINE, answer).await.expect("an answer").unwrap()
}

const ASKED: &str = "{\"type\":1,\"invocationId\":\"s7\",\"target\":\"Sum\",\"arguments\":[5]}<RS>";
const ANSWER: &str = "{\"type\":3,\"invocationId\":\"s7\",\"result\":6}\x1e";

fn six() -> ClientOutcome {
    ClientOutcome::Value(Payload {
        encoding: Encoding::Json,
        bytes: Bytes::from_static(b"6"),
    })
}

async fn a_client_is_asked_and_answers(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let answer = node.ask("c", 7).await;
    client.expect_text(ASKED).await;
    client.text(ANSWER).await;
    assert_eq!(outcome(answer).await, six());
}

async fn an_invocation_that_waits_for_a_flooding_client_goes_on(shards: u8) {
    const CALLS: usize = 2000;
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client
        .text((0..CALLS).map(call).collect::<String>() + ANSWER)
        .await;
    node.expect_call("0").await;
    // Its slot is taken and what waits for one is more than is read ahead. It is given back in front of the question.
    let released = ToGateway::SlotReleased {
        connection: id("c"),
    };
    node.command("c", Command::FromHub(released)).await;
    let answer = node.ask("c", 7).await;
    for n in 1..CALLS {
        node.expect_call(&n.to_string()).await;
        node.complete("c", &n.to_string(), "1").await;
    }
    assert_eq!(outcome(answer).await, six());
    client.expect_text(ASKED).await;
}

async fn a_client_is_asked_while_its_queue_is_full(shards: u8) {
    const SENDS: usize = 60;
    let options = Options {
        queue: QueueLimits {
            bytes_max: 100 << 20,
            ..QueueLimits::default()
        },
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut client = node
        .connect_with("c", JSON, UserSource::Known(None), &options)
        .await;
    client.text(call("1")).await;
    node.expect_call("1").await;
    // More than the system's buffers take, and than is waited for before no message is taken any more.
    let text = [&[0x91, 0xdb, 0, 3, 0, 0][..], &vec![b'x'; 3 << 16]].concat();
    for _ in 0..SENDS {
        node.send(Audience::All, &[], "Much", &text).await;
    }
    let released = ToGateway::SlotReleased {
        connection: id("c"),
    };
    node.command("c", Command::FromHub(released)).await;
    let answer = node.ask("c", 7).await;
    client
        .text((2..100).map(call).collect::<String>() + ANSWER)
        .await;
    let reading = async {
        for _ in 0..SENDS {
            assert!(matches!(client.next().await, Seen::Text(_)));
        }
        client.expect_text(ASKED).await;
        client
    };
    let running = async {
        for n in 2..100 {
            node.expect_call(&n.to_string()).await;
            node.complete("c", &n.to_string(), "1").await;
        }
        assert_eq!(outcome(answer).await, six());
    };
    tokio::join!(reading, running);
}

async fn who_waits_for_a_client_that_is_gone_is_told(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let answer = node.ask("c", 7).await;
    client.expect_text(ASKED).await;
    client.reset();
    assert_eq!(outcome(answer).await, ClientOutcome::Disconnected);
    node.expect_closed("c").await;
    let late = node.ask("c", 8).await;
    assert_eq!(outcome(late).await, ClientOutcome::Disconnected);
    node.done("c", Stage::Closing, None).await;
    node.until("it is gone", |metrics| metrics.connections == 0)
        .await;
    let unknown = node.ask("c", 9).await;
    assert_eq!(outcome(unknown).await, ClientOutcome::UnknownConnection);
}

async fn a_late_answer_is_ignored(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let answer = node.ask("c", 7).await;
    client.expect_text(ASKED).await;
    drop(answer);
    node.command("c", Command::Forget(id("c"))).await;
    client.text(ANSWER).await;
    let again = node.ask("c", 7).await;
    client.expect_text(ASKED).await;
    client.text(ANSWER).await;
    assert_eq!(outcome(again).await, six());
}

async fn questions_are_answered_from_who_is_here(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut clients = Vec::new();
    for n in 0..6 {
        let user = UserSource::Known(Some(
            UserId::new(if n < 2 { "ann" } else { "bob" }).unwrap(),
        ));
        let name = format!("c{n}");
        clients.push(
            node.connect_with(&name, JSON, user, &Options::default())
                .await,
        );
        for group in ["all", "again"] {
            node.join(&name, group, n).await;
            assert!(matches!(node.next().await, ToHubHost::Ack { .. }));
        }
    }
    let count = async |audience| {
        let counts = node.question(audience, Question::Count).await;
        counts.iter().fold(0, |sum, answer| match answer {
            Answer::Count(count) => sum + count,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(count(Audience::All).await, 6);
    assert_eq!(count(groups(&["all", "again", "none"])).await, 6);
    assert_eq!(
        count(Audience::Users(
            [UserId::new("ann").unwrap()].into_iter().collect()
        ))
        .await,
        2
    );
    assert_eq!(
        count(Audience::Connections(
            [id("c1"), id("c1"), id("x")].into_iter().collect()
        ))
        .await,
        1
    );
    for (group, exists) in [("all", true), ("none", false)] {
        let answers = node.question(groups(&[group]), Question::Exists).await;
        assert_eq!(answers.contains(&Answer::Exists(true)), exists);
    }
    let page = Question::Connections {
        after: Some(id("c1")),
        limit: 3,
    };
    let mut seen = Vec::new();
    for answer in node.question(groups(&["all", "again"]), page).await {
        let Answer::Connections(members) = answer else {
            panic!("{answer:?}")
        };
        assert!(members.len() <= 3 && members.is_sorted_by_key(|member| &member.connection));
        seen.extend(members);
    }
    seen.sort_by(|one, other| one.connection.cmp(&other.connection));
    let bob = |name: &str| Member {
        connection: id(name),
        user: Some(UserId::new("bob").unwrap()),
    };
    assert_eq!(seen[..3], [bob("c2"), bob("c3"), bob("c4")]);
}
