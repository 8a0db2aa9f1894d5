//! WebSocket frames, as a server reads and writes them (RFC 6455; reference signalr-core 6).
//!
//! Frames to clients are never masked, so that the bytes of a broadcast are the same for everybody. Frames of clients
//! are read as the one stream of bytes that they are to SignalR: type and boundaries of messages mean nothing to it.

pub(crate) mod frame;
mod reader;
mod utf8;

#[cfg(test)]
mod tests;

pub(crate) use reader::{Reader, Received, Violation};
