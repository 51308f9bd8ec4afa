//! Lines of text assembled from pieces. Pure.

use crate::tui::theme::{Theme, Tone};
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::text::{Line, Span};

/// A piece of a line, which is dropped as a whole if the line has no room.
#[derive(Clone, Debug)]
pub struct Piece {
    /// If room is short, the highest goes first; 0 always stays.
    pub rank: u8,
    /// Its parts.
    pub spans: Vec<(String, Tone)>,
}

impl Piece {
    /// A piece of one part.
    pub fn new(rank: u8, text: impl Into<String>, tone: Tone) -> Self {
        Self { rank, spans: vec![(text.into(), tone)] }
    }

    /// A name and its value: `open 3`.
    pub fn named(rank: u8, name: &str, value: impl Into<String>, tone: Tone) -> Self {
        Self { rank, spans: vec![(format!("{name} "), Tone::Dim), (value.into(), tone)] }
    }

    fn width(&self) -> usize {
        self.spans.iter().map(|(text, _)| Span::raw(text.as_str()).width()).sum()
    }
}

/// The pieces that fit into `width`, two spaces apart.
#[must_use]
pub fn strip(mut pieces: Vec<Piece>, theme: Theme, width: u16) -> Line<'static> {
    const GAP: usize = 2;
    while pieces.iter().map(|piece| piece.width() + GAP).sum::<usize>() > usize::from(width) + GAP {
        let Some(rank) = pieces.iter().map(|piece| piece.rank).max().filter(|rank| *rank > 0) else { break };
        let Some(last) = pieces.iter().rposition(|piece| piece.rank == rank) else { break };
        pieces.remove(last);
    }
    let mut spans = Vec::new();
    for piece in pieces {
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        spans.extend(piece.spans.into_iter().map(|(text, tone)| Span::styled(plain(&text), theme.style(tone))));
    }
    Line::from(spans)
}

/// `text` in lines of at most `width` cells, broken at spaces if there are any.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in plain(text).split_whitespace() {
        let mut word = word;
        if !line.is_empty() && cells::width(&line) + 1 + cells::width(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while cells::width(word) > width {
            let (part, rest) = match cells::split(word, width) {
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
    fn text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語 模块", 5), ["日本", "語", "模块"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_matters_least_goes_first() {
        let pieces = vec![
            Piece::new(0, "lost 3", Tone::Bad),
            Piece::new(2, "requests 12", Tone::Plain),
            Piece::new(1, "open 1", Tone::Plain),
        ];
        assert_eq!(strip(pieces.clone(), Theme::Monochrome, 80).to_string(), "lost 3  requests 12  open 1");
        assert_eq!(strip(pieces.clone(), Theme::Monochrome, 20).to_string(), "lost 3  open 1");
        assert_eq!(strip(pieces, Theme::Monochrome, 3).to_string(), "lost 3");
    }
}
