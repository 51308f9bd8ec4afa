//! What the dashboard remembers between frames: the screens, which of them is shown, what is open, where the person
//! came from, and the pause.
//!
//! Of the model, only ids of rows are kept here, and what is computed from it.

use super::derived::Derived;
use super::filters::Filters;
use super::history::History;
use super::keymap::Keymap;
use super::marks::{Awaited, Marks};
use super::mode::Mode;
use super::scene::Scene;
use super::screen::Screen;
use super::screens;
use super::table::{Go, Target};
use super::typing::Input;
use super::world::World;
use jiff::tz::TimeZone;
use modtrail_core::event::Stamp;
use modtrail_core::model::Model;
use modtrail_core::overview::Overview;
use modtrail_core::query::Query;
use modtrail_core::stall;
use ratatui::layout::Rect;
use trace_common::time::Nanos;

/// The page that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it shows.
    pub target: Target,
    /// The first line on the screen.
    pub scroll: usize,
    /// Which of its lines that lead somewhere is selected.
    pub link: usize,
}

impl Opened {
    /// A page, from its beginning.
    #[must_use]
    pub const fn new(target: Target) -> Self {
        Self { target, scroll: 0, link: 0 }
    }
}

/// Where a jump came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The place of the screen that was shown.
    pub shown: usize,
    /// The page that was open.
    pub opened: Option<Opened>,
    /// The place of the screen whose filter the jump replaced.
    pub filtered: Option<usize>,
    /// It came from a row of the screen, whose neighbours have pages too.
    pub is_of_row: bool,
}

/// What covers the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    None,
    /// The help, from this line on.
    Help(usize),
    /// The columns of the list, with the one at this place selected.
    Columns(usize),
    /// The palette, with the entry at this place selected.
    Palette(usize),
}

/// When the screen was stopped, and how much had come by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The instant up to which the screen shows what happened.
    pub at: Stamp,
    /// The events that had come.
    pub events: u64,
}

/// What the person set before the dashboard opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone in which instants are shown.
    pub zone: TimeZone,
    /// What has been open for this long is stalled.
    pub limit: Nanos,
    /// The keys.
    pub keymap: Keymap,
    /// The filters that have names.
    pub filters: Filters,
}

impl Default for Settings {
    /// UTC, the usual limit and the usual keys.
    fn default() -> Self {
        Self { zone: TimeZone::UTC, limit: stall::LIMIT, keymap: Keymap::default(), filters: Filters::default() }
    }
}

/// The dashboard's state.
#[derive(Clone, Debug)]
pub struct UiState {
    pub(super) mode: Mode,
    pub(super) opened: Option<Opened>,
    pub(super) overlay: Overlay,
    pub(super) input: Option<Input>,
    pub(super) paused: Option<Paused>,
    /// Events that the source has delivered by now, shown or not.
    pub(super) events: u64,
    /// The terminal's size as last reported.
    pub(super) area: Rect,
    pub(super) screens: Vec<Box<dyn Screen>>,
    /// The place of the screen that is shown.
    pub(super) shown: usize,
    /// Where the person came from, the latest last.
    pub(super) trail: Vec<Step>,
    pub(super) derived: Derived,
    pub(super) settings: Settings,
    /// What [`super::navigate::open_attention`] led to last.
    pub(super) attended: Option<Go>,
    /// What the last key did, until the next one.
    pub(super) notice: Option<String>,
    /// The filters and searches that were typed.
    pub(super) history: History,
    /// What is searched for; empty if nothing is.
    pub(super) search: Query,
    pub(super) marks: Marks,
    /// What the next key is the letter of.
    pub(super) awaited: Option<Awaited>,
    /// Events that had come when what was seen was saved last.
    pub(super) saved: u64,
    /// The last key asked to leave, and was asked whether to save first.
    pub(super) is_leaving: bool,
}

impl UiState {
    /// Whether the screen shows what tracing costs.
    #[must_use]
    pub fn shows_costs(&self) -> bool {
        self.screen().is_some_and(Screen::shows_costs)
    }

    /// The overview's counts, if the model was not followed while it came to be.
    pub fn set_overview(&mut self, overview: Overview) {
        self.derived.set_overview(overview);
    }

    /// What is shown comes from here from now on.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// The same, as its person set it.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same, with what was typed in it before.
    #[must_use]
    pub fn remembering(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// A dashboard that does not know its terminal yet: 80 by 24 until a [`super::Msg::Resize`].
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            opened: None,
            overlay: Overlay::None,
            input: None,
            paused: None,
            events: 0,
            area: Rect::new(0, 0, 80, 24),
            screens: screens::all(),
            shown: 0,
            trail: Vec::new(),
            derived: Derived::default(),
            settings: Settings::default(),
            attended: None,
            notice: None,
            history: History::default(),
            search: Query::default(),
            marks: Marks::default(),
            awaited: None,
            saved: 0,
            is_leaving: false,
        }
    }

    /// The screen is paused. The caller then passes the clone of the model that it made when this became true.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The screen that is shown.
    #[must_use]
    pub fn screen(&self) -> Option<&dyn Screen> {
        self.screens.get(self.shown).map(|screen| &**screen)
    }

    pub(super) fn screen_mut(&mut self) -> Option<&mut Box<dyn Screen>> {
        self.screens.get_mut(self.shown)
    }

    /// The place of the screen with this title.
    pub(super) fn place_of(&self, title: &str) -> Option<usize> {
        self.screens.iter().position(|screen| screen.title() == title)
    }

    /// The titles of all screens, in the order of their tabs.
    pub fn titles(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.screens.iter().map(|screen| screen.title())
    }

    /// Whether the page that is open is that of a row of the screen, so that it has neighbours.
    #[must_use]
    pub fn has_neighbours(&self) -> bool {
        self.opened.is_some() && self.trail.last().is_some_and(|step| step.is_of_row)
    }

    /// Events that have come since the pause began.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        self.paused.map_or(0, |paused| self.events.saturating_sub(paused.events))
    }

    /// The model as this person sees it.
    #[must_use]
    pub const fn world<'s>(&'s self, model: &'s Model) -> World<'s> {
        World { model, zone: &self.settings.zone, limit: self.settings.limit }
    }

    /// What a screen is drawn from.
    #[must_use]
    pub const fn scene<'s>(&'s self, model: &'s Model) -> Scene<'s> {
        Scene {
            world: self.world(model),
            derived: &self.derived,
            mode: &self.mode,
            search: &self.search,
            marks: &self.marks,
        }
    }
}
