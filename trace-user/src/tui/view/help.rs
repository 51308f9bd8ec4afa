//! The help: the keys in force, the filter, and a glossary. It is longer than most screens and scrolls.
//!
//! In: the state. Out: text over the body.

use super::line::wrap;
use super::list::scroll_bar;
use crate::tui::format;
use crate::tui::glossary::{COLUMNS, Entry, PHASES, THINGS};
use crate::tui::state::UiState;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::entities::Verdict;
use modtrail_core::explain::pages::page;
use modtrail_core::findings::Kind;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

/// Cells of the keys, and of the words of the glossary.
const NAME: usize = 22;

/// Draws it from line `scroll` on.
pub fn draw(state: &UiState, scroll: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let [text, bar] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let lines = lines(state, theme, text.width);
    let height = usize::from(area.height);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    scroll_bar(lines.len(), scroll, theme, bar, buffer);
    Paragraph::new(lines.into_iter().skip(scroll).take(height).collect::<Vec<_>>()).render(text, buffer);
}

/// How many lines it has.
#[must_use]
pub fn height(state: &UiState, area: Rect) -> usize {
    lines(state, Theme::Monochrome, area.width.saturating_sub(1)).len()
}

/// The line on which this verdict or finding is explained.
#[must_use]
pub fn line_of(state: &UiState, area: Rect, name: &str) -> usize {
    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == name).map(Verdict::words);
    let begin = format!(" {} ", verdict.unwrap_or(name));
    let lines = lines(state, Theme::Monochrome, area.width.saturating_sub(1));
    // Columns are explained before, and may have the same name.
    lines.iter().rposition(|line| line.to_string().starts_with(&begin)).unwrap_or_default()
}

fn lines(state: &UiState, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let mut text = Text { theme, width: usize::from(width), lines: Vec::new() };
    text.heading("keys");
    for (binding, keys) in state.settings.keymap.all().filter(|(_, keys)| !keys.is_empty()) {
        text.entry(&keys.join(" "), binding.says, Tone::Accent);
    }
    text.entry(
        "mouse",
        "the wheel moves, a click selects, a second click opens; tabs, headings and keys can be clicked",
        Tone::Accent,
    );
    text.heading("filter");
    text.entry("words", "found in any name of the row; all of them must be", Tone::Accent);
    text.entry("FIELD:VALUE", "contains; = != exactly, ~ regular expression, < <= > >= compare", Tone::Accent);
    text.entry("and or not ( )", "as usual; tab completes fields and words, up and down recall", Tone::Accent);
    let saved = state.settings.filters.all().map(|(name, query)| (format!("@{name}"), query));
    saved.for_each(|(name, query)| text.entry(&name, query, Tone::Accent));
    let fields = state.screen().map_or(&[][..], |screen| screen.fields());
    if !fields.is_empty() {
        let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        text.entry("fields here", &names.join(" "), Tone::Accent);
    }
    text.heading("what is followed");
    text.entries(&THINGS);
    text.heading("columns");
    text.entries(&COLUMNS);
    text.heading("where the time of a request goes");
    text.entries(&PHASES);
    text.heading("verdicts: what happened, and what to do");
    for verdict in Verdict::ALL {
        text.entry(verdict.words(), page(verdict), format::verdict_tone(verdict));
    }
    text.heading("findings");
    for kind in Kind::ALL {
        text.entry(kind.as_str(), kind.page(), Tone::Accent);
    }
    text.lines
}

/// Lines that are put together one by one.
struct Text {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Text {
    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::styled(text.to_owned(), self.theme.style(Tone::Title)));
    }

    fn entries(&mut self, entries: &[Entry]) {
        entries.iter().for_each(|(word, meaning)| self.entry(word, meaning, Tone::Accent));
    }

    fn entry(&mut self, word: &str, meaning: &str, tone: Tone) {
        for (place, part) in wrap(meaning, self.width.saturating_sub(NAME + 2)).into_iter().enumerate() {
            let word = if place == 0 { word } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(format!(" {word:<NAME$} "), self.theme.style(tone)),
                Span::raw(part),
            ]));
        }
    }
}
