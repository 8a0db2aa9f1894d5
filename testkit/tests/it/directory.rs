//! Groups: when an add returns, every send that starts after it, by anyone who could know, reaches the connection.

use std::time::Duration;

use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_testkit::{TestCluster, within};

use crate::shapes;

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_starts_after_an_add_returned_reaches_the_connection() {
    for (shape, lookup_delay) in shapes()
        .into_iter()
        .zip([Duration::ZERO, Duration::from_millis(5)])
    {
        let cluster = TestCluster::start(ClusterOptions {
            lookup_delay,
            ..shape
        })
        .await
        .unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        let mut ben = cluster.connect(1, "ben", Encoding::Json).await;
        for round in 0..200 {
            let group = format!("g-{round}");
            if round % 2 == 0 {
                // Gateway 0 has just learnt that nobody is there.
                within("a send", ana.invoke::<()>("ToGroup", (&group, "early")))
                    .await
                    .unwrap();
            }
            within("a join", ben.invoke::<()>("Join", (&group,)))
                .await
                .unwrap();
            within("a send", ana.invoke::<()>("ToGroup", (&group, &group)))
                .await
                .unwrap();
            let (text,): (String,) = within("the send", ben.receive("Said")).await.unwrap();
            assert_eq!(text, group);
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_and_its_user_are_visible_once_the_handshake_is_answered() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        for round in 0..50 {
            let user = format!("user-{round}");
            within("a send", ana.invoke::<()>("ToUser", (&user, "early")))
                .await
                .unwrap();
            let mut ben = cluster.connect(1, &user, Encoding::Json).await;
            within("a send", ana.invoke::<()>("ToUser", (&user, "hello")))
                .await
                .unwrap();
            let id = ben.id().unwrap().to_owned();
            within("a send", ana.invoke::<()>("ToClient", (&id, "you")))
                .await
                .unwrap();
            for expected in ["hello", "you"] {
                let (text,): (String,) = within("the send", ben.receive("Said")).await.unwrap();
                assert_eq!(text, expected);
            }
            ben.stop().await;
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_router_sends_still_arrive() {
    let [shape, _] = shapes();
    let cluster = TestCluster::start(ClusterOptions {
        routers: 0,
        ..shape
    })
    .await
    .unwrap();
    let ana = cluster.connect(0, "ana", Encoding::Json).await;
    let mut ben = cluster.connect(1, "ben", Encoding::Json).await;
    within("the gateways hear each other", async {
        loop {
            within("a send", ana.invoke::<()>("ToUser", ("ben", "anyone?")))
                .await
                .unwrap();
            let heard =
                tokio::time::timeout(Duration::from_millis(50), ben.receive::<(String,)>("Said"))
                    .await;
            if heard.is_ok() {
                break;
            }
        }
    })
    .await;
    cluster.stop().await.unwrap();
}
