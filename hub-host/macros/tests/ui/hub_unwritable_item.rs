use hubplane_hub::*;

struct Chat;
struct Opaque;

#[hub]
impl Chat {
    fn all(&self) -> Items<Opaque> {
        Items::of([Opaque])
    }
}

fn main() {}
