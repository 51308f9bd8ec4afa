//! Values of options, as they are typed.
//!
//! In: text. Out: the value, or what was expected instead, as a phrase.

use super::{Shown, ThemeChoice};
use crate::config::duration;
use crate::tui::Theme;
use jiff::tz::TimeZone;
use modtrail_core::entities::{Call, Cycle, Firmware, Load, Request, Unload};
use modtrail_core::findings::Finding;
use modtrail_core::player::When;
use modtrail_core::query::{Field, Query, size};
use trace_common::time::Nanos;

/// A theme, by its name.
pub(super) fn theme(text: &str) -> Result<ThemeChoice, String> {
    Theme::named(text).map(ThemeChoice)
}

/// A query over everything that a trace holds.
pub(super) fn query(text: &str) -> Result<Query, String> {
    let fields = [Request::FIELDS, Load::FIELDS, Unload::FIELDS, Call::FIELDS, Firmware::FIELDS, Cycle::FIELDS];
    parsed(text, &fields)
}

/// A query over what has lines of its own.
pub(super) fn lines_query(text: &str) -> Result<Query, String> {
    parsed(text, &[Request::FIELDS, Load::FIELDS, Unload::FIELDS])
}

/// A query over what alerts are about.
pub(super) fn alerts_query(text: &str) -> Result<Query, String> {
    let fields = [Request::FIELDS, Load::FIELDS, Unload::FIELDS, Call::FIELDS, Firmware::FIELDS, Finding::FIELDS];
    parsed(text, &fields)
}

fn parsed(text: &str, fields: &[&[Field]]) -> Result<Query, String> {
    let known: Vec<Field> = Field::ALL.into_iter().filter(|field| fields.iter().any(|of| of.contains(field))).collect();
    Query::parse(text, &known).map_err(|fault| fault.to_string())
}

pub(super) fn since(text: &str) -> Result<Query, String> {
    Query::since(text).map_err(|_| NOT_A_TIME.to_owned())
}

pub(super) fn until(text: &str) -> Result<Query, String> {
    Query::until(text).map_err(|_| NOT_A_TIME.to_owned())
}

/// A time of a recording. The zone that it is in is not known yet.
pub(super) fn when(text: &str) -> Result<String, String> {
    When::parse(text, &TimeZone::UTC).map(|_| text.to_owned())
}

const NOT_A_TIME: &str = "expected a time such as 14:03, \"2026-11-26 14:03\" (UTC) or -5m";

const NOT_A_THING: &str = "expected a number such as 22, load:5, unload:3 or cycle:2";

pub(super) fn shown(text: &str) -> Result<Shown, String> {
    let (kind, number) = text.split_once(':').unwrap_or(("request", text.trim_start_matches('#')));
    let number = number.parse().map_err(|_| NOT_A_THING.to_owned())?;
    match kind {
        "request" => Ok(Shown::Request(number)),
        "load" => Ok(Shown::Load(number)),
        "unload" => Ok(Shown::Unload(number)),
        "cycle" => Ok(Shown::Cycle(number)),
        _ => Err(NOT_A_THING.to_owned()),
    }
}

pub(super) fn named_limit(text: &str) -> Result<(String, Nanos), String> {
    let (name, time) = text.split_once('=').ok_or("say NAME=TIME, such as nvidia=2m")?;
    if name.is_empty() {
        return Err("say NAME=TIME, such as nvidia=2m".to_owned());
    }
    Ok((name.to_owned(), duration(time)?))
}

/// A size as it is typed everywhere.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = size(text).and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "expected a size such as 512K, 64M or 2GiB".to_owned())
}

/// Memory: at least a mebibyte.
pub(super) fn memory(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(bytes(text)?).map_err(|_| "more than this machine can address".to_owned())?;
    if bytes >= 1 << 20 { Ok(bytes) } else { Err("must be at least 1M".to_owned()) }
}

pub(super) fn ring_bytes(text: &str) -> Result<u32, String> {
    let bytes = u32::try_from(bytes(text)?).map_err(|_| "must be at most 1G".to_owned())?;
    if bytes.is_power_of_two() && (4_096..=1 << 30).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("must be a power of two from 4K to 1G".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_named_by_kind_and_number() {
        assert_eq!([shown("22"), shown("#22"), shown("request:22")], [(); 3].map(|()| Ok(Shown::Request(22))));
        assert_eq!((shown("load:5"), shown("unload:3")), (Ok(Shown::Load(5)), Ok(Shown::Unload(3))));
        assert_eq!(shown("cycle:2"), Ok(Shown::Cycle(2)));
        assert!(["", "#", "x", "call:1", "load:", "-1"].into_iter().all(|wrong| shown(wrong).is_err()));
    }

    #[test]
    fn times_need_a_unit_and_a_length() {
        assert_eq!(duration("10s"), Ok(Nanos::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Nanos::from_millis(500)));
        assert_eq!(duration("1h"), Ok(Nanos::from_secs(3600)));
        for wrong in ["", "10", "0s", "-5s", "ten seconds"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(named_limit("nvidia=2m"), Ok(("nvidia".to_owned(), Nanos::from_secs(120))));
        assert!(named_limit("=2m").is_err() && named_limit("nvidia").is_err());
        assert!(ring_bytes("5000").is_err() && ring_bytes("4096") == ring_bytes("4K"));
        assert_eq!((bytes("2G"), bytes("1.5M").is_err(), bytes("0").is_err()), (Ok(2 << 30), true, true));
    }
}
