//! Streams both ways, and results of clients.

use std::time::Duration;

use hubplane_hub::{AnyValue, Client, Context, HubError, InvokeError, Items, Upload, hub};

use crate::Conformance;
use crate::hub::invalid_operation;
use crate::state::Noted;

/// What an upload brings, one after the other.
pub(crate) async fn collect<T: serde::de::DeserializeOwned>(
    mut source: Upload<T>,
) -> Result<Vec<T>, HubError> {
    let mut all = Vec::new();
    while let Some(item) = source.next().await {
        all.push(item?);
    }
    Ok(all)
}

/// What ends an upload, if that is an error.
async fn failure(mut source: Upload<i32>) -> Option<HubError> {
    loop {
        match source.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Some(error),
            None => return None,
        }
    }
}

fn counter(count: i32) -> Items<String> {
    Items::of((0..count).map(|number| number.to_string()))
}

/// Never gives an item, and notes its end.
fn until_cancelled(noted: Noted) -> Items<i32> {
    Items::generate(async move |_| {
        let _noted = noted;
        std::future::pending().await
    })
}

/// A number every 10 ms.
fn count(ctx: &Context, noted: Noted, start: i32, count: i32) -> Items<i32> {
    let ctx = ctx.clone();
    Items::generate(async move |mut items| {
        for number in 0..count {
            ctx.sleep(Duration::from_millis(10)).await;
            items.give(start + number).await;
        }
        noted.instead("stream finished");
        Ok(())
    })
}

async fn asked(client: Client, patience: Option<Duration>) -> String {
    let mut asking = client.invoke::<i32>("Sum", (1,));
    if let Some(patience) = patience {
        asking = asking.timeout(patience);
    }
    match asking.await {
        Ok(number) => number.to_string(),
        Err(error) => format!("{:?}", HubError::from(error)),
    }
}

#[hub(part = streams)]
impl Conformance {
    // --- Uploads ----------------------------------------------------------------------------------------------------

    async fn streaming_concat(&self, source: Upload<String>) -> Result<String, HubError> {
        Ok(collect(source).await?.concat())
    }

    async fn streaming_sum(&self, source: Upload<i32>) -> Result<i32, HubError> {
        Ok(collect(source).await?.into_iter().sum())
    }

    async fn upload_array(&self, source: Upload<AnyValue>) -> Result<Vec<AnyValue>, HubError> {
        collect(source).await
    }

    async fn upload_two(
        &self,
        first: Upload<String>,
        between: String,
        second: Upload<String>,
    ) -> Result<String, HubError> {
        let tail = collect(second).await?.concat();
        Ok(collect(first).await?.concat() + &between + &tail)
    }

    async fn stream_dont_read(&self, ctx: &Context, _source: Upload<String>) {
        self.gate(ctx).await;
    }

    #[method(name = "Upload")]
    async fn uploads(&self, ctx: &Context, _source: Upload<String>) {
        self.gate(ctx).await;
    }

    async fn test_type_casting_errors(&self, ctx: &Context, source: Upload<i32>) -> &'static str {
        match failure(source).await {
            Some(error) => {
                self.note(ctx, format!("TestTypeCastingErrors {error:?}"));
                "caught"
            }
            None => "not caught",
        }
    }

    async fn test_custom_error_passing(&self, source: Upload<i32>) -> String {
        match failure(source).await {
            Some(error) => format!("{error:?}"),
            None => "no error".to_owned(),
        }
    }

    fn upload_ignore_items(&self, _source: Upload<String>) -> &'static str {
        "ignored"
    }

    fn stream_and_upload_ignore_items(&self, _source: Upload<String>) -> Items<String> {
        Items::of([])
    }

    async fn upload_does_work_on_complete(&self, ctx: &Context, source: Upload<String>) {
        match collect(source).await {
            Ok(_) => self.note(ctx, "UploadDoesWorkOnComplete completed"),
            Err(error) => self.note(ctx, format!("UploadDoesWorkOnComplete {error:?}")),
        }
    }

    fn stream_echo(&self, mut source: Upload<String>) -> Items<String> {
        Items::generate(async move |mut items| {
            while let Some(item) = source.next().await {
                items.give(format!("echo:{}", item?)).await;
            }
            Ok(())
        })
    }

    async fn record_stream(
        &self,
        ctx: &Context,
        mut numbers: Upload<i32>,
    ) -> Result<usize, HubError> {
        while let Some(number) = numbers.next().await {
            let number = number?;
            self.kept(ctx, |kept| kept.recorded.push(number));
        }
        Ok(self.kept(ctx, |kept| kept.recorded.len()))
    }

    // --- Streams ----------------------------------------------------------------------------------------------------

    fn stream(&self) -> Items<&'static str> {
        Items::of(["a", "b", "c"])
    }

    fn empty_stream(&self) -> Items<String> {
        Items::of([])
    }

    fn infinite_stream(&self, ctx: &Context) -> Items<i32> {
        let later = ctx.clone();
        ctx.spawn(async move {
            later.cancelled().await;
            let caller = later.hub().client(later.connection_id());
            // It may be gone.
            let _ = caller.send("StreamCanceled", ()).await;
        });
        Items::generate(async |_| std::future::pending().await)
    }

    fn stream_throw_exception(&self, message: String) -> Result<Items<String>, HubError> {
        Err(invalid_operation(&message))
    }

    fn counter_channel(&self, count: i32) -> Items<String> {
        counter(count)
    }

    async fn counter_channel_async(&self, count: i32) -> Items<String> {
        counter(count)
    }

    async fn counter_channel_value_task_async(&self, count: i32) -> Items<String> {
        counter(count)
    }

    fn counter_async_enumerable(&self, count: i32) -> Items<String> {
        counter(count)
    }

    async fn counter_async_enumerable_async(&self, count: i32) -> Items<String> {
        counter(count)
    }

    fn stream_objects(&self, items: Vec<AnyValue>) -> Items<AnyValue> {
        Items::of(items)
    }

    fn blocking_stream(&self) -> Items<String> {
        Items::generate(async |_| std::future::pending().await)
    }

    fn exception_stream(&self) -> Items<String> {
        Items::generate(async |_| Err(invalid_operation("Exception from stream")))
    }

    fn counter_then_exception(&self, count: i32, hub_exception: bool) -> Items<String> {
        Items::generate(async move |mut items| {
            for number in 0..count {
                items.give(number.to_string()).await;
            }
            Err(if hub_exception {
                HubError::new("after the items")
            } else {
                invalid_operation("after the items")
            })
        })
    }

    fn channel_closed_exception_stream(&self) -> Items<String> {
        let closed = HubError::hidden("ChannelClosedException", "channel closed");
        Items::generate(async move |_| Err(closed))
    }

    fn channel_closed_exception_inner_exception_stream(&self) -> Items<String> {
        Items::generate(async |_| Err(invalid_operation("inner")))
    }

    fn throw_stream(&self) -> Result<Items<String>, HubError> {
        Err(invalid_operation("Exception before the stream"))
    }

    fn null_stream(&self) -> Items<String> {
        Items::of([])
    }

    fn non_stream(&self) -> i32 {
        42
    }

    fn cancelable_stream(&self, ctx: &Context) -> Items<i32> {
        until_cancelled(self.noted(ctx))
    }

    fn cancelable_stream_first(&self, ctx: &Context, _a: i32, _b: i32) -> Items<i32> {
        until_cancelled(self.noted(ctx))
    }

    fn cancelable_stream_middle(&self, ctx: &Context, _a: i32, _b: i32) -> Items<i32> {
        until_cancelled(self.noted(ctx))
    }

    fn cancelable_stream_last(&self, ctx: &Context, _a: i32, _b: i32) -> Items<i32> {
        until_cancelled(self.noted(ctx))
    }

    fn counting_cancelable_stream(&self, ctx: &Context, to: i32) -> Items<i32> {
        count(ctx, self.noted(ctx), 0, to)
    }

    fn counting_cancelable_stream_middle(&self, ctx: &Context, start: i32, to: i32) -> Items<i32> {
        count(ctx, self.noted(ctx), start, to)
    }

    fn counting_cancelable_stream_last(&self, ctx: &Context, to: i32) -> Items<i32> {
        count(ctx, self.noted(ctx), 0, to)
    }

    fn stream_nullable_parameter(&self, x: i32, y: Option<i32>) -> Items<Option<i32>> {
        Items::of([Some(x), y])
    }

    fn long_running_stream(&self, ctx: &Context) -> Items<String> {
        let gate = self.gate(ctx);
        Items::generate(async move |_| {
            gate.await;
            Ok(())
        })
    }

    fn stream_large(&self, count: u32, size: usize) -> Items<String> {
        let text = "x".repeat(size);
        Items::of((0..count).map(move |_| text.clone()))
    }

    // --- Timing -----------------------------------------------------------------------------------------------------

    async fn long_running_method(&self, ctx: &Context) -> i32 {
        self.gate(ctx).await;
        12
    }

    fn release(&self, connection: String) {
        self.open_gate(&connection);
    }

    async fn delay(&self, ctx: &Context, milliseconds: u32) -> u32 {
        ctx.sleep(Duration::from_millis(milliseconds.into())).await;
        milliseconds
    }

    fn delayed_send(&self, ctx: &Context, connection: String, message: String) {
        let later = ctx.clone();
        ctx.spawn(async move {
            later.sleep(Duration::from_millis(100)).await;
            // It may be gone.
            let _ = later.client(connection).send("Send", (message,)).await;
        });
    }

    // --- Client results ---------------------------------------------------------------------------------------------

    async fn get_client_result(&self, ctx: &Context, number: i32) -> Result<i32, InvokeError> {
        ctx.caller().invoke("Sum", (number,)).await
    }

    async fn get_client_result_two_ways(
        &self,
        ctx: &Context,
        first: i32,
        second: i32,
    ) -> Result<i32, InvokeError> {
        let one = ctx.caller().invoke::<i32>("Sum", (first,)).await?;
        let two = ctx.caller().invoke::<i32>("Sum", (second,)).await?;
        Ok(one + two)
    }

    fn background_client_result(&self, ctx: &Context) {
        let caller = ctx.caller();
        ctx.spawn(async move {
            let answer = caller.invoke::<i32>("GetResult", (1,)).await;
            // It may be gone.
            let _ = match answer {
                Ok(number) => caller.send("BackgroundClientResult", (number,)).await,
                Err(error) => {
                    let text = format!("{:?}", HubError::from(error));
                    caller.send("BackgroundClientResult", (text,)).await
                }
            };
        });
    }

    async fn get_client_result_with_stream(
        &self,
        ctx: &Context,
        source: Upload<i32>,
    ) -> Result<i32, HubError> {
        let result = ctx.caller().invoke::<i32>("GetResult", (1,)).await?;
        Ok(result + collect(source).await?.into_iter().sum::<i32>())
    }

    fn stream_with_client_result(&self, ctx: &Context) -> Items<i32> {
        let caller = ctx.caller();
        Items::generate(async move |mut items| {
            items.give(caller.invoke("Sum", (1,)).await?).await;
            Ok(())
        })
    }

    async fn get_canceled_client_result(&self, ctx: &Context) -> String {
        asked(ctx.caller(), Some(Duration::from_millis(100))).await
    }

    async fn ask_connection(&self, ctx: &Context, connection: String) -> String {
        asked(ctx.client(connection), None).await
    }
}
