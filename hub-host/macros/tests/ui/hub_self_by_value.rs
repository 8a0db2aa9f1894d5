#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(self, text: String) {}
    async fn shout(self: std::sync::Arc<Self>, text: String) {}
}

fn main() {}
