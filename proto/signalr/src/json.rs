//! The JSON hub protocol.
#![allow(clippy::todo, unused_variables)]
use bytes::Bytes;
use smallvec::SmallVec;

use crate::message::{CompletionResult, Message, StreamIds};
use crate::{ArgumentsError, DecodeError, Source};
pub(crate) fn next_frame(
    input: &mut impl Source,
    max_bytes: Option<usize>,
) -> Result<Option<Bytes>, DecodeError> {
    todo!()
}
pub(crate) fn decode(frame: &Bytes) -> Result<Option<Message>, DecodeError> {
    todo!()
}
pub(crate) fn encode(message: &Message, out: &mut Vec<u8>) {
    todo!()
}
pub(crate) fn encode_invocation(
    kind: u8,
    invocation_id: Option<&str>,
    target: &str,
    arguments: &[u8],
    stream_ids: &StreamIds,
    out: &mut Vec<u8>,
) {
    todo!()
}
pub(crate) fn encode_stream_item(invocation_id: &str, item: &[u8], out: &mut Vec<u8>) {
    todo!()
}
pub(crate) fn encode_completion(invocation_id: &str, result: &CompletionResult, out: &mut Vec<u8>) {
    todo!()
}
pub(crate) fn elements(raw: &Bytes) -> Result<SmallVec<[Bytes; 4]>, ArgumentsError> {
    todo!()
}
pub(crate) fn write_array<'a>(
    elements: impl ExactSizeIterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) {
    todo!()
}
