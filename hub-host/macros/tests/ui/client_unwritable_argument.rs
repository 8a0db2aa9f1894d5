#![allow(unused_variables)]

use hubplane_hub::*;

struct Message(String);

#[client]
trait ChatClient {
    fn said(&self, message: Message);
}

fn main() {}
