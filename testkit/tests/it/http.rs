//! Requests that are no requests: heads that are too long, that never end, or whose sender has left.

use hubplane_testkit::{TestCluster, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::options;

/// What a server answers to these bytes before it closes the connection.
async fn answer(cluster: &TestCluster, bytes: &[u8], leaves: bool) -> String {
    let mut socket = TcpStream::connect(cluster.address(0)).await.unwrap();
    // It may have closed before all of them are written.
    let _ = socket.write_all(bytes).await;
    if leaves {
        socket.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match within("the end", socket.read(&mut chunk)).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
            Ok(len) => answer.extend_from_slice(&chunk[..len]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_answered_with_431() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let long = format!(
        "POST /hubs/test/negotiate HTTP/1.1\r\nHost: a\r\nX-Long: {}",
        "x".repeat(80_000)
    );
    let many = format!(
        "POST /hubs/test/negotiate HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X-Many: x\r\n".repeat(200)
    );
    for head in [long, many] {
        let answer = answer(&cluster, head.as_bytes(), false).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_within_a_head_is_let_go_at_once() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    for begun in [
        "",
        "PRI * HTT",
        "POST /hubs/test/neg",
        "POST / HTTP/1.1\r\nHost",
    ] {
        let answer = answer(&cluster, begun.as_bytes(), true).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
            "{answer}"
        );
    }
    let live = cluster.tasks().live();
    let http = live.iter().find(|(name, _)| *name == "http connection");
    within("nothing is left of them", async {
        while cluster
            .tasks()
            .live()
            .iter()
            .any(|(name, count)| *name == "http connection" && *count > 0)
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(http.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_ends_a_head_is_let_go_in_time() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    // The server's own 15 s have to pass: they are no option.
    let answers = tokio::join!(
        answer(&cluster, b"", false),
        answer(&cluster, b"PRI * HTT", false),
        answer(&cluster, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false),
        answer(&cluster, b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: x", false),
    );
    assert_eq!((&*answers.0, &*answers.1, &*answers.3), ("", "", ""));
}
