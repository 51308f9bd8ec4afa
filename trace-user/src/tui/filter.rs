//! What the user wants to see: terms that a row must all match.
//!
//! In: typed text, the fields of a table, and what a field holds. Out: yes or no. A term is a part of any field
//! (`modprobe`), or `field:part` of one (`verdict:hollow`, `pid:413`). Case does not matter. Matching does not
//! allocate, since it runs over every row.

use modtrail_core::event::{Captured, Comm, Task};
use std::fmt;

/// The field whose parts are numbers.
const PID: &str = "pid";
/// The field of requests that hold or wait for a slot: what matches it changes as time passes.
pub const SLOT: &str = "slot";

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    field: Option<&'static str>,
    text: String,
    number: Option<u32>,
}

/// Terms that must all match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// Why text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterFault {
    /// The table has no such field.
    #[error("unknown field {field}: use {known}")]
    UnknownField {
        /// The text before the colon.
        field: String,
        /// What may come before the colon.
        known: Known,
    },
    /// A pid is a number.
    #[error("{text:?} is not a pid: pid must be a number")]
    NotAPid {
        /// The text after the colon.
        text: String,
    },
}

/// The fields of a table, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known(Vec<&'static str>);

impl fmt::Display for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { out.write_str("words alone") } else { out.write_str(&self.0.join(" ")) }
    }
}

impl Filter {
    /// Everything matches.
    #[must_use]
    pub const fn none() -> Self {
        Self { text: String::new(), terms: Vec::new() }
    }

    /// Reads typed text, for a table with these fields.
    ///
    /// # Errors
    /// A term names a field that the table does not have, or a pid is not a number.
    pub fn parse(text: &str, fields: &[&'static str]) -> Result<Self, FilterFault> {
        let terms = text.split_whitespace().map(|word| term(word, fields)).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    /// The text as typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every row matches.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a term asks for the field with this name.
    #[must_use]
    pub fn names(&self, field: &str) -> bool {
        self.terms.iter().any(|term| term.field == Some(field))
    }

    /// Whether every term holds. `has`: whether the row has what a term asks for, in the fields that the term searches.
    pub fn matches(&self, has: impl Fn(&Term) -> bool) -> bool {
        self.terms.iter().all(|term| term.text.is_empty() || has(term))
    }
}

fn term(word: &str, fields: &[&'static str]) -> Result<Term, FilterFault> {
    let Some((field, text)) = word.split_once(':') else {
        return Ok(Term { field: None, text: word.to_ascii_lowercase(), number: word.parse().ok() });
    };
    let Some(field) = fields.iter().copied().find(|known| known.eq_ignore_ascii_case(field)) else {
        let field = super::format::cut(field, 12);
        return Err(FilterFault::UnknownField { field, known: Known(fields.to_vec()) });
    };
    let number = text.parse().ok();
    if field == PID && number.is_none() && !text.is_empty() {
        return Err(FilterFault::NotAPid { text: text.to_owned() });
    }
    Ok(Term { field: Some(field), text: text.to_ascii_lowercase(), number })
}

impl Term {
    /// Whether it searches the field with this name.
    #[must_use]
    pub fn asks(&self, name: &str) -> bool {
        self.field.is_none_or(|asked| asked == name)
    }

    /// Whether it names a field.
    #[must_use]
    pub const fn has_field(&self) -> bool {
        self.field.is_some()
    }

    /// Whether text contains its part.
    #[must_use]
    pub fn text(&self, text: &str) -> bool {
        contains(text.as_bytes(), self.text.as_bytes())
    }

    /// Whether text from the kernel contains its part.
    #[must_use]
    pub fn captured(&self, captured: &Captured) -> bool {
        captured.text().is_some_and(|text| self.text(text))
    }

    /// Whether a thread's name contains its part.
    #[must_use]
    pub fn comm(&self, comm: Comm) -> bool {
        contains(&comm.0, self.text.as_bytes())
    }

    /// Whether its number is the pid or the tid, exactly.
    #[must_use]
    pub fn pid(&self, task: &Task) -> bool {
        self.number.is_some_and(|number| number == task.key.tgid.0 || number == task.tid.0)
    }
}

/// Whether `text` contains `part`, which is in lower case, ignoring case.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    text.windows(part.len()).any(|window| {
        window
            .split_first()
            .is_some_and(|(begin, end)| begin.to_ascii_lowercase() == *first && end.eq_ignore_ascii_case(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_pids_are_said() {
        let fault = |text| Filter::parse(text, &["alias", "pid"]).map_err(|fault| fault.to_string());
        assert_eq!(fault("colour:red"), Err("unknown field colour: use alias pid".to_owned()));
        assert_eq!(fault("pid:x"), Err("\"x\" is not a pid: pid must be a number".to_owned()));
        assert!(fault("alias:pci:v8086 pid:").is_ok());
    }

    #[test]
    fn letters_match_in_any_size() {
        assert!(contains(b"NET-pf-10", b"net"));
        assert!(!contains(b"net", b"net-pf"));
        assert!(contains(b"", b""));
    }
}
