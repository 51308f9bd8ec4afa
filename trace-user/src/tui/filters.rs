//! Filters that have names: `@name` stands for one in every filter and search.
//!
//! In: names with their queries, as they are configured; typed text. Out: the text with the queries in place of the
//! names; names that complete what was typed. Pure.

use modtrail_core::query::{Field, Query};
use std::collections::BTreeMap;

/// The mark before a name.
const SIGN: char = '@';

/// Queries by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    queries: BTreeMap<String, String>,
}

impl Filters {
    /// Gives a query a name.
    ///
    /// # Errors
    /// Why that is not possible, as a sentence.
    pub fn add(&mut self, name: &str, query: &str) -> Result<(), String> {
        if name.is_empty() || !name.chars().all(is_of_name) {
            return Err(format!("{name:?} is not a name of a filter: use letters, digits, - and _"));
        }
        if query.trim().is_empty() {
            return Err(format!("the filter {name} is empty"));
        }
        Query::parse(query, &Field::ALL).map_err(|fault| fault.to_string())?;
        self.queries.insert(name.to_owned(), query.trim().to_owned());
        Ok(())
    }

    /// The names with their queries.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.queries.iter().map(|(name, query)| (name.as_str(), query.as_str()))
    }

    /// The text with queries in place of names. What stands in quotes is not a name.
    ///
    /// # Errors
    /// There is no filter of this name: which there are, as a sentence.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::new();
        let (mut is_quoted, mut is_escaped, mut begins_word) = (false, false, true);
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            let after = rest.strip_prefix(char).unwrap_or_default();
            if char == SIGN && begins_word && !is_quoted {
                let (name, after) = after.split_at(after.find(|char| !is_of_name(char)).unwrap_or(after.len()));
                let query = self.queries.get(name).ok_or_else(|| self.unknown(name))?;
                // Alone, it is the whole query.
                let is_alone = expanded.trim().is_empty() && after.trim().is_empty();
                expanded.push_str(&if is_alone { query.clone() } else { format!("({query})") });
                (begins_word, rest) = (false, after);
                continue;
            }
            is_quoted ^= char == '"' && !is_escaped;
            is_escaped = is_quoted && char == '\\' && !is_escaped;
            begins_word = char.is_whitespace() || matches!(char, '(' | '!');
            expanded.push(char);
            rest = after;
        }
        Ok(expanded)
    }

    fn unknown(&self, name: &str) -> String {
        if self.queries.is_empty() {
            return format!("no filter is saved as {SIGN}{name}: [filters] of the configuration gives filters names");
        }
        let names: Vec<String> = self.queries.keys().map(|name| format!("{SIGN}{name}")).collect();
        format!("no filter is saved as {SIGN}{name}: use {}", names.join(" "))
    }

    /// What the text may be if its last word is the beginning of a name.
    #[must_use]
    pub fn completions(&self, text: &str) -> Vec<String> {
        let begin = text.rfind(|char: char| char.is_whitespace() || matches!(char, '(' | '!')).map_or(0, |at| at + 1);
        let (before, word) = text.split_at_checked(begin).unwrap_or((text, ""));
        let Some(typed) = word.strip_prefix(SIGN) else { return Vec::new() };
        let begun = self.queries.keys().filter(|name| name.starts_with(typed) && *name != typed);
        begun.map(|name| format!("{before}{SIGN}{name}")).collect()
    }
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters() -> Filters {
        let mut filters = Filters::default();
        assert_eq!(filters.add("slow", "total>1s"), Ok(()));
        assert_eq!(filters.add("failed", "verdict:hollow or verdict:init_failed"), Ok(()));
        filters
    }

    #[test]
    fn a_name_stands_for_its_query() {
        let filters = filters();
        for (typed, expected) in [
            ("@slow", "total>1s"),
            (" @slow ", " total>1s "),
            ("comm:ping @failed", "comm:ping (verdict:hollow or verdict:init_failed)"),
            ("!@slow", "!(total>1s)"),
            ("(@slow or @failed)", "((total>1s) or (verdict:hollow or verdict:init_failed))"),
            ("\"@slow\"", "\"@slow\""),
            (r#""a @slow""#, r#""a @slow""#),
            (r#""\"@slow" @slow"#, r#""\"@slow" (total>1s)"#),
            ("a@slow", "a@slow"),
            ("日本 @slow", "日本 (total>1s)"),
        ] {
            assert_eq!(filters.expand(typed).as_deref(), Ok(expected), "{typed}");
        }
        assert_eq!(filters.expand("@fast").unwrap_err(), "no filter is saved as @fast: use @failed @slow");
        assert!(filters.expand("@").is_err());
        assert!(Filters::default().expand("@slow").unwrap_err().contains("[filters]"));
    }

    #[test]
    fn names_complete_and_queries_are_checked() {
        assert_eq!(filters().completions("comm:ping @f"), ["comm:ping @failed"]);
        assert_eq!(filters().completions("(@"), ["(@failed", "(@slow"]);
        assert!(filters().completions("slow").is_empty() && filters().completions("@slow").is_empty());
        let mut filters = Filters::default();
        assert!(filters.add("no name", "can").unwrap_err().contains("letters"));
        assert!(filters.add("x", "colour:red").unwrap_err().starts_with("unknown field colour"));
        assert!(filters.add("x", " ").is_err());
    }
}
