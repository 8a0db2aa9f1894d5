//! Signals, on a process of their own: they reach every listener in it.

#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use hubplane_node::signals::{Shutdown, Signal};

const SOON: Duration = Duration::from_secs(10);

fn send(signal: &str) {
    let script = format!("kill -{signal} {}", std::process::id());
    let sent = Command::new("sh").args(["-c", &script]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

#[tokio::test]
async fn the_first_signal_is_remembered_and_the_second_is_another_one() {
    let mut shutdown = Shutdown::listen().unwrap();
    send("TERM");
    let first = tokio::time::timeout(SOON, shutdown.first()).await.unwrap();
    assert_eq!(first, Signal::Terminate);
    assert_eq!(shutdown.first().await, Signal::Terminate);

    let no_second = tokio::time::timeout(Duration::from_millis(50), shutdown.second()).await;
    assert!(no_second.is_err());
    send("INT");
    let second = tokio::time::timeout(SOON, shutdown.second()).await.unwrap();
    assert_eq!(second, Signal::Interrupt);
}
