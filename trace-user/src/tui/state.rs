//! What the dashboard remembers between frames: the screen, each list's filter, order and selection, and the pause.
//!
//! Nothing of the model is kept here but numbers of rows. The rows of a list are put together in [`List::refresh`],
//! on a tick, and not while drawing.

use super::column::Column;
use super::filter::{Filter, FilterFault};
use super::row::Row;
use super::screen::Screen;
use modtrail_core::entities::{CycleId, RequestId};
use modtrail_core::event::Stamp;
use modtrail_core::model::Model;
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// Where the model's events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The running kernel, to which the probes are being attached: nothing is seen yet.
    Attaching {
        /// Moments that are done with.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// The running kernel.
    Live,
    /// A recording.
    Replay {
        /// The recording's name, as a person knows it.
        name: String,
    },
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or oldest first.
    Up,
    /// Largest or newest first.
    Down,
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Which way.
    pub direction: Direction,
}

/// Which row is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The first, whichever that is.
    First,
    /// The row of this number, wherever it goes.
    On(u64),
}

/// One screen's rows as the user wants them.
#[derive(Clone, Debug)]
pub struct List {
    /// What is shown.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// Which row is selected.
    pub cursor: Cursor,
    /// The selected row's place.
    pub index: usize,
    /// The place of the first row on the screen.
    pub top: usize,
    screen: Screen,
    rows: VecDeque<u64>,
    fresh: Option<Freshness>,
}

/// What a list's rows were put together from. The rows stay right as long as it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Freshness {
    events: u64,
    ended: u64,
    count: usize,
    /// Set only where an open row's age can change the order.
    now: Option<Stamp>,
}

/// What can be looked at closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A request.
    Request(RequestId),
    /// A suspend cycle.
    Cycle(CycleId),
}

/// What is looked at closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which.
    pub target: Target,
    /// The first line on the screen.
    pub scroll: usize,
}

/// What lies over the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    None,
    /// The keys.
    Help,
}

/// When the screen was stopped, and how much had come by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The instant up to which the screen shows what happened.
    pub at: Stamp,
    /// The events that had come.
    pub events: u64,
}

/// A filter that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What has been typed.
    pub text: String,
    /// Why it is no filter; the last one that was stays in force.
    pub fault: Option<FilterFault>,
}

/// The dashboard's state.
#[derive(Clone, Debug)]
pub struct UiState {
    pub(super) mode: Mode,
    pub(super) screen: Screen,
    pub(super) opened: Option<Opened>,
    pub(super) overlay: Overlay,
    pub(super) input: Option<Input>,
    pub(super) paused: Option<Paused>,
    /// Events that the source has given by now, whether they are shown or not.
    pub(super) events: u64,
    /// The terminal's size as last told.
    pub(super) area: Rect,
    requests: List,
    helpers: List,
    loads: List,
    duplicates: List,
    suspend: List,
    firmware: List,
    probes: List,
}

impl UiState {
    /// Whether what tracing costs is on the screen.
    #[must_use]
    pub fn shows_costs(&self) -> bool {
        self.screen == Screen::Probes
    }

    /// What is shown comes from here from now on.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// A dashboard that has not been told of a terminal yet: 80 by 24 until a [`super::Msg::Resize`].
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            screen: Screen::Requests,
            opened: None,
            overlay: Overlay::None,
            input: None,
            paused: None,
            events: 0,
            area: Rect::new(0, 0, 80, 24),
            requests: List::new(Screen::Requests),
            helpers: List::new(Screen::Helpers),
            loads: List::new(Screen::Loads),
            duplicates: List::new(Screen::Duplicates),
            suspend: List::new(Screen::Suspend),
            firmware: List::new(Screen::Firmware),
            probes: List::new(Screen::Probes),
        }
    }

    /// The screen holds. The caller then passes the clone of the model that it made when this became true.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The list of a screen.
    #[must_use]
    pub const fn list(&self, screen: Screen) -> &List {
        match screen {
            Screen::Requests => &self.requests,
            Screen::Helpers => &self.helpers,
            Screen::Loads => &self.loads,
            Screen::Duplicates => &self.duplicates,
            Screen::Suspend => &self.suspend,
            Screen::Firmware => &self.firmware,
            Screen::Probes => &self.probes,
        }
    }

    pub(super) const fn list_mut(&mut self, screen: Screen) -> &mut List {
        match screen {
            Screen::Requests => &mut self.requests,
            Screen::Helpers => &mut self.helpers,
            Screen::Loads => &mut self.loads,
            Screen::Duplicates => &mut self.duplicates,
            Screen::Suspend => &mut self.suspend,
            Screen::Firmware => &mut self.firmware,
            Screen::Probes => &mut self.probes,
        }
    }

    /// Events that have come since the pause began.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        self.paused.map_or(0, |paused| self.events.saturating_sub(paused.events))
    }
}

impl List {
    const fn new(screen: Screen) -> Self {
        Self {
            filter: Filter::none(),
            sort: Sort::of(screen),
            cursor: Cursor::First,
            index: 0,
            top: 0,
            screen,
            rows: VecDeque::new(),
            fresh: None,
        }
    }

    /// How many rows are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Nothing is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of the row at a place, counted from the top.
    #[must_use]
    pub fn number(&self, place: usize) -> Option<u64> {
        let place = match self.sort.direction {
            Direction::Up => place,
            Direction::Down => self.rows.len().checked_sub(place + 1)?,
        };
        self.rows.get(place).copied()
    }

    /// The number of the selected row.
    #[must_use]
    pub fn selected(&self) -> Option<u64> {
        self.number(self.index)
    }

    /// Puts the rows together where the model has changed, and finds the selected one again. A screen that does not
    /// follow the first row holds still: what comes above it moves the window along.
    pub fn refresh(&mut self, model: &Model) {
        let fresh = self.freshness(model);
        if self.fresh != Some(fresh) {
            self.collect(model);
            self.fresh = Some(fresh);
        }
        self.find_cursor();
    }

    /// Selects the row at `place`, or the last where there are fewer.
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

    /// Shows what the filter lets through.
    pub fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.fresh = None;
        }
    }

    /// Sorts otherwise.
    pub fn set_sort(&mut self, sort: Sort) {
        if self.sort != sort {
            self.sort = sort;
            self.fresh = None;
        }
    }

    /// Looks at the model afresh on the next refresh, whatever it says of itself.
    pub const fn forget(&mut self) {
        self.fresh = None;
    }

    fn freshness(&self, model: &Model) -> Freshness {
        let open = model.open_requests().next().is_some() || model.open_loads().next().is_some();
        Freshness {
            events: model.counts().events,
            ended: model.verdicts().values().sum(),
            count: Row::count(model, self.screen),
            now: Some(model.now()).filter(|_| open && self.sort.column == Column::Total),
        }
    }

    fn collect(&mut self, model: &Model) {
        let by_number = matches!(self.sort.column, Column::Time | Column::Number | Column::Moment);
        if by_number && self.filter.is_empty() {
            return self.extend(model);
        }
        let rows = Row::all(model, self.screen).filter(|row| self.filter.matches(*row, model.now()));
        if by_number {
            self.rows = rows.map(Row::number).collect();
            return;
        }
        let mut rows: Vec<Row<'_>> = rows.collect();
        rows.sort_unstable_by(|one, two| one.compare(*two, self.sort.column, model.now()));
        self.rows = rows.into_iter().map(Row::number).collect();
    }

    /// All rows in their own order: the new ones are added to the known ones, so that a tick costs what came.
    fn extend(&mut self, model: &Model) {
        let count = Row::count(model, self.screen);
        if let Some(last) = self.rows.back().copied().filter(|_| self.fresh.is_some()) {
            let known = self.rows.len();
            let newer = Row::all(model, self.screen).rev().map(Row::number).take_while(|number| *number > last);
            self.rows.extend(newer);
            self.rows.make_contiguous().get_mut(known..).unwrap_or_default().reverse();
            self.drop_forgotten(model, count);
        }
        if self.fresh.is_none() || self.rows.len() != count {
            self.rows = Row::all(model, self.screen).map(Row::number).collect();
        }
    }

    /// The oldest are given up first, but for open ones.
    fn drop_forgotten(&mut self, model: &Model, count: usize) {
        let Some(oldest) = Row::all(model, self.screen).next().map(Row::number) else { return };
        while self.rows.len() > count && self.rows.front().is_some_and(|number| *number < oldest) {
            self.rows.pop_front();
        }
    }

    fn find_cursor(&mut self) {
        let before = self.index;
        match self.cursor {
            Cursor::First => self.follow(),
            Cursor::On(number) => match self.rows.iter().position(|known| *known == number) {
                Some(place) => {
                    self.index = match self.sort.direction {
                        Direction::Up => place,
                        Direction::Down => self.rows.len() - 1 - place,
                    };
                    self.top = (self.top + self.index).saturating_sub(before);
                }
                None => self.select(before),
            },
        }
    }
}

impl Sort {
    /// The order in which a screen opens: the newest first, the moments as they follow each other.
    #[must_use]
    pub const fn of(screen: Screen) -> Self {
        match screen {
            Screen::Requests
            | Screen::Helpers
            | Screen::Loads
            | Screen::Duplicates
            | Screen::Suspend
            | Screen::Firmware => Self { column: Column::Time, direction: Direction::Down },
            Screen::Probes => Self { column: Column::Moment, direction: Direction::Up },
        }
    }

    /// By the next column of the screen, the largest first where that is what one looks for.
    #[must_use]
    pub fn next(self, screen: Screen) -> Self {
        let columns = || Column::of(screen).iter().map(|place| place.column).filter(|column| *column != Column::Number);
        let after = columns().skip_while(|column| *column != self.column).nth(1);
        let Some(column) = after.or_else(|| columns().next()).filter(|_| screen != Screen::Probes) else {
            return self;
        };
        let largest = column == Column::Time || column.at_right();
        Self { column, direction: if largest { Direction::Down } else { Direction::Up } }
    }

    /// The other way round.
    #[must_use]
    pub const fn reversed(self) -> Self {
        let direction = match self.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        Self { column: self.column, direction }
    }
}

/// The place of the first row to draw, of `count` rows on `height` lines: as near to `top` as shows the row at
/// `index` and leaves no line empty that a row could fill.
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

    #[test]
    fn screens_go_round() {
        let mut screen = Screen::Requests;
        for _ in Screen::ALL {
            assert_eq!(screen.next().previous(), screen);
            screen = screen.next();
        }
        assert_eq!(screen, Screen::Requests);
    }
}
