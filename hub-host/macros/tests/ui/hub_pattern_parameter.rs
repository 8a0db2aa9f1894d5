#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn move_to(&self, (x, y): (i32, i32)) {}
}

fn main() {}
