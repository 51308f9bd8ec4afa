//! The keys, as data: what each key does in the dashboard, and how its help and its footer describe it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One row up.
    Up,
    /// One row down.
    Down,
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
    /// Close what is open; if nothing is, show every row again.
    Back,
    /// The next screen.
    NextScreen,
    /// The screen before.
    PreviousScreen,
    /// Type a filter.
    Filter,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    Reverse,
    /// Hold the screen, or let it go on.
    Pause,
    /// Show or hide the keys.
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

/// An action and its keys.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// The keys, each with Ctrl or without.
    pub keys: &'static [(KeyCode, KeyModifiers)],
    /// The keys as a person reads them.
    pub shown: &'static str,
    /// What it does, as a phrase.
    pub says: &'static str,
    /// Its place in the footer.
    pub hint: Hint,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

/// Every key, in the order of the help. The footer shows them from the first on while there is room.
pub const BINDINGS: [Binding; 18] = [
    Binding {
        action: Action::Help,
        keys: &[(KeyCode::Char('?'), NONE), (KeyCode::F(1), NONE)],
        shown: "?",
        says: "this help",
        hint: Hint::Footer("help"),
    },
    Binding {
        action: Action::Quit,
        keys: &[(KeyCode::Char('q'), NONE), (KeyCode::Char('c'), CTRL)],
        shown: "q ctrl-c",
        says: "quit",
        hint: Hint::Footer("quit"),
    },
    Binding {
        action: Action::Open,
        keys: &[(KeyCode::Enter, NONE)],
        shown: "enter",
        says: "details",
        hint: Hint::Footer("open"),
    },
    Binding {
        action: Action::Back,
        keys: &[(KeyCode::Esc, NONE)],
        shown: "esc",
        says: "back, clear filter",
        hint: Hint::Footer("back"),
    },
    Binding {
        action: Action::NextScreen,
        keys: &[(KeyCode::Tab, NONE)],
        shown: "tab",
        says: "next screen",
        hint: Hint::Footer("screen"),
    },
    Binding {
        action: Action::PreviousScreen,
        keys: &[(KeyCode::BackTab, NONE)],
        shown: "shift-tab",
        says: "previous screen",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Filter,
        keys: &[(KeyCode::Char('/'), NONE)],
        shown: "/",
        says: "filter",
        hint: Hint::Footer("filter"),
    },
    Binding {
        action: Action::Sort,
        keys: &[(KeyCode::Char('s'), NONE)],
        shown: "s",
        says: "sort by next column",
        hint: Hint::Footer("sort"),
    },
    Binding {
        action: Action::Reverse,
        keys: &[(KeyCode::Char('S'), NONE)],
        shown: "S",
        says: "reverse the order",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Pause,
        keys: &[(KeyCode::Char(' '), NONE)],
        shown: "space",
        says: "pause",
        hint: Hint::Footer("pause"),
    },
    Binding {
        action: Action::Up,
        keys: &[(KeyCode::Up, NONE), (KeyCode::Char('k'), NONE)],
        shown: "up k",
        says: "row up",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Down,
        keys: &[(KeyCode::Down, NONE), (KeyCode::Char('j'), NONE)],
        shown: "down j",
        says: "row down",
        hint: Hint::Footer("scroll"),
    },
    Binding {
        action: Action::PageUp,
        keys: &[(KeyCode::PageUp, NONE), (KeyCode::Char('b'), CTRL)],
        shown: "pgup",
        says: "page up",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::PageDown,
        keys: &[(KeyCode::PageDown, NONE), (KeyCode::Char('f'), CTRL)],
        shown: "pgdn",
        says: "page down",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::First,
        keys: &[(KeyCode::Home, NONE), (KeyCode::Char('g'), NONE)],
        shown: "home g",
        says: "first row, follow",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Last,
        keys: &[(KeyCode::End, NONE), (KeyCode::Char('G'), NONE)],
        shown: "end G",
        says: "last row",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Redraw,
        keys: &[(KeyCode::Char('l'), CTRL)],
        shown: "ctrl-l",
        says: "draw the screen again",
        hint: Hint::HelpOnly,
    },
    Binding {
        action: Action::Suspend,
        keys: &[(KeyCode::Char('z'), CTRL)],
        shown: "ctrl-z",
        says: "suspend; fg continues",
        hint: Hint::HelpOnly,
    },
];

/// What a key asks for, outside of typing. Shift is already part of the character.
#[must_use]
pub fn action(key: KeyEvent) -> Option<Action> {
    let pressed = (key.code, key.modifiers.difference(KeyModifiers::SHIFT));
    BINDINGS.iter().find(|binding| binding.keys.contains(&pressed)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let keys: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys.iter().skip(place + 1).any(|other| other == key), "{key:?}");
        }
    }

    #[test]
    fn shift_is_part_of_the_character() {
        assert_eq!(action(KeyEvent::new(KeyCode::Char('S'), KeyModifiers::SHIFT)), Some(Action::Reverse));
        assert_eq!(action(KeyEvent::new(KeyCode::Char('c'), NONE)), None);
    }
}
