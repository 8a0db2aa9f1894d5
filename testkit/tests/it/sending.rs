//! Who receives a send, wherever the receiver is.

use hubplane::Encoding;
use hubplane::host::{Options as HubOptions, Service};
use hubplane_client::{Connection, Options};
use hubplane_testkit::{TestCluster, TestHub, within};

use crate::{options, shapes};

async fn invoke(client: &Connection, target: &str, arguments: impl serde::Serialize) {
    let done: Result<(), _> = within(target, client.invoke(target, arguments)).await;
    done.unwrap_or_else(|error| panic!("{target}: {error}"));
}

async fn said(client: &mut Connection) -> String {
    let (text,): (String,) = within("a message", client.receive("Said")).await.unwrap();
    text
}

/// Nothing came before what comes now: a send to the client itself, through the same streams.
async fn nothing_before(client: &mut Connection, by: &Connection, mark: &str) {
    let id = client.id().unwrap().to_owned();
    invoke(by, "ToClient", (id, mark)).await;
    assert_eq!(said(client).await, mark);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_reach_their_audience_on_every_gateway_and_nobody_else() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut ana = cluster.connect(0, "ana", Encoding::Json).await;
        let mut ben = cluster.connect(0, "ben", Encoding::MessagePack).await;
        let mut cid = cluster.connect(1, "cid", Encoding::Json).await;
        let mut far_ana = cluster.connect(1, "ana", Encoding::MessagePack).await;

        invoke(&ana, "ToAll", ("all",)).await;
        for client in [&mut ana, &mut ben, &mut cid, &mut far_ana] {
            assert_eq!(said(client).await, "all");
        }
        invoke(&ana, "ToOthers", ("others",)).await;
        for client in [&mut ben, &mut cid, &mut far_ana] {
            assert_eq!(said(client).await, "others");
        }
        invoke(&ben, "ToUser", ("ana", "user")).await;
        for client in [&mut ana, &mut far_ana] {
            assert_eq!(said(client).await, "user");
        }
        invoke(&cid, "Join", ("g",)).await;
        invoke(&ben, "Join", ("g",)).await;
        invoke(&ben, "Join", ("g",)).await;
        invoke(&ana, "ToGroup", ("g", "group")).await;
        for client in [&mut ben, &mut cid] {
            assert_eq!(said(client).await, "group", "once, though ben joined twice");
        }
        invoke(&cid, "Leave", ("g",)).await;
        invoke(&cid, "Leave", ("g",)).await;
        invoke(&ana, "ToGroup", ("g", "again")).await;
        assert_eq!(said(&mut ben).await, "again");
        invoke(&ana, "ToClient", ("nobody", "x")).await;

        let asker = cluster.connect(0, "", Encoding::Json).await;
        for client in [&mut ana, &mut ben, &mut cid, &mut far_ana] {
            nothing_before(client, &asker, "mark").await;
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_members_receives_nothing() {
    let cluster = TestCluster::start(options(2, false)).await.unwrap();
    let mut ana = cluster.connect(0, "ana", Encoding::Json).await;
    let mut ben = cluster.connect(1, "ben", Encoding::Json).await;
    invoke(&ana, "Join", ("near",)).await;
    invoke(&ben, "Join", ("far",)).await;
    let delivered = || cluster.cluster().gateways()[1].backplane().delivered;
    let before = delivered();
    for number in 0..100 {
        invoke(&ana, "ToGroup", ("near", number.to_string())).await;
        assert_eq!(said(&mut ana).await, number.to_string());
    }
    assert_eq!(
        delivered(),
        before,
        "a group without members there costs it nothing"
    );
    invoke(&ana, "ToGroup", ("far", "one")).await;
    assert_eq!(said(&mut ben).await, "one");
    assert_eq!(delivered(), before + 1);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_other_gateways_are_added_and_removed() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        let mut ben = cluster.connect(1, "ben", Encoding::Json).await;
        let id = ben.id().unwrap().to_owned();
        assert!(
            within("an add", ana.invoke::<bool>("Add", (&id, "g")))
                .await
                .unwrap()
        );
        invoke(&ana, "ToGroup", ("g", "in")).await;
        assert_eq!(said(&mut ben).await, "in");
        invoke(&ana, "ToGroup", ("g", "last")).await;
        assert!(
            within("a remove", ana.invoke::<bool>("Remove", (&id, "g")))
                .await
                .unwrap()
        );
        assert_eq!(
            said(&mut ben).await,
            "last",
            "what was sent before the removal arrives"
        );
        invoke(&ana, "ToGroup", ("g", "out")).await;
        nothing_before(&mut ben, &ana, "mark").await;
        let unknown = within("an add", ana.invoke::<bool>("Add", ("nobody", "g")))
            .await
            .unwrap();
        assert!(
            !unknown,
            "an unknown connection is reported, and is no error"
        );
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_changes_no_connection_of_another_hub() {
    for mut shape in shapes() {
        let other = Service::named("other", TestHub::default(), HubOptions::default()).unwrap();
        shape.hubs.push(other);
        let cluster = TestCluster::start(shape).await.unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        for gateway in [0, 1] {
            let url = cluster.url(gateway, "other");
            let foreign = Connection::connect(&url, &Options::default()).await;
            let foreign = foreign.unwrap();
            let id = foreign.id().unwrap().to_owned();
            let added = within("an add", ana.invoke::<bool>("Add", (&id, "g"))).await;
            assert!(!added.unwrap(), "it is unknown");
            let removed = within("a remove", ana.invoke::<bool>("Remove", (&id, "g"))).await;
            assert!(!removed.unwrap(), "it is unknown");
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_from_outside_any_invocation_reaches_every_gateway() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut ana = cluster.connect(0, "ana", Encoding::Json).await;
        let mut ben = cluster.connect(1, "ben", Encoding::MessagePack).await;
        let hub = "test".parse().unwrap();
        let outside = cluster.cluster().context(&hub).unwrap();
        for number in 0..100 {
            let sent = outside.all().send("Said", (number.to_string(),));
            within("a send", sent).await.unwrap();
        }
        for number in 0..100 {
            assert_eq!(said(&mut ana).await, number.to_string(), "in order");
            assert_eq!(said(&mut ben).await, number.to_string(), "in order");
        }
        cluster.stop().await.unwrap();
    }
}
