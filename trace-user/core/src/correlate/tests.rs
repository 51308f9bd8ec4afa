//! The traps of joining, one test each: data in, verdict out.

use crate::answer::{CallResult, ReturnCode, WaitStatus};
use crate::entities::{Gap, Request, RequestId, Timed, Verdict};
use crate::event::{
    Body, CallEntered, Captured, Configured, Depth, Event, Fact, Hook, Install, Lost, Moment, Place, Probe, Resolution,
    SELF_TEST_ALIAS, SELF_TEST_THREAD, Server, SuspendMoment, SuspendState, Syscall, Task, Wait, Wanted, Way,
};
use crate::explain::explain;
use crate::phases::{Phase, phases};
use crate::pipeline::Pipeline;
use crate::testing::{self, Helped, Scenario, busy, module, stamp, worker};
use std::sync::Arc;
use trace_common::ids::CallAddress;
use trace_common::kind::{Kind, Loss};
use trace_common::time::Nanos;

const PATH: &str = "/sbin/modprobe";

fn helped(alias: &str, requester: Task, pid: u32, at: u64) -> Helped<'_> {
    Helped { alias, requester, path: PATH, pid, at }
}

fn ping() -> Task {
    Task::new(412, 412, 5, "ping")
}

/// A scenario in which `net-pf-29` resolves to `can`, and `can-proto-1` to `can_raw`, which needs `can`.
fn scenario() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.fact(0, Fact::LiveModules(["vfat".into()].into()));
    scenario.resolves("net-pf-29", &[("can", &[])]);
    scenario.resolves("can-proto-1", &[("can_raw", &["can"])]);
    scenario.resolves("fs-vfat", &[("vfat", &[])]);
    scenario.resolves("net-pf-27", &[]);
    scenario
}

/// The hook for the helper call's return may miss some returns.
fn lossy_returns(scenario: &mut Scenario) {
    let hook = Hook {
        moment: Kind::CallReturned,
        attached: Some("kretprobe call_usermodehelper_exec".into()),
        may_miss: true,
        loses: "".into(),
        refused: "".into(),
    };
    scenario.fact(0, Fact::Hooks([hook].into()));
}

fn verdict(scenario: &Scenario, number: u64) -> Verdict {
    scenario.request(number).verdict
}

#[test]
fn the_wanted_modules_own_live_is_live_and_a_dependencys_is_not() {
    let mut scenario = scenario();
    let request = helped("can-proto-1", ping(), 413, 10_000);
    scenario.helped(request, 0);
    let helper = scenario.helper(request);
    scenario.load(20_000, helper, "can");
    scenario.went_live(30_000, helper, "can");
    scenario.ended(request, 40_000, 0);
    scenario.until(50_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Hollow);

    let again = helped("can-proto-1", ping(), 414, 60_000);
    scenario.helped(again, 0);
    let helper = scenario.helper(again);
    scenario.load(65_000, helper, "can_raw");
    scenario.went_live(70_000, helper, "can_raw");
    scenario.ended(again, 75_000, 0);
    scenario.until(80_000);
    let request = scenario.request(2);
    assert_eq!((request.verdict, request.to_live()), (Verdict::Live, Some(Nanos::new(10_000_000))));
}

#[test]
fn a_pointer_that_is_reused_starts_a_new_call() {
    let mut scenario = scenario();
    let first = helped("net-pf-27", ping(), 413, 10_000);
    scenario.helped(first, 0);
    scenario.probe(20_000, scenario.helper(first), Moment::Exited { status: Some(WaitStatus(256)) });
    scenario.probe(20_300, first.requester, Moment::CallReturned { result: CallResult::from_return(256) });
    // The next call gets the same address before the worker of the first has returned.
    let second =
        Helped { requester: Task::new(500, 500, 6, "other"), at: 20_400, ..helped("net-pf-29", ping(), 413, 0) };
    scenario.probe(20_400, second.requester, asked("net-pf-29"));
    scenario.probe(20_410, second.requester, entered(CallAddress(413)));
    scenario.probe(20_420, worker(413), Moment::Completed { call: Some(CallAddress(413)) });
    let helper = Task::new(600, 600, 20_500, "modprobe");
    scenario.probe(20_500, worker(77), Moment::CallPicked { call: CallAddress(413) });
    scenario.probe(20_600, helper, Moment::Born { call: CallAddress(413) });
    scenario.probe(20_700, helper, Moment::Executed { result: ReturnCode::OK, program: None });
    scenario.probe(30_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.probe(30_100, worker(77), Moment::Completed { call: Some(CallAddress(413)) });
    scenario.probe(30_200, second.requester, Moment::CallReturned { result: CallResult::OK });
    scenario.until(40_000);
    assert_eq!((verdict(&scenario, 1), verdict(&scenario, 2)), (Verdict::NotFound, Verdict::Hollow));
    let call = scenario.request(2).call.clone().expect("a call");
    assert_eq!(call.completed, Some(stamp(30_100)));
    assert_eq!(call.helper.map(|(helper, _)| helper.tid.0), Some(600));
}

#[test]
fn a_completion_that_is_seen_after_the_return_is_no_stranger() {
    let mut scenario = scenario();
    let request = helped("net-pf-27", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(20_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus(256)) });
    scenario.probe(20_200, request.requester, Moment::CallReturned { result: CallResult::from_return(256) });
    scenario.probe(20_300, worker(413), Moment::Completed { call: Some(CallAddress(413)) });
    scenario.until(30_000);
    assert_eq!(scenario.model().counts().unmatched, 0);
    assert_eq!(phases(&scenario.request(1), None).get(Phase::Wake), Some(Nanos::new(200_000)));
}

#[test]
fn a_pid_that_is_reused_is_another_task() {
    let mut scenario = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(15_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    // Another process with the helper's pid loads the module: it is not the helper.
    let other = Task::new(413, 413, 99_999, "modprobe");
    scenario.load(16_000, other, "can");
    scenario.went_live(20_000, other, "can");
    scenario.probe(21_000, ping(), Moment::CallReturned { result: CallResult::OK });
    scenario.until(30_000);
    let request = scenario.request(1);
    assert_eq!(request.verdict, Verdict::SatisfiedByAnother);
    assert_eq!(request.satisfied_by.as_ref().map(|by| by.task), Some(other));
    assert!(request.loads.is_empty());
}

#[test]
fn a_grandchilds_load_belongs_to_the_request() {
    let mut scenario = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    let (child, grandchild) = (Task::new(420, 420, 11_000, "sh"), Task::new(421, 421, 12_000, "modprobe"));
    scenario.probe(12_500, scenario.helper(request), Moment::Forked { child: child.key });
    scenario.probe(12_600, child, Moment::Forked { child: grandchild.key });
    scenario.load(13_000, grandchild, "can");
    scenario.went_live(20_000, grandchild, "can");
    scenario.probe(21_000, grandchild, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.probe(21_100, child, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.ended(request, 22_000, 0);
    scenario.until(30_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Live);
}

#[test]
fn the_first_that_is_live_satisfies_the_others() {
    let mut scenario = scenario();
    let first = helped("net-pf-29", ping(), 413, 10_000);
    let second = helped("net-pf-29", Task::new(500, 500, 6, "other"), 414, 10_500);
    let third = helped("net-pf-29", Task::new(501, 501, 6, "late"), 415, 30_000);
    scenario.helped(first, 0);
    scenario.helped(second, 0);
    let winner = scenario.helper(first);
    let loser = scenario.helper(second);
    scenario.probe(13_000, loser, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
    scenario.load(13_500, winner, "can");
    scenario.went_live(20_000, winner, "can");
    // 6.5 and later give the loser the winner's 0.
    scenario.probe(21_000, loser, Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None });
    scenario.ended(first, 22_000, 0);
    scenario.ended(second, 23_000, 0);
    scenario.helped(third, 0);
    scenario.ended(third, 35_000, 0);
    scenario.until(40_000);
    let verdicts = [1, 2, 3].map(|number| verdict(&scenario, number));
    assert_eq!(verdicts, [Verdict::Live, Verdict::SatisfiedByAnother, Verdict::AlreadyLive]);
    let second = scenario.request(2);
    assert_eq!(second.satisfied_by.as_ref().and_then(|by| by.request), Some(RequestId(1)));
    assert_eq!(second.live, Some(stamp(20_000)));
    assert_eq!((second.duplicates.same_alias, second.duplicates.same_file), (1, 1));
    assert_eq!(scenario.request(3).duplicates.same_alias, 0);
}

/// The kernel makes a module live before it reports it: a helper may know first.
#[test]
fn a_module_that_is_reported_late_was_live_when_the_helper_succeeded() {
    let judged = |live_at: u64, refused: bool| {
        let mut scenario = scenario();
        let first = helped("net-pf-29", ping(), 413, 10_000);
        let second = helped("net-pf-29", Task::new(500, 500, 6, "other"), 414, 10_500);
        scenario.helped(first, 0);
        scenario.helped(second, 0);
        let (winner, loser) = (scenario.helper(first), scenario.helper(second));
        scenario.load(13_500, winner, "can");
        if refused {
            scenario.probe(15_700, loser, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
            scenario.probe(15_800, loser, Moment::Named { name: Captured::whole("can") });
            scenario.probe(
                15_900,
                loser,
                Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode(-17), ending: None },
            );
        }
        scenario.ended(second, 17_000, 0);
        scenario.until(17_400);
        assert!(!scenario.request(2).closed, "it may be reported at any moment");
        scenario.until(60_000);
        scenario.until(live_at - 1_000);
        scenario.went_live(live_at, winner, "can");
        scenario.ended(first, live_at + 1_000, 0);
        scenario.until(live_at + 3_000_000);
        (scenario.request(2).verdict, scenario.request(2).live)
    };
    assert_eq!(judged(65_000, false), (Verdict::SatisfiedByAnother, Some(stamp(65_000))));
    // A report this late proves nothing about that time, unless a load was refused because of it.
    assert_eq!(judged(70_000, false), (Verdict::Hollow, None));
    assert_eq!(judged(1_000_000, true), (Verdict::SatisfiedByAnother, Some(stamp(1_000_000))));
}

#[test]
fn a_module_that_was_unloaded_is_not_already_live() {
    let mut scenario = scenario();
    let rmmod = Task::new(300, 300, 3, "rmmod");
    scenario.probe(5_000, rmmod, Moment::Going(module("vfat")));
    let request = helped("fs-vfat", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.ended(request, 15_000, 0);
    scenario.until(20_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Hollow);
}

#[test]
fn a_killed_requester_leaves_its_helper_open() {
    let mut scenario = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(15_000, ping(), Moment::CallReturned { result: CallResult::from_return(-512) });
    scenario.until(20_000);
    assert!(scenario.request(1).is_open());
    let helper = scenario.helper(request);
    scenario.load(25_000, helper, "can");
    scenario.went_live(30_000, helper, "can");
    scenario.probe(31_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.until(40_000);
    let request = scenario.request(1);
    assert_eq!((request.verdict, request.is_open()), (Verdict::Abandoned, false));
    assert_eq!(request.to_live(), Some(Nanos::new(20_000_000)));
    assert_eq!(request.total(), Some(Nanos::new(5_000_000)));
}

#[test]
fn an_unseen_return_is_marked_and_the_helpers_end_proves_the_verdict() {
    let mut scenario = scenario();
    lossy_returns(&mut scenario);
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    let helper = scenario.helper(request);
    scenario.load(13_000, helper, "can");
    scenario.went_live(20_000, helper, "can");
    scenario.probe(21_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.until(30_000);
    assert!(scenario.request(1).is_open(), "the return may still come");
    scenario.until(3_100_000);
    let request = scenario.request(1);
    assert_eq!((request.verdict, request.result, request.total()), (Verdict::Live, None, None));
    assert_eq!(request.gaps, [Gap::ReturnUnseen]);
}

#[test]
fn a_caller_that_exits_before_its_helper_was_killed() {
    let mut scenario = scenario();
    lossy_returns(&mut scenario);
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(12_500, ping(), Moment::CallerGone);
    scenario.probe(21_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.until(30_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Abandoned);
}

#[test]
fn status_0_of_a_helper_that_may_not_have_run_proves_nothing() {
    let mut scenario = scenario();
    lossy_returns(&mut scenario);
    let requester = ping();
    scenario.probe(10_000, requester, asked("net-pf-29"));
    scenario.probe(10_100, requester, entered(CallAddress(413)));
    let helper = Task::new(413, 413, 10_200, "modprobe");
    scenario.probe(10_200, helper, Moment::Born { call: CallAddress(413) });
    // Neither the exec nor the return is seen. A helper whose exec fails exits with 0 too.
    scenario.probe(11_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.until(3_100_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Incomplete);
}

#[test]
fn a_loss_makes_doubtful_what_rests_on_nothing_having_been_seen() {
    let mut scenario = scenario();
    for (number, alias) in ["net-pf-29", "can-proto-1", "net-pf-27"].into_iter().enumerate() {
        let number = number as u32;
        let at = 10_000 + u64::from(number) * 20_000;
        let request = helped(alias, ping(), 413 + number, at);
        scenario.helped(request, 0);
        if number == 0 {
            let helper = scenario.helper(request);
            scenario.load(at + 3_000, helper, "can");
            scenario.went_live(at + 8_000, helper, "can");
        }
        scenario.ended(request, at + 10_000, if number == 2 { 256 } else { 0 });
    }
    // Found after the requests ended, but before they are judged.
    let lost = Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 3, until: stamp(45_000).mono };
    scenario.fact(5_000, lost);
    scenario.until(90_000);
    let verdicts = [1, 2, 3].map(|number| verdict(&scenario, number));
    assert_eq!(verdicts, [Verdict::Live, Verdict::Incomplete, Verdict::NotFound]);
    assert_eq!(scenario.request(2).gaps, [Gap::EventsLost]);
    assert!(scenario.request(3).gaps.is_empty());
    assert_eq!(scenario.model().lost_total(), 3);
}

#[test]
fn a_request_that_finds_all_slots_taken_and_gets_none_is_throttled() {
    let mut scenario = scenario();
    for other in 0..50 {
        let task = Task::new(1_000 + other, 1_000 + other, 6, "other");
        scenario.helped(helped("net-pf-27", task, 2_000 + other, 1_000 + u64::from(other)), 0);
    }
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.until(5_500_000);
    assert!(scenario.request(51).is_open());
    scenario.until(7_000_000);
    let request = scenario.request(51);
    assert_eq!((request.verdict, request.gaps.as_slice()), (Verdict::Throttled, [Gap::NothingFollowed].as_slice()));
}

#[test]
fn a_request_that_nothing_followed_although_slots_were_free_is_incomplete() {
    let mut scenario = scenario();
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.until(7_000_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Incomplete);
}

#[test]
fn another_call_of_a_thread_that_was_turned_away_is_not_its_requests() {
    let mut scenario = scenario();
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    let Moment::CallEntered(mut core_dump) = entered(CallAddress(0x77)) else { panic!("a call") };
    Arc::make_mut(&mut core_dump).argv = ["/usr/lib/core", "412", "1000", "11"].map(Captured::whole).into();
    scenario.probe(5_100_000, ping(), Moment::CallEntered(core_dump));
    scenario.until(7_000_000);
    assert!(scenario.request(1).call.is_none());
    assert_eq!(scenario.model().calls().count(), 1);
}

#[test]
fn a_requester_that_is_killed_before_its_helper_is_born_leaves_the_call_in_the_queue() {
    let mut scenario = scenario();
    let requester = ping();
    scenario.probe(10_000, requester, asked("net-pf-29"));
    scenario.probe(10_100, requester, entered(CallAddress(413)));
    scenario.probe(10_200, requester, Moment::CallReturned { result: CallResult::from_return(-512) });
    scenario.until(20_000);
    assert!(scenario.request(1).is_open());
    let helper = Task::new(413, 413, 21_000, "modprobe");
    scenario.probe(21_000, helper, Moment::Born { call: CallAddress(413) });
    scenario.load(22_000, helper, "can");
    scenario.went_live(30_000, helper, "can");
    scenario.probe(31_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.until(40_000);
    let request = scenario.request(1);
    assert_eq!((request.verdict, request.live), (Verdict::Abandoned, Some(stamp(30_000))));
}

#[test]
fn an_alias_of_unknown_meaning_gives_no_guess() {
    let mut scenario = scenario();
    let request = helped("net-pf-44", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.ended(request, 20_000, 256);
    scenario.until(30_000);
    assert_eq!(
        (verdict(&scenario, 1), scenario.request(1).gaps.clone()),
        (Verdict::Incomplete, vec![Gap::AliasUnknown])
    );
}

/// An alias that resolves to a name that exists only in modprobe's configuration.
fn named_by_configuration(scenario: &mut Scenario, alias: &str, install: Option<Install>) {
    let place = Place::Line { file: "/x.conf".into(), line: 1 };
    let name = Wanted { name: "off".into(), missing: true, install, alias: Some(place), ..Wanted::default() };
    let resolution = Resolution {
        known: true,
        modules: vec![name],
        configured: Some(Configured::default()),
        ..Resolution::default()
    };
    scenario.fact(1, Fact::Resolved { alias: alias.into(), resolution: resolution.into() });
}

#[test]
fn an_alias_of_a_module_that_is_none_is_not_found() {
    let mut scenario = scenario();
    named_by_configuration(&mut scenario, "net-pf-10", None);
    let request = helped("net-pf-10", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.ended(request, 20_000, 256);
    scenario.until(30_000);
    assert_eq!(verdict(&scenario, 1), Verdict::NotFound);
}

#[test]
fn a_name_that_only_an_install_line_knows_stands_for_what_its_command_loads() {
    let mut scenario = scenario();
    let place = Place::Line { file: "/x.conf".into(), line: 1 };
    let install = Install { command: "/sbin/modprobe can".into(), place };
    named_by_configuration(&mut scenario, "loads", Some(install.clone()));
    named_by_configuration(&mut scenario, "fails", Some(install.clone()));
    named_by_configuration(&mut scenario, "does-nothing", Some(install));
    let [loads, fails, nothing] = [("loads", 413), ("fails", 414), ("does-nothing", 415)]
        .map(|(alias, pid)| helped(alias, Task::new(pid + 100, pid + 100, 6, "ping"), pid, 10_000 + u64::from(pid)));
    for request in [loads, fails, nothing] {
        scenario.helped(request, 0);
    }
    let helper = scenario.helper(loads);
    scenario.load(14_000, helper, "can");
    scenario.went_live(18_000, helper, "can");
    scenario.ended(loads, 20_000, 0);
    scenario.ended(fails, 21_000, 256);
    scenario.ended(nothing, 22_000, 0);
    scenario.until(30_000);
    let verdicts = [1, 2, 3].map(|number| verdict(&scenario, number));
    assert_eq!(verdicts, [Verdict::Live, Verdict::HelperFailed, Verdict::Hollow]);
}

#[test]
fn a_resolution_that_came_with_a_later_request_holds_for_an_earlier_one() {
    let mut scenario = Scenario::default();
    let [first, second] =
        [10_000, 10_500].map(|at| helped("net-pf-29", Task::new(at as u32, at as u32, 6, "ping"), at as u32, at));
    scenario.fact(0, Fact::LiveModules(["can".into()].into()));
    // The ring delivers the second one first, and the edge resolves the alias with it.
    let resolution = Resolution {
        known: true,
        modules: vec![Wanted { name: "can".into(), ..Default::default() }],
        ..Resolution::default()
    };
    scenario.fact(10_500, Fact::Resolved { alias: "net-pf-29".into(), resolution: resolution.into() });
    for request in [second, first] {
        scenario.helped(request, 0);
        scenario.ended(request, 20_000, 0);
    }
    scenario.until(30_000);
    assert_eq!([verdict(&scenario, 1), verdict(&scenario, 2)], [Verdict::AlreadyLive; 2]);
}

#[test]
fn an_event_that_comes_too_late_makes_doubtful_what_was_judged_after_it() {
    let mut scenario = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.until(15_000);
    scenario.probe(11_000, Task::new(90, 90, 1, "late"), Moment::Going(module("vfat")));
    scenario.ended(request, 20_000, 0);
    scenario.until(30_000);
    assert_eq!((verdict(&scenario, 1), scenario.model().lost_total()), (Verdict::Incomplete, 1));
}

#[test]
fn a_load_whose_end_is_missed_does_not_stay_open() {
    let mut scenario = scenario();
    let udev = Task::new(300, 300, 3, "udev");
    scenario.load(10_000, udev, "can");
    scenario.probe(20_000, udev, Moment::Live(module("can")));
    scenario.probe(20_100, udev, Moment::InitEnded { result: ReturnCode::OK });
    scenario.until(500_000);
    assert_eq!(scenario.model().open_loads().count(), 1);
    scenario.until(1_100_000);
    assert_eq!(scenario.model().open_loads().count(), 0);
}

#[test]
fn a_request_that_a_security_module_denies_ends_at_once() {
    let mut scenario = scenario();
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.probe(10_010, ping(), Moment::Denied { result: ReturnCode(-1) });
    scenario.until(20_000);
    assert_eq!(
        (verdict(&scenario, 1), scenario.request(1).result),
        (Verdict::Denied, Some(CallResult::from_return(-1)))
    );
}

#[test]
fn turned_away_from_the_slots_is_throttled_and_killed_in_the_wait_is_abandoned() {
    let mut scenario = scenario();
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.probe(5_010_000, ping(), Moment::Throttled { result: ReturnCode(-62) });
    let killed = Task::new(413, 413, 5, "ping");
    scenario.probe(5_020_000, killed, asked("net-pf-29"));
    scenario.probe(6_000_000, killed, Moment::CallerGone);
    scenario.until(6_100_000);
    let throttled = scenario.request(1);
    assert_eq!((throttled.verdict, throttled.total()), (Verdict::Throttled, Some(Nanos::from_secs(5))));
    let abandoned = scenario.request(2);
    assert_eq!((abandoned.verdict, abandoned.result), (Verdict::Abandoned, None));
    assert_eq!(abandoned.gaps, [Gap::ReturnUnseen]);
}

/// The kernel answers requests with the results of earlier ones.
fn deduplicating() -> Scenario {
    let mut scenario = scenario();
    let hook = Hook {
        moment: Kind::Deduplicated,
        attached: Some("fexit kmod_dup_request_exists_wait".into()),
        may_miss: false,
        loses: "".into(),
        refused: "".into(),
    };
    scenario.fact(0, Fact::Hooks([hook].into()));
    scenario
}

/// A request that the kernel makes wait for an earlier one.
fn follows(scenario: &mut Scenario, requester: Task, alias: &str, at: u64) {
    scenario.probe(at, requester, asked(alias));
    scenario.probe(at + 40, requester, Moment::Admitted { alias: Captured::whole(alias), wait: true });
}

#[test]
fn a_request_that_the_kernel_answers_with_anothers_result_comes_to_the_same() {
    let mut scenario = deduplicating();
    let first = helped("net-pf-29", ping(), 413, 10_000);
    scenario.helped(first, 0);
    let [second, third] = [500, 501].map(|pid| Task::new(pid, pid, 5, "ping"));
    follows(&mut scenario, second, "net-pf-29", 11_000);
    // It waits longer than for any slot.
    let helper = scenario.helper(first);
    scenario.load(9_020_000, helper, "can");
    scenario.went_live(9_030_000, helper, "can");
    scenario.probe(9_040_000, second, Moment::Deduplicated { result: ReturnCode::OK });
    scenario.ended(first, 9_040_100, 0);
    follows(&mut scenario, third, "net-pf-29", 9_050_000);
    scenario.probe(9_050_100, third, Moment::Deduplicated { result: ReturnCode::OK });
    scenario.until(9_100_000);
    let by = |number| {
        let request = scenario.request(number);
        let by = request.satisfied_by.as_ref().map(|by| (by.task, by.request));
        (request.verdict, request.deduplicated_by.map(|first| first.0), by, request.closed)
    };
    let loaded = Some((helper, Some(RequestId(1))));
    assert_eq!(by(2), (Verdict::SatisfiedByAnother, Some(1), loaded, true));
    assert_eq!(by(3), (Verdict::SatisfiedByAnother, Some(1), loaded, true));
    assert_eq!((scenario.request(2).live, scenario.request(3).live), (Some(stamp(9_030_000)), None));
    assert!(
        explain(&scenario.request(2))
            .contains("request #1, for the same name, stood for it: can was loaded by modprobe[413]")
    );
}

#[test]
fn a_failure_is_passed_on_and_so_is_a_success_that_is_none_any_more() {
    let mut scenario = deduplicating();
    let first = helped("net-pf-27", ping(), 413, 10_000);
    scenario.helped(first, 0);
    scenario.ended(first, 20_000, 256);
    let other = Task::new(500, 500, 5, "ping");
    follows(&mut scenario, other, "net-pf-27", 30_000);
    scenario.probe(30_100, other, Moment::Deduplicated { result: ReturnCode(256) });
    let loaded = helped("net-pf-29", ping(), 414, 40_000);
    scenario.helped(loaded, 0);
    let helper = scenario.helper(loaded);
    scenario.load(45_000, helper, "can");
    scenario.went_live(50_000, helper, "can");
    scenario.ended(loaded, 55_000, 0);
    scenario.probe(60_000, Task::new(9, 9, 1, "rmmod"), Moment::Going(module("can")));
    follows(&mut scenario, other, "net-pf-29", 70_000);
    scenario.probe(70_100, other, Moment::Deduplicated { result: ReturnCode::OK });
    scenario.until(4_000_000);
    assert_eq!((verdict(&scenario, 2), verdict(&scenario, 4)), (Verdict::NotFound, Verdict::Hollow));
    assert!(explain(&scenario.request(4)).ends_with("the kernel returned 0, but can is not live"));
}

#[test]
fn whose_result_it_was_may_not_be_known() {
    let mut scenario = deduplicating();
    follows(&mut scenario, ping(), "net-pf-29", 10_000);
    scenario.probe(20_000, ping(), Moment::Deduplicated { result: ReturnCode::OK });
    scenario.until(100_000);
    let request = scenario.request(1);
    assert_eq!((request.verdict, &request.gaps[..]), (Verdict::Incomplete, &[Gap::FirstUnseen][..]));
    follows(&mut scenario, ping(), "net-pf-29", 110_000);
    scenario.probe(120_000, ping(), Moment::Deduplicated { result: ReturnCode(-512) });
    scenario.until(200_000);
    assert_eq!(verdict(&scenario, 2), Verdict::Abandoned);
}

#[test]
fn who_was_throttled_hears_what_became_of_the_module_after_all() {
    let mut scenario = scenario();
    let other = helped("net-pf-29", Task::new(500, 500, 5, "other"), 501, 9_000);
    scenario.helped(other, 0);
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.probe(5_010_000, ping(), Moment::Throttled { result: ReturnCode(-62) });
    scenario.until(6_500_000);
    assert!(scenario.request(2).is_open());
    let helper = scenario.helper(other);
    scenario.load(6_700_000, helper, "can");
    scenario.went_live(7_010_000, helper, "can");
    scenario.ended(other, 7_020_000, 0);
    scenario.until(7_100_000);
    let throttled = scenario.request(2);
    assert_eq!((throttled.verdict, throttled.to_live()), (Verdict::Throttled, Some(Nanos::from_secs(7))));
    assert_eq!(throttled.satisfied_by.as_ref().and_then(|by| by.request), Some(RequestId(1)));
    assert_eq!(throttled.total(), Some(Nanos::from_secs(5)));
}

#[test]
fn who_was_throttled_unseen_and_asks_again_hears_what_became_of_the_module_too() {
    let mut scenario = scenario();
    let other = helped("net-pf-29", Task::new(500, 500, 5, "other"), 501, 9_000);
    scenario.helped(other, 0);
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.probe(5_020_000, ping(), asked("net-pf-27"));
    let helper = scenario.helper(other);
    scenario.load(5_100_000, helper, "can");
    scenario.went_live(5_200_000, helper, "can");
    scenario.ended(other, 5_210_000, 0);
    scenario.until(6_500_000);
    assert_eq!(scenario.request(2).to_live(), Some(Nanos::from_millis(5_190)));
}

#[test]
fn who_waits_for_a_slot_no_more_is_nobodys_duplicate() {
    let mut scenario = scenario();
    scenario.helped(helped("net-pf-29", Task::new(500, 500, 5, "other"), 501, 9_000), 0);
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    let late = Task::new(600, 600, 5, "late");
    scenario.probe(6_500_000, late, asked("net-pf-29"));
    scenario.until(6_600_000);
    assert!(scenario.request(2).is_open(), "what becomes of the module is waited for");
    assert_eq!((scenario.request(2).duplicates.same_alias, scenario.request(3).duplicates.same_alias), (1, 1));
}

#[test]
fn the_tracers_own_request_and_its_helper_count_for_nothing() {
    let mut scenario = scenario();
    let own = Task::new(77, 78, 1, "modtrail");
    scenario.fact(0, Fact::Tracer(own.key.tgid));
    let request = helped(SELF_TEST_ALIAS, own, 413, 10_000);
    scenario.helped(request, 0);
    let helper = scenario.helper(request);
    scenario.load(20_000, helper, "can");
    scenario.went_live(30_000, helper, "can");
    scenario.ended(request, 40_000, 256);
    scenario.until(50_000);
    let model = scenario.model();
    assert_eq!((model.requests().count(), model.calls().count(), model.loads().count()), (0, 0, 0));
    assert_eq!((model.counts().requests, model.counts().unmatched), (0, 0));
}

#[test]
fn another_modtrails_self_test_is_left_out_and_counted() {
    let mut scenario = scenario();
    let other = Task::new(87, 88, 1, SELF_TEST_THREAD);
    let request = helped(SELF_TEST_ALIAS, other, 413, 10_000);
    scenario.helped(request, 0);
    scenario.ended(request, 40_000, 256);
    // One more, whose end is lost.
    scenario.probe(45_000, other, asked(SELF_TEST_ALIAS));
    // The same thread's next request, and another task's for the same alias, are like any other.
    scenario.probe(50_000, other, asked("net-pf-29"));
    scenario.probe(60_000, ping(), asked(SELF_TEST_ALIAS));
    scenario.until(70_000);
    let model = scenario.model();
    assert_eq!((model.requests().count(), model.calls().count(), model.counts().other_self_tests), (2, 0, 2));
}

#[test]
fn refused_while_helpers_are_disabled() {
    let mut scenario = scenario();
    scenario.probe(10_000, ping(), asked("net-pf-29"));
    scenario.probe(10_100, ping(), entered(CallAddress(413)));
    scenario.probe(10_200, ping(), Moment::CallReturned { result: CallResult::from_return(-16) });
    scenario.until(20_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Refused);
}

#[test]
fn phases_sum_to_the_total_whatever_was_seen() {
    // Every subset of one request's events between the request and its return.
    let mut whole = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    whole.helped(request, 0);
    let helper = whole.helper(request);
    whole.load(13_000, helper, "can");
    whole.went_live(20_000, helper, "can");
    whole.ended(request, 30_000, 0);
    let begin = whole.events.iter().position(|event| event.at == stamp(10_000)).expect("the request");
    let is_before = |event: &&Event| !matches!(&event.body, Body::Probe(Probe { moment: Moment::Served { .. }, .. }));
    let events: Vec<Event> = whole.events[begin..].iter().filter(is_before).cloned().collect();
    let (first, middle, last) = (&events[0], &events[1..events.len() - 1], &events[events.len() - 1]);
    for subset in 0..1_u32 << middle.len() {
        // The call has to be there; otherwise there is no return to tie.
        if subset & 0b10 == 0 {
            continue;
        }
        let mut part = scenario();
        part.send(first.clone());
        let kept = middle.iter().enumerate().filter(|(index, _)| subset >> index & 1 == 1);
        kept.for_each(|(_, event)| part.send(event.clone()));
        part.send(last.clone());
        part.until(7_000_000);
        let request = part.request(1);
        assert_eq!(Some(phases(&request, None).sum()), request.total(), "subset {subset:b}");
    }
}

#[test]
fn an_unseen_border_gives_its_time_to_the_phase_before() {
    let mut seen = scenario();
    let request = helped("net-pf-29", ping(), 413, 10_000);
    seen.helped(request, 0);
    seen.ended(request, 30_000, 256);
    seen.until(40_000);
    let shown = |request: &Request| {
        let phases = phases(request, None);
        Phase::ALL.map(|phase| phases.get(phase).map(|share| share.as_nanos() / 1_000))
    };
    let us = Some;
    assert_eq!(shown(&seen.request(1)), [us(40), us(260), us(1_700), us(18_200), None, None, None, us(100)]);
    let mut unseen = scenario();
    let borders = |event: &&Event| match &event.body {
        Body::Probe(probe) => {
            !matches!(probe.moment, Moment::CallPicked { .. } | Moment::Completed { .. } | Moment::Admitted { .. })
        }
        Body::Fact(_) => true,
    };
    seen.events.iter().filter(borders).for_each(|event| unseen.send(event.clone()));
    assert_eq!(shown(&unseen.request(1)), [us(60), us(1_940), None, us(18_000), None, None, None, us(300)]);
}

#[test]
fn events_that_come_swapped_within_the_window_make_no_difference() {
    let scenario = busy();
    let straight = requests(&scenario.events);
    for seed in 1..200_u64 {
        let mut events = scenario.events.clone();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Swaps of neighbours that are less than half the window apart; ticks stay in place.
        for index in 1..events.len() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let near = events[index].at.mono.since(events[index - 1].at.mono) < Nanos::from_millis(50);
            let probes = [index - 1, index].iter().all(|at| matches!(events[*at].body, Body::Probe(_)));
            let apart = events[index].at != events[index - 1].at;
            if state & 1 == 1 && near && probes && apart {
                events.swap(index - 1, index);
            }
        }
        assert_eq!(requests(&events), straight, "seed {seed}");
    }
}

/// A loss in this span, as the edge reports it.
fn lost(scenario: &mut Scenario, since: u64, until: u64) {
    let lost = Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 2, until: stamp(until).mono };
    scenario.fact(since, lost);
}

#[test]
fn a_helper_that_was_reaped_has_ended_although_its_exit_and_the_return_were_lost() {
    let mut scenario = scenario();
    let request = helped("net-pf-27", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(20_000, worker(413), Moment::Completed { call: Some(CallAddress(413)) });
    lost(&mut scenario, 19_000, 21_000);
    scenario.until(5_000_000);
    assert_eq!(verdict(&scenario, 1), Verdict::Incomplete);
    assert!(scenario.request(1).closed && scenario.model().open_requests().next().is_none());
}

#[test]
fn a_helper_whose_exit_was_lost_is_not_frozen_by_the_next_suspend() {
    let mut scenario = scenario();
    let request = helped("net-pf-27", ping(), 413, 10_000);
    scenario.helped(request, 0);
    scenario.probe(20_200, worker(413), Moment::Completed { call: Some(CallAddress(413)) });
    scenario.probe(20_300, ping(), Moment::CallReturned { result: CallResult::from_return(256) });
    let sleeper = Task::new(900, 900, 3, "systemd-sleep");
    let moments = [
        SuspendMoment::FreezeBegan,
        SuspendMoment::DisableBegan { depth: Depth::FREEZING },
        SuspendMoment::DisableEnded { result: ReturnCode::OK },
        SuspendMoment::FreezeEnded { result: ReturnCode::OK },
    ];
    moments.into_iter().for_each(|moment| scenario.probe(1_000_000, sleeper, Moment::Suspend(moment)));
    scenario.until(2_000_000);
    let frozen: usize = scenario.model().cycles().map(|cycle| cycle.frozen.len() + cycle.culprits.len()).sum();
    assert_eq!((scenario.model().cycles().len(), frozen), (1, 0));
}

#[test]
fn where_it_is_not_known_what_is_wanted_an_earlier_load_of_the_helper_proves_nothing() {
    let mut scenario = scenario();
    let request = helped("net-pf-44", ping(), 413, 10_000);
    scenario.helped(request, 0);
    let helper = scenario.helper(request);
    scenario.load(20_000, helper, "crc16");
    scenario.went_live(24_000, helper, "crc16");
    scenario.load(30_000, helper, "pf44");
    scenario.probe(34_000, helper, Moment::InitEnded { result: ReturnCode(-19) });
    scenario.probe(
        34_100,
        helper,
        Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode(-19), ending: None },
    );
    scenario.ended(request, 40_000, 256);
    scenario.until(50_000);
    assert_eq!(verdict(&scenario, 1), Verdict::InitFailed);
}

#[test]
fn a_cycle_whose_return_was_missed_ends_when_helpers_have_long_been_enabled() {
    let mut scenario = scenario();
    let sleeper = Task::new(900, 900, 3, "systemd-sleep");
    let phase = SuspendMoment::Phase { action: Captured::whole("suspend_enter"), value: 3, begins: true };
    let moments = [
        phase,
        SuspendMoment::FreezeBegan,
        SuspendMoment::DisableBegan { depth: Depth::FREEZING },
        SuspendMoment::DisableEnded { result: ReturnCode::OK },
        SuspendMoment::FreezeEnded { result: ReturnCode::OK },
        SuspendMoment::DepthSet { depth: Depth::ENABLED },
    ];
    moments.into_iter().for_each(|moment| scenario.probe(1_000_000, sleeper, Moment::Suspend(moment)));
    scenario.until(2_000_000);
    assert!(scenario.model().cycles().all(|cycle| cycle.ended.is_none()));
    scenario.until(40_000_000);
    let ended: Vec<_> = scenario.model().cycles().map(|cycle| (cycle.ended, cycle.result)).collect();
    assert_eq!(ended, [(Some(stamp(1_000_000)), None)]);
}

#[test]
fn a_freezer_that_fails_thaws_before_it_says_so() {
    let mut scenario = scenario();
    let hibernates = Task::new(900, 900, 3, "s2disk");
    let moments = [
        SuspendMoment::FreezeBegan,
        SuspendMoment::DisableBegan { depth: Depth::FREEZING },
        SuspendMoment::DisableEnded { result: ReturnCode::OK },
        SuspendMoment::ThawBegan,
        SuspendMoment::DepthSet { depth: Depth::ENABLED },
        SuspendMoment::FreezeEnded { result: ReturnCode(-16) },
    ];
    moments.into_iter().for_each(|moment| scenario.probe(1_000_000, hibernates, Moment::Suspend(moment)));
    scenario.until(2_000_000);
    let ended: Vec<_> = scenario.model().cycles().map(|cycle| (cycle.ended.is_some(), cycle.result)).collect();
    assert_eq!((ended, scenario.model().counts().unmatched), (vec![(true, Some(ReturnCode(-16)))], 0));
}

#[test]
fn a_load_that_stands_still_since_a_loss_is_given_up() {
    let mut scenario = scenario();
    let udev = Task::new(300, 300, 4, "(udev-worker)");
    scenario.probe(10_000, udev, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
    scenario.until(70_000_000);
    assert_eq!(scenario.model().open_loads().count(), 1, "nothing says that it has ended");
    lost(&mut scenario, 70_000_000, 70_100_000);
    scenario.until(71_000_000);
    assert_eq!(scenario.model().open_loads().count(), 0);
}

/// What the pipeline makes of the events.
fn requests(events: &[Event]) -> Vec<Arc<Request>> {
    let mut pipeline = Pipeline::default();
    events.iter().for_each(|event| pipeline.push(event.clone(), |_, _| {}));
    pipeline.model().requests().cloned().collect()
}

fn asked(alias: &str) -> Moment {
    Moment::Requested(testing::asked(alias).into())
}

/// A call whose arguments could not be read.
fn entered(call: CallAddress) -> Moment {
    Moment::CallEntered(CallEntered { argv: [].into(), ..testing::entered(call, Wait::Proc, &[PATH]) }.into())
}

#[test]
fn no_more_slots_are_said_to_be_held_than_there_are() {
    let mut scenario = Scenario::default();
    for number in 0..60 {
        let requester = Task::new(1_000 + number, 1_000 + number, 5, "mount");
        let path = "/sbin/modprobe";
        let at = u64::from(number) * 10;
        scenario.helped(Helped { alias: "fs-xfs", requester, path, pid: 2_000 + number, at }, 0);
    }
    scenario.until(10_000);
    // More can only seem to be inside if returns were missed.
    assert_eq!((scenario.model().slots().count(), scenario.model().most_slots().holders.len()), (60, 50));
}

/// What the requester got: `None` if that is not known.
fn served(scenario: &Scenario, number: u64) -> Option<i32> {
    scenario.request(number).served.map(|served| served.result.0)
}

/// Two requests by one call of `__sock_create`, and what it returned.
fn asked_twice(result: i32) -> Scenario {
    let mut scenario = Scenario::default();
    scenario.machine();
    let requester = Task::new(412, 412, 5, "ping");
    for (pid, at) in [(413, 10_000), (414, 30_000)] {
        let request = Helped { alias: "net-pf-10-proto-132", requester, path: "/sbin/modprobe", pid, at };
        scenario.helped(request, 0);
        scenario.probe(at + 5_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus(256)) });
        let returned = Moment::CallReturned { result: CallResult::from_return(256) };
        scenario.probe(at + 5_300, requester, returned);
    }
    scenario.probe(35_400, requester, Moment::Served { by: Server::Socket, result: ReturnCode(result) });
    scenario.until(200_000);
    scenario
}

#[test]
fn success_serves_every_request_of_the_call_and_failure_is_about_the_last() {
    let got = asked_twice(0);
    assert_eq!([served(&got, 1), served(&got, 2)], [Some(0), Some(0)]);
    let failed = asked_twice(-93);
    assert_eq!([served(&failed, 1), served(&failed, 2)], [None, Some(-93)]);
    assert!((1..=2).all(|number| failed.request(number).closed && got.request(number).closed));
}

#[test]
fn a_call_that_makes_a_slow_second_request_serves_the_first_too() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let requester = Task::new(412, 412, 5, "cryptsetup");
    for (alias, pid, at, took) in [("crypto-xts", 413, 10_000, 5_000), ("crypto-xts-all", 414, 20_000, 4_000_000)] {
        let request = Helped { alias, requester, path: "/sbin/modprobe", pid, at };
        scenario.helped(request, 0);
        scenario.probe(at + took, scenario.helper(request), Moment::Exited { status: Some(WaitStatus(256)) });
        scenario.probe(at + took + 300, requester, Moment::CallReturned { result: CallResult::from_return(256) });
    }
    scenario.probe(4_100_000, requester, Moment::Served { by: Server::Algorithm, result: ReturnCode::OK });
    scenario.until(4_300_000);
    assert_eq!([served(&scenario, 1), served(&scenario, 2)], [Some(0), Some(0)]);
}

#[test]
fn what_is_lost_while_only_the_function_is_awaited_changes_nothing() {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("net-pf-29", &[]);
    let requester = Task::new(412, 412, 5, "ping");
    let request = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
    scenario.helped(request, 0);
    scenario.probe(20_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus(256)) });
    scenario.probe(20_300, requester, Moment::CallReturned { result: CallResult::from_return(256) });
    let until = stamp(1_100_000).mono;
    scenario.fact(1_000_000, Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 9, until });
    scenario.until(4_000_000);
    assert_eq!((verdict(&scenario, 1), served(&scenario, 1)), (Verdict::NotFound, None));
}

#[test]
fn the_return_of_another_function_or_thread_serves_nothing() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let requester = Task::new(412, 412, 5, "ping");
    let request = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
    scenario.helped(request, 0);
    scenario.probe(20_000, scenario.helper(request), Moment::Exited { status: Some(WaitStatus(256)) });
    scenario.probe(20_300, requester, Moment::CallReturned { result: CallResult::from_return(256) });
    let other = Task::new(412, 499, 5, "ping");
    scenario.probe(20_400, requester, Moment::Served { by: Server::CharDevice, result: ReturnCode::OK });
    scenario.probe(20_500, other, Moment::Served { by: Server::Socket, result: ReturnCode::OK });
    scenario.until(500_000);
    assert!(!scenario.request(1).closed, "its function has not returned");
    scenario.until(3_000_000);
    assert_eq!((scenario.request(1).closed, served(&scenario, 1)), (true, None));
}

#[test]
fn a_load_that_went_on_while_the_freezer_failed_is_named() {
    let mut scenario = scenario();
    let [loader, late] = [500, 501].map(|pid| Task::new(pid, pid, 3, "modprobe"));
    scenario.probe(1_000, loader, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
    scenario.probe(1_100, loader, Moment::InitBegun(module("slowmod")));
    let sleeper = Task::new(900, 900, 3, "systemd-sleep");
    let suspend = |scenario: &mut Scenario, at, moment| scenario.probe(at, sleeper, Moment::Suspend(moment));
    let way = Way::Suspend { state: SuspendState::Mem };
    suspend(&mut scenario, 2_000, SuspendMoment::Began { way, pm_test: None });
    suspend(&mut scenario, 3_000, SuspendMoment::FreezeBegan);
    scenario.probe(4_000, late, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
    suspend(&mut scenario, 20_003_000, SuspendMoment::FreezeEnded { result: ReturnCode(-16) });
    suspend(&mut scenario, 20_004_000, SuspendMoment::Ended { result: ReturnCode(-16) });
    scenario.until(20_100_000);
    let cycle = scenario.model().cycles().next().expect("a cycle");
    let named: Vec<Option<&str>> = cycle.unfrozen.iter().map(|load| load.module.as_deref()).collect();
    assert_eq!(named, [Some("slowmod")], "the other one began while tasks were being frozen");
    let sentence = crate::explain::cycle::explain(cycle, cycle.began, std::iter::empty());
    assert!(sentence.contains("modprobe[500] loaded slowmod: a task rarely freezes"), "{sentence}");
}
