//! One interface for every screen: what the dashboard does with the screen that is shown, be it a list or not.
//!
//! In: keys and typed text, a model. Out: a screen changed, or drawn.

use super::list::{Direction, List, Position};
use super::row::Form;
use super::scene::Scene;
use super::table::{Choice, Go, Table, line};
use super::theme::Theme;
use super::view::list;
use super::world::World;
use modtrail_core::model::Model;
use modtrail_core::query::{Field, Query, QueryFault};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position as Cell, Rect};
use std::fmt::Debug;
use std::ops::ControlFlow;

/// A screen, whatever its rows are.
pub trait Screen: Debug + Send {
    /// The title of its tab.
    fn title(&self) -> &'static str;
    /// Whether it is one list of rows.
    fn is_list(&self) -> bool {
        true
    }
    /// Whether it can be sorted in another way.
    fn sorts(&self) -> bool;
    /// Whether it shows what tracing costs.
    fn shows_costs(&self) -> bool;
    /// Whether the header shows how many items there are.
    fn is_in_header(&self) -> bool;
    /// How many items there are, shown or not.
    fn count(&self, model: &Model) -> usize;
    /// How many rows are shown, which is selected, and where the window begins.
    fn position(&self) -> Position;
    /// Rows that fit on the body.
    fn height(&self, body: Rect) -> usize;
    /// The place of the row that is drawn at a place of the body.
    fn row_at(&self, body: Rect, at: Cell) -> Option<usize>;
    /// The first row is followed, whichever it is.
    fn follows(&self) -> bool;
    /// The headings of all its columns.
    fn headings(&self) -> Vec<&'static str> {
        Vec::new()
    }
    /// The headings of its columns, each with what is wanted of it.
    fn choices(&self) -> Vec<(&'static str, Choice)> {
        Vec::new()
    }
    /// The next choice for the column at `place`.
    fn choose(&mut self, _place: usize) {}
    /// The fields that its filter knows.
    fn fields(&self) -> &'static [Field];
    /// The filter.
    fn filter(&self) -> &Query;
    /// The first of these places at which a row matches a query.
    fn first_match(&self, _model: &Model, _query: &Query, _places: &mut dyn Iterator<Item = usize>) -> Option<usize> {
        None
    }
    /// The direction of the list.
    fn direction(&self) -> Direction;
    /// Where the selected row leads to; `None` if it leads nowhere.
    fn open(&self, model: &Model) -> Option<Go>;
    /// The selected row as a line; `None` if there is none.
    fn selected_line(&self, world: &World<'_>, form: Form) -> Option<String>;
    /// Passes on the rows as lines, in their order, until told to stop.
    fn each_line(&self, world: &World<'_>, form: Form, each: &mut dyn FnMut(&str) -> ControlFlow<()>);
    /// Draws it on `body`.
    fn draw(&self, scene: &Scene<'_>, theme: Theme, body: Rect, buffer: &mut Buffer);

    /// Builds the rows if the model has changed, finds the selected one again, and moves the window to it.
    fn refresh(&mut self, scene: &Scene<'_>, body: Rect);
    /// Selects the row at `place`, or the last if there are fewer.
    fn select(&mut self, place: usize);
    /// Moves sideways by so many steps, to the right if positive.
    fn move_sideways(&mut self, _scene: &Scene<'_>, _body: Rect, _steps: isize) {}
    /// Moves by what a page is on this screen; returns whether it has pages of its own.
    fn page(&mut self, _is_down: bool) -> bool {
        false
    }
    /// Follows the first row.
    fn follow(&mut self);
    /// Shows the rows that match the typed filter.
    ///
    /// # Errors
    /// The text is not a filter for this table; the last valid filter stays.
    fn set_filter(&mut self, text: &str) -> Result<(), QueryFault>;
    /// The same, until [`Screen::pop_filter`] brings back the filter and the selected row of before.
    ///
    /// # Errors
    /// As of [`Screen::set_filter`]; then nothing is to be brought back.
    fn push_filter(&mut self, text: &str) -> Result<(), QueryFault>;
    /// Brings back what [`Screen::push_filter`] replaced.
    fn pop_filter(&mut self);
    /// The filter stays: there is nothing to bring back.
    fn keep_filter(&mut self);
    /// Sorts by the next of the columns that are shown on `body`, or by the one before.
    fn sort_by_neighbour(&mut self, body: Rect, is_next: bool);
    /// Sorts by the column whose heading is drawn at a place of the body, or the other way round; returns whether it
    /// can be sorted by that column, and `None` if there is no heading.
    fn sort_at(&mut self, _body: Rect, _at: Cell) -> Option<bool> {
        None
    }
    /// Sorts by the column with this heading, if there is one that it can be sorted by.
    fn sort_by(&mut self, heading: &str);
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

    fn is_in_header(&self) -> bool {
        T::IN_HEADER
    }

    fn count(&self, model: &Model) -> usize {
        Self::count(self, model)
    }

    fn position(&self) -> Position {
        Self::position(self)
    }

    fn height(&self, body: Rect) -> usize {
        usize::from(list::areas(T::DESCRIPTION, body).rows.height)
    }

    fn row_at(&self, body: Rect, at: Cell) -> Option<usize> {
        let rows = list::areas(T::DESCRIPTION, body).rows;
        rows.contains(at).then(|| Self::position(self).top + usize::from(at.y - rows.y))
    }

    fn follows(&self) -> bool {
        Self::follows(self)
    }

    fn headings(&self) -> Vec<&'static str> {
        T::COLUMNS.iter().map(|column| column.heading).collect()
    }

    fn choices(&self) -> Vec<(&'static str, Choice)> {
        let columns = T::COLUMNS.iter().enumerate();
        columns.map(|(place, column)| (column.heading, self.choice(place))).collect()
    }

    fn choose(&mut self, place: usize) {
        Self::choose(self, place);
    }

    fn fields(&self) -> &'static [Field] {
        T::FIELDS
    }

    fn filter(&self) -> &Query {
        Self::filter(self)
    }

    fn first_match(&self, model: &Model, query: &Query, places: &mut dyn Iterator<Item = usize>) -> Option<usize> {
        let item = |place: usize| self.find(model, self.at(place)?);
        let mut places = places;
        Iterator::find(&mut places, |place| item(*place).is_some_and(|item| query.matches(item, model)))
    }

    fn direction(&self) -> Direction {
        self.sort().direction
    }

    fn open(&self, model: &Model) -> Option<Go> {
        T::open(model, self.find(model, self.selected()?)?).map(Go::Page)
    }

    fn selected_line(&self, world: &World<'_>, form: Form) -> Option<String> {
        Some(line::<T>(world, self.find(world.model, self.selected()?)?, form))
    }

    fn each_line(&self, world: &World<'_>, form: Form, each: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let items = self.visible(0, usize::MAX).filter_map(|id| self.find(world.model, id));
        let _ = items.map(|item| line::<T>(world, item, form)).try_for_each(|line| each(&line));
    }

    fn draw(&self, scene: &Scene<'_>, theme: Theme, body: Rect, buffer: &mut Buffer) {
        list::draw(scene, self, theme, body, buffer);
    }

    fn refresh(&mut self, scene: &Scene<'_>, body: Rect) {
        Self::refresh(self, scene.world.model, scene.derived);
        self.fit_window(usize::from(list::areas(T::DESCRIPTION, body).rows.height));
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

    fn push_filter(&mut self, text: &str) -> Result<(), QueryFault> {
        Self::push_filter(self, text)
    }

    fn pop_filter(&mut self) {
        Self::pop_filter(self)
    }

    fn keep_filter(&mut self) {
        Self::keep_filter(self)
    }

    fn sort_by_neighbour(&mut self, body: Rect, is_next: bool) {
        Self::sort_by_neighbour(self, list::cells_width(T::DESCRIPTION, body), is_next)
    }

    fn sort_at(&mut self, body: Rect, at: Cell) -> Option<bool> {
        let place = list::column_at(self, body, at)?;
        Some(self.sort_by_heading(place))
    }

    fn sort_by(&mut self, heading: &str) {
        Self::sort_by(self, heading)
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
