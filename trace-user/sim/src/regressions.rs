//! Small plans that failed once, each with what it showed.

use crate::oracle::check::check;
use crate::simulation::plan::Deed::{Call, Insert, Lose, Own};
use crate::simulation::plan::Helper::*;
use crate::simulation::plan::Release::V6_12;
use crate::simulation::plan::Who::*;
use crate::simulation::plan::{Action, Ask, Deed, Plan, View};
use trace_common::kind::Kind::*;

/// The answers for the plan are right.
fn holds<const N: usize>(view: View, actions: [Action; N]) {
    let wrong = check(&Plan { view, actions: actions.into() });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const fn at(at_us: u32, salt: u32, deed: Deed) -> Action {
    Action { at_us, salt, deed }
}

const fn ask(ask: Ask) -> Deed {
    Deed::Ask(ask)
}

#[test]
fn a_requester_that_went_after_a_lost_denial_is_not_said_to_have_been_killed() {
    let view = View { release: V6_12, ..View::PLAIN };
    let actions = [
        at(128_303, 0, Lose { for_us: 240_315, kind: Some(Denied), one_in: 1 }),
        at(186_250, 0, ask(Ask { who: User(3), alias: "net-none", denied: true, exits: true, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_killed_requester_whose_return_was_lost_is_not_said_to_have_got_its_module() {
    let view = View { release: V6_12, skew_ns: 2_000, handover_us: 2_000, ..View::PLAIN };
    let actions = [
        at(561_042, 656_798_052, ask(Ask { alias: "fs-slow", exits: true, ..Ask::PLAIN })),
        at(607_099, 0, Lose { for_us: 27_102, kind: None, one_in: 1 }),
        at(
            624_045,
            1_208_827_161,
            ask(Ask { who: User(1), alias: "net-none", slow_us: 184, exits: true, ..Ask::PLAIN }),
        ),
    ];
    holds(view, actions);
}

#[test]
fn a_return_whose_probe_was_not_run_is_not_waited_for() {
    let view = View { skew_ns: 2_000, handover_us: 2_000, ..View::PLAIN };
    let actions = [
        at(32_803, 0, Lose { for_us: 193_029, kind: Some(CallReturned), one_in: 1 }),
        at(93_241, 3_718_395_925, ask(Ask { who: Kernel(6), alias: "net-exists", ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_helper_whose_call_was_not_seen_is_not_tied_to_the_one_that_had_its_address() {
    let view = View { skew_ns: 2_000, handover_us: 2_000, ..View::PLAIN };
    let actions = [
        at(
            67_942,
            1_630_847_568,
            ask(Ask {
                who: User(2),
                alias: "net-none",
                helper: Daemon(1_192_462),
                slow_us: 220,
                exits: true,
                memory: true,
                ..Ask::PLAIN
            }),
        ),
        at(98_018, 0, Lose { for_us: 283_079, kind: Some(CallEntered), one_in: 1 }),
        at(189_494, 1_566_920_284, ask(Ask { who: User(4), slow_us: 2_996, memory: true, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_load_of_a_helper_whose_birth_was_lost_is_not_said_to_be_anothers() {
    let view = View { release: V6_12, ..View::PLAIN };
    let actions = [
        at(10_961, 0, Lose { for_us: 57_328, kind: Some(Born), one_in: 1 }),
        at(13_525, 3_453_931_644, ask(Ask { slow_us: 1_136, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_helper_that_is_missing_after_a_loss_may_not_have_been_needed() {
    let view = View { salt: 1_719_609_966, skew_ns: 300, handover_us: 100, ..View::PLAIN };
    let actions = [
        at(1_097, 0, Lose { for_us: 37_625, kind: None, one_in: 1 }),
        at(25_203, 67_645_091, ask(Ask { who: User(3), alias: "fs-gamma", nowait: true, exits: true, ..Ask::PLAIN })),
        at(
            47_369,
            3_223_756_645,
            ask(Ask { who: User(6), alias: "fs-gamma", helper: Unborn, exits: true, memory: true, ..Ask::PLAIN }),
        ),
        at(47_512, 61_395_705, ask(Ask { alias: "net-none", helper: LoadsAndEnds(9), slow_us: 425, ..Ask::PLAIN })),
        at(
            121_828,
            539_310_158,
            ask(Ask {
                who: Kernel(1),
                alias: "net-none",
                denied: true,
                helper: Script,
                slow_us: 133,
                memory: true,
                ..Ask::PLAIN
            }),
        ),
    ];
    holds(view, actions);
}

#[test]
fn what_a_helper_left_behind_counts_although_the_thread_asks_again() {
    let view = View { release: V6_12, skew_ns: 2_000, places: Some(0), ..View::PLAIN };
    let actions = [
        at(11_153, 3_971_524_750, ask(Ask { helper: Daemon(1_061_696), slow_us: 1_562, ..Ask::PLAIN })),
        at(52_733, 1_745_587_109, ask(Ask { alias: "net-none", denied: true, slow_us: 1_577, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_requester_that_goes_before_the_exec_it_waits_for_was_killed() {
    let view = View { skew_ns: 300, places: Some(1), load_places: Some(2), ..View::PLAIN };
    let actions = [
        at(1_571, 0, Insert { module: "alpha", copy: false, memory: false }),
        at(
            11_981,
            3_136_601_505,
            ask(Ask {
                who: User(1),
                alias: "net-none",
                helper: Daemon(1_061_725),
                slow_us: 1_374,
                exits: true,
                ..Ask::PLAIN
            }),
        ),
        at(14_126, 3_956_313_998, ask(Ask { nowait: true, slow_us: 2_091, exits: true, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_return_from_before_a_call_is_another_calls() {
    let view = View {
        release: V6_12,
        salt: 1_217_149_517,
        skew_ns: 300,
        handover_us: 90_000,
        late_one_in: 20,
        umh_complete: true,
        ..View::PLAIN
    };
    let actions = [
        at(
            172_339,
            647_715_005,
            ask(Ask { who: User(1), alias: "net-none", slow_us: 1_590, exits: true, ..Ask::PLAIN }),
        ),
        at(
            175_498,
            4_103_628_711,
            ask(Ask { alias: "net-none", helper: Unborn, slow_us: 1_777, memory: true, ..Ask::PLAIN }),
        ),
        at(302_750, 0, Own { alias: "fs-core" }),
        at(309_972, 1_114_093_544, ask(Ask { who: User(1), alias: "crypto-inner", ..Ask::PLAIN })),
        at(483_004, 1_172_667_411, ask(Ask { who: Kernel(1), alias: "net-none", slow_us: 415_523, ..Ask::PLAIN })),
        at(521_032, 313_300_775, ask(Ask { who: User(1), slow_us: 2_477, ..Ask::PLAIN })),
        at(
            557_090,
            3_943_587_506,
            ask(Ask { who: User(1), alias: "net-none", slow_us: 1_006, killed_us: Some(3_181), ..Ask::PLAIN }),
        ),
        at(623_023, 1_237_142_746, ask(Ask { who: User(1), alias: "fs-slow", ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_load_left_behind_whose_end_was_missed_may_have_failed() {
    let view = View { handover_us: 100, places: Some(1), load_places: Some(0), completed_blind: true, ..View::PLAIN };
    let actions = [at(
        137_190,
        3_098_238_480,
        ask(Ask { alias: "net-unsigned", helper: Daemon(533_913), exits: true, ..Ask::PLAIN }),
    )];
    holds(view, actions);
}

#[test]
fn two_loads_of_a_thread_are_two_although_what_lies_between_was_lost() {
    let view = View { salt: 3_314_859_682, skew_ns: 300, ..View::PLAIN };
    let actions = [
        at(48_067, 979_173_808, ask(Ask { who: User(1), alias: "net-outer", exits: true, ..Ask::PLAIN })),
        at(60_829, 0, Lose { for_us: 14_944, kind: None, one_in: 4 }),
    ];
    holds(view, actions);
}

#[test]
fn a_killed_wait_for_a_helper_may_have_been_for_a_later_one() {
    let view = View { salt: 3_928_290_197, handover_us: 2_000, ..View::PLAIN };
    let actions = [
        at(52_340, 0, Lose { for_us: 39_750, kind: None, one_in: 4 }),
        at(52_377, 3_729_134_174, ask(Ask { who: User(2), helper: Script, slow_us: 298, ..Ask::PLAIN })),
        at(60_194, 4_013_834_420, ask(Ask { who: User(2), alias: "fs-gamma", killed_us: Some(8_894), ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_killed_wait_for_a_helper_may_have_been_for_a_later_one_although_no_end_was_seen() {
    let view = View { release: V6_12, skew_ns: 300, handover_us: 100, umh_complete: true, ..View::PLAIN };
    let actions = [
        at(102_741, 198_077_655, ask(Ask { alias: "net-exists", slow_us: 1_590, memory: true, ..Ask::PLAIN })),
        at(108_532, 0, Lose { for_us: 7_643, kind: None, one_in: 1 }),
        at(258_817, 0, Lose { for_us: 55_608, kind: None, one_in: 1 }),
        at(
            281_852,
            2_940_696_384,
            ask(Ask { alias: "net-none", slow_us: 989_164, killed_us: Some(687_226), ..Ask::PLAIN }),
        ),
    ];
    holds(view, actions);
}

#[test]
fn a_return_without_a_call_ends_what_the_thread_asked_for() {
    let view = View { release: V6_12, salt: 1_012_968_940, handover_us: 100, ..View::PLAIN };
    let actions = [
        at(144_713, 0, Lose { for_us: 40_954, kind: None, one_in: 4 }),
        at(
            146_187,
            1_232_932_185,
            ask(Ask { alias: "net-none", helper: Script, slow_us: 2_596, memory: true, ..Ask::PLAIN }),
        ),
        at(165_003, 2_687_370_207, ask(Ask { alias: "net-beta", helper: Daemon(1_489_332), ..Ask::PLAIN })),
        at(172_053, 1_108_747_794, ask(Ask { alias: "net-beta", helper: LoadsAndEnds(9), exits: true, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_return_in_a_thread_whose_number_was_anothers_is_not_that_ones() {
    let view = View { salt: 1_436_395_857, skew_ns: 2_000, handover_us: 2_000, ..View::PLAIN };
    let actions = [
        at(15_514, 0, Lose { for_us: 34_371, kind: None, one_in: 1 }),
        at(27_458, 0, Call { who: User(2), wait: 1 }),
        at(
            52_714,
            4_289_639_312,
            ask(Ask { alias: "fs-gamma", slow_us: 1_734, killed_us: Some(9_698), exits: true, ..Ask::PLAIN }),
        ),
        at(60_583, 0, Lose { for_us: 19_193, kind: None, one_in: 2 }),
        at(
            69_654,
            3_769_939_041,
            ask(Ask { who: User(4), alias: "net-broken", helper: Script, exits: true, memory: true, ..Ask::PLAIN }),
        ),
    ];
    holds(view, actions);
}

#[test]
fn a_call_that_nobody_waits_for_and_no_worker_could_fork_for_comes_to_an_end() {
    let view = View { release: V6_12, handover_us: 100, ..View::PLAIN };
    let actions = [
        at(
            920,
            309_071_364,
            ask(Ask {
                who: User(10),
                nowait: true,
                helper: Unborn,
                slow_us: 834,
                killed_us: Some(910),
                exits: true,
                ..Ask::PLAIN
            }),
        ),
        at(1_229, 3_383_334_170, ask(Ask { who: User(14), slow_us: 270, killed_us: Some(2_318), ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_module_that_went_again_after_a_loss_may_be_the_helpers_own_the_second_time() {
    let view = View { release: V6_12, salt: 2_150_343_972, skew_ns: 2_000, handover_us: 100, ..View::PLAIN };
    let actions = [
        at(4_930, 0, Lose { for_us: 94_840, kind: Some(Born), one_in: 2 }),
        at(98_726, 616_112_831, ask(Ask { helper: Script, slow_us: 8_790_663, ..Ask::PLAIN })),
        at(144_167, 3_159_929_683, ask(Ask { who: User(2), nowait: true, slow_us: 2_639, ..Ask::PLAIN })),
        at(536_029, 0, Deed::Remove { module: "alpha" }),
    ];
    holds(view, actions);
}

#[test]
fn a_helper_that_succeeds_before_the_kernel_reports_the_module_live_is_satisfied() {
    let view = View { places: Some(0), load_places: Some(2), ..View::PLAIN };
    let actions = [
        at(146_957, 3_506_266_983, ask(Ask { who: User(4), slow_us: 2_290, exits: true, memory: true, ..Ask::PLAIN })),
        at(148_873, 1_310_037_897, ask(Ask { slow_us: 2_701, exits: true, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_module_that_is_listed_in_its_init_was_not_live_before() {
    let view = View { skew_ns: 300, places: Some(0), ..View::PLAIN };
    let nowait = Ask { who: User(3), nowait: true, ..Ask::PLAIN };
    let actions = [
        at(155_913, 517_667_945, ask(Ask { alias: "fs-gamma", exits: true, ..nowait })),
        at(157_687, 3_770_043_897, ask(Ask { helper: Missing(-2), slow_us: 911, memory: true, ..nowait })),
        at(
            174_779,
            4_159_974_926,
            ask(Ask { who: User(3), alias: "net-none", slow_us: 2_159, memory: true, ..Ask::PLAIN }),
        ),
    ];
    holds(view, actions);
}

#[test]
fn the_end_of_a_modules_life_that_comes_late_does_not_end_the_next_one() {
    let view = View { release: V6_12, salt: 3_870_563_563, handover_us: 90_000, late_one_in: 20, ..View::PLAIN };
    let actions = [
        at(
            12_198,
            4_213_081_188,
            ask(Ask { who: User(2), nowait: true, slow_us: 1_121, exits: true, memory: true, ..Ask::PLAIN }),
        ),
        at(16_026, 3_525_943_753, ask(Ask { alias: "net-none", slow_us: 2_138, killed_us: Some(8_367), ..Ask::PLAIN })),
        at(125_969, 1_144_721_472, ask(Ask { who: Kernel(4), alias: "net-delta", ..Ask::PLAIN })),
        at(216_834, 0, Deed::Remove { module: "alpha" }),
        at(363_750, 3_421_636_612, ask(Ask { who: User(2), helper: Script, slow_us: 938, memory: true, ..Ask::PLAIN })),
        at(
            475_968,
            3_353_030_615,
            ask(Ask { who: User(5), alias: "net-none", helper: Script, slow_us: 256_575, ..Ask::PLAIN }),
        ),
        at(600_996, 547_698_746, ask(Ask { who: User(5), slow_us: 122, ..Ask::PLAIN })),
    ];
    holds(view, actions);
}

#[test]
fn a_helper_that_lost_to_another_load_and_failed_does_not_agree_with_a_module_that_was_live() {
    let view = View { skew_ns: 300, umh_complete: true, ..View::PLAIN };
    let killed = Ask { who: User(64), slow_us: 2_934, killed_us: Some(29_584), exits: true, ..Ask::PLAIN };
    let failed = Ask { who: User(223), helper: LoadsAndEnds(256), slow_us: 31_064, memory: true, ..Ask::PLAIN };
    let actions = [
        at(4_529, 4_267_265_628, ask(killed)),
        at(11_337, 3_549_033_991, ask(failed)),
        at(12_327, 0, Deed::Remove { module: "alpha" }),
        at(45_000, 1_187_650_029, Insert { module: "alpha", copy: false, memory: true }),
    ];
    holds(view, actions);
}
