//! The corpora of the fuzz targets, replayed.

use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/stream.rs"]
mod stream;

#[path = "../../../../fuzz/bodies/replay.rs"]
mod replay;

use replay::replay;

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
