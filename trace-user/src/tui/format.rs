//! Values as short text for cells. Pure.

use super::theme::Tone;
use super::world::World;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use modtrail_core::answer::CallResult;
use modtrail_core::attribution::is_kernel_thread;
use modtrail_core::entities::{Call, Cycle, CycleVerdict, Load, Met, Request, RequestId, Timed, Verdict};
use modtrail_core::event::Costs;
use modtrail_core::event::{NO_LOGIN, Requested, Stamp, Task, Wait};
use modtrail_core::explain::task_words;
use modtrail_core::model::Model;
use modtrail_core::report::cells;
pub use modtrail_core::report::cells::cut;
pub use modtrail_core::report::plain::grouped as count;
use trace_common::time::Nanos;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The time of day in the reader's zone with milliseconds, `10:00:00.123`; seconds since boot, `41.700`, if the source
/// did not report what time it was.
#[must_use]
pub fn instant(world: &World<'_>, at: Stamp) -> String {
    match world.wall_ns(at) {
        Some(wall_ns) => {
            let seconds = local_seconds(wall_ns, world.zone).rem_euclid(DAY_SECONDS);
            let milliseconds = wall_ns % SECOND_NS / 1_000_000;
            format!("{:02}:{:02}:{:02}.{milliseconds:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
        None => {
            let nanoseconds = at.boot.as_nanos();
            format!("{}.{:03}", nanoseconds / SECOND_NS, nanoseconds % SECOND_NS / 1_000_000)
        }
    }
}

/// The date in the reader's zone; `None` if the source did not report what time it was.
#[must_use]
pub fn date(world: &World<'_>, at: Stamp) -> Option<Date> {
    let wall = Timestamp::from_nanosecond(i128::from(world.wall_ns(at)?)).ok()?;
    Some(world.zone.to_datetime(wall).date())
}

/// Seconds since the Unix epoch, with the zone's offset at that instant.
fn local_seconds(wall_ns: u64, zone: &TimeZone) -> i64 {
    let seconds = i64::try_from(wall_ns / SECOND_NS).unwrap_or(i64::MAX);
    let offset = Timestamp::from_second(seconds).map_or(0, |at| zone.to_offset(at).seconds());
    seconds.saturating_add(i64::from(offset))
}

/// The unit of [`instant`]: the heading of its column.
#[must_use]
pub fn instant_unit(world: &World<'_>) -> String {
    match world.wall_ns(world.now()) {
        Some(wall_ns) => format!("time {}", zone_name(wall_ns, world.zone)),
        None => "boot s".to_owned(),
    }
}

/// `10:00:00.123 UTC`, or `41.700 s since boot`.
#[must_use]
pub fn instant_with_unit(world: &World<'_>, at: Stamp) -> String {
    let unit = match world.wall_ns(at) {
        Some(wall_ns) => zone_name(wall_ns, world.zone),
        None => "s since boot".to_owned(),
    };
    format!("{} {unit}", instant(world, at))
}

/// The zone's short name at an instant: `UTC`, `CET`, `+05`.
fn zone_name(wall_ns: u64, zone: &TimeZone) -> String {
    let at = Timestamp::from_nanosecond(i128::from(wall_ns)).unwrap_or_default();
    zone.to_offset_info(at).abbreviation().to_owned()
}

/// How long after `from`: `+12.3ms`.
#[must_use]
pub fn offset(from: Stamp, at: Stamp) -> String {
    format!("+{}", at.mono.since(from.mono))
}

/// A duration that still grows, with a `+` at its end; below a second, in whole milliseconds.
#[must_use]
pub fn growing(age: Nanos) -> String {
    let milliseconds = age.as_nanos() / 1_000_000;
    if milliseconds < 1_000 { format!("{milliseconds}ms+") } else { format!("{age}+") }
}

/// A task as `comm[pid]`.
#[must_use]
pub fn task(task: &Task) -> String {
    task_words(task)
}

/// How a request ended for its requester: `exit 1`, `SIGKILL`, `ENOENT`; `started` if it did not wait for more.
#[must_use]
pub fn request_result(request: &Request) -> String {
    match (request.result, request.status()) {
        (Some(CallResult::Failed(error)), _) => error.text(),
        (Some(_), _) if request.wait() != Some(Wait::Proc) => "started".into(),
        (_, Some(status)) => status.text(),
        (Some(_) | None, None) => "-".into(),
    }
}

/// What an open request waits for, in a word or two: the last that was seen of it.
#[must_use]
pub fn stage(request: &Request) -> &'static str {
    let load = request.loads.iter().rev().find(|load| !load.closed);
    match (load, request.call.as_deref()) {
        (Some(load), _) if load.live.is_some() => "settles",
        (Some(load), _) if load.init_begun.is_some() => "in init",
        (Some(_), _) => "loads",
        (None, None) => "slot",
        (None, Some(call)) if call.helper.is_none() => "queue",
        (None, Some(call)) if call.executed.is_none() => "starts",
        (None, Some(_)) => "helper",
    }
}

/// How a helper call ended.
#[must_use]
pub fn call_result(call: &Call) -> String {
    match (call.error(), call.exited) {
        (Some(error), _) => error.text(),
        (None, Some((_, Some(status)))) => status.text(),
        (None, Some((_, None))) => "ended".into(),
        (None, None) if call.is_closed() => "unseen".into(),
        (None, None) if call.executed.is_some() => "runs".into(),
        (None, None) => "-".into(),
    }
}

/// How a load ended: `ok`, `EEXIST`, or the stage it is in.
#[must_use]
pub fn load_result(load: &Load) -> String {
    match (load.error(), load.ended) {
        (Some(error), _) => error.text(),
        (None, Some(_)) if load.lost_to_another() => "shared".into(),
        (None, Some(_)) => "ok".into(),
        (None, None) if load.closed => "unseen".into(),
        (None, None) if load.live.is_some() => "settles".into(),
        (None, None) if load.init_begun.is_some() => "in init".into(),
        (None, None) => "loads".into(),
    }
}

/// What a helper call executes, as it would be typed.
#[must_use]
pub fn command(call: &Call) -> String {
    let mut text = call.entry.path.to_string();
    for argument in call.entry.argv.iter().skip(1) {
        text.push(' ');
        text.push_str(&argument.to_string());
    }
    if call.entry.argv_more {
        text.push_str(" …");
    }
    text
}

/// A request by its number and alias: `#7 net-pf-29`.
#[must_use]
pub fn request_name(model: &Model, id: RequestId) -> String {
    match model.request(id) {
        Some(request) => format!("#{} {}", id.0, request.requested.alias),
        None => format!("#{}", id.0),
    }
}

/// A size in the binary unit that fits: `512B`, `52.0KiB`, `1.5MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    let tenths = |unit: u64| u128::from(bytes) * 10 / u128::from(unit);
    match bytes {
        0..KIB => format!("{bytes}B"),
        KIB..MIB => format!("{}.{}KiB", tenths(KIB) / 10, tenths(KIB) % 10),
        _ => format!("{}.{}MiB", tenths(MIB) / 10, tenths(MIB) % 10),
    }
}

/// `part` as a share of `whole`: `12%`, `<1%`.
#[must_use]
pub fn percent(part: Nanos, whole: Nanos) -> String {
    let whole = u128::from(whole.as_nanos().max(1));
    let hundreds = u128::from(part.as_nanos()) * 100;
    match hundreds / whole {
        0 if part > Nanos::ZERO => "<1%".into(),
        share => format!("{share}%"),
    }
}

/// At most `width` cells of a task's `comm[pid]`: the name is cut, the pid is not.
#[must_use]
pub fn cut_task(text: &str, width: usize) -> String {
    match text.rsplit_once('[') {
        Some((name, pid)) if cells::width(pid) + 2 <= width => {
            format!("{}[{pid}", cut(name, width - cells::width(pid) - 1))
        }
        Some(_) | None => cut(text, width),
    }
}

/// A verdict in a column: shorter than its words where those need too much room.
#[must_use]
pub const fn verdict(verdict: Verdict) -> &'static str {
    if matches!(verdict, Verdict::SatisfiedByAnother) { "by another" } else { verdict.words() }
}

/// How good a verdict is.
#[must_use]
pub const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Live | Verdict::AlreadyLive | Verdict::SatisfiedByAnother => Tone::Good,
        Verdict::NotFound | Verdict::Unwaited => Tone::Dim,
        Verdict::Abandoned | Verdict::Incomplete | Verdict::Refused => Tone::Warn,
        Verdict::Hollow
        | Verdict::InitFailed
        | Verdict::HelperFailed
        | Verdict::HelperMissing
        | Verdict::Throttled
        | Verdict::Denied => Tone::Bad,
        Verdict::InFlight => Tone::Busy,
    }
}

/// Who logged in for a requester.
#[must_use]
pub fn login(requester: &Requested) -> String {
    match requester.loginuid {
        Some(NO_LOGIN) => "nobody logged in".to_owned(),
        Some(user) => format!("login {user}"),
        None => "login unknown".to_owned(),
    }
}

/// What a requester executes.
#[must_use]
pub fn program(requester: &Requested) -> String {
    match &requester.exe {
        Some(path) => path.to_string(),
        None if is_kernel_thread(&requester.stack) => "none: a kernel thread".to_owned(),
        None => "unknown (could not be read)".to_owned(),
    }
}

/// How a suspend cycle's verdict is shown.
#[must_use]
pub fn cycle_tone(cycle: &Cycle) -> Tone {
    match cycle.verdict() {
        CycleVerdict::Tested | CycleVerdict::Slept => Tone::Good,
        CycleVerdict::HelperRan | CycleVerdict::NotFrozen | CycleVerdict::Failed => Tone::Bad,
        CycleVerdict::Unknown => Tone::Dim,
        CycleVerdict::UnderWay | CycleVerdict::ShutDown => Tone::Busy,
    }
}

/// How many helper calls a cycle met, and how: `1 culprit, 2 refused`. A single one is shown by its name.
#[must_use]
pub fn met(cycle: &Cycle) -> String {
    let parts = [Met::Culprit, Met::Drained, Met::Refused, Met::Frozen].into_iter().filter_map(|met| {
        let mut calls = cycle.met().filter(|(how, _)| *how == met).map(|(_, call)| call);
        let first = calls.next()?;
        let name = first.alias().or(first.entry.path.text()).map_or("?", |name| name);
        Some(match calls.count() {
            0 => format!("{} {name}", met.as_str()),
            more => format!("{} {}", more + 1, met.as_str()),
        })
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// What modtrail itself has used.
#[must_use]
pub fn own_costs(costs: &Costs) -> String {
    let processor = costs.processor.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
    let resident = costs.resident.map_or_else(|| "unknown".to_owned(), bytes);
    format!("modtrail itself: {processor} of processor time, {resident} of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_fits_into_six_characters() {
        let shown =
            [1, 999_999, 19_700_000, 999_999_999, 2_500_000_000, 123_456_000_000].map(|ns| growing(Nanos::new(ns)));
        assert_eq!(shown, ["0ms+", "0ms+", "19ms+", "999ms+", "2.50s+", "123s+"]);
    }

    #[test]
    fn sizes_shares_and_counts_are_short() {
        assert_eq!([bytes(512), bytes(53_248), bytes(1_572_864)], ["512B", "52.0KiB", "1.5MiB"]);
        let of = |part| percent(Nanos::new(part), Nanos::new(1_000));
        assert_eq!([of(0), of(1), of(125), of(1_000)], ["0%", "<1%", "12%", "100%"]);
        assert_eq!(percent(Nanos::ZERO, Nanos::ZERO), "0%");
        assert_eq!([count(7), count(1_234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
    }

    #[test]
    fn tasks_keep_their_pid() {
        assert_eq!(cut_task("日本語プロ[149]", 14), "日本語プ…[149]");
        assert_eq!(cut_task("日本語プロ[149]", 15), "日本語プロ[149]");
        assert_eq!(cut_task("a-long-name[530]", 12), "a-long…[530]");
        assert_eq!(cut_task("sh[1]", 12), "sh[1]");
        assert_eq!(cut_task("sh[4194304]", 6), "sh[41…");
    }
}
