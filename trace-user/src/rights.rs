//! The rights that modtrail keeps while it traces. It gives up the others once the probes are attached.
//!
//! In: what is going to be done. Out: the capabilities that stay, each with its reason. This thread has no others then,
//! and gets none by running a program. Threads that it starts later inherit that.

use modtrail_core::event::Right;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

/// What depends on the kernel and on the command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Kernel stacks are read from `/proc`, because this kernel has no iterator over tasks.
    pub stacks_of_proc: bool,
    /// Kernel symbols are read from `/proc/kallsyms`: they cannot be asked for one at a time.
    pub symbols_of_proc: bool,
    /// Kprobes are attached, and this kernel takes CAP_SYS_ADMIN for them.
    pub guarded_kprobes: bool,
    /// The cost of each probe is counted from time to time.
    pub costs: bool,
    /// A command is traced: signals are passed on to it.
    pub command: bool,
    /// Files are made later, in a folder that belongs to another user.
    pub foreign_folder: bool,
}

/// A capability that stays: its name, what it is needed for, and its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    name: &'static str,
    why: &'static str,
    capability: CapabilitySet,
}

impl Kept {
    /// As it is reported.
    #[must_use]
    pub fn right(&self) -> Right {
        Right { capability: self.name.into(), why: self.why.into() }
    }
}

/// The capabilities that are needed after the probes are attached, as far as this process has them.
#[must_use]
pub fn needed(needs: Needs) -> Vec<Kept> {
    let permitted = capabilities(None).map_or_else(|_| CapabilitySet::empty(), |sets| sets.permitted);
    kept(needs, permitted)
}

fn kept(needs: Needs, permitted: CapabilitySet) -> Vec<Kept> {
    let one = |name, why, capability| Kept { name, why, capability };
    let own = CapabilitySet::BPF | CapabilitySet::PERFMON;
    let mut all = vec![
        one(
            "CAP_BPF",
            "to read the probes' counters, and to attach probes again that stopped firing",
            CapabilitySet::BPF,
        ),
        one("CAP_PERFMON", "to attach probes again that stopped firing", CapabilitySet::PERFMON),
        one("CAP_SYS_PTRACE", "to read which executable another user's process runs", CapabilitySet::SYS_PTRACE),
    ];
    if !permitted.contains(own) {
        let why = "in place of CAP_BPF or CAP_PERFMON, which modtrail was started without";
        all.push(one("CAP_SYS_ADMIN", why, CapabilitySet::SYS_ADMIN));
    } else if needs.stacks_of_proc {
        let why = "to read the kernel stacks of what is stuck from /proc, since this kernel has no iterator over tasks";
        all.push(one("CAP_SYS_ADMIN", why, CapabilitySet::SYS_ADMIN));
    } else if needs.guarded_kprobes {
        let why = "to attach kprobes again that stopped firing, since kernel.perf_event_paranoid is more than 2";
        all.push(one("CAP_SYS_ADMIN", why, CapabilitySet::SYS_ADMIN));
    } else if needs.costs {
        all.push(one(
            "CAP_SYS_ADMIN",
            "to count what each probe costs, on the probes screen",
            CapabilitySet::SYS_ADMIN,
        ));
    }
    if needs.symbols_of_proc {
        all.push(one("CAP_SYSLOG", "to name kernel symbols from /proc/kallsyms", CapabilitySet::SYSLOG));
    }
    if needs.command {
        let why = "to pass signals on to the command, which may run as another user";
        all.push(one("CAP_KILL", why, CapabilitySet::KILL));
    }
    if needs.foreign_folder {
        let why = "to make the next files of the recording in a folder that belongs to another user";
        all.push(one("CAP_DAC_OVERRIDE", why, CapabilitySet::DAC_OVERRIDE));
    }
    all.retain(|kept| permitted.contains(kept.capability));
    all
}

/// Gives up everything that is not in `kept`, for this thread and those that it starts. What the kernel does not allow
/// stays as it is.
///
/// # Errors
/// What the system answers if capabilities cannot be given up.
pub fn keep_only(kept: &[Kept]) -> Result<(), Errno> {
    let set = kept.iter().fold(CapabilitySet::empty(), |set, one| set | one.capability);
    // Where that is not allowed, no_new_privs makes the bounding set useless.
    empty_bounding_set();
    let _ = clear_ambient_capability_set();
    set_capabilities(None, CapabilitySets { effective: set, permitted: set, inheritable: CapabilitySet::empty() })?;
    set_no_new_privs(true)
}

/// Gives up all capabilities for good, as an alert's command shall have none. Programs that become another user or
/// group when they run still do, if the bounding set can be emptied: such a command may want to send mail.
///
/// # Errors
/// What the system answers.
pub fn keep_none() -> Result<(), Errno> {
    let is_empty = empty_bounding_set();
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // Otherwise, a program that root runs would have what is left in the bounding set.
    if is_empty { Ok(()) } else { set_no_new_privs(true) }
}

/// Takes all capabilities that the kernel knows from the bounding set; whether that worked.
fn empty_bounding_set() -> bool {
    let known = CapabilitySet::all().iter().filter(|one| capability_is_in_bounding_set(*one).is_ok_and(|is_in| is_in));
    known.map(remove_capability_from_bounding_set).filter(Result::is_err).count() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(needs: Needs, permitted: CapabilitySet) -> Vec<&'static str> {
        kept(needs, permitted).iter().map(|one| one.name).collect()
    }

    #[test]
    fn only_what_is_needed_and_there_stays() {
        let own = CapabilitySet::BPF | CapabilitySet::PERFMON;
        assert_eq!(names(Needs::default(), CapabilitySet::all()), ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"]);
        assert_eq!(names(Needs::default(), own), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(
            names(Needs { costs: true, ..Needs::default() }, own | CapabilitySet::SYS_ADMIN).last(),
            Some(&"CAP_SYS_ADMIN")
        );
        assert_eq!(
            names(Needs::default(), CapabilitySet::SYS_ADMIN | CapabilitySet::BPF),
            ["CAP_BPF", "CAP_SYS_ADMIN"]
        );
        let all = Needs {
            stacks_of_proc: true,
            symbols_of_proc: true,
            guarded_kprobes: true,
            costs: true,
            command: true,
            foreign_folder: true,
        };
        let own = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_SYSLOG", "CAP_KILL"];
        let every = [&own[..], &["CAP_DAC_OVERRIDE"]].concat();
        assert_eq!(names(all, CapabilitySet::all()), every);
        assert!(names(all, CapabilitySet::empty()).is_empty());
    }
}
