//! A document as Markdown, to paste into a bug report: GitHub's and GitLab's, readable as it is in a mail.
//!
//! In: a document. Out: text. Everything that comes in is text, never markup (`Marked`): names that others chose make
//! no links, no mentions of people and no references to issues.

use super::document::{Block, Cell, Document, Fit, Item, Table};
use super::plain::Plain;
use std::fmt::{self, Display, Write as _};

/// Text in which nothing is markup.
struct Marked<'t>(&'t Plain);

impl Display for Marked<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        let mut before = ' ';
        for (place, character) in text.char_indices() {
            let after = text.get(place + character.len_utf8()..).and_then(|rest| rest.chars().next());
            match character {
                // They begin a list or a heading.
                '-' | '+' | '=' if place == 0 && after.is_some() => write!(out, "\\{character}")?,
                // Within a word it is not emphasis.
                '_' if before.is_alphanumeric() && after.is_some_and(char::is_alphanumeric) => out.write_char('_')?,
                '\\' | '`' | '*' | '_' | '[' | '<' | '>' | '|' | '~' | '$' => write!(out, "\\{character}")?,
                '&' => out.write_str("&amp;")?,
                // A comment keeps the sites from making a mention, a reference or a link of what follows.
                '@' | '#' | '!' if !before.is_alphanumeric() => write!(out, "{character}<!-- -->")?,
                '/' if before == ':' => out.write_str("<!-- -->/")?,
                '.' if before == 'w' || before == 'W' => out.write_str("<!-- -->.")?,
                _ => out.write_char(character)?,
            }
            before = character;
        }
        Ok(())
    }
}

/// The text.
#[must_use]
pub fn text(document: &Document) -> String {
    let mut out = format!("## {}\n", Marked(&document.title));
    for line in &document.head {
        put(&mut out, format_args!("\n{}", Marked(line)));
    }
    for part in &document.parts {
        put(&mut out, format_args!("\n### {}", Marked(&part.name)));
        part.blocks.iter().for_each(|block| write_block(&mut out, block));
    }
    out
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Words(words) => put(out, format_args!("\n{}", Marked(words))),
        Block::Items(items) => {
            out.push('\n');
            items.iter().for_each(|item| write_item(out, item));
        }
        Block::Table(table) => write_table(out, table),
        Block::Fixed(lines) => write_fixed(out, lines),
        Block::Timeline(_) => {}
    }
}

fn write_item(out: &mut String, item: &Item) {
    put(out, format_args!("- {}", Marked(&item.words)));
    for more in &item.more {
        put(out, format_args!("  - {}", Marked(more)));
    }
}

fn write_table(out: &mut String, table: &Table) {
    let headings: Vec<&str> = table.columns.iter().map(|column| column.heading).collect();
    let rules = table.columns.iter().map(|column| if column.fit == Fit::Number { "---:" } else { "---" });
    put(out, format_args!("\n| {} |", headings.join(" | ")));
    put(out, format_args!("| {} |", rules.collect::<Vec<_>>().join(" | ")));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|Cell { text, .. }| Marked(text).to_string()).collect();
        put(out, format_args!("| {} |", cells.join(" | ")));
    }
    if table.left_out > 0 {
        put(out, format_args!("\nand {} more", table.left_out));
    }
}

/// Lines in a fence that is longer than any row of backticks in them.
fn write_fixed(out: &mut String, lines: &[Plain]) {
    let mut longest = 2;
    for line in lines {
        let runs = line.as_str().split(|character| character != '`').map(str::len);
        longest = runs.fold(longest, usize::max);
    }
    let fence = "`".repeat(longest + 1);
    put(out, format_args!("\n{fence}text"));
    lines.iter().for_each(|line| put(out, format_args!("{line}")));
    put(out, format_args!("{fence}"));
}

/// Writing to a string cannot fail.
fn put(out: &mut String, line: fmt::Arguments<'_>) {
    let _ = writeln!(out, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> String {
        Marked(&text.into()).to_string()
    }

    #[test]
    fn nothing_that_comes_in_is_markup() {
        assert_eq!(marked("net-pf-29 (AF_CAN)"), "net-pf-29 (AF_CAN)");
        assert_eq!([marked("_a_"), marked("__a__b"), marked("-")], [r"\_a\_", r"\_\_a\_\_b", "-"]);
        assert_eq!(marked("<img src=x>|`a`*b*"), r"\<img src=x\>\|\`a\`\*b\*");
        assert_eq!(marked("[a](http://b)"), r"\[a](http:<!-- -->//b)");
        assert_eq!(marked("www.evil.test"), "www<!-- -->.evil.test");
        assert_eq!(marked("- a - b"), r"\- a - b");
        assert_eq!(marked("&lt;"), "&amp;lt;");
        assert_eq!(marked("@everyone see #12, getty@tty1"), "@<!-- -->everyone see #<!-- -->12, getty@tty1");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let mut out = String::new();
        write_fixed(&mut out, &["a".into(), "```` b".into()]);
        assert_eq!(out, "\n`````text\na\n```` b\n`````\n");
    }
}
