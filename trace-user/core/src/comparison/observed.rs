//! What a trace shows of each name: what became of it how often, and how long it took.
//!
//! In: a model. Out: counts and times by name.

use crate::answer::ReturnCode;
use crate::attribution::known::with_name;
use crate::attribution::purpose::purpose;
use crate::entities::{Call, Firmware, Load, Request, RequestId, Timed, Verdict};
use crate::explain::cycle::attempt;
use crate::explain::load::subject;
use crate::findings::{self, Finding, Kind};
use crate::model::Model;
use crate::model::duplicates::Sameness;
use crate::phases::{Phase, Phases, phases};
use crate::report::alike::alike;
use crate::report::modules::Nested;
use crate::report::slowest::groups;
use crate::statistics::percentiles::median;
use std::collections::{BTreeMap, BTreeSet};
use trace_common::time::Nanos;

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Requests, by alias.
    Request,
    /// Loads, by module.
    Load,
    /// Firmware requests, by file.
    Firmware,
    /// Suspend cycles, by what was tried.
    Cycle,
    /// Helpers that serve no request, by purpose and program.
    Helper,
}

/// How long something with a name takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// A module's init, without the requests that it made itself.
    Init,
    /// A load of a module, without its init.
    Load,
    /// A request, to its return. Of requests that overlapped for the same thing, the longest.
    Total,
    /// A firmware request.
    Firmware,
}

/// What became of the things of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many there were.
    pub count: u64,
    /// How many came to each end. What is neither good nor bad (still open, nobody waited, not seen) is left out.
    pub ends: BTreeMap<String, u64>,
    /// Who did it, by name.
    pub by: BTreeMap<String, u64>,
}

/// What is one sample: a name, and the group or else the request.
type Sample = (String, Option<(Sameness, u64)>, Option<RequestId>);

/// What a trace shows.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What became of things.
    pub outcomes: BTreeMap<(Subject, String), Outcomes>,
    /// How long they took.
    pub times: BTreeMap<(Measure, String), Vec<Nanos>>,
    /// Where the time of requests went, by alias.
    pub phases: BTreeMap<String, Vec<Phases>>,
    /// The modules that a request for an alias waits for.
    pub modules: BTreeMap<String, BTreeSet<String>>,
    /// Findings, each once for sentences that say the same.
    pub findings: BTreeMap<(Kind, String), Finding>,
}

impl Subject {
    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Load => "load",
            Self::Firmware => "firmware",
            Self::Cycle => "suspend",
            Self::Helper => "helper",
        }
    }
}

impl Measure {
    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Load => "load",
            Self::Total => "total",
            Self::Firmware => "firmware",
        }
    }

    /// As shown to a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Init => "init of",
            Self::Load => "load of",
            Self::Total => "request for",
            Self::Firmware => "firmware",
        }
    }
}

impl Observed {
    /// All of a model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut observed = Self::default();
        observed.requests(model);
        observed.loads(model);
        for firmware in model.firmware() {
            observed.firmware(firmware);
        }
        for cycle in model.cycles() {
            observed.note(Subject::Cycle, attempt(cycle), Some(cycle.verdict().as_str()), &cycle.task.comm.to_text());
        }
        for call in model.calls() {
            observed.helper(call);
        }
        for finding in findings::all(model) {
            observed.findings.entry((finding.kind, alike(&finding.sentence))).or_insert(finding);
        }
        observed
    }

    fn note(&mut self, subject: Subject, name: String, end: Option<&str>, by: &str) {
        let outcomes = self.outcomes.entry((subject, name)).or_default();
        outcomes.count += 1;
        if let Some(end) = end {
            *outcomes.ends.entry(end.to_owned()).or_default() += 1;
        }
        *outcomes.by.entry(by.to_owned()).or_default() += 1;
    }

    fn time(&mut self, measure: Measure, name: String, time: Option<Nanos>) {
        if let Some(time) = time {
            self.times.entry((measure, name)).or_default().push(time);
        }
    }

    fn requests(&mut self, model: &Model) {
        let groups = groups(model);
        // The members of a storm wait for the same thing: they are one sample, not many.
        let mut longest: BTreeMap<Sample, &Request> = BTreeMap::new();
        for request in model.requests() {
            let name = with_name(&request.requested.alias);
            self.note(Subject::Request, name.clone(), end(request.verdict), &request.task.comm.to_text());
            self.modules.entry(name.clone()).or_default().extend(modules(request, model));
            if request.total().is_none() {
                continue;
            }
            let group = groups.get(&request.id).and_then(|of| of.first().copied());
            let alone = group.is_none().then_some(request.id);
            let kept = longest.entry((name, group, alone)).or_insert(request);
            if kept.total() < request.total() {
                *kept = request;
            }
        }
        for ((name, ..), request) in longest {
            self.time(Measure::Total, name.clone(), request.total());
            self.phases.entry(name).or_default().push(phases(request, None));
        }
    }

    fn loads(&mut self, model: &Model) {
        let nested = Nested::of(model);
        for load in model.loads().filter(|load| !load.retried) {
            let Some(name) = name(load) else { continue };
            let request = load.request.and_then(|id| model.request(id));
            let who = request.map_or(load.task.comm, |request| request.task.comm);
            self.note(Subject::Load, name.clone(), load_end(load).as_deref(), &who.to_text());
            if load.lost_to_another() {
                continue;
            }
            let init = load.init_time();
            self.time(Measure::Init, name.clone(), init.map(|init| init.minus(nested.within(load))));
            let outside = load.total().zip(init).map(|(total, init)| total.minus(init));
            self.time(Measure::Load, name, outside);
        }
    }

    fn firmware(&mut self, firmware: &Firmware) {
        let name = firmware.file.name.to_string();
        let end = firmware.result().map(found);
        self.note(Subject::Firmware, name.clone(), end.as_deref(), &firmware.task.comm.to_text());
        self.time(Measure::Firmware, name, firmware.total());
    }

    fn helper(&mut self, call: &Call) {
        let name = format!("{} ({})", call.entry.path, purpose(call).unwrap_or("another purpose"));
        let end = if call.failed() { Some("failed") } else { call.ended().map(|_| "ended") };
        self.note(Subject::Helper, name, end, &call.caller.comm.to_text());
    }

    /// The phase whose median grew or shrank most from `self` to `after`, for requests for this alias.
    #[must_use]
    pub fn phase_that_changed(&self, after: &Self, alias: &str) -> Option<Phase> {
        let medians = |of: &Self, phase: Phase| {
            let times: Vec<Nanos> = of.phases.get(alias)?.iter().filter_map(|phases| phases.get(phase)).collect();
            median(&times)
        };
        let change = |phase: Phase| {
            let (one, other) = (medians(self, phase).unwrap_or_default(), medians(after, phase).unwrap_or_default());
            one.as_nanos().abs_diff(other.as_nanos())
        };
        Phase::ALL
            .into_iter()
            .max_by_key(|phase| (change(*phase), std::cmp::Reverse(*phase)))
            .filter(|phase| change(*phase) > 0)
    }
}

/// Which end a verdict is. Who loaded the module, and when, is chance.
fn end(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Live | Verdict::AlreadyLive | Verdict::SatisfiedByAnother => Some("live"),
        Verdict::Hollow
        | Verdict::InitFailed
        | Verdict::NotFound
        | Verdict::HelperFailed
        | Verdict::HelperMissing
        | Verdict::Refused
        | Verdict::Throttled
        | Verdict::Denied => Some(verdict.words()),
        Verdict::Abandoned | Verdict::Unwaited | Verdict::InFlight | Verdict::Incomplete => None,
    }
}

fn load_end(load: &Load) -> Option<String> {
    if load.lost_to_another() || load.live.is_some() {
        return Some("live".to_owned());
    }
    load.error().map(|error| error.text())
}

fn found(result: ReturnCode) -> String {
    result.error().map_or_else(|| "found".to_owned(), |error| error.text())
}

fn name(load: &Load) -> Option<String> {
    (load.module.is_some() || load.file.is_some()).then(|| subject(load).to_owned())
}

/// The modules that the request waits for: those that it wants, those that they depend on, what its helper loaded, and
/// what the requests of its helper wait for.
fn modules(request: &Request, model: &Model) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    let (mut seen, mut open) = (BTreeSet::from([request.id]), vec![request]);
    while let Some(request) = open.pop() {
        for wanted in request.resolution.iter().flat_map(|resolution| &resolution.modules) {
            modules.insert(wanted.name.to_string());
            modules.extend(wanted.dependencies.iter().map(ToString::to_string));
        }
        modules.extend(request.loads.iter().filter_map(|load| name(load)));
        open.extend(model.children(request.id).map(|child| &**child).filter(|child| seen.insert(child.id)));
    }
    modules
}
