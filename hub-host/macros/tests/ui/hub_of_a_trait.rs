#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Default for Chat {
    fn default() -> Self {
        Self
    }
}

fn main() {}
