#![allow(unused_variables)]

use hubplane_hub::*;

#[client]
trait ChatClient {
    const LIMIT: usize;
    async fn said(&self, text: String);
    fn left(user: String);
    fn came<T>(&self, user: T);
    fn moved(&self, (x, y): (i32, i32));
    fn changed(&self, value: impl Send);
    fn joined(&self, user: String) {}
}

fn main() {}
