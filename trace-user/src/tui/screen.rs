//! One interface for every list, whatever its rows are: what the dashboard does with the screen that is shown.
//!
//! In: keys and typed text, a model. Out: a list changed, or drawn.

use super::list::{Direction, List, Position};
use super::mode::Mode;
use super::table::{Table, Target};
use super::theme::Theme;
use super::view::list;
use modtrail_core::model::Model;
use modtrail_core::query::{Field, Query, QueryFault};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::fmt::Debug;

/// A screen, whatever its rows are.
pub trait Screen: Debug {
    /// The title of its tab.
    fn title(&self) -> &'static str;
    /// Whether it can be sorted in another way.
    fn sorts(&self) -> bool;
    /// Whether it shows what tracing costs.
    fn shows_costs(&self) -> bool;
    /// Lines below the rows that describe the selected one.
    fn description(&self) -> u16;
    /// Whether the header shows how many items there are.
    fn is_in_header(&self) -> bool;
    /// How many items there are, shown or not.
    fn count(&self, model: &Model) -> usize;
    /// How many rows are shown, which is selected, and where the window begins.
    fn position(&self) -> Position;
    /// The fields that its filter knows.
    fn fields(&self) -> &'static [Field];
    /// The filter.
    fn filter(&self) -> &Query;
    /// The direction of the list.
    fn direction(&self) -> Direction;
    /// The page that opens for the selected row; `None` if there is none.
    fn open(&self, model: &Model) -> Option<Target>;
    /// Draws the list on `body`.
    fn draw(&self, model: &Model, mode: &Mode, theme: Theme, body: Rect, buffer: &mut Buffer);

    /// Builds the rows if the model has changed, and finds the selected one again.
    fn refresh(&mut self, model: &Model);
    /// Moves the window, which has this many lines, to the selected row.
    fn fit_window(&mut self, height: usize);
    /// Selects the row at `place`, or the last if there are fewer.
    fn select(&mut self, place: usize);
    /// Follows the first row.
    fn follow(&mut self);
    /// Shows the rows that match the typed filter.
    ///
    /// # Errors
    /// The text is not a filter for this table; the last valid filter stays.
    fn set_filter(&mut self, text: &str) -> Result<(), QueryFault>;
    /// Sorts by the next of the columns that are shown at `width`, or as the list was when it opened.
    fn sort_by_next(&mut self, width: u16);
    /// Sorts the other way round.
    fn reverse(&mut self);

    /// A copy.
    fn boxed(&self) -> Box<dyn Screen>;
    /// The selected row's id, for tests.
    #[cfg(test)]
    fn selected_id(&self) -> Option<String>;
    /// The ids of the rows in their order, for tests.
    #[cfg(test)]
    fn ids(&self) -> Vec<String>;
}

impl Clone for Box<dyn Screen> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

impl<T: Table> Screen for List<T> {
    fn title(&self) -> &'static str {
        T::TITLE
    }

    fn sorts(&self) -> bool {
        Self::sorts(self)
    }

    fn shows_costs(&self) -> bool {
        T::SHOWS_COSTS
    }

    fn description(&self) -> u16 {
        T::DESCRIPTION
    }

    fn is_in_header(&self) -> bool {
        T::IN_HEADER
    }

    fn count(&self, model: &Model) -> usize {
        Self::count(self, model)
    }

    fn position(&self) -> Position {
        Self::position(self)
    }

    fn fields(&self) -> &'static [Field] {
        T::FIELDS
    }

    fn filter(&self) -> &Query {
        Self::filter(self)
    }

    fn direction(&self) -> Direction {
        self.sort().direction
    }

    fn open(&self, model: &Model) -> Option<Target> {
        T::open(model, self.find(model, self.selected()?)?)
    }

    fn draw(&self, model: &Model, mode: &Mode, theme: Theme, body: Rect, buffer: &mut Buffer) {
        list::draw(model, self, mode, theme, body, buffer);
    }

    fn refresh(&mut self, model: &Model) {
        Self::refresh(self, model)
    }

    fn fit_window(&mut self, height: usize) {
        Self::fit_window(self, height)
    }

    fn select(&mut self, place: usize) {
        Self::select(self, place)
    }

    fn follow(&mut self) {
        Self::follow(self)
    }

    fn set_filter(&mut self, text: &str) -> Result<(), QueryFault> {
        Self::set_filter(self, text)
    }

    fn sort_by_next(&mut self, width: u16) {
        Self::sort_by_next(self, width)
    }

    fn reverse(&mut self) {
        Self::reverse(self)
    }

    fn boxed(&self) -> Box<dyn Screen> {
        Box::new(self.clone())
    }

    #[cfg(test)]
    fn selected_id(&self) -> Option<String> {
        self.selected().map(|id| format!("{id:?}"))
    }

    #[cfg(test)]
    fn ids(&self) -> Vec<String> {
        self.visible(0, usize::MAX).map(|id| format!("{id:?}")).collect()
    }
}
