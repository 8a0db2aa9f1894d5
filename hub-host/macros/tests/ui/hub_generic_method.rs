#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say<T: Send>(&self, text: T) {}
}

fn main() {}
