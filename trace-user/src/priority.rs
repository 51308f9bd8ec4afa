//! How modtrail is scheduled while it traces.
//!
//! In: nothing. Out: a higher priority of this thread and those that it starts later, if the kernel allows it.

use rustix::process::{getpriority_process, setpriority_process};

/// A nice value: tasks that flood the machine must not delay alerts.
const NICE: i32 = -10;

/// Has modtrail scheduled before what it watches. Without the right to that, it is scheduled like any other program.
pub fn raise() {
    if getpriority_process(None).is_ok_and(|nice| nice > NICE) {
        let _ = setpriority_process(None, NICE);
    }
}
