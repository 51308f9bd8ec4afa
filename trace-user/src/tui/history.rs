//! The filters and searches that were typed: the latest last, each once, and not more than a hundred.
//!
//! In: lines as they are typed or kept in a file. Out: the same lines, to be typed again. Pure.

/// The most characters of a line.
pub const LENGTH: usize = 200;
/// Lines that are kept.
const MOST: usize = 100;

/// The lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    lines: Vec<String>,
}

impl History {
    /// The lines of a file. What could not have been typed is left out.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut history = Self::default();
        text.lines().for_each(|line| history.add(line));
        history
    }

    /// Takes a line as the latest.
    pub fn add(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() || line.chars().count() > LENGTH || line.chars().any(char::is_control) {
            return;
        }
        self.lines.retain(|known| known != line);
        self.lines.push(line.to_owned());
        let surplus = self.lines.len().saturating_sub(MOST);
        self.lines.drain(..surplus);
    }

    /// The line so many back; 1 is the latest.
    #[must_use]
    pub fn latest(&self, back: usize) -> Option<&str> {
        self.lines.len().checked_sub(back).and_then(|place| self.lines.get(place)).map(String::as_str)
    }

    /// A line each.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_lines_are_kept_each_once() {
        let mut history = History::of("one\ntwo\n\n  one  \nbad\u{1b}[2J\n");
        assert_eq!(history.text(), "two\none\n");
        assert_eq!([history.latest(1), history.latest(2), history.latest(3)], [Some("one"), Some("two"), None]);
        (0..MOST).for_each(|number| history.add(&number.to_string()));
        assert_eq!(history.text().lines().count(), MOST);
        assert_eq!((history.latest(1), history.latest(MOST)), (Some("99"), Some("0")));
        history.add(&"x".repeat(LENGTH + 1));
        assert_eq!(history.latest(1), Some("99"));
        assert_eq!(History::of(&history.text()), history);
    }
}
