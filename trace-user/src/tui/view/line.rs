//! Lines of text assembled from pieces. Pure.

use crate::tui::theme::{Theme, Tone};
pub use modtrail_core::report::cells::wrap;
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

    /// Its cells.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().map(|(text, _)| Span::raw(text.as_str()).width()).sum()
    }
}

/// Blanks between pieces.
pub const GAP: usize = 2;

/// The pieces that fit into `width`, with blanks between them.
#[must_use]
pub fn strip(mut pieces: Vec<Piece>, theme: Theme, width: u16) -> Line<'static> {
    while pieces.iter().map(|piece| piece.width() + GAP).sum::<usize>() > usize::from(width) + GAP {
        let Some(rank) = pieces.iter().map(|piece| piece.rank).max().filter(|rank| *rank > 0) else { break };
        let Some(last) = pieces.iter().rposition(|piece| piece.rank == rank) else { break };
        pieces.remove(last);
    }
    let mut spans = Vec::new();
    for piece in pieces {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        spans.extend(piece.spans.into_iter().map(|(text, tone)| Span::styled(plain(&text), theme.style(tone))));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

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
