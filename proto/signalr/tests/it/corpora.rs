//! The corpora of the fuzz targets, replayed on every run of the tests.

#[path = "../../../../fuzz/bodies/signalr.rs"]
mod signalr;

#[path = "../../../../fuzz/bodies/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn json_decode_holds_on_its_corpus() {
    replay("json_decode", signalr::json_decode);
}

#[test]
fn messagepack_decode_holds_on_its_corpus() {
    replay("messagepack_decode", signalr::messagepack_decode);
}

#[test]
fn handshake_holds_on_its_corpus() {
    replay("handshake", signalr::handshake);
}

#[test]
fn transcode_holds_on_its_corpus() {
    replay("transcode", signalr::transcode);
}

/// The same promises over random bytes, so that they are not only as good as the corpora.
mod by_chance {
    use proptest::prelude::*;

    use super::signalr;

    /// Bytes that often mean something: pieces of messages between random ones.
    fn messy() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..6),
            6 => prop::sample::select(vec![
                "{\"type\":", "1", "3", "7", "-0", "1.5e3", ",\"target\":\"a\"", ",\"arguments\":[", "]", "}", "\u{1e}", "{}",
                ",\"invocationId\":\"1\"", ",\"item\":", "\"\\ud83d\\ude00\"", "\\u", "[", "{\"a\":", ",", "null", "true",
                "{\"protocol\":\"json\",\"version\":1}\u{1e}", "\"", "\\", "é",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            6 => prop::sample::select(vec![
                &[0x0e_u8, 0x96, 0x01, 0x80][..], &[0xa1, 0x31], &[0x91, 0xa1, 0x78], &[0x90], &[0x02, 0x91, 0x06],
                &[0x07, 0x95, 0x03, 0x80, 0xa1, 0x31, 0x03, 0x2a], &[0xdd, 0xff, 0xff, 0xff, 0xff], &[0xdf, 0x7f, 0xff, 0xff, 0xff],
                &[0xc6, 0xff, 0xff, 0xff, 0xff], &[0xd7, 0xff], &[0xc0], &[0x81], &[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
            ]).prop_map(<[u8]>::to_vec),
        ];
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_bytes_break_a_promise(data in messy()) {
            signalr::json_decode(&data);
            signalr::messagepack_decode(&data);
            signalr::handshake(&data);
            signalr::transcode(&data);
        }
    }
}
