//! A page: lines in one column or two, some of which lead to another page or to rows. It is longer than most screens
//! and scrolls; one of the lines that lead somewhere is selected.

use super::line::wrap;
use super::list::{MARK, scroll_bar};
use crate::tui::table::Go;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

/// From this width on, there are two columns.
const TWO_COLUMNS: u16 = 150;
/// The width of the second.
const SECOND: u16 = 60;
/// Cells of a field's name.
const NAME: usize = 12;

/// A line.
#[derive(Clone, Debug)]
pub struct PageLine {
    /// What it shows.
    pub line: Line<'static>,
    /// What it leads to.
    pub go: Option<Go>,
}

impl From<Line<'static>> for PageLine {
    fn from(line: Line<'static>) -> Self {
        Self { line, go: None }
    }
}

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    columns: [Vec<PageLine>; 2],
}

impl Page {
    /// One column.
    #[must_use]
    pub const fn of(lines: Vec<PageLine>) -> Self {
        Self { columns: [lines, Vec::new()] }
    }

    /// Two columns if there is room, else one below the other.
    #[must_use]
    pub fn of_two(mut first: Vec<PageLine>, second: Vec<PageLine>, width: u16) -> Self {
        if width >= TWO_COLUMNS {
            return Self { columns: [first, second] };
        }
        first.push(Line::default().into());
        first.extend(second);
        Self::of(first)
    }

    /// How many lines it has.
    #[must_use]
    pub fn height(&self) -> usize {
        self.columns.iter().map(Vec::len).max().unwrap_or_default()
    }

    /// The lines that lead somewhere, from the top, each with its number from the top.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, &Go)> {
        let mut links: Vec<(usize, &Go)> = Vec::new();
        for column in &self.columns {
            links.extend(column.iter().enumerate().filter_map(|(place, line)| Some((place, line.go.as_ref()?))));
        }
        links.sort_by_key(|(place, _)| *place);
        links
    }

    /// Its text, one column after the other, without the blanks at the ends of lines.
    #[must_use]
    pub fn text(&self) -> Vec<String> {
        let lines = self.columns.iter().flatten();
        lines.map(|line| line.line.to_string().trim_end().to_owned()).collect()
    }

    /// Draws it from line `scroll` on, with the line selected that is the `link`th that leads somewhere.
    pub fn draw(&self, scroll: usize, link: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let [text, bar] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let height = usize::from(area.height);
        let scroll = scroll.min(self.height().saturating_sub(height));
        let chosen = self.links().get(link).copied();
        let has_two = !self.columns[1].is_empty();
        let areas = if has_two { columns(text) } else { [text, Rect::default()] };
        for (lines, area) in self.columns.iter().zip(areas) {
            let shown = lines.iter().skip(scroll).take(height).map(|line| line.line.clone()).collect::<Vec<_>>();
            Paragraph::new(shown).render(area, buffer);
            let is_chosen = |line: &PageLine, place: usize| {
                chosen.is_some_and(|(at, go)| at == place && line.go.as_ref().is_some_and(|own| std::ptr::eq(own, go)))
            };
            let place = lines.iter().enumerate().position(|(place, line)| is_chosen(line, place));
            let visible = place.and_then(|place| place.checked_sub(scroll)).filter(|line| *line < height);
            if let Some(line) = visible.and_then(|line| u16::try_from(line).ok()) {
                let row = Rect::new(area.x, area.y + line, area.width, 1);
                buffer.set_style(row, theme.style(Tone::Selected));
                buffer.set_string(row.x, row.y, MARK, theme.style(Tone::Selected));
            }
        }
        scroll_bar(self.height(), scroll, theme, bar, buffer);
    }
}

/// The widths of the columns of a page that has so much room; the second is zero if there is only one.
#[must_use]
pub fn widths(width: u16) -> [u16; 2] {
    let width = width.saturating_sub(1);
    if width + 1 >= TWO_COLUMNS { columns(Rect::new(0, 0, width, 1)).map(|area| area.width) } else { [width, 0] }
}

fn columns(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Length(SECOND)]).spacing(2).areas(area)
}

/// Lines that are put together one by one.
pub struct Lines {
    /// Its styles.
    pub theme: Theme,
    /// Cells of a line.
    pub width: usize,
    /// The lines.
    pub lines: Vec<PageLine>,
}

impl Lines {
    /// None yet.
    #[must_use]
    pub fn new(theme: Theme, width: u16) -> Self {
        Self { theme, width: usize::from(width), lines: Vec::new() }
    }

    /// A heading, with an empty line before it if it is not the first.
    pub fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default().into());
        }
        self.lines.push(Line::styled(plain(text), self.theme.style(Tone::Title)).into());
    }

    /// Text in as many lines as it needs.
    pub fn text(&mut self, text: &str, tone: Tone) {
        let wrapped = wrap(text, self.width.saturating_sub(1));
        let lines = wrapped.into_iter().map(|line| Line::styled(format!(" {line}"), self.theme.style(tone)).into());
        self.lines.extend(lines);
    }

    /// A name and its value; a value longer than the line continues under itself.
    pub fn field(&mut self, name: &str, value: &str) {
        self.value(name, value, Tone::Plain, None);
    }

    /// The same, and it leads somewhere.
    pub fn link(&mut self, name: &str, value: &str, go: Go) {
        self.value(name, value, Tone::Link, Some(go));
    }

    /// A line of its own that leads somewhere.
    pub fn item(&mut self, text: &str, go: Go) {
        let text = super::super::format::cut(&plain(text), self.width.saturating_sub(1));
        let line = Line::styled(format!(" {text}"), self.theme.style(Tone::Link));
        self.lines.push(PageLine { line, go: Some(go) });
    }

    fn value(&mut self, name: &str, value: &str, tone: Tone, mut go: Option<Go>) {
        for (place, part) in wrap(value, self.width.saturating_sub(NAME)).into_iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            let line = Line::from(vec![
                Span::styled(format!(" {name:<11}"), self.theme.style(Tone::Dim)),
                Span::styled(part, self.theme.style(tone)),
            ]);
            self.lines.push(PageLine { line, go: go.take() });
        }
    }
}
