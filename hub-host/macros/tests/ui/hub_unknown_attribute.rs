#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub(nmae = "chat")]
impl Chat {
    #[method(skipp)]
    async fn say(&self) {}
    #[method(name = "")]
    async fn shout(&self) {}
}

fn main() {}
