//! Alerts while a load is still stuck.

use crate::lab::{self, Lab};
use serde_json::json;
use xtask::guest::Guest;

crate::at_length!(a_helper_that_sleeps, a_stall_in_the_log, a_stall_on_the_screen);
crate::with_test_modules!(a_module_whose_init_is_slow);

fn a_helper_that_sleeps(kernel: Guest) {
    // /out/now is what had been reported while the helper still slept.
    let folder = tempfile::tempdir().expect("a folder");
    let lab =
        Lab::new(kernel).modules("af_key").helper("sleep 20\nexec /sbin/modprobe \"$@\"").out(folder.path().to_owned());
    let outcome = lab.run(
        "modtrail watch --sink stdout-json --exec 'env | grep ^MODTRAIL_ | sort > /out/facts.$MODTRAIL_STATE' > /out/all 2> /tmp/ready &\n\
         until grep -q watching /tmp/ready; do sleep 0.1; done\n\
         provoke socket 15 raw 2 > /dev/null &\n\
         until grep -q stalled /out/all; do sleep 0.1; done; grep -qsx helper /proc/[0-9]*/comm && cp /out/all /out/now\n\
         until [ -e /out/facts.resolved ]; do sleep 0.1; done; kill -TERM $(pidof modtrail); wait; cat /out/all",
    );
    let notices = lab::lines(&outcome);
    let [foreign, firing, resolved] = notices.as_slice() else { panic!("{notices:?}") };
    // That the helper is not modprobe does not wait for a limit.
    assert_eq!((&foreign["alert"], &foreign["state"]), (&json!("foreign_helper"), &json!("firing")));
    assert_eq!((&firing["state"], &resolved["state"]), (&json!("firing"), &json!("resolved")));
    for notice in [firing, resolved] {
        assert_eq!(notice["alert"], "stalled");
        assert_eq!(notice["alias"], "net-pf-15");
        assert_eq!(notice["module"], "af_key");
        assert_eq!(notice["comm"], "provoke");
        assert_eq!(notice["limit_ns"], 10_000_000_000_u64);
    }
    let age = firing["age_ns"].as_u64().expect("an age");
    assert!((10_000_000_000..11_000_000_000).contains(&age), "reported {age} ns after it began");
    assert!(firing["stuck_in"].as_str().expect("a place").contains("/tmp/helper"), "{firing}");
    assert!(resolved["age_ns"].as_u64() > Some(20_000_000_000), "{resolved}");
    assert_eq!(resolved["verdict"], "live");
    let now = std::fs::read_to_string(folder.path().join("now")).expect("what was said by then");
    assert!(now.contains("firing") && !now.contains("resolved"), "{now}");
    let facts = std::fs::read_to_string(folder.path().join("facts.firing")).expect("the command ran");
    assert!(facts.contains("MODTRAIL_ALIAS=net-pf-15") && facts.contains("MODTRAIL_MODULE=af_key"), "{facts}");
    assert!(folder.path().join("facts.resolved").exists());
}

fn a_stall_in_the_log(kernel: Guest) {
    let log = Lab::new(kernel).helper("sleep 6\nexit 1").flags("--limit 2s").log("provoke wave fs:stuck");
    let line = log
        .stderr
        .lines()
        .find(|line| line.contains("STALLED request of fs-stuck"))
        .unwrap_or_else(|| panic!("{}", log.shown()));
    let age =
        line.split_once("open for ").and_then(|(_, rest)| rest.split_once("s,")).map(|(age, _)| age.parse::<f64>());
    // Within a second after its limit.
    assert!(age.is_some_and(|age| age.is_ok_and(|age| (2.0..3.0).contains(&age))), "{line}");
    assert!(line.contains("stuck in the helper /tmp/helper["), "{line}");
    assert!(line.contains("(in the kernel: ") && line.contains("no timeout applies"), "{line}");
    assert!(log.stderr.contains("ENDED request of fs-stuck"), "{}", log.shown());
    assert_eq!(log.only("fs-stuck")["verdict"], "not_found", "{}", log.shown());
}

/// The dashboard on a terminal in the guest: when it shows this, and, by the script's clock, how long after the
/// request.
fn a_stall_on_the_screen(kernel: Guest) {
    let outcome = Lab::new(kernel).helper("sleep 13\nexit 1").run(
        "provoke pty /tmp/screen -- modtrail &\n\
         until grep -q LIVE /tmp/screen; do sleep 0.1; done\n\
         provoke wave fs:stuck > /tmp/wave &\n\
         until grep -q STALLED /tmp/screen; do sleep 0.05; done 2> /dev/null; provoke clock; wait %2; cat /tmp/wave\n\
         kill -TERM $(pidof modtrail); wait",
    );
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let boot_ns = |line: Option<&str>, place: usize| -> u64 {
        let word = line.and_then(|line| line.split(' ').nth(place)).and_then(|word| word.parse().ok());
        word.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&outcome.stderr)))
    };
    let (shown, began) = (boot_ns(text.lines().next(), 1), boot_ns(text.lines().nth(1), 3));
    let after = shown.saturating_sub(began);
    assert!((10_000_000_000..11_000_000_000).contains(&after), "shown {after} ns after it was asked for\n{text}");
}

fn a_module_whose_init_is_slow(kernel: Guest) {
    // Loaded by a person, with a limit set by the module's name.
    let outcome = Lab::new(kernel).modules("modtrail_slow").run(
        "modtrail watch --limit-for modtrail_slow=500ms > /tmp/all 2> /tmp/ready &\n\
         until grep -q watching /tmp/ready; do sleep 0.1; done\n\
         /sbin/modprobe modtrail_slow; until grep -q ENDED /tmp/all; do sleep 0.1; done; kill -TERM $(pidof modtrail); wait; cat /tmp/all",
    );
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("STALLED load of modtrail_slow, modprobe["), "{text}");
    assert!(lines[0].contains("stuck in the init of modtrail_slow"), "{text}");
    assert!(lines[1].contains("ENDED load of modtrail_slow"), "{text}");
}
