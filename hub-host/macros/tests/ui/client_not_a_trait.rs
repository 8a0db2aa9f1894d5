#![allow(unused_variables)]

use hubplane_hub::*;

#[client]
struct ChatClient;

fn main() {}
