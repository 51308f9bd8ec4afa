//! The keys, as data: what each key does in the dashboard, how it is called in the configuration, and how the help and
//! the footer describe it.
//!
//! In: the defaults, and what the configuration rebinds. Out: [`Keymap`].

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// To the left: the bin or panel before.
    Left,
    /// To the right: the next bin or panel.
    Right,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// Go to the first row and follow it.
    First,
    /// To the last row.
    Last,
    /// Open the selected row.
    Open,
    /// Back to where the last jump came from; if there was none, show every row again.
    Back,
    /// On a page, that of the next row; in a list, the next row that the search finds.
    NextItem,
    /// The same, backwards.
    PreviousItem,
    /// The next thing that needs attention.
    Attention,
    /// The next screen.
    NextScreen,
    /// The screen before.
    PreviousScreen,
    /// The screen with this number, from 1.
    Screen(u8),
    /// Type a filter.
    Filter,
    /// Type what is searched for.
    Search,
    /// Show the rows of the next screen that match the filter.
    CarryFilter,
    /// Find an action by its name.
    Palette,
    /// Mark what is selected with the letter that comes next.
    Mark,
    /// Return to the mark whose letter comes next.
    ReturnToMark,
    /// Sort by the next column.
    Sort,
    /// Sort by the column before.
    SortBack,
    /// Sort the other way round.
    Reverse,
    /// Choose the columns.
    Columns,
    /// Copy the row as text.
    Copy,
    /// Copy the row as JSON.
    CopyJson,
    /// Write the rows to a file.
    Export,
    /// Write what was seen to a recording.
    Save,
    /// Open the page or the rows in a pager.
    View,
    /// Hold the screen, or let it go on; play a recording, or pause it.
    Pause,
    /// One event on in the recording.
    NextEvent,
    /// One event back.
    PreviousEvent,
    /// To the beginning of the recording's next request.
    NextRequest,
    /// To the beginning of the request before.
    PreviousRequest,
    /// To where the recording's next finding was found.
    NextFinding,
    /// To where the finding before was found.
    PreviousFinding,
    /// Play twice as fast.
    Faster,
    /// Play half as fast.
    Slower,
    /// Type a time of the recording to go to.
    Seek,
    /// To the recording's beginning.
    Start,
    /// To the recording's end.
    End,
    /// Show or hide the help.
    Help,
    /// Draw the whole screen again.
    Redraw,
    /// Give the terminal back to the shell until the job is continued.
    Suspend,
    /// End the dashboard.
    Quit,
}

/// Whether the footer has room for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The footer shows it, with this word.
    Footer(&'static str),
    /// Only the help shows it.
    HelpOnly,
}

/// A key, with Ctrl or without. Shift is part of the character.
pub type Key = (KeyCode, KeyModifiers);

/// An action and its keys.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// How the configuration calls it.
    pub name: &'static str,
    /// The keys, unless the configuration binds others.
    pub keys: &'static [Key],
    /// What it does, as a phrase.
    pub says: &'static str,
    /// Its place in the footer.
    pub hint: Hint,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

const fn char(char: char) -> Key {
    (KeyCode::Char(char), NONE)
}

const fn ctrl(char: char) -> Key {
    (KeyCode::Char(char), CTRL)
}

const fn key(code: KeyCode) -> Key {
    (code, NONE)
}

const fn shown(
    action: Action,
    name: &'static str,
    keys: &'static [Key],
    says: &'static str,
    hint: &'static str,
) -> Binding {
    Binding { action, name, keys, says, hint: Hint::Footer(hint) }
}

const fn quiet(action: Action, name: &'static str, keys: &'static [Key], says: &'static str) -> Binding {
    Binding { action, name, keys, says, hint: Hint::HelpOnly }
}

/// Every action with its usual keys, in the order of the help. The footer shows them from the first on while there is
/// room.
pub const BINDINGS: [Binding; 55] = [
    shown(Action::Help, "help", &[char('?'), key(KeyCode::F(1))], "this help", "help"),
    shown(Action::Quit, "quit", &[char('q'), ctrl('c')], "quit", "quit"),
    shown(Action::Open, "open", &[key(KeyCode::Enter)], "open what is selected", "open"),
    shown(Action::Back, "back", &[key(KeyCode::Esc)], "back to where you came from; clear the filter", "back"),
    shown(Action::Attention, "attention", &[char('!')], "the next thing that needs attention", "attention"),
    shown(
        Action::NextItem,
        "next",
        &[char('n')],
        "the next row's page; in a list, the next that the search finds",
        "next",
    ),
    shown(
        Action::PreviousItem,
        "previous",
        &[char('p'), char('N')],
        "the page of the row before; in a list, the one before that the search finds",
        "previous",
    ),
    shown(Action::NextScreen, "next_screen", &[key(KeyCode::Tab)], "next screen", "screen"),
    quiet(Action::PreviousScreen, "previous_screen", &[key(KeyCode::BackTab)], "previous screen"),
    quiet(Action::Screen(1), "screen_1", &[char('1')], "the overview"),
    quiet(Action::Screen(2), "screen_2", &[char('2')], "requests"),
    quiet(Action::Screen(3), "screen_3", &[char('3')], "helpers"),
    quiet(Action::Screen(4), "screen_4", &[char('4')], "loads"),
    quiet(Action::Screen(5), "screen_5", &[char('5')], "duplicates"),
    quiet(Action::Screen(6), "screen_6", &[char('6')], "suspend"),
    quiet(Action::Screen(7), "screen_7", &[char('7')], "firmware"),
    quiet(Action::Screen(8), "screen_8", &[char('8')], "findings"),
    quiet(Action::Screen(9), "screen_9", &[char('9')], "probes"),
    shown(Action::Filter, "filter", &[char('/')], "filter", "filter"),
    quiet(Action::CarryFilter, "carry_filter", &[char('c')], "the same filter on the next screen that has its fields"),
    quiet(Action::Search, "search", &[char('f')], "search: select the next row that matches, and hide none"),
    quiet(Action::Mark, "mark", &[char('m')], "mark what is selected with the letter that comes next"),
    quiet(Action::ReturnToMark, "return_to_mark", &[char('\'')], "return to the mark whose letter comes next"),
    shown(Action::Sort, "sort", &[char('s'), char('>')], "sort by the next column", "sort"),
    quiet(Action::SortBack, "sort_back", &[char('<')], "sort by the column before"),
    quiet(Action::Reverse, "reverse", &[char('S'), char('r')], "reverse the order"),
    quiet(Action::Columns, "columns", &[char('o')], "choose the columns"),
    shown(Action::Pause, "pause", &[char(' ')], "pause or go on; play or pause a recording", "pause"),
    shown(Action::Seek, "seek", &[char('@')], "recording: go to a time, such as 14:03, -5m or +30s", "time"),
    shown(Action::NextEvent, "next_event", &[char('.')], "recording: the next event", "event"),
    quiet(Action::PreviousEvent, "previous_event", &[char(',')], "recording: the event before"),
    shown(Action::NextRequest, "next_request", &[char(']')], "recording: the next request begins", "request"),
    quiet(Action::PreviousRequest, "previous_request", &[char('[')], "recording: the request before begins"),
    shown(Action::NextFinding, "next_finding", &[char('}')], "recording: the next finding", "finding"),
    quiet(Action::PreviousFinding, "previous_finding", &[char('{')], "recording: the finding before"),
    quiet(Action::Faster, "faster", &[char('+')], "recording: play twice as fast"),
    quiet(Action::Slower, "slower", &[char('-')], "recording: play half as fast"),
    quiet(Action::Start, "start", &[char('(')], "recording: its beginning"),
    quiet(Action::End, "end", &[char(')')], "recording: its end"),
    shown(Action::Palette, "palette", &[char(':')], "every action by its name, saved filters, pages, #22", "actions"),
    quiet(Action::Copy, "copy", &[char('y')], "copy the row as text"),
    quiet(Action::CopyJson, "copy_json", &[char('Y')], "copy the row as JSON"),
    quiet(Action::Export, "export", &[char('e')], "write the rows to a file, as JSON lines"),
    quiet(Action::Save, "save", &[char('w')], "write the last hour to a recording"),
    quiet(Action::View, "view", &[char('v')], "open the page or the rows in $PAGER"),
    quiet(Action::Up, "up", &[key(KeyCode::Up), char('k')], "up"),
    shown(Action::Down, "down", &[key(KeyCode::Down), char('j')], "down", "scroll"),
    quiet(Action::Left, "left", &[key(KeyCode::Left), char('h')], "left: the panel or bin before"),
    quiet(Action::Right, "right", &[key(KeyCode::Right), char('l')], "right: the next panel or bin"),
    quiet(Action::PageUp, "page_up", &[key(KeyCode::PageUp), ctrl('b')], "page up; on the overview, the panel before"),
    quiet(
        Action::PageDown,
        "page_down",
        &[key(KeyCode::PageDown), ctrl('f')],
        "page down; on the overview, the next panel",
    ),
    quiet(Action::First, "first", &[key(KeyCode::Home), char('g')], "first row, and follow it"),
    quiet(Action::Last, "last", &[key(KeyCode::End), char('G')], "last row"),
    quiet(Action::Redraw, "redraw", &[ctrl('l')], "draw the screen again"),
    quiet(Action::Suspend, "suspend", &[ctrl('z')], "suspend; fg continues"),
];

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// The keys of each binding, in their order.
    keys: Vec<Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: BINDINGS.iter().map(|binding| binding.keys.to_vec()).collect() }
    }
}

impl Keymap {
    /// What a key asks for, outside of typing.
    #[must_use]
    pub fn action(&self, pressed: KeyEvent) -> Option<Action> {
        let pressed = (pressed.code, pressed.modifiers.difference(KeyModifiers::SHIFT));
        let place = self.keys.iter().position(|keys| keys.contains(&pressed))?;
        BINDINGS.get(place).map(|binding| binding.action)
    }

    /// Every binding with its keys as a person reads them, the first key first.
    pub fn all(&self) -> impl Iterator<Item = (&'static Binding, Vec<String>)> {
        BINDINGS.iter().zip(&self.keys).map(|(binding, keys)| (binding, keys.iter().copied().map(words).collect()))
    }

    /// The first key of an action as a person reads it; empty if it has none.
    #[must_use]
    pub fn first(&self, action: Action) -> String {
        self.all()
            .find(|(binding, _)| binding.action == action)
            .and_then(|(_, keys)| keys.into_iter().next())
            .unwrap_or_default()
    }

    /// The action with this name has these keys from now on, and nothing else has them.
    ///
    /// # Errors
    /// No action has this name, or a key is not one: which, as a sentence.
    pub fn bind(&mut self, name: &str, keys: &[String]) -> Result<(), String> {
        let place = BINDINGS.iter().position(|binding| binding.name == name);
        let Some(place) = place else {
            let names: Vec<&str> = BINDINGS.iter().map(|binding| binding.name).collect();
            return Err(format!("unknown action {name}: use {}", names.join(" ")));
        };
        let keys = keys.iter().map(|key| parse(key)).collect::<Result<Vec<Key>, String>>()?;
        self.keys.iter_mut().for_each(|other| other.retain(|known| !keys.contains(known)));
        if let Some(bound) = self.keys.get_mut(place) {
            *bound = keys;
        }
        Ok(())
    }

    /// What could not be done any more: ending the dashboard.
    ///
    /// # Errors
    /// No key ends it.
    pub fn check(&self) -> Result<(), String> {
        if self.first(Action::Quit).is_empty() { Err("no key is left for quit".to_owned()) } else { Ok(()) }
    }
}

/// Keys that are not characters, by their names.
const NAMED: [(&str, KeyCode); 14] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("delete", KeyCode::Delete),
];

/// A key as a person reads it.
#[must_use]
pub fn words((code, modifiers): Key) -> String {
    let named = NAMED.iter().find(|(_, named)| *named == code).map(|(name, _)| (*name).to_owned());
    let name = match (named, code) {
        (Some(name), _) => name,
        (None, KeyCode::Char(char)) => char.to_string(),
        (None, KeyCode::F(number)) => format!("f{number}"),
        (None, _) => "?".to_owned(),
    };
    if modifiers.contains(CTRL) { format!("ctrl-{name}") } else { name }
}

/// A key as it is written in the configuration.
///
/// # Errors
/// It is not one: which are, as a sentence.
pub fn parse(text: &str) -> Result<Key, String> {
    let wrong =
        || format!("{text:?} is not a key: use a character, ctrl-x, f1 to f12, or enter, esc, tab, space, up, …");
    let (modifiers, name) = text.strip_prefix("ctrl-").map_or((NONE, text), |name| (CTRL, name));
    if let Some((_, code)) = NAMED.iter().find(|(named, _)| *named == name) {
        return Ok((*code, modifiers));
    }
    let mut chars = name.chars();
    match (chars.next(), chars.as_str()) {
        (Some(char), "") if !char.is_control() => Ok((KeyCode::Char(char), modifiers)),
        (Some('f'), number) => match number.parse() {
            Ok(number @ 1..=12) => Ok((KeyCode::F(number), modifiers)),
            Ok(_) | Err(_) => Err(wrong()),
        },
        (Some(_) | None, _) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn no_key_means_two_things_and_no_name_either() {
        let keys: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys.iter().skip(place + 1).any(|other| other == key), "{key:?}");
        }
        let mut names: Vec<_> = BINDINGS.iter().map(|binding| binding.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BINDINGS.len());
    }

    #[test]
    fn every_usual_key_is_written_as_it_is_read() {
        for key in BINDINGS.iter().flat_map(|binding| binding.keys) {
            assert_eq!(parse(&words(*key)), Ok(*key));
        }
        assert!(["", "xx", "f0", "f13", "ctrl-", "\n"].into_iter().all(|wrong| parse(wrong).is_err()));
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let keymap = Keymap::default();
        assert_eq!(keymap.action(KeyEvent::new(KeyCode::Char('S'), KeyModifiers::SHIFT)), Some(Action::Reverse));
        assert_eq!(keymap.action(KeyEvent::new(KeyCode::Char('C'), KeyModifiers::SHIFT)), None);
    }

    #[test]
    fn a_key_that_is_bound_again_is_taken_from_what_it_did() {
        let mut keymap = Keymap::default();
        let pressed = |keymap: &Keymap, char| keymap.action(KeyEvent::new(KeyCode::Char(char), NONE));
        assert_eq!(keymap.bind("sort", &keys(&["o", "ctrl-s"])), Ok(()));
        assert_eq!((pressed(&keymap, 'o'), pressed(&keymap, 's')), (Some(Action::Sort), None));
        assert_eq!(keymap.first(Action::Columns), "");
        assert!(keymap.bind("nosuch", &keys(&["x"])).is_err() && keymap.bind("sort", &keys(&["xx"])).is_err());
        assert_eq!(keymap.check(), Ok(()));
        assert_eq!(keymap.bind("help", &keys(&["q", "ctrl-c"])), Ok(()));
        assert!(keymap.check().is_err());
    }
}
