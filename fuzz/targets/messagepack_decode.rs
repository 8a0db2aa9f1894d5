#![no_main]

#[path = "../bodies/signalr.rs"]
#[allow(dead_code)]
mod signalr;

libfuzzer_sys::fuzz_target!(|data: &[u8]| signalr::messagepack_decode(data));
