use std::time::Duration;

use hubplane_node::Phases;
use hubplane_node::metrics::compare_with_docs;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use hubplane_proto_ids::{Generation, NodeId};
use hubplane_router_directory::message::{StreamKind, ToGateway, ToRouter};

use crate::RouterServer;

fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(1),
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("in time")
}

#[tokio::test]
async fn a_stream_begins_with_a_hello_and_answers_pings() {
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
    let router = RouterServer::start(node("router-0"), &tasks, &telemetry.meter("router"));
    let (sender, mut messages) = soon(router.connect(node("gateway-0"), StreamKind::Watch))
        .await
        .unwrap();
    assert!(
        matches!(soon(messages.recv()).await, Some(ToGateway::Hello(hello)) if hello.router == node("router-0"))
    );
    sender.send(ToRouter::Ping(7)).await.unwrap();
    soon(async { while messages.recv().await.unwrap() != ToGateway::Pong(7) {} }).await;
    drop((sender, messages));
    soon(router.drain()).await;
    soon(tasks.shutdown(Duration::from_secs(5))).await.unwrap();
    assert!(
        soon(router.connect(node("gateway-0"), StreamKind::Watch))
            .await
            .is_none(),
        "it has ended"
    );
}

#[test]
fn every_metric_is_documented() {
    let docs = include_str!("../../../docs/metrics.md");
    compare_with_docs(docs, "hubplane-router-server", &crate::metrics::all()).unwrap();
}
