//! What the words on the screens mean: the headings of columns, and the phases. Verdicts and findings have pages of
//! their own in the core.

/// A word and its meaning.
pub type Entry = (&'static str, &'static str);

/// The things that are followed.
pub const THINGS: [Entry; 7] = [
    ("request", "one call of request_module() in the kernel, by one task, for one alias"),
    ("helper", "the process that the kernel starts for a request, usually modprobe"),
    ("helper call", "the kernel starts a program; on the helpers screen, those that serve no request"),
    ("load", "one attempt to load a module, by any task"),
    ("live", "the instant from which the module can be used (MODULE_STATE_LIVE)"),
    ("stalled", "open for longer than the limit (10s unless configured otherwise)"),
    ("moment", "something that a probe can see; a hook is what the probe is attached to"),
];

/// The headings of the columns of all screens.
pub const COLUMNS: [Entry; 38] = [
    ("#", "its number, in the order in which it was first seen"),
    ("time", "when it began"),
    ("alias", "the string that was asked for, with the name that engineers know for it"),
    (
        "verdict",
        "what became of it; see below. \"by another\" is short for satisfied by another; stalled is open too long",
    ),
    ("module", "the module that the alias resolves to, or that is loaded"),
    ("requester", "the task that asked: its name and pid"),
    ("total", "from the beginning to the return; + while it is open, ! if that is too long"),
    ("to live", "from the beginning until the module was live"),
    ("result", "how it ended: an exit status, a signal, an errno, ok; while it is open, what it waits for"),
    ("dup", "others that asked for the same thing at the same time"),
    ("for", "the request that it serves, or what the helper is for"),
    ("command", "what the helper executes"),
    ("caller", "the task that called the helper"),
    ("waits", "what the caller waits for: none, exec (the start) or proc (the end)"),
    ("pid", "the helper's process"),
    ("by", "the task that did it"),
    ("size", "of the module's file, decompressed"),
    ("init", "how long the module's init function ran"),
    ("same", "what the group has in common: alias, module or file"),
    ("name", "the alias or module of a group; the name of a finding"),
    ("times", "how many asked, or loaded, at the same time"),
    ("first", "who came first"),
    ("live by", "whose load made the module live"),
    ("helpers", "helper runs that made nothing live; of a suspend, the helpers that it met"),
    ("wasted", "bytes of modules that were read and thrown away"),
    ("in vain", "how long those helpers or loads ran, in total"),
    ("awake", "how long the attempt took, without the time asleep"),
    ("asleep", "how long the machine slept"),
    ("drain", "how long suspend waited for helpers that were running"),
    ("what", "what was tried, or found"),
    ("file", "the firmware file"),
    ("device", "the device that the firmware is for"),
    ("lock", "whether the request keeps helpers enabled while suspend wants to disable them"),
    ("moment", "what the probe sees"),
    ("attached", "what the probe is attached to"),
    ("runs", "how often it ran"),
    ("per run", "what a run costs"),
    ("loses", "what this hook cannot see"),
];

/// Where a request's time goes.
pub const PHASES: [Entry; 8] = [
    ("slot wait", "the wait for one of the 50 slots that the kernel has for requests"),
    ("queue", "the helper call waits for a kernel worker"),
    ("fork, exec", "the worker starts the helper"),
    ("user", "the helper runs, outside its loads"),
    ("load", "the module is read, decompressed, verified and laid out"),
    ("init", "the module's init function runs"),
    ("settle", "the module is live, and its load waits for asynchronous work"),
    ("wake", "the requester wakes up"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screens;
    use std::collections::BTreeSet;

    #[test]
    fn every_heading_of_every_screen_is_explained_once_and_nothing_else() {
        let explained: BTreeSet<&str> = COLUMNS.iter().map(|(word, _)| *word).collect();
        assert_eq!(explained.len(), COLUMNS.len());
        let headings: BTreeSet<&str> = screens::all().iter().flat_map(|screen| screen.headings()).collect();
        assert_eq!(headings, explained);
    }
}
