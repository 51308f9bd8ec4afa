//! Runs seeds, and makes of a failing one the smallest plan that still fails.
//!
//! `MODTRAIL_SEED=n` runs one seed and shows what is wrong; `MODTRAIL_SEEDS=n` says how many are run.

use super::Oracle;
use super::check::{check, is_deterministic};
use crate::joined::Verdict;
use crate::source::simulation::plan::{Action, Ask, Deed, Helper, Plan, Profile, View};
use crate::source::simulation::simulate;
use crate::source::simulation::truth::Away;
use std::collections::{BTreeMap, BTreeSet};

/// Seeds that every run of the tests tries.
const SEEDS: u64 = 3_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_said_of_every_simulated_kernel_is_true() {
    let seeds = match setting("MODTRAIL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("MODTRAIL_SEEDS").unwrap_or(SEEDS),
    };
    let mut failed: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    for seed in seeds {
        let plan = Plan::of(seed);
        for fault in check(&plan) {
            let place = failed.entry(kind(&fault)).or_insert((seed, 0));
            place.1 += 1;
        }
    }
    if failed.is_empty() {
        return;
    }
    let shown = usize::try_from(setting("MODTRAIL_SHOW").unwrap_or(3)).unwrap_or(3);
    for (kind, (seed, count)) in failed.iter().take(shown) {
        let small = shrink(Plan::of(*seed), kind);
        eprintln!("seed {seed} ({:?}), {count} times: {kind}", Profile::of(*seed));
        check(&small).iter().for_each(|fault| eprintln!("  {fault}"));
        eprintln!("{}\n", as_code(&small));
    }
    let all: Vec<String> =
        failed.iter().map(|(kind, (seed, count))| format!("{count:6} (seed {seed}) {kind}")).collect();
    panic!("{} kinds of faults:\n{}", failed.len(), all.join("\n"));
}

#[test]
fn the_same_plan_gives_the_same_events_and_they_the_same_changes_recorded_or_not() {
    for seed in 0..200 {
        assert!(is_deterministic(&Plan::of(seed)), "seed {seed}");
    }
}

/// What makes a simulation hard comes to pass: each of these in some of the seeds.
#[test]
fn every_rule_is_tried() {
    let mut tried: BTreeSet<String> = BTreeSet::new();
    for seed in 0..1_000 {
        let plan = Plan::of(seed);
        let (_, truth) = simulate(&plan);
        let oracle = Oracle::new(&truth, plan.view.release);
        for cycle in &truth.cycles {
            let drained = cycle.disabled.is_some_and(|(_, result)| result == 0) && !cycle.inside.is_empty();
            let marks = [
                (!cycle.culprits.is_empty(), "a suspend that fails for a helper"),
                (drained, "a suspend that waits for a helper"),
                (!cycle.frozen.is_empty(), "a helper that is frozen half way"),
            ];
            tried.extend(marks.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()));
        }
        for (place, request) in truth.requests.iter().enumerate() {
            let Some(expected) = oracle.expected(place).filter(|expected| expected.exact) else { continue };
            if let [verdict] = expected.verdicts.into_iter().collect::<Vec<_>>()[..] {
                tried.insert(format!("{verdict:?}"));
            }
            let marks = [
                (request.away == Some(Away::Killed), "killed in the wait for a slot"),
                (request.away == Some(Away::Throttled), "throttled"),
                (expected.parent.is_some(), "nested"),
                (expected.same_alias.0 > 20, "a crowd for one alias"),
                (expected.same_module.0 > 0, "two aliases of one module"),
                (expected.same_file > 0, "a load that lost to another copy"),
                (!expected.live.contains(&None) && request.returned.is_some_and(|it| it.1 < 0), "live after all"),
            ];
            tried.extend(
                marks.into_iter().filter(|(is, _)| *is).map(|(_, what)| format!("{what}, {:?}", plan.view.release)),
            );
        }
    }
    let never = Verdict::ALL.iter().filter(|verdict| !matches!(verdict, Verdict::InFlight | Verdict::Incomplete));
    let never: Vec<&Verdict> = never.filter(|verdict| !tried.contains(&format!("{verdict:?}"))).collect();
    assert!(never.is_empty() && tried.len() == 13 + 13 + 3, "never: {never:?}; {} tried: {tried:#?}", tried.len());
}

/// A fault without its numbers, so that the same fault of two seeds is one.
fn kind(fault: &str) -> String {
    let begin = fault.find("): ").map_or(0, |at| at + 3);
    fault.get(begin..).unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The plan as code for [`super::kept`]: what differs from the plain ones.
fn as_code(plan: &Plan) -> String {
    macro_rules! differing {
        ($value:expr, $plain:expr, $($field:ident)*) => {{
            let mut fields: Vec<String> = Vec::new();
            $(if $value.$field != $plain.$field {
                fields.push(format!("{}: {:?}", stringify!($field), $value.$field));
            })*
            fields.join(", ")
        }};
    }
    let view = differing!(plan.view, View::PLAIN, release salt attach_us skew_ns handover_us late_one_in places load_places
        umh_complete completed_blind ends_us);
    let mut code = format!("    let view = View {{ {view}, ..View::PLAIN }};\n    let actions = [\n");
    for Action { at_us, salt, deed } in &plan.actions {
        let deed = match deed {
            Deed::Ask(ask) => {
                let ask = differing!(ask, Ask::PLAIN, who alias nowait denied helper slow_us killed_us exits memory);
                format!("ask(Ask {{ {ask}, ..Ask::PLAIN }})")
            }
            Deed::Own { .. }
            | Deed::Insert { .. }
            | Deed::Remove { .. }
            | Deed::Call { .. }
            | Deed::Disable { .. }
            | Deed::Suspend { .. }
            | Deed::Lose { .. } => format!("{deed:?}"),
        };
        code.push_str(&format!("        at({at_us}, {salt}, {deed}),\n"));
    }
    code + "    ];"
}

/// Takes out of the plan whatever it fails without in the same way, and makes simple what is left.
fn shrink(mut plan: Plan, fault: &str) -> Plan {
    let fails = |plan: &Plan| check(plan).iter().any(|found| kind(found) == fault);
    loop {
        let before = plan.clone();
        let mut size = plan.actions.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < plan.actions.len() {
                let mut fewer = plan.clone();
                fewer.actions.drain(from..(from + size).min(plan.actions.len()));
                if fails(&fewer) {
                    plan = fewer;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        let views = simpler_views(plan.view);
        for view in views {
            let simpler = Plan { view, ..plan.clone() };
            if simpler != plan && fails(&simpler) {
                plan = simpler;
            }
        }
        for place in 0..plan.actions.len() {
            for action in simpler_actions(plan.actions[place]) {
                let mut simpler = plan.clone();
                simpler.actions[place] = action;
                if simpler != plan && fails(&simpler) {
                    plan = simpler;
                }
            }
        }
        if plan == before {
            return plan;
        }
    }
}

fn simpler_views(view: View) -> [View; 7] {
    [
        View { skew_ns: 0, ..view },
        View { handover_us: 10, ..view },
        View { umh_complete: false, ..view },
        View { completed_blind: false, ..view },
        View { late_one_in: 0, ..view },
        View { ends_us: None, ..view },
        View { salt: 0, ..view },
    ]
}

fn simpler_actions(action: Action) -> Vec<Action> {
    let mut simpler = vec![
        Action { at_us: action.at_us / 1_000 * 1_000, ..action },
        Action { at_us: action.at_us / 2, ..action },
        Action { at_us: 0, ..action },
        Action { salt: 0, ..action },
    ];
    if let Deed::Ask(ask) = action.deed {
        let asks = [
            Ask { killed_us: None, ..ask },
            Ask { exits: false, ..ask },
            Ask { nowait: false, ..ask },
            Ask { memory: false, ..ask },
            Ask { helper: Helper::Modprobe, ..ask },
            Ask { slow_us: 0, ..ask },
            Ask { alias: "net-alpha", ..ask },
            Ask { alias: "net-none", ..ask },
        ];
        simpler.extend(asks.map(|ask| Action { deed: Deed::Ask(ask), ..action }));
    }
    simpler
}
