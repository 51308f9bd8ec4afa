//! Wall-clock time as text, always in UTC: a recording reads the same everywhere.

use jiff::Timestamp;

/// `2026-11-23T10:00:00.123456Z` from nanoseconds since the Unix epoch; `None` beyond what a calendar holds.
#[must_use]
pub fn iso(wall_ns: u64) -> Option<String> {
    Timestamp::from_nanosecond(i128::from(wall_ns)).ok().map(|instant| format!("{instant:.6}"))
}

/// `10:00:00.123` of the same.
#[must_use]
pub fn clock(wall_ns: u64) -> Option<String> {
    iso(wall_ns).and_then(|iso| iso.get(11..23).map(ToOwned::to_owned))
}

/// `2026-11-23 10:00:00 UTC` of the same.
#[must_use]
pub fn date_time(wall_ns: u64) -> Option<String> {
    iso(wall_ns).and_then(|iso| Some(format!("{} {} UTC", iso.get(..10)?, iso.get(11..19)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_in_utc_with_fixed_digits() {
        assert_eq!(iso(1_795_428_000_123_456_789).as_deref(), Some("2026-11-23T10:00:00.123456Z"));
        assert_eq!(iso(0).as_deref(), Some("1970-01-01T00:00:00.000000Z"));
        assert_eq!(date_time(1_795_428_000_123_456_789).as_deref(), Some("2026-11-23 10:00:00 UTC"));
        assert_eq!(clock(1_795_428_000_120_000_000).as_deref(), Some("10:00:00.120"));
    }
}
