//! A comparison for programs: one JSON object. Names are as in the other outputs; probabilities, effects and factors
//! are numbers with a point.
//!
//! In: two traces and what differs. Out: text.

use super::certainty::Certainty;
use super::judge::{Appearance, Comparison};
use super::observed::Outcomes;
use super::outcomes::OutcomeChange;
use super::times::TimeChange;
use super::words::Side;
use crate::report::coverage::is_at_least;
use crate::report::json::SCHEMA;
use crate::report::plain::plain_json;
use crate::report::wall;
use crate::report::whole::{coverage, finding, machine};
use crate::statistics::percentiles::Percentiles;
use serde_json::{Value, json};
use trace_common::time::Nanos;

/// The object, without a newline at its end.
#[must_use]
pub fn object(before: Side<'_>, after: Side<'_>, comparison: &Comparison) -> String {
    let list = |of: &[Appearance]| of.iter().map(appearance).collect::<Vec<_>>();
    let whole = json!({
        "schema": SCHEMA,
        "a": side(before),
        "b": side(after),
        "differs": !comparison.is_empty(),
        "in_both": comparison.in_both,
        "overall_factor": comparison.overall,
        "outcomes": comparison.outcomes.iter().map(outcome_change).collect::<Vec<_>>(),
        "times": comparison.times.iter().map(time_change).collect::<Vec<_>>(),
        "new": list(&comparison.new),
        "gone": list(&comparison.gone),
        "findings_new": comparison.findings_new.iter().map(finding).collect::<Vec<_>>(),
        "findings_gone": comparison.findings_gone.iter().map(finding).collect::<Vec<_>>(),
    });
    plain_json(&whole.to_string())
}

fn side(side: Side<'_>) -> Value {
    let Side { name, model, integrity } = side;
    let first = model.first().unwrap_or_default();
    json!({
        "name": name,
        "machine": model.machine().map(machine),
        "began": model.wall_ns(first).and_then(wall::iso),
        "traced_ns": model.now().mono.since(first.mono).as_nanos(),
        "coverage": coverage(model.coverage()),
        "at_least": is_at_least(model, integrity),
        "requests_seen": model.counts().requests,
    })
}

fn appearance(one: &Appearance) -> Value {
    json!({"subject": one.subject.as_str(), "name": one.name, "count": one.outcomes.count, "ends": ends(&one.outcomes),
        "by": one.outcomes.by.iter().map(|(comm, count)| json!({"comm": comm, "count": count})).collect::<Vec<_>>()})
}

fn outcome_change(change: &OutcomeChange) -> Value {
    let (certainty, probability, _) = sure(change.certainty);
    json!({"subject": change.subject.as_str(), "name": change.name, "a": ends(&change.before), "b": ends(&change.after),
        "certainty": certainty, "probability": probability})
}

/// How many came to each end.
fn ends(outcomes: &Outcomes) -> Value {
    outcomes.ends.iter().map(|(end, count)| json!({"end": end, "count": count})).collect()
}

fn time_change(change: &TimeChange) -> Value {
    let (certainty, probability, effect) = sure(change.certainty);
    json!({
        "measure": change.measure.as_str(),
        "name": change.name,
        "direction": if change.is_slower() { "slower" } else { "faster" },
        "a": percentiles(change.before),
        "b": percentiles(change.after),
        "factor": change.factor,
        "certainty": certainty,
        "probability": probability,
        "effect": effect,
        "phase": change.phase.map(crate::phases::Phase::as_str),
        "follows": change.follows,
    })
}

const fn sure(certainty: Certainty) -> (&'static str, Option<f64>, Option<f64>) {
    match certainty {
        Certainty::Tested { probability, effect } => ("tested", Some(probability), effect),
        Certainty::Few => ("few", None, None),
    }
}

fn percentiles(of: Percentiles) -> Value {
    let ns = |time: Option<Nanos>| time.map(Nanos::as_nanos);
    json!({"samples": of.samples, "few": of.is_few(), "p50_ns": of.p50.as_nanos(), "p90_ns": ns(of.p90),
        "p99_ns": ns(of.p99), "max_ns": of.max.as_nanos()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::compare;
    use crate::comparison::words::document;
    use crate::record::read::Integrity;
    use crate::report::document::Extent;
    use crate::report::page;
    use crate::testing::{Scenario, busy};

    #[test]
    fn both_forms_name_what_is_new_and_warn_of_losses() {
        let mut bare = Scenario::default();
        bare.machine();
        bare.until(3_000_000);
        let busy = busy();
        let integrity = Integrity { has_end: true, ..Integrity::default() };
        let side = |name, of| Side { name, model: of, integrity: &integrity };
        let (before, after) = (side("a.mcap", bare.model()), side("b\u{1b}.mcap", busy.model()));
        let comparison = compare(before.model, after.model);
        let text = page::text(&document(before, after, &comparison, Extent::SHORT));
        for expected in [
            "B: b\\u{1b}.mcap: testhost Linux 6.12",
            "B is not whole: what is gone in B may have been there",
            "new in B\n",
            "load         1  floppy",
            "findings that are new in B\n  foreign_helper: ",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        assert!(!text.contains("A is not whole"), "{text}");
        let json: Value = serde_json::from_str(&object(before, after, &comparison)).expect("JSON");
        assert_eq!((&json["differs"], &json["b"]["at_least"], &json["gone"]), (&true.into(), &true.into(), &json!([])));
        let floppy = json["new"].as_array().expect("a list").iter().find(|one| one["name"] == "floppy").expect("it");
        assert_eq!(floppy["ends"], json!([{"end": "ENODEV", "count": 1}]));
    }
}
