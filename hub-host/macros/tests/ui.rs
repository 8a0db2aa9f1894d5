//! What the macros take, and what they say to mistakes: each points at the place and tells what to write.
//!
//! `TRYBUILD=overwrite cargo test -p hubplane-hub-host-macros` writes the texts down again.

#[test]
fn mistakes_are_explained_where_they_are_made() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
