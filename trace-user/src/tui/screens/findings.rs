//! The findings screen: what is worth attention, with the next step and what shows it.
//!
//! Findings are not the model's own: they are computed from it, and kept here until it has changed.

use crate::tui::format;
use crate::tui::table::{Cell, Column, Description, Key, Order, Store, Table, Target, plain};
use crate::tui::theme::Tone;
use modtrail_core::event::Stamp;
use modtrail_core::explain::load::subject;
use modtrail_core::findings::{self, Evidence, Finding, Kind};
use modtrail_core::model::Model;
use modtrail_core::query::{Each, Field, Row};
use trace_common::time::{Ktime, Nanos};

/// The shortest time between two searches: each looks at everything that the model keeps.
const PAUSE: Nanos = Nanos::from_secs(1);
/// Evidence that the description names.
const NAMED: usize = 20;

/// Every finding.
#[derive(Clone, Copy, Debug)]
pub struct Findings;

/// A finding, and what identifies it.
#[derive(Clone, Debug)]
pub struct Found {
    finding: Finding,
    id: Id,
}

/// What identifies a finding while it lasts: its sentence may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// When it began, on the clock that does not stop in suspend.
    at: Ktime,
    kind: Kind,
    /// Its place among those of its kind that began with it.
    place: usize,
}

/// The findings of a model, oldest first.
#[derive(Clone, Debug, Default)]
pub struct AllFound {
    found: Vec<Found>,
    from: Option<Searched>,
}

/// The state of the model that was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Searched {
    changes: u64,
    now: Stamp,
}

impl Row for Found {
    fn fields(&self) -> &'static [Field] {
        self.finding.fields()
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        self.finding.facts(field, model, each);
    }
}

impl AllFound {
    /// Whether the model may have other findings by now. While something is open, time alone can make one.
    fn is_stale(&self, model: &Model) -> bool {
        let Some(from) = self.from else { return true };
        let now = model.now();
        let is_due = from.changes == 0 || now < from.now || now.mono.since(from.now.mono) >= PAUSE;
        is_due && (from.changes != model.changes() || (from.now != now && model.has_open()))
    }
}

impl Store for AllFound {
    type Kept = Self;

    fn refresh(kept: &mut Self, model: &Model) -> bool {
        if !kept.is_stale(model) {
            return false;
        }
        let mut found: Vec<Found> = Vec::new();
        let mut all = findings::all(model);
        all.sort_by_key(|finding| (finding.at.boot, finding.kind));
        for finding in all {
            let (at, kind) = (finding.at.boot, finding.kind);
            let before = found.last().map(|found| found.id).filter(|before| (before.at, before.kind) == (at, kind));
            let place = before.map_or(0, |before| before.place + 1);
            found.push(Found { finding, id: Id { at, kind, place } });
        }
        *kept = Self { found, from: Some(Searched { changes: model.changes(), now: model.now() }) };
        true
    }

    fn of<'m>(_model: &'m Model, kept: &'m Self) -> &'m Self {
        kept
    }
}

impl Table for Findings {
    type Item = Found;
    type Store = AllFound;
    type Id = Id;

    const TITLE: &'static str = "findings";
    const EMPTY: &'static str = "nothing needs attention";
    const DESCRIPTION: u16 = 8;
    const IN_HEADER: bool = true;
    const COLUMNS: &'static [Column<Found>] = &[
        Column::<Found>::new("time", (12, 0), 3, |model, found| plain(format::instant(model, found.finding.at)))
            .instants()
            .sorted(Order::Own),
        Column::<Found>::new("name", (19, 0), 1, |_, found| {
            (found.finding.kind.as_str().to_owned(), tone(found.finding.kind))
        })
        .sorted(Order::By(|_, found| Key::Number(found.finding.kind as u64))),
        Column::<Found>::new("what", (24, 400), 0, |_, found| plain(&*found.finding.sentence))
            .sorted(Order::Text(|found| Key::Text(&found.finding.sentence))),
    ];
    const FIELDS: &'static [Field] = Finding::FIELDS;

    fn items(all: &AllFound) -> Box<dyn DoubleEndedIterator<Item = &Found> + '_> {
        Box::new(all.found.iter())
    }

    fn count(all: &AllFound) -> usize {
        all.found.len()
    }

    fn id(found: &Found) -> Id {
        found.id
    }

    fn find(all: &AllFound, id: Id) -> Option<&Found> {
        all.found.iter().find(|found| found.id == id)
    }

    fn describe(model: &Model, found: &Found) -> Option<Description> {
        let Finding { kind, sentence, next, evidence, .. } = &found.finding;
        let shown = evidence.iter().take(NAMED).map(|one| words(model, *one));
        let mut shown = shown.collect::<Vec<_>>().join(", ");
        if evidence.len() > NAMED {
            shown.push_str(&format!(", and {} more", evidence.len() - NAMED));
        }
        let lines: Vec<Cell> = vec![
            (sentence.clone(), tone(*kind)),
            (format!("next: {next}"), Tone::Plain),
            (format!("evidence: {shown}"), Tone::Dim),
        ];
        Some(Description { title: kind.as_str().to_owned(), lines })
    }

    fn open(model: &Model, found: &Found) -> Option<Target> {
        found.finding.evidence.iter().find_map(|one| page(model, *one))
    }
}

/// The page of a piece of evidence, or of what it belongs to, if the model still keeps it.
fn page(model: &Model, evidence: Evidence) -> Option<Target> {
    let request = match evidence {
        Evidence::Request(id) => Some(id),
        Evidence::Load(id) => model.load(id)?.request,
        Evidence::Unload(_) => None,
    };
    request.filter(|id| model.request(*id).is_some()).map(Target::Request)
}

/// A piece of evidence by what it is, its number and its name.
fn words(model: &Model, evidence: Evidence) -> String {
    let name = match evidence {
        Evidence::Request(id) => model.request(id).map(|request| request.requested.alias.to_string()),
        Evidence::Load(id) => model.load(id).map(|load| subject(load).to_owned()),
        Evidence::Unload(id) => model.unload(id).map(|unload| unload.module.to_string()),
    };
    let name = name.map_or_else(String::new, |name| format!(" {name}"));
    format!("{} #{}{name}", evidence.kind(), evidence.id())
}

const fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::Deadlock
        | Kind::RequestLoop
        | Kind::ForeignHelper
        | Kind::Hollow
        | Kind::DriverFailed
        | Kind::LiveNotServed => Tone::Bad,
        Kind::LoadingForbidden
        | Kind::FilesMissing
        | Kind::RuleWithoutEffect
        | Kind::UnprivilegedFirst
        | Kind::AskedAgain
        | Kind::FailedYetServed
        | Kind::Reloaded => Tone::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modtrail_core::answer::ReturnCode;
    use modtrail_core::event::{Captured, Moment, Syscall, Task};
    use modtrail_core::testing::{Helped, Scenario};

    /// insmod loads a module that asks for itself: a deadlock, once that has lasted for a second.
    fn stuck() -> Scenario {
        let mut scenario = Scenario::default();
        let first = Task::new(100, 100, 1, "insmod");
        scenario.load(10_000, first, "slow");
        let request = Helped { alias: "slow-alias", requester: first, path: "/sbin/modprobe", pid: 120, at: 20_000 };
        scenario.helped(request, 0);
        let second = scenario.helper(request);
        scenario.probe(30_000, second, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
        scenario.probe(30_100, second, Moment::Named { name: Captured::whole("slow") });
        scenario
    }

    #[test]
    fn findings_are_searched_for_again_when_the_model_has_changed_and_not_before() {
        let mut scenario = stuck();
        scenario.until(500_000);
        let mut kept = AllFound::default();
        assert!(AllFound::refresh(&mut kept, scenario.model()));
        assert_eq!(kept.found.len(), 0);
        assert!(!AllFound::refresh(&mut kept, scenario.model()), "nothing has changed");
        scenario.until(1_200_000);
        assert!(!AllFound::refresh(&mut kept, scenario.model()), "a search is not repeated within a second");
        scenario.until(1_600_000);
        assert!(AllFound::refresh(&mut kept, scenario.model()), "time alone makes a deadlock of what is open");
        assert_eq!(kept.found.iter().map(|found| found.finding.kind).collect::<Vec<_>>(), [Kind::Deadlock]);
        let ended = Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK };
        scenario.probe(5_000_000, Task::new(100, 100, 1, "insmod"), ended);
        scenario.until(6_000_000);
        assert!(AllFound::refresh(&mut kept, scenario.model()));
        assert_eq!(kept.found.len(), 0);
        scenario.until(9_000_000);
        let again = AllFound::refresh(&mut kept, scenario.model());
        assert_eq!(again, scenario.model().has_open(), "time changes nothing if nothing is open");
    }

    #[test]
    fn findings_that_begin_together_are_told_apart() {
        let mut scenario = Scenario::default();
        let files = ["a", "b"].map(|module| modtrail_core::event::MissingFile {
            module: module.into(),
            path: format!("/lib/{module}.ko").into(),
        });
        let wanted = modtrail_core::event::Wanted {
            name: "a".into(),
            missing_files: files.into(),
            ..modtrail_core::event::Wanted::default()
        };
        let resolution = modtrail_core::event::Resolution {
            known: true,
            modules: vec![wanted],
            ..modtrail_core::event::Resolution::default()
        };
        let fact = modtrail_core::event::Fact::Resolved { alias: "net-pf-29".into(), resolution: resolution.into() };
        scenario.fact(1, fact);
        let requester = Task::new(412, 412, 5, "ping");
        scenario.helped(Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 }, 0);
        scenario.until(500_000);
        let mut kept = AllFound::default();
        AllFound::refresh(&mut kept, scenario.model());
        let found: Vec<&str> = kept
            .found
            .iter()
            .filter_map(|found| Findings::find(&kept, Findings::id(found)))
            .map(|found| found.finding.sentence.rsplit('/').next().unwrap_or_default())
            .collect();
        assert_eq!(found, ["a.ko", "b.ko"]);
    }
}
