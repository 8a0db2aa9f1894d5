#![allow(unused_variables)]

use hubplane_hub::*;

#[client]
trait ChatClient {
    fn send(&self, text: String);
    fn said(&self);
    #[method(name = "SAID")]
    fn told(&self);
}

fn main() {}
