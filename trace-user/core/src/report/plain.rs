//! Text that a terminal shows but does not obey. Anyone can choose an alias or a comm; written to root's terminal
//! unchanged, they could move its cursor or rename its window.

/// The text with control characters spelt out (`\u{1b}`), so that it is one line and means nothing to a terminal.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
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
}
