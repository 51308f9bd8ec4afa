//! What a key, the mouse or the passing of time does to the dashboard's state.
//!
//! In: the state, the model that is on the screen, a message. Out: the changed state, and whether to go on. Pure: no
//! I/O and no clock; time comes from the model.

use super::export;
use super::keymap::Action;
use super::marking;
use super::mode::Mode;
use super::navigate::{back, carry_filter, go, open_attention, open_neighbour, open_selected, show};
use super::palette::{self, Command};
use super::playing;
use super::prompt::{self, Entered};
use super::row::Form;
use super::screen::Screen;
use super::search;
use super::state::{Opened, Overlay, Paused, UiState};
use super::view;
use modtrail_core::model::Model;
use modtrail_core::player;
use ratatui::crossterm::event::{Event, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
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
    /// What was seen until now is saved; where, in words.
    Saved(String),
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
    /// Keep a filter or a search for the next time.
    Remember(String),
    /// Show the page that is open, or else the rows, in a pager ([`export::page`], [`export::each`]).
    View,
    /// Play the recording in another way, or at another position.
    Play(player::Command),
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
        Msg::Mouse(mouse) => outcome = on_mouse(state, model, mouse),
        Msg::Resize(columns, rows) => state.area = Rect::new(0, 0, columns, rows),
        Msg::Paste(text) => prompt::paste(state, model, &text),
        Msg::Tick { events } => state.events = events,
        Msg::Notice(words) => state.notice = Some(words),
        Msg::Saved(words) => {
            state.saved = came(state, model);
            state.notice = Some(words);
        }
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
    while let Some(opened) = state.opened.filter(|opened| !state.derived.keeps(model, opened.target)) {
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
    if let Some(awaited) = state.awaited.take() {
        marking::take(state, model, awaited, key);
        return Outcome::Continue;
    }
    if state.input.is_some() {
        return match prompt::on_key(state, model, key) {
            Entered::Nothing => Outcome::Continue,
            Entered::Line(line) => Outcome::Remember(line),
            Entered::Command(command) => obey(state, model, command),
            Entered::Time(when) => Outcome::Play(player::Command::Time(when)),
        };
    }
    state.is_leaving &= asked == Some(Action::Quit);
    asked.map_or(Outcome::Continue, |action| run(state, model, action))
}

/// Does what was chosen from the palette.
fn obey(state: &mut UiState, model: &Model, command: Command) -> Outcome {
    match command {
        Command::Do(action) => return act(state, model, action),
        Command::Go(to) => go(state, model, to),
        Command::Explain(name) => state.overlay = Overlay::Help(view::help_line(state, state.area, name)),
        Command::Filter(name) => {
            prompt::start_filter(state);
            state.input = None;
            state.notice = prompt::set_filter(state, &format!("@{name}")).err();
        }
    }
    Outcome::Continue
}

/// Ends the dashboard. If what a live one has seen is not saved, it asks once.
fn leave(state: &mut UiState, model: &Model) -> Outcome {
    let has_rows = model.counts().requests > 0 || model.loads().len() > 0 || model.calls().len() > 0;
    let is_unsaved = state.mode == Mode::Live && has_rows && came(state, model) > state.saved;
    if !is_unsaved || std::mem::replace(&mut state.is_leaving, true) {
        return Outcome::Quit;
    }
    let [quit, save] = [Action::Quit, Action::Save].map(|action| state.settings.keymap.first(action));
    state.notice = Some(format!("what was seen is not saved: {quit} leaves, {save} saves the last hour"));
    Outcome::Continue
}

/// Events that have come, shown or not.
fn came(state: &UiState, model: &Model) -> u64 {
    state.events.max(model.counts().events)
}

/// Does what is asked for, or what that means in what covers the screen.
fn run(state: &mut UiState, model: &Model, action: Action) -> Outcome {
    match state.overlay {
        Overlay::Help(scroll) => in_help(state, action, scroll),
        Overlay::Columns(place) => in_columns(state, action, place),
        // Its keys are typed.
        Overlay::Palette(_) => {}
        Overlay::None => return act(state, model, action),
    }
    Outcome::Continue
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
        Action::Quit => return leave(state, model),
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
        Action::NextItem => move_to_neighbour(state, model, true),
        Action::PreviousItem => move_to_neighbour(state, model, false),
        Action::Attention => open_attention(state, model),
        Action::NextScreen => show(state, (state.shown + 1) % state.screens.len().max(1)),
        Action::PreviousScreen => show(state, state.shown.checked_sub(1).unwrap_or(state.screens.len() - 1)),
        Action::Screen(number) => show(state, usize::from(number).saturating_sub(1)),
        Action::Filter => prompt::start_filter(state),
        Action::Search => prompt::start_search(state),
        Action::Palette => prompt::start_palette(state),
        Action::Seek => prompt::start_time(state),
        Action::CarryFilter => carry_filter(state, model),
        Action::Mark => marking::ask_to_set(state, model),
        Action::ReturnToMark => marking::ask_to_return(state, model),
        Action::Sort => sort(state, |screen, body| screen.sort_by_neighbour(body, true)),
        Action::SortBack => sort(state, |screen, body| screen.sort_by_neighbour(body, false)),
        Action::Reverse => sort(state, |screen, _| screen.reverse()),
        Action::Pause if state.mode == Mode::Live => pause(state, model),
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

/// To the next row: on a page, that which has one; in a list, that which the search finds.
fn move_to_neighbour(state: &mut UiState, model: &Model, is_next: bool) {
    if state.opened.is_some() { open_neighbour(state, model, is_next) } else { search::go_on(state, model, is_next) }
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

/// Changes the order of the list; `change` gets its body too.
fn sort(state: &mut UiState, change: impl FnOnce(&mut dyn Screen, Rect)) {
    let body = view::body(state, state.area);
    if let Some(screen) = state.opened.is_none().then(|| state.screen_mut()).flatten() {
        change(&mut **screen, body);
    }
}

fn pause(state: &mut UiState, model: &Model) {
    state.paused = match state.paused {
        None => {
            state.events = came(state, model);
            Some(Paused { at: model.now(), events: model.counts().events })
        }
        Some(_) => None,
    };
}

fn on_mouse(state: &mut UiState, model: &Model, mouse: MouseEvent) -> Outcome {
    let at = Position::new(mouse.column, mouse.row);
    if let Overlay::Palette(place) = state.overlay {
        return on_palette_mouse(state, model, place, mouse);
    }
    let hint = view::hint_at(model, state, state.area, at);
    if let Some(action) = hint.filter(|_| mouse.kind == MouseEventKind::Down(MouseButton::Left)) {
        return run(state, model, action);
    }
    if let Overlay::Help(scroll) = state.overlay {
        if mouse.kind == MouseEventKind::ScrollUp {
            state.overlay = Overlay::Help(scroll.saturating_sub(NOTCH));
        } else if mouse.kind == MouseEventKind::ScrollDown {
            state.overlay = Overlay::Help(scroll.saturating_add(NOTCH));
        }
    }
    if state.overlay != Overlay::None {
        return Outcome::Continue;
    }
    if matches!(mouse.kind, MouseEventKind::Down(_)) {
        // What was typed stays the filter of its own screen.
        (state.input, state.notice, state.awaited) = (None, None, None);
    }
    match mouse.kind {
        MouseEventKind::ScrollUp => move_by(state, Step::Back(NOTCH)),
        MouseEventKind::ScrollDown => move_by(state, Step::On(NOTCH)),
        MouseEventKind::Down(MouseButton::Left) => click(state, model, at),
        MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => {}
    }
    Outcome::Continue
}

/// In the palette, the wheel selects, a click on an entry does what it is for, and one beside it closes it.
fn on_palette_mouse(state: &mut UiState, model: &Model, place: usize, mouse: MouseEvent) -> Outcome {
    match mouse.kind {
        MouseEventKind::ScrollUp => palette::step(state, model, false),
        MouseEventKind::ScrollDown => palette::step(state, model, true),
        MouseEventKind::Down(MouseButton::Left) => {
            let entries = palette::entries(state, model);
            let at = Position::new(mouse.column, mouse.row);
            let row = view::palette_row_at(state, entries.len(), place, at);
            (state.input, state.overlay) = (None, Overlay::None);
            let command = row.and_then(|row| entries.into_iter().nth(row)).map(|entry| entry.command);
            return command.map_or(Outcome::Continue, |command| obey(state, model, command));
        }
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => {}
    }
    Outcome::Continue
}

/// A tab opens its screen; a heading sorts; a row is selected, or opened if it was selected already. On a page, so is a
/// line that leads somewhere.
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
    match screen.sort_at(body, at) {
        Some(true) => return,
        Some(false) => return state.notice = Some("the list cannot be sorted by this column".to_owned()),
        None => {}
    }
    let Some(place) = screen.row_at(body, at) else { return };
    let position = screen.position();
    if place == position.index && place < position.rows {
        return open_selected(state, model);
    }
    if place < position.rows {
        screen.select(place);
    }
}
