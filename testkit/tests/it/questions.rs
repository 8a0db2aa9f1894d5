//! What a hub can find out about its connections, and do to them, wherever they are.

use std::time::Duration;

use hubplane::Encoding;
use hubplane_client::Connection;
use hubplane_testkit::{TestCluster, TestHub, within};

use crate::{options, shapes, watched};

async fn invoke<T: serde::de::DeserializeOwned>(
    client: &Connection,
    target: &str,
    arguments: impl serde::Serialize,
) -> T {
    let done = within(target, client.invoke(target, arguments)).await;
    done.unwrap_or_else(|error| panic!("{target}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_all_gateways_are_listed_once_each_page_by_page() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut clients = Vec::new();
        for (number, user) in ["dan", "ana", "ben", "ana", "", "cid", "ben", "eve"]
            .into_iter()
            .enumerate()
        {
            let encoding = [Encoding::Json, Encoding::MessagePack][number % 2];
            let client = cluster.connect(number % 2, user, encoding).await;
            if user != "eve" {
                invoke::<()>(&client, "Join", ("g",)).await;
            }
            clients.push(client);
        }
        for asker in [&clients[0], &clients[1]] {
            let pages: Vec<Vec<String>> = invoke(asker, "Users", ("g",)).await;
            let expected = [vec!["ana", "ben"], vec!["cid", "dan"], vec![]];
            assert_eq!(pages, expected);
            assert_eq!(invoke::<u64>(asker, "Count", ("g",)).await, 7);
            let nobody: Vec<Vec<String>> = invoke(asker, "Users", ("empty",)).await;
            assert_eq!(nobody, [Vec::<String>::new()]);
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_any_gateway_is_closed_with_a_reason_that_both_ends_see() {
    for shape in shapes() {
        let (options, lifecycle) = watched(shape);
        let cluster = TestCluster::start(options).await.unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        for (gateway, encoding) in [(0, Encoding::MessagePack), (1, Encoding::Json)] {
            let mut ben = cluster.connect(gateway, "ben", encoding).await;
            let id = ben.id().unwrap().to_owned();
            invoke::<()>(&ana, "Close", (&id, "too loud")).await;
            let close = within("the end", ben.ended()).await.close.unwrap();
            assert_eq!(close.error.as_deref(), Some("too loud"));
            assert!(!close.allow_reconnect);
            let seen = format!("disconnected {id} Some(\"too loud\")");
            within("on_disconnected", async {
                while lifecycle.seen().last() != Some(&seen) {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
            .await;
        }
        // Each gateway has closed one; one of them is what the metric shows.
        let closed = || {
            let name = "hubplane_gateway_closed_connections_total";
            let labels = [("reason", "closed_by_hub")];
            cluster.telemetry().value(name, &labels)
        };
        within("the ends are counted", async {
            while closed() != Some(1.0) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_knows_how_long_it_may_run() {
    let mut options = options(1, true);
    let limited = TestCluster::service(TestHub::default());
    options.hubs = vec![limited.invocation_timeout(Duration::from_secs(60))];
    let cluster = TestCluster::start(options).await.unwrap();
    let ana = cluster.connect(0, "ana", Encoding::Json).await;
    let left: Option<u64> = invoke(&ana, "TimeLeft", ()).await;
    assert!((1..=60_000).contains(&left.unwrap()), "{left:?}");
    cluster.stop().await.unwrap();
}
