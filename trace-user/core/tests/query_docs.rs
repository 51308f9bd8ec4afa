//! The page about the query language is true: its examples are queries, its table has every field, and nothing else.

use modtrail_core::query::{Field, Query};

const PAGE: &str = include_str!("../../../docs/query.md");

#[test]
fn every_example_is_a_query() {
    let mut is_example = false;
    let mut examples = 0;
    for line in PAGE.lines() {
        if line.starts_with("```") {
            is_example = line == "```query";
        } else if is_example {
            let query = line.split("  #").next().unwrap_or_default();
            assert!(Query::parse(query, &Field::ALL).is_ok_and(|query| !query.is_empty()), "{line}");
            examples += 1;
        }
    }
    assert!(examples > 10, "{examples}");
}

#[test]
fn the_table_has_every_field() {
    let rows = Field::ALL.map(|field| format!("| `{}` | {} | {} |", field.name(), kind(field), field.meaning()));
    let table: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(table, rows, "put this into docs/query.md:\n{}", rows.join("\n"));
}

fn kind(field: Field) -> String {
    use modtrail_core::query::Sort;
    match field.sort() {
        Sort::Text => "text".to_owned(),
        Sort::Word(words) => format!("one of {}", words.join(", ")),
        Sort::Number => "number".to_owned(),
        Sort::Duration => "time span".to_owned(),
        Sort::Size => "size".to_owned(),
        Sort::Instant => "time".to_owned(),
        Sort::Code => "return value".to_owned(),
    }
}
