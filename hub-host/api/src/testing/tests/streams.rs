//! Streams, both ways (reference signalr-core 12.3 and the recordings of streams and uploads).

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;

use super::*;
use crate::*;

#[derive(Default, Clone)]
struct Flows {
    dropped: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[hub]
impl Flows {
    fn of_values(&self, count: u32) -> Items<u32> {
        Items::of(0..count)
    }

    fn any_stream(&self, count: u32) -> impl Stream<Item = u32> + use<> {
        futures_util::stream::iter(0..count)
    }

    async fn later(
        &self,
        count: u32,
    ) -> Result<impl Stream<Item = Result<u32, HubError>> + use<>, HubError> {
        if count == 0 {
            return Err(HubError::new("nothing"));
        }
        Ok(futures_util::stream::iter((0..count).map(Ok)))
    }

    fn endless(&self, ctx: &Context) -> Items<u32> {
        let guard = Counted(Arc::clone(&self.dropped));
        let (seen, ctx_later) = (Arc::clone(&self.cancelled), ctx.clone());
        ctx.spawn(async move {
            ctx_later.cancelled().await;
            seen.fetch_add(1, Ordering::Relaxed);
        });
        Items::generate(async move |mut items| {
            let _guard = guard;
            let mut number = 0;
            loop {
                items.give(number).await;
                number += 1;
            }
        })
    }

    fn silent(&self) -> Items<u32> {
        let guard = Counted(Arc::clone(&self.dropped));
        Items::generate(async move |_| {
            let _guard = guard;
            std::future::pending().await
        })
    }

    /// Its method waits, not its stream.
    async fn never(&self) -> Items<u32> {
        let _guard = Counted(Arc::clone(&self.dropped));
        std::future::pending().await
    }

    fn panics_when_dropped(&self) -> Items<u32> {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("in drop");
            }
        }
        let panics = Panics;
        Items::generate(async move |_| {
            let _panics = panics;
            std::future::pending().await
        })
    }

    async fn sum(&self, mut numbers: Upload<i32>) -> Result<i32, HubError> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    async fn two(
        &self,
        _ctx: &Context,
        first: Upload<String>,
        between: String,
        second: Upload<String>,
    ) -> Result<String, HubError> {
        let text = |upload: Upload<String>| upload.map(Result::unwrap).collect::<Vec<_>>();
        let (first, second) = futures_util::join!(text(first), text(second));
        Ok(first.concat() + &between + &second.concat())
    }

    fn ignores(&self, _numbers: Upload<i32>) -> &'static str {
        "ignored"
    }

    async fn says_error(&self, mut numbers: Upload<i32>) -> String {
        loop {
            match numbers.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return format!("{error:?}"),
                None => return "complete".to_owned(),
            }
        }
    }

    async fn reads_when_told(&self, ctx: &Context, mut numbers: Upload<i32>) -> Vec<i32> {
        ctx.sleep(Duration::from_secs(1)).await;
        let mut all = Vec::new();
        while let Some(Ok(number)) = numbers.next().await {
            all.push(number);
        }
        all
    }

    fn echo(&self, texts: Upload<String>) -> Items<String> {
        Items::fallible(texts.map(|text| text.map(|text| format!("echo:{text}"))))
    }
}

fn each(test: impl Fn(Flows, TestHub, TestClient)) {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let flows = Flows::default();
        let hub = TestHub::new(flows.clone());
        let ana = hub.connection().user("ana").protocol(encoding).open();
        test(flows, hub, ana.unwrap());
    }
}

#[test]
fn every_form_of_stream_gives_its_items_and_ends() {
    each(|_, _, ana| {
        for target in ["ofValues", "ANYstream", "later"] {
            let (items, end) = ana.stream::<u32>(target.trim_start(), (300,)).collect();
            assert_eq!(items, (0..300).collect::<Vec<_>>(), "{target}");
            assert_eq!(end, Ok(()));
        }
        assert_eq!(
            ana.stream::<u32>("ofValues", (0,)).collect(),
            (vec![], Ok(()))
        );
        let (_, end) = ana.stream::<u32>("Later", (0,)).collect();
        assert_eq!(
            end.unwrap_err(),
            "An unexpected error occurred invoking 'Later' on the server. HubException: nothing"
        );
    });
}

#[test]
fn a_cancelled_stream_is_dropped_and_completes_without_error() {
    each(|flows, _, ana| {
        for (count, target) in ["endless", "silent", "never"].iter().enumerate() {
            let mut stream = ana.stream::<u32>(target, ());
            if *target == "endless" {
                assert_eq!((stream.next_item(), stream.next_item()), (Some(0), Some(1)));
            }
            assert!(!stream.is_finished());
            stream.cancel();
            stream.cancel();
            assert_eq!(flows.dropped.load(Ordering::Relaxed), count + 1, "{target}");
            assert_eq!(stream.collect().1, Ok(()));
        }
        assert_eq!(flows.cancelled.load(Ordering::Relaxed), 1);
        let stream = ana.stream::<u32>("panicsWhenDropped", ());
        stream.cancel();
        assert_eq!(stream.collect().1, Ok(()));
        assert_eq!(ana.stream::<u32>("ofValues", (1,)).collect().0, [0]);
    });
}

#[test]
fn a_stream_ends_with_its_connection() {
    each(|flows, hub, ana| {
        let ben = hub.connect("ben");
        let streams = ["endless", "silent", "never"].map(|target| ana.stream::<u32>(target, ()));
        let bens = ben.stream::<u32>("silent", ());
        ana.disconnect();
        assert_eq!(flows.dropped.load(Ordering::Relaxed), 3);
        assert_eq!(flows.cancelled.load(Ordering::Relaxed), 1);
        assert!(!bens.is_finished());
        drop(streams);
    });
}

#[test]
fn streams_and_uploads_take_no_slot() {
    each(|_, _, ana| {
        let _silent = ana.stream::<u32>("silent", ());
        let (sum, [numbers]) = ana.start_with_uploads::<i32, 1>("sum", ());
        assert_eq!(ana.stream::<u32>("ofValues", (1,)).collect().0, [0]);
        assert!(!sum.is_finished());
        numbers.complete();
        assert_eq!(sum.result(), Ok(0));
    });
}

#[test]
fn uploads_come_in_order_and_as_the_method_takes_them() {
    each(|_, hub, ana| {
        let (all, [numbers]) = ana.start_with_uploads::<Vec<i32>, 1>("readsWhenTold", ());
        for number in 0..100 {
            numbers.send(number);
        }
        numbers.complete();
        assert!(!all.is_finished());
        hub.advance(Duration::from_secs(1));
        assert_eq!(all.result(), Ok((0..100).collect()));

        let (text, [first, second]) = ana.start_with_uploads::<String, 2>("two", ("-",));
        second.send("two");
        first.send("o");
        second.complete();
        first.send("ne");
        first.complete();
        assert_eq!(text.result(), Ok("one-two".to_owned()));

        let (mut echo, [texts]) = ana.stream_with_uploads::<String, 1>("echo", ());
        texts.send("x");
        assert_eq!(echo.next_item().as_deref(), Some("echo:x"));
        texts.complete();
        assert_eq!(echo.collect(), (vec![], Ok(())));
    });
}

#[test]
fn uploads_fail_with_the_texts_of_the_reference() {
    each(|_, hub, ana| {
        let (error, [numbers]) = ana.start_with_uploads::<String, 1>("saysError", ());
        numbers.fail("Something bad");
        assert_eq!(error.result().unwrap(), "HubException: Something bad");

        let (error, [numbers]) = ana.start_with_uploads::<String, 1>("saysError", ());
        numbers.send("not a number");
        assert_eq!(
            error.result().unwrap(),
            "HubException: Failed to bind Stream message."
        );

        let (sum, [numbers]) = ana.start_with_uploads::<i32, 1>("sum", ());
        numbers.send("not a number");
        assert!(numbers.is_closed());
        assert_eq!(
            sum.result().unwrap_err(),
            "An unexpected error occurred invoking 'Sum' on the server. HubException: Failed to bind Stream message."
        );

        let ben = hub.connect("ben");
        let (error, [numbers]) = ben.start_with_uploads::<String, 1>("saysError", ());
        numbers.send(1);
        ben.disconnect();
        assert_eq!(
            error.result().unwrap(),
            "OperationCanceledException: The underlying connection was closed."
        );
    });
}

#[test]
fn an_upload_that_nobody_reads_is_closed() {
    each(|_, _, ana| {
        let (ignored, [numbers]) = ana.start_with_uploads::<String, 1>("ignores", ());
        assert_eq!(ignored.result(), Ok("ignored".to_owned()));
        assert!(numbers.is_closed());
        numbers.send(1);
        numbers.complete();
        for (count, target) in [(0, "sum"), (1, "two")] {
            let text = if count == 0 {
                ana.start_with_uploads::<i32, 0>(target, ()).0.result()
            } else {
                ana.start_with_uploads::<i32, 1>(target, ("-",)).0.result()
            };
            let name = if count == 0 { "Sum" } else { "Two" };
            assert_eq!(
                text.unwrap_err(),
                format!(
                    "An unexpected error occurred invoking '{name}' on the server. HubException: Client sent {count} stream(s), Hub method expects {}.",
                    count + 1
                )
            );
        }
    });
}
