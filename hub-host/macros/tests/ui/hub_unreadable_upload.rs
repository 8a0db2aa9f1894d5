use hubplane_hub::*;

struct Chat;
struct Opaque;

#[hub]
impl Chat {
    async fn all(&self, _things: Upload<Opaque>) {}
}

fn main() {}
