#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

struct Message(String);

#[hub]
impl Chat {
    async fn last(&self) -> Message {
        Message(String::new())
    }
}

fn main() {}
