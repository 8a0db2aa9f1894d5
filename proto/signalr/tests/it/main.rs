//! What this crate promises, against the recordings of the reference server and against chance.

mod corpora;
mod invalid;
mod limits;
mod negotiating;
mod properties;
mod recorded;
mod shaking_hands;
mod transcoding;
mod vectors;

/// Text with `<RS>` and `<U+xxxx>` as the recordings write them.
fn unmarked(text: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let marked = behind.split_once('>').and_then(|(mark, behind)| {
            let character = match mark.strip_prefix("U+") {
                Some(code) => char::from_u32(u32::from_str_radix(code, 16).ok()?)?,
                None if mark == "RS" => '\u{1e}',
                None => return None,
            };
            Some((character, behind))
        });
        let (character, behind) = marked.unwrap_or(('<', behind));
        out.push(character);
        rest = behind;
    }
    out.push_str(rest);
    out.into_bytes()
}

/// Bytes from hexadecimal, with or without spaces.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    assert!(digits.len().is_multiple_of(2), "{hex}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// Bytes to hexadecimal with spaces.
fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The rows of a vector file: lines between blank lines, without the file's head.
fn rows(file: &str) -> Vec<Vec<&str>> {
    file.split("\n\n")
        .map(|block| {
            block
                .lines()
                .filter(|line| !line.starts_with('#'))
                .collect::<Vec<_>>()
        })
        .filter(|block| !block.is_empty())
        .collect()
}

/// The rest of the row's line that starts with this letter.
fn field<'a>(row: &[&'a str], letter: char) -> &'a str {
    let line = row.iter().skip(1).find(|line| line.starts_with(letter));
    line.unwrap_or_else(|| panic!("{row:?} has no {letter}"))
        .get(2..)
        .unwrap_or_default()
}
