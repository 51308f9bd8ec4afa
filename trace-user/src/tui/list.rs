//! One table's rows as the user wants them: filtered, sorted, with one of them selected.
//!
//! In: a model, typed text. Out: the ids of the rows, in order. The rows are built in [`List::refresh`], on a tick, not
//! while drawing.

use super::derived::Derived;
use super::table::{Choice, Column, Key, Order, Store, Table, fit};
use modtrail_core::event::Stamp;
use modtrail_core::model::Model;
use modtrail_core::query::{Field, Query, QueryFault};
use std::collections::VecDeque;

/// The direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or oldest first.
    Up,
    /// Largest or newest first.
    Down,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The place of the column in its table.
    pub column: usize,
    /// Which way.
    pub direction: Direction,
}

/// The position in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many rows there are.
    pub rows: usize,
    /// The selected row's place.
    pub index: usize,
    /// The place of the first row on the screen.
    pub top: usize,
}

/// Which row is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor<Id> {
    /// The first, whichever it is.
    First,
    /// This one, wherever it moves.
    On(Id),
}

/// One table's rows.
#[derive(Clone, Debug)]
pub struct List<T: Table> {
    filter: Query,
    sort: Sort,
    cursor: Cursor<T::Id>,
    index: usize,
    top: usize,
    rows: VecDeque<T::Id>,
    kept: <T::Store as Store>::Kept,
    fresh: Option<Freshness>,
    /// What was shown before a jump replaced the filter, the latest last.
    before: Vec<Before<T::Id>>,
    /// What is wanted of each column; empty until something is.
    choices: Vec<Choice>,
}

/// What a list showed before a jump.
#[derive(Clone, Debug)]
struct Before<Id> {
    filter: Query,
    sort: Sort,
    cursor: Cursor<Id>,
    index: usize,
    top: usize,
}

/// Jumps that are remembered.
const JUMPS: usize = 64;

/// What a list's rows were built from. The rows stay valid as long as it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Freshness {
    changes: u64,
    /// Set only while the time can change the rows or their order.
    now: Option<Stamp>,
}

impl<T: Table> Default for List<T> {
    /// Every row, in the order in which the screen opens.
    fn default() -> Self {
        Self {
            filter: Query::default(),
            sort: Self::opening_sort(),
            cursor: Cursor::First,
            index: 0,
            top: 0,
            rows: VecDeque::new(),
            kept: <T::Store as Store>::Kept::default(),
            fresh: None,
            before: Vec::new(),
            choices: Vec::new(),
        }
    }
}

impl<T: Table> List<T> {
    /// Whether it can be sorted in another way.
    #[must_use]
    pub fn sorts(&self) -> bool {
        T::COLUMNS.iter().filter(|column| column.sorts()).count() > 1
    }

    /// What it is sorted by when it opens.
    fn opening_sort() -> Sort {
        let direction = if T::NEWEST_FIRST { Direction::Down } else { Direction::Up };
        Sort { column: T::COLUMNS.iter().position(Column::sorts).unwrap_or_default(), direction }
    }

    /// The columns that fit into `width`, by their places, each with its number of characters. A column that the user
    /// sorts by is always shown.
    #[must_use]
    pub fn columns(&self, width: u16) -> Vec<(usize, u16)> {
        let chosen = (self.sort != Self::opening_sort()).then_some(self.sort.column);
        let choice = |place: usize| {
            let wanted = self.choice(place);
            if wanted == Choice::Auto && Some(place) == chosen { Choice::Always } else { wanted }
        };
        fit(T::COLUMNS, self.sort.column, choice, width)
    }

    /// What is wanted of a column.
    #[must_use]
    pub fn choice(&self, place: usize) -> Choice {
        self.choices.get(place).copied().unwrap_or_default()
    }

    /// The next choice for a column.
    pub fn choose(&mut self, place: usize) {
        self.choices.resize(T::COLUMNS.len(), Choice::Auto);
        if let Some(choice) = self.choices.get_mut(place) {
            *choice = choice.next();
        }
    }

    /// The rows on `height` lines from `top` on.
    pub fn visible(&self, top: usize, height: usize) -> impl Iterator<Item = T::Id> {
        (top..self.rows.len().min(top.saturating_add(height))).filter_map(|place| self.at(place))
    }

    /// What it is sorted by.
    #[must_use]
    pub const fn sort(&self) -> Sort {
        self.sort
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<T::Id> {
        self.at(self.index)
    }

    /// The row at a place, counted from the top.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<T::Id> {
        let place = match self.sort.direction {
            Direction::Up => place,
            Direction::Down => self.rows.len().checked_sub(place + 1)?,
        };
        self.rows.get(place).copied()
    }

    fn order(&self) -> Order<T::Item> {
        T::COLUMNS.get(self.sort.column).map_or(Order::Own, |column| column.order)
    }

    fn freshness(&self, model: &Model) -> Freshness {
        let is_timed = [Field::Slot, Field::Total].into_iter().any(|field| self.filter.names(field));
        let ages = matches!(self.order(), Order::Growing(_)) || is_timed || self.filter.is_relative();
        Freshness { changes: model.changes(), now: Some(model.now()).filter(|_| ages && model.has_open()) }
    }

    fn collect(&mut self, model: &Model) {
        let order = self.order();
        let is_own = matches!(order, Order::Own | Order::None);
        if is_own && self.filter.is_empty() {
            return self.extend(model);
        }
        let items = T::items(T::Store::of(model, &self.kept)).filter(|item| self.filter.matches(*item, model));
        if is_own {
            self.rows = items.map(T::id).collect();
            return;
        }
        let mut keyed: Vec<(Key<'_>, T::Id)> = items.map(|item| (key(order, model, item), T::id(item))).collect();
        keyed.sort_unstable();
        self.rows = keyed.into_iter().map(|(_, id)| id).collect();
    }

    /// All rows in their own order: new rows are added to the known ones, so that a tick only costs what came.
    fn extend(&mut self, model: &Model) {
        let store = T::Store::of(model, &self.kept);
        let count = T::count(store);
        if let Some(last) = self.rows.back().copied().filter(|_| self.fresh.is_some()) {
            let known = self.rows.len();
            self.rows.extend(T::items(store).rev().map(T::id).take_while(|id| *id > last));
            self.rows.make_contiguous().get_mut(known..).unwrap_or_default().reverse();
            drop_forgotten::<T>(&mut self.rows, store, count);
        }
        if self.fresh.is_none() || self.rows.len() != count {
            self.rows = T::items(store).map(T::id).collect();
        }
    }

    /// A list that does not follow the first row stays still: rows that come above it move the window along.
    fn find_cursor(&mut self) {
        let before = self.index;
        let Cursor::On(id) = self.cursor else { return self.follow() };
        let Some(place) = self.rows.iter().position(|known| *known == id) else { return self.select(before) };
        self.index = match self.sort.direction {
            Direction::Up => place,
            Direction::Down => self.rows.len() - 1 - place,
        };
        self.top = (self.top + self.index).saturating_sub(before);
    }

    fn set_sort(&mut self, sort: Sort) {
        if self.sort != sort {
            self.sort = sort;
            self.fresh = None;
        }
    }
}

/// The model gives up the oldest first, except for open ones.
fn drop_forgotten<T: Table>(rows: &mut VecDeque<T::Id>, store: &T::Store, count: usize) {
    let Some(oldest) = T::items(store).next().map(T::id) else { return };
    while rows.len() > count && rows.front().is_some_and(|id| *id < oldest) {
        rows.pop_front();
    }
}

fn key<'m, I>(order: Order<I>, model: &'m Model, item: &'m I) -> Key<'m> {
    match order {
        Order::By(key) | Order::Growing(key) => key(model, item),
        Order::Text(key) => key(item),
        Order::Own | Order::None => Key::Absent,
    }
}

impl<T: Table> List<T> {
    /// How many rows are shown, which is selected, and where the window begins.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { rows: self.rows.len(), index: self.index, top: self.top }
    }

    /// The filter.
    #[must_use]
    pub const fn filter(&self) -> &Query {
        &self.filter
    }

    /// The item with this id.
    #[must_use]
    pub fn find<'m>(&'m self, model: &'m Model, id: T::Id) -> Option<&'m T::Item> {
        T::find(T::Store::of(model, &self.kept), id)
    }

    /// How many items there are, shown or not.
    #[must_use]
    pub fn count(&self, model: &Model) -> usize {
        T::count(T::Store::of(model, &self.kept))
    }

    /// Builds the rows if the model has changed, and finds the selected one again.
    pub fn refresh(&mut self, model: &Model, derived: &Derived) {
        if T::Store::refresh(&mut self.kept, model, derived) {
            self.fresh = None;
        }
        let fresh = self.freshness(model);
        // The model of an earlier time: what came since is gone.
        self.fresh.take_if(|before| fresh.changes < before.changes);
        if self.fresh != Some(fresh) {
            self.collect(model);
            self.fresh = Some(fresh);
        }
        self.find_cursor();
    }

    /// Moves the window, which has this many lines, to the selected row.
    pub fn fit_window(&mut self, height: usize) {
        self.top = window(self.rows.len(), self.index, self.top, height);
    }

    /// Selects the row at `place`, or the last if there are fewer.
    pub fn select(&mut self, place: usize) {
        self.index = place.min(self.rows.len().saturating_sub(1));
        self.cursor = self.selected().map_or(Cursor::First, Cursor::On);
    }

    /// Follows the first row.
    pub fn follow(&mut self) {
        self.cursor = Cursor::First;
        self.index = 0;
        self.top = 0;
    }

    /// Shows the rows that match the typed filter.
    ///
    /// # Errors
    /// The text is not a filter for this table; the last valid filter stays.
    pub fn set_filter(&mut self, text: &str) -> Result<(), QueryFault> {
        let filter = Query::parse(text, T::FIELDS)?;
        if self.filter != filter {
            self.filter = filter;
            self.fresh = None;
        }
        Ok(())
    }

    /// The same, until [`List::pop_filter`].
    ///
    /// # Errors
    /// The text is not a filter for this table; nothing changes then.
    pub fn push_filter(&mut self, text: &str) -> Result<(), QueryFault> {
        let before = Before {
            filter: self.filter.clone(),
            sort: self.sort,
            cursor: self.cursor,
            index: self.index,
            top: self.top,
        };
        self.set_filter(text)?;
        self.before.push(before);
        if self.before.len() > JUMPS {
            self.before.remove(0);
        }
        self.follow();
        Ok(())
    }

    /// Brings back the filter and the selected row of before the last jump.
    pub fn pop_filter(&mut self) {
        let Some(Before { filter, sort, cursor, index, top }) = self.before.pop() else { return };
        (self.filter, self.sort, self.cursor, self.index, self.top) = (filter, sort, cursor, index, top);
        self.fresh = None;
    }

    /// Nothing is brought back.
    pub fn keep_filter(&mut self) {
        self.before.clear();
    }

    /// Whether the first row is followed.
    #[must_use]
    pub const fn follows(&self) -> bool {
        matches!(self.cursor, Cursor::First)
    }

    /// Sorts by the next of the columns that are shown at `width`, or by the one before; the initial order is one of
    /// them, even if its column has no room.
    pub fn sort_by_neighbour(&mut self, width: u16, is_next: bool) {
        let shown = self.columns(width);
        let opening = Self::opening_sort();
        let is_candidate = |place: &usize| *place == opening.column || shown.iter().any(|(shown, _)| shown == place);
        let sorts = |place: &usize| T::COLUMNS.get(*place).is_some_and(Column::sorts);
        let mut candidates = (0..T::COLUMNS.len()).filter(is_candidate).filter(sorts);
        let (first, last) = (candidates.clone().next(), candidates.clone().next_back());
        let column = if is_next {
            candidates.find(|place| *place > self.sort.column).or(first)
        } else {
            candidates.rfind(|place| *place < self.sort.column).or(last)
        };
        if let Some(column) = column.filter(|_| self.sorts()) {
            self.sort_by_column(column);
        }
    }

    /// Sorts by the column at `place`, or the other way round if it is sorted by that already. Returns whether it can
    /// be sorted by it.
    pub fn sort_by_heading(&mut self, place: usize) -> bool {
        if !T::COLUMNS.get(place).is_some_and(Column::sorts) {
            return false;
        }
        if self.sort.column == place {
            self.reverse()
        } else {
            self.sort_by_column(place)
        }
        true
    }

    /// Sorts by the column with this heading, if there is one that the list can be sorted by.
    pub fn sort_by(&mut self, heading: &str) {
        let column = T::COLUMNS.iter().position(|column| column.heading == heading && column.sorts());
        if let Some(column) = column {
            self.sort_by_column(column);
        }
    }

    fn sort_by_column(&mut self, column: usize) {
        let largest_first = T::COLUMNS.get(column).is_some_and(|column| column.largest_first);
        self.set_sort(Sort { column, direction: if largest_first { Direction::Down } else { Direction::Up } });
    }

    /// Sorts the other way round.
    pub fn reverse(&mut self) {
        let direction = match self.sort.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        self.set_sort(Sort { direction, ..self.sort });
    }
}

/// The place of the first row to draw, for `count` rows on `height` lines: as close to `top` as possible, so that the
/// row at `index` is shown and no line is empty that a row could fill.
#[must_use]
pub fn window(count: usize, index: usize, top: usize, height: usize) -> usize {
    let lowest = (index + 1).saturating_sub(height);
    top.clamp(lowest.min(index), index).min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shows_the_selected_row_and_fills_the_screen() {
        assert_eq!(window(100, 0, 0, 10), 0);
        assert_eq!(window(100, 15, 0, 10), 6);
        assert_eq!(window(100, 15, 40, 10), 15);
        assert_eq!(window(100, 99, 99, 10), 90);
        assert_eq!(window(5, 4, 3, 10), 0);
        assert_eq!(window(0, 0, 0, 0), 0);
    }
}
