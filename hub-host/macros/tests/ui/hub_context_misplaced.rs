#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&self, text: String, ctx: &Context) {}
    async fn shout(&self, ctx: Context) {}
}

fn main() {}
