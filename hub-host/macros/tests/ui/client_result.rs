#![allow(unused_variables)]

use hubplane_hub::*;

#[client]
trait ChatClient {
    fn name(&self) -> String;
}

fn main() {}
