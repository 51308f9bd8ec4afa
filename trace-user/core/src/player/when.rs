//! The time that a person wants to see.
//!
//! In: text as it is typed. Out: a target, once the recording's times are known.

use super::target::Target;
use crate::event::Stamp;
use crate::model::Model;
use crate::query::{Instant, duration};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use trace_common::time::{Ktime, Nanos};

/// What is expected.
pub const EXPECTED: &str = "expected a time such as 14:03, \"2026-11-26 14:03\", -5m, +30s, start or end";

/// A time in a recording, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// The beginning.
    Start,
    /// The end.
    End,
    /// So long after.
    After(Nanos),
    /// So long before.
    Before(Nanos),
    /// At this time of a day of the recording, or of this date, in a zone.
    At(Instant, TimeZone),
}

/// What times are counted from, and where they may lie.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What `-5m` and `+5m` are counted from, and what day `14:03` is of, if there is a choice.
    pub base: Stamp,
    /// The first instant of the recording.
    pub first: Stamp,
    /// The last.
    pub last: Stamp,
}

impl When {
    /// Reads it.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let text = text.trim();
        let length = |text| duration(text).and_then(|length| u64::try_from(length).ok()).map(Nanos::new);
        let found = match text.to_ascii_lowercase().as_str() {
            "start" => Some(Self::Start),
            "end" => Some(Self::End),
            _ => match text.strip_prefix('+') {
                Some(after) => length(after).map(Self::After),
                None => Instant::parse(text, zone).map(|instant| match instant {
                    Instant::Ago(ago) => Self::Before(Nanos::new(ago.unsigned_abs())),
                    Instant::Clock(_) | Instant::Wall(_) => Self::At(instant, zone.clone()),
                }),
            },
        };
        found.ok_or_else(|| EXPECTED.to_owned())
    }

    /// The instant on the clock that does not stop in suspend. `model`: what knows when the wall clock was set.
    ///
    /// # Errors
    /// The recording does not say what time it was.
    fn boot(&self, model: &Model, bounds: Bounds) -> Result<Ktime, String> {
        let wall_ns = match self {
            Self::Start => return Ok(bounds.first.boot),
            Self::End => return Ok(bounds.last.boot),
            Self::After(length) => return Ok(bounds.base.boot.plus(*length)),
            Self::Before(length) => return Ok(bounds.base.boot.minus(*length)),
            Self::At(Instant::Clock(clock), zone) => {
                let wall = |at| model.wall_ns(at).and_then(|wall| Timestamp::from_nanosecond(wall.into()).ok());
                let day = wall(bounds.base).map(|wall| zone.to_datetime(wall).date());
                let candidates = [0, -1, 1].into_iter().filter_map(|days: i64| {
                    let date = day?.checked_add(days.days()).ok()?;
                    let at = date.to_datetime(*clock).to_zoned(zone.clone()).ok()?.timestamp();
                    u64::try_from(at.as_nanosecond()).ok()
                });
                let candidates: Vec<u64> = candidates.collect();
                let is_within = |wall_ns: &u64| {
                    let at = model.boot_at(*wall_ns);
                    at.is_some_and(|at| bounds.first.boot <= at && at <= bounds.last.boot)
                };
                // If it is in none of the days, it is before or after all of them.
                candidates.iter().copied().find(is_within).or_else(|| candidates.first().copied())
            }
            Self::At(instant, _) => match instant {
                Instant::Wall(wall) => Some(u64::try_from(*wall).unwrap_or_default()),
                Instant::Clock(_) | Instant::Ago(_) => None,
            },
        };
        let unknown = || "the recording does not say what time it was".to_owned();
        wall_ns.and_then(|wall_ns| model.boot_at(wall_ns)).ok_or_else(unknown)
    }

    /// The position, and what is to be said about it.
    ///
    /// # Errors
    /// The recording does not say what time it was.
    pub(super) fn target(&self, model: &Model, bounds: Bounds) -> Result<(Target, Option<&'static str>), String> {
        match self {
            Self::Start => return Ok((Target::Start, None)),
            Self::End => return Ok((Target::End, None)),
            Self::After(_) | Self::Before(_) | Self::At(..) => {}
        }
        let at = self.boot(model, bounds)?;
        Ok(if at < bounds.first.boot {
            (Target::Start, Some("that is before the beginning of the recording"))
        } else if at > bounds.last.boot {
            (Target::End, Some("that is after the end of the recording"))
        } else {
            (Target::Time(at), None)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scenario, stamp};

    /// Traced from 10:00:00 to 10:01:40 UTC; the position is at 10:00:50.
    fn target(text: &str, zone: &TimeZone) -> Result<(Target, Option<&'static str>), String> {
        let mut scenario = Scenario::default();
        scenario.machine();
        scenario.until(100_000_000);
        let bounds = Bounds { base: stamp(50_000_000), first: stamp(0), last: stamp(100_000_000) };
        When::parse(text, zone)?.target(scenario.model(), bounds)
    }

    #[test]
    fn times_are_of_the_recordings_day_in_a_zone_or_relative_to_the_position() {
        let at = |microseconds| Ok((Target::Time(stamp(microseconds).boot), None));
        let utc = TimeZone::UTC;
        assert_eq!(target("10:01", &utc), at(60_000_000));
        assert_eq!(target("10:00:07.5", &utc), at(7_500_000));
        assert_eq!(target("2026-11-23 10:00:30", &utc), at(30_000_000));
        assert_eq!(target("2026-11-23T10:00:30Z", &utc), at(30_000_000));
        assert_eq!((target("-20s", &utc), target("+30s", &utc)), (at(30_000_000), at(80_000_000)));
        assert_eq!(target("start", &utc), Ok((Target::Start, None)));
        assert_eq!(target(" End ", &utc), Ok((Target::End, None)));
        let ahead = TimeZone::fixed(jiff::tz::offset(14));
        assert_eq!(target("00:01", &ahead), at(60_000_000), "it is the next day there");
        assert_eq!(target("2026-11-24 00:01", &ahead), at(60_000_000));
    }

    #[test]
    fn what_lies_outside_of_the_recording_is_its_beginning_or_end() {
        let utc = TimeZone::UTC;
        let found = |text| target(text, &utc).map(|(target, words)| (target, words.is_some()));
        for (text, expected) in [
            ("09:59", Target::Start),
            ("-1h", Target::Start),
            ("2020-01-01", Target::Start),
            ("10:02", Target::End),
            ("+1h", Target::End),
            ("2100-01-01", Target::End),
        ] {
            assert_eq!(found(text), Ok((expected, true)), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "x", "+", "-", "+x", "25:00", "--5m", "+-5m", "5m"] {
            assert_eq!(When::parse(text, &TimeZone::UTC), Err(EXPECTED.to_owned()), "{text}");
        }
    }
}
