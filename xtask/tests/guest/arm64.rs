//! What only arm64 shows: `umh_complete` is a function of its own there, so a kprobe sees the completion of every
//! helper call, however its caller waits.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::on_arm64!(doctor_sees_completions, completed_in_every_wait_mode, completed_after_the_requester_was_killed);

fn doctor_sees_completions(kernel: Guest) {
    let outcome = Lab::new(kernel).run("modtrail doctor; modtrail doctor --hooks kprobe");
    let out = String::from_utf8_lossy(&outcome.stdout);
    assert_eq!(out.matches("helper completed       kprobe umh_complete\n").count(), 2, "{out}");
}

fn completed_in_every_wait_mode(kernel: Guest) {
    let lab = Lab::new(kernel).modules("can modtrail_test").setup("/sbin/modprobe modtrail_test");
    let seen = record(
        lab,
        "provoke socket 29 raw 0\n\
         echo nowait net-pf-27 > /proc/modtrail_test\n\
         echo spawn /bin/busybox true > /proc/modtrail_test",
    );
    for (mode, in_helper) in [(WAIT_PROC, false), (WAIT_EXEC, true), (NO_WAIT, true)] {
        let calls: Vec<&Call> = seen.calls.iter().filter(|call| call.mode == mode).collect();
        assert!(!calls.is_empty(), "{}", seen.text);
        for call in calls {
            let (completed, completer) = call.completed.expect("it is completed");
            let executed = call.executed.expect("it is executed");
            let exited = call.exited.expect("its helper ends");
            assert_eq!(completer, if in_helper { call.helper } else { call.worker }, "{call:?}\n{}", seen.text);
            assert!(executed < completed && (completed < exited) == in_helper, "{call:?}\n{}", seen.text);
        }
    }
    seen.check_nothing_is_a_stranger();
    let waits: Vec<&Value> = seen.requests.iter().map(|request| &request["wait"]).collect();
    assert!(waits.contains(&&json!("proc")) && waits.contains(&&json!("exec")), "{:?}", seen.requests);
    for request in &seen.requests {
        // The requester is woken by the completion.
        assert!(request["phases"]["wake_ns"].is_u64(), "{request}");
        assert_eq!(request["incomplete"], json!(null), "{request}");
    }
}

fn completed_after_the_requester_was_killed(kernel: Guest) {
    let lab = Lab::new(kernel).modules("can").helper("sleep 1\nexec /sbin/modprobe \"$@\"");
    let seen = record(lab, "provoke kill-after 300 -- provoke socket 29 raw 0");
    let killed: Vec<&Call> =
        seen.calls.iter().filter(|call| call.returned.is_some_and(|(_, with)| with == -512)).collect();
    assert_eq!(killed.len(), 1, "{}", seen.text);
    let ((returned, _), (completed, completer)) =
        (killed[0].returned.unwrap(), killed[0].completed.expect("completed"));
    assert!(returned < completed && killed[0].exited < Some(completed), "{:?}\n{}", killed[0], seen.text);
    assert_eq!(completer, killed[0].worker);
    seen.check_nothing_is_a_stranger();
    let abandoned: Vec<&Value> = seen.requests.iter().filter(|request| request["verdict"] == "abandoned").collect();
    assert_eq!(abandoned.len(), 1, "{:?}", seen.requests);
    assert_eq!((&abandoned[0]["alias"], &abandoned[0]["helper"]["exit_code"]), (&json!("net-pf-29"), &json!(0)));
}

/// The `wait` argument of `call_usermodehelper_exec` without its flags.
const NO_WAIT: u32 = 0;
const WAIT_EXEC: u32 = 1;
const WAIT_PROC: u32 = 2;

/// A helper call in the probes' own messages; moments are positions in them.
#[derive(Debug, Default)]
struct Call {
    address: String,
    mode: u32,
    caller: u32,
    worker: u32,
    helper: u32,
    executed: Option<usize>,
    completed: Option<(usize, u32)>,
    exited: Option<usize>,
    returned: Option<(usize, i32)>,
}

/// Waits until no user program is the child of a kernel thread. A helper that nobody waits for needs a moment to be
/// born.
const HELPERS_HAVE_ENDED: &str = r#"helpers() {
    for process in /proc/[0-9]*; do
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$process/status")
        readlink "$process/exe" > /dev/null && [ "$parent" != 0 ] && ! readlink "/proc/$parent/exe" > /dev/null && return
    done 2> /dev/null
    false
}
sleep 1; while helpers; do sleep 0.1; done"#;

/// What a recording of a command contains, and the probes' messages from the same time.
struct Seen {
    calls: Vec<Call>,
    requests: Vec<Value>,
    text: String,
}

fn record(lab: Lab, command: &str) -> Seen {
    // The last completion may come after the last request's end.
    let outcome = lab.run(&format!(
        "cat > /tmp/command <<'COMMAND'\n{command}\n{HELPERS_HAVE_ENDED}\nCOMMAND\n\
         modtrail record -o /tmp/it.mcap --probe-log -- sh -c 'sh /tmp/command > /dev/null 2>&1'\n\
         modtrail report /tmp/it.mcap >&2 && modtrail log --json /tmp/it.mcap",
    ));
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    Seen { calls: calls(&text), requests: lab::lines(&outcome), text }
}

impl Seen {
    /// Every event was joined to something.
    fn check_nothing_is_a_stranger(&self) {
        assert!(self.text.contains(" 0 lost"), "{}", self.text);
        assert!(!self.text.contains("began before tracing"), "{}", self.text);
    }
}

/// Reads the probes' messages. An address is reused by later calls.
fn calls(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u32>().expect("a number");
        match words[..] {
            ["probe:", "helper", "call", address, "entered", "by", caller, "wait", mode] => {
                let (address, caller) = (address.to_owned(), number(caller));
                calls.push(Call { address, caller, mode: number(mode) & 3, ..Call::default() });
            }
            ["probe:", "helper", "call", address, "kind", kind, "in", task] => {
                let task = number(task);
                let call = calls.iter_mut().rev().find(|call| call.address == address).expect("it was entered");
                match kind {
                    "18" => call.worker = task,
                    "19" => call.helper = task,
                    _ => assert!(call.completed.replace((place, task)).is_none(), "completed twice: {text}"),
                }
            }
            ["probe:", "helper", "call", _, "returned", result, "to", caller] => {
                let caller = number(caller);
                let call = calls.iter_mut().rev().find(|call| call.caller == caller).expect("its call");
                call.returned = Some((place, result.parse().expect("a number")));
            }
            ["probe:", "helper", helper, "executed", _] => {
                let helper = number(helper);
                let call = calls.iter_mut().rev().find(|call| call.helper == helper).expect("its call");
                call.executed.get_or_insert(place);
            }
            ["probe:", "helper", helper, "exited"] => {
                let helper = number(helper);
                // A helper's descendants are followed too.
                if let Some(call) = calls.iter_mut().rev().find(|call| call.helper == helper) {
                    call.exited = Some(place);
                }
            }
            _ => {}
        }
    }
    calls
}
