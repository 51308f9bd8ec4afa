//! What modtrail leaves behind: nothing, soon after it has ended, however it ends; and nobody waits for that.
//!
//! In: a kernel, which is asked directly. Out: one test per guest.

use crate::lab::Lab;
use xtask::guest::Guest;

crate::at_length!(nothing_stays_attached);
crate::at_length_on_arm64!(nothing_stays_attached);

/// `gone WHAT`: waits until the kernel holds what it held before modtrail was started, for ten seconds at most, and
/// reports it.
const SCRIPT: &str = "\
cd /sys/kernel/tracing
held() { provoke attached; cat enabled_functions; }
held > /tmp/before
gone() {
  limit=$(($(cut -d. -f1 /proc/uptime) + 10))
  until sleep 1; held > /tmp/now; cmp -s /tmp/before /tmp/now; do
    if [ $(cut -d. -f1 /proc/uptime) -ge $limit ]; then echo \"$1: left\"; cat /tmp/now; return; fi
  done
  echo \"$1: gone\"
}
# The child that detaches holds what keeps probes attached, and the pipe by which it learns when to let go.
bare() {
  looks=0
  until child=$(grep -lsx modtrail-detach /proc/[0-9]*/comm | cut -d/ -f3) && [ \"$(readlink /proc/$child/cwd)\" = / ] && ! held_by $child; do
    looks=$((looks + 1)); [ $looks -lt 50 ] || { echo \"$1: not bare\"; ls -l /proc/$child/fd; return; }
  done
  echo \"$1: bare\"
}
held_by() { for file in /proc/$1/fd/*; do readlink $file; done | grep -v -e '^anon_inode:.*\\(link\\|perf_event\\)' -e '^pipe:'; }
modtrail log -- sh -c 'provoke attached; cat /sys/kernel/tracing/enabled_functions' > /tmp/during; bare 'the command ended'
cmp -s /tmp/before /tmp/during && echo 'nothing was attached'
gone 'the command ended'
modtrail record --for 1s -o /tmp/for.mcap 2> /dev/null; echo \"status $?\"; bare 'the time was over'
gone 'the time was over'
mkfifo /tmp/keys; provoke pty /tmp/screen -- modtrail < /tmp/keys & exec 3> /tmp/keys
until grep -q LIVE /tmp/screen; do sleep 0.3; done; printf qq >&3; exec 3>&-; wait $!; echo \"status $?\"; bare 'a key'
gone 'a key'
modtrail record -o /tmp/it.mcap 2> /tmp/said &
until grep -q ready /tmp/said; do sleep 0.3; done; kill -TERM $!; wait $!; echo \"status $?\"
modtrail report /tmp/it.mcap > /dev/null && echo 'the recording is whole'
gone 'a signal'
modtrail log 2> /tmp/said.log &
until grep -q ready /tmp/said.log; do sleep 0.3; done; kill -KILL $!; wait $!
gone 'a kill'";

fn nothing_stays_attached(kernel: Guest) {
    let outcome = Lab::new(kernel).run(SCRIPT);
    let said = String::from_utf8_lossy(&outcome.stdout);
    let expected = [
        "the command ended: bare",
        "the command ended: gone",
        "status 0",
        "the time was over: bare",
        "the time was over: gone",
        "status 0",
        "a key: bare",
        "a key: gone",
        "status 0",
        "the recording is whole",
        "a signal: gone",
        "a kill: gone",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&outcome.stderr));
}
