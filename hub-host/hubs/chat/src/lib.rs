//! The demo: rooms, names, who is here, what was said a moment ago.

mod page;

pub use page::{Asset, page};
