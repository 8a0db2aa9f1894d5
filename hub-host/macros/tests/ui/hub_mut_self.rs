#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&mut self, text: String) {}
}

fn main() {}
