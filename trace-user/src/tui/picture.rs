//! A screen as a picture: SVG, with the colours that a terminal of 256 colours shows.
//!
//! In: cells. Out: text of an SVG file; the same cells give the same bytes.

use modtrail_core::report::cells;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

/// The width and height of a cell, in pixels: an eighth of each is whole.
const CELL: (usize, usize) = (8, 16);
/// Where text stands above the lower edge of its cell.
const DESCENT: usize = 4;
/// Text and background of what has no colour of its own.
const USUAL: [Rgb; 2] = [Rgb(0xd0, 0xd0, 0xd0), Rgb(0x1c, 0x1c, 0x1c)];

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

/// How a cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    text: Rgb,
    background: Rgb,
    is_bold: bool,
    is_underlined: bool,
    /// It is a block instead of text: the eighths that it fills from the left, and from below.
    block: Option<(usize, usize)>,
}

/// Cells of one look beside each other.
#[derive(Debug)]
struct Run {
    begin: usize,
    width: usize,
    text: String,
    look: Look,
}

/// The picture, with a title for those who cannot see it.
#[must_use]
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let columns = usize::from(buffer.area.width);
    let (width, height) = (columns * CELL.0, usize::from(buffer.area.height) * CELL.1);
    let background = buffer.content().last().map_or(USUAL[1], |cell| look(cell).background);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"13\" \
         role=\"img\">\n<title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
        escaped(title),
        background.hex()
    );
    for (row, line) in buffer.content().chunks(columns.max(1)).enumerate() {
        runs(line).iter().for_each(|run| draw(run, row, background, &mut out));
    }
    out.push_str("</svg>\n");
    out
}

/// The cells of a line, put together by their looks.
fn runs(line: &[Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while let Some(cell) = line.get(column) {
        let (look, width) = (look(cell), cells::width(cell.symbol()).max(1));
        match runs.last_mut() {
            // What fills a part of its cell from the left is one of its own.
            Some(run) if run.look == look && look.block.is_none_or(|(across, _)| across == 8) => {
                run.text.push_str(cell.symbol());
                run.width += width;
            }
            Some(_) | None => runs.push(Run { begin: column, width, text: cell.symbol().to_owned(), look }),
        }
        column += width;
    }
    runs
}

fn draw(run: &Run, row: usize, background: Rgb, out: &mut String) {
    let Run { begin, width, text, look } = run;
    let (x, y, width) = (begin * CELL.0, row * CELL.1, width * CELL.0);
    // Writing to a string does not fail.
    if look.background != background {
        let fill = look.background.hex();
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{fill}\"/>", CELL.1);
    }
    let fill = look.text.hex();
    if let Some((across, up)) = look.block {
        let (width, height) = (width * across / 8, CELL.1 * up / 8);
        let y = y + CELL.1 - height;
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>");
        return;
    }
    let weight = if look.is_bold { " font-weight=\"bold\"" } else { "" };
    let line = if look.is_underlined { " text-decoration=\"underline\"" } else { "" };
    let y = y + CELL.1 - DESCENT;
    for (column, part) in parts(text) {
        let (x, length) = (x + column * CELL.0, cells::width(part) * CELL.0);
        let part = escaped(part);
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" fill=\"{fill}\"{weight}{line}>{part}</text>"
        );
    }
}

/// The parts of text with more than a blank between them, each with its column: what stands below each other does so
/// in every font.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut column = 0;
    for part in text.split("  ") {
        let shown = part.trim();
        let before = cells::width(part) - cells::width(part.trim_start());
        if !shown.is_empty() {
            parts.push((column + before, shown));
        }
        column += cells::width(part) + 2;
    }
    parts
}

/// The eighths of its cell that a block fills, from the left and from below.
fn block(symbol: &str) -> Option<(usize, usize)> {
    let symbol = symbol.chars().next()?;
    let eighths = |first: char| (symbol as usize).saturating_sub(first as usize);
    match symbol {
        '▁'..='█' => Some((8, 1 + eighths('▁'))),
        '▉'..='▏' => Some((7 - eighths('▉'), 8)),
        _ => None,
    }
}

fn look(cell: &Cell) -> Look {
    let (text, background) = (rgb(cell.fg).unwrap_or(USUAL[0]), rgb(cell.bg).unwrap_or(USUAL[1]));
    let is_reversed = cell.modifier.contains(Modifier::REVERSED);
    let (text, background) = if is_reversed { (background, text) } else { (text, background) };
    Look {
        text,
        background,
        is_bold: cell.modifier.contains(Modifier::BOLD),
        is_underlined: cell.modifier.contains(Modifier::UNDERLINED),
        block: block(cell.symbol()),
    }
}

/// The colour that a terminal shows; `None` if it is the terminal's own choice.
fn rgb(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(red, green, blue) => Some(Rgb(red, green, blue)),
        Color::Indexed(number @ 16..=231) => {
            // A cube of six steps each.
            let step = |place: u8| if place == 0 { 0 } else { 55 + 40 * place };
            let number = number - 16;
            Some(Rgb(step(number / 36), step(number / 6 % 6), step(number % 6)))
        }
        Color::Indexed(number @ 232..) => {
            let grey = 8 + 10 * (number - 232);
            Some(Rgb(grey, grey, grey))
        }
        Color::Indexed(0..16)
        | Color::Reset
        | Color::Black
        | Color::Red
        | Color::Green
        | Color::Yellow
        | Color::Blue
        | Color::Magenta
        | Color::Cyan
        | Color::Gray
        | Color::DarkGray
        | Color::LightRed
        | Color::LightGreen
        | Color::LightYellow
        | Color::LightBlue
        | Color::LightMagenta
        | Color::LightCyan
        | Color::White => None,
    }
}

impl Rgb {
    fn hex(self) -> String {
        let Self(red, green, blue) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn cells_of_one_look_are_one_text_at_their_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_style(buffer.area, Style::new().bg(Color::Indexed(234)));
        buffer.set_string(0, 0, " a<b  c", Style::new().fg(Color::Indexed(196)));
        buffer.set_string(0, 1, "日x", Style::new().add_modifier(Modifier::REVERSED));
        buffer.set_string(3, 1, "▂▂▌", Style::new());
        let picture = svg(&buffer, "a & b");
        let expected = [
            "<title>a &amp; b</title>",
            "<rect width=\"64\" height=\"32\" fill=\"#1c1c1c\"/>",
            "<text x=\"8\" y=\"12\" textLength=\"24\" fill=\"#ff0000\">a&lt;b</text>",
            "<text x=\"48\" y=\"12\" textLength=\"8\" fill=\"#ff0000\">c</text>",
            "<rect x=\"0\" y=\"16\" width=\"24\" height=\"16\" fill=\"#d0d0d0\"/>",
            "<text x=\"0\" y=\"28\" textLength=\"24\" fill=\"#1c1c1c\">日x</text>",
            "<rect x=\"24\" y=\"28\" width=\"16\" height=\"4\" fill=\"#d0d0d0\"/>",
            "<rect x=\"40\" y=\"16\" width=\"4\" height=\"16\" fill=\"#d0d0d0\"/>",
        ];
        let found: Vec<&str> = picture.lines().filter(|line| expected.contains(line)).collect();
        assert_eq!(found, expected, "{picture}");
        assert_eq!(picture.lines().count(), expected.len() + 2);
    }

    #[test]
    fn colours_are_those_of_a_terminal() {
        let hex = |color| rgb(color).map(Rgb::hex);
        assert_eq!(hex(Color::Indexed(16)).as_deref(), Some("#000000"));
        assert_eq!(hex(Color::Indexed(208)).as_deref(), Some("#ff8700"));
        assert_eq!(hex(Color::Indexed(231)).as_deref(), Some("#ffffff"));
        assert_eq!(hex(Color::Indexed(255)).as_deref(), Some("#eeeeee"));
        assert_eq!(hex(Color::Red), None);
    }
}
