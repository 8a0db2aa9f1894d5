#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    async fn on_connected(&self, ctx: &Context, name: String) {}
    async fn on_disconnected(&self, reason: &Disconnect, ctx: &Context) {}
    async fn on_presence(&self, ctx: &Context, change: &Presence) {}
    async fn user_id(&self, ctx: &Context) -> Option<String> {
        None
    }
}

fn main() {}
