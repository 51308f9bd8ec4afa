//! What a key, the mouse or the passing of time does to the dashboard's state.
//!
//! In: the state, the model that is on the screen, a message. Out: the state changed, and whether to go on. Pure: no
//! I/O and no clock; time is what the model says.

use super::filter::Filter;
use super::keymap::{self, Action};
use super::row;
use super::screen::Screen;
use super::state::{Input, Mode, Opened, Overlay, Paused, Sort, Target, UiState, window};
use super::view;
use modtrail_core::entities::{CycleId, LoadId, RequestId};
use modtrail_core::model::Model;
use modtrail_core::model::duplicates::Sameness;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

/// Characters of a filter at most.
const INPUT: usize = 200;
/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;

/// Something the dashboard is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// The terminal's size: columns, rows.
    Resize(u16, u16),
    /// Text was pasted.
    Paste(String),
    /// Time has passed or something came: look at the model again.
    Tick {
        /// Events that the source has given by now, also those that a pause holds back.
        events: u64,
    },
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Continue,
    /// End.
    Quit,
}

impl Msg {
    /// What a terminal event says; `None` where the dashboard has no use for it.
    #[must_use]
    pub fn from_terminal(event: Event) -> Option<Self> {
        match event {
            Event::Key(key) => Some(Self::Key(key)),
            Event::Mouse(mouse) => Some(Self::Mouse(mouse)),
            Event::Resize(columns, rows) => Some(Self::Resize(columns, rows)),
            Event::Paste(text) => Some(Self::Paste(text)),
            Event::FocusGained | Event::FocusLost => None,
        }
    }
}

/// Takes one message.
pub fn update(state: &mut UiState, model: &Model, msg: Msg) -> Outcome {
    let mut outcome = Outcome::Continue;
    match msg {
        Msg::Key(key) => outcome = on_key(state, model, key),
        Msg::Mouse(mouse) => on_mouse(state, model, mouse),
        Msg::Resize(columns, rows) => state.area = Rect::new(0, 0, columns, rows),
        Msg::Paste(text) => {
            if state.input.is_some() {
                type_text(state, &text);
            }
        }
        Msg::Tick { events } => state.events = events,
    }
    refresh(state, model);
    outcome
}

/// Puts the rows on the screen together and keeps the window on the selected one.
fn refresh(state: &mut UiState, model: &Model) {
    let height = view::rows_height(state, state.area);
    let screen = state.screen;
    let list = state.list_mut(screen);
    list.refresh(model);
    list.top = window(list.len(), list.index, list.top, height);
    if let Some(opened) = state.opened {
        let scroll = opened.scroll.min(view::scroll_max(model, state, opened.target));
        state.opened = Some(Opened { scroll, ..opened });
    }
}

fn on_key(state: &mut UiState, model: &Model, key: KeyEvent) -> Outcome {
    if key.kind == KeyEventKind::Release {
        return Outcome::Continue;
    }
    let asked = keymap::action(key);
    if asked == Some(Action::Quit) && key.modifiers.contains(KeyModifiers::CONTROL) {
        return Outcome::Quit;
    }
    if state.input.is_some() {
        on_typed(state, key);
        return Outcome::Continue;
    }
    match asked {
        Some(Action::Quit) => return Outcome::Quit,
        Some(action) if state.overlay == Overlay::None => act(state, model, action),
        Some(Action::Help | Action::Back) => state.overlay = Overlay::None,
        Some(_) | None => {}
    }
    Outcome::Continue
}

fn act(state: &mut UiState, model: &Model, action: Action) {
    match action {
        Action::Up => move_by(state, Step::Back(1)),
        Action::Down => move_by(state, Step::On(1)),
        Action::PageUp => move_by(state, Step::Back(page(state))),
        Action::PageDown => move_by(state, Step::On(page(state))),
        Action::First => move_to_first(state),
        Action::Last => move_by(state, Step::On(usize::MAX)),
        Action::Open => open_selected(state, model),
        Action::Back => back(state),
        Action::NextScreen => show(state, state.screen.next()),
        Action::PreviousScreen => show(state, state.screen.previous()),
        Action::Filter => start_typing(state),
        Action::Sort => sort(state, |sort, screen| sort.next(screen)),
        Action::Reverse => sort(state, |sort, _| sort.reversed()),
        Action::Pause => pause(state, model),
        Action::Help => state.overlay = Overlay::Help,
        Action::Quit => {}
    }
}

/// A move along rows or lines.
#[derive(Clone, Copy)]
enum Step {
    Back(usize),
    On(usize),
}

impl Step {
    const fn from(self, place: usize) -> usize {
        match self {
            Self::Back(steps) => place.saturating_sub(steps),
            Self::On(steps) => place.saturating_add(steps),
        }
    }
}

fn move_by(state: &mut UiState, step: Step) {
    if let Some(opened) = &mut state.opened {
        opened.scroll = step.from(opened.scroll);
        return;
    }
    let screen = state.screen;
    let list = state.list_mut(screen);
    list.select(step.from(list.index));
}

fn move_to_first(state: &mut UiState) {
    if let Some(opened) = &mut state.opened {
        opened.scroll = 0;
        return;
    }
    let screen = state.screen;
    state.list_mut(screen).follow();
}

fn page(state: &UiState) -> usize {
    view::rows_height(state, state.area).max(1)
}

fn open_selected(state: &mut UiState, model: &Model) {
    let Some(number) = state.list(state.screen).selected().filter(|_| state.opened.is_none()) else { return };
    let request = match state.screen {
        Screen::Requests => Some(RequestId(number)),
        Screen::Loads => model.load(LoadId(number)).and_then(|load| load.request),
        Screen::Duplicates => {
            let group = row::find_group(model, number).filter(|group| group.sameness != Sameness::File);
            group.and_then(|group| group.members.first()).map(|id| RequestId(*id))
        }
        Screen::Helpers | Screen::Suspend | Screen::Firmware | Screen::Probes => None,
    };
    let target = match state.screen {
        Screen::Suspend => model.cycle(CycleId(number)).map(|cycle| Target::Cycle(cycle.id)),
        Screen::Requests | Screen::Loads | Screen::Duplicates | Screen::Helpers | Screen::Firmware | Screen::Probes => {
            request.filter(|id| model.request(*id).is_some()).map(Target::Request)
        }
    };
    if let Some(target) = target {
        let screen = state.screen;
        let list = state.list_mut(screen);
        list.select(list.index);
        state.opened = Some(Opened { target, scroll: 0 });
    }
}

fn back(state: &mut UiState) {
    if state.opened.take().is_none() {
        let screen = state.screen;
        state.list_mut(screen).set_filter(Filter::none());
    }
}

fn show(state: &mut UiState, screen: Screen) {
    state.opened = None;
    state.screen = screen;
}

fn start_typing(state: &mut UiState) {
    state.opened = None;
    let text = state.list(state.screen).filter.text().to_owned();
    state.input = Some(Input { text, fault: None });
}

fn sort(state: &mut UiState, change: impl FnOnce(Sort, Screen) -> Sort) {
    if state.opened.is_none() {
        let screen = state.screen;
        let list = state.list_mut(screen);
        list.set_sort(change(list.sort, screen));
    }
}

fn pause(state: &mut UiState, model: &Model) {
    if state.mode != Mode::Live {
        return;
    }
    state.paused = match state.paused {
        None => {
            state.events = state.events.max(model.counts().events);
            Some(Paused { at: model.now(), events: model.counts().events })
        }
        Some(_) => {
            for screen in Screen::ALL {
                state.list_mut(screen).forget();
            }
            None
        }
    };
}

fn on_typed(state: &mut UiState, key: KeyEvent) {
    let Some(input) = &mut state.input else { return };
    let control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    if key.code == KeyCode::Esc {
        state.input = None;
        back(state);
    } else if key.code == KeyCode::Enter {
        if input.fault.is_none() {
            state.input = None;
        }
    } else if key.code == KeyCode::Backspace {
        input.text.pop();
        apply_input(state);
    } else if key.code == KeyCode::Char('u') && control {
        input.text.clear();
        apply_input(state);
    } else if let KeyCode::Char(typed) = key.code
        && !control
    {
        type_text(state, typed.encode_utf8(&mut [0; 4]));
    }
}

/// Appends what can be shown on one line; line ends and other control characters become spaces.
fn type_text(state: &mut UiState, text: &str) {
    let Some(input) = &mut state.input else { return };
    let room = INPUT.saturating_sub(input.text.chars().count());
    input.text.extend(text.chars().take(room).map(|typed| if typed.is_control() { ' ' } else { typed }));
    apply_input(state);
}

fn apply_input(state: &mut UiState) {
    let screen = state.screen;
    let Some(input) = &mut state.input else { return };
    match Filter::parse(&input.text, screen) {
        Ok(filter) => {
            input.fault = None;
            state.list_mut(screen).set_filter(filter);
        }
        Err(fault) => input.fault = Some(fault),
    }
}

fn on_mouse(state: &mut UiState, model: &Model, mouse: MouseEvent) {
    if state.overlay != Overlay::None {
        return;
    }
    match mouse.kind {
        MouseEventKind::ScrollUp => move_by(state, Step::Back(NOTCH)),
        MouseEventKind::ScrollDown => move_by(state, Step::On(NOTCH)),
        MouseEventKind::Down(MouseButton::Left) => click(state, model, Position::new(mouse.column, mouse.row)),
        MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => {}
    }
}

/// A tab opens its screen; a row is selected, and opened where it was selected already.
fn click(state: &mut UiState, model: &Model, at: Position) {
    if let Some(screen) = view::tab_at(state, state.area, at) {
        return show(state, screen);
    }
    let Some(line) = view::row_at(state, state.area, at).filter(|_| state.opened.is_none()) else { return };
    let screen = state.screen;
    let list = state.list_mut(screen);
    let place = list.top + line;
    if place >= list.len() {
        return;
    }
    if place == list.index {
        return open_selected(state, model);
    }
    list.select(place);
}
