//! Tries seeds, and shrinks a failing one to the smallest plan that still fails.
//!
//! In: seeds. Out: the kinds of faults that they show, each with the plan as code for `regressions.rs`.

use crate::oracle::check::check;
use crate::simulation::plan::{Action, Ask, Deed, Helper, Plan, Profile, View};
use std::collections::BTreeMap;
use std::ops::Range;

/// A kind of fault that some seeds show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The fault, without its numbers.
    pub kind: String,
    /// The first seed that shows it.
    pub seed: u64,
    /// How often it was shown.
    pub count: usize,
}

/// Tries `seeds`; empty if modtrail's answers are right for all of them.
#[must_use]
pub fn try_seeds(seeds: Range<u64>) -> Vec<Failure> {
    let mut failed: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    for seed in seeds {
        for fault in check(&Plan::of(seed)) {
            let place = failed.entry(kind(&fault)).or_insert((seed, 0));
            place.1 += 1;
        }
    }
    failed.into_iter().map(|(kind, (seed, count))| Failure { kind, seed, count }).collect()
}

impl Failure {
    /// The smallest plan that still shows it, as text: what is wrong with it, and its code.
    #[must_use]
    pub fn shrunk(&self) -> String {
        let small = shrink(Plan::of(self.seed), &self.kind);
        let faults: String = check(&small).iter().map(|fault| format!("  {fault}\n")).collect();
        let Self { kind, seed, count } = self;
        format!("seed {seed} ({:?}), {count} times: {kind}\n{faults}{}\n", Profile::of(*seed), as_code(&small))
    }
}

/// A fault without its numbers, so that the same fault of two seeds counts as one.
fn kind(fault: &str) -> String {
    let begin = fault.find("): ").map_or(0, |at| at + 3);
    fault.get(begin..).unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The plan as code for `regressions.rs`: what differs from the plain plans.
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
        umh_complete completed_blind slower ends_us);
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

/// Removes from the plan everything that it fails without in the same way, and simplifies the rest.
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

#[cfg(test)]
mod tests {
    use super::try_seeds;
    use crate::oracle::Oracle;
    use crate::oracle::check::is_deterministic;
    use crate::simulation::plan::Plan;
    use crate::simulation::simulate;
    use crate::simulation::truth::Away;
    use modtrail_core::entities::Verdict;
    use std::collections::BTreeSet;
    use std::ops::Range;

    /// Seeds that every run of the tests tries; `cargo run --release -p modtrail-sim -- --seeds N` tries more.
    const SEEDS: u64 = 3_000;
    /// Seeds that are tried now and then.
    const MANY_SEEDS: u64 = 200_000;

    fn hold(seeds: Range<u64>) {
        let failures = try_seeds(seeds);
        let shown: Vec<String> = failures.iter().take(3).map(|failure| failure.shrunk()).collect();
        assert!(failures.is_empty(), "{} kinds of faults:\n{}", failures.len(), shown.join("\n"));
    }

    #[test]
    fn what_is_said_of_every_simulated_kernel_is_true() {
        hold(0..SEEDS);
    }

    #[test]
    #[ignore = "cargo xtask test --long runs it"]
    fn what_is_said_of_many_more_simulated_kernels_is_true() {
        hold(SEEDS..MANY_SEEDS);
    }

    #[test]
    fn the_same_plan_gives_the_same_events_and_they_the_same_changes_recorded_or_not() {
        for seed in 0..200 {
            assert!(is_deterministic(&Plan::of(seed)), "seed {seed}");
        }
    }

    /// What makes a simulation hard does happen: each of these in some of the seeds.
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
}
