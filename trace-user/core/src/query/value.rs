//! What a term compares with: text, numbers, lengths of time, sizes, instants, errnos.
//!
//! In: the text after an operator, and the sort of the field. Out: a [`Value`]; the reason if the text is not one.

use super::field::Sort;
use crate::answer::Errno;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What a term compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text: it stands in the term.
    Text,
    /// A number, in nanoseconds or bytes where it has a unit.
    Number(i64),
    /// An instant.
    Instant(Instant),
}

/// An instant by the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// At this time of the day on which what was traced began.
    Clock(Time),
    /// So many nanoseconds since the Unix epoch.
    Wall(i64),
    /// So many nanoseconds before the latest that is known.
    Ago(i64),
}

const DAY: i64 = 86_400_000_000_000;

impl Instant {
    /// Reads one as it is typed, in a zone: `14:03`, `2026-11-26 14:03`, `-5m`.
    #[must_use]
    pub fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        if let Some(ago) = text.strip_prefix('-') {
            return duration(ago).map(Self::Ago);
        }
        let wall = |at: Timestamp| i64::try_from(at.as_nanosecond()).ok().map(Self::Wall);
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return wall(timestamp);
        }
        // A time of day is read from a date with one, too, so the date comes first.
        let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from));
        match civil {
            Some(civil) => wall(civil.to_zoned(zone.clone()).ok()?.timestamp()),
            None => text.parse().ok().map(Self::Clock),
        }
    }

    /// Nanoseconds since the Unix epoch, for something traced from `first` to `now`.
    #[must_use]
    pub fn wall_ns(self, first: u64, now: u64) -> i64 {
        let signed = |wall: u64| i64::try_from(wall).unwrap_or(i64::MAX);
        match self {
            Self::Wall(wall) => wall,
            Self::Ago(ago) => signed(now).saturating_sub(ago),
            Self::Clock(clock) => {
                let since_midnight = clock.duration_since(Time::midnight()).as_nanos();
                let midnight = signed(first) - signed(first).rem_euclid(DAY);
                midnight.saturating_add(i64::try_from(since_midnight).unwrap_or_default())
            }
        }
    }
}

/// Reads a value for a field of this sort.
///
/// # Errors
/// What was expected instead, as a phrase.
pub fn value(text: &str, sort: Sort) -> Result<Value, String> {
    match sort {
        Sort::Text => Ok(Value::Text),
        Sort::Word(words) => {
            let typed = word(text);
            if words.contains(&&*typed) { Ok(Value::Text) } else { Err(format!("one of {}", words.join(", "))) }
        }
        Sort::Number => text.parse().map(Value::Number).map_err(|_| "a whole number".to_owned()),
        Sort::Duration => duration(text).map(Value::Number).ok_or_else(|| "a time such as 2s, 150ms or 1h".to_owned()),
        Sort::Size => size(text).map(Value::Number).ok_or_else(|| "a size such as 4096, 4KiB or 2M".to_owned()),
        Sort::Instant => Instant::parse(text, &TimeZone::UTC)
            .map(Value::Instant)
            .ok_or_else(|| "a time such as 14:03, \"2026-11-26 14:03\" or -5m (UTC)".to_owned()),
        Sort::Code => {
            code(text).map(Value::Number).ok_or_else(|| "a number or the name of an errno such as ENOENT".to_owned())
        }
    }
}

/// A word of an enumeration as it is kept: `Already live` is `already_live`.
#[must_use]
pub fn word(text: &str) -> String {
    text.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// A length of time as it is typed everywhere, in nanoseconds: `2s`, `150ms`, `1h`. `None` if it is something else.
#[must_use]
pub fn duration(text: &str) -> Option<i64> {
    let parsed: SignedDuration = if text == "0" { SignedDuration::ZERO } else { text.parse().ok()? };
    i64::try_from(parsed.as_nanos()).ok().filter(|nanoseconds| *nanoseconds >= 0)
}

const UNITS: [(&str, i64); 10] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("b", 1),
];

/// A size as it is typed everywhere: `4096`, `4KiB`, `2M`. `None` if it is something else.
#[must_use]
pub fn size(text: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)));
    let (number, factor) = unit.unwrap_or((&text, 1));
    number.trim().parse::<i64>().ok().filter(|number| *number >= 0)?.checked_mul(factor)
}

fn code(text: &str) -> Option<i64> {
    let named = || Errno::from_name(&text.to_ascii_uppercase()).map(Errno::as_return).map(i64::from);
    text.parse().ok().or_else(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, sort: Sort) -> Option<i64> {
        match value(text, sort) {
            Ok(Value::Number(number)) => Some(number),
            Ok(_) | Err(_) => None,
        }
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(
            ["150ms", "2s", "0"].map(|text| number(text, Sort::Duration)),
            [Some(150_000_000), Some(2_000_000_000), Some(0)]
        );
        assert_eq!(
            ["4KiB", "2M", "7", "1kb"].map(|text| number(text, Sort::Size)),
            [Some(4_096), Some(2 << 20), Some(7), Some(1_000)]
        );
        assert_eq!(["-2", "enoent", "0"].map(|text| number(text, Sort::Code)), [Some(-2), Some(-2), Some(0)]);
    }

    #[test]
    fn other_text_is_refused() {
        for (text, sort) in [
            ("", Sort::Number),
            ("x", Sort::Number),
            ("5", Sort::Duration),
            ("-5s", Sort::Duration),
            ("99999999999G", Sort::Size),
            ("-1", Sort::Size),
            ("ENOSUCH", Sort::Code),
            ("25:99", Sort::Instant),
            ("-x", Sort::Instant),
            ("", Sort::Instant),
            ("alive", Sort::Word(&["live"])),
        ] {
            assert!(value(text, sort).is_err(), "{text} {sort:?}");
        }
    }

    #[test]
    fn instants_are_of_the_first_day_or_relative_to_the_end() {
        let at = |text: &str| {
            Instant::parse(text, &TimeZone::UTC)
                .map(|instant| instant.wall_ns(1_795_428_000_000_000_000, 1_795_428_060_000_000_000))
        };
        let wall = |text: &str| text.parse::<Timestamp>().ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok());
        assert_eq!(at("14:03"), wall("2026-11-23T14:03:00Z"));
        assert_eq!(at("2026-11-24 14:03"), wall("2026-11-24T14:03:00Z"));
        assert_eq!(at("2026-11-24"), wall("2026-11-24T00:00:00Z"));
        assert_eq!(at("2026-11-23T10:00:00.5Z"), wall("2026-11-23T10:00:00.5Z"));
        assert_eq!(at("-30s"), wall("2026-11-23T10:00:30Z"));
        assert_eq!(at("yesterday"), None);
    }
}
