//! The findings screen: what is worth attention, with the next step and what shows it.
//!
//! Findings are not the model's own: they are computed from it, for several screens (`derived.rs`).

use crate::tui::derived::{AllFound, Derived, Found};
use crate::tui::format;
use crate::tui::go::FindingId;
use crate::tui::table::{Cell, Column, Description, Key, Order, Store, Table, Target, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::explain::load::subject;
use modtrail_core::findings::{Evidence, Finding, Kind};
use modtrail_core::model::Model;
use modtrail_core::query::{Each, Field, Row};
use std::sync::Arc;

/// Evidence that the description names.
const NAMED: usize = 20;

/// Every finding.
#[derive(Clone, Copy, Debug)]
pub struct Findings;

impl Row for Found {
    fn fields(&self) -> &'static [Field] {
        self.finding.fields()
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        self.finding.facts(field, model, each);
    }
}

impl Store for AllFound {
    type Kept = Arc<Self>;

    fn refresh(kept: &mut Arc<Self>, _model: &Model, derived: &Derived) -> bool {
        let is_other = !Arc::ptr_eq(kept, derived.found());
        kept.clone_from(derived.found());
        is_other
    }

    fn of<'m>(_model: &'m Model, kept: &'m Arc<Self>) -> &'m Self {
        kept
    }
}

impl Table for Findings {
    type Item = Found;
    type Store = AllFound;
    type Id = FindingId;

    const TITLE: &'static str = "findings";
    const ONE: &'static str = "finding";
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
        .shows(&[Field::Finding])
        .sorted(Order::By(|_, found| Key::Number(found.finding.kind as u64))),
        Column::<Found>::new("what", (24, 400), 0, |_, found| plain(&*found.finding.sentence))
            .shows(&[Field::Sentence])
            .sorted(Order::Text(|found| Key::Text(&found.finding.sentence))),
    ];
    const FIELDS: &'static [Field] = Finding::FIELDS;

    fn items(all: &AllFound) -> Box<dyn DoubleEndedIterator<Item = &Found> + '_> {
        Box::new(all.all().iter())
    }

    fn count(all: &AllFound) -> usize {
        all.all().len()
    }

    fn id(found: &Found) -> FindingId {
        found.id
    }

    fn find(all: &AllFound, id: FindingId) -> Option<&Found> {
        all.find(id)
    }

    fn describe(model: &World<'_>, found: &Found) -> Option<Description> {
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

    fn open(_model: &Model, found: &Found) -> Option<Target> {
        Some(Target::Finding(found.id))
    }
}

/// A piece of evidence by what it is, its number and its name.
pub fn words(model: &Model, evidence: Evidence) -> String {
    let name = match evidence {
        Evidence::Request(id) => model.request(id).map(|request| request.requested.alias.to_string()),
        Evidence::Load(id) => model.load(id).map(|load| subject(load).to_owned()),
        Evidence::Unload(id) => model.unload(id).map(|unload| unload.module.to_string()),
    };
    let name = name.map_or_else(String::new, |name| format!(" {name}"));
    format!("{} #{}{name}", evidence.kind(), evidence.id())
}

/// How a finding is shown.
pub const fn tone(kind: Kind) -> Tone {
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
