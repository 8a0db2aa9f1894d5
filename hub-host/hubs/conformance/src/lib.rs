//! A hub with the methods that the official functional tests call.
//!
//! [`Conformance`] is served as `conformance`: the methods of the test applications A and B of reference signalr-core
//! 18.1, under their names and with their texts, so that the same calls can be compared with the real server; and for
//! each type of 11.4 a method that gives back what it was given.

mod guarded;
mod hub;
mod kinds;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod values;

pub use state::{Conformance, Outside};
pub use values::{Colour, ComplexObject, CustomObject, Empty};
