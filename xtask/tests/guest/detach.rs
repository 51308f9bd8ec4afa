//! What modtrail leaves behind: nothing, soon after it has ended, whichever way it ends. The kernel itself is asked.

use crate::lab::Lab;
use xtask::guest::Guest;

crate::on_each_guest!(nothing_stays_attached);

/// `gone WHAT`: waits until the kernel holds what it held before modtrail was started, ten seconds at most, and says so.
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
modtrail log -- sh -c 'provoke attached; cat /sys/kernel/tracing/enabled_functions' > /tmp/during
cmp -s /tmp/before /tmp/during && echo 'nothing was attached'
gone 'the command ended'
modtrail record -o /tmp/it.mcap 2> /tmp/said &
until grep -q ready /tmp/said; do sleep 0.3; done; kill -INT $!; wait $!; echo \"status $?\"
modtrail report /tmp/it.mcap > /dev/null && echo 'the recording is whole'
gone 'an interrupt'
modtrail log 2> /tmp/said &
until grep -q ready /tmp/said; do sleep 0.3; done; kill -KILL $!; wait $!
gone 'a kill'";

fn nothing_stays_attached(kernel: Guest) {
    let outcome = Lab::new(kernel).run(SCRIPT);
    let said = String::from_utf8_lossy(&outcome.stdout);
    let expected =
        ["the command ended: gone", "status 0", "the recording is whole", "an interrupt: gone", "a kill: gone"];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&outcome.stderr));
}
