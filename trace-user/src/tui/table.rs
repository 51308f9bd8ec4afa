//! What a list of the dashboard consists of: one kind of item, its columns, its fields, and the description of one
//! item.
//!
//! In: a model. Out: items by reference, cells, keys to sort by. A screen is a [`Table`]; filtering, sorting, selecting
//! and drawing are written once, for every table.

use super::derived::Derived;
use super::format;
pub use super::go::{Go, Target};
use super::row::{self, Form};
use super::theme::Tone;
use super::world::World;
use modtrail_core::entities::Timed;
use modtrail_core::event::{Captured, Comm, Task};
use modtrail_core::model::Model;
use modtrail_core::query::{Field, Row};
use modtrail_core::report::plain as text;
use std::fmt::Debug;
use trace_common::ids::Tgid;
use trace_common::time::Nanos;

/// One kind of item, as a list shows it.
pub trait Table: Copy + Debug + Send + 'static {
    /// What a row shows.
    type Item: Row + 'static;
    /// What holds the items.
    type Store: Store;
    /// What identifies an item for as long as the model keeps it.
    type Id: Copy + Ord + Debug + Send;

    /// The title of its tab.
    const TITLE: &'static str;
    /// What one of its rows is, in a word or two.
    const ONE: &'static str;
    /// What the list shows while it has no rows.
    const EMPTY: &'static str;
    /// The columns, in order. The list opens sorted by the first that has an order.
    const COLUMNS: &'static [Column<Self::Item>];
    /// The fields that a filter knows.
    const FIELDS: &'static [Field];
    /// Whether the newest come first when the list opens.
    const NEWEST_FIRST: bool = true;
    /// Lines below the list that describe the selected item.
    const DESCRIPTION: u16 = 0;
    /// Whether the header shows how many items there are. The list is then fresh even if it is not shown.
    const IN_HEADER: bool = false;
    /// Whether the source has to count what tracing costs while the list is shown.
    const SHOWS_COSTS: bool = false;

    /// Every item; ids that are [`Order::Own`] rise.
    fn items(store: &Self::Store) -> Box<dyn DoubleEndedIterator<Item = &Self::Item> + '_>;
    /// How many there are.
    fn count(store: &Self::Store) -> usize;
    /// An item's id.
    fn id(item: &Self::Item) -> Self::Id;
    /// The item with this id.
    fn find(store: &Self::Store, id: Self::Id) -> Option<&Self::Item>;
    /// Lines about one item; `None` if [`Table::DESCRIPTION`] is zero.
    fn describe(_world: &World<'_>, _item: &Self::Item) -> Option<Description> {
        None
    }
    /// An item as a line of text.
    fn text(world: &World<'_>, item: &Self::Item) -> String {
        let cells = Self::COLUMNS.iter().map(|column| text::plain(&(column.cell)(world, item).0));
        cells.collect::<Vec<_>>().join("  ")
    }
    /// An item as a line of JSON.
    fn json(world: &World<'_>, item: &Self::Item) -> String {
        row::facts(world, item)
    }
    /// The page that opens for an item; `None` if neither the item nor what it belongs to has one.
    fn open(_model: &Model, _item: &Self::Item) -> Option<Target> {
        None
    }
}

/// What holds the items of a table: the model, or what is computed from it.
pub trait Store: Clone + Debug + 'static {
    /// What a list keeps of it.
    type Kept: Clone + Debug + Default + Send;

    /// Takes over what was computed again since; returns whether anything was.
    fn refresh(kept: &mut Self::Kept, model: &Model, derived: &Derived) -> bool;
    /// The store.
    fn of<'m>(model: &'m Model, kept: &'m Self::Kept) -> &'m Self;
}

impl Store for Model {
    type Kept = ();

    fn refresh((): &mut (), _model: &Model, _derived: &Derived) -> bool {
        false
    }

    fn of<'m>(model: &'m Model, (): &'m ()) -> &'m Self {
        model
    }
}

/// A cell: its text and its tone.
pub type Cell = (String, Tone);

/// A title and the lines under it.
#[derive(Debug)]
pub struct Description {
    /// The title.
    pub title: String,
    /// The lines, each with its tone.
    pub lines: Vec<Cell>,
}

/// What items are sorted by; what was not seen comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key<'m> {
    /// Not seen.
    Absent,
    /// A number, a duration, an instant, a place in an order.
    Number(u64),
    /// Text of the model.
    Text(&'m str),
    /// Text made for sorting.
    Owned(String),
    /// A task by its name, then its pid.
    Task(Comm, Tgid),
}

/// How a list can be sorted by a column.
pub enum Order<I: 'static> {
    /// It cannot.
    None,
    /// In the model's order: ids rise.
    Own,
    /// By a key that changes only with the model.
    By(fn(&Model, &I) -> Key<'static>),
    /// By text of the model.
    Text(for<'m> fn(&'m I) -> Key<'m>),
    /// By a key that changes with time while something is open.
    Growing(fn(&Model, &I) -> Key<'static>),
}

/// How cells are aligned in their column, and how long ones are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text: at the left, cut at the end.
    Left,
    /// Numbers and durations: at the right, so that units align.
    Right,
    /// `comm[pid]`: at the left; the name is cut, the pid stays.
    Task,
}

/// A column.
pub struct Column<I: 'static> {
    /// Its heading.
    pub heading: &'static str,
    /// Cells it needs to be useful.
    pub width: u16,
    /// Cells more that it can use.
    pub more: u16,
    /// If room is short, the highest goes first.
    pub rank: u8,
    /// How its cells are aligned.
    pub align: Align,
    /// The heading is that of instants, with their unit.
    pub is_instant: bool,
    /// An item's cell.
    pub cell: fn(&World<'_>, &I) -> Cell,
    /// How the list is sorted by it.
    pub order: Order<I>,
    /// The largest come first when the list is sorted by it.
    pub largest_first: bool,
    /// The fields whose values it shows as text.
    pub shows: &'static [Field],
}

impl<I> Clone for Order<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Order<I> {}

impl<I> Clone for Column<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Column<I> {}

impl<I> Column<I> {
    /// A column of text that the list cannot be sorted by.
    pub const fn new(heading: &'static str, size: (u16, u16), rank: u8, cell: fn(&World<'_>, &I) -> Cell) -> Self {
        let (width, more) = size;
        Self {
            heading,
            width,
            more,
            rank,
            align: Align::Left,
            is_instant: false,
            cell,
            order: Order::None,
            largest_first: false,
            shows: &[],
        }
    }

    /// A column of numbers or durations.
    pub const fn right(self) -> Self {
        Self { align: Align::Right, largest_first: true, ..self }
    }

    /// A column of tasks.
    pub const fn tasks(self) -> Self {
        Self { align: Align::Task, ..self }
    }

    /// A column of instants.
    pub const fn instants(self) -> Self {
        Self { is_instant: true, largest_first: true, ..self }
    }

    /// Showing the values of these fields as text.
    pub const fn shows(self, fields: &'static [Field]) -> Self {
        Self { shows: fields, ..self }
    }

    /// Sorted this way.
    pub const fn sorted(self, order: Order<I>) -> Self {
        Self { order, ..self }
    }

    /// Whether the list can be sorted by it.
    pub const fn sorts(&self) -> bool {
        !matches!(self.order, Order::None)
    }

    /// Characters it needs, with room for the arrow beside its heading if the list `is_sorted` by it.
    fn needs(&self, is_sorted: bool) -> u16 {
        let heading = u16::try_from(self.heading.chars().count()).unwrap_or(u16::MAX);
        if is_sorted { self.width.max(heading.saturating_add(1)) } else { self.width }
    }
}

impl<I: Timed> Column<I> {
    /// When things began: the model's order.
    pub const fn began(rank: u8) -> Self {
        let column = Self::new("time", (12, 0), rank, |model, item| plain(format::instant(model, item.began())));
        column.instants().sorted(Order::Own)
    }

    /// How long things took, or have been open.
    pub const fn total(rank: u8) -> Self {
        let order = Order::Growing(|model, item: &I| Key::time(item.age(model.now())));
        Self::new("total", (7, 0), rank, total).right().sorted(order)
    }
}

/// What is wanted of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// It is shown if there is room.
    #[default]
    Auto,
    /// It is shown if there is any room at all.
    Always,
    /// It is not shown.
    Never,
}

impl Choice {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Always,
            Self::Always => Self::Never,
            Self::Never => Self::Auto,
        }
    }
}

/// The columns that fit into `width`, by their places, each with its number of characters: as many columns as fit; then
/// the room that is left goes to those that can use it, from the left. `sorted`: the column that the list is sorted by;
/// `choice`: what is wanted of each. If none is wanted, all are.
#[must_use]
pub fn fit<I>(columns: &[Column<I>], sorted: usize, choice: impl Fn(usize) -> Choice, width: u16) -> Vec<(usize, u16)> {
    let mut kept: Vec<(usize, &Column<I>)> = columns.iter().enumerate().collect();
    if kept.iter().any(|(place, _)| choice(*place) != Choice::Never) {
        kept.retain(|(place, _)| choice(*place) != Choice::Never);
    }
    let need = |(place, column): &(usize, &Column<I>)| column.needs(*place == sorted);
    let needed = |kept: &[(usize, &Column<I>)]| {
        let gaps = u16::try_from(kept.len().saturating_sub(1)).unwrap_or(u16::MAX);
        kept.iter().fold(gaps, |sum, column| sum.saturating_add(need(column)))
    };
    while needed(&kept) > width && kept.len() > 1 {
        let rank =
            |(place, column): &(usize, &Column<I>)| if choice(*place) == Choice::Always { 0 } else { column.rank };
        let Some(highest) = kept.iter().map(rank).max() else { break };
        let Some(last) = kept.iter().rposition(|column| rank(column) == highest) else { break };
        kept.remove(last);
    }
    let mut room = width.saturating_sub(needed(&kept));
    let mut fitted: Vec<(usize, &Column<I>, u16)> =
        kept.into_iter().map(|(place, column)| (place, column, need(&(place, column)))).collect();
    let mut used = true;
    while room > 0 && used {
        used = false;
        for (_, column, given) in &mut fitted {
            // The more a column can use, the more it gets in each round.
            let wanted = column.width.saturating_add(column.more).saturating_sub(*given);
            let more = wanted.min(1 + column.more / 16).min(room);
            *given += more;
            room -= more;
            used |= more > 0;
        }
    }
    fitted.into_iter().map(|(place, _, given)| (place, given)).collect()
}

/// An item as a line.
#[must_use]
pub fn line<T: Table>(world: &World<'_>, item: &T::Item, form: Form) -> String {
    match form {
        Form::Text => T::text(world, item),
        Form::Json => T::json(world, item),
    }
}

/// A duration, or a dash for one that was not seen.
#[must_use]
pub fn duration(duration: Option<Nanos>) -> Cell {
    duration.map_or_else(dash, |duration| (duration.to_string(), Tone::Plain))
}

/// How long something has been open; what is stalled stands out, and not by its colour alone.
#[must_use]
pub fn age(world: &World<'_>, age: Nanos) -> Cell {
    let growing = format::growing(age);
    if age >= world.limit { (format!("!{growing}"), Tone::Bad) } else { (growing, Tone::Busy) }
}

/// How long something took, or has been open; a dash if its end was not seen.
fn total<I: Timed>(model: &World<'_>, item: &I) -> Cell {
    match item.total() {
        Some(total) => plain(total.to_string()),
        None if item.is_closed() => dash(),
        None => age(model, item.age_so_far(model.now())),
    }
}

/// What was not seen, or does not exist.
#[must_use]
pub fn dash() -> Cell {
    ("-".into(), Tone::Dim)
}

/// Plain text.
#[must_use]
pub fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Tone::Plain)
}

/// An item's number.
#[must_use]
pub fn number(number: u64) -> Cell {
    (number.to_string(), Tone::Dim)
}

impl Key<'_> {
    /// A duration.
    #[must_use]
    pub fn time(time: Option<Nanos>) -> Self {
        time.map_or(Key::Absent, |time| Key::Number(time.as_nanos()))
    }

    /// A task.
    #[must_use]
    pub const fn task(task: &Task) -> Self {
        Key::Task(task.comm, task.key.tgid)
    }

    /// A number, if there is one.
    #[must_use]
    pub fn number(number: Option<u64>) -> Self {
        number.map_or(Key::Absent, Key::Number)
    }
}

impl<'m> Key<'m> {
    /// Text, if there is any.
    #[must_use]
    pub const fn text(text: Option<&'m str>) -> Self {
        match text {
            Some(text) => Key::Text(text),
            None => Key::Absent,
        }
    }

    /// Text from the kernel, if it could be read.
    #[must_use]
    pub fn captured(captured: &'m Captured) -> Self {
        Key::text(captured.text().map(|text| &**text))
    }
}
