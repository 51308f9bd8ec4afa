//! From typed text to a query.
//!
//! In: text, and the fields of the rows. Out: an expression, or what is wrong with the text. The grammar:
//!
//! ```text
//! query = all { "or" all }
//! all   = one { ["and"] one }
//! one   = ("not" | "!") one | "(" query ")" | term
//! term  = field op value { "," value } | word | "text"
//! ```

use super::field::{Field, Sort};
use super::term::{Accepted, Op, Term};
use super::value::{Value, value, word};
use regex::bytes::RegexBuilder;
use std::iter::Peekable;
use std::str::CharIndices;

/// How deep parentheses and negations may nest.
const DEPTH: u32 = 32;
/// How long a query may be, in bytes.
const LENGTH: usize = 4_096;
/// How large a compiled regular expression may be, in bytes.
const REGEX_BYTES: usize = 1 << 20;

/// What must hold.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// All of it.
    All(Vec<Self>),
    /// Any of it.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A term.
    Term(Term),
}

/// Why text is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// No row has such a field.
    #[error("unknown field {field}: use {}", .known.join(" "))]
    UnknownField {
        /// The text before the operator.
        field: String,
        /// What may stand there.
        known: Vec<&'static str>,
    },
    /// The value does not fit the field.
    #[error("{text:?} does not fit {field}: expected {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// The text after the operator.
        text: String,
        /// What was expected.
        expected: String,
    },
    /// The operator does not fit the field.
    #[error("{field} cannot be compared with {op}: use {choices}")]
    Operator {
        /// The field.
        field: &'static str,
        /// The operator.
        op: &'static str,
        /// Those that fit.
        choices: &'static str,
    },
    /// A regular expression is not one.
    #[error("{text:?} is not a regular expression: {reason}")]
    Regex {
        /// The text.
        text: String,
        /// Why.
        reason: String,
    },
    /// A quotation mark or a parenthesis is not closed.
    #[error("{0} is not closed")]
    NotClosed(char),
    /// Something is missing.
    #[error("{}", missing_after(.0))]
    Incomplete(String),
    /// A closing parenthesis too many.
    #[error("there is nothing that this ) closes")]
    NotOpened,
    /// It nests too deep, or is too long.
    #[error("the query is too long or too deep: at most {LENGTH} bytes and {DEPTH} levels")]
    TooLarge,
}

fn missing_after(before: &str) -> String {
    if before.is_empty() {
        "something is missing at the beginning".to_owned()
    } else {
        format!("something is missing after {before:?}")
    }
}

/// Reads a query for rows with these fields; `None` if the text is empty.
///
/// # Errors
/// [`QueryFault`] if it is not a query.
pub(super) fn parse(text: &str, fields: &[Field]) -> Result<Option<Expression>, QueryFault> {
    if text.len() > LENGTH {
        return Err(QueryFault::TooLarge);
    }
    if text.trim().is_empty() {
        return Ok(None);
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), fields, before: String::new() };
    let expression = parser.any(0)?;
    match parser.tokens.next() {
        None => Ok(Some(expression)),
        Some(_) => Err(QueryFault::NotOpened),
    }
}

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Not,
    /// A word, which may be `and`, `or`, `not` or a term.
    Word(Vec<Piece>),
}

/// A part of a word: quoted text means nothing but itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bare(String),
    Quoted(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryFault> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.peek().copied() {
        match char {
            _ if char.is_whitespace() => {
                chars.next();
            }
            '(' => {
                chars.next();
                tokens.push(Token::Open);
            }
            ')' => {
                chars.next();
                tokens.push(Token::Close);
            }
            '!' => {
                chars.next();
                tokens.push(Token::Not);
            }
            _ => tokens.push(Token::Word(pieces(text, at, &mut chars)?)),
        }
    }
    Ok(tokens)
}

/// A word: up to white space, or to a parenthesis that closes what the word has not opened (`crypto-hmac(sha256)` is
/// one word).
fn pieces(text: &str, from: usize, chars: &mut Peekable<CharIndices<'_>>) -> Result<Vec<Piece>, QueryFault> {
    let mut pieces = Vec::new();
    let mut begin = from;
    let mut depth = 0_u32;
    let bare = |begin: usize, end: usize| text.get(begin..end).filter(|text| !text.is_empty());
    loop {
        let Some((at, char)) = chars.peek().copied() else {
            pieces.extend(bare(begin, text.len()).map(|text| Piece::Bare(text.to_owned())));
            return Ok(pieces);
        };
        match char {
            _ if char.is_whitespace() || (char == ')' && depth == 0) => {
                pieces.extend(bare(begin, at).map(|text| Piece::Bare(text.to_owned())));
                return Ok(pieces);
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => {
                pieces.extend(bare(begin, at).map(|text| Piece::Bare(text.to_owned())));
                chars.next();
                pieces.push(Piece::Quoted(quoted(chars)?));
                begin = chars.peek().map_or(text.len(), |(at, _)| *at);
                continue;
            }
            _ => {}
        }
        chars.next();
    }
}

/// The text up to the closing mark; a backslash makes the next character mean itself.
fn quoted(chars: &mut Peekable<CharIndices<'_>>) -> Result<String, QueryFault> {
    let mut text = String::new();
    while let Some((_, char)) = chars.next() {
        match char {
            '"' => return Ok(text),
            '\\' => text.extend(chars.next().map(|(_, char)| char)),
            _ => text.push(char),
        }
    }
    Err(QueryFault::NotClosed('"'))
}

struct Parser<'f> {
    tokens: Peekable<std::vec::IntoIter<Token>>,
    fields: &'f [Field],
    /// The last token, for messages.
    before: String,
}

impl Parser<'_> {
    fn any(&mut self, depth: u32) -> Result<Expression, QueryFault> {
        let mut choices = vec![self.all(depth)?];
        while self.takes_word("or") {
            choices.push(self.all(depth)?);
        }
        Ok(if choices.len() == 1 { choices.remove(0) } else { Expression::Any(choices) })
    }

    fn all(&mut self, depth: u32) -> Result<Expression, QueryFault> {
        let mut parts = vec![self.one(depth)?];
        loop {
            let and = self.takes_word("and");
            let goes_on = match self.tokens.peek() {
                None | Some(Token::Close) => false,
                Some(token) => !is_word(token, "or"),
            };
            if !and && !goes_on {
                break;
            }
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn one(&mut self, depth: u32) -> Result<Expression, QueryFault> {
        if depth > DEPTH {
            return Err(QueryFault::TooLarge);
        }
        if self.takes_word("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        match self.tokens.next() {
            None | Some(Token::Close) => Err(QueryFault::Incomplete(std::mem::take(&mut self.before))),
            Some(Token::Not) => {
                "!".clone_into(&mut self.before);
                Ok(Expression::Not(Box::new(self.one(depth + 1)?)))
            }
            Some(Token::Open) => {
                "(".clone_into(&mut self.before);
                let inner = self.any(depth + 1)?;
                match self.tokens.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err(QueryFault::NotClosed('(')),
                }
            }
            Some(token) if is_word(&token, "and") || is_word(&token, "or") => {
                Err(QueryFault::Incomplete(std::mem::take(&mut self.before)))
            }
            Some(Token::Word(pieces)) => {
                self.before = pieces.iter().map(Piece::text).collect();
                term(pieces, self.fields).map(Expression::Term)
            }
        }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = self.tokens.peek().is_some_and(|token| is_word(token, word));
        if is_it {
            self.tokens.next();
            word.clone_into(&mut self.before);
        }
        is_it
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(pieces) if matches!(pieces.as_slice(), [Piece::Bare(text)] if text.eq_ignore_ascii_case(word)))
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
        }
    }
}

/// The operators, longer ones before those that they begin with.
const OPERATORS: [(&str, Op); 8] = [
    ("!=", Op::IsNot),
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("<", Op::Less),
    (">", Op::More),
    ("=", Op::Is),
    ("~", Op::Matches),
    (":", Op::Has),
];

fn term(pieces: Vec<Piece>, fields: &[Field]) -> Result<Term, QueryFault> {
    let mut pieces = pieces.into_iter();
    let first = pieces.next();
    let Some(Piece::Bare(head)) = &first else { return Ok(text_term(first.into_iter().chain(pieces))) };
    let end = head.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(head.len());
    let (name, rest) = head.split_at(end);
    let operator = OPERATORS.iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|rest| (*sign, *op, rest)));
    let Some((sign, op, rest)) = operator.filter(|_| !name.is_empty()) else {
        return Ok(text_term(first.into_iter().chain(pieces)));
    };
    let known = fields.iter().copied().find(|field| field.name().eq_ignore_ascii_case(name));
    let Some(field) = known else {
        let known = fields.iter().map(|field| field.name()).collect();
        return Err(QueryFault::UnknownField { field: cut(name), known });
    };
    fits(field, sign, op)?;
    let texts = values(rest, pieces, op);
    if texts.len() > 1 && texts.iter().any(String::is_empty) {
        return Err(QueryFault::Incomplete(format!("{name}{sign}{}", texts.join(","))));
    }
    let accepted = texts.into_iter().map(|text| accept(text, field, op)).collect::<Result<Vec<_>, _>>()?;
    Ok(Term { field: Some(field), op, accepted })
}

/// Text that any field may hold.
fn text_term(pieces: impl Iterator<Item = Piece>) -> Term {
    let text: String = pieces.map(|piece| piece.text().to_owned()).collect();
    let lower = text.to_ascii_lowercase();
    Term { field: None, op: Op::Has, accepted: vec![Accepted { text, lower, value: Value::Text, regex: None }] }
}

/// The values of a list. A comma in quotes, or in a regular expression, separates nothing.
fn values(rest: &str, pieces: impl Iterator<Item = Piece>, op: Op) -> Vec<String> {
    let mut values = vec![String::new()];
    for piece in std::iter::once(Piece::Bare(rest.to_owned())).chain(pieces) {
        let separates = matches!(piece, Piece::Bare(_)) && op != Op::Matches;
        let parts: Vec<&str> = if separates { piece.text().split(',').collect() } else { vec![piece.text()] };
        for (place, part) in parts.into_iter().enumerate() {
            if place > 0 {
                values.push(String::new());
            }
            if let Some(last) = values.last_mut() {
                last.push_str(part);
            }
        }
    }
    values
}

fn accept(text: String, field: Field, op: Op) -> Result<Accepted, QueryFault> {
    let sort = field.sort();
    let regex = if op == Op::Matches {
        let built = RegexBuilder::new(&text).size_limit(REGEX_BYTES).build();
        Some(built.map_err(|error| QueryFault::Regex { text: cut(&text), reason: reason(&error) })?)
    } else {
        None
    };
    // Without a value, any will do: `container:` asks for rows that have one.
    let is_any = regex.is_some() || (op == Op::Has && text.is_empty());
    let value = if is_any { Ok(Value::Text) } else { value(&text, sort) };
    let value = value.map_err(|expected| QueryFault::Value { field: field.name(), text: cut(&text), expected })?;
    let text = if matches!(sort, Sort::Word(_)) && regex.is_none() { word(&text) } else { text };
    Ok(Accepted { lower: text.to_ascii_lowercase(), text, value, regex })
}

/// The last line of what the library says: the lines before it draw the place.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn fits(field: Field, sign: &'static str, op: Op) -> Result<(), QueryFault> {
    let is_order = matches!(op, Op::Less | Op::AtMost | Op::More | Op::AtLeast);
    let choices = match field.sort() {
        Sort::Text | Sort::Word(_) if is_order => ": = != ~",
        Sort::Number | Sort::Duration | Sort::Size | Sort::Instant | Sort::Code if op == Op::Matches => {
            ": = != < <= > >="
        }
        Sort::Text | Sort::Word(_) | Sort::Number | Sort::Duration | Sort::Size | Sort::Instant | Sort::Code => {
            return Ok(());
        }
    };
    Err(QueryFault::Operator { field: field.name(), op: sign, choices })
}

/// Text for a message: not longer than a line.
fn cut(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}
