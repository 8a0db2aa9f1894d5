#![no_main]

#[path = "../bodies/stream.rs"]
#[allow(dead_code)]
mod stream;

libfuzzer_sys::fuzz_target!(|data: &[u8]| stream::streams(data));
