use hubplane::*;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Default)]
struct Counter(AtomicI64);

#[hub]
impl Counter {
    async fn add(&self, ctx: &Context, amount: i64) -> Result<i64, HubError> {
        let value = self.0.fetch_add(amount, Ordering::Relaxed) + amount;
        ctx.all().send("changed", (value,)).await?;
        Ok(value)
    }
}

fn main() -> std::process::ExitCode {
    App::new().hub(Counter::default()).run()
}

#[test]
fn everyone_sees_the_counter_change() {
    let hub = test::TestHub::new(Counter::default());
    let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
    assert_eq!(ana.invoke::<i64>("add", (5,)), Ok(5));
    assert_eq!(ben.next::<(i64,)>("changed"), (5,));
}
