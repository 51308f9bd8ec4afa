//! What a key, the mouse or the passing of time does to the dashboard's state.
//!
//! In: the state, the model that is on the screen, a message. Out: the changed state, and whether to go on. Pure: no
//! I/O and no clock; time comes from the model.

use super::export;
use super::keymap::Action;
use super::mode::Mode;
use super::navigate::{back, open_attention, open_neighbour, open_selected, show};
use super::playing;
use super::row::Form;
use super::screen::Screen;
use super::state::{Opened, Overlay, Paused, UiState};
use super::typing::Input;
use super::view;
use modtrail_core::model::Model;
use modtrail_core::player::Command;
use modtrail_core::query::{QueryFault, completions};
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;

/// A message to the dashboard.
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
        /// Events that the source has delivered by now, including those that a pause holds back.
        events: u64,
    },
    /// What the person asked for was done, or was not: in words, for the last line.
    Notice(String),
    /// The terminal cannot be read any more.
    Gone,
}

/// What the caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Continue,
    /// End.
    Quit,
    /// End: nobody is at the terminal.
    Gone,
    /// Draw the whole screen again, whatever is on it.
    Redraw,
    /// Give the terminal back and stop, until the person comes back.
    Suspend,
    /// Ask the terminal to keep this text, to be pasted elsewhere.
    Copy(String),
    /// Write the rows of the screen with this title to a file ([`export::each`]).
    Export(&'static str),
    /// Write what was seen to a recording.
    Save,
    /// Show the page that is open, or else the rows, in a pager ([`export::page`], [`export::each`]).
    View,
    /// Play the recording in another way, or at another position.
    Play(Command),
}

impl Msg {
    /// What a terminal event means; `None` if the dashboard has no use for it.
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
        Msg::Paste(text) => paste(state, &text),
        Msg::Tick { events } => state.events = events,
        Msg::Notice(words) => state.notice = Some(words),
        Msg::Gone => outcome = Outcome::Gone,
    }
    refresh(state, model);
    outcome
}

/// Computes what the model has changed, builds the rows on the screen, keeps the window on the selected one, and counts
/// what the header shows.
fn refresh(state: &mut UiState, model: &Model) {
    state.derived.refresh(model, state.settings.limit, state.mode.is_still());
    // What the model no longer keeps is closed.
    while let Some(opened) = state.opened.filter(|opened| !view::exists(model, &state.derived, opened.target)) {
        back(state);
        if state.opened == Some(opened) {
            state.opened = None;
        }
    }
    let body = view::body(state, state.area);
    let mut screens = std::mem::take(&mut state.screens);
    for (place, screen) in screens.iter_mut().enumerate() {
        if place == state.shown || screen.is_in_header() {
            screen.refresh(&state.scene(model), body);
        }
    }
    state.screens = screens;
    state.opened = state.opened.map(|opened| fitted(state, model, opened));
    if let Overlay::Help(scroll) = state.overlay {
        state.overlay = Overlay::Help(scroll.min(view::help_scroll_max(state, state.area)));
    }
}

/// The page no longer than it is, with a line selected that it has.
fn fitted(state: &UiState, model: &Model, opened: Opened) -> Opened {
    let Some(page) = view::page(state, model, opened.target, state.area) else { return opened };
    let height = usize::from(view::body(state, state.area).height);
    let scroll = opened.scroll.min(page.height().saturating_sub(height));
    Opened { scroll, link: opened.link.min(page.links().len().saturating_sub(1)), ..opened }
}

fn on_key(state: &mut UiState, model: &Model, key: KeyEvent) -> Outcome {
    if key.kind == KeyEventKind::Release {
        return Outcome::Continue;
    }
    state.notice = None;
    let asked = state.settings.keymap.action(key);
    // What holds even while something is typed.
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match asked {
            Some(Action::Quit) => return Outcome::Quit,
            Some(Action::Redraw) => return Outcome::Redraw,
            Some(Action::Suspend) => return Outcome::Suspend,
            Some(_) | None => {}
        }
    }
    if state.input.is_some() {
        on_typed(state, key);
        return Outcome::Continue;
    }
    if state.seeking.is_some() {
        return playing::on_typed(state, key).map_or(Outcome::Continue, Outcome::Play);
    }
    match (state.overlay, asked) {
        (_, None) => Outcome::Continue,
        (Overlay::Help(scroll), Some(action)) => {
            in_help(state, action, scroll);
            Outcome::Continue
        }
        (Overlay::Columns(place), Some(action)) => {
            in_columns(state, action, place);
            Outcome::Continue
        }
        (Overlay::None, Some(action)) => act(state, model, action),
    }
}

/// What keys do in the help: they scroll or close it.
fn in_help(state: &mut UiState, action: Action, scroll: usize) {
    if matches!(action, Action::Help | Action::Back | Action::Quit) {
        state.overlay = Overlay::None;
    } else if let Some(step) = step_of(state, action) {
        state.overlay = Overlay::Help(step.from(scroll));
    }
}

/// What keys do among the columns: they select one, change what is wanted of it, or close the box.
fn in_columns(state: &mut UiState, action: Action, place: usize) {
    if matches!(action, Action::Columns | Action::Back | Action::Quit) {
        state.overlay = Overlay::None;
        return;
    }
    let steps = step_of(state, action);
    let Some(screen) = state.screen_mut() else { return };
    let last = screen.choices().len().saturating_sub(1);
    if matches!(action, Action::Open | Action::Pause) {
        screen.choose(place);
    } else if let Some(step) = steps {
        state.overlay = Overlay::Columns(step.from(place).min(last));
    }
}

/// The move along lines that an action stands for.
fn step_of(state: &UiState, action: Action) -> Option<Step> {
    let steps = [
        (Action::Up, Step::Back(1)),
        (Action::Down, Step::On(1)),
        (Action::PageUp, Step::Back(page(state))),
        (Action::PageDown, Step::On(page(state))),
        (Action::First, Step::Back(usize::MAX)),
        (Action::Last, Step::On(usize::MAX)),
    ];
    steps.into_iter().find(|(known, _)| *known == action).map(|(_, step)| step)
}

fn act(state: &mut UiState, model: &Model, action: Action) -> Outcome {
    match action {
        Action::Quit => return Outcome::Quit,
        Action::Redraw => return Outcome::Redraw,
        Action::Suspend => return Outcome::Suspend,
        Action::Up => step(state, model, Step::Back(1)),
        Action::Down => step(state, model, Step::On(1)),
        Action::Left => move_sideways(state, model, -1),
        Action::Right => move_sideways(state, model, 1),
        Action::PageUp => move_by_page(state, false),
        Action::PageDown => move_by_page(state, true),
        Action::First => move_to_first(state),
        Action::Last => move_by(state, Step::On(usize::MAX)),
        Action::Open => open_selected(state, model),
        Action::Back => back(state),
        Action::NextItem => open_neighbour(state, model, true),
        Action::PreviousItem => open_neighbour(state, model, false),
        Action::Attention => open_attention(state, model),
        Action::NextScreen => show(state, (state.shown + 1) % state.screens.len().max(1)),
        Action::PreviousScreen => show(state, state.shown.checked_sub(1).unwrap_or(state.screens.len() - 1)),
        Action::Screen(number) => show(state, usize::from(number).saturating_sub(1)),
        Action::Filter => start_typing(state),
        Action::Sort => {
            let body = view::body(state, state.area);
            sort(state, |screen| screen.sort_by_next(body));
        }
        Action::Reverse => sort(state, |screen| screen.reverse()),
        Action::Pause if state.mode == Mode::Live => pause(state, model),
        Action::Seek => playing::start_typing(state),
        Action::Pause
        | Action::NextEvent
        | Action::PreviousEvent
        | Action::NextRequest
        | Action::PreviousRequest
        | Action::NextFinding
        | Action::PreviousFinding
        | Action::Faster
        | Action::Slower
        | Action::Start
        | Action::End => return playing::play(state, action).map_or(Outcome::Continue, Outcome::Play),
        Action::Help => state.overlay = Overlay::Help(0),
        Action::Copy => return copy(state, model, Form::Text),
        Action::CopyJson => return copy(state, model, Form::Json),
        Action::Export => match export::rows_of(state) {
            Some(screen) => return Outcome::Export(screen),
            None => state.notice = Some("there are no rows here to write to a file".to_owned()),
        },
        Action::Save if matches!(state.mode, Mode::Replay { .. }) => {
            state.notice = Some("this is a recording already; modtrail cut makes one of a part of it".to_owned());
        }
        Action::Save => return Outcome::Save,
        Action::View if state.opened.is_some() || export::rows_of(state).is_some() => return Outcome::View,
        Action::View => state.notice = Some("there is nothing here to view: open a row, or choose a list".to_owned()),
        Action::Columns if state.opened.is_none() && state.screen().is_some_and(|screen| screen.is_list()) => {
            state.overlay = Overlay::Columns(0);
        }
        Action::Columns => state.notice = Some("there are no columns here".to_owned()),
    }
    Outcome::Continue
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

/// One step. On a page, to the next line that leads somewhere, if it is on the screen; else by a line.
fn step(state: &mut UiState, model: &Model, step: Step) {
    let Some(opened) = state.opened else { return move_by(state, step) };
    let Some(page) = view::page(state, model, opened.target, state.area) else { return };
    let links = page.links();
    let height = usize::from(view::body(state, state.area).height);
    let visible = opened.scroll..opened.scroll + height;
    let is_visible = |link: usize| links.get(link).is_some_and(|(line, _)| visible.contains(line));
    let next = step.from(opened.link);
    // A selection that was scrolled away comes back at the edge that it left by.
    let nearest = match step {
        _ if is_visible(opened.link) => Some(next),
        Step::On(_) => (0..links.len()).find(|link| is_visible(*link)),
        Step::Back(_) => (0..links.len()).rev().find(|link| is_visible(*link)),
    };
    match nearest.filter(|link| *link != opened.link && is_visible(*link)) {
        Some(link) => state.opened = Some(Opened { link, ..opened }),
        None => move_by(state, step),
    }
}

fn move_by(state: &mut UiState, step: Step) {
    if let Some(opened) = &mut state.opened {
        opened.scroll = step.from(opened.scroll);
        return;
    }
    if let Some(screen) = state.screen_mut() {
        screen.select(step.from(screen.position().index));
    }
}

/// One page, or what is one on the screen.
fn move_by_page(state: &mut UiState, is_down: bool) {
    let page = page(state);
    if state.opened.is_none() && state.screen_mut().is_some_and(|screen| screen.page(is_down)) {
        return;
    }
    move_by(state, if is_down { Step::On(page) } else { Step::Back(page) });
}

fn move_sideways(state: &mut UiState, model: &Model, steps: isize) {
    if state.opened.is_some() {
        return;
    }
    let body = view::body(state, state.area);
    let mut screens = std::mem::take(&mut state.screens);
    if let Some(screen) = screens.get_mut(state.shown) {
        screen.move_sideways(&state.scene(model), body, steps);
    }
    state.screens = screens;
}

fn move_to_first(state: &mut UiState) {
    if let Some(opened) = &mut state.opened {
        (opened.scroll, opened.link) = (0, 0);
        return;
    }
    if let Some(screen) = state.screen_mut() {
        screen.follow();
    }
}

fn page(state: &UiState) -> usize {
    view::rows_height(state, state.area).max(1)
}

/// What is copied, and what is said about it.
fn copy(state: &mut UiState, model: &Model, form: Form) -> Outcome {
    let Some(text) = export::one(state, model, form) else {
        state.notice = Some("there is nothing here to copy".to_owned());
        return Outcome::Continue;
    };
    match export::copied(&text) {
        Ok(words) => {
            state.notice = Some(words);
            Outcome::Copy(text)
        }
        Err(words) => {
            state.notice = Some(words);
            Outcome::Continue
        }
    }
}

/// The filter of the list; if the screen is none, of the requests.
fn start_typing(state: &mut UiState) {
    if state.screen().is_some_and(|screen| !screen.is_list())
        && let Some(place) = state.place_of("requests")
    {
        show(state, place);
    }
    while state.opened.is_some() {
        back(state);
    }
    let text = state.screen().map(|screen| screen.filter().text().to_owned()).unwrap_or_default();
    state.input = Some(Input::of(&text));
}

fn sort(state: &mut UiState, change: impl FnOnce(&mut dyn Screen)) {
    if let Some(screen) = state.opened.is_none().then(|| state.screen_mut()).flatten() {
        change(&mut **screen);
    }
}

fn pause(state: &mut UiState, model: &Model) {
    state.paused = match state.paused {
        None => {
            state.events = state.events.max(model.counts().events);
            Some(Paused { at: model.now(), events: model.counts().events })
        }
        Some(_) => None,
    };
}

fn on_typed(state: &mut UiState, key: KeyEvent) {
    let Some(input) = &mut state.input else { return };
    if key.code == KeyCode::Esc {
        state.input = None;
        set_filter(state, "");
    } else if key.code == KeyCode::Enter {
        if input.fault.is_none() {
            state.input = None;
        }
    } else if key.code == KeyCode::Tab {
        complete(state);
    } else if input.edit(key) {
        apply_input(state);
    }
}

/// Adds what every way to go on has in common.
fn complete(state: &mut UiState) {
    let Some(fields) = state.screen().map(|screen| screen.fields()) else { return };
    let Some(input) = &mut state.input else { return };
    let ways = completions(&input.before, fields);
    if let Some(first) = ways.first() {
        let common = ways.iter().skip(1).fold(first.as_str(), |common, way| {
            let shared = common.char_indices().zip(way.chars()).find(|((_, one), other)| one != other);
            let end = shared.map_or(common.len().min(way.len()), |((at, _), _)| at);
            common.get(..end).unwrap_or_default()
        });
        common.clone_into(&mut input.before);
        apply_input(state);
    }
}

fn paste(state: &mut UiState, text: &str) {
    if let Some(seeking) = &mut state.seeking {
        return seeking.paste(text);
    }
    let Some(input) = &mut state.input else { return };
    input.put(text);
    apply_input(state);
}

fn apply_input(state: &mut UiState) {
    let Some(text) = state.input.as_ref().map(Input::text) else { return };
    let fault = set_filter(state, &text);
    if let Some(input) = &mut state.input {
        input.fault = fault;
    }
}

/// Filters the list on the screen; returns why the text is not a filter, if it is not.
fn set_filter(state: &mut UiState, text: &str) -> Option<QueryFault> {
    state.screen_mut()?.set_filter(text).err()
}

fn on_mouse(state: &mut UiState, model: &Model, mouse: MouseEvent) {
    if let Overlay::Help(scroll) = state.overlay {
        if mouse.kind == MouseEventKind::ScrollUp {
            state.overlay = Overlay::Help(scroll.saturating_sub(NOTCH));
        } else if mouse.kind == MouseEventKind::ScrollDown {
            state.overlay = Overlay::Help(scroll.saturating_add(NOTCH));
        }
        return;
    }
    if state.overlay != Overlay::None {
        return;
    }
    if matches!(mouse.kind, MouseEventKind::Down(_)) {
        // What was typed stays the filter of its own screen.
        (state.input, state.seeking) = (None, None);
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

/// A tab opens its screen; a row is selected, or opened if it was selected already. On a page, so is a line that leads
/// somewhere.
fn click(state: &mut UiState, model: &Model, at: Position) {
    if let Some(place) = view::tab_at(state, state.area, at) {
        return show(state, place);
    }
    let body = view::body(state, state.area);
    if let Some(opened) = state.opened {
        let Some(page) = view::page(state, model, opened.target, state.area).filter(|_| body.contains(at)) else {
            return;
        };
        let line = opened.scroll + usize::from(at.y - body.y);
        let place = page.links().iter().position(|(place, _)| *place == line);
        match place {
            Some(link) if link == opened.link => open_selected(state, model),
            Some(link) => state.opened = Some(Opened { link, ..opened }),
            None => {}
        }
        return;
    }
    let Some(screen) = state.screen_mut() else { return };
    let Some(place) = screen.row_at(body, at) else { return };
    let position = screen.position();
    if place == position.index && place < position.rows {
        return open_selected(state, model);
    }
    if place < position.rows {
        screen.select(place);
    }
}
