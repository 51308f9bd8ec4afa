//! Which tasks belong to the traced command: its process, which user space names, and all that descend from it.

use crate::maps::{COMMAND, TASKS};
use crate::read;

/// Whether the current task's process `tgid` does.
#[inline(always)]
pub fn is_of_command(tgid: u32) -> bool {
    let command = read::command();
    if command == 0 || tgid == command {
        return command != 0;
    }
    match TASKS.get_ptr(tgid) {
        // SAFETY: the map's value is aligned and stays in memory while the program runs; at worst an entry that is
        // being deleted is read.
        Some(known) => unsafe { (*known).why & COMMAND != 0 && (*known).start == read::current_start() },
        None => false,
    }
}
