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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_matter_and_nothing_else_is_equal() {
        for same in [("Echo", "ECHO"), ("Größe", "gRÖßE"), ("ΑΒ", "αβ"), ("", "")] {
            assert_eq!(compare(same.0, same.1), Ordering::Equal, "{same:?}");
        }
        for other in [
            ("Echo", "Echo "),
            ("i", "ı"),
            ("s", "ſ"),
            ("ß", "SS"),
            ("a_b", "ab"),
        ] {
            assert_ne!(compare(other.0, other.1), Ordering::Equal, "{other:?}");
        }
    }
}
