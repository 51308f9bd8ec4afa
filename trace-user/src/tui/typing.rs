//! A line that is being typed, with a cursor in it.
//!
//! In: keys, text that is pasted. Out: the line. Pure.

use modtrail_core::query::QueryFault;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The most characters of a line.
const LENGTH: usize = 200;

/// A filter that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// What stands before the cursor.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// Why it is not a filter; the last valid filter stays in force.
    pub fault: Option<QueryFault>,
}

impl Input {
    /// This text, with the cursor at its end.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { before: text.to_owned(), ..Self::default() }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Puts in what can be shown on one line; line ends and other control characters become spaces.
    pub fn put(&mut self, text: &str) {
        let room = LENGTH.saturating_sub(self.before.chars().count() + self.after.chars().count());
        self.before.extend(text.chars().take(room).map(|typed| if typed.is_control() { ' ' } else { typed }));
    }

    /// Does what a key that edits the line is for; returns whether it is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key is for something else")]
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Backspace => drop(self.before.pop()),
            KeyCode::Delete => drop(self.take_next()),
            KeyCode::Left => {
                if let Some(last) = self.before.pop() {
                    self.after.insert(0, last);
                }
            }
            KeyCode::Right => {
                let next = self.take_next();
                self.before.extend(next);
            }
            KeyCode::Home => self.move_to_begin(),
            KeyCode::End => self.move_to_end(),
            KeyCode::Char('a') if control => self.move_to_begin(),
            KeyCode::Char('e') if control => self.move_to_end(),
            KeyCode::Char('u') if control => self.before.clear(),
            KeyCode::Char('k') if control => self.after.clear(),
            KeyCode::Char('w') if control => self.take_word(),
            KeyCode::Char(typed) if !control => self.put(typed.encode_utf8(&mut [0; 4])),
            _ => return false,
        }
        true
    }

    fn take_next(&mut self) -> Option<char> {
        let next = self.after.chars().next()?;
        self.after.remove(0);
        Some(next)
    }

    /// The word before the cursor goes, with the blanks after it.
    fn take_word(&mut self) {
        let kept = self.before.trim_end().rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        self.before.truncate(kept);
    }

    fn move_to_begin(&mut self) {
        self.after.insert_str(0, &std::mem::take(&mut self.before));
    }

    fn move_to_end(&mut self) {
        self.before.push_str(&std::mem::take(&mut self.after));
    }
}

/// A time that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeking {
    /// What was typed.
    pub input: Input,
    /// Why it is not a time, since it was last tried.
    pub fault: Option<String>,
}

impl Seeking {
    /// Puts text in.
    pub fn paste(&mut self, text: &str) {
        self.input.put(text);
        self.fault = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left, with the cursor as a bar.
    fn typed(text: &str, keys: &[(KeyCode, KeyModifiers)]) -> String {
        let mut input = Input::of(text);
        for (code, modifiers) in keys {
            assert!(input.edit(KeyEvent::new(*code, *modifiers)));
        }
        format!("{}|{}", input.before, input.after)
    }

    #[test]
    fn the_cursor_moves_and_what_is_around_it_changes() {
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        let left = (KeyCode::Left, none);
        assert_eq!(typed("net-pf-29", &[left, left, left, (KeyCode::Backspace, none)]), "net-p|-29");
        assert_eq!(typed("ab", &[left, (KeyCode::Char('x'), none), (KeyCode::Right, none)]), "axb|");
        assert_eq!(typed("ab", &[left, left, left, (KeyCode::Delete, none)]), "|b");
        assert_eq!(typed("ab", &[(KeyCode::Home, none), (KeyCode::Backspace, none), (KeyCode::End, none)]), "ab|");
        let word = (KeyCode::Char('w'), control);
        assert_eq!(typed("one two  ", &[word]), "one |");
        assert_eq!(typed("one two", &[word, word, word]), "|");
        assert_eq!(typed("日本", &[left, (KeyCode::Char('u'), control)]), "|本");
        assert_eq!(typed("ab", &[(KeyCode::Char('a'), control), (KeyCode::Char('k'), control)]), "|");
        assert!(!Input::default().edit(KeyEvent::new(KeyCode::F(2), none)));
    }
}
