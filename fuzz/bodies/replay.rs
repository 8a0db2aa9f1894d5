//! Runs a target's body over its corpus; for the tests of the crates that the targets are about.

use std::path::{Path, PathBuf};

/// Runs `body` on every file of `fuzz/corpora/<target>`, from a crate two folders below the root.
///
/// # Panics
/// Names the file on which the body panicked.
pub(super) fn replay(target: &str, body: impl Fn(&[u8])) {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpora");
    let corpus = corpora.join(target);
    let entries =
        std::fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = paths.collect();
    files.sort();
    assert!(files.len() >= 10, "{} has a corpus", corpus.display());
    for file in files {
        let data = std::fs::read(&file).expect("readable");
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&data)));
        assert!(outcome.is_ok(), "{}", file.display());
    }
}
