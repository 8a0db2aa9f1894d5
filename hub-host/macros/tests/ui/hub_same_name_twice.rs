#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn user_left(&self) {}
    #[method(name = "USERLEFT")]
    async fn gone(&self) {}
    async fn userleft(&self) {}
}

fn main() {}
