//! What tracing costs the machine that is traced, beside bpftrace, trace-cmd and perf in the same guest.
//!
//! In: how many rounds. Out: rows; and a trace of trace-cmd's with many events, for the host. Time passes in the guest
//! by executed instructions, on one processor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Row, Size, median, seconds};
use crate::guest::Guest;
use crate::process;
use crate::qemu::Clock;
use crate::rundir::RunFolder;
use crate::series::Series;
use crate::tools;
use crate::vm::{self, End, Shipped, VmOptions};

/// The peers: the package and the program.
pub const PEERS: [(&str, &str); 3] = [("bpftrace", "bpftrace"), ("trace-cmd", "trace-cmd"), ("linux-perf", "perf")];

/// What the storm asks for.
const MODULES: [&str; 4] = ["can", "af_key", "llc2", "rxrpc"];

/// In: `ROUNDS`, `EVENTS`, `STORM`, `LOOPS`, `TOOLS`. Out: a line `TOOL MEASURE MICROSECONDS` for each measurement.
const SCRIPT: &str = r#"
cat > /tmp/8.bt <<'BT'
kprobe:security_kernel_module_request { @a[tid] = nsecs; }
kprobe:call_usermodehelper_exec { @b[tid] = nsecs; }
kretprobe:call_usermodehelper_exec { @c[tid] = nsecs; }
kprobe:call_usermodehelper_exec_async { @d[tid] = nsecs; }
kprobe:do_init_module { @e[tid] = nsecs; }
kretprobe:do_init_module { @f[tid] = nsecs; }
tracepoint:module:module_request { @g[tid] = nsecs; }
tracepoint:sched:sched_process_exit { @h = count(); }
BT
EVENTS8='-e module:module_request -e module:module_load -e module:module_free -e sched:sched_process_fork'
EVENTS8="$EVENTS8 -e sched:sched_process_exec -e sched:sched_process_exit -e initcall:initcall_start -e initcall:initcall_finish"
cat > /tmp/load <<'LOAD'
us() { provoke took -- "$@" 2>&1 > /dev/null | sed -n 's/^took //p'; }
sleep 0.2
echo "$TOOL storm $(us provoke sockets $STORM 29 15 26 33)"
for module in can af_key llc2 rxrpc; do /sbin/rmmod $module 2> /dev/null; done
echo "$TOOL forks $(us provoke again 300 fork)"
echo "$TOOL sockets $(us provoke again $LOOPS socket)"
echo "$TOOL opens $(us provoke again $LOOPS open /dev/null)"
LOAD
traced() {
  TOOL=$1; export TOOL
  case $1 in
    nothing) sh /tmp/load;;
    modtrail) modtrail record -o /tmp/m -- sh /tmp/load 2> /tmp/said; sed -n 's/^modtrail: lost: \([0-9]*\).*/modtrail lost \1/p' /tmp/said;;
    bpftrace) bpftrace -c 'sh /tmp/load' /tmp/8.bt | grep '^bpftrace ';;
    trace-cmd) trace-cmd record -q -o /tmp/t $EVENTS8 sh /tmp/load | grep '^trace-cmd ';;
    perf) perf record -q -a -o /tmp/p $EVENTS8 sh /tmp/load | grep '^perf ';;
  esac
}
whole() { echo "$1 whole $(provoke took -- sh -c "$2" 2>&1 > /dev/null | sed -n 's/^took //p')"; }
# From the signal to the end of the process. bpftrace forgets an interrupt that comes while it does not wait for events: it
# gets another one a second later. modtrail leaves an interrupt ignored, as a background job has it.
stopped() {
  sh -c "exec $3" > /tmp/out 2> /tmp/said & pid=$!
  until eval "$4"; do sleep 0.05; done
  sleep 0.53; { kill -$2 $pid; while sleep 1; do kill -$2 $pid || break; done; } 2> /dev/null &
  echo "$1 stop $(provoke took -- provoke gone $pid 2>&1 > /dev/null | sed -n 's/^took //p')"; wait $pid
}
for round in $(seq $ROUNDS); do
  whole modtrail 'modtrail log -- true'
  sleep 8
  whole bpftrace 'bpftrace -c /bin/true /tmp/8.bt'
  whole trace-cmd "trace-cmd record -q -o /tmp/t $EVENTS8 true"
  whole perf "perf record -q -a -o /tmp/p $EVENTS8 true"
  whole modtrail-again 'modtrail log -- true; modtrail log -- true; modtrail log -- true'
  sleep 8
  stopped modtrail TERM 'modtrail record -o /tmp/m' 'grep -q ready /tmp/said'
  sleep 8
  stopped bpftrace INT 'bpftrace /tmp/8.bt' 'grep -q Attaching /tmp/out && sleep 3'
  for tool in $TOOLS; do traced $tool; sleep 6; done
done
trace-cmd record -q -o /out/trace.dat -e syscalls:sys_enter_openat provoke again $EVENTS open /dev/null 1>&2
"#;

/// Measures.
pub fn measure(size: Size) -> Result<(Trace, String, Vec<Row>)> {
    let folder = RunFolder::new()?;
    let (rounds, events) = (size.rounds, size.events.min(100_000));
    let (storm, loops, tools) = if size == Size::SHORT {
        (4, 30, "nothing modtrail bpftrace trace-cmd perf")
    } else {
        // Untraced as often as traced, in between.
        (60, 3_000, "nothing modtrail nothing bpftrace nothing trace-cmd nothing perf")
    };
    let script =
        format!("ROUNDS={rounds}; EVENTS={events}; TOOLS='{tools}'; export STORM={storm} LOOPS={loops}\n{SCRIPT}");
    let mut options = VmOptions::new(Guest::amd64(Series::V6_12), &["sh", "-c", &script]);
    options.clock = Clock::Instructions;
    options.smp = 1;
    options.memory_mib = 3072;
    options.timeout = Some(size.limit);
    options.modules = MODULES.map(str::to_owned).to_vec();
    options.files = shipped()?;
    options.out = Some(folder.path().join("out"));
    let outcome = vm::run(&options)?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    if outcome.end != End::Exited(0) {
        bail!(
            "the guest that measures ended with {:?}: {said}\n{}",
            outcome.end,
            String::from_utf8_lossy(&outcome.stderr)
        );
    }
    let found = Found::read(&said);
    let about = format!("Linux {}, one processor, medians of {}. {}.", outcome.release, size.rounds, versions()?);
    let file = folder.path().join("out/trace.dat");
    Ok((Trace { file, events, _folder: folder }, about, rows(&found)?))
}

/// A trace that trace-cmd made in the guest.
pub struct Trace {
    /// The file.
    pub file: PathBuf,
    /// The events that it has at least.
    pub events: u64,
    _folder: RunFolder,
}

/// Microseconds, or numbers, by tool and what was measured.
struct Found(BTreeMap<(String, String), Vec<f64>>);

impl Found {
    fn read(text: &str) -> Found {
        let mut found: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(tool), Some(what), Some(number), None) = (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let Ok(number) = number.parse::<f64>() {
                found.entry((tool.to_owned(), what.to_owned())).or_default().push(number);
            }
        }
        Found(found)
    }

    /// In seconds.
    fn median(&self, tool: &str, what: &str) -> Result<f64> {
        let values = self.0.get(&(tool.to_owned(), what.to_owned()));
        values
            .cloned()
            .map(|values| median(values) / 1e6)
            .with_context(|| format!("the guest did not say what {tool} took for {what}"))
    }
}

fn rows(found: &Found) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for peer in ["bpftrace", "trace-cmd", "perf"] {
        let what = "start and stop (`log -- true`; 8 hooks of the peer)";
        rows.push(Row::of(what, found.median("modtrail", "whole")?, (peer, found.median(peer, "whole")?), seconds));
    }
    let again = found.median("modtrail-again", "whole")? / 3.0;
    rows.push(Row::of(
        "the same, each of three in a row",
        again,
        ("bpftrace", found.median("bpftrace", "whole")?),
        seconds,
    ));
    let stop = found.median("modtrail", "stop")?;
    rows.push(Row::of("stop (from Ctrl-C to the end)", stop, ("bpftrace", found.median("bpftrace", "stop")?), seconds));
    let loads = [
        ("storm", "a storm of 60 requests at once"),
        ("forks", "300 forks and exits"),
        ("sockets", "`socket()`, 3,000 times"),
        ("opens", "`open()` of a device, 3,000 times"),
    ];
    for (load, what) in loads {
        let ours = found.median("modtrail", load)?;
        rows.push(Row::of(what, ours, ("untraced", found.median("nothing", load)?), seconds));
        for peer in ["bpftrace", "trace-cmd", "perf"] {
            rows.push(Row::of(what, ours, (peer, found.median(peer, load)?), seconds));
        }
    }
    let lost: f64 = found.0.get(&("modtrail".to_owned(), "lost".to_owned())).into_iter().flatten().sum();
    rows.push(Row::alone("events lost in the storms, with the default ring", format!("{}", lost as u64)));
    Ok(rows)
}

/// The peers with their libraries.
fn shipped() -> Result<Vec<Shipped>> {
    let programs: Vec<PathBuf> = PEERS.iter().map(|(_, name)| Path::new("/usr/bin").join(name)).collect();
    let libraries = tools::libraries(&programs)?;
    let place = |path: &PathBuf| Some(Shipped { host: path.canonicalize().ok()?, guest: path.to_str()?.to_owned() });
    Ok(programs.iter().chain(&libraries).filter_map(place).collect())
}

fn versions() -> Result<String> {
    let first = |program: &str, argument: &str| -> Result<String> {
        let text = process::text(Command::new(program).arg(argument))?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    Ok([first("bpftrace", "--version")?, first("perf", "--version")?, trace_cmd_version()?].join(", "))
}

/// It prints its version with its usage, and fails then.
fn trace_cmd_version() -> Result<String> {
    let answer = Command::new("trace-cmd").arg("--version").output().context("cannot start trace-cmd")?;
    let text = [answer.stdout, answer.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().find(|line| line.contains("version")).unwrap_or("trace-cmd").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Found, rows};

    #[test]
    fn what_the_guest_says_becomes_ratios() {
        let mut text = String::from("modtrail-again whole 1500000\nmodtrail stop 25000\nbpftrace stop 100000\nnoise\n");
        for tool in ["nothing", "modtrail", "bpftrace", "trace-cmd", "perf"] {
            for what in ["whole", "storm", "forks", "sockets", "opens"] {
                text.push_str(&format!("{tool} {what} 1000000\n"));
            }
        }
        text.push_str("modtrail lost 12\n");
        let rows = rows(&Found::read(&text)).unwrap();
        let ratio = |start: &str| rows.iter().find(|row| row.what.starts_with(start)).unwrap().ratio;
        assert_eq!((ratio("the same, each"), ratio("stop"), ratio("a storm")), (Some(0.5), Some(0.25), Some(1.0)));
        assert_eq!(rows.last().unwrap().ours, "12");
        assert!(super::rows(&Found::read("modtrail whole 1\n")).is_err());
    }
}
