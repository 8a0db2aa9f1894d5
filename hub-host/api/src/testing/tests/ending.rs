//! An end at every point where a method waits: nothing of it stays.

use super::*;
use crate::host::Service;
use crate::*;

/// Waits at each sort of place, one after the other. At step `panics` it panics instead.
#[derive(Default)]
struct Steps;

const STEPS: u32 = 6;

fn step(number: u32, panics: u32) {
    assert!(number != panics, "at step {number}");
}

#[hub]
impl Steps {
    async fn stream(
        &self,
        ctx: &Context,
        panics: u32,
        mut numbers: Upload<u32>,
    ) -> Result<Items<u32>, HubError> {
        step(0, panics);
        ctx.sleep(Duration::from_secs(1)).await;
        step(1, panics);
        let ctx = ctx.clone();
        Ok(Items::generate(async move |mut items| {
            ctx.sleep(Duration::from_secs(1)).await;
            step(2, panics);
            items.give(1).await;
            ctx.sleep(Duration::from_secs(1)).await;
            step(3, panics);
            let asking = ctx.caller().invoke::<u32>("Never", ());
            let _ = asking.timeout(Duration::from_secs(1)).await;
            step(4, panics);
            let sleep = std::pin::pin!(ctx.sleep(Duration::from_secs(1)));
            futures_util::future::select(std::pin::pin!(numbers.next()), sleep).await;
            step(5, panics);
            ctx.join("group").await?;
            ctx.sleep(Duration::from_secs(1)).await;
            Ok(())
        }))
    }

    async fn forever(&self) {
        std::future::pending::<()>().await;
    }

    fn echo(&self, text: String) -> String {
        text
    }
}

#[test]
fn an_end_at_every_point_leaves_nothing_behind() {
    let none = u32::MAX;
    for (end, at) in ["cancel", "disconnect", "panic", "complete"]
        .into_iter()
        .flat_map(|end| (0..=STEPS).map(move |at| (end, at)))
    {
        let hub = TestHub::new(Steps);
        let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
        let panics = if end == "panic" { at } else { none };
        let (stream, [upload]) = ana.stream_with_uploads::<u32, 1>("stream", (panics,));
        for _ in 0..if end == "complete" { STEPS } else { at } {
            hub.advance(Duration::from_secs(1));
        }
        match end {
            "cancel" => stream.cancel(),
            "disconnect" => ana.disconnect(),
            _ => {}
        }
        assert_eq!(hub.running(), 0, "{end} at {at}");
        if end != "disconnect" {
            assert!(upload.is_closed(), "{end} at {at}");
            let failed = stream.collect().1.is_err();
            assert_eq!(failed, end == "panic" && at < STEPS, "{end} at {at}");
            assert_eq!(ana.invoke("echo", ("alive",)), Ok("alive".to_owned()));
        }
        assert_eq!(ben.invoke("echo", ("alive",)), Ok("alive".to_owned()));
    }
}

#[test]
fn an_invocation_that_takes_too_long_gives_its_slot_back() {
    let service = Service::new(Steps, Options::default()).unwrap();
    let hub = TestHub::of(service.invocation_timeout(Duration::from_secs(5)));
    let ana = hub.connect("ana");
    let forever = ana.start::<()>("forever", ());
    let echo = ana.start::<String>("echo", ("x",));
    hub.advance(Duration::from_secs(4));
    assert!(!echo.is_finished());
    hub.advance(Duration::from_secs(1));
    let failed = "An unexpected error occurred invoking 'Forever' on the server.";
    assert_eq!(forever.result(), Err(failed.to_owned()));
    assert_eq!(echo.result(), Ok("x".to_owned()));
    assert_eq!(hub.running(), 0);
}
