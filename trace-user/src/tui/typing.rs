//! A line that is being typed, with a cursor in it.
//!
//! In: keys, text that is pasted, lines that were typed before. Out: the line. Pure.

use super::history::{History, LENGTH};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It filters the rows.
    Filter,
    /// It selects the next row that matches, from the row at this place on.
    Search {
        /// The place of the row that was selected before; `None` if the first was followed.
        from: Option<usize>,
    },
    /// It finds an entry of the palette.
    Palette,
    /// It is a time of the recording to go to.
    Time,
}

/// A line that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What it is for.
    pub purpose: Purpose,
    /// What stands before the cursor.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// Why it is not a query; the last valid one stays in force.
    pub fault: Option<String>,
    /// So many lines back in the history; 0 is the line that is typed.
    recalled: usize,
    /// The line that is typed, while an older one is shown.
    draft: String,
}

impl Input {
    /// This text, with the cursor at its end.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        let (before, after, draft) = (text.to_owned(), String::new(), String::new());
        Self { purpose, before, after, fault: None, recalled: 0, draft }
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

    /// Shows the line that was typed before the one that is shown, or the one after it, and at last what is typed now.
    /// Returns whether there is one.
    pub fn recall(&mut self, history: &History, is_older: bool) -> bool {
        let place = if is_older { self.recalled.checked_add(1) } else { self.recalled.checked_sub(1) };
        let Some(place) = place else { return false };
        if self.recalled == 0 {
            self.draft = self.text();
        }
        let line = if place == 0 { Some(self.draft.as_str()) } else { history.latest(place) };
        let Some(line) = line.map(ToOwned::to_owned) else { return false };
        (self.before, self.recalled) = (line, place);
        self.after.clear();
        true
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
        let typed = self.before.trim_end();
        let blank = typed.char_indices().rev().find(|(_, typed)| typed.is_whitespace());
        let kept = blank.map_or(0, |(at, blank)| at + blank.len_utf8());
        self.before.truncate(kept);
    }

    fn move_to_begin(&mut self) {
        self.after.insert_str(0, &std::mem::take(&mut self.before));
    }

    fn move_to_end(&mut self) {
        self.before.push_str(&std::mem::take(&mut self.after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left, with the cursor as a bar.
    fn typed(text: &str, keys: &[(KeyCode, KeyModifiers)]) -> String {
        let mut input = Input::new(Purpose::Filter, text);
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
        assert_eq!(typed("one\u{3000}two", &[word]), "one\u{3000}|");
        assert_eq!(typed("日本", &[left, (KeyCode::Char('u'), control)]), "|本");
        assert_eq!(typed("ab", &[(KeyCode::Char('a'), control), (KeyCode::Char('k'), control)]), "|");
        assert!(!Input::new(Purpose::Filter, "").edit(KeyEvent::new(KeyCode::F(2), none)));
    }

    #[test]
    fn older_lines_come_back_and_what_was_typed_is_not_lost() {
        let history = History::of("one\ntwo\n");
        let mut input = Input::new(Purpose::Filter, "thr");
        let mut shown = |is_older| input.recall(&history, is_older).then(|| input.text());
        assert_eq!([shown(true), shown(true), shown(true)], [Some("two".into()), Some("one".into()), None]);
        assert_eq!([shown(false), shown(false), shown(false)], [Some("two".into()), Some("thr".into()), None]);
    }
}
