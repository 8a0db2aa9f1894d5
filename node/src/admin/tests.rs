use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const SOON: Duration = Duration::from_secs(10);

struct Node {
    phases: Phases,
    tasks: Tasks,
    admin: Admin,
}

async fn node() -> Node {
    let (phases, tasks) = (Phases::new(), Tasks::current());
    let telemetry = Telemetry::new(&phases, &tasks).unwrap();
    let listener = bind(&any_port()).await.unwrap();
    let admin = Admin::serve(listener, phases.clone(), telemetry, &tasks).unwrap();
    Node {
        phases,
        tasks,
        admin,
    }
}

fn any_port() -> config::Admin {
    config::Admin {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        free_port_if_busy: false,
    }
}

impl Node {
    /// Status, head and body of the answer to one request.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        let asking = async {
            let mut socket = TcpStream::connect(self.admin.address()).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(SOON, asking).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    async fn get_json(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.get(path).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

#[tokio::test]
async fn readiness_follows_the_phase() {
    let node = node().await;
    let latch = node.phases.not_ready("router");
    let (status, health) = node.get_json("/readyz").await;
    assert_eq!((status, &health["phase"]), (503, &json!("starting")));
    assert_eq!(health["waiting_for"], json!(["router"]));

    node.phases.started();
    drop(latch);
    let (status, health) = node.get_json("/readyz").await;
    assert_eq!((status, &health["phase"]), (200, &json!("ready")));

    node.phases.draining();
    let (status, health) = node.get_json("/readyz").await;
    assert_eq!((status, &health["phase"]), (503, &json!("draining")));
}

#[tokio::test]
async fn health_is_told_in_every_phase() {
    let node = node().await;
    let _nats = node.phases.degraded("nats");
    let (status, health) = node.get_json("/healthz").await;
    assert_eq!(status, 200);
    assert_eq!(
        health,
        json!({
            "phase": "starting",
            "waiting_for": [],
            "degraded": ["nats"],
            "version": env!("CARGO_PKG_VERSION"),
        })
    );
    node.phases.closing();
    let (status, health) = node.get_json("/healthz").await;
    assert_eq!((status, &health["phase"]), (200, &json!("closing")));
}

#[tokio::test]
async fn metrics_are_told_as_prometheus_takes_them() {
    let node = node().await;
    let (status, head, body) = node.get("/metrics").await;
    assert_eq!(status, 200);
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(
        body.contains("\nhubplane_node_tasks{name=\"admin\"} 1\n"),
        "{body}"
    );
}

#[tokio::test]
async fn nothing_else_is_served() {
    let node = node().await;
    assert_eq!(node.get("/").await.0, 404);
}

#[tokio::test]
async fn a_busy_port_is_an_error_unless_any_free_one_will_do() {
    let taken = bind(&any_port()).await.unwrap();
    let mut config = any_port();
    config.address = taken.local_addr().unwrap();
    let error = bind(&config).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);

    config.free_port_if_busy = true;
    let other = bind(&config).await.unwrap().local_addr().unwrap();
    assert_eq!(other.ip(), config.address.ip());
    assert_ne!(other.port(), config.address.port());
}

#[tokio::test]
async fn it_ends_with_the_tasks_of_its_node() {
    let node = node().await;
    node.tasks.shutdown(SOON).await.unwrap();
    assert!(TcpStream::connect(node.admin.address()).await.is_err());
}
