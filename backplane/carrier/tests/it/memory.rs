//! The carrier between nodes of one process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_backplane_carrier::{
    Carrier, Contents, Crossing, Fault, Inbound, MemoryBus, Received,
};
use hubplane_backplane_stream::{Limits, Output, Streams};
use hubplane_proto_ids::NodeId;

use crate::spec::{Cluster, envelope, heartbeat, node, publish, recv, recv_envelope};

impl Cluster for MemoryBus {
    async fn join(&self, node: NodeId, capacity: usize) -> (Carrier, Inbound) {
        Self::join(self, node, capacity)
    }
}

mod values {
    crate::spec::spec_suite!(hubplane_backplane_carrier::MemoryBus::new());
}

mod serialised {
    crate::spec::spec_suite!(hubplane_backplane_carrier::MemoryBus::serialised());
}

#[tokio::test]
async fn a_fault_hook_decides_what_is_lost() {
    let bus = MemoryBus::new();
    let (a, _a_in) = bus.join(node("a"), 16);
    let (_b, mut b_in) = bus.join(node("b"), 16);
    let (_c, mut c_in) = bus.join(node("c"), 16);
    publish(&a, &envelope("a", &node("b"), 1));
    bus.set_fault(|crossing| {
        let second = crossing.contents == Contents::Envelope && crossing.nth == 2;
        if second && *crossing.from == node("a") && *crossing.to == node("b") {
            Fault::Drop
        } else {
            Fault::Deliver
        }
    });
    for number in 2..=4 {
        a.beat(&heartbeat("a")).unwrap();
        publish(&a, &envelope("a", &node("b"), number));
        publish(&a, &envelope("a", &node("c"), number));
    }
    for number in [1, 2, 4] {
        let received = recv_envelope(&mut b_in).await;
        assert_eq!(received.number.as_raw(), number);
    }
    for number in [2, 3, 4] {
        let received = recv_envelope(&mut c_in).await;
        assert_eq!(received.number.as_raw(), number);
    }
    bus.clear_fault();
    publish(&a, &envelope("a", &node("b"), 5));
    assert_eq!(recv_envelope(&mut b_in).await.number.as_raw(), 5);
}

#[tokio::test]
async fn bodies_are_shared_unless_contents_are_serialised() {
    let body = Bytes::from_static(b"shared");
    for (bus, shared) in [(MemoryBus::new(), true), (MemoryBus::serialised(), false)] {
        let (a, mut a_in) = bus.join(node("a"), 16);
        let mut sent = envelope("a", &node("a"), 1);
        sent.body = hubplane_backplane_stream::Body::Here(body.clone());
        publish(&a, &sent);
        let hubplane_backplane_stream::Body::Here(got) = recv_envelope(&mut a_in).await.body else {
            panic!("the body is not here");
        };
        assert_eq!(got, body);
        assert_eq!(got.as_ptr() == body.as_ptr(), shared);
    }
}

/// One node of the test below.
struct Peer {
    streams: Streams,
    carrier: Carrier,
    inbound: Inbound,
    got: BTreeMap<NodeId, Vec<Bytes>>,
}

impl Peer {
    fn join(bus: &MemoryBus, name: &str, capacity: usize) -> Self {
        let (carrier, inbound) = bus.join(node(name), capacity);
        Self {
            streams: Streams::new(node(name), Limits::default()),
            carrier,
            inbound,
            got: BTreeMap::new(),
        }
    }

    /// Takes in what has arrived, and carries out what comes of it; returns the fetches that are wanted.
    fn turn(&mut self, now: Instant) -> Vec<Output> {
        while let Some(Some(received)) = now_or_never(&mut self.inbound) {
            match received {
                Received::Envelope(envelope) => self.streams.receive(envelope, now),
                Received::Heartbeat(heartbeat) => self.streams.heard(&heartbeat, now),
            }
        }
        self.streams.handle_timeout(now);
        if let Some(heartbeat) = self.streams.heartbeat(now) {
            self.carrier.beat(&heartbeat).unwrap();
        }
        let mut fetches = Vec::new();
        while let Some(output) = self.streams.poll_output() {
            match output {
                Output::Publish { to, envelope } => self.carrier.publish(&to, &envelope).unwrap(),
                Output::Deliver { origin, body, .. } => {
                    self.got.entry(origin).or_default().push(body);
                }
                fetch @ Output::Fetch { .. } => fetches.push(fetch),
                Output::Skipped { .. } => panic!("nothing needs to be skipped: {output:?}"),
            }
        }
        fetches
    }
}

fn now_or_never(inbound: &mut Inbound) -> Option<Option<Received>> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(inbound.recv()).poll(&mut context) {
        std::task::Poll::Ready(received) => Some(received),
        std::task::Poll::Pending => None,
    }
}

/// Streams over this carrier, with a clock that the test moves: small queues overflow and every third crossing is lost, and
/// yet everything arrives once and in order.
#[test]
fn streams_over_a_bus_that_loses_lose_nothing() {
    const MESSAGES: usize = 2000;
    let bus = MemoryBus::serialised();
    let mut peers = ["a", "b", "c"].map(|name| Peer::join(&bus, name, 32));
    bus.set_fault(|crossing: &Crossing<'_>| match crossing.nth % 3 {
        0 => Fault::Drop,
        _ => Fault::Deliver,
    });
    let mut now = Instant::now();
    for number in 0..MESSAGES {
        let body = Bytes::from(number.to_string());
        let targets = [node("a"), node("b"), node("c")];
        for peer in &mut peers {
            peer.streams.send(&targets, body.clone(), now);
        }
        if number % 50 == 0 {
            now = turn(&mut peers, now);
        }
    }
    while peers.iter().any(|peer| peer.streams.unacked() > 0) {
        now = turn(&mut peers, now);
    }
    let expected: Vec<_> = (0..MESSAGES)
        .map(|number| Bytes::from(number.to_string()))
        .collect();
    for peer in &peers {
        assert_eq!(peer.got.len(), 2, "the two others");
        assert!(peer.got.values().all(|got| *got == expected));
        assert!(peer.carrier.stats().overflowed > 0, "queues were full");
    }
}

/// Every node's turn, with its fetches answered at once; 10 ms later.
fn turn(peers: &mut [Peer; 3], now: Instant) -> Instant {
    for index in 0..peers.len() {
        for fetch in peers[index].turn(now) {
            answer(peers, index, fetch, now);
        }
    }
    now + Duration::from_millis(10)
}

fn answer(peers: &mut [Peer; 3], asker: usize, fetch: Output, now: Instant) {
    let Output::Fetch { origin, request } = fetch else {
        return;
    };
    let asked = ["a", "b", "c"]
        .map(node)
        .iter()
        .position(|node| *node == origin);
    let response = peers[asked.unwrap()].streams.fetch(&request);
    peers[asker].streams.fetched(&origin, response, now);
}

#[tokio::test]
async fn a_queue_has_room_for_one_at_least() {
    let bus = MemoryBus::new();
    let (a, mut a_in) = bus.join(node("a"), 0);
    a.beat(&heartbeat("a")).unwrap();
    assert_eq!(recv(&mut a_in).await, Received::Heartbeat(heartbeat("a")));
}
