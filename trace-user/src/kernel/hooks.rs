//! The ladder, as data: for each moment the hooks that can see it, the most reliable first, and what is lost on each
//! rung. Attaching, `doctor` and `docs/hooks.md` are made from this table.

use Mechanism::{BtfTracepoint, Fentry, Fexit, Kprobe, Kretprobe, RawTracepoint};
use trace_common::kind::Kind;

/// One moment and its rungs.
#[derive(Debug)]
pub struct Ladder {
    /// What is to be seen.
    pub moment: Kind,
    /// What it means, for the docs.
    pub meaning: &'static str,
    /// The candidates, best first.
    pub rungs: &'static [Rung],
}

/// One way to see a moment.
#[derive(Debug)]
pub struct Rung {
    /// The hook's mechanism.
    pub mechanism: Mechanism,
    /// What is attached to what: all of them, or the rung does not hold.
    pub programs: &'static [(&'static str, &'static str)],
    /// Something may pass unseen (a return probe has a limited number of places).
    pub may_miss: bool,
    /// What is lost compared with the best rung; empty for nothing.
    pub loses: &'static str,
    /// Where it works.
    pub since: &'static str,
}

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// A tracepoint with typed arguments.
    BtfTracepoint,
    /// A tracepoint with untyped arguments.
    RawTracepoint,
    /// A function's entry, by trampoline.
    Fentry,
    /// A function's return, by trampoline.
    Fexit,
    /// A function's entry, by breakpoint or ftrace.
    Kprobe,
    /// A function's return, by a replaced return address.
    Kretprobe,
}

/// Which rungs may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum HookChoice {
    /// The most reliable one that this kernel offers
    #[default]
    Auto,
    /// Tracepoints and trampolines only
    Btf,
    /// Kprobes and kretprobes only
    Kprobe,
}

impl Mechanism {
    /// The field's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BtfTracepoint => "tp_btf",
            Self::RawTracepoint => "raw_tp",
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
        }
    }
}

impl HookChoice {
    /// Whether rungs of this mechanism may be taken.
    #[must_use]
    pub const fn allows(self, mechanism: Mechanism) -> bool {
        let is_kprobe = matches!(mechanism, Kprobe | Kretprobe);
        match self {
            Self::Auto => true,
            Self::Btf => !is_kprobe,
            Self::Kprobe => is_kprobe,
        }
    }
}

impl Rung {
    /// The hook in words: `fexit call_usermodehelper_exec`.
    #[must_use]
    pub fn name(&self) -> String {
        let targets: Vec<&str> = self.programs.iter().map(|(_, target)| *target).collect();
        format!("{} {}", self.mechanism.as_str(), targets.join(" + "))
    }
}

const RETURNS_MISSED: &str = "returns beyond the kernel's places for return probes (10 or twice the CPUs) are missed";

const fn rung(mechanism: Mechanism, programs: &'static [(&'static str, &'static str)], since: &'static str) -> Rung {
    Rung { mechanism, programs, may_miss: false, loses: "", since }
}

const fn lossy(
    mechanism: Mechanism,
    programs: &'static [(&'static str, &'static str)],
    since: &'static str,
    loses: &'static str,
) -> Rung {
    let may_miss = matches!(mechanism, Kretprobe);
    Rung { mechanism, programs, may_miss, loses, since }
}

const TRAMPOLINE: &str = "x86-64 5.5, arm64 6.12 (6.1 and older load but do not attach)";
const ALL: &str = "all";

#[cfg(target_arch = "x86_64")]
mod syscall {
    pub const INIT: &str = "__x64_sys_init_module";
    pub const FINIT: &str = "__x64_sys_finit_module";
}
#[cfg(target_arch = "aarch64")]
mod syscall {
    pub const INIT: &str = "__arm64_sys_init_module";
    pub const FINIT: &str = "__arm64_sys_finit_module";
}

/// Every moment that has a hook of its own, in order of a request's life. (`CallerGone` comes with `Exited`.)
pub const LADDERS: &[Ladder] = &[
    Ladder {
        moment: Kind::Requested,
        meaning: "a task asks for an alias, before it waits for a slot",
        rungs: &[
            rung(Fexit, &[("requested_fexit", "security_kernel_module_request")], TRAMPOLINE),
            lossy(
                Kprobe,
                &[("requested_kprobe", "security_kernel_module_request")],
                ALL,
                "what the security module answered: a denied request looks like one that nothing followed",
            ),
        ],
    },
    Ladder {
        moment: Kind::Admitted,
        meaning: "the request has one of the 50 slots",
        rungs: &[
            rung(BtfTracepoint, &[("admitted_btf", "module_request")], "5.5"),
            rung(RawTracepoint, &[("admitted_raw", "module_request")], "4.17"),
        ],
    },
    Ladder {
        moment: Kind::CallEntered,
        meaning: "a task asks the kernel to run a helper",
        rungs: &[
            rung(Fentry, &[("call_entered_fentry", "call_usermodehelper_exec")], TRAMPOLINE),
            rung(Kprobe, &[("call_entered_kprobe", "call_usermodehelper_exec")], ALL),
        ],
    },
    Ladder {
        moment: Kind::CallReturned,
        meaning: "the helper call returns to the task",
        rungs: &[
            rung(Fexit, &[("call_returned_fexit", "call_usermodehelper_exec")], TRAMPOLINE),
            lossy(Kretprobe, &[("call_returned_kretprobe", "call_usermodehelper_exec")], ALL, RETURNS_MISSED),
        ],
    },
    Ladder {
        moment: Kind::CallPicked,
        meaning: "a kernel worker takes the call up",
        rungs: &[
            rung(Fentry, &[("call_picked_fentry", "call_usermodehelper_exec_work")], TRAMPOLINE),
            rung(Kprobe, &[("call_picked_kprobe", "call_usermodehelper_exec_work")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Born,
        meaning: "the helper's task exists: the call's pointer meets its pid",
        rungs: &[
            rung(Fentry, &[("born_fentry", "call_usermodehelper_exec_async")], TRAMPOLINE),
            rung(Kprobe, &[("born_kprobe", "call_usermodehelper_exec_async")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Executed,
        meaning: "the helper's exec is done, or has failed",
        rungs: &[
            rung(Fexit, &[("executed_fexit", "kernel_execve")], TRAMPOLINE),
            lossy(Kretprobe, &[("executed_kretprobe", "kernel_execve")], ALL, RETURNS_MISSED),
            lossy(RawTracepoint, &[("executed_raw", "sched_process_exec")], "4.17", "an exec that fails"),
        ],
    },
    Ladder {
        moment: Kind::Completed,
        meaning: "the kernel is done with a helper that is waited for",
        rungs: &[
            rung(Kprobe, &[("umh_complete_kprobe", "umh_complete")], "where the compiler kept the function (arm64)"),
            lossy(
                Fexit,
                &[("completed_fexit", "call_usermodehelper_exec_work")],
                TRAMPOLINE,
                "some microseconds: the worker's function returns right after umh_complete",
            ),
            lossy(Kretprobe, &[("completed_kretprobe", "call_usermodehelper_exec_work")], ALL, RETURNS_MISSED),
        ],
    },
    Ladder {
        moment: Kind::Forked,
        meaning: "a process of a helper's tree forks",
        rungs: &[
            rung(BtfTracepoint, &[("forked_btf", "sched_process_fork")], "5.5"),
            rung(RawTracepoint, &[("forked_raw", "sched_process_fork")], "4.17"),
            rung(Kprobe, &[("forked_kprobe", "wake_up_new_task")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Exited,
        meaning: "the last thread of a process of a helper's tree exits",
        rungs: &[
            rung(BtfTracepoint, &[("exited_btf", "sched_process_exit")], "5.5"),
            rung(RawTracepoint, &[("exited_raw", "sched_process_exit")], "4.17"),
            rung(Kprobe, &[("exited_kprobe", "exit_files")], ALL),
        ],
    },
    Ladder {
        moment: Kind::LoadBegan,
        meaning: "a task enters init_module or finit_module",
        rungs: &[
            rung(
                Fentry,
                &[("init_module_began_fentry", syscall::INIT), ("finit_module_began_fentry", syscall::FINIT)],
                TRAMPOLINE,
            ),
            rung(
                Kprobe,
                &[("init_module_began_kprobe", syscall::INIT), ("finit_module_began_kprobe", syscall::FINIT)],
                ALL,
            ),
        ],
    },
    Ladder {
        moment: Kind::ImageRead,
        meaning: "the module's image is in memory, decompressed",
        rungs: &[
            rung(Fentry, &[("image_read_fentry", "load_module")], TRAMPOLINE),
            rung(Kprobe, &[("image_read_kprobe", "load_module")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Coming,
        meaning: "the module is MODULE_STATE_COMING",
        rungs: &[
            rung(Fentry, &[("coming_fentry", "tracepoint_module_notify")], TRAMPOLINE),
            rung(Kprobe, &[("coming_kprobe", "tracepoint_module_notify")], ALL),
            lossy(
                RawTracepoint,
                &[("coming_raw", "module_load")],
                "4.17",
                "modules that fail while parameters are parsed",
            ),
        ],
    },
    Ladder {
        moment: Kind::InitBegun,
        meaning: "do_init_module is entered: the module's init is about to run",
        rungs: &[
            rung(Fentry, &[("init_begun_fentry", "do_init_module")], TRAMPOLINE),
            rung(Kprobe, &[("init_begun_kprobe", "do_init_module")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Live,
        meaning: "the module is MODULE_STATE_LIVE",
        rungs: &[
            rung(
                Fentry,
                &[("live_chain_fentry", "blocking_notifier_call_chain")],
                "6.1 (before, the function is called at every process exit), with module_notify_list in kallsyms",
            ),
            lossy(Fentry, &[("live_notify_fentry", "tracepoint_module_notify")], TRAMPOLINE, NOTIFIED_LATER),
            lossy(Kprobe, &[("live_notify_kprobe", "tracepoint_module_notify")], ALL, NOTIFIED_LATER),
        ],
    },
    Ladder {
        moment: Kind::InitEnded,
        meaning: "do_init_module returns, asynchronous work of the init done",
        rungs: &[
            rung(Fexit, &[("init_ended_fexit", "do_init_module")], TRAMPOLINE),
            lossy(Kretprobe, &[("init_ended_kretprobe", "do_init_module")], ALL, RETURNS_MISSED),
        ],
    },
    Ladder {
        moment: Kind::LoadEnded,
        meaning: "init_module or finit_module returns",
        rungs: &[
            rung(
                Fexit,
                &[("init_module_ended_fexit", syscall::INIT), ("finit_module_ended_fexit", syscall::FINIT)],
                TRAMPOLINE,
            ),
            lossy(
                Kretprobe,
                &[("init_module_ended_kretprobe", syscall::INIT), ("finit_module_ended_kretprobe", syscall::FINIT)],
                ALL,
                RETURNS_MISSED,
            ),
        ],
    },
    Ladder {
        moment: Kind::Going,
        meaning: "the module is MODULE_STATE_GOING",
        rungs: &[
            rung(Fentry, &[("going_fentry", "tracepoint_module_notify")], TRAMPOLINE),
            rung(Kprobe, &[("going_kprobe", "tracepoint_module_notify")], ALL),
        ],
    },
    Ladder {
        moment: Kind::Freed,
        meaning: "the module's memory is being given back",
        rungs: &[
            rung(BtfTracepoint, &[("freed_btf", "module_free")], "5.5"),
            rung(RawTracepoint, &[("freed_raw", "module_free")], "4.17"),
            rung(Kprobe, &[("freed_kprobe", "free_module")], ALL),
        ],
    },
];

const NOTIFIED_LATER: &str = "16 to 30 microseconds, milliseconds where another notifier is slow";

/// The moments without which no request can be followed. Where one of them cannot be seen, there is nothing to trace.
pub const NEEDED: [Kind; 3] = [Kind::Requested, Kind::CallEntered, Kind::Live];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_moment_has_one_ladder_and_no_program_two_rungs() {
        let moments: BTreeSet<Kind> = LADDERS.iter().map(|ladder| ladder.moment).collect();
        let expected: BTreeSet<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::CallerGone).collect();
        assert_eq!(moments, expected);
        assert_eq!(LADDERS.len(), moments.len());
        let programs: Vec<&str> = LADDERS
            .iter()
            .flat_map(|ladder| ladder.rungs)
            .flat_map(|rung| rung.programs)
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(programs.iter().collect::<BTreeSet<_>>().len(), programs.len());
    }

    #[test]
    fn the_three_core_kprobes_are_there() {
        let kprobes: Vec<&str> = LADDERS
            .iter()
            .flat_map(|ladder| ladder.rungs)
            .filter(|rung| rung.mechanism == Kprobe)
            .flat_map(|rung| rung.programs)
            .map(|(_, target)| *target)
            .collect();
        for core in ["call_usermodehelper_exec", "do_init_module", "umh_complete"] {
            assert!(kprobes.contains(&core), "{core}");
        }
    }
}
