//! Order: what one invocation sends arrives at any one connection, on any gateway, in program order, its completion last.

use std::time::Duration;

use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_client::message::{Arguments, CompletionResult, Invocation, Message, StreamIds};
use hubplane_client::{Connection, read_arguments};
use hubplane_testkit::{TestCluster, within};

use crate::{options, shapes};

const COUNT: u32 = 1000;

/// What a client heard: the target in lower case and the number, and its completions as `done`.
async fn hear(client: &mut Connection, count: usize) -> Vec<(String, u32)> {
    let mut heard = Vec::with_capacity(count);
    while heard.len() < count {
        match within("a message", client.next())
            .await
            .expect("the connection lives")
        {
            Message::Invocation(invocation) => {
                let (number,) = read_arguments(client.encoding(), &invocation.arguments).unwrap();
                heard.push((invocation.target.to_string().to_lowercase(), number));
            }
            Message::Completion(completion) => {
                assert!(
                    matches!(completion.result, CompletionResult::Value(_)),
                    "{completion:?}"
                );
                heard.push(("done".to_owned(), COUNT));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    heard
}

fn program(targets: &[&str]) -> Vec<(String, u32)> {
    let sends = (0..COUNT).flat_map(|number| {
        targets
            .iter()
            .map(move |target| ((*target).to_owned(), number))
    });
    sends.collect()
}

async fn program_order(options: ClusterOptions) {
    let cluster = TestCluster::start(options).await.unwrap();
    let mut caller = cluster.connect(0, "ana", Encoding::Json).await;
    let mut near = cluster.connect(0, "ben", Encoding::MessagePack).await;
    let mut far = cluster.connect(1, "ben", Encoding::Json).await;
    let mut far_packed = cluster.connect(1, "ben", Encoding::MessagePack).await;
    let mut far_member = cluster.connect(1, "cid", Encoding::Json).await;
    for member in [&near, &far, &far_packed, &far_member] {
        let joined: Result<(), _> = within("a join", member.invoke("Join", ("g",))).await;
        joined.unwrap();
    }
    // Sent by hand, so that the completion comes out in its place among the messages.
    let arguments =
        hubplane_client::write_arguments(caller.encoding(), &(COUNT, "g", "ben")).unwrap();
    let invocation = Invocation {
        invocation_id: Some("the-one".into()),
        target: "Ordered".into(),
        arguments: Arguments::Raw(arguments),
        stream_ids: StreamIds::new(),
    };
    caller
        .send_message(&Message::Invocation(invocation))
        .await
        .unwrap();

    let mut expected = program(&["caller"]);
    expected.push(("done".to_owned(), COUNT));
    assert_eq!(
        hear(&mut caller, expected.len()).await,
        expected,
        "the completion is the last"
    );
    let both = program(&["group", "user"]);
    for (name, member) in [
        ("near", &mut near),
        ("far", &mut far),
        ("far, packed", &mut far_packed),
    ] {
        assert_eq!(hear(member, both.len()).await, both, "{name}");
    }
    let group = program(&["group"]);
    assert_eq!(hear(&mut far_member, group.len()).await, group);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_of_an_invocation_arrive_in_program_order_its_completion_last() {
    for shape in shapes() {
        program_order(shape).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn program_order_holds_with_cold_caches_and_slow_lookups() {
    for shape in shapes() {
        program_order(ClusterOptions {
            lookup_delay: Duration::from_millis(40),
            ..shape
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_lookup_of_one_caller_delays_no_other() {
    let cluster = TestCluster::start(ClusterOptions {
        lookup_delay: Duration::from_millis(40),
        ..options(1, false)
    })
    .await
    .unwrap();
    let slow = cluster.connect(0, "ana", Encoding::Json).await;
    let quick = cluster.connect(0, "ben", Encoding::Json).await;
    let (sent, echoed) = tokio::join!(
        slow.invoke::<()>("ToGroup", ("nobody-looked-here-yet", "x")),
        quick.invoke::<String>("Echo", ("y",)),
    );
    sent.unwrap();
    assert_eq!(echoed.unwrap(), "y");
    cluster.stop().await.unwrap();
}
