//! Numbers: text to MessagePack, and floats to the reference's text.

use std::fmt::Write;

use super::TranscodeError;
use crate::messagepack::reader::Integer;
use crate::messagepack::writer;

/// Appends a number that the reader has accepted.
pub(super) fn to_messagepack(text: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    let text = std::str::from_utf8(text).map_err(|_| TranscodeError::Malformed)?;
    match integer(text) {
        Some(value) => writer::integer(value, out),
        None => {
            let value: f64 = text.parse().map_err(|_| TranscodeError::Malformed)?;
            if !value.is_finite() {
                return Err(TranscodeError::NotFinite);
            }
            writer::float64(value, out);
        }
    }
    Ok(())
}

/// The integer that the text spells, if it spells one of 64 bits. `-0` is none: only a float keeps its sign.
fn integer(text: &str) -> Option<Integer> {
    if text == "-0" {
        return None;
    }
    let positive = text.parse().ok().map(Integer::Positive);
    positive.or_else(|| text.parse::<i64>().ok().map(Integer::from))
}

/// Appends a float 64 as .NET's JSON writer does.
pub(crate) fn float64(value: f64, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    if !value.is_finite() {
        return Err(TranscodeError::NotFinite);
    }
    scientific(format_args!("{value:e}"), 17, out)
}

/// Appends a float 32 as .NET's JSON writer does: with the digits that its own precision needs.
pub(crate) fn float32(value: f32, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    if !value.is_finite() {
        return Err(TranscodeError::NotFinite);
    }
    scientific(format_args!("{value:e}"), 9, out)
}

/// From Rust's shortest digits, `-1.25e-7`, to .NET's layout: positional from 0.0001 up to `digits_max` digits before
/// the point, else with an exponent of two digits at least, `-1.25E-07`.
fn scientific(
    shortest: std::fmt::Arguments<'_>,
    digits_max: i32,
    out: &mut Vec<u8>,
) -> Result<(), TranscodeError> {
    let mut text = Short::default();
    text.write_fmt(shortest)
        .map_err(|_| TranscodeError::Malformed)?;
    let text = text.as_str();
    let (mantissa, exponent) = text.split_once('e').ok_or(TranscodeError::Malformed)?;
    let exponent: i32 = exponent.parse().map_err(|_| TranscodeError::Malformed)?;
    let magnitude = mantissa.strip_prefix('-');
    if magnitude.is_some() {
        out.push(b'-');
    }
    let (whole, fraction) = split_point(magnitude.unwrap_or(mantissa));
    let digits = || whole.bytes().chain(fraction.bytes());
    if (-4..0).contains(&exponent) {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-1 - exponent) as usize));
        out.extend(digits());
    } else if (0..digits_max).contains(&exponent) {
        let before_point = exponent as usize + 1;
        let count = 1 + fraction.len();
        out.extend(digits().take(before_point));
        if count <= before_point {
            out.extend(std::iter::repeat_n(b'0', before_point - count));
        } else {
            out.push(b'.');
            out.extend(digits().skip(before_point));
        }
    } else {
        out.extend_from_slice(mantissa.trim_start_matches('-').as_bytes());
        out.extend_from_slice(if exponent < 0 { b"E-" } else { b"E+" });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(exponent.to_string().as_bytes());
    }
    Ok(())
}

fn split_point(mantissa: &str) -> (&str, &str) {
    mantissa.split_once('.').unwrap_or((mantissa, ""))
}

/// A text of at most 32 bytes: enough for a float's shortest digits with sign, point and exponent.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    len: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
