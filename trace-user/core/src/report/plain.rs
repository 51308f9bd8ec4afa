//! Text that a terminal shows but does not obey. Anyone can choose an alias or a comm; written to root's terminal
//! unchanged, they could move its cursor or rename its window.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// The text with every character spelt out (`\u{1b}`) that a terminal obeys, or that hides or reorders what stands
/// beside it. What is left is one line and shows as it is.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_deceptive(character) {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Text that [`plain()`] has spelt out: it can be shown as it is, and is one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain(String);

impl Plain {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self(plain(text))
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self(plain(&text))
    }
}

impl std::fmt::Display for Plain {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// JSON text with the same characters as `\uXXXX`: it means the same to a program, and nothing to a terminal.
#[must_use]
pub fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for character in json.chars() {
        // What breaks lines between values is JSON's own.
        if is_deceptive(character) && character != '\n' {
            plain.push_str(&spelt(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// A character as JSON spells it with digits.
fn spelt(character: char) -> String {
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Writes a value as JSON in one line, with the same characters spelt out.
///
/// # Errors
/// What the writer answered.
pub fn write_json(value: &impl Serialize, to: impl Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(to, Compact)).map_err(io::Error::from)
}

/// JSON without blanks that a terminal does not obey.
struct Compact;

impl Formatter for Compact {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((place, character)) = rest.char_indices().find(|(_, character)| is_deceptive(*character)) {
            let (shown, after) = rest.split_at(place);
            write!(writer, "{shown}{}", spelt(character))?;
            rest = after.get(character.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Whether a character controls a terminal, has no width, changes the direction of text, or is a space that is not the
/// usual one (Unicode: general categories Cc, Cf, Zl, Zp and Zs, private use, and tags).
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{a0}'
                | '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{1680}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{2000}'..='\u{200f}'
                | '\u{2028}'..='\u{202f}'
                | '\u{205f}'..='\u{206f}'
                | '\u{3000}'
                | '\u{3164}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1345f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

/// A number of things: `1 request`, `2 requests`.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A count with separated thousands: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(plain("net-pf-29 – é"), "net-pf-29 – é");
        assert_eq!(plain("a\x1b]0;owned\x07b\nc\u{9b}2J"), r"a\u{1b}]0;owned\u{7}b\nc\u{9b}2J");
    }

    #[test]
    fn json_means_the_same_and_shows_as_it_is() {
        let text = "a\u{202e}b\u{9b}2J\u{7f}\u{e0041}é";
        let json = plain_json(&serde_json::Value::from(text).to_string());
        assert_eq!(json, r#""a\u202eb\u009b2J\u007f\udb40\udc41é""#);
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        let mut written = Vec::new();
        write_json(&text, &mut written).expect("memory takes all");
        assert_eq!(String::from_utf8(written).expect("text"), json);
    }

    #[test]
    fn what_hides_or_turns_text_round_is_spelt_out() {
        assert_eq!(plain("can\u{202e}evil\u{2066}\u{200b}\u{feff}"), r"can\u{202e}evil\u{2066}\u{200b}\u{feff}");
        assert_eq!(plain("a\u{a0}b\u{3000}c\u{e0041}"), r"a\u{a0}b\u{3000}c\u{e0041}");
        assert_eq!(plain("模块 модуль módulo 🦀"), "模块 модуль módulo 🦀");
    }
}
