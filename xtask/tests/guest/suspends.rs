//! Around suspend: which helpers a cycle waited for, refused or froze, how long that took by the script's own clock,
//! firmware, and that modtrail goes on seeing after it.

use crate::lab::{Lab, Recorded, Slot};
use modtrail_core::entities::{Request, Verdict};
use modtrail_core::replay::replay;
use modtrail_core::report::cycles;
use serde_json::{Value, json};
use std::sync::Arc;
use xtask::guest::Guest;
use xtask::vm::{self, VmOptions};

crate::on_oldest_and_newest!(
    helpers_against_the_freezer,
    a_real_sleep,
    deeper_tests,
    firmware_requests,
    firmware_that_holds_suspend_up,
    deaf_probes,
);
crate::with_test_modules!(
    a_driver_that_asks_around_suspend,
    a_load_that_waits_for_another,
    a_task_that_does_not_freeze,
    a_shutdown,
);

/// The script's notes of an attempt: what it got, and when it began and ended, on both clocks.
struct Attempt {
    answer: String,
    began: (u64, u64),
    ended: (u64, u64),
}

impl Attempt {
    fn boot_ns(&self) -> u64 {
        self.ended.1 - self.began.1
    }

    fn asleep_ns(&self) -> u64 {
        // The clocks are read one after the other.
        self.boot_ns().saturating_sub(self.ended.0 - self.began.0)
    }
}

/// The attempts in the order of the script.
fn attempts(recorded: &Recorded) -> Vec<Attempt> {
    let lines = recorded.output.lines().filter(|line| line.starts_with("mem ") || line.starts_with("disk "));
    let attempt = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |place: usize| words[place].parse::<u64>().unwrap_or_else(|error| panic!("{error}: {line}"));
        Attempt { answer: words[1].to_owned(), began: (number(2), number(3)), ended: (number(4), number(5)) }
    };
    lines.map(attempt).collect()
}

fn cycles_of(recorded: &Recorded) -> &[Value] {
    recorded.report["suspends"].as_array().expect("a list")
}

/// Within 5 % or 20 ms.
fn assert_near(reported: &Value, known: u64, what: &Value) {
    let reported = reported.as_u64().unwrap_or_else(|| panic!("no time: {what}"));
    assert!(
        reported.abs_diff(known) <= (known / 20).max(20_000_000),
        "{reported} ns, by the script {known} ns: {what}"
    );
}

/// The duration, the sleep and the result of each cycle are those that the script recorded.
fn check_attempts(recorded: &Recorded) {
    let attempts = attempts(recorded);
    let cycles = cycles_of(recorded);
    assert_eq!(cycles.len(), attempts.len(), "{}\n{}", recorded.report, recorded.output);
    for (cycle, attempt) in cycles.iter().zip(&attempts) {
        let answer = match attempt.answer.as_str() {
            "ok" => 0,
            "EAGAIN" => -11,
            "EBUSY" => -16,
            other => panic!("{other}"),
        };
        assert_eq!(cycle["result"], answer, "{cycle}");
        let lasted = cycle["ended_ns"].as_u64().expect("an end") - cycle["began_ns"].as_u64().expect("a beginning");
        assert_near(&json!(lasted), attempt.boot_ns(), cycle);
        assert_near(&cycle["asleep_ns"], attempt.asleep_ns(), cycle);
        assert!(cycle["incomplete"].is_null(), "{cycle}");
    }
}

fn names(cycle: &Value, list: &str) -> Vec<String> {
    let calls = cycle[list].as_array().expect("a list").iter();
    calls.map(|call| call["alias"].as_str().or(call["path"].as_str()).unwrap_or("?").to_owned()).collect()
}

fn helpers_against_the_freezer(kernel: Guest) {
    // A test of hibernation keeps the processor busy for five seconds: by the host's clock.
    let lab = Lab::new(kernel).at_once().modules("can").tested_for(0).helper(
        "case $3 in fs-three) sleep 3; provoke clock > /tmp/ended; exit 1;; fs-ten) sleep 10; exit 1;; net-pf-29) sleep 3;; esac\nexec /sbin/modprobe \"$@\"",
    );
    let recorded = lab.recorded(
        "echo freezer > /sys/power/pm_test\n\
         provoke wave fs:three & sleep 1; provoke suspend mem & sleep 0.7; provoke wave fs:turned-away; wait\n\
         provoke wave fs:ten & sleep 1; provoke suspend mem; provoke suspend mem; wait\n\
         provoke kill-after 500 -- provoke socket 29 raw 0; provoke suspend mem\n\
         until grep -q live /sys/module/can/initstate; do sleep 0.1; done 2> /dev/null\n\
         provoke suspend disk; echo \"three $(cat /tmp/ended)\"",
    );
    check_attempts(&recorded);
    let [drained, failed, again, frozen, disk] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    for cycle in [drained, failed, again, frozen] {
        assert_eq!((&cycle["kind"], &cycle["state"]), (&json!("suspend"), &json!("mem")), "{cycle}");
    }
    assert_eq!((&disk["kind"], &disk["result"]), (&json!("hibernation"), &json!(0)), "{disk}");
    assert!(cycles_of(&recorded).iter().all(|cycle| cycle["pm_test"] == "freezer"), "{}", recorded.report);
    let verdicts: Vec<&Value> = cycles_of(&recorded).iter().map(|cycle| &cycle["verdict"]).collect();
    assert_eq!(verdicts, ["tested", "failed: helper", "tested", "tested", "tested"], "{}", recorded.report);
    // The helper of three seconds was awaited to its end, and the one that asked at that time was refused.
    assert_eq!(
        (names(drained, "drained"), names(drained, "refused")),
        (vec!["fs-three".into()], vec!["fs-turned-away".into()])
    );
    let waited = drained["drained"][0]["returned_ns"].as_u64().expect("a return")
        - drained["disabled_ns"].as_u64().expect("a drain");
    assert_near(&drained["drain_ns"], waited, drained);
    let by_script = helper_ended(&recorded) - drained["disabled_ns"].as_u64().expect("a drain");
    assert_near(&drained["drain_ns"], by_script, drained);
    let refused = recorded.log.only("fs-turned-away");
    assert_eq!((&refused["verdict"], &refused["result"]), (&json!("refused"), &json!(-16)), "{refused}");
    // The helper of ten seconds made the suspend fail, and the next one is reported as its repetition.
    assert_eq!((names(failed, "culprits"), &failed["result"]), (vec!["fs-ten".to_owned()], &json!(-11)), "{failed}");
    assert_eq!(failed["culprits"][0]["pid"], recorded.log.only("fs-ten")["helper"]["pid"], "{failed}");
    assert_near(&failed["drain_ns"], attempts(&recorded)[1].boot_ns(), failed);
    assert_eq!((&again["group"], &failed["group"]), (&failed["id"], &failed["id"]), "{again}");
    assert_eq!((names(again, "drained"), names(again, "culprits").len()), (vec!["fs-ten".into()], 0), "{again}");
    assert_ne!(frozen["group"], again["group"], "{frozen}");
    // Nobody waited for the killed requester's helper: it was frozen, and its module went live after the thaw.
    assert_eq!((names(frozen, "frozen"), names(frozen, "drained").len()), (vec!["net-pf-29".into()], 0), "{frozen}");
    let call = &frozen["frozen"][0];
    assert!(call["live_ns"].as_u64() > frozen["thawed_ns"].as_u64() && frozen["thawed_ns"].is_u64(), "{frozen}");
    assert!(call["exited_ns"].as_u64() >= call["live_ns"].as_u64(), "{frozen}");
    let request = recorded.log.only("net-pf-29");
    assert_eq!((&request["verdict"], &request["asleep_ns"]), (&json!("abandoned"), &json!(0)), "{request}");
    assert!(request["request_to_live_ns"].as_u64() > Some(3_000_000_000), "{request}");
}

/// When the helper of three seconds ended by its own record, on the clock that also runs in suspend.
fn helper_ended(recorded: &Recorded) -> u64 {
    let line = recorded.output.lines().find_map(|line| line.strip_prefix("three ")).expect("its record");
    line.split(' ').next_back().and_then(|boot| boot.parse().ok()).expect("a time")
}

fn a_real_sleep(kernel: Guest) {
    let lab = Lab::new(kernel)
        .bzimage()
        .modules("can af_key llc2")
        .helper("[ $3 = net-pf-29 ] && sleep 3\nexec /sbin/modprobe \"$@\"");
    let recorded = lab.recorded(
        "provoke kill-after 500 -- provoke socket 29 raw 0\n\
         echo 0 > /sys/class/rtc/rtc0/wakealarm; echo +4 > /sys/class/rtc/rtc0/wakealarm\n\
         provoke suspend mem\n\
         provoke socket 15 raw 2; until grep -q live /sys/module/can/initstate; do sleep 0.1; done 2> /dev/null\n\
         sleep 1; provoke wave socket:26:dgram fs:nosuch socket:26:dgram",
    );
    check_attempts(&recorded);
    let [cycle] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    let asleep = attempts(&recorded)[0].asleep_ns();
    assert!(asleep > 1_000_000_000, "it did not sleep: {}", recorded.output);
    assert_eq!((&cycle["verdict"], &cycle["pm_test"]), (&json!("slept"), &json!("none")), "{cycle}");
    assert_eq!(names(cycle, "frozen"), ["net-pf-29"], "{cycle}");
    let request = recorded.log.only("net-pf-29");
    assert_eq!((&request["verdict"], &request["module"]), (&json!("abandoned"), &json!("can")), "{request}");
    assert_near(&request["asleep_ns"], asleep, request);
    let with = request["request_to_live_boot_ns"].as_u64().expect("a time");
    let without = request["request_to_live_ns"].as_u64().expect("a time");
    assert_near(&json!(with - without), asleep, request);
    // In the same process, without a restart, what was requested after the wake-up was seen and joined.
    assert_eq!(recorded.log.only("net-pf-15")["verdict"], "live", "{}", recorded.log.shown());
    assert_eq!(recorded.log.only("fs-nosuch")["verdict"], "not_found", "{}", recorded.log.shown());
    let family = recorded.log.requests.iter().filter(|request| request["alias"] == "net-pf-26");
    let verdicts: Vec<&Value> = family.map(|request| &request["verdict"]).collect();
    assert!(verdicts.len() == 2 && verdicts.contains(&&json!("live")), "{}", recorded.log.shown());
    assert_eq!(recorded.report["self_test"]["result"], "proven", "{}", recorded.report);
    assert_eq!(recorded.report["lost"], json!([]), "{}", recorded.report);
}

fn deeper_tests(kernel: Guest) {
    let levels = ["devices", "platform", "processors", "core"];
    let recorded = Lab::new(kernel).bzimage().tested_for(0).recorded(&format!(
        "for level in {}; do echo $level > /sys/power/pm_test; provoke suspend mem; done",
        levels.join(" ")
    ));
    check_attempts(&recorded);
    let reported: Vec<&Value> = cycles_of(&recorded).iter().map(|cycle| &cycle["pm_test"]).collect();
    assert_eq!(reported, levels.map(Value::from).iter().collect::<Vec<_>>(), "{}", recorded.report);
    let has = |cycle: &Value, action: &str| {
        cycle["phases"]
            .as_array()
            .expect("phases")
            .iter()
            .any(|phase| phase["action"] == action && phase["ended_ns"].is_u64())
    };
    for cycle in cycles_of(&recorded) {
        assert_eq!((&cycle["result"], &cycle["verdict"]), (&json!(0), &json!("tested")), "{cycle}");
        assert!(has(cycle, "freeze_processes") && has(cycle, "dpm_suspend") && has(cycle, "thaw_processes"), "{cycle}");
    }
}

fn a_driver_that_asks_around_suspend(kernel: Guest) {
    let lab = Lab::new(kernel).modules("modtrail_test").tested_for(0).setup("/sbin/modprobe modtrail_test");
    let recorded = lab.recorded(
        "echo devices > /sys/power/pm_test; echo around driver > /proc/modtrail_test; provoke suspend mem; cat /proc/modtrail_test",
    );
    check_attempts(&recorded);
    let [cycle] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    assert_eq!(names(cycle, "refused"), ["driver-suspend", "driver-resume"], "{cycle}");
    for alias in ["driver-suspend", "driver-resume"] {
        let request = recorded.log.only(alias);
        assert_eq!((&request["verdict"], &request["result"]), (&json!("refused"), &json!(-16)), "{request}");
        assert!(recorded.output.contains(&format!("request {alias} = -16")), "{}", recorded.output);
    }
}

fn a_load_that_waits_for_another(kernel: Guest) {
    // The init takes two seconds; a second load of the file waits for it and meets the freezer.
    let lab = Lab::new(kernel).modules("modtrail_slow").tested_for(0);
    let recorded = lab.recorded(
        "echo freezer > /sys/power/pm_test; F=$(/sbin/modprobe --show-depends modtrail_slow | sed 's/^insmod //; s/ .*//')\n\
         provoke finit 2 $F & sleep 0.7; provoke suspend mem; wait",
    );
    check_attempts(&recorded);
    let [cycle] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    // The freezer waits for the init that sleeps, which does not belong to a helper.
    assert!(cycle["freeze_ns"].as_u64() > Some(500_000_000), "{cycle}");
    assert!(names(cycle, "frozen").is_empty() && names(cycle, "culprits").is_empty(), "{cycle}");
    let loads = recorded.report["loads"].as_array().expect("loads");
    let mut results: Vec<i64> = loads
        .iter()
        .filter(|load| load["loader"]["comm"] == "provoke")
        .map(|load| load["result"].as_i64().unwrap_or_else(|| panic!("{loads:?}")))
        .collect();
    results.sort_unstable();
    // From 6.5 on, the freezer interrupts the task that waits for the file; before, the task begins again after the
    // thaw (-ERESTARTSYS), when the module is live.
    let interrupted = recorded.output.matches("EINTR").count();
    let expected: &[i64] = if interrupted == 1 { &[-4, 0] } else { &[-512, -17, 0] };
    assert_eq!(results, expected, "{loads:?}\n{}", recorded.output);
}

fn a_task_that_does_not_freeze(kernel: Guest) {
    // An init that sleeps for two seconds, against a freezer that waits for half a second.
    let lab = Lab::new(kernel).modules("modtrail_slow").tested_for(0);
    let recorded = lab.recorded(
        "echo freezer > /sys/power/pm_test; echo 500 > /sys/power/pm_freeze_timeout\n\
         /sbin/modprobe modtrail_slow & sleep 0.7; provoke suspend mem; wait",
    );
    check_attempts(&recorded);
    let [cycle] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    assert_eq!((&cycle["verdict"], &cycle["result"]), (&json!("failed: freezer"), &json!(-16)), "{cycle}");
    let freeze_ns = cycle["freeze_ns"].as_u64().expect("a freeze");
    assert!((500_000_000..=attempts(&recorded)[0].boot_ns()).contains(&freeze_ns), "{cycle}");
    assert!(names(cycle, "culprits").is_empty() && names(cycle, "frozen").is_empty(), "{cycle}");
}

fn firmware_requests(kernel: Guest) {
    let lab = Lab::new(kernel)
        .modules("test_firmware")
        .tested_for(0)
        .setup("mkdir -p /lib/firmware; echo content > /lib/firmware/present.bin; /sbin/modprobe test_firmware");
    let recorded = lab.recorded(
        "T=/sys/devices/virtual/misc/test_firmware; F=/sys/class/firmware\n\
         printf present.bin > $T/trigger_request; printf absent.bin > $T/trigger_request 2> /dev/null\n\
         printf late.bin > $T/trigger_custom_fallback & until [ -e $F/late.bin ]; do sleep 0.05; done; provoke clock; sleep 2\n\
         echo 1 > $F/late.bin/loading; echo content > $F/late.bin/data; provoke clock; echo 0 > $F/late.bin/loading; wait\n\
         printf never.bin > $T/trigger_custom_fallback 2> /dev/null & until [ -e $F/never.bin ]; do sleep 0.05; done\n\
         echo -1 > $F/never.bin/loading; wait; echo freezer > /sys/power/pm_test\n\
         printf given-up.bin > $T/trigger_custom_fallback 2> /dev/null & until [ -e $F/given-up.bin ]; do sleep 0.05; done\n\
         provoke suspend mem; wait",
    );
    check_attempts(&recorded);
    let requests = recorded.report["firmware"].as_array().expect("a list");
    let of =
        |name: &str| requests.iter().find(|request| request["name"] == name).unwrap_or_else(|| panic!("{requests:?}"));
    let reported = |name: &str| {
        let request = of(name);
        assert_eq!(request["device"], "test_firmware", "{request}");
        assert!(request["total_ns"].as_u64() > Some(0), "{request}");
        json!([request["result"], request["fallback"], request["lock"]])
    };
    assert_eq!(reported("present.bin"), json!([0, false, null]));
    assert_eq!(reported("absent.bin"), json!([-2, false, null]));
    assert_eq!(reported("late.bin"), json!([0, true, "released"]));
    assert_eq!(reported("never.bin")[1], true);
    assert!(reported("never.bin")[0].as_i64() < Some(0), "{requests:?}");
    let clocks: Vec<u64> = recorded.output.lines().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect();
    let late = of("late.bin")["fallback_ns"].as_u64().expect("a time");
    assert!(late >= clocks[1] - clocks[0], "{late} against {clocks:?}");
    // The kernel gives up a fallback that no program was notified of, so that suspend does not have to wait for it.
    let given_up = of("given-up.bin");
    assert!(
        given_up["result"].as_i64() < Some(0) && given_up["fallback_ns"].as_u64() < Some(5_000_000_000),
        "{given_up}"
    );
}

fn firmware_that_holds_suspend_up(kernel: Guest) {
    // A fallback that user space was notified of is awaited, before the five seconds for helpers begin.
    let lab = Lab::new(kernel)
        .modules("test_firmware")
        .tested_for(0)
        .setup("/sbin/modprobe test_firmware; echo 1 > /proc/sys/kernel/firmware_config/force_sysfs_fallback");
    let recorded = lab.recorded(
        "T=/sys/devices/virtual/misc/test_firmware; F=/sys/class/firmware/held.bin; echo freezer > /sys/power/pm_test\n\
         printf held.bin > $T/trigger_request & until [ -e $F ]; do sleep 0.05; done\n\
         (sleep 7; echo 1 > $F/loading; echo content > $F/data; echo \"loaded $(provoke clock)\"; echo 0 > $F/loading) &\n\
         provoke suspend mem; wait",
    );
    check_attempts(&recorded);
    let [cycle] = cycles_of(&recorded) else { panic!("{}", recorded.report) };
    let request = &recorded.report["firmware"][0];
    let reported = json!([request["name"], request["result"], request["fallback"], request["lock"]]);
    assert_eq!(reported, json!(["held.bin", 0, true, "released"]), "{request}");
    assert_eq!(cycle["held_up_by_firmware"], json!([request["id"]]), "{cycle}");
    assert_eq!((&cycle["result"], names(cycle, "culprits").len()), (&json!(0), 0), "{cycle}");
    let loaded = recorded.output.lines().find_map(|line| line.strip_prefix("loaded ")?.split(' ').nth(1)?.parse().ok());
    let loaded: u64 = loaded.unwrap_or_else(|| panic!("no time: {}", recorded.output));
    assert_near(&cycle["drain_ns"], loaded - cycle["disabled_ns"].as_u64().expect("a drain"), cycle);
    assert!(cycle["drain_ns"].as_u64() > Some(5_000_000_000), "{cycle}");
}

/// The machine goes down under modtrail: what was recorded until then comes out of the port that it is written to.
fn a_shutdown(kernel: Guest) {
    let script = "/sbin/modprobe modtrail_test; echo around driver > /proc/modtrail_test; \
                  modtrail record -o /dev/stdout -- reboot -f";
    let mut options = VmOptions::new(kernel, &["sh", "-c", script]);
    options.modules = vec!["modtrail_test".to_owned()];
    let _slot = Slot::take();
    let outcome = vm::run(&options).expect("the guest starts");
    let replayed = replay(outcome.stdout.as_slice(), |_, _| {});
    let (model, _) = replayed.unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    let cycles: Vec<Value> = cycles::cycles(&model).collect();
    let [cycle] = &cycles[..] else { panic!("{cycles:?}") };
    assert_eq!((&cycle["kind"], &cycle["ended_ns"]), (&json!("shutdown"), &json!(null)), "{cycle}");
    assert_eq!((names(cycle, "refused"), &cycle["result"]), (vec!["driver-shutdown".into()], &json!(null)), "{cycle}");
    let asked =
        |request: &&Arc<Request>| request.requested.alias.text().is_some_and(|alias| &**alias == "driver-shutdown");
    let verdicts: Vec<Verdict> = model.requests().filter(asked).map(|request| request.verdict).collect();
    assert_eq!(verdicts, [Verdict::Refused]);
}

fn deaf_probes(kernel: Guest) {
    // modtrail must stand still long enough to treat that as a sleep: a second, by the host's clock. Kprobes are
    // switched off by hand; to modtrail this looks like an effect of the sleep. Until they are on again, no proof can
    // find them. A kprobe that was attached while they were off stays off. The next trial comes within five seconds,
    // finds it deaf and attaches it again.
    let lab = Lab::new(kernel).at_once().flags("--hooks kprobe").modules("can").tested_for(1);
    let recorded = lab.recorded(
        "echo freezer > /sys/power/pm_test; echo 0 > /sys/kernel/debug/kprobes/enabled; echo mem > /sys/power/state; sleep 3\n\
         echo 1 > /sys/kernel/debug/kprobes/enabled; sleep 25; provoke socket 29 raw 0",
    );
    let lost = recorded.report["lost"].as_array().expect("a list");
    let deaf = |moment: &str| {
        lost.iter()
            .any(|lost| lost["moment"] == moment && lost["what"] == "stretches of time in which the probe did not fire")
    };
    assert!(["requested", "helper call entered", "helper born"].into_iter().all(deaf), "{lost:?}");
    assert_eq!(recorded.report["self_test"]["result"], "proven", "{}", recorded.report);
    let request = recorded.log.only("net-pf-29");
    assert_eq!((&request["verdict"], &request["incomplete"]), (&json!("live"), &json!(null)), "{request}");
    assert!(recorded.log.stderr.contains("did not fire"), "{}", recorded.log.shown());
}
