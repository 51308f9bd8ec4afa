//! What a list shows: one kind of thing per screen, behind one face, so that filtering, sorting and selecting are
//! written once.
//!
//! In: a model. Out: rows, by reference. Nothing here allocates text.

use super::column::Column;
use super::screen::Screen;
use modtrail_core::attribution::purpose::purpose;
use modtrail_core::entities::{Call, Cycle, Firmware, Load, Request};
use modtrail_core::event::{Captured, Hook, Stamp};
use modtrail_core::model::Model;
use modtrail_core::model::duplicates::{Group, Sameness};
use std::cmp::Ordering;
use trace_common::time::Nanos;

/// One row.
#[derive(Clone, Copy, Debug)]
pub enum Row<'m> {
    /// A suspend cycle.
    Cycle(&'m Cycle),
    /// A firmware request.
    Firmware(&'m Firmware),
    /// Of the requests screen.
    Request(&'m Request),
    /// Of the helpers screen.
    Call(&'m Call),
    /// Of the loads screen.
    Load(&'m Load),
    /// Of the duplicates screen.
    Group(&'m Group),
    /// Of the probes screen.
    Hook(&'m Hook),
}

impl<'m> Row<'m> {
    /// The screen's rows, oldest first.
    #[must_use]
    pub fn all(model: &'m Model, screen: Screen) -> Box<dyn DoubleEndedIterator<Item = Self> + 'm> {
        match screen {
            Screen::Requests => Box::new(model.requests().map(|request| Self::Request(request))),
            Screen::Helpers => Box::new(model.calls().map(|call| Self::Call(call))),
            Screen::Loads => Box::new(model.loads().map(|load| Self::Load(load))),
            Screen::Duplicates => Box::new(model.duplicates().map(Self::Group)),
            Screen::Suspend => Box::new(model.cycles().map(|cycle| Self::Cycle(cycle))),
            Screen::Firmware => Box::new(model.firmware().map(|firmware| Self::Firmware(firmware))),
            Screen::Probes => Box::new(model.hooks().iter().map(Self::Hook)),
        }
    }

    /// How many rows the screen has.
    #[must_use]
    pub fn count(model: &Model, screen: Screen) -> usize {
        match screen {
            Screen::Requests => model.requests().size_hint().0,
            Screen::Helpers => model.calls().size_hint().0,
            Screen::Loads => model.loads().size_hint().0,
            Screen::Duplicates => model.duplicates().count(),
            Screen::Suspend => model.cycles().len(),
            Screen::Firmware => model.firmware().len(),
            Screen::Probes => model.hooks().len(),
        }
    }

    /// What tells it from its screen's other rows, for as long as it is kept. Later rows have higher numbers.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Request(request) => request.id.0,
            Self::Call(call) => call.id.0,
            Self::Load(load) => load.id.0,
            // A request's number can begin a group of aliases and one of modules.
            Self::Group(group) => group.id * 3 + group.sameness as u64,
            Self::Cycle(cycle) => cycle.id.0,
            Self::Firmware(firmware) => firmware.id.0,
            Self::Hook(hook) => u64::from(hook.moment.number()),
        }
    }

    /// How two rows of one screen stand by a column; things not seen come first.
    #[must_use]
    pub fn compare(self, other: Self, column: Column, now: Stamp) -> Ordering {
        match (self, other) {
            (Self::Request(one), Self::Request(two)) => compare_requests(one, two, column, now),
            (Self::Call(one), Self::Call(two)) => compare_calls(one, two, column, now),
            (Self::Load(one), Self::Load(two)) => compare_loads(one, two, column, now),
            (Self::Group(one), Self::Group(two)) => compare_groups(one, two, column),
            (Self::Cycle(one), Self::Cycle(two)) => compare_cycles(one, two, column, now),
            (Self::Firmware(one), Self::Firmware(two)) => compare_firmware(one, two, column, now),
            (
                Self::Hook(_)
                | Self::Request(_)
                | Self::Call(_)
                | Self::Load(_)
                | Self::Group(_)
                | Self::Cycle(_)
                | Self::Firmware(_),
                _,
            ) => Ordering::Equal,
        }
        .then_with(|| self.number().cmp(&other.number()))
    }
}

/// The group of duplicates with the row's number.
#[must_use]
pub fn find_group(model: &Model, number: u64) -> Option<&Group> {
    let sameness = [Sameness::Alias, Sameness::Module, Sameness::File];
    let sameness = sameness.into_iter().find(|sameness| number % 3 == *sameness as u64)?;
    model.duplicate(sameness, number / 3)
}

/// How long a helper call is, or was, under way: to its helper's end; `None` where that was not seen.
#[must_use]
pub fn call_age(call: &Call, now: Stamp) -> Option<Nanos> {
    let until = call.end().or((!call.is_closed()).then_some(now))?;
    Some(until.mono.since(call.entered.mono))
}

/// How long a load is, or was, under way; `None` where its end was not seen.
#[must_use]
pub fn load_age(load: &Load, now: Stamp) -> Option<Nanos> {
    let until = match load.ended {
        Some((at, _)) => at,
        None if load.closed => return None,
        None => now,
    };
    Some(until.mono.since(load.began.mono))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a screen is sorted by its own columns")]
fn compare_requests(one: &Request, two: &Request, column: Column, now: Stamp) -> Ordering {
    match column {
        Column::Time | Column::Number => one.asked.cmp(&two.asked),
        Column::Alias => text(&one.alias).cmp(text(&two.alias)),
        Column::Verdict => one.verdict.cmp(&two.verdict),
        Column::Module => one.module().cmp(&two.module()),
        Column::Requester => one.requester.task.comm.cmp(&two.requester.task.comm),
        Column::Total => one.age(now).cmp(&two.age(now)),
        Column::ToLive => one.to_live().cmp(&two.to_live()),
        Column::Result => (one.result, one.status()).cmp(&(two.result, two.status())),
        Column::Duplicates => duplicates(one).cmp(&duplicates(two)),
        _ => Ordering::Equal,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a screen is sorted by its own columns")]
fn compare_calls(one: &Call, two: &Call, column: Column, now: Stamp) -> Ordering {
    match column {
        Column::Time | Column::Number => one.entered.cmp(&two.entered),
        Column::Command => text(&one.path).cmp(text(&two.path)),
        Column::Requester => one.caller.comm.cmp(&two.caller.comm),
        Column::Purpose => purpose(one).cmp(&purpose(two)),
        Column::Wait => one.wait.as_str().cmp(two.wait.as_str()),
        Column::Helper => helper_pid(one).cmp(&helper_pid(two)),
        Column::Total => call_age(one, now).cmp(&call_age(two, now)),
        Column::Result => {
            let status = |call: &Call| (call.executed.map(|(_, result)| result), call.exited.map(|(_, status)| status));
            status(one).cmp(&status(two))
        }
        _ => Ordering::Equal,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a screen is sorted by its own columns")]
fn compare_cycles(one: &Cycle, two: &Cycle, column: Column, now: Stamp) -> Ordering {
    match column {
        Column::Verdict => one.verdict().cmp(&two.verdict()),
        Column::Total => one.awake(now).cmp(&two.awake(now)),
        Column::Asleep => one.asleep(now).cmp(&two.asleep(now)),
        Column::Drain => one.disable.time().cmp(&two.disable.time()),
        Column::Met => one.met().count().cmp(&two.met().count()),
        Column::Attempt => one.kind.cmp(&two.kind),
        _ => one.began.cmp(&two.began),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a screen is sorted by its own columns")]
fn compare_firmware(one: &Firmware, two: &Firmware, column: Column, now: Stamp) -> Ordering {
    match column {
        Column::Alias => text(&one.name).cmp(text(&two.name)),
        Column::Module => text(&one.device).cmp(text(&two.device)),
        Column::Requester => one.task.comm.cmp(&two.task.comm),
        Column::Total => one.age(now).cmp(&two.age(now)),
        Column::Result => one.result().cmp(&two.result()),
        Column::Wait => one.lock.state().cmp(&two.lock.state()),
        _ => one.asked.cmp(&two.asked),
    }
}

/// By what is known without looking at the members.
fn compare_groups(one: &Group, two: &Group, column: Column) -> Ordering {
    if column == Column::Module {
        one.name.cmp(&two.name)
    } else if column == Column::Sameness {
        one.sameness.cmp(&two.sameness)
    } else if column == Column::Duplicates {
        one.members.len().cmp(&two.members.len())
    } else {
        one.began.cmp(&two.began)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a screen is sorted by its own columns")]
fn compare_loads(one: &Load, two: &Load, column: Column, now: Stamp) -> Ordering {
    match column {
        Column::Time | Column::Number => one.began.cmp(&two.began),
        Column::Module => one.module.cmp(&two.module),
        Column::Requester => one.task.comm.cmp(&two.task.comm),
        Column::For => one.request.cmp(&two.request),
        Column::Bytes => one.bytes.cmp(&two.bytes),
        Column::Init => init(one).cmp(&init(two)),
        Column::ToLive => load_to_live(one).cmp(&load_to_live(two)),
        Column::Total => load_age(one, now).cmp(&load_age(two, now)),
        Column::Result => one.error().cmp(&two.error()),
        _ => Ordering::Equal,
    }
}

/// How many others asked for the same, counted in any way.
#[must_use]
pub fn duplicates(request: &Request) -> u32 {
    let counts = request.duplicates;
    counts.same_alias.saturating_add(counts.same_module).saturating_add(counts.same_file)
}

/// How long a load's init ran, up to the module's going live or the init's return.
#[must_use]
pub fn init(load: &Load) -> Option<Nanos> {
    let end = load.live.or(load.init_ended.map(|(at, _)| at))?;
    Some(end.mono.since(load.init_begun?.mono))
}

/// From a load's beginning to its module's going live.
#[must_use]
pub fn load_to_live(load: &Load) -> Option<Nanos> {
    load.live.map(|live| live.mono.since(load.began.mono))
}

fn helper_pid(call: &Call) -> Option<u32> {
    call.helper.map(|(task, _)| task.key.tgid.0)
}

fn text(captured: &Captured) -> &str {
    captured.text().map_or("", |text| text)
}
