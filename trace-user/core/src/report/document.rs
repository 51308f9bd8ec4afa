//! What a report says, before it has a form: parts of words, lists and tables. Text, Markdown and HTML are made of it.
//!
//! In: words, which are spelt out when they come in ([`Plain`]), so that no form can forget it. Out: values.

use super::plain::Plain;
use super::timeline::Timeline;
use trace_common::time::Nanos;

/// A whole report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What it is about, in a few words.
    pub title: Plain,
    /// The lines before the first part, the most important first.
    pub head: Vec<Plain>,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part with a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The heading.
    pub name: Plain,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Words(Plain),
    /// Things, each with a sentence.
    Items(Vec<Item>),
    /// Rows of cells.
    Table(Table),
    /// Lines whose spaces count.
    Fixed(Vec<Plain>),
    /// Bars along the time: only HTML shows them.
    Timeline(Timeline),
}

/// One thing of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The sentence.
    pub words: Plain,
    /// More about it, each on a line of its own.
    pub more: Vec<Plain>,
}

/// Rows of cells below headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What stands in each column.
    pub columns: Vec<Column>,
    /// The rows, each with a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that there is no room for.
    pub left_out: usize,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub heading: &'static str,
    /// What it does if there is too little room.
    pub fit: Fit,
}

/// How a column uses its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// To the right, always whole.
    Number,
    /// To the left, always whole.
    Word,
    /// To the left, cut if there is too little room.
    Name,
    /// To the left, in more lines if there is too little room.
    Words,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands in it.
    pub text: Plain,
    /// What it is sorted by; `None`: by its text.
    pub rank: Option<u64>,
}

impl Part {
    /// A part with this heading; `None` if there is nothing in it.
    #[must_use]
    pub fn of(name: impl Into<Plain>, blocks: impl IntoIterator<Item = Block>) -> Option<Self> {
        let blocks: Vec<Block> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
        (!blocks.is_empty()).then(|| Self { name: name.into(), blocks })
    }
}

impl Block {
    /// A paragraph.
    #[must_use]
    pub fn words(text: impl Into<Plain>) -> Self {
        Self::Words(text.into())
    }

    /// A list of sentences, of which as many are shown as there is room for.
    #[must_use]
    pub fn items(items: impl IntoIterator<Item = Item>, extent: Extent) -> Self {
        let mut items = items.into_iter();
        let mut shown: Vec<Item> = items.by_ref().take(extent.rows).collect();
        let more = items.count();
        shown.extend((more > 0).then(|| Item::of(format!("and {more} more"))));
        Self::Items(shown)
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Words(text) => text.as_str().is_empty(),
            Self::Items(items) => items.is_empty(),
            Self::Table(table) => table.rows.is_empty(),
            Self::Fixed(lines) => lines.is_empty(),
            Self::Timeline(timeline) => timeline.bars.is_empty(),
        }
    }
}

impl Item {
    /// A sentence alone.
    #[must_use]
    pub fn of(words: impl Into<Plain>) -> Self {
        Self { words: words.into(), more: Vec::new() }
    }

    /// A sentence and what follows from it.
    #[must_use]
    pub fn with(words: impl Into<Plain>, more: impl Into<Plain>) -> Self {
        Self { words: words.into(), more: vec![more.into()] }
    }
}

impl Table {
    /// A table of as many of these rows as there is room for.
    #[must_use]
    pub fn of<const N: usize>(
        columns: [(&'static str, Fit); N],
        rows: impl IntoIterator<Item = [Cell; N]>,
        extent: Extent,
    ) -> Block {
        let columns = columns.map(|(heading, fit)| Column { heading, fit });
        let mut rows = rows.into_iter();
        let shown = rows.by_ref().take(extent.rows).map(Vec::from).collect();
        Block::Table(Self { columns: columns.into(), rows: shown, left_out: rows.count() })
    }
}

impl Cell {
    /// Words.
    #[must_use]
    pub fn of(text: impl Into<Plain>) -> Self {
        Self { text: text.into(), rank: None }
    }

    /// A number; zero is left out, so that what is not zero is seen.
    #[must_use]
    pub fn some(number: u64) -> Self {
        Self { text: if number == 0 { Plain::default() } else { number.to_string().into() }, rank: Some(number) }
    }

    /// A number.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self { text: number.to_string().into(), rank: Some(number) }
    }

    /// A duration; `-` if it is not known.
    #[must_use]
    pub fn time(time: Option<Nanos>) -> Self {
        let text = time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        Self { text: text.into(), rank: Some(time.map_or(0, Nanos::as_nanos)) }
    }
}

/// How much a form has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Rows of each table and list.
    pub rows: usize,
    /// Bars of a timeline.
    pub bars: usize,
}

impl Extent {
    /// For a terminal, and to paste into a bug report.
    pub const SHORT: Self = Self { rows: 10, bars: 0 };
    /// For a page that can be searched and sorted.
    pub const LONG: Self = Self { rows: 1_000, bars: 2_000 };
}
