#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    fn new() -> Self {
        Self
    }

    async fn say(text: String) {}
}

fn main() {}
