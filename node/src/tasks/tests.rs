use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;

const SOON: Duration = Duration::from_secs(10);

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, waiting)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

#[tokio::test]
async fn a_live_task_is_counted_under_its_name() {
    let tasks = Tasks::current();
    let (end, ended) = oneshot::channel::<()>();
    tasks.spawn("waits", OnFailure::Log, async move {
        let _ = ended.await;
    });
    tasks.spawn("waits", OnFailure::Log, pending::<()>());
    assert_eq!(tasks.live(), [("waits", 2)]);

    end.send(()).unwrap();
    eventually("one task left", || tasks.live() == [("waits", 1)]).await;
}

#[tokio::test]
async fn a_panic_ends_only_its_own_task() {
    let tasks = Tasks::current();
    tasks.spawn("other", OnFailure::Log, pending::<()>());
    tasks.spawn("panics", OnFailure::Log, async {
        if true {
            panic!("on purpose");
        }
    });
    eventually("the panic is over", || {
        tasks.live() == [("other", 1), ("panics", 0)]
    })
    .await;
    assert_eq!(tasks.failures(), [("other", 0), ("panics", 1)]);
    assert!(tasks.inner.failure.get().is_none());
}

#[tokio::test]
async fn a_vital_task_that_panics_stops_the_node() {
    let tasks = Tasks::current();
    tasks.spawn("vital", OnFailure::StopNode, async {
        if true {
            panic!("out of {}", "cheese");
        }
    });
    let failure = tokio::time::timeout(SOON, tasks.failed()).await.unwrap();
    assert_eq!(
        failure.to_string(),
        "task vital failed: panicked: out of cheese"
    );
}

#[tokio::test]
async fn the_first_vital_failure_is_the_one_that_is_told() {
    let tasks = Tasks::current();
    tasks.spawn("first", OnFailure::StopNode, async {
        Err::<(), _>(io::Error::other("broken"))
    });
    let first = tokio::time::timeout(SOON, tasks.failed()).await.unwrap();
    tasks.spawn("second", OnFailure::StopNode, async {
        Err::<(), _>(io::Error::other("broken too"))
    });
    eventually("both are over", || {
        tasks.live() == [("first", 0), ("second", 0)]
    })
    .await;
    assert_eq!(first, tasks.failed().await);
    assert_eq!((first.name, first.cause.as_str()), ("first", "broken"));
}

#[tokio::test]
async fn shutdown_drops_what_may_end_anywhere_and_waits_for_the_rest() {
    let tasks = Tasks::current();
    tasks.spawn("forever", OnFailure::StopNode, pending::<()>());
    let (flushed, was_flushed) = oneshot::channel();
    let cancelled = tasks.cancelled().clone();
    tasks.spawn_graceful("flushes", OnFailure::StopNode, async move {
        cancelled.cancelled().await;
        tokio::task::yield_now().await;
        let _ = flushed.send(());
    });
    tasks.shutdown(SOON).await.unwrap();
    was_flushed.await.unwrap();
    assert_eq!(tasks.live(), [("flushes", 0), ("forever", 0)]);
    assert!(tasks.inner.failure.get().is_none());
}

#[tokio::test]
async fn shutdown_names_what_outlasts_its_deadline_and_then_drops_it() {
    let tasks = Tasks::current();
    tasks.spawn_graceful("stubborn", OnFailure::Log, pending::<()>());
    let unfinished = tasks.shutdown(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(
        unfinished.to_string(),
        "still running at the deadline: stubborn (1)"
    );
    eventually("dropped", || tasks.live() == [("stubborn", 0)]).await;
}

#[tokio::test]
async fn nothing_is_started_after_the_shutdown() {
    let tasks = Tasks::current();
    tasks.shutdown(SOON).await.unwrap();
    let (ran, was_run) = oneshot::channel();
    tasks.spawn("late", OnFailure::Log, async move {
        let _ = ran.send(());
    });
    assert!(was_run.await.is_err());
}

#[tokio::test]
async fn one_task_can_be_ended_by_its_handle() {
    let tasks = Tasks::current();
    let handle = tasks.spawn_graceful("ended", OnFailure::Log, pending::<()>());
    handle.abort();
    eventually("ended", || tasks.live() == [("ended", 0)]).await;
    tasks.shutdown(SOON).await.unwrap();
}

#[tokio::test]
async fn pooled_tasks_count_as_one_name_and_are_waited_for() {
    let tasks = Tasks::current();
    let pool = tasks.pool("invocation");
    let (go, gate) = tokio::sync::watch::channel(false);
    for _ in 0..100 {
        let mut gate = gate.clone();
        pool.spawn(async move {
            let _ = gate.wait_for(|open| *open).await;
        });
    }
    assert_eq!(
        (pool.live(), tasks.live()),
        (100, vec![("invocation", 100)])
    );
    let shutdown = tasks.shutdown(SOON);
    let open = async { go.send_replace(true) };
    let (ended, _) = tokio::join!(shutdown, open);
    ended.unwrap();
    assert_eq!(pool.live(), 0);
}

#[tokio::test]
async fn a_pooled_task_that_outlasts_the_deadline_is_named_and_can_be_ended() {
    let tasks = Tasks::current();
    let pool = tasks.pool("invocation");
    let stubborn = pool.spawn(pending::<()>());
    let unfinished = tasks.shutdown(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(unfinished.live, [("invocation", 1)]);
    stubborn.abort();
    eventually("ended", || pool.live() == 0).await;
}

#[tokio::test]
async fn a_pooled_panic_leaves_the_others_alone() {
    let tasks = Tasks::current();
    let pool = tasks.pool("invocation");
    pool.spawn(pending::<()>());
    pool.spawn(async {
        if true {
            panic!("in a hub's method");
        }
    });
    eventually("one is left", || pool.live() == 1).await;
}

#[tokio::test]
async fn threads_are_numbered_counted_and_waited_for() {
    let tasks = Tasks::current();
    let (names, mut named) = tokio::sync::mpsc::channel(2);
    for _ in 0..2 {
        let (names, cancelled) = (names.clone(), tasks.cancelled().clone());
        let runtime = Handle::current();
        tasks
            .thread("shard", OnFailure::StopNode, move || {
                let name = std::thread::current().name().map(str::to_owned);
                runtime.block_on(async {
                    names.send(name).await.unwrap();
                    cancelled.cancelled().await;
                });
            })
            .unwrap();
    }
    let mut seen = [named.recv().await.unwrap(), named.recv().await.unwrap()];
    seen.sort();
    assert_eq!(
        seen,
        [Some("shard-0".to_owned()), Some("shard-1".to_owned())]
    );
    assert_eq!(tasks.live(), [("shard", 2)]);
    tasks.shutdown(SOON).await.unwrap();
    assert_eq!(tasks.live(), [("shard", 0)]);
}

#[tokio::test]
async fn a_vital_thread_that_fails_stops_the_node() {
    let tasks = Tasks::current();
    let body = || Err::<(), _>(io::Error::other("no descriptor"));
    tasks.thread("shard", OnFailure::StopNode, body).unwrap();
    let failure = tokio::time::timeout(SOON, tasks.failed()).await.unwrap();
    assert_eq!(failure.to_string(), "task shard failed: no descriptor");
}
