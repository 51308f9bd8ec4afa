//! Whether a comparison of two simulated machines names what was changed between them, and nothing else.
//!
//! A machine asks for modules and unloads them again, round after round. Another salt draws other delays: that is
//! chance, and no difference. One module whose init takes longer is one.

use crate::simulation::plan::{Action, Ask, Deed, Plan, View, Who};
use crate::simulation::simulate;
use modtrail_core::comparison::certainty::Certainty;
use modtrail_core::comparison::observed::Measure;
use modtrail_core::comparison::{Comparison, compare};
use modtrail_core::{Model, Pipeline};

/// What is asked for in each round, in this order.
const ALIASES: [&str; 8] =
    ["net-alpha", "net-beta", "fs-gamma", "net-delta", "net-broken", "net-none", "net-outer", "fs-slow"];
/// What is unloaded after that: first what depends on others.
const MODULES: [&str; 7] = ["gamma", "beta", "alpha", "outer", "inner", "delta", "slow"];
const ROUNDS: u32 = 16;
const ROUND_US: u32 = 4_000_000;

/// Rounds whose delays are drawn from this salt.
fn rounds(count: u32, salt: u32, slower: Option<(&'static str, u32)>) -> Plan {
    let mut actions = Vec::new();
    for round in 0..count {
        let mut act = |at_us: u32, deed: Deed| {
            let salt = salt.wrapping_mul(1_000_003).wrapping_add(actions.len() as u32);
            actions.push(Action { at_us: round * ROUND_US + at_us, salt, deed });
        };
        for (place, alias) in (0..).zip(ALIASES) {
            act(place * 250_000, Deed::Ask(Ask { who: Who::User(place as u8 * 8), alias, ..Ask::PLAIN }));
        }
        for (place, module) in (0..).zip(MODULES) {
            act(3_000_000 + place * 100_000, Deed::Remove { module });
        }
    }
    Plan { view: View { salt, slower, ..View::PLAIN }, actions }
}

fn model(plan: &Plan) -> Model {
    let mut pipeline = Pipeline::default();
    simulate(plan).0.into_iter().for_each(|event| pipeline.push(event, |_, _| {}));
    pipeline.into_model()
}

fn compared(before: &Plan, after: &Plan) -> Comparison {
    compare(&model(before), &model(after))
}

#[test]
fn two_runs_of_one_seed_differ_in_nothing() {
    for seed in 0..300 {
        let plan = Plan::of(seed);
        let comparison = compared(&plan, &plan);
        assert!(comparison.is_empty(), "seed {seed}: {comparison:?}");
    }
}

#[test]
fn other_delays_are_no_difference() {
    for salt in 0..12 {
        let comparison = compared(&rounds(ROUNDS, salt, None), &rounds(ROUNDS, salt + 100, None));
        assert!(comparison.in_both > 15, "{comparison:?}");
        assert!(comparison.is_empty(), "salt {salt}: {comparison:?}");
    }
}

#[test]
fn one_module_that_is_made_slow_is_named_and_nothing_else() {
    for (salt, module) in (0..).zip(["alpha", "beta", "gamma", "delta", "outer", "inner"]) {
        let before = rounds(ROUNDS, salt, None);
        let comparison = compared(&before, &rounds(ROUNDS, salt + 100, Some((module, 60_000))));
        let [change] = &comparison.times[..] else { panic!("{module}: {comparison:?}") };
        assert_eq!((change.measure, change.name.as_str(), change.is_slower()), (Measure::Init, module, true));
        assert!(matches!(change.certainty, Certainty::Tested { .. }), "{change:?}");
        assert!(Comparison { times: Vec::new(), ..comparison.clone() }.is_empty(), "{module}: {comparison:?}");
    }
}

#[test]
fn one_boot_each_names_what_is_far_slower_and_says_that_samples_are_few() {
    let comparison = compared(&rounds(1, 3, None), &rounds(1, 4, Some(("delta", 900_000))));
    let [change] = &comparison.times[..] else { panic!("{comparison:?}") };
    assert_eq!((change.measure, change.name.as_str(), change.certainty), (Measure::Init, "delta", Certainty::Few));
    assert!(Comparison { times: Vec::new(), ..comparison.clone() }.is_empty(), "{comparison:?}");
}
