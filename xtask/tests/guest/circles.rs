//! Requests that wait for themselves, and requests that cause themselves: whether modtrail finds the circle while it
//! lasts, names its members and says what would end it.
//!
//! Both are provoked in one guest of each kernel, which `watch` and `record` trace at the same time.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use xtask::guest::Guest;
use xtask::series::Series;

crate::at_length!(a_helper_that_asks_for_its_own_format);
crate::with_test_modules_at_length!(a_load_that_waits_for_its_requester);

/// What a guest showed.
struct Seen {
    /// The report of the recording, which ends while the deadlock lasts.
    report: Value,
    /// The lines of the recording.
    log: Vec<Value>,
    /// What `watch` wrote, from before the beginning until after the end.
    alerts: Vec<Value>,
    /// What the script found by itself.
    facts: Value,
}

/// A file that is not of any format. The kernel asks for a module for the format, that request's helper is the same
/// file, and so on, until all slots are taken.
const ASK_AGAIN: &str = "printf '\\1\\2\\3\\4' > /tmp/unknown; chmod +x /tmp/unknown
    echo /tmp/unknown > /proc/sys/kernel/modprobe
    provoke socket 29 raw 0
    echo /sbin/modprobe > /proc/sys/kernel/modprobe";

/// The asynchronous probe of `modtrail_async` asks for `modtrail_test`. Killing the helper, and who loads
/// `modtrail_async`, changes nothing.
const WAIT: &str = "/sbin/modprobe modtrail_async > /dev/null 2>&1 < /dev/null &
    until grep -q '\"deadlock\"' /tmp/alerts; do sleep 0.1; done
    kill -9 $(pidof modprobe); sleep 2; pidof modprobe | wc -w > /tmp/stayed";

/// The requester's own module lets it go.
const LET_GO: &str = "echo 1 > /sys/module/modtrail_async/parameters/let_go
    while pidof modprobe > /dev/null; do sleep 0.1; done
    until grep deadlock /tmp/alerts | grep -q resolved; do sleep 0.1; done";

static SEEN: Mutex<BTreeMap<String, Arc<OnceLock<Seen>>>> = Mutex::new(BTreeMap::new());

/// Runs what the kernel can run, once.
fn seen(kernel: Guest) -> Arc<OnceLock<Seen>> {
    let mut all = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = Arc::clone(all.entry(kernel.to_string()).or_default());
    drop(all);
    seen.get_or_init(|| run(kernel));
    seen
}

fn run(kernel: Guest) -> Seen {
    let with_modules = kernel.series != Series::Newest;
    let (wait, let_go) = if with_modules { (WAIT, LET_GO) } else { ("", "") };
    let modules = if with_modules { "can modtrail_async modtrail_test" } else { "can" };
    let outcome = Lab::new(kernel).modules(modules).run_seen(&format!(
        "modtrail watch --sink stdout-json > /tmp/alerts 2> /tmp/ready < /dev/null &
         until grep -q watching /tmp/ready; do sleep 0.1; done
         echo 0 > /tmp/stayed; cat > /tmp/command <<'COMMAND'\n{ASK_AGAIN}\n{wait}\nCOMMAND
         modtrail record -o /tmp/it.mcap -- sh /tmp/command > /tmp/said 2>&1 || cat /tmp/said >&2
         {let_go}
         kill -TERM $(pidof modtrail); wait
         modtrail report --json /tmp/it.mcap; modtrail log --json /tmp/it.mcap; cat /tmp/alerts
         echo \"{{\\\"stayed\\\":$(cat /tmp/stayed)}}\""
    ));
    let mut lines = lab::lines(&outcome).into_iter();
    let report = lines.next().expect("a report");
    let facts = lines.next_back().expect("what the script found");
    let (alerts, log) = lines.partition(|line| line["alert"].is_string());
    Seen { report, log, alerts, facts }
}

impl Seen {
    fn findings(&self, name: &str) -> Vec<&Value> {
        let all = self.report["findings"].as_array().expect("findings");
        all.iter().filter(|finding| finding["name"] == name).collect()
    }

    fn alerts(&self, name: &str) -> Vec<&Value> {
        self.alerts.iter().filter(|alert| alert["alert"] == name).collect()
    }

    fn requests(&self, alias: &str) -> Vec<&Value> {
        self.log.iter().filter(|line| line["kind"] == "request" && line["alias"] == alias).collect()
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

/// Nothing but a reboot ends it on a real machine: the helper's load cannot be interrupted, nor can the requester.
fn a_load_that_waits_for_its_requester(kernel: Guest) {
    let cell = seen(kernel);
    let seen = cell.get().expect("it ran");
    let [firing, resolved] = &seen.alerts("deadlock")[..] else { panic!("{:?}", seen.alerts) };
    assert_eq!((&firing["state"], &resolved["state"]), (&json!("firing"), &json!("resolved")));
    let sentence = text(firing, "sentence");
    assert!(sentence.starts_with("deadlock: kworker/"), "{firing}");
    assert!(sentence.contains("] asks for modtrail-test-test and waits for its helper; modprobe["), "{firing}");
    assert!(sentence.contains("] has loaded modtrail_test and waits for all asynchronous work"), "{firing}");
    // Who loads the requester's own module waits, too, and nobody waits for that.
    assert!(!sentence.contains("modtrail_async"), "{firing}");
    assert_eq!(firing["evidence"].as_array().map(Vec::len), Some(2), "{firing}");
    assert_eq!(resolved["sentence"], firing["sentence"]);
    let [finding] = &seen.findings("deadlock")[..] else { panic!("{}", seen.report["findings"]) };
    assert_eq!((&finding["sentence"], &finding["next"]), (&firing["sentence"], &firing["next"]));
    assert!(text(finding, "next").starts_with("only a reboot ends it: "), "{finding}");
    assert_eq!(seen.facts["stayed"], 2, "who was killed waits on");
    let [request] = &seen.requests("modtrail-test-test")[..] else { panic!("{:?}", seen.log) };
    assert_eq!(request["verdict"], "in_flight", "{request}");
}

fn a_helper_that_asks_for_its_own_format(kernel: Guest) {
    let cell = seen(kernel);
    let seen = cell.get().expect("it ran");
    let [root] = &seen.requests("net-pf-29")[..] else { panic!("{:?}", seen.log) };
    assert_eq!(root["verdict"], "helper_missing", "{root}");
    let again = seen.requests("binfmt-0403");
    // It no longer asks for modules of formats.
    if kernel.series == Series::Newest {
        assert!(again.is_empty() && seen.findings("request_loop").is_empty(), "{again:?}");
        return;
    }
    assert!(again.len() > 40, "{}", again.len());
    // modtrail's own request, by which it proves that its probes fire, may come when the helper is that file already.
    let begins =
        |root: &str| format!("the helper of /tmp/unknown for {root} makes the kernel ask for binfmt-0403 again");
    let (ours, others): (Vec<&Value>, Vec<&Value>) = (seen.findings("request_loop").into_iter())
        .partition(|one| text(one, "sentence").starts_with(&begins("net-pf-29")));
    let [finding] = &ours[..] else { panic!("{}", seen.report["findings"]) };
    assert!(others.iter().all(|one| text(one, "sentence").starts_with(&begins("binfmt-0403"))), "{others:?}");
    let members = finding["evidence"].as_array().expect("evidence");
    assert!(text(finding, "sentence").ends_with(&format!("{} requests deep", members.len())), "{finding}");
    assert!(members.len() > 20, "{finding}");
    assert_eq!(members[0], json!({"kind": "request", "id": root["id"]}), "{finding}");
    let is_root = |alert: &Value| text(alert, "sentence").starts_with(&begins("net-pf-29"));
    assert!(seen.alerts("request_loop").iter().any(|alert| is_root(alert)), "{:?}", seen.alerts);
}
