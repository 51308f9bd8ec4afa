//! Text in cells of a terminal: a wide character takes two, a combining one none.
//!
//! In: text, which [`plain()`] has spelt out or which this does. Out: text that takes so many cells. What is cut ends
//! in `…`.

use super::plain::plain;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The cells that text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The longest beginning of text that takes `width` cells at most, and the rest.
#[must_use]
pub fn split(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > width
    });
    text.split_at(end.map_or(text.len(), |(place, _)| place))
}

/// Text in `width` cells at most; cut text ends in `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (beginning, _) = split(text, width.saturating_sub(1));
    if width > 0 { format!("{beginning}…") } else { String::new() }
}

/// Text with blanks behind it, in `width` cells at least.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Text as a terminal shows it, cut or padded, in exactly `width` cells.
#[must_use]
pub fn column(text: &str, width: usize) -> String {
    padded(&cut(&plain(text), width), width)
}

/// The width of a column for these texts: the longest, but neither less than `least` nor more than `most`.
#[must_use]
pub fn widest<T: AsRef<str>>(texts: impl Iterator<Item = T>, least: usize, most: usize) -> usize {
    texts.map(|text| plain(text.as_ref()).width()).fold(least, usize::max).min(most)
}

/// Text in lines of at most `most` cells, broken at spaces if there are any.
#[must_use]
pub fn wrap(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in plain(text).split_whitespace() {
        let mut word = word;
        if !line.is_empty() && width(&line) + 1 + width(word) > most {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > most {
            let (part, rest) = match split(word, most) {
                // A wide character in a line of one cell.
                ("", _) => word.split_at(word.chars().next().map_or(0, char::len_utf8)),
                split => split,
            };
            lines.push(part.to_owned());
            word = rest;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_padded_by_cells() {
        assert_eq!([cut("grün", 4), cut("grüner", 4), cut("x", 0)], ["grün", "grü…", ""]);
        // Half of a wide character has no place.
        assert_eq!([cut("日本語", 6), cut("日本語", 5), cut("日本語", 4)], ["日本語", "日本…", "日…"]);
        assert_eq!([column("日本", 6), column("net", 6), column("a\u{1b}b", 8)], ["日本  ", "net   ", "a\\u{1b}b"]);
        assert_eq!(column("a\u{1b}bcd", 8), "a\\u{1b}…");
        assert_eq!(split("e\u{301}e\u{301}", 1), ("e\u{301}", "e\u{301}"));
        assert_eq!(widest(["日本語".to_owned(), "net".to_owned()].iter(), 4, 9), 6);
        assert_eq!([widest(["net"].iter(), 4, 9), widest(["net-pf-29-proto-1"].iter(), 4, 9)], [4, 9]);
    }

    #[test]
    fn text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語 模块", 5), ["日本", "語", "模块"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
