//! The query language: what a person wants to see, in every command that reads events and on every screen.
//!
//! In: typed text, and rows of the model. Out: whether a row matches. `docs/query.md` is the page about it.
//!
//! A term that names a field holds only for rows that have it; a list of values (`comm:ping,mount`) holds if one of
//! them does. A field without a value (`container:`) holds for rows that have any. Text without a field is found in any
//! name of the row.

mod field;
mod parse;
mod rows;
mod term;
mod value;

pub use field::{Field, Sort};
pub use parse::QueryFault;
pub use rows::{Each, Row};
pub use term::{Fact, Op, Term};
pub use value::{Instant, duration, size};

use crate::entities::Change;
use crate::event::Stamp;
use crate::model::Model;
use parse::Expression;
use std::ops::Range;
use value::Value;

/// What a row must be like.
#[derive(Clone, Debug, Default)]
pub struct Query {
    text: String,
    expression: Option<Expression>,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Query {}

impl Query {
    /// Reads typed text, for rows with these fields.
    ///
    /// # Errors
    /// [`QueryFault`] if it is not a query.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self, QueryFault> {
        Ok(Self { text: text.trim().to_owned(), expression: parse::parse(text, fields)? })
    }

    /// This, and the other one too.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let text =
            [self.text, other.text].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" and ");
        let expression = match (self.expression, other.expression) {
            (Some(one), Some(two)) => Some(Expression::All(vec![one, two])),
            (one, two) => one.or(two),
        };
        Self { text, expression }
    }

    /// Rows that began at `instant` or later; the text is a value of the field `at`.
    ///
    /// # Errors
    /// [`QueryFault`] if it is not an instant.
    pub fn since(instant: &str) -> Result<Self, QueryFault> {
        Self::parse(&format!("at>=\"{}\"", quotable(instant)), &[Field::At])
    }

    /// Rows that began at `instant` or before; the text is a value of the field `at`.
    ///
    /// # Errors
    /// [`QueryFault`] if it is not an instant.
    pub fn until(instant: &str) -> Result<Self, QueryFault> {
        Self::parse(&format!("at<=\"{}\"", quotable(instant)), &[Field::At])
    }

    /// The text as typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every row matches.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.expression.is_none()
    }

    /// Whether a term asks for this field.
    #[must_use]
    pub fn names(&self, field: Field) -> bool {
        let mut found = false;
        self.each_term(&mut |term, _| found |= term.field == Some(field));
        found
    }

    /// Whether it depends on what the latest instant is (`at>-5m`).
    #[must_use]
    pub fn is_relative(&self) -> bool {
        let is_ago = |value| matches!(value, Value::Instant(Instant::Ago(_)));
        let mut found = false;
        self.each_term(&mut |term, _| found |= term.accepted.iter().any(|accepted| is_ago(accepted.value)));
        found
    }

    /// The same for a source that ended at `end`: times before the latest (`-5m`) become instants.
    #[must_use]
    pub fn anchored(mut self, end: Stamp, model: &Model) -> Self {
        let Some(end) = model.wall_ns(end) else { return self };
        if let Some(expression) = &mut self.expression {
            anchor(expression, end);
        }
        self
    }

    /// Whether the row is wanted.
    #[must_use]
    pub fn matches<R: Row + ?Sized>(&self, row: &R, model: &Model) -> bool {
        self.expression.as_ref().is_none_or(|expression| holds(expression, row, model))
    }

    /// Where it finds what it asks for in text that shows values of these fields. Ranges may overlap. What must not be
    /// there, and what is compared as a number, is found nowhere.
    #[must_use]
    pub fn found(&self, fields: &[Field], text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.each_term(&mut |term, is_wanted| {
            if is_wanted && term.field.is_none_or(|field| fields.contains(&field)) {
                found.extend(term.found(text));
            }
        });
        found
    }

    /// Passes on every term, and whether it is to hold.
    fn each_term(&self, each: &mut impl FnMut(&Term, bool)) {
        fn walk(expression: &Expression, is_wanted: bool, each: &mut impl FnMut(&Term, bool)) {
            match expression {
                Expression::All(parts) | Expression::Any(parts) => {
                    parts.iter().for_each(|part| walk(part, is_wanted, each));
                }
                Expression::Not(part) => walk(part, !is_wanted, each),
                Expression::Term(term) => each(term, is_wanted),
            }
        }
        if let Some(expression) = &self.expression {
            walk(expression, true, each);
        }
    }
}

/// The trace with only what matches, and the loads of requests that do; all of it if the query is empty.
#[must_use]
pub fn narrowed(model: Model, query: &Query) -> Model {
    if query.is_empty() {
        return model;
    }
    let model = &model;
    model.narrowed(|change| match change {
        Change::Request(request) => query.matches(&**request, model),
        Change::Call(call) => query.matches(&**call, model),
        Change::Load(load) => query.matches(&**load, model),
        Change::Unload(unload) => query.matches(&**unload, model),
        Change::Cycle(cycle) => query.matches(&**cycle, model),
        Change::Firmware(firmware) => query.matches(&**firmware, model),
        Change::Device(device) => query.matches(&**device, model),
        Change::Fact { .. }
        | Change::Lost { .. }
        | Change::Unmatched
        | Change::Capped
        | Change::OtherSelfTest
        | Change::Now(_) => true,
    })
}

/// A term that holds for rows whose `field` holds exactly `value`, as it would be typed.
#[must_use]
pub fn exactly(field: Field, value: &str) -> String {
    format!("{}=\"{}\"", field.name(), quotable(value))
}

/// Text between quotation marks.
fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn anchor(expression: &mut Expression, end: u64) {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter_mut().for_each(|part| anchor(part, end)),
        Expression::Not(part) => anchor(part, end),
        Expression::Term(term) => {
            for accepted in &mut term.accepted {
                if let Value::Instant(instant @ Instant::Ago(_)) = accepted.value {
                    accepted.value = Value::Instant(Instant::Wall(instant.wall_ns(end, end)));
                }
            }
        }
    }
}

fn holds<R: Row + ?Sized>(expression: &Expression, row: &R, model: &Model) -> bool {
    match expression {
        Expression::All(parts) => parts.iter().all(|part| holds(part, row, model)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, row, model)),
        Expression::Not(part) => !holds(part, row, model),
        Expression::Term(term) => has(term, row, model),
    }
}

fn has<R: Row + ?Sized>(term: &Term, row: &R, model: &Model) -> bool {
    let in_field = |field| {
        let (mut is_there, mut found) = (false, false);
        row.facts(field, model, &mut |fact| {
            is_there = true;
            found = found || term.holds(fact, model);
        });
        is_there && found != term.is_negative()
    };
    match term.field {
        Some(field) => in_field(field),
        None => row.fields().iter().copied().filter(|field| field.is_searched()).any(in_field),
    }
}

/// What may stand at the end of a query that is being typed: fields, or the words of the field that is named.
#[must_use]
pub fn completions(text: &str, fields: &[Field]) -> Vec<String> {
    let begin = text.rfind(|char: char| char.is_whitespace() || char == '(').map_or(0, |at| at + 1);
    let negations = text.get(begin..).unwrap_or_default().bytes().take_while(|byte| *byte == b'!').count();
    let begin = begin + negations;
    let word = text.get(begin..).unwrap_or_default();
    let after = |choice: &str| format!("{}{choice}", text.get(..begin).unwrap_or_default());
    if let Some(at) = word.find([':', '=']) {
        let (name, typed) = (word.get(..at).unwrap_or_default().trim_end_matches('!'), word.get(at + 1..));
        let Some(typed) = typed else { return Vec::new() };
        let sign = word.get(..=at).unwrap_or_default();
        let (before, last) = typed.rsplit_once(',').map_or(("", typed), |(before, last)| (before, last));
        let before = if before.is_empty() { String::new() } else { format!("{before},") };
        let Some(Sort::Word(words)) = fields.iter().find(|field| field.name() == name).map(|field| field.sort()) else {
            return Vec::new();
        };
        let begun = words.iter().filter(|word| word.starts_with(last) && **word != last);
        return begun.map(|word| after(&format!("{sign}{before}{word}"))).collect();
    }
    let begun = fields.iter().map(|field| field.name()).filter(|name| name.starts_with(word));
    begun.map(|name| after(&format!("{name}:"))).collect()
}

#[cfg(test)]
mod tests;
