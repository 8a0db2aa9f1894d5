//! Texts and numbers as the reference writes them in JSON (signalr-core 11.2 and 11.4).

use std::io::Write as _;

/// Appends a string with the reference's relaxed escaping: printable characters up to U+FFFF are raw.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\u{8}' => out.extend(b"\\b"),
            '\u{c}' => out.extend(b"\\f"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            ' '..='~' => out.extend(u8::try_from(c)),
            _ if is_raw(c) => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a vector does not fail.
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out.push(b'"');
}

fn is_raw(c: char) -> bool {
    let blank = c.is_control() || c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    u32::from(c) <= 0xffff && !blank && !('\u{e000}'..='\u{f8ff}').contains(&c)
}

/// Appends a number from its shortest digits, `{:e}`; from `fixed` digits in front of the point on, and below a
/// ten-thousandth, with an exponent.
pub(super) fn float(shortest: &str, fixed: i32, out: &mut Vec<u8>) {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    out.extend(sign.bytes());
    if (-4..0).contains(&exponent) {
        out.extend(b"0.");
        out.extend(std::iter::repeat_n(
            b'0',
            usize::try_from(-exponent - 1).unwrap_or_default(),
        ));
        out.extend(digits.bytes());
    } else if (0..fixed).contains(&exponent) {
        let whole = usize::try_from(exponent + 1).unwrap_or_default();
        let (before, after) = digits.split_at(whole.min(digits.len()));
        out.extend(before.bytes());
        out.extend(std::iter::repeat_n(b'0', whole - before.len()));
        if !after.is_empty() {
            out.push(b'.');
            out.extend(after.bytes());
        }
    } else {
        out.extend(mantissa.bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing into a vector does not fail.
        let _ = write!(out, "E{sign}{:02}", exponent.unsigned_abs());
    }
}
