//! A row as a line of text or of JSON.

use super::world::World;
use modtrail_core::model::Model;
use modtrail_core::query::{Fact, Row, Sort};
use modtrail_core::report::plain::plain_json;
use modtrail_core::report::wall;
use serde_json::{Map, Value};

/// The form of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line for a person.
    Text,
    /// A JSON object on one line.
    Json,
}

/// An object of its fields. Times end in `_ns`; a field with several values is a list; what was not seen is not there.
#[must_use]
pub fn facts<R: Row + ?Sized>(world: &World<'_>, row: &R) -> String {
    let mut object = Map::new();
    for field in row.fields() {
        let mut values = Vec::new();
        row.facts(*field, world.model, &mut |fact| values.push(value(fact, world.model)));
        let name = match field.sort() {
            Sort::Duration => format!("{}_ns", field.name()),
            Sort::Text | Sort::Word(_) | Sort::Number | Sort::Size | Sort::Instant | Sort::Code => {
                field.name().to_owned()
            }
        };
        values.dedup();
        match values.len() {
            0 => {}
            1 => object.extend(values.pop().map(|value| (name, value))),
            _ => object.extend([(name, Value::Array(values))]),
        }
    }
    plain_json(&Value::Object(object).to_string())
}

fn value(fact: Fact<'_>, model: &Model) -> Value {
    match fact {
        Fact::Text(text) => text.into(),
        Fact::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        Fact::Word(word) => word.into(),
        Fact::Number(number) => number.into(),
        Fact::At(at) => match model.wall_ns(at).and_then(wall::iso) {
            Some(wall) => wall.into(),
            None => at.boot.as_nanos().into(),
        },
    }
}
