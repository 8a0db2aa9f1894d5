//! A healthy client is never closed because a hub streams fast; results of clients come through whatever else waits.

use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_client::message::{
    Arguments, Completion, CompletionResult, Invocation, Message, StreamIds,
};
use hubplane_client::{Connection, Frame, Options, read_arguments, read_value, write_arguments};
use hubplane_testkit::{TestCluster, within};

use crate::shapes;

const ITEMS: u32 = 100_000;
const FLOOD: u32 = 5_000;

/// A client that takes a message only when it is asked to: little more than its socket buffers fills up meanwhile.
async fn slow(cluster: &TestCluster, gateway: usize, headers: Vec<(String, String)>) -> Connection {
    let options = Options {
        inbox_max: 4,
        headers,
        ..Options::default()
    };
    Connection::connect(&cluster.url(gateway, "test"), &options)
        .await
        .unwrap()
}

fn invocation(
    client: &Connection,
    id: &str,
    target: &str,
    arguments: impl serde::Serialize,
) -> Invocation {
    Invocation {
        invocation_id: Some(id.into()),
        target: target.into(),
        arguments: Arguments::Raw(write_arguments(client.encoding(), &arguments).unwrap()),
        stream_ids: StreamIds::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_gets_a_whole_stream_and_delays_nobody() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut client = slow(&cluster, 0, Vec::new()).await;
        let stream = invocation(&client, "s", "Numbers", (ITEMS,));
        client
            .send_message(&Message::StreamInvocation(stream))
            .await
            .unwrap();
        // While it reads nothing, others on the same gateway and link are served.
        let other = cluster.connect(0, "ben", Encoding::Json).await;
        for _ in 0..100 {
            let echo: String = within("an echo", other.invoke("Echo", ("x",)))
                .await
                .unwrap();
            assert_eq!(echo, "x");
        }
        for number in 0..ITEMS {
            match within("an item", client.next()).await {
                Some(Message::StreamItem(item)) => {
                    assert_eq!(
                        read_value::<u32>(client.encoding(), &item.item).unwrap(),
                        number
                    );
                }
                other => panic!("item {number}: {other:?}"),
            }
        }
        let end = within("the end", client.next()).await;
        let ended =
            matches!(&end, Some(Message::Completion(end)) if end.result == CompletionResult::Void);
        assert!(ended, "{end:?}");
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_gets_all_that_its_hub_sends_to_it_alone() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let flood = vec![("x-flood".to_owned(), FLOOD.to_string())];
        let mut client = slow(&cluster, 0, flood).await;
        let other = cluster.connect(0, "ben", Encoding::Json).await;
        let echo: String = within("an echo", other.invoke("Echo", ("x",)))
            .await
            .unwrap();
        assert_eq!(echo, "x");
        for number in 0..FLOOD {
            let (got, text): (u32, String) =
                within("a message", client.receive("flood")).await.unwrap();
            assert_eq!((got, text.len()), (number, 1024));
        }
        let echo: String = within("an echo", client.invoke("Echo", ("alive",)))
            .await
            .unwrap();
        assert_eq!(echo, "alive");
        cluster.stop().await.unwrap();
    }
}

/// Answers the next question of the hub with the number it asks about plus one.
async fn answer(client: &mut Connection) {
    match within("a question", client.next()).await {
        Some(Message::Invocation(question)) => {
            let (number,): (i32,) = read_arguments(client.encoding(), &question.arguments).unwrap();
            let value = write_arguments(client.encoding(), &(number + 1,)).unwrap();
            let value = client.encoding().arguments(&value).unwrap().remove(0);
            let completion = Completion {
                invocation_id: question.invocation_id.unwrap(),
                result: CompletionResult::Value(value),
            };
            client
                .send_message(&Message::Completion(completion))
                .await
                .unwrap();
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_result_comes_through_a_flood_of_the_same_client() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut client = cluster.connect(0, "ana", Encoding::Json).await;
        let ask = invocation(&client, "ask", "Ask", (41,));
        client
            .send_message(&Message::Invocation(ask))
            .await
            .unwrap();
        for number in 0..1000 {
            let echo = invocation(&client, &format!("e{number}"), "Echo", ("x",));
            client
                .send_message(&Message::Invocation(echo))
                .await
                .unwrap();
        }
        answer(&mut client).await;
        let mut done = 0;
        while done < 1001 {
            match within("a completion", client.next()).await {
                Some(Message::Completion(completion)) => {
                    if completion.invocation_id == "ask" {
                        assert_eq!(completion.result, CompletionResult::Value("42".into()));
                    }
                    done += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_gateway_answers() {
    for shape in shapes() {
        let cluster = TestCluster::start(ClusterOptions { ..shape })
            .await
            .unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        let mut ben = cluster.connect(1, "ben", Encoding::MessagePack).await;
        let id = ben.id().unwrap().to_owned();
        let (asked, ()) = tokio::join!(ana.invoke::<i32>("AskOther", (&id, 1)), answer(&mut ben));
        assert_eq!(asked.unwrap(), 2);
        let failed = within("a refusal", ana.invoke::<i32>("AskOther", ("nobody", 1)))
            .await
            .unwrap_err();
        assert!(
            failed
                .to_string()
                .contains("Connection 'nobody' does not exist."),
            "{failed}"
        );
        let (asked, ()) = tokio::join!(ana.invoke::<i32>("AskOther", (&id, 1)), async {
            within("a question", ben.next()).await.unwrap();
            ben.kill().await;
        });
        let failed = asked.unwrap_err();
        assert!(failed.to_string().contains("disconnected."), "{failed}");
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cancelled_at_once_has_begun_and_is_told() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut client = cluster.connect(0, "ana", Encoding::Json).await;
        for round in 0..100 {
            let id = format!("s{round}");
            let stream = Message::StreamInvocation(invocation(&client, &id, "Endless", ()));
            let mut both = Vec::new();
            client.encoding().encode(&stream, &mut both);
            let cancel = Message::CancelInvocation { invocation_id: id };
            client.encoding().encode(&cancel, &mut both);
            let both = String::from_utf8(both).unwrap();
            client.send_frame(Frame::Text(both)).await.unwrap();
            let mut seen = Vec::new();
            for _ in 0..2 {
                match within("both", client.next()).await {
                    Some(Message::Invocation(told)) => seen.push(told.target),
                    Some(Message::Completion(end)) => {
                        assert_eq!(end.result, CompletionResult::Void);
                        seen.push("completed".to_owned());
                    }
                    other => panic!("{other:?}"),
                }
            }
            seen.sort();
            assert_eq!(seen, ["cancelled", "completed"]);
        }
        cluster.stop().await.unwrap();
    }
}
