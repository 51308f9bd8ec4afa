//! A document as text for a terminal of 80 columns.
//!
//! In: a document. Out: lines. Words are broken at spaces; a name that its column has no room for stands whole below
//! its row.

use super::cells::{self, padded, width, wrap};
use super::document::{Block, Cell, Column, Document, Fit, Item, Table};

/// Cells of a line.
const LINE: usize = 80;
/// Cells before what stands in a part.
const INDENT: usize = 2;
/// Cells between columns.
const GAP: usize = 2;
/// A column of names is never narrower because there is too little room.
const LEAST: usize = 12;
/// A column of words has that many cells at least.
const LEAST_WORDS: usize = 18;

/// The text.
#[must_use]
pub fn text(document: &Document) -> String {
    let mut out = String::new();
    for line in &document.head {
        paragraph(&mut out, line.as_str(), 0, INDENT);
    }
    for part in &document.parts {
        out.push('\n');
        paragraph(&mut out, part.name.as_str(), 0, INDENT);
        for (place, block) in part.blocks.iter().enumerate() {
            if place > 0 && matches!(block, Block::Fixed(_) | Block::Table(_)) {
                out.push('\n');
            }
            write_block(&mut out, block);
        }
    }
    out
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Words(words) => paragraph(out, words.as_str(), INDENT, INDENT),
        Block::Items(items) => items.iter().for_each(|item| write_item(out, item)),
        Block::Table(table) => write_table(out, table),
        Block::Fixed(lines) => lines.iter().for_each(|line| put(out, INDENT, line.as_str())),
        Block::Timeline(_) => {}
    }
}

fn write_item(out: &mut String, item: &Item) {
    paragraph(out, item.words.as_str(), INDENT, INDENT + 2);
    for more in &item.more {
        paragraph(out, more.as_str(), INDENT + 2, INDENT + 4);
    }
}

/// Words in lines, the first with another indent than the others.
fn paragraph(out: &mut String, words: &str, first: usize, others: usize) {
    for (place, line) in wrap(words, LINE - others).iter().enumerate() {
        put(out, if place == 0 { first } else { others }, line);
    }
}

/// A line without blanks at its end.
fn put(out: &mut String, indent: usize, line: &str) {
    let line = format!("{}{line}", " ".repeat(indent));
    out.push_str(line.trim_end());
    out.push('\n');
}

fn write_table(out: &mut String, table: &Table) {
    let widths = widths(table);
    let headings = table.columns.iter().map(|column| column.heading.to_owned()).collect::<Vec<_>>();
    put(out, INDENT, &row(&table.columns, &widths, &headings));
    for cells in &table.rows {
        write_row(out, table, &widths, cells);
    }
    if table.left_out > 0 {
        put(out, INDENT, &format!("and {} more", table.left_out));
    }
}

fn write_row(out: &mut String, table: &Table, widths: &[usize], cells: &[Cell]) {
    let wrapped: Vec<Vec<String>> = (cells.iter().zip(&table.columns).zip(widths))
        .map(|((cell, column), width)| match column.fit {
            Fit::Words => wrap(cell.text.as_str(), *width),
            Fit::Number | Fit::Word | Fit::Name => vec![cells::cut(cell.text.as_str(), *width)],
        })
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for place in 0..height {
        let line: Vec<String> = wrapped.iter().map(|cell| cell.get(place).cloned().unwrap_or_default()).collect();
        put(out, INDENT, &row(&table.columns, widths, &line));
    }
    let is_cut = |(cell, (column, most)): &(&Cell, (&Column, &usize))| {
        column.fit == Fit::Name && width(cell.text.as_str()) > **most
    };
    for (cell, _) in cells.iter().zip(table.columns.iter().zip(widths)).filter(is_cut) {
        // In one piece, however long: it is there to be copied.
        put(out, INDENT + 4, &format!("in full: {}", cell.text));
    }
}

fn row<T: AsRef<str>>(columns: &[Column], widths: &[usize], texts: &[T]) -> String {
    let cells = columns.iter().zip(widths).zip(texts).map(|((column, most), text)| match column.fit {
        Fit::Number => format!("{}{}", " ".repeat(most.saturating_sub(width(text.as_ref()))), text.as_ref()),
        Fit::Word | Fit::Name | Fit::Words => padded(text.as_ref(), *most),
    });
    cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
}

/// The cells of each column: as many as it needs, less if that is more than there are.
fn widths(table: &Table) -> Vec<usize> {
    let columns = table.columns.len();
    let natural = |place: usize| {
        let texts = table.rows.iter().filter_map(|row| row.get(place)).map(|cell| width(cell.text.as_str()));
        let heading = table.columns.get(place).map_or(0, |column| width(column.heading));
        texts.fold(heading, usize::max)
    };
    let mut widths: Vec<usize> = (0..columns).map(natural).collect();
    let room = LINE.saturating_sub(INDENT + GAP * columns.saturating_sub(1));
    for (fit, least) in [(Fit::Words, LEAST_WORDS), (Fit::Name, LEAST)] {
        loop {
            let surplus = widths.iter().sum::<usize>().saturating_sub(room);
            let widest =
                (0..columns).filter(|place| table.columns[*place].fit == fit).max_by_key(|place| widths[*place]);
            let Some(place) = widest.filter(|place| surplus > 0 && widths[*place] > least) else { break };
            widths[place] -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::{Extent, Part};

    fn shown(blocks: Vec<Block>) -> String {
        let parts = vec![Part { name: "a part".into(), blocks }];
        text(&Document { title: "x".into(), head: vec!["the head".into()], parts })
    }

    #[test]
    fn a_table_takes_eighty_columns_and_no_name_is_lost() {
        let long = "pci:v00008086d00001572sv00001028sd00000000bc02sc00i00-and-still-more-of-it";
        let words = "a sentence that is much longer than the room that the other columns of the table leave for it";
        let columns = [("time", Fit::Number), ("alias", Fit::Name), ("what became of it", Fit::Words)];
        let rows = [("1.00s", long, words), ("20.0ms", "\u{65e5}\u{672c}\u{8a9e}", "live")];
        let rows = rows.map(|(time, name, words)| [Cell::of(time), Cell::of(name), Cell::of(words)]);
        let text = shown(vec![Table::of(columns, rows.into_iter().cycle().take(13), Extent::SHORT)]);
        let fits = |line: &str| width(line) <= LINE || line.trim_start().starts_with("in full: ");
        assert!(text.lines().all(|line| fits(line) && !line.ends_with(' ')), "{text}");
        assert!(text.contains(&format!("in full: {long}")) && text.ends_with("  and 3 more\n"), "{text}");
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains("much longer than") && joined.contains("for it"), "{text}");
        let column = |word: &str| text.lines().find_map(|line| line.find(word).map(|at| width(&line[..at])));
        assert_eq!(column("live"), column("what became"), "{text}");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        let item = Item::with("a\u{1b}[2J\nb", "next: \u{202e}c");
        let text = shown(vec![Block::items([item], Extent::SHORT), Block::Fixed(vec!["x\u{9b}y".into()])]);
        assert_eq!(text, "the head\n\na part\n  a\\u{1b}[2J\\nb\n    next: \\u{202e}c\n\n  x\\u{9b}y\n");
    }
}
