use hubplane_hub::*;

struct Chat;

#[hub]
impl Chat {
    fn numbers(&self) -> impl Iterator<Item = u32> {
        0..3
    }
}

fn main() {}
