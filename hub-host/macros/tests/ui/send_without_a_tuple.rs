#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&self, ctx: &Context) -> Result<(), SendError> {
        ctx.all().send("said", "hello").await
    }
}

fn main() {}
