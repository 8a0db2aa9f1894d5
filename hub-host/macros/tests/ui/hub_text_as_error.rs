#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn say(&self) -> Result<(), String> {
        Err("no".to_owned())
    }
}

fn main() {}
