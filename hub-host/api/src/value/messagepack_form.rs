//! The forms of MessagePack: what the first bytes of a value say.

use serde::de::{Error as _, Unexpected};

use super::ValueError;

/// The part of a value that its first bytes say; of what has no parts, all of it.
#[derive(Clone, Copy)]
pub(super) enum Head<'de> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float32(f32),
    Float64(f64),
    Text(&'de [u8]),
    Bin(&'de [u8]),
    Extension(i8, &'de [u8]),
    Array(usize),
    Map(usize),
}

impl Head<'_> {
    pub(super) fn unexpected(&self) -> Unexpected<'_> {
        match *self {
            Self::Nil => Unexpected::Unit,
            Self::Bool(v) => Unexpected::Bool(v),
            Self::Unsigned(v) => Unexpected::Unsigned(v),
            Self::Signed(v) => Unexpected::Signed(v),
            Self::Float32(v) => Unexpected::Float(v.into()),
            Self::Float64(v) => Unexpected::Float(v),
            Self::Text(_) => Unexpected::Other("text"),
            Self::Bin(_) => Unexpected::Other("bytes"),
            Self::Extension(..) => Unexpected::Other("an extension"),
            Self::Array(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }

    pub(super) fn instead_of(&self, expected: &str) -> ValueError {
        ValueError::invalid_type(self.unexpected(), &expected)
    }
}

fn cut() -> ValueError {
    ValueError::new("the value ends too early")
}

fn take<'de>(input: &mut &'de [u8], len: usize) -> Result<&'de [u8], ValueError> {
    let (taken, rest) = input.split_at_checked(len).ok_or_else(cut)?;
    *input = rest;
    Ok(taken)
}

/// An unsigned number of that many bytes.
fn big_endian(input: &mut &[u8], bytes: usize) -> Result<u64, ValueError> {
    let bytes = take(input, bytes)?;
    Ok(bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn length(input: &mut &[u8], bytes: usize) -> Result<usize, ValueError> {
    usize::try_from(big_endian(input, bytes)?).map_err(|_| cut())
}

fn sized<'de>(input: &mut &'de [u8], bytes: usize) -> Result<&'de [u8], ValueError> {
    let len = length(input, bytes)?;
    take(input, len)
}

fn extension<'de>(input: &mut &'de [u8], len: usize) -> Result<Head<'de>, ValueError> {
    let kind = take(input, 1)?.first().map_or(0, |kind| kind.cast_signed());
    Ok(Head::Extension(kind, take(input, len)?))
}

/// Sign-extends a number of that many bytes.
fn signed(number: u64, bytes: u32) -> i64 {
    let unused = 64 - 8 * bytes;
    (number << unused).cast_signed() >> unused
}

pub(super) fn head<'de>(input: &mut &'de [u8]) -> Result<Head<'de>, ValueError> {
    let marker = take(input, 1)?.first().copied().ok_or_else(cut)?;
    Ok(match marker {
        0x00..=0x7f => Head::Unsigned(marker.into()),
        0x80..=0x8f => Head::Map(usize::from(marker & 0x0f)),
        0x90..=0x9f => Head::Array(usize::from(marker & 0x0f)),
        0xa0..=0xbf => Head::Text(take(input, usize::from(marker & 0x1f))?),
        0xc0 => Head::Nil,
        0xc1 => return Err(ValueError::new("no MessagePack")),
        0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
        0xc4 => Head::Bin(sized(input, 1)?),
        0xc5 => Head::Bin(sized(input, 2)?),
        0xc6 => Head::Bin(sized(input, 4)?),
        0xc7 => length(input, 1).and_then(|len| extension(input, len))?,
        0xc8 => length(input, 2).and_then(|len| extension(input, len))?,
        0xc9 => length(input, 4).and_then(|len| extension(input, len))?,
        0xca => Head::Float32(f32::from_bits(
            u32::try_from(big_endian(input, 4)?).map_err(|_| cut())?,
        )),
        0xcb => Head::Float64(f64::from_bits(big_endian(input, 8)?)),
        0xcc => Head::Unsigned(big_endian(input, 1)?),
        0xcd => Head::Unsigned(big_endian(input, 2)?),
        0xce => Head::Unsigned(big_endian(input, 4)?),
        0xcf => Head::Unsigned(big_endian(input, 8)?),
        0xd0 => Head::Signed(signed(big_endian(input, 1)?, 1)),
        0xd1 => Head::Signed(signed(big_endian(input, 2)?, 2)),
        0xd2 => Head::Signed(signed(big_endian(input, 4)?, 4)),
        0xd3 => Head::Signed(signed(big_endian(input, 8)?, 8)),
        0xd4..=0xd8 => extension(input, 1 << (marker - 0xd4))?,
        0xd9 => Head::Text(sized(input, 1)?),
        0xda => Head::Text(sized(input, 2)?),
        0xdb => Head::Text(sized(input, 4)?),
        0xdc => Head::Array(length(input, 2)?),
        0xdd => Head::Array(length(input, 4)?),
        0xde => Head::Map(length(input, 2)?),
        0xdf => Head::Map(length(input, 4)?),
        0xe0..=0xff => Head::Signed(marker.cast_signed().into()),
    })
}

/// Skips one value, whatever is inside it.
pub(super) fn skip(input: &mut &[u8]) -> Result<(), ValueError> {
    let mut pending = 1_u64;
    while pending > 0 {
        pending -= 1;
        let inside = match head(input)? {
            Head::Array(len) => len as u64,
            Head::Map(len) => 2 * len as u64,
            _ => 0,
        };
        pending = pending.saturating_add(inside);
    }
    Ok(())
}

pub(super) const NIL: u8 = 0xc0;

pub(super) fn write_unsigned(v: u64, out: &mut Vec<u8>) {
    if let Ok(v) = u8::try_from(v) {
        if v >= 0x80 {
            out.push(0xcc);
        }
        out.push(v);
    } else if let Ok(v) = u16::try_from(v) {
        out.push(0xcd);
        out.extend(v.to_be_bytes());
    } else if let Ok(v) = u32::try_from(v) {
        out.push(0xce);
        out.extend(v.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(v.to_be_bytes());
    }
}

pub(super) fn write_signed(v: i64, out: &mut Vec<u8>) {
    if let Ok(v) = u64::try_from(v) {
        write_unsigned(v, out);
    } else if let Ok(v) = i8::try_from(v) {
        if v < -32 {
            out.push(0xd0);
        }
        out.extend(v.to_be_bytes());
    } else if let Ok(v) = i16::try_from(v) {
        out.push(0xd1);
        out.extend(v.to_be_bytes());
    } else if let Ok(v) = i32::try_from(v) {
        out.push(0xd2);
        out.extend(v.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(v.to_be_bytes());
    }
}

/// The header of something that has a length, by its forms: up to `short_max` inside the byte `short`, else in 8 bits
/// (`wide[0]`, where there is such a form), 16 or 32.
pub(super) fn write_header(
    len: usize,
    short: u8,
    short_max: usize,
    wide: [Option<u8>; 3],
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let [eight, sixteen, thirty_two] = wide;
    match (u8::try_from(len), u16::try_from(len), u32::try_from(len)) {
        (Ok(v), _, _) if len < short_max => out.push(short | v),
        (Ok(v), _, _) if eight.is_some() => out.extend(eight.into_iter().chain([v])),
        (_, Ok(v), _) => out.extend(sixteen.into_iter().chain(v.to_be_bytes())),
        (_, _, Ok(v)) => out.extend(thirty_two.into_iter().chain(v.to_be_bytes())),
        _ => return Err(ValueError::new("longer than MessagePack can say")),
    }
    Ok(())
}

pub(super) fn write_array(len: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    write_header(len, 0x90, 16, [None, Some(0xdc), Some(0xdd)], out)
}

pub(super) fn write_map(len: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    write_header(len, 0x80, 16, [None, Some(0xde), Some(0xdf)], out)
}

pub(super) fn write_text(v: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
    write_header(v.len(), 0xa0, 32, [Some(0xd9), Some(0xda), Some(0xdb)], out)?;
    out.extend(v.bytes());
    Ok(())
}
