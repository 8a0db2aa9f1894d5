//! Memory is proportional to the bytes that arrived, whatever lengths and counts they declare. A target of its own with a
//! single test, because every allocation of the process is counted.

use std::alloc::System;

use bytes::Bytes;
use hubplane_proto_signalr::{
    Arguments, Encoding, Message, NegotiateResponse, handshake, transcode,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocated in the course of reading, freed or not, per byte of input. The worst case is an array of one-byte elements:
/// a handle of 32 bytes each, in a vector that doubles.
const BYTES_PER_BYTE: usize = 160;
/// For error texts and the like.
const BYTES_FLAT: usize = 4096;

fn read_everything(data: &Bytes) {
    for encoding in Encoding::ALL {
        let mut input = data.clone();
        while let Ok(Some(message)) = encoding.decode(&mut input, None) {
            if let Message::Invocation(invocation) | Message::StreamInvocation(invocation) = message
                && let Arguments::Raw(raw) = &invocation.arguments
            {
                let _ = encoding.arguments(raw);
            }
        }
        let _ = encoding.arguments(data);
    }
    let _ = handshake::parse_request(data);
    let _ = NegotiateResponse::from_json(data);
    let mut out = Vec::new();
    let _ = transcode::json_to_messagepack(data, &mut out);
    let mut out = Vec::new();
    let _ = transcode::messagepack_to_json(data, &mut out);
}

fn assert_modest(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let region = Region::new(ALLOCATOR);
    read_everything(&data);
    let allocated = region.change().bytes_allocated;
    let allowed = data.len() * BYTES_PER_BYTE + BYTES_FLAT;
    assert!(
        allocated <= allowed,
        "{allocated} bytes for {} bytes: {data:?}",
        data.len()
    );
}

#[test]
fn reading_allocates_in_proportion_to_what_arrived() {
    let hostile: [&[u8]; 9] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0x7f, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0x91, 0xdd, 0x00, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xff, 0x07, 0x91],
        // Arguments, stream ids and headers that declare more than there is.
        &[
            0x0c, 0x96, 0x01, 0x80, 0xc0, 0xa1, 0x61, 0xdd, 0x7f, 0xff, 0xff, 0xff, 0x90,
        ],
        &[
            0x0c, 0x96, 0x01, 0x80, 0xc0, 0xa1, 0x61, 0x90, 0xdd, 0x7f, 0xff, 0xff, 0xff,
        ],
        &[
            0x0c, 0x96, 0x01, 0xdf, 0x7f, 0xff, 0xff, 0xff, 0xc0, 0xa1, 0x61, 0x90, 0x90,
        ],
    ];
    for data in hostile {
        assert_modest(data);
    }
    // The worst that is well-formed.
    assert_modest(&[&[0xdd, 0x00, 0x00, 0xff, 0xff][..], &[0; 0xffff]].concat());
    assert_modest(format!("[{}0]", "0,".repeat(50_000)).as_bytes());
    assert_modest(format!("[{}[]]", "[],".repeat(50_000)).as_bytes());
    assert_modest(format!("\"{}\"", "\\u0001".repeat(50_000)).as_bytes());
    assert_modest(
        format!(
            "{{\"type\":1,\"target\":\"a\",\"arguments\":[],\"streamIds\":[{}\"1\"]}}\u{1e}",
            "\"1\",".repeat(9000)
        )
        .as_bytes(),
    );

    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(
            prop::sample::select(vec![
                0x91, 0x96, 0x01, 0x80, 0xa1, 0xdd, 0xdf, 0xc6, 0x7f, 0xff, 0x00
            ]),
            0..60
        ),
    ];
    let mut runner = TestRunner::new(Config {
        cases: 3000,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&bytes, |data| {
        assert_modest(&data);
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}
