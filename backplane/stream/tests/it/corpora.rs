//! The corpora of the fuzz targets, replayed.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/stream.rs"]
mod stream;

fn replay(target: &str, body: impl Fn(&[u8])) {
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

#[test]
fn envelope_decode_holds_on_its_corpus() {
    replay("envelope_decode", stream::envelope_decode);
}

#[test]
fn streams_hold_on_their_corpus() {
    replay("streams", stream::streams);
}

proptest! {
    /// The same promises over random bytes, so that they are not only as good as the corpus.
    #[test]
    fn two_nodes_account_for_everything(data in prop::collection::vec(any::<u8>(), 0..400)) {
        stream::streams(&data);
    }
}
