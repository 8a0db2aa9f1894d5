//! Method names: found without regard to letter case.

use std::cmp::Ordering;

/// Compares as the reference does, ordinal and ignoring case (reference signalr-core 11.5): one character at a time by
/// its simple upper case, where there is one.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    a.chars().map(fold).cmp(b.chars().map(fold))
}

fn fold(c: char) -> char {
    match c {
        'a'..='z' => c.to_ascii_uppercase(),
        // Their upper cases are ASCII letters; the reference leaves both alone.
        '\0'..='\x7f' | 'ı' | 'ſ' => c,
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}
