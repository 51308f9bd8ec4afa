//! A document as one page of HTML that holds all it needs: no network, a dozen lines of script that sort tables.
//!
//! In: a document. Out: HTML. Names that others chose are text by their type: maud escapes whatever is not markup, and
//! the page's policy allows no request to anywhere.

use super::document::{Block, Cell, Document, Fit, Item, Part, Table};
use super::timeline::{Bar, Timeline, Tone};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use trace_common::time::Nanos;

/// What the browser may do: nothing but show the page and run its script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
#[must_use]
pub fn page(document: &Document) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (document.title.as_str()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (document.title.as_str()) }
                @for line in &document.head {
                    p class="head" { (line.as_str()) }
                }
                nav {
                    @for (place, part) in document.parts.iter().enumerate() {
                        a href={ "#part-" (place) } { (part.name.as_str()) } " "
                    }
                }
                @for (place, of) in document.parts.iter().enumerate() {
                    (part(place, of))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn part(place: usize, part: &Part) -> Markup {
    html! {
        section id={ "part-" (place) } {
            h2 { (part.name.as_str()) }
            @for of in &part.blocks {
                (block(of))
            }
        }
    }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Words(words) => html! { p { (words.as_str()) } },
        Block::Items(items) => html! { ul { @for of in items { (item(of)) } } },
        Block::Table(of) => table(of),
        Block::Fixed(lines) => html! { pre { @for line in lines { (line.as_str()) "\n" } } },
        Block::Timeline(of) => timeline(of),
    }
}

fn item(item: &Item) -> Markup {
    html! {
        li {
            (item.words.as_str())
            @for more in &item.more {
                div class="more" { (more.as_str()) }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    let side = |place: usize| table.columns.get(place).filter(|column| column.fit == Fit::Number).map(|_| "number");
    html! {
        div class="wide" {
            table {
                thead {
                    tr { @for (place, column) in table.columns.iter().enumerate() {
                        th class=[side(place)] { (column.heading) }
                    } }
                }
                tbody {
                    @for row in &table.rows {
                        tr { @for (place, Cell { text, rank }) in row.iter().enumerate() {
                            td class=[side(place)] data-rank=[rank] { (text.as_str()) }
                        } }
                    }
                }
            }
        }
        @if table.left_out > 0 {
            p { "and " (table.left_out) " more" }
        }
    }
}

/// Units of the picture's width.
const WIDTH: u64 = 1_000;
/// Units of a lane's height.
const LANE: usize = 14;
/// Marks along the time.
const MARKS: u64 = 5;

fn timeline(timeline: &Timeline) -> Markup {
    let height = timeline.lanes * LANE;
    let from = timeline.from.as_deref().unwrap_or("an unknown instant");
    let marks = (0..=MARKS).map(|mark| (WIDTH * mark / MARKS, share(timeline.length, mark)));
    html! {
        svg viewBox={ "-5 0 " (WIDTH + 10) " " (height + 20) } role="img" aria-label="requests along the time" {
            @for (x, at) in marks {
                line class="mark" x1=(x) x2=(x) y1="0" y2=(height) {}
                text x=(x) y=(height + 14) text-anchor="middle" { (at.to_string()) }
            }
            @for of in &timeline.bars {
                (bar(of, timeline.length))
            }
        }
        p class="more" {
            "Time runs from " (from) " to the right. "
            @if timeline.left_out > 0 { (timeline.left_out) " shorter requests are left out." }
        }
    }
}

fn bar(bar: &Bar, length: Nanos) -> Markup {
    let tone = match bar.tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Neutral => "neutral",
    };
    let [x, width] = [bar.begins, bar.lasts].map(|time| units(time, length));
    html! {
        rect class=(tone) x=(x) y=(bar.lane * LANE + 1) width=(width.max(2)) height=(LANE - 2) {
            title { (bar.words.as_str()) }
        }
    }
}

/// A time as a part of the picture's width.
fn units(time: Nanos, length: Nanos) -> u64 {
    let whole = u128::from(length.as_nanos()).max(1);
    u64::try_from(u128::from(time.as_nanos()) * u128::from(WIDTH) / whole).unwrap_or(WIDTH)
}

/// The time at a mark.
fn share(length: Nanos, mark: u64) -> Nanos {
    Nanos::new(u64::try_from(u128::from(length.as_nanos()) * u128::from(mark) / u128::from(MARKS)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::Extent;

    #[test]
    fn names_that_others_chose_are_text_everywhere() {
        let hostile = "\"><script>alert(1)</script>&\u{202e}'";
        let bar = Bar { words: hostile.into(), tone: Tone::Bad, lane: 0, begins: Nanos::ZERO, lasts: Nanos::new(5) };
        let bars = Timeline { from: None, length: Nanos::new(5), bars: vec![bar], lanes: 1, left_out: 1 };
        let blocks = [
            Block::words(hostile),
            Block::items([Item::with(hostile, hostile)], Extent::SHORT),
            Table::of([("name", Fit::Name)], [[Cell::of(hostile)]], Extent::SHORT),
            Block::Fixed(vec![hostile.into()]),
            Block::Timeline(bars),
        ];
        let parts = Part::of(hostile, blocks).into_iter().collect();
        let document = Document { title: hostile.into(), head: vec![hostile.into()], parts };
        let page = page(&document);
        let escaped = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\u{202e}'";
        // The title twice, the head, the heading twice, and each block.
        assert_eq!(page.matches(escaped).count(), 11, "{page}");
        assert_eq!((page.matches("<script>").count(), page.matches("alert(1)").count()), (1, 11), "{page}");
        assert!(!page.contains("http:") && !page.contains("https:"), "it asks for nothing");
    }

    #[test]
    fn cells_are_sorted_by_their_numbers() {
        let time = Cell::time(Some(Nanos::from_millis(2)));
        let Block::Table(of) = Table::of([("time", Fit::Number)], [[time]], Extent::SHORT) else { panic!("a table") };
        let shown = table(&of).into_string();
        assert!(shown.contains("<td class=\"number\" data-rank=\"2000000\">2.00ms</td>"), "{shown}");
    }
}
