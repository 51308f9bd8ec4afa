//! Which tasks belong to the traced command: its process, which user space names, and all that descend from it.

use crate::maps::COMMAND;
use crate::read;

/// Whether the current task's process `tgid` does.
#[inline(always)]
pub fn is_of_command(tgid: u32) -> bool {
    let command = read::command();
    if command == 0 || tgid == command {
        return command != 0;
    }
    // SAFETY: the value is copied at once; at worst an entry that is being deleted is read.
    match unsafe { COMMAND.get(tgid) } {
        Some(start) => *start == read::current_start(),
        None => false,
    }
}

/// A process of the command's made this one; returns whether there was room to remember it.
#[inline(always)]
pub fn forked(child: u32, start: u64) -> bool {
    COMMAND.insert(child, start, 0).is_ok()
}

/// The current task's process ends.
#[inline(always)]
pub fn exited(tgid: u32) {
    if read::command() != 0 {
        let _ = COMMAND.remove(tgid);
    }
}
