//! Who asks for an alias or a module: who requested it, who pulled it in as a dependency, who loaded it without a
//! request, who unloaded it.
//!
//! In: a name, and models, one for each trace. Out: text and JSON. If nobody did, that is stated only if enough of the
//! time was covered.

use super::json::{SCHEMA, verdict_counts};
use super::plain::{counted, plain_json};
use super::text::{line, title};
use super::wall;
use super::whole;
use crate::attribution::container::{container, unit};
use crate::attribution::known::{known_as, with_name};
use crate::entities::{Load, Request, Unload, Verdict};
use crate::event::{Origin, Stamp, Task};
use crate::model::Model;
use crate::model::coverage::Coverage;
use crate::query::Query;
use crate::repeats::{helper_time, outcomes};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::kind::Kind;
use trace_common::time::Nanos;

/// The answer for one name, over any number of traces.
#[derive(Debug)]
pub struct Who {
    name: String,
    /// Requests for the name, or for an alias of the module.
    requesters: Groups,
    /// Requests for something else that loaded the module on the way.
    dependents: Groups,
    /// Loads of the module that serve no request.
    loaders: Groups,
    /// Unloads of the module.
    unloaders: Groups,
    coverage: Coverage,
    traces: u64,
    /// What could not be seen at all in some trace.
    unseen: BTreeSet<&'static str>,
    /// What the traces were narrowed to; empty if they were not.
    query: String,
    /// Requests and loads whose alias or module is not known: they may be of this name.
    unnamed: u64,
    /// Requests, loads and unloads that are no longer kept.
    forgotten: u64,
}

/// What distinguishes those who did the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    comm: String,
    /// The parent of a loader, by name.
    parent: Option<String>,
    unit: Option<Arc<str>>,
    container: Option<Arc<str>>,
    uid: Option<u32>,
}

/// What they did.
#[derive(Clone, Debug, Default)]
struct Activity {
    exe: Option<Arc<str>>,
    /// The aliases that they asked for, as a person reads them.
    aliases: BTreeSet<String>,
    verdicts: BTreeMap<Verdict, u64>,
    /// How many; of requests, as many as there are verdicts.
    count: u64,
    /// How many of the loads or unloads failed.
    failed: u64,
    helper_time: Nanos,
    /// When the first and the last was, since the Unix epoch in nanoseconds.
    first: Option<u64>,
    last: Option<u64>,
}

type Groups = BTreeMap<Place, Activity>;

impl Who {
    /// Nothing is known yet. `name`: an alias, the name that engineers know for one, or a module; `query`: what the
    /// traces were narrowed to.
    #[must_use]
    pub fn asks_for(name: &str, query: &Query) -> Self {
        Self {
            name: name.to_owned(),
            requesters: Groups::new(),
            dependents: Groups::new(),
            loaders: Groups::new(),
            unloaders: Groups::new(),
            coverage: Coverage::default(),
            traces: 0,
            unseen: BTreeSet::new(),
            query: query.text().to_owned(),
            unnamed: 0,
            forgotten: 0,
        }
    }

    /// Takes in one trace.
    pub fn add(&mut self, model: &Model) {
        self.traces += 1;
        self.coverage = self.coverage.plus(model.coverage());
        let is_unseen = |kind: Kind| model.hooks().iter().any(|hook| hook.moment == kind && hook.is_unseen());
        self.unseen.extend(is_unseen(Kind::Requested).then_some("requests"));
        self.unseen.extend(is_unseen(Kind::LoadBegan).then_some("loads"));
        self.unseen.extend(is_unseen(Kind::UnloadBegan).then_some("unloads"));
        self.forgotten += model.counts().forgotten;
        let unreadable = model.requests().filter(|request| request.requested.alias.text().is_none()).count();
        let unnamed = model.loads().filter(|load| load.request.is_none() && load.module.is_none() && !load.retried);
        self.unnamed += (unreadable + unnamed.count()) as u64;
        for request in model.requests() {
            if self.is_asked(request) {
                note_request(&mut self.requesters, request, model);
            } else if request.loads.iter().any(|load| self.is_module(load.module.as_deref())) {
                note_request(&mut self.dependents, request, model);
            }
        }
        for load in model.loads().filter(|load| load.request.is_none() && !load.retried) {
            if self.is_module(load.module.as_deref()) {
                note_load(&mut self.loaders, load, model);
            }
        }
        for unload in model.unloads() {
            if self.is_module(unload.module.text().map(|module| &**module)) {
                note_unload(&mut self.unloaders, unload, model);
            }
        }
    }

    /// Whether the request is for the name: its alias, what engineers call that, or a module that it resolves to.
    fn is_asked(&self, request: &Request) -> bool {
        let by_alias = request.requested.alias.text().is_some_and(|alias| {
            **alias == *self.name || known_as(alias).is_some_and(|name| name.eq_ignore_ascii_case(&self.name))
        });
        let mut wanted = request.resolution.iter().flat_map(|resolution| &resolution.modules);
        by_alias || wanted.any(|wanted| self.is_module(Some(&wanted.name)))
    }

    /// Whether a module has the name; a dash and an underscore are the same in it.
    fn is_module(&self, module: Option<&str>) -> bool {
        let same = |(one, other): (u8, u8)| one == other || matches!((one, other), (b'-', b'_') | (b'_', b'-'));
        module.is_some_and(|module| module.len() == self.name.len() && module.bytes().zip(self.name.bytes()).all(same))
    }

    fn is_nobody(&self) -> bool {
        [&self.requesters, &self.dependents, &self.loaders, &self.unloaders].into_iter().all(Groups::is_empty)
    }

    /// The answer for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let traces = if self.traces == 1 { String::new() } else { format!(" in {}", counted(self.traces, "trace")) };
        line(&mut out, format_args!("covered: {}{traces}", self.coverage.words()));
        for what in &self.unseen {
            line(&mut out, format_args!("{what} could not be seen: modtrail report says why"));
        }
        if self.is_nobody() {
            line(&mut out, format_args!("{}", self.absence()));
            return out;
        }
        section(&mut out, "requested by", &self.requesters, |by| outcomes(&by.verdicts));
        section(&mut out, "loaded on the way to something else, requested by", &self.dependents, |by| {
            format!("for {}", by.aliases.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        section(&mut out, "loaded without a request by", &self.loaders, failures);
        section(&mut out, "unloaded by", &self.unloaders, failures);
        out
    }

    /// Whether nobody did anything with it; `None` if nothing was seen of it, but that does not say so.
    fn nobody(&self) -> Option<bool> {
        if self.is_nobody() { self.doubt().is_none().then_some(true) } else { Some(false) }
    }

    /// Why it cannot be said that nobody did anything with it; `None` if it can.
    fn doubt(&self) -> Option<String> {
        if !self.query.is_empty() {
            Some(format!("only what matches {} was looked at", self.query))
        } else if !self.coverage.is_enough() {
            Some("too little was covered: at least 95% of the time must be".to_owned())
        } else if !self.unseen.is_empty() {
            Some("not everything could be seen".to_owned())
        } else if self.forgotten > 0 {
            Some(format!("{} of what was seen is no longer kept", self.forgotten))
        } else if self.unnamed > 0 {
            Some(format!("the names of {} requests and loads are not known", self.unnamed))
        } else {
            None
        }
    }

    /// What may be said if nothing was seen.
    fn absence(&self) -> String {
        match self.doubt() {
            None => format!("nobody asked for {}, loaded or unloaded it in that time", self.name),
            Some(doubt) => {
                format!("nothing was seen of {}, but that nobody asked for it cannot be said: {doubt}", self.name)
            }
        }
    }

    /// The answer as one JSON object, without a newline at its end.
    #[must_use]
    pub fn json(&self) -> String {
        let whole = json!({
            "schema": SCHEMA,
            "name": self.name,
            "traces": self.traces,
            "coverage": whole::coverage(self.coverage),
            "where": (!self.query.is_empty()).then_some(&self.query),
            "unseen": self.unseen,
            "doubt": self.doubt(),
            "nobody": self.nobody(),
            "requesters": objects(&self.requesters, true),
            "dependents": objects(&self.dependents, true),
            "loaders": objects(&self.loaders, false),
            "unloaders": objects(&self.unloaders, false),
        });
        plain_json(&whole.to_string())
    }
}

fn note_request(groups: &mut Groups, request: &Request, model: &Model) {
    let requested = &request.requested;
    let place = place(&request.task, None, requested.cgroup.as_deref(), Some(requested.uid));
    let activity = note(groups, place, requested.exe.as_ref(), request.asked, model);
    *activity.verdicts.entry(request.verdict).or_default() += 1;
    activity.aliases.insert(with_name(&requested.alias));
    activity.helper_time = activity.helper_time.plus(helper_time(request));
}

fn note_load(groups: &mut Groups, load: &Load, model: &Model) {
    let origin = load.origin.as_deref();
    let activity = note(groups, from(&load.task, origin), exe(origin), load.began, model);
    activity.failed += u64::from(load.failed());
}

fn note_unload(groups: &mut Groups, unload: &Unload, model: &Model) {
    let origin = unload.origin.as_deref();
    let activity = note(groups, from(&unload.task, origin), exe(origin), unload.began, model);
    activity.failed += u64::from(unload.failed());
}

fn note<'g>(
    groups: &'g mut Groups,
    place: Place,
    exe: Option<&Arc<str>>,
    at: Stamp,
    model: &Model,
) -> &'g mut Activity {
    let activity = groups.entry(place).or_default();
    activity.count += 1;
    activity.exe = activity.exe.take().or_else(|| exe.cloned());
    let wall = model.wall_ns(at);
    activity.first = activity.first.into_iter().chain(wall).min();
    activity.last = activity.last.max(wall);
    activity
}

fn exe(origin: Option<&Origin>) -> Option<&Arc<str>> {
    origin.and_then(|origin| origin.exe.as_ref())
}

fn from(task: &Task, origin: Option<&Origin>) -> Place {
    let parent = origin.and_then(|origin| origin.parent.as_ref()).map(|parent| parent.comm.to_text());
    place(task, parent, origin.and_then(|origin| origin.cgroup.as_deref()), origin.map(|origin| origin.uid))
}

fn place(task: &Task, parent: Option<String>, cgroup: Option<&str>, uid: Option<u32>) -> Place {
    Place {
        comm: task.comm.to_text(),
        parent,
        unit: cgroup.and_then(unit).map(Arc::from),
        container: cgroup.and_then(container).map(|container| Arc::from(container.id)),
        uid,
    }
}

impl Place {
    /// `modprobe of sh, unit x.service, uid 0`
    fn words(&self) -> String {
        let parent = self.parent.as_ref().map_or_else(String::new, |parent| format!(" of {parent}"));
        let unit = self.unit.as_ref().map(|unit| format!("unit {unit}"));
        let container = self.container.as_ref().map(|id| format!("container {id:.12}"));
        let uid = self.uid.map(|uid| format!("uid {uid}"));
        let more: String = [unit, container, uid].into_iter().flatten().map(|word| format!(", {word}")).collect();
        format!("{}{parent}{more}", self.comm)
    }
}

fn failures(by: &Activity) -> String {
    if by.failed > 0 { format!("{} failed", by.failed) } else { String::new() }
}

/// The most frequent first.
fn sorted(groups: &Groups) -> Vec<(&Place, &Activity)> {
    let mut rows: Vec<(&Place, &Activity)> = groups.iter().collect();
    rows.sort_by_key(|(_, by)| std::cmp::Reverse(by.count));
    rows
}

fn section(out: &mut String, name: &str, groups: &Groups, outcome: impl Fn(&Activity) -> String) {
    if groups.is_empty() {
        return;
    }
    title(out, name);
    for (place, by) in sorted(groups) {
        let outcome = outcome(by);
        let last = by.last.and_then(wall::iso).map(|last| format!("last {last}"));
        let time = (by.helper_time > Nanos::ZERO).then(|| format!("{} of helpers' time", by.helper_time));
        let facts = [Some(outcome).filter(|outcome| !outcome.is_empty()), time, last];
        let facts = facts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        line(out, format_args!("  {:>6}  {}: {facts}", by.count, place.words()));
    }
}

fn objects(groups: &Groups, are_requests: bool) -> Vec<Value> {
    let object = |(place, by): (&Place, &Activity)| {
        let mut object = json!({
            "comm": place.comm, "exe": by.exe.as_deref(), "unit": place.unit.as_deref(),
            "container": place.container.as_deref(), "uid": place.uid, "count": by.count,
            "first": by.first.and_then(wall::iso), "last": by.last.and_then(wall::iso),
        });
        let verdicts = verdict_counts(&by.verdicts);
        let more = if are_requests {
            json!({"aliases": by.aliases, "verdicts": verdicts, "helper_ns": by.helper_time.as_nanos()})
        } else {
            json!({"parent": place.parent, "failed": by.failed})
        };
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        object
    };
    sorted(groups).into_iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::Who;
    use crate::event::{Fact, Lost};
    use crate::query::{Field, Query};
    use crate::testing::{busy, stamp};
    use serde_json::Value;
    use trace_common::kind::Loss;

    fn answer(name: &str) -> (String, Value) {
        let mut who = Who::asks_for(name, &Query::default());
        who.add(busy().model());
        (who.text(), serde_json::from_str(&who.json()).unwrap())
    }

    #[test]
    fn aliases_modules_and_known_names_are_understood() {
        for name in ["fs-xfs", "xfs"] {
            let (text, json) = answer(name);
            assert!(
                text.contains("\nrequested by\n       1  mount, unit session-3.scope, uid 1000: hollow 1; "),
                "{text}"
            );
            assert_eq!(json["requesters"][0]["verdicts"]["hollow"], 1);
            assert_eq!(json["nobody"], false);
        }
        assert_eq!(answer("af_inet").1["requesters"], serde_json::json!([]));
        assert_eq!(answer("tun").1["requesters"][0]["comm"], "openvpn");
    }

    #[test]
    fn dependencies_and_loads_without_a_request_are_told_apart() {
        let (_, can) = answer("can");
        assert_eq!(can["dependents"][0]["aliases"], serde_json::json!(["can-proto-1 (CAN_RAW)"]));
        assert_eq!(can["requesters"], serde_json::json!([]));
        let (text, codec) = answer("snd-hda-codec-hdmi");
        assert_eq!(codec["loaders"][0]["comm"], "(udev-worker)");
        assert!(text.contains("loaded without a request by"), "{text}");
    }

    #[test]
    fn that_nobody_asked_is_said_only_if_enough_was_covered() {
        let mut scenario = crate::testing::Scenario::default();
        scenario.machine();
        scenario.until(1_000_000);
        let answer = |scenario: &crate::testing::Scenario| {
            let mut who = Who::asks_for("net-pf-29", &Query::default());
            who.add(scenario.model());
            (who.text(), serde_json::from_str::<Value>(&who.json()).unwrap()["nobody"].clone())
        };
        let (text, nobody) = answer(&scenario);
        assert!(text.ends_with("nobody asked for net-pf-29, loaded or unloaded it in that time\n"), "{text}");
        assert_eq!(nobody, true);
        let until = stamp(2_000_000).mono;
        scenario.fact(1_000_000, Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 1, until });
        scenario.until(2_000_000);
        let (text, nobody) = answer(&scenario);
        assert!(text.contains("too little was covered"), "{text}");
        assert_eq!(nobody, Value::Null);
    }

    #[test]
    fn a_part_of_a_trace_does_not_say_that_nobody_asked() {
        let query = Query::parse("uid=12345", &Field::ALL).unwrap();
        let mut who = Who::asks_for("nosuch", &query);
        let mut scenario = crate::testing::Scenario::default();
        scenario.machine();
        scenario.until(1_000_000);
        who.add(scenario.model());
        assert!(who.text().contains("cannot be said: only what matches uid=12345 was looked at"), "{}", who.text());
    }
}
