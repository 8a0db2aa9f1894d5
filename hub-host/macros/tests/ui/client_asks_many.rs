use hubplane_hub::*;

#[client]
trait ChatClient {
    async fn name(&self) -> String;
}

async fn names(ctx: &Context) {
    ctx.group("room").name().await;
}

fn main() {}
