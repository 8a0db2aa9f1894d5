#![allow(unused_variables)]

use hubplane_hub::*;

#[hub]
struct Chat;

fn main() {}
