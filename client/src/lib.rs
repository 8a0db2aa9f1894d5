//! A Rust client of the protocols that Hubplane serves.
