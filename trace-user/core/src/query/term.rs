//! One term of a query: a field, an operator, and what it compares with; or text that any field may hold.
//!
//! In: a fact of a row. Out: whether it holds. Matching text does not allocate, since it runs over every row.

use super::field::{Field, Sort};
use super::value::Value;
use crate::event::Stamp;
use crate::model::Model;
use regex::bytes::Regex;
use std::ops::Range;

/// How a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `:` contains the text, ignoring case; for words and numbers, the same as `=`.
    Has,
    /// `=` is exactly.
    Is,
    /// `!=` is not.
    IsNot,
    /// `~` matches the regular expression.
    Matches,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// One value that a term accepts.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// The text as typed; for words, as they are kept.
    pub text: String,
    /// In lower case.
    pub lower: String,
    /// What it means for the field.
    pub value: Value,
    /// The regular expression, for [`Op::Matches`].
    pub regex: Option<Regex>,
}

/// One term.
#[derive(Clone, Debug)]
pub struct Term {
    pub(super) field: Option<Field>,
    pub(super) op: Op,
    /// One of these must hold; for [`Op::IsNot`], none may.
    pub(super) accepted: Vec<Accepted>,
}

/// Something that a row holds.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// Text.
    Text(&'a str),
    /// Text that need not be UTF-8, such as a thread's name.
    Bytes(&'a [u8]),
    /// A word of an enumeration.
    Word(&'static str),
    /// A number: nanoseconds, bytes, return values.
    Number(i64),
    /// An instant.
    At(Stamp),
}

impl Term {
    /// The field that it asks for; `None` if any may hold its text.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        self.field
    }

    /// Whether it says what must not be.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        matches!(self.op, Op::IsNot)
    }

    /// Whether one of its values is what a row holds. A negative term wants that of none.
    #[must_use]
    pub fn holds(&self, fact: Fact<'_>, model: &Model) -> bool {
        self.accepted.iter().any(|accepted| self.accepts(accepted, fact, model))
    }

    /// Where its values are in text that shows its field.
    pub(super) fn found(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_negative() {
            return Vec::new();
        }
        let is_word = matches!(self.field.map(Field::sort), Some(Sort::Word(_)));
        let found = self.accepted.iter().flat_map(|accepted| match (&accepted.regex, accepted.value) {
            (Some(regex), _) => regex.find_iter(text.as_bytes()).map(|found| found.range()).collect(),
            (None, Value::Text) if is_word => whole(text, &accepted.text.replace('_', " ")),
            (None, Value::Text) if self.op == Op::Is => whole(text, &accepted.text),
            (None, Value::Text) => parts(text, &accepted.lower),
            (None, Value::Number(_) | Value::Instant(_)) => Vec::new(),
        });
        found.collect()
    }

    fn accepts(&self, accepted: &Accepted, fact: Fact<'_>, model: &Model) -> bool {
        if self.op == Op::Has && accepted.text.is_empty() {
            return true;
        }
        match fact {
            Fact::Text(text) => self.text(accepted, text.as_bytes()),
            Fact::Bytes(bytes) => self.text(accepted, bytes),
            Fact::Word(word) if self.field.is_none() => {
                let words: Vec<u8> = word.bytes().map(|byte| if byte == b'_' { b' ' } else { byte }).collect();
                contains(&words, accepted.lower.as_bytes()) || contains(word.as_bytes(), accepted.lower.as_bytes())
            }
            Fact::Word(word) if self.op == Op::Matches => self.text(accepted, word.as_bytes()),
            Fact::Word(word) => word == accepted.text,
            Fact::Number(number) => match accepted.value {
                Value::Number(value) => self.compare(number, value),
                // Text without a field finds a number that is written as it is.
                Value::Text => accepted.text.parse() == Ok(number),
                Value::Instant(_) => false,
            },
            Fact::At(at) => {
                let (Value::Instant(instant), Some(wall)) = (accepted.value, model.wall_ns(at)) else { return false };
                let first = model.first().and_then(|first| model.wall_ns(first)).unwrap_or(wall);
                let now = model.wall_ns(model.now()).unwrap_or(wall);
                self.compare(i64::try_from(wall).unwrap_or(i64::MAX), instant.wall_ns(first, now))
            }
        }
    }

    fn text(&self, accepted: &Accepted, text: &[u8]) -> bool {
        match self.op {
            Op::Matches => accepted.regex.as_ref().is_some_and(|regex| regex.is_match(text)),
            Op::Is | Op::IsNot => text == accepted.text.as_bytes(),
            Op::Has => contains(text, accepted.lower.as_bytes()),
            Op::Less | Op::AtMost | Op::More | Op::AtLeast => false,
        }
    }

    const fn compare(&self, number: i64, value: i64) -> bool {
        match self.op {
            Op::Has | Op::Is | Op::IsNot => number == value,
            Op::Less => number < value,
            Op::AtMost => number <= value,
            Op::More => number > value,
            Op::AtLeast => number >= value,
            Op::Matches => false,
        }
    }
}

/// The value if the text is no other: what follows in it is only about the value, as in `ping[412]` or `fs-xfs (xfs)`.
fn whole(text: &str, value: &str) -> Vec<Range<usize>> {
    let rest = text
        .strip_prefix(value)
        .filter(|rest| rest.is_empty() || rest.starts_with(['[', '(']) || rest.starts_with(" ("));
    rest.map(|_| 0..value.len()).into_iter().collect()
}

/// Every place of `part`, which is in lower case, ignoring case.
fn parts(text: &str, part: &str) -> Vec<Range<usize>> {
    let (lower, mut from) = (text.to_ascii_lowercase(), 0);
    let mut found = Vec::new();
    while let Some(at) = lower.get(from..).filter(|_| !part.is_empty()).and_then(|rest| rest.find(part)) {
        from += at + part.len();
        found.push(from - part.len()..from);
    }
    found
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
    use super::contains;

    #[test]
    fn letters_match_in_any_size() {
        assert!(contains(b"NET-pf-10", b"net"));
        assert!(!contains(b"net", b"net-pf"));
        assert!(contains(b"", b""));
    }
}
