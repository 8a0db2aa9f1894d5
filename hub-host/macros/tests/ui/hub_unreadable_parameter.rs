#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

struct Message(String);

#[hub]
impl Chat {
    async fn say(&self, message: Message) {}
    async fn whisper(&self, to: String, message: Message) {}
}

fn main() {}
