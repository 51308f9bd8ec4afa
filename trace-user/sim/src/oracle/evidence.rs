//! No verdict contradicts the evidence that is reported beside it: what `request_module` returned, how the helper
//! ended, what became of the loads, and when modules went live.
//!
//! In: a closed request, every load that was reported, and what was seen of modules' lives. Out: what contradicts the
//! verdict, in words. The rules know nothing of what really happened, and share no code with those that choose a
//! verdict.

use crate::simulation::world::{FILES, State};
use modtrail_core::answer::WaitStatus;
use modtrail_core::entities::{Call, Gap, Load, Request, TurnedAway, Verdict};
use modtrail_core::event::{Body, Event, Fact, Moment, Stamp, Wait};
use modtrail_core::explain;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::ids::TaskKey;

const EEXIST: i32 = -17;
const ERESTARTSYS: i32 = -512;
const EXIT_1: i32 = 256;
/// How long after the requester's return a load still counts as within its request, in nanoseconds: one that the kernel
/// reports late.
const LATE: u64 = 2_000_000_000;

/// What was seen of modules' lives.
#[derive(Debug, Default)]
pub struct Lives {
    /// When each module went live (true) or was gone (false), or was listed, in the order of the instants.
    by_module: BTreeMap<Arc<str>, Vec<(u64, bool)>>,
    /// When a thread made a module live: instant, name, process. Loads for modtrail itself are seen here alone.
    births: Vec<(u64, Arc<str>, TaskKey)>,
}

impl Lives {
    /// What these events show.
    pub fn of(events: &[Event]) -> Self {
        let mut lives = Self::default();
        for Event { at, body } in events {
            let at = at.mono.as_nanos();
            if let Body::Fact(Fact::LiveModules(names)) = body {
                lives.list(names, at);
            }
            let Body::Probe(probe) = body else { continue };
            if let Moment::Live(module) = &probe.moment {
                lives.note(module.name.text(), at, true);
                lives.births.extend(module.name.text().map(|name| (at, name.clone(), probe.task.key)));
            }
            if let Moment::Going(module) = &probe.moment {
                lives.note(module.name.text(), at, false);
            }
        }
        for moments in lives.by_module.values_mut() {
            moments.sort_unstable();
        }
        lives
    }

    fn note(&mut self, name: Option<&Arc<str>>, at: u64, live: bool) {
        if let Some(name) = name {
            self.by_module.entry(name.clone()).or_default().push((at, live));
        }
    }

    /// A module of which nothing else was seen before was always live, as far as anybody knows.
    fn list(&mut self, names: &[Arc<str>], at: u64) {
        for name in names {
            let from = if self.by_module.contains_key(name) { at } else { 0 };
            self.note(Some(name), from, true);
        }
    }

    /// Whether anything shows that the module was live at `at`: what was seen last before says so, or what was seen at
    /// that very instant.
    fn may_be_live(&self, name: &str, at: u64) -> bool {
        let moments = self.by_module.get(name).map_or(&[] as &[_], Vec::as_slice);
        let last = moments.iter().rev().find(|(seen, _)| *seen < at);
        last.is_some_and(|(_, live)| *live) || moments.iter().any(|(seen, live)| *seen == at && *live)
    }
}

/// A request with its evidence.
struct Case<'r> {
    request: &'r Request,
    /// Every load that was reported.
    all: &'r [&'r Load],
    lives: &'r Lives,
    /// What `request_module` returned.
    result: Option<i32>,
    /// The wait status word of the helper.
    status: Option<i32>,
    /// What exec returned in the helper.
    executed: Option<i32>,
    wrong: Vec<&'static str>,
}

/// What contradicts the verdict of a closed request. `all`: every load that was reported; `in_time`: all that was seen
/// of modules' lives was seen before the verdict.
pub fn contradictions(request: &Request, all: &[&Load], lives: &Lives, in_time: bool) -> Vec<String> {
    let call = request.call.as_deref();
    let mut case = Case {
        request,
        all,
        lives,
        result: request.result.map(modtrail_core::answer::CallResult::as_return),
        status: call.and_then(|call| call.exited).and_then(|(_, status)| status).map(|status| status.0),
        executed: call.and_then(|call| call.executed).map(|(_, result)| result.0),
        wrong: Vec::new(),
    };
    case.general(in_time);
    match request.verdict {
        Verdict::Live => case.live(),
        Verdict::AlreadyLive => case.already_live(in_time),
        Verdict::SatisfiedByAnother => case.satisfied_by_another(),
        Verdict::Hollow => case.hollow(),
        Verdict::InitFailed => case.init_failed(),
        Verdict::NotFound => case.not_found(),
        Verdict::HelperFailed => case.helper_failed(),
        Verdict::HelperMissing => case.helper_missing(),
        Verdict::Refused => case.turned_away(case.result.is_some()),
        Verdict::Throttled => {
            let unseen = request.gaps.contains(&Gap::NothingFollowed);
            case.turned_away(request.turned_away == Some(TurnedAway::Throttled) || unseen);
        }
        Verdict::Denied => case.turned_away(request.turned_away == Some(TurnedAway::Denied)),
        Verdict::Abandoned => case.abandoned(),
        Verdict::Unwaited => case.unwaited(),
        Verdict::InFlight => case.hold(request.gaps.contains(&Gap::TracingEnded), "tracing did not end before it"),
        Verdict::Incomplete => case.incomplete(),
    }
    case.sentence();
    let verdict = request.verdict.as_str();
    case.wrong.into_iter().map(|wrong| format!("the verdict {verdict} contradicts its evidence: {wrong}")).collect()
}

impl<'r> Case<'r> {
    fn hold(&mut self, is_so: bool, otherwise: &'static str) {
        if !is_so {
            self.wrong.push(otherwise);
        }
    }

    /// The names of the modules that the alias resolves to.
    fn names(&self) -> impl Iterator<Item = &'r Arc<str>> + use<'r> {
        let request = self.request;
        request.resolution.iter().flat_map(|resolution| &resolution.modules).map(|wanted| &wanted.name)
    }

    /// Whether the load is of what was asked for. If that is not known, each is.
    fn is_wanted(&self, load: &Load) -> bool {
        let is_one = |module: &Arc<str>| self.names().any(|name| name == module);
        self.names().next().is_none() || load.module.as_ref().is_none_or(is_one)
    }

    /// Loads of its helper's tree of what was asked for.
    fn own(&self) -> Vec<&'r Load> {
        self.request.loads.iter().map(|load| &**load).filter(|load| self.is_wanted(load)).collect()
    }

    fn own_is_live(&self) -> bool {
        self.own().iter().any(|load| load.live.is_some())
    }

    fn nothing_was_tried(&mut self) {
        self.hold(self.request.loads.is_empty(), "its helper tried a load");
    }

    /// Whatever the verdict is.
    fn general(&mut self, in_time: bool) {
        let request = self.request;
        self.hold(request.satisfied_by.is_none() || request.live.is_some(), "another's load did it, at no instant");
        let Some(live) = request.live else { return };
        self.hold(live >= request.asked, "its module went live before it was asked for");
        self.hold(self.born(live).is_some(), "no load made its module live at that instant");
        let by = request.satisfied_by.as_ref().map(|by| by.request);
        let load = self.all.iter().find(|load| load.live == Some(live) && self.is_wanted(load));
        // Whose load it is may be learned too late.
        if let (Some(by), Some(load), true) = (by, load, in_time) {
            self.hold(by == load.request, "the load that did it is of another request than it says");
        }
    }

    /// Who made which wanted module live at that instant.
    fn born(&self, live: Stamp) -> Option<(&'r Arc<str>, TaskKey)> {
        let names: Vec<&Arc<str>> = self.names().collect();
        let mut births = self.lives.births.iter().filter(|(at, ..)| *at == live.mono.as_nanos());
        let birth = births.find(|(_, name, _)| names.is_empty() || names.contains(&name));
        birth.map(|(_, name, task)| (name, *task))
    }

    /// What does not agree with the verdict at first sight is in the sentence.
    fn sentence(&mut self) {
        let request = self.request;
        let words = explain(request);
        let got_it = matches!(request.verdict, Verdict::Live | Verdict::AlreadyLive | Verdict::SatisfiedByAnother);
        if let Some(status) = self.status.filter(|status| *status != 0 && got_it) {
            self.hold(words.contains(&WaitStatus(status).words()), "the sentence does not say that its helper failed");
        }
        if matches!(request.verdict, Verdict::Live | Verdict::AlreadyLive | Verdict::Hollow) {
            let live = |name: &Arc<str>| {
                request.loads.iter().any(|load| load.live.is_some() && load.module.as_ref() == Some(name))
            };
            let refused = request.loads.iter().filter(|load| error(load).is_some_and(|error| error != EEXIST));
            let last = refused.filter_map(|load| load.module.as_ref()).rfind(|name| !live(name));
            self.hold(
                last.is_none_or(|name| words.contains(&**name)),
                "the sentence does not name the load that failed",
            );
        }
        let unseen = words.contains("how its helper ended was not seen");
        self.hold(!(unseen && self.status.is_some_and(|status| status != 0)), "the sentence hides the helper's status");
    }

    /// A load of its own tree went live, without an error, and the kernel did not turn it away.
    fn live(&mut self) {
        let own = self.own().into_iter().find(|load| load.live.is_some() && load.live == self.request.live);
        self.hold(own.is_some(), "no load of its own went live then");
        self.hold(own.is_none_or(|load| error(load).is_none()), "the load that went live failed");
        self.hold(self.result.is_none_or(|result| result >= 0), "request_module returned an error");
        self.hold(self.request.satisfied_by.is_none(), "another's load is named");
    }

    /// A wanted module was live, the helper did not fail to load that one, and if the helper failed, then for another.
    fn already_live(&mut self, in_time: bool) {
        let request = self.request;
        let failed = |name: &str| {
            let mut refused = request.loads.iter().filter(|load| error(load).is_some_and(|error| error != EEXIST));
            refused.any(|load| load.module.as_deref() == Some(name))
        };
        let asked = request.asked.mono.as_nanos();
        let lives = self.lives;
        let seen_live = |name: &str| !in_time || lives.may_be_live(name, asked);
        let mut was_live = self.names().filter(|name| is_built_in(name) || seen_live(name));
        let is_left = was_live.any(|name| !failed(name));
        self.hold(is_left, "no wanted module was live before, or its load failed");
        let for_another = request.loads.iter().any(|load| error(load).is_some_and(|error| error != EEXIST));
        self.hold(self.status.is_none_or(|status| status == 0) || for_another, "its helper failed");
        self.hold(
            self.result.is_none_or(|result| result == 0 || result > 0 && for_another),
            "it was answered an error",
        );
        self.hold(self.executed.is_none_or(|result| result == 0), "its helper could not be executed");
        self.hold(!self.own_is_live(), "its own load made a wanted module live");
        self.hold(request.live.is_none(), "its module went live while it was open");
    }

    /// Another's load of what was asked for went live within the request, and none of its own did.
    fn satisfied_by_another(&mut self) {
        let request = self.request;
        self.hold(!self.own_is_live(), "its own load made a wanted module live");
        let Some(by) = &request.satisfied_by else { return self.hold(false, "whose load did it is not named") };
        self.hold(by.request != Some(request.id), "the load that did it is its own");
        let born = request.live.and_then(|live| self.born(live));
        self.hold(born == Some((&by.module, by.task.key)), "the task that is named did not make it live");
        let own = request.loads.iter().any(|load| load.live.is_some() && load.live == request.live);
        self.hold(!own, "the load that did it is of its own helper's tree");
        self.hold(self.names().any(|name| *name == by.module), "what went live was not asked for");
        let until = request.returned.map_or(u64::MAX, |at| at.mono.as_nanos().saturating_add(LATE));
        self.hold(request.live.is_some_and(|at| at.mono.as_nanos() <= until), "it went live after the request");
    }

    /// The kernel and the helper reported success, and nothing that was asked for went live.
    fn hollow(&mut self) {
        self.hold(self.request.wait() == Some(Wait::Proc), "it did not wait for its helper");
        self.hold(self.result.is_none_or(|result| result == 0), "request_module did not return 0");
        self.hold(self.status.is_none_or(|status| status == 0), "its helper did not exit with 0");
        self.hold(self.result.or(self.status).is_some(), "neither an answer nor a status was seen");
        self.hold(self.executed.is_none_or(|result| result == 0), "its helper could not be executed");
        self.nothing_is_live();
    }

    fn nothing_is_live(&mut self) {
        self.hold(!self.own_is_live() && self.request.live.is_none(), "a wanted module went live");
    }

    fn init_failed(&mut self) {
        self.hold(self.request.loads.iter().any(|load| error(load).is_some()), "no load of its own failed");
        self.hold(self.result.is_none_or(|result| result >= 0), "request_module returned an error");
        self.nothing_is_live();
    }

    fn not_found(&mut self) {
        let names_nothing = |wanted: &modtrail_core::event::Wanted| wanted.missing && wanted.install.is_none();
        let resolution = self.request.resolution.as_ref();
        let nothing = resolution.is_some_and(|known| known.known && known.modules.iter().all(names_nothing));
        self.hold(nothing, "the alias resolves to something");
        self.hold(self.result.is_none_or(|result| result == EXIT_1), "request_module did not return exit status 1");
        self.hold(self.status.is_none_or(|status| status == EXIT_1), "its helper did not exit with 1");
        self.nothing_was_tried();
        self.nothing_is_live();
    }

    fn helper_failed(&mut self) {
        self.hold(self.status.or(self.result).is_some_and(|status| status != 0), "its helper did not fail");
        self.hold(self.result.is_none_or(|result| result > 0), "request_module did not return the helper's status");
        let failed = self.request.loads.iter().any(|load| error(load).is_some());
        self.hold(!failed, "a load failed, which is why");
        self.nothing_is_live();
    }

    fn helper_missing(&mut self) {
        let failed = self.executed.is_some_and(|result| result < 0) || self.result.is_some_and(|result| result < 0);
        self.hold(failed, "nothing failed to start it");
        self.hold(self.status.is_none_or(|status| status == 0), "its helper ran");
        self.nothing_was_tried();
    }

    /// No helper was started, so it cannot have tried anything, and the answer is an error if it was seen.
    fn turned_away(&mut self, is_shown: bool) {
        self.hold(is_shown, "nothing shows who turned it away");
        self.hold(self.result.is_none_or(|result| result < 0), "request_module did not return an error");
        let helper = self.request.call.as_ref().and_then(|call| call.helper);
        self.hold(helper.is_none(), "a helper was started for it");
        self.nothing_was_tried();
    }

    fn abandoned(&mut self) {
        self.hold(self.result.is_none_or(|result| result == ERESTARTSYS), "it was answered");
        let call = self.request.call.as_deref();
        let gone = self.request.requester_gone.or(call.and_then(|call| call.caller_gone));
        self.hold(self.result.is_some() || gone.is_some(), "nothing shows that its requester was killed");
    }

    fn unwaited(&mut self) {
        let call = self.request.call.as_deref();
        self.hold(call.is_some_and(|call| call.entry.wait != Wait::Proc), "it waited for its helper's end");
        self.hold(self.result.is_none_or(|result| result >= 0), "request_module returned an error");
        self.hold(self.executed.is_none_or(|result| result == 0), "its helper could not be executed");
    }

    /// Something was not seen, and what was not is named or plain.
    fn incomplete(&mut self) {
        let gone = |call: &Call| call.exited.is_some_and(|(_, status)| status.is_some());
        let is_seen = self.result.is_some() || self.request.call.as_deref().is_some_and(gone);
        let unended = self.request.loads.iter().any(|load| load.ended.is_none());
        self.hold(!self.request.gaps.is_empty() || !is_seen || unended, "all of it was seen");
    }
}

fn is_built_in(name: &str) -> bool {
    FILES.iter().any(|file| file.name == name && file.state == State::BuiltIn)
}

/// What the load ended with, if that is an error: the system call, or else its init.
fn error(load: &Load) -> Option<i32> {
    let ends = [load.ended, load.init_ended];
    ends.into_iter().flatten().map(|(_, result): (Stamp, _)| result.0).find(|result| *result < 0)
}
