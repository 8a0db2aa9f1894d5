//! Writing MessagePack, everything in its smallest form.

use super::reader::Integer;

/// What bytes are written to: a buffer, or a [`Count`] of them.
pub(crate) trait Sink {
    fn bytes(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// How many bytes would be written.
#[derive(Default)]
pub(crate) struct Count(pub(crate) usize);

impl Sink for Count {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

pub(crate) fn nil(sink: &mut impl Sink) {
    sink.bytes(&[0xc0]);
}

pub(crate) fn boolean(value: bool, sink: &mut impl Sink) {
    sink.bytes(&[if value { 0xc3 } else { 0xc2 }]);
}

pub(crate) fn integer(value: Integer, sink: &mut impl Sink) {
    match value {
        Integer::Positive(value) => match value {
            0..=0x7f => sink.bytes(&[value as u8]),
            0x80..=0xff => sink.bytes(&[0xcc, value as u8]),
            0x100..=0xffff => coded(0xcd, (value as u16).to_be_bytes(), sink),
            0x1_0000..=0xffff_ffff => coded(0xce, (value as u32).to_be_bytes(), sink),
            _ => coded(0xcf, value.to_be_bytes(), sink),
        },
        Integer::Negative(value) => match value {
            -0x20.. => sink.bytes(&[value as u8]),
            -0x80.. => sink.bytes(&[0xd0, value as u8]),
            -0x8000.. => coded(0xd1, (value as i16).to_be_bytes(), sink),
            -0x8000_0000.. => coded(0xd2, (value as i32).to_be_bytes(), sink),
            _ => coded(0xd3, value.to_be_bytes(), sink),
        },
    }
}

pub(crate) fn float64(value: f64, sink: &mut impl Sink) {
    coded(0xcb, value.to_be_bytes(), sink);
}

/// The head of a text of so many bytes.
pub(crate) fn str_head(len: usize, sink: &mut impl Sink) {
    match len {
        0..=0x1f => sink.bytes(&[0xa0 | len as u8]),
        0x20..=0xff => sink.bytes(&[0xd9, len as u8]),
        0x100..=0xffff => coded(0xda, (len as u16).to_be_bytes(), sink),
        _ => coded(0xdb, (len as u32).to_be_bytes(), sink),
    }
}

pub(crate) fn text(value: &str, sink: &mut impl Sink) {
    str_head(value.len(), sink);
    sink.bytes(value.as_bytes());
}

/// The head of an array of so many values.
pub(crate) fn array(count: usize, sink: &mut impl Sink) {
    match count {
        0..=0x0f => sink.bytes(&[0x90 | count as u8]),
        0x10..=0xffff => coded(0xdc, (count as u16).to_be_bytes(), sink),
        _ => coded(0xdd, (count as u32).to_be_bytes(), sink),
    }
}

/// The head of a map of so many pairs.
pub(crate) fn map(count: usize, sink: &mut impl Sink) {
    match count {
        0..=0x0f => sink.bytes(&[0x80 | count as u8]),
        0x10..=0xffff => coded(0xde, (count as u16).to_be_bytes(), sink),
        _ => coded(0xdf, (count as u32).to_be_bytes(), sink),
    }
}

fn coded<const N: usize>(code: u8, value: [u8; N], sink: &mut impl Sink) {
    sink.bytes(&[code]);
    sink.bytes(&value);
}
