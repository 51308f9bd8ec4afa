//! Findings over models that were made by sending events through the pipeline.

use super::{Finding, Kind, all};
use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::event::{
    Captured, DeviceMoment, Fact, FileId, Moment, Policy, Privileges, Program, Requested, Resolution, Server, Spared,
    Task, UserNs, Wait, Wanted,
};
use crate::testing::{Helped, Scenario, module};
use std::sync::Arc;
use trace_common::ids::CallAddress;

fn helped(alias: &str, requester: Task, pid: u32, at: u64) -> Helped<'_> {
    Helped { alias, requester, path: "/sbin/modprobe", pid, at }
}

fn kinds(scenario: &Scenario) -> Vec<Kind> {
    all(scenario.model()).iter().map(|finding| finding.kind).collect()
}

fn only(scenario: &Scenario, kind: Kind) -> Finding {
    let found = all(scenario.model());
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [kind], "{found:?}");
    found.into_iter().next().expect("one")
}

/// A requester in asynchronous work, or not.
fn asks(scenario: &mut Scenario, at: u64, requester: Task, function: &str) {
    let stack = ["__request_module", function, "process_one_work"].map(Arc::from).into();
    let requested = Requested { stack, ..crate::testing::asked("net-pf-29") };
    scenario.probe(at, requester, Moment::Requested(requested.into()));
}

#[test]
fn a_driver_that_fails_is_a_finding_unless_it_rejects_the_device_or_another_takes_it() {
    let found = |error: Errno, other: Option<&str>| {
        let mut scenario = Scenario::default();
        let udev = Task::new(300, 300, 3, "(udev-worker)");
        scenario.load(10_000, udev, "lm75");
        let tried = |driver, module| crate::testing::tried("i2c", "0-0048", driver, module);
        let failed = DeviceMoment::Failed { tried: tried("lm75", Some("lm75")), error: Some(error) };
        scenario.probe(12_500, udev, Moment::Device(failed));
        scenario.went_live(20_000, udev, "lm75");
        if let Some(other) = other {
            scenario.probe(30_000, udev, Moment::Device(DeviceMoment::Bound(tried(other, None))));
        }
        scenario.until(1_000_000);
        all(scenario.model())
    };
    let failed = found(Errno::EIO, None);
    assert_eq!(failed.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::DriverFailed]);
    assert_eq!(
        failed[0].sentence,
        "lm75 went live, but its driver failed: lm75 on 0-0048 (i2c) (EIO (input/output error)); no device uses it"
    );
    assert_eq!(found(Errno::EIO, Some("lm90")), []);
    for error in [Errno::ENODEV, Errno::ENXIO, Errno::EPROBE_DEFER] {
        assert_eq!(found(error, None), [], "{error:?}");
    }
}

#[test]
fn a_load_that_waits_for_its_requester_is_a_deadlock() {
    for (function, expected) in [("async_run_entry_fn", vec![Kind::Deadlock]), ("worker_thread", vec![])] {
        let mut scenario = Scenario::default();
        let worker = Task::new(50, 50, 1, "kworker/u8:3");
        let request = helped("net-pf-29", worker, 147, 10_000);
        asks(&mut scenario, 9_000, worker, function);
        let helper = scenario.helper(request);
        let call = CallAddress(147);
        let entered = crate::testing::entered(call, Wait::Proc, &["/sbin/modprobe", "-q", "--", "net-pf-29"]);
        scenario.probe(10_100, worker, Moment::CallEntered(entered.into()));
        scenario.probe(10_900, helper, Moment::Born { call });
        scenario.load(20_000, helper, "can");
        scenario.probe(30_000, helper, Moment::Live(module("can")));
        scenario.until(3_000_000);
        assert_eq!(kinds(&scenario), expected);
        if let Some(finding) = all(scenario.model()).first() {
            assert!(finding.sentence.contains("kworker/u8:3[50] asks for net-pf-29"), "{finding:?}");
            assert!(finding.sentence.contains("modprobe[147] has loaded can and waits for all asynchronous work"));
            assert!(finding.next.starts_with("only a reboot ends it: "), "{finding:?}");
        }
        // The end of tracing does not end it.
        let mut cut = Scenario::default();
        scenario.events.iter().for_each(|event| cut.send(event.clone()));
        cut.fact(3_100_000, Fact::End);
        assert_eq!(kinds(&cut), expected);
        // It is over when its load is.
        scenario.probe(3_100_000, helper, Moment::InitEnded { result: ReturnCode::OK });
        scenario.until(3_200_000);
        assert_eq!(kinds(&scenario), []);
    }
}

#[test]
fn a_module_that_asks_for_itself_is_a_deadlock() {
    let mut scenario = Scenario::default();
    let first = Task::new(100, 100, 1, "insmod");
    scenario.load(10_000, first, "slow");
    let request = helped("slow-alias", first, 120, 20_000);
    scenario.helped(request, 0);
    let second = scenario.helper(request);
    scenario.probe(30_000, second, Moment::LoadBegan { syscall: crate::event::Syscall::Finit, origin: None });
    scenario.probe(30_100, second, Moment::Named { name: Captured::whole("slow") });
    scenario.until(3_000_000);
    let finding = only(&scenario, Kind::Deadlock);
    assert!(
        finding.sentence.contains("modprobe[120] loads slow and waits for the load of the same module"),
        "{finding:?}"
    );
    assert_eq!(finding.next, "kill modprobe[120]; if it does not end, only a reboot ends it");
    assert_eq!(finding.evidence.len(), 3, "{finding:?}");
}

#[test]
fn requests_that_cause_requests_are_one_loop() {
    let mut scenario = Scenario::default();
    let mut requester = Task::new(10, 10, 1, "ping");
    for depth in 0..9_u32 {
        let (alias, at) = (if depth == 0 { "net-pf-29" } else { "binfmt-0a0a" }, 10_000 + u64::from(depth) * 5_000);
        let request = helped(alias, requester, 100 + depth, at);
        scenario.helped(request, -8);
        requester = scenario.helper(request);
    }
    scenario.until(200_000);
    let finding = only(&scenario, Kind::RequestLoop);
    assert!(finding.sentence.contains("for net-pf-29 makes the kernel ask for binfmt-0a0a"), "{finding:?}");
    assert!(finding.sentence.ends_with("9 requests deep") && finding.evidence.len() == 9, "{finding:?}");
}

#[test]
fn another_helper_and_another_file_are_findings() {
    let mut scenario = Scenario::default();
    let ask = |scenario: &mut Scenario, pid: u32, path: &str, inode: u64, at: u64| {
        let request = Helped { alias: "net-pf-99", requester: Task::new(10, 10, 1, "ping"), path, pid, at };
        let program = Program { file: FileId { device: 1, inode }, path: Some("/usr/bin/kmod".into()) };
        let call = CallAddress(u64::from(pid));
        let entered = crate::testing::entered(call, Wait::Proc, &[path, "-q", "--", "net-pf-99"]);
        scenario.probe(at, request.requester, Moment::Requested(crate::testing::asked("net-pf-99").into()));
        scenario.probe(at + 60, request.requester, Moment::CallEntered(entered.into()));
        scenario.probe(at + 900, scenario.helper(request), Moment::Born { call });
        let executed = Moment::Executed { result: ReturnCode::OK, program: Some(program.into()) };
        scenario.probe(at + 2_000, scenario.helper(request), executed);
        scenario.ended(request, at + 3_000, 256);
    };
    ask(&mut scenario, 100, "/sbin/modprobe", 7, 10_000);
    ask(&mut scenario, 101, "/sbin/modprobe", 7, 20_000);
    scenario.until(100_000);
    assert_eq!(kinds(&scenario), []);
    ask(&mut scenario, 102, "/sbin/modprobe", 8, 200_000);
    scenario.until(300_000);
    assert!(
        only(&scenario, Kind::ForeignHelper)
            .sentence
            .contains("the file behind the kernel's helper /sbin/modprobe changed")
    );
    ask(&mut scenario, 103, "/tmp/modprobe", 8, 400_000);
    scenario.until(500_000);
    let sentences: Vec<String> = all(scenario.model()).into_iter().map(|finding| finding.sentence).collect();
    assert!(
        sentences.iter().any(|sentence| sentence == "kernel.modprobe changed from /sbin/modprobe to /tmp/modprobe"),
        "{sentences:?}"
    );
}

#[test]
fn what_forbids_counts_where_it_stopped_a_load() {
    let mut scenario = Scenario::default();
    let policy = Policy { modules_disabled: true, ..Policy::default() };
    scenario.fact(0, Fact::Policy(policy.into()));
    scenario.until(1_000);
    assert_eq!(kinds(&scenario), []);
    let task = Task::new(100, 100, 1, "insmod");
    scenario.probe(200_000, task, Moment::LoadBegan { syscall: crate::event::Syscall::Finit, origin: None });
    let ended = Moment::LoadEnded { syscall: crate::event::Syscall::Finit, result: ReturnCode(-1), ending: None };
    scenario.probe(201_000, task, ended);
    scenario.until(300_000);
    assert!(only(&scenario, Kind::LoadingForbidden).sentence.contains("kernel.modules_disabled is 1"));
}

#[test]
fn a_line_that_does_not_hold_is_a_finding_once() {
    let mut scenario = Scenario::default();
    let place = crate::event::Place::CommandLine;
    let wanted =
        Wanted { name: "can".into(), spared: vec![Spared { module: "can".into(), place }], ..Wanted::default() };
    let resolution = Resolution { known: true, modules: vec![wanted], ..Resolution::default() };
    scenario.fact(1, Fact::Resolved { alias: "can".into(), resolution: resolution.into() });
    for (pid, at) in [(100, 10_000), (101, 400_000)] {
        let request = helped("can", Task::new(10, 10, 1, "ping"), pid, at);
        scenario.helped(request, 0);
        let helper = scenario.helper(request);
        scenario.load(at + 10_000, helper, "can");
        scenario.went_live(at + 20_000, helper, "can");
        scenario.ended(request, at + 30_000, 0);
        scenario.probe(at + 100_000, Task::new(9, 9, 1, "rmmod"), Moment::Going(module("can")));
    }
    scenario.until(3_000_000);
    assert_eq!(only(&scenario, Kind::RuleWithoutEffect).evidence.len(), 2);
}

#[test]
fn a_module_that_comes_and_goes_is_a_finding() {
    let mut scenario = Scenario::default();
    for round in 0..3_u32 {
        let at = 10_000 + u64::from(round) * 100_000;
        let (loader, unloader) =
            (Task::new(100 + round, 100 + round, 1, "modprobe"), Task::new(200 + round, 200 + round, 1, "rmmod"));
        scenario.load(at, loader, "can");
        scenario.went_live(at + 5_000, loader, "can");
        scenario.probe(at + 20_000, unloader, Moment::UnloadBegan { name: Captured::whole("can"), origin: None });
        scenario.probe(at + 21_000, unloader, Moment::Going(module("can")));
        scenario.probe(at + 22_000, unloader, Moment::UnloadEnded { result: ReturnCode::OK });
        scenario.until(at + 50_000);
        assert_eq!(kinds(&scenario).len(), usize::from(round == 2), "{round}");
    }
    let finding = only(&scenario, Kind::Reloaded);
    assert_eq!(finding.sentence, "can was loaded 3 times, by modprobe, and unloaded 3 times, by rmmod");
}

#[test]
fn every_kind_has_its_name_and_its_page() {
    let names: std::collections::BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    assert!(Kind::ALL.iter().all(|kind| kind.page().len() > 100));
}

/// Somebody without privileges asks for a module, after `before` was done.
fn asked_without_privileges(before: impl FnOnce(&mut Scenario)) -> Vec<Finding> {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("net-pf-29", &[("can", &[])]);
    before(&mut scenario);
    let requester = Task::new(412, 412, 5, "exploit");
    let at = 100_000;
    let userns = Some(UserNs { inode: 4_026_532_000, depth: 1, owner: 1000 });
    let privileges = Some(Privileges { caps: Some(u64::MAX), userns, ..Privileges::default() });
    let requested = Requested { privileges, ..crate::testing::asked("net-pf-29") };
    let request = helped("net-pf-29", requester, 413, at);
    scenario.probe(at, requester, Moment::Requested(requested.into()));
    let call = CallAddress(413);
    let entered = crate::testing::entered(call, Wait::Proc, &["/sbin/modprobe", "-q", "--", "net-pf-29"]);
    scenario.probe(at + 60, requester, Moment::CallEntered(entered.into()));
    let helper = scenario.helper(request);
    scenario.probe(at + 900, helper, Moment::Born { call });
    scenario.load(at + 2_000, helper, "can");
    scenario.went_live(at + 5_000, helper, "can");
    scenario.ended(request, at + 9_000, 0);
    scenario.until(3_000_000);
    let mut found = all(scenario.model());
    found.retain(|finding| finding.kind == Kind::UnprivilegedFirst);
    found
}

#[test]
fn a_first_load_for_somebody_without_privileges_is_a_finding() {
    let found = asked_without_privileges(|_| {});
    let [finding] = &found[..] else { panic!("one: {found:?}") };
    assert!(
        finding
            .sentence
            .starts_with("exploit, uid 0 in user namespace 4026532000 (made by uid 1000), has no privileges"),
        "{}",
        finding.sentence
    );
    let loaded = |scenario: &mut Scenario| {
        let root = Task::new(300, 300, 3, "modprobe");
        scenario.load(20_000, root, "can");
        scenario.went_live(30_000, root, "can");
    };
    assert_eq!(asked_without_privileges(loaded), [], "somebody loaded it before");
}

/// One request that ended with `status`, and what its function returned.
fn got(status: i32, result: i32) -> Vec<Kind> {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("net-pf-29", &[("can", &[])]);
    let requester = Task::new(412, 412, 5, "ping");
    let request = helped("net-pf-29", requester, 413, 10_000);
    scenario.helped(request, 0);
    let helper = scenario.helper(request);
    if status == 0 {
        scenario.load(12_000, helper, "can");
        scenario.went_live(15_000, helper, "can");
    }
    scenario.probe(20_000, helper, Moment::Exited { status: Some(WaitStatus(status)) });
    let returned = Moment::CallReturned { result: CallResult::from_return(status) };
    scenario.probe(20_300, requester, returned);
    scenario.probe(20_400, requester, Moment::Served { by: Server::Socket, result: ReturnCode(result) });
    scenario.until(3_000_000);
    all(scenario.model()).into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn what_a_requester_got_is_a_finding_if_it_contradicts_the_verdict() {
    assert_eq!(got(0, 0), []);
    assert_eq!(got(0, -97), [Kind::LiveNotServed]);
    assert_eq!(got(0x7f00, 0), [Kind::FailedYetServed]);
    assert_eq!(got(0x7f00, -97), []);
}
