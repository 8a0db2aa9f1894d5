//! What a metric is, and the metrics that every node has.
//!
//! Each crate declares its metrics in a `metrics.rs` like this one, as constants with unit and help text,
//! and has a section of `docs/metrics.md` that says what each number tells an operator. A test per crate
//! compares the two ([`compare_with_docs`]).

mod declared;
mod node;
mod process;
#[cfg(test)]
mod tests;

pub use declared::{Kind, Metric, compare_with_docs};
pub use node::ALL;
pub(crate) use node::register;
