//! What people write, made fit to be shown to others.

use crate::limits::{NAME_CHARS_MAX, ROOM_CHARS_MAX, TEXT_CHARS_MAX};
use crate::rooms::Refusal;

/// A person's name: one line, without what cannot be seen.
pub(crate) fn name(raw: &str) -> Result<String, Refusal> {
    let name = one_line(raw);
    match name.chars().count() {
        0 => Err(Refusal::NoName),
        1..=NAME_CHARS_MAX => Ok(name),
        _ => Err(Refusal::NameTooLong),
    }
}

/// A room's name. Letter case does not tell rooms apart.
pub(crate) fn room(raw: &str) -> Result<String, Refusal> {
    let room = one_line(raw).to_lowercase();
    match room.chars().count() {
        0 => Err(Refusal::NoRoom),
        1..=ROOM_CHARS_MAX => Ok(room),
        _ => Err(Refusal::RoomTooLong),
    }
}

/// What is said: lines stay lines.
pub(crate) fn said(raw: &str) -> Result<String, Refusal> {
    let kept = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_direction(*c));
    let text: String = raw.chars().filter(kept).collect();
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Refusal::NoText),
        1..=TEXT_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(Refusal::TextTooLong),
    }
}

/// The same for every name that people would take for the same one.
pub(crate) fn folded(name: &str) -> String {
    let seen = name.chars().filter(|c| !is_invisible(*c));
    seen.flat_map(char::to_lowercase).collect()
}

fn one_line(raw: &str) -> String {
    let shown: String = raw
        .chars()
        .filter(|c| c.is_whitespace() || !(c.is_control() || is_direction(*c)))
        .collect();
    // What consists of invisible characters alone is nothing.
    if shown.chars().all(is_invisible) {
        return String::new();
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Overrides of the direction of writing, which would reach beyond the text that they are in.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes no place on the screen. Joiners are among them, which emoji need.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_rooms_are_one_line_without_what_cannot_be_seen() {
        assert_eq!(name("  Ana \t  Maria\n"), Ok("Ana Maria".to_owned()));
        assert_eq!(name("a\u{202e}b\u{7}c"), Ok("abc".to_owned()));
        assert_eq!(name("👩\u{200d}🚀"), Ok("👩\u{200d}🚀".to_owned()));
        assert_eq!(room(" The  HARBOUR "), Ok("the harbour".to_owned()));
        for nothing in ["", "  ", "\u{200b}\u{200d}", "\u{202e}", "\u{0}"] {
            assert_eq!(name(nothing), Err(Refusal::NoName), "{nothing:?}");
            assert_eq!(room(nothing), Err(Refusal::NoRoom), "{nothing:?}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let long = "é".repeat(NAME_CHARS_MAX);
        assert_eq!(name(&long), Ok(long.clone()));
        assert_eq!(name(&(long + "é")), Err(Refusal::NameTooLong));
        assert_eq!(
            room(&"r".repeat(ROOM_CHARS_MAX + 1)),
            Err(Refusal::RoomTooLong)
        );
        assert_eq!(
            said(&"t".repeat(TEXT_CHARS_MAX + 1)),
            Err(Refusal::TextTooLong)
        );
    }

    #[test]
    fn lines_of_a_text_stay_lines() {
        assert_eq!(said("  a\n\n b\u{0}\t<b>  "), Ok("a\n\n b\t<b>".to_owned()));
        assert_eq!(said(" \n "), Err(Refusal::NoText));
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        assert_eq!(folded("An\u{200b}a"), folded("aNA"));
        assert_eq!(folded("Ana Maria"), folded("AnaMaria"));
        assert_ne!(folded("Ana"), folded("Anna"));
    }
}
