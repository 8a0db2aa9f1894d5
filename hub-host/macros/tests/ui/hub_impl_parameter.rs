#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&self, text: impl Into<String>) {}
}

fn main() {}
