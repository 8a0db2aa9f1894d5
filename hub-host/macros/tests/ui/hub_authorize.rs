#![allow(unused_variables)]

use hubplane_hub::*;

struct Chat;

#[hub(roles = "admin,,owner")]
impl Chat {
    fn authorize(&self, method: String) -> bool {
        true
    }

    fn filters(&self, ctx: &Context) -> Filters {
        Filters::new()
    }

    #[method(anonymous, authorize)]
    fn both(&self) {}

    #[method(role = "admin")]
    fn misspelt(&self) {}
}

fn main() {}
