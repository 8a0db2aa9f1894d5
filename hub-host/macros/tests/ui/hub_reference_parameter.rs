#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&self, ctx: &Context, text: &str) {}
    async fn send(&self, bytes: &[u8]) {}
    async fn add(&self, amount: &i64) {}
}

fn main() {}
