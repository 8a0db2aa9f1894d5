//! The contract of carriers, one test per clause, for every carrier there is.
//!
//! A carrier brings a [`Cluster`] and calls `spec_suite!` in a module of its own; every test gets a cluster that nobody
//! else uses.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use hubplane_backplane_carrier::{Carrier, Inbound, Received};
use hubplane_backplane_stream::{Body, Destination, Envelope, Heartbeat, MessageId, Number, Told};
use hubplane_proto_ids::{Generation, NodeId};

/// How long anything may take that must happen.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where nodes join.
pub(crate) trait Cluster {
    /// A node's ends, as soon as what others publish reaches it.
    fn join(&self, node: NodeId, capacity: usize) -> impl Future<Output = (Carrier, Inbound)>;
}

/// Runs every test of the contract on a carrier, given what makes a cluster of it.
macro_rules! spec_suite {
    ($cluster:expr) => {
        $crate::spec::spec_suite!($cluster;
            an_envelope_reaches_the_gateway_that_it_is_for_and_no_other,
            an_envelope_for_another_generation_does_not_arrive,
            contents_arrive_as_they_were,
            what_one_node_publishes_to_one_destination_arrives_in_order,
            publishers_that_run_at_once_each_keep_their_order,
            what_overflows_is_dropped_and_counted_and_the_rest_is_in_order,
            a_full_queue_delays_neither_the_publisher_nor_another_node,
            to_publish_to_nobody_is_no_failure,
            what_was_published_before_a_node_joined_does_not_arrive,
            a_heartbeat_reaches_every_node_its_sender_too,
            receiving_can_be_cancelled_without_losing_anything,
            a_node_that_left_receives_nothing_and_is_down,
            the_inbound_of_a_node_that_joined_again_ends,
            traffic_is_counted,
        );
    };
    ($cluster:expr; $($name:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::spec::$name($cluster).await;
            }
        )*
    };
}
pub(crate) use spec_suite;

pub(crate) fn node(name: &str) -> NodeId {
    generation(name, 1)
}

fn generation(name: &str, generation: u64) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(generation),
    }
}

pub(crate) fn envelope(origin: &str, receiver: &NodeId, number: u64) -> Envelope {
    Envelope {
        origin: node(origin),
        receiver: receiver.clone(),
        number: Number::from_raw(number),
        message_id: MessageId::from_raw(number),
        body: Body::Here(Bytes::from_static(b"body")),
    }
}

pub(crate) fn heartbeat(origin: &str) -> Heartbeat {
    Heartbeat {
        origin: node(origin),
        peers: Vec::new(),
    }
}

pub(crate) fn publish(carrier: &Carrier, envelope: &Envelope) {
    let to = Destination::Gateway(envelope.receiver.clone());
    carrier.publish(&to, envelope).expect("the carrier is up");
}

pub(crate) async fn recv(inbound: &mut Inbound) -> Received {
    let received = tokio::time::timeout(DEADLINE, inbound.recv());
    received
        .await
        .expect("something arrives")
        .expect("the carrier goes on")
}

pub(crate) async fn recv_envelope(inbound: &mut Inbound) -> Envelope {
    loop {
        if let Received::Envelope(envelope) = recv(inbound).await {
            return envelope;
        }
    }
}

/// Everything that is on its way to this node has arrived, and nothing of it is an envelope: proved by one that is sent
/// after it.
async fn nothing_before(marker: &Envelope, carrier: &Carrier, inbound: &mut Inbound) {
    publish(carrier, marker);
    assert_eq!(recv_envelope(inbound).await, *marker);
}

pub(crate) async fn an_envelope_reaches_the_gateway_that_it_is_for_and_no_other(
    cluster: impl Cluster,
) {
    let (a, mut a_in) = cluster.join(node("a"), 16).await;
    let (_b, mut b_in) = cluster.join(node("b"), 16).await;
    let (_c, mut c_in) = cluster.join(node("c"), 16).await;
    let one = envelope("a", &node("b"), 1);
    publish(&a, &one);
    assert_eq!(recv_envelope(&mut b_in).await, one);
    nothing_before(&envelope("a", &node("c"), 1), &a, &mut c_in).await;
    nothing_before(&envelope("a", &node("a"), 1), &a, &mut a_in).await;
}

pub(crate) async fn an_envelope_for_another_generation_does_not_arrive(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (_older, mut older_in) = cluster.join(generation("b", 1), 16).await;
    let (_newer, mut newer_in) = cluster.join(generation("b", 2), 16).await;
    publish(&a, &envelope("a", &generation("b", 3), 1));
    let newer = envelope("a", &generation("b", 2), 1);
    nothing_before(&newer, &a, &mut newer_in).await;
    let older = envelope("a", &generation("b", 1), 1);
    nothing_before(&older, &a, &mut older_in).await;
}

pub(crate) async fn contents_arrive_as_they_were(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 64).await;
    let awkward = generation("1.2.3.4:7400 *.> é%", u64::MAX);
    let (_b, mut b_in) = cluster.join(awkward.clone(), 64).await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let bodies = [
        Body::Here(Bytes::new()),
        Body::Here(all_bytes.into()),
        Body::Here(vec![7; 512 << 10].into()),
        Body::AtOrigin { len_bytes: 1 << 20 },
    ];
    for body in bodies {
        let mut sent = envelope("a", &awkward, u64::MAX);
        sent.body = body;
        publish(&a, &sent);
        assert_eq!(recv_envelope(&mut b_in).await, sent);
    }
    let told = Told {
        node: awkward,
        last_sent: Some(Number::MAX),
        next_expected: None,
    };
    let mut sent = heartbeat("a");
    sent.peers.push(told);
    a.beat(&sent).expect("the carrier is up");
    assert_eq!(recv(&mut b_in).await, Received::Heartbeat(sent));
}

pub(crate) async fn what_one_node_publishes_to_one_destination_arrives_in_order(
    cluster: impl Cluster,
) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (_b, mut b_in) = cluster.join(node("b"), 2048).await;
    let (_c, mut c_in) = cluster.join(node("c"), 2048).await;
    for number in 1..=1000 {
        publish(&a, &envelope("a", &node("b"), number));
        publish(&a, &envelope("a", &node("c"), number));
    }
    for number in 1..=1000 {
        let expected = Number::from_raw(number);
        assert_eq!(recv_envelope(&mut b_in).await.number, expected);
        assert_eq!(recv_envelope(&mut c_in).await.number, expected);
    }
}

pub(crate) async fn publishers_that_run_at_once_each_keep_their_order(cluster: impl Cluster) {
    const EACH: u64 = 500;
    let names = ["a", "b", "c"];
    let (_d, mut d_in) = cluster.join(node("d"), 4096).await;
    let mut threads = Vec::new();
    for name in names {
        let (carrier, inbound) = cluster.join(node(name), 16).await;
        threads.push(std::thread::spawn(move || {
            for number in 1..=EACH {
                publish(&carrier, &envelope(name, &node("d"), number));
            }
            (carrier, inbound)
        }));
    }
    let mut next = std::collections::HashMap::new();
    for _ in 0..EACH * names.len() as u64 {
        let received = recv_envelope(&mut d_in).await;
        let number: &mut u64 = next.entry(received.origin).or_default();
        *number += 1;
        assert_eq!(received.number.as_raw(), *number);
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

pub(crate) async fn what_overflows_is_dropped_and_counted_and_the_rest_is_in_order(
    cluster: impl Cluster,
) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (b, mut b_in) = cluster.join(node("b"), 8).await;
    for number in 1..=100 {
        publish(&a, &envelope("a", &node("b"), number));
    }
    // Once all is either queued or dropped, what is published fits as soon as there is room.
    let counted = async {
        while b.stats().overflowed < 92 {
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(DEADLINE, counted).await;
    counted.expect("what does not fit is counted");
    let mut last = 0;
    for _ in 0..8 {
        let number = recv_envelope(&mut b_in).await.number.as_raw();
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    nothing_before(&envelope("a", &node("b"), 101), &a, &mut b_in).await;
    assert_eq!(b.stats().overflowed, 92);
}

pub(crate) async fn a_full_queue_delays_neither_the_publisher_nor_another_node(
    cluster: impl Cluster,
) {
    let (a, mut a_in) = cluster.join(node("a"), 1).await;
    let (_b, _b_in) = cluster.join(node("b"), 1).await;
    let (_c, mut c_in) = cluster.join(node("c"), 16).await;
    for number in 1..=100 {
        publish(&a, &envelope("a", &node("b"), number));
    }
    let other = envelope("a", &node("c"), 1);
    publish(&a, &other);
    assert_eq!(recv_envelope(&mut c_in).await, other);
    nothing_before(&envelope("a", &node("a"), 1), &a, &mut a_in).await;
}

pub(crate) async fn to_publish_to_nobody_is_no_failure(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    publish(&a, &envelope("a", &node("b"), 1));
}

pub(crate) async fn what_was_published_before_a_node_joined_does_not_arrive(cluster: impl Cluster) {
    let (a, mut a_in) = cluster.join(node("a"), 16).await;
    publish(&a, &envelope("a", &node("b"), 1));
    nothing_before(&envelope("a", &node("a"), 1), &a, &mut a_in).await;
    let (_b, mut b_in) = cluster.join(node("b"), 16).await;
    nothing_before(&envelope("a", &node("b"), 2), &a, &mut b_in).await;
}

pub(crate) async fn a_heartbeat_reaches_every_node_its_sender_too(cluster: impl Cluster) {
    let (a, a_in) = cluster.join(node("a"), 16).await;
    let (_b, b_in) = cluster.join(node("b"), 16).await;
    let (_newer, newer_in) = cluster.join(generation("b", 2), 16).await;
    let sent = heartbeat("a");
    a.beat(&sent).expect("the carrier is up");
    for mut inbound in [a_in, b_in, newer_in] {
        let expected = Received::Heartbeat(sent.clone());
        assert_eq!(recv(&mut inbound).await, expected);
    }
}

pub(crate) async fn receiving_can_be_cancelled_without_losing_anything(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (_b, mut b_in) = cluster.join(node("b"), 512).await;
    let mut arrived = Vec::new();
    for number in 1..=200 {
        publish(&a, &envelope("a", &node("b"), number));
        // Given up after one poll, whatever came of it.
        tokio::select! {
            biased;
            received = b_in.recv() => arrived.push(received.expect("the carrier goes on")),
            () = std::future::ready(()) => {}
        }
    }
    while arrived.len() < 200 {
        arrived.push(recv(&mut b_in).await);
    }
    let numbers = arrived.into_iter().map(|received| match received {
        Received::Envelope(envelope) => envelope.number.as_raw(),
        Received::Heartbeat(heartbeat) => panic!("nobody sent {heartbeat:?}"),
    });
    assert!(numbers.eq(1..=200));
}

pub(crate) async fn a_node_that_left_receives_nothing_and_is_down(cluster: impl Cluster) {
    let (a, mut a_in) = cluster.join(node("a"), 16).await;
    let (b, b_in) = cluster.join(node("b"), 16).await;
    drop(b_in);
    publish(&a, &envelope("a", &node("b"), 1));
    a.beat(&heartbeat("a")).expect("the carrier is up");
    nothing_before(&envelope("a", &node("a"), 1), &a, &mut a_in).await;
    let one = envelope("b", &node("a"), 1);
    let to = Destination::Gateway(node("a"));
    b.publish(&to, &one).expect_err("b has left");
    b.beat(&heartbeat("b")).expect_err("b has left");
}

pub(crate) async fn the_inbound_of_a_node_that_joined_again_ends(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (before, mut before_in) = cluster.join(node("b"), 16).await;
    let (_b, mut b_in) = cluster.join(node("b"), 16).await;
    let ended = tokio::time::timeout(DEADLINE, before_in.recv());
    assert_eq!(ended.await.expect("it ends"), None);
    before
        .beat(&heartbeat("b"))
        .expect_err("its place is taken");
    drop(before_in);
    nothing_before(&envelope("a", &node("b"), 1), &a, &mut b_in).await;
}

pub(crate) async fn traffic_is_counted(cluster: impl Cluster) {
    let (a, _a_in) = cluster.join(node("a"), 16).await;
    let (b, mut b_in) = cluster.join(node("b"), 16).await;
    publish(&a, &envelope("a", &node("b"), 1));
    publish(&a, &envelope("a", &node("b"), 2));
    a.beat(&heartbeat("a")).expect("the carrier is up");
    for _ in 0..3 {
        recv(&mut b_in).await;
    }
    let (sent, got) = (a.stats(), b.stats());
    assert_eq!((sent.published, sent.beats, sent.received), (2, 1, 0));
    assert_eq!((got.published, got.received, got.heard), (0, 2, 1));
    assert_eq!((got.overflowed, got.malformed), (0, 0));
}
