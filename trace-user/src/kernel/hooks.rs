//! The ladder, as data: for each moment the hooks that can see it, the most reliable first, and what is lost on each
//! rung. If a kprobe and a trampoline see the same thing, the kprobe comes first: it is attached in half the time, and
//! the kernel waits for a grace period for each function that it removes a trampoline from. Attaching, `doctor` and
//! `docs/hooks.md` use this table.

use Mechanism::{BtfTracepoint, Fentry, Fexit, Kprobe, Kretprobe, RawTracepoint};
use Requirement::{
    CallResult, ConsoleInContext, DeviceTypes, LogStore, ModprobePath, ModulesChain, OwnReads, PrintedErrors,
    ReturnedErrors, SlotSemaphore, UeventKset, UeventWithoutKset,
};
use trace_common::kind::Kind;
use trace_common::settings::{DeviceOffsets, Settings, UNKNOWN};

/// One moment and its rungs.
#[derive(Debug)]
pub struct Ladder {
    /// The moment.
    pub moment: Kind,
    /// What it means, for the docs.
    pub meaning: &'static str,
    /// What is lost if it is not seen at all.
    pub without: &'static str,
    /// The candidates, best first.
    pub rungs: &'static [Rung],
    /// The function that only kernels have on which the moment happens; `None` if it happens on all.
    pub only_with: Option<&'static str>,
}

/// One way to see a moment.
#[derive(Debug)]
pub struct Rung {
    /// What is attached to what: all of it, or the rung does not work.
    pub programs: &'static [Program],
    /// Some occurrences may not be seen (a return probe has a limited number of places).
    pub may_miss: bool,
    /// What is lost compared with the best rung; empty if nothing is.
    pub loses: &'static str,
    /// Where it works.
    pub since: &'static str,
    /// What the kernel must have, beside the function itself, for the hook to mean what is assumed.
    pub requires: Requirement,
}

/// What a hook requires of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing.
    Nothing,
    /// The chain of the modules' notifier can be distinguished from others: its address is known, and the function does
    /// not fire at every process exit, as it does in 5.10 (kernel/exit.c `profile_task_exit`); 6.1 is the first kernel
    /// that was seen not to.
    ModulesChain,
    /// Slots are a semaphore (kernel/module/kmod.c, from 6.4).
    SlotSemaphore,
    /// The kernel's types show where a call keeps its result.
    CallResult,
    /// `printk:console` fires in the context that prints (kernel/printk/printk.c `printk_sprint`); 6.1 is the first
    /// kernel that was seen to do so.
    ConsoleInContext,
    /// The kernel says where `modprobe_path` lies.
    ModprobePath,
    /// The arguments of `log_store` lie where Debian's 5.10 has them.
    LogStore,
    /// Each load reads its file itself; from 6.5 on, some wait for another load of theirs.
    OwnReads,
    /// The kernel's types show what a device and its driver are.
    DeviceTypes,
    /// The same, and a driver's error is returned: 6.1 is the first kernel that was seen to do so.
    ReturnedErrors,
    /// The same, and a driver's error is printed by `printk`, which has that name before 5.15.
    PrintedErrors,
    /// The kernel's types show where the strings of a uevent are, and the function that fills them has the set of the
    /// device as its first argument: it was seen to in 5.10.
    UeventKset,
    /// The same, and it has not: 6.1 is the first kernel that was seen so.
    UeventWithoutKset,
}

impl Requirement {
    /// Why a kernel of this release does not have it; the settings hold what was found about the kernel.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn check(self, release: (u32, u32), settings: &Settings, devices: &DeviceOffsets) -> Result<(), &'static str> {
        match self {
            Self::ModulesChain if settings.module_notify_list == 0 => {
                Err("the kernel does not say where module_notify_list lies")
            }
            Self::ModulesChain if release < (6, 1) => {
                Err("not used before 6.1, where it may fire at every process exit")
            }
            Self::SlotSemaphore if release < (6, 4) => Err("slots are no semaphore before 6.4"),
            Self::ConsoleInContext if release < (6, 1) => {
                Err("not used before 6.1, where it fires in another task than the one that prints")
            }
            Self::ModprobePath if settings.modprobe_path == 0 => {
                Err("the kernel does not say where modprobe_path lies")
            }
            Self::LogStore if release != (5, 10) || cfg!(not(target_arch = "x86_64")) => {
                Err("the function's arguments are known for 5.10 on x86-64 alone")
            }
            Self::OwnReads if release >= (6, 5) => {
                Err("from 6.5 on, a load that waits for another does not read its file")
            }
            Self::CallResult if settings.offsets.call_retval == UNKNOWN => {
                Err("the kernel's BTF does not say where a call keeps its result")
            }
            Self::DeviceTypes | Self::ReturnedErrors | Self::PrintedErrors if devices.device_driver == UNKNOWN => {
                Err("the kernel's BTF does not describe devices")
            }
            Self::ReturnedErrors if release < (5, 15) => Err("before 5.15, a driver's error is not returned"),
            Self::PrintedErrors if release >= (5, 15) => Err("from 5.15 on, a driver's error is returned"),
            Self::UeventKset | Self::UeventWithoutKset if devices.uevent_strings == UNKNOWN => {
                Err("the kernel's BTF does not describe uevents")
            }
            Self::UeventKset if release >= (5, 17) => Err("the function has other arguments from 5.17 on"),
            Self::UeventWithoutKset if release < (5, 17) => Err("the function has other arguments before 5.17"),
            Self::Nothing
            | Self::ModulesChain
            | Self::SlotSemaphore
            | Self::CallResult
            | Self::ConsoleInContext
            | Self::ModprobePath
            | Self::LogStore
            | Self::OwnReads
            | Self::DeviceTypes
            | Self::ReturnedErrors
            | Self::PrintedErrors
            | Self::UeventKset
            | Self::UeventWithoutKset => Ok(()),
        }
    }
}

/// A program and what it is attached to.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// How.
    pub mechanism: Mechanism,
    /// Its name in the object.
    pub name: &'static str,
    /// The function or tracepoint.
    pub target: &'static str,
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
    /// The best one that this kernel offers
    #[default]
    Auto,
    /// Tracepoints and trampolines only
    Btf,
    /// Kprobes and kretprobes only
    Kprobe,
}

impl Mechanism {
    /// The field's name for it.
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

impl Mechanism {
    /// Whether it is attached like a kprobe.
    #[must_use]
    pub const fn is_kprobe(self) -> bool {
        matches!(self, Kprobe | Kretprobe)
    }
}

impl HookChoice {
    /// Whether the rung may be taken.
    #[must_use]
    pub fn allows(self, rung: &Rung) -> bool {
        match self {
            Self::Auto => true,
            Self::Btf => rung.programs.iter().all(|program| !program.mechanism.is_kprobe()),
            Self::Kprobe => rung.programs.iter().all(|program| program.mechanism.is_kprobe()),
        }
    }
}

impl Rung {
    const fn requiring(self, requires: Requirement) -> Self {
        Self { requires, ..self }
    }

    /// The hook in words: `fexit call_usermodehelper_exec`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        let mut before = None;
        for program in self.programs {
            let mechanism = (before != Some(program.mechanism)).then(|| program.mechanism.as_str());
            before = Some(program.mechanism);
            let words = [(!name.is_empty()).then_some("+"), mechanism, Some(program.target)];
            for word in words.into_iter().flatten() {
                name.push_str(if name.is_empty() { "" } else { " " });
                name.push_str(word);
            }
        }
        name
    }

    /// It begins with a kprobe. If tasks can be preempted in the kernel, a task that is preempted in a probe run by a
    /// trampoline or a tracepoint causes other runs of that probe on the same CPU to be skipped
    /// (kernel/bpf/trampoline.c `__bpf_prog_enter_recur`, 5.12 to 7.3). A kprobe's run is not preempted, and seldom
    /// skipped.
    #[must_use]
    pub fn is_never_skipped(&self) -> bool {
        self.programs.first().is_some_and(|program| program.mechanism == Kprobe)
    }
}

impl Ladder {
    /// The rungs that may be used, best first for a kernel whose tasks can, or cannot, be preempted.
    #[must_use]
    pub fn order(&self, choice: HookChoice, preemptible: bool) -> Vec<&'static Rung> {
        let mut rungs: Vec<&'static Rung> = self.rungs.iter().filter(|rung| choice.allows(rung)).collect();
        if preemptible {
            rungs.sort_by_key(|rung| !rung.is_never_skipped());
        }
        rungs
    }
}

const RETURNS_MISSED: &str = "returns beyond the kernel's places for return probes (10 or twice the CPUs) are missed";

const fn program(mechanism: Mechanism, name: &'static str, target: &'static str) -> Program {
    Program { mechanism, name, target }
}

const fn rung(programs: &'static [Program], since: &'static str) -> Rung {
    Rung { programs, may_miss: false, loses: "", since, requires: Requirement::Nothing }
}

/// A rung that misses nothing that a verdict relies on.
const fn losing(programs: &'static [Program], since: &'static str, loses: &'static str) -> Rung {
    Rung { programs, may_miss: false, loses, since, requires: Requirement::Nothing }
}

const fn lossy(programs: &'static [Program], since: &'static str, loses: &'static str) -> Rung {
    let mut may_miss = false;
    let mut index = 0;
    while index < programs.len() {
        may_miss |= matches!(programs[index].mechanism, Kretprobe);
        index += 1;
    }
    Rung { programs, may_miss, loses, since, requires: Requirement::Nothing }
}

const TRAMPOLINE: &str = "x86-64 5.5, arm64 6.12 (6.1 and older load but do not attach)";
const ALL: &str = "all";
const SINCE_BLKDEV: &str = "6.1 (before, no such function can be hooked)";
const IDEMPOTENT: &str = "6.5; before, nobody waits for a file that another loads";
const NO_HIBERNATION: &str = "kernels without hibernation";
const SEMAPHORE: &str = "6.4; before, slots are no semaphore";
const CHAIN: &str = "6.1 (before, the function is called at every process exit), with module_notify_list in kallsyms";
const OWN_READS: &str = "all before 6.5, where each load reads its file";
const WAITERS_UNNAMED: &str = "the files of loads that wait for another load of theirs";
const WITH_MODPROBE_PATH: &str = "all, with modprobe_path in kallsyms";
const ADMITTED_ONLY: &str =
    "the wait for a slot, and requests that are turned away (for kernels without security hooks)";

#[cfg(target_arch = "x86_64")]
mod syscall {
    pub const INIT: &str = "__x64_sys_init_module";
    pub const FINIT: &str = "__x64_sys_finit_module";
    pub const DELETE: &str = "__x64_sys_delete_module";
}
#[cfg(target_arch = "aarch64")]
mod syscall {
    pub const INIT: &str = "__arm64_sys_init_module";
    pub const FINIT: &str = "__arm64_sys_finit_module";
    pub const DELETE: &str = "__arm64_sys_delete_module";
}

/// Every moment that has a hook of its own, in order of a request's life. (`CallerGone` comes with `Exited`.)
pub const LADDERS: &[Ladder] = &[
    Ladder {
        moment: Kind::Requested,
        meaning: "a task asks for an alias, before it waits for a slot",
        without: "everything",
        rungs: &[
            rung(&[program(Kprobe, "requested_kprobe", "security_kernel_module_request")], ALL),
            rung(&[program(Fentry, "requested_fentry", "security_kernel_module_request")], TRAMPOLINE),
            lossy(&[program(BtfTracepoint, "requested_btf", "module_request")], "5.5", ADMITTED_ONLY),
            lossy(&[program(RawTracepoint, "requested_raw", "module_request")], "4.17", ADMITTED_ONLY),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::RefusedEarly,
        meaning: "a request is refused before a security module is asked: no helper is set, or the name is too long",
        without: "such requests",
        rungs: &[rung(&[program(Kprobe, "asked_kprobe", "__request_module")], WITH_MODPROBE_PATH).requiring(ModprobePath)],
        only_with: None,
    },
    Ladder {
        moment: Kind::Denied,
        meaning: "a security module answers no",
        without: "that a security module said no: such a request looks like one that nothing followed",
        rungs: &[
            rung(&[program(Fexit, "denied_fexit", "security_kernel_module_request")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "denied_kretprobe", "security_kernel_module_request")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Throttled,
        meaning: "no slot became free in time",
        without: "that a request was turned away: it is inferred where all slots were taken",
        rungs: &[
            rung(&[program(Fexit, "throttled_fexit", "down_timeout")], SEMAPHORE).requiring(SlotSemaphore),
            lossy(&[program(Kretprobe, "throttled_kretprobe", "down_timeout")], SEMAPHORE, RETURNS_MISSED)
                .requiring(SlotSemaphore),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Deduplicated,
        meaning: "the kernel answers a request with the result of an earlier one for the same name",
        without: "the outcome of such requests",
        rungs: &[rung(&[program(Fexit, "deduplicated_fexit", DEDUPLICATION)], "6.4, with CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS")],
        only_with: Some(DEDUPLICATION),
    },
    Ladder {
        moment: Kind::Admitted,
        meaning: "the request has one of the 50 slots",
        without: "the instant of admission: the call's entry, microseconds later, stands for it",
        rungs: &[
            rung(&[program(BtfTracepoint, "admitted_btf", "module_request")], "5.5"),
            rung(&[program(RawTracepoint, "admitted_raw", "module_request")], "4.17"),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::SocketServed,
        meaning: "the function that makes a socket returns to a requester",
        without: "whether the requester got its socket",
        rungs: &[
            rung(&[program(Fexit, "socket_served_fexit", "__sock_create")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "socket_served_kretprobe", "__sock_create")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FileSystemServed,
        meaning: "the function that looks a file system up returns to a requester",
        without: "whether the requester got its file system",
        rungs: &[
            rung(&[program(Fexit, "file_system_served_fexit", "get_fs_type")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "file_system_served_kretprobe", "get_fs_type")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::AlgorithmServed,
        meaning: "the function that looks a crypto algorithm up returns to a requester",
        without: "whether the requester got its algorithm",
        rungs: &[
            rung(&[program(Fexit, "algorithm_served_fexit", "crypto_alg_mod_lookup")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "algorithm_served_kretprobe", "crypto_alg_mod_lookup")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::CharDeviceServed,
        meaning: "the function that opens a character device returns to a requester",
        without: "whether the requester got its character device",
        rungs: &[
            rung(&[program(Fexit, "char_device_served_fexit", "chrdev_open")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "char_device_served_kretprobe", "chrdev_open")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::LinkServed,
        meaning: "the function that adds a network link returns to a requester",
        without: "whether the requester got its network link",
        rungs: &[
            rung(&[program(Fexit, "link_served_fexit", "rtnl_newlink")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "link_served_kretprobe", "rtnl_newlink")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::CongestionServed,
        meaning: "the function that sets a congestion control returns to a requester",
        without: "whether the requester got its congestion control",
        rungs: &[
            rung(&[program(Fexit, "congestion_served_fexit", "tcp_set_congestion_control")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "congestion_served_kretprobe", "tcp_set_congestion_control")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::BlockDeviceServed,
        meaning: "the function that looks a block device up returns to a requester",
        without: "whether the requester got its block device",
        rungs: &[
            rung(&[program(Fexit, "block_device_served_fexit", "blkdev_get_no_open")], SINCE_BLKDEV),
            lossy(
                &[program(Kretprobe, "block_device_served_kretprobe", "blkdev_get_no_open")],
                SINCE_BLKDEV,
                RETURNS_MISSED,
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::NetDeviceServed,
        meaning: "the function that asks for a network device returns to a requester",
        without: "whether the requester got its network device",
        rungs: &[rung(&[program(Fexit, "net_device_served_fexit", "dev_load")], TRAMPOLINE)],
        only_with: None,
    },
    Ladder {
        moment: Kind::CallEntered,
        meaning: "a task asks the kernel to run a helper",
        without: "everything",
        rungs: &[
            rung(&[program(Kprobe, "call_entered_kprobe", "call_usermodehelper_exec")], ALL),
            rung(&[program(Fentry, "call_entered_fentry", "call_usermodehelper_exec")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::CallReturned,
        meaning: "the helper call returns to the task",
        without: "results and total times; the helper's own end stands for the result",
        rungs: &[
            rung(&[program(Fexit, "call_returned_fexit", "call_usermodehelper_exec")], TRAMPOLINE),
            losing(
                &[
                    program(Kprobe, "call_returned_kprobe", "free_modprobe_argv"),
                    program(Kretprobe, "call_returned_kretprobe", "call_usermodehelper_exec"),
                ],
                "where the compiler kept the function",
                "other returns than requests' beyond the kernel's places for return probes (10 or twice the CPUs); a killed \
                 requester's (its exit shows it)",
            )
            .requiring(CallResult),
            lossy(&[program(Kretprobe, "call_returned_kretprobe", "call_usermodehelper_exec")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::CallPicked,
        meaning: "a kernel worker takes the call up",
        without: "the border between queue and fork_exec",
        rungs: &[
            rung(&[program(Kprobe, "call_picked_kprobe", "call_usermodehelper_exec_work")], ALL),
            rung(&[program(Fentry, "call_picked_fentry", "call_usermodehelper_exec_work")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Born,
        meaning: "the helper's task exists: the call's pointer meets its pid",
        without: "which loads belong to a request, and the helper's end",
        rungs: &[
            rung(&[program(Kprobe, "born_kprobe", "call_usermodehelper_exec_async")], ALL),
            rung(&[program(Fentry, "born_fentry", "call_usermodehelper_exec_async")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Executed,
        meaning: "the helper's exec is done, or has failed",
        without: "the border between fork_exec and user, and why a helper could not be started",
        rungs: &[
            rung(&[program(Fexit, "executed_fexit", "kernel_execve")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "executed_kretprobe", "kernel_execve")], ALL, RETURNS_MISSED),
            lossy(&[program(RawTracepoint, "executed_raw", "sched_process_exec")], "4.17", "an exec that fails"),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Completed,
        meaning: "the kernel is done with a helper call: its helper was reaped, or executed where nobody waits for its end",
        without: "the exact border between user and wake: the helper's exit stands for it",
        rungs: &[
            rung(
                &[program(Kprobe, "umh_complete_kprobe", "umh_complete")],
                "where the compiler kept the function (arm64)",
            ),
            lossy(
                &[program(Fexit, "completed_fexit", "call_usermodehelper_exec_work")],
                TRAMPOLINE,
                "some microseconds: the worker's function returns right after umh_complete; calls that are not waited for",
            ),
            lossy(
                &[program(Kretprobe, "completed_kretprobe", "call_usermodehelper_exec_work")],
                ALL,
                "returns beyond the kernel's places for return probes (10 or twice the CPUs); calls that are not waited for",
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Forked,
        meaning: "a process of a helper's tree forks",
        without: "loads by descendants of a helper",
        rungs: &[
            rung(&[program(BtfTracepoint, "forked_btf", "sched_process_fork")], "5.5"),
            rung(&[program(RawTracepoint, "forked_raw", "sched_process_fork")], "4.17"),
            rung(&[program(Kprobe, "forked_kprobe", "wake_up_new_task")], ALL),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Exited,
        meaning: "the last thread of a process of a helper's tree exits",
        without: "which loads belong to a request, and the helper's end",
        rungs: &[
            rung(&[program(BtfTracepoint, "exited_btf", "sched_process_exit")], "5.5"),
            rung(&[program(RawTracepoint, "exited_raw", "sched_process_exit")], "4.17"),
            rung(&[program(Kprobe, "exited_kprobe", "exit_files")], ALL),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::LoadBegan,
        meaning: "a task enters init_module or finit_module",
        without: "when loads begin and end, and loads that fail early",
        rungs: &[
            rung(
                &[
                    program(Kprobe, "init_module_began_kprobe", syscall::INIT),
                    program(Kprobe, "finit_module_began_kprobe", syscall::FINIT),
                ],
                ALL,
            ),
            rung(
                &[
                    program(Fentry, "init_module_began_fentry", syscall::INIT),
                    program(Fentry, "finit_module_began_fentry", syscall::FINIT),
                ],
                TRAMPOLINE,
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::ImageRead,
        meaning: "the module's image is in memory, decompressed",
        without: "how many bytes a load reads",
        rungs: &[
            rung(&[program(Kprobe, "image_read_kprobe", "load_module")], ALL),
            rung(&[program(Fentry, "image_read_fentry", "load_module")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FileNamed,
        meaning: "it is known which file a task loads, or waits for",
        without: "the files of loads, and the names of those that waited for another load of their file",
        rungs: &[
            rung(&[program(Kprobe, "named_file_kprobe", "idempotent_init_module")], IDEMPOTENT),
            rung(&[program(Fentry, "named_file_fentry", "idempotent_init_module")], IDEMPOTENT),
            rung(&[program(Kprobe, "read_file_kprobe", "kernel_read_file")], OWN_READS).requiring(OwnReads),
            rung(&[program(Fentry, "read_file_fentry", "kernel_read_file")], "x86-64 5.5 to 6.4").requiring(OwnReads),
            losing(&[program(Kprobe, "read_file_kprobe", "kernel_read_file")], ALL, WAITERS_UNNAMED),
            losing(&[program(Fentry, "read_file_fentry", "kernel_read_file")], TRAMPOLINE, WAITERS_UNNAMED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Named,
        meaning: "it is known which module a task loads",
        without: "the names of loads that lost to another copy of their module",
        rungs: &[
            rung(&[program(Kprobe, "named_kprobe", "find_module_all")], ALL),
            rung(&[program(Fentry, "named_fentry", "find_module_all")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Coming,
        meaning: "the module is MODULE_STATE_COMING",
        without: "nothing that init begun does not show",
        rungs: &[
            rung(&[program(Kprobe, "coming_kprobe", "tracepoint_module_notify")], ALL),
            rung(&[program(Fentry, "coming_fentry", "tracepoint_module_notify")], TRAMPOLINE),
            lossy(
                &[program(RawTracepoint, "coming_raw", "module_load")],
                "4.17",
                "modules that fail while parameters are parsed",
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::InitBegun,
        meaning: "do_init_module is entered: the module's init is about to run",
        without: "how long init takes and how it fails",
        rungs: &[
            rung(&[program(Kprobe, "init_begun_kprobe", "do_init_module")], ALL),
            rung(&[program(Fentry, "init_begun_fentry", "do_init_module")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Live,
        meaning: "the module is MODULE_STATE_LIVE",
        without: "everything",
        rungs: &[
            rung(&[program(Kprobe, "live_chain_kprobe", "blocking_notifier_call_chain")], CHAIN).requiring(ModulesChain),
            rung(&[program(Fentry, "live_chain_fentry", "blocking_notifier_call_chain")], CHAIN).requiring(ModulesChain),
            lossy(&[program(Kprobe, "live_notify_kprobe", "tracepoint_module_notify")], ALL, NOTIFIED_LATER),
            lossy(&[program(Fentry, "live_notify_fentry", "tracepoint_module_notify")], TRAMPOLINE, NOTIFIED_LATER),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::InitEnded,
        meaning: "do_init_module returns, asynchronous work of the init done",
        without: "how long init takes and how it fails",
        rungs: &[
            rung(&[program(Fexit, "init_ended_fexit", "do_init_module")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "init_ended_kretprobe", "do_init_module")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::LoadEnded,
        meaning: "init_module or finit_module returns",
        without: "when loads begin and end, and loads that fail early",
        rungs: &[
            rung(
                &[
                    program(Fexit, "init_module_ended_fexit", syscall::INIT),
                    program(Fexit, "finit_module_ended_fexit", syscall::FINIT),
                ],
                TRAMPOLINE,
            ),
            lossy(
                &[
                    program(Kretprobe, "init_module_ended_kretprobe", syscall::INIT),
                    program(Kretprobe, "finit_module_ended_kretprobe", syscall::FINIT),
                ],
                ALL,
                RETURNS_MISSED,
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Printed,
        meaning: "the kernel prints a line in a thread that loads a module",
        without: "what the kernel itself said about a load that failed",
        rungs: &[
            rung(&[program(BtfTracepoint, "printed_btf", "console")], "6.1").requiring(ConsoleInContext),
            rung(&[program(RawTracepoint, "printed_raw", "console")], "6.1").requiring(ConsoleInContext),
            rung(&[program(Kprobe, "printed_kprobe", "log_store.constprop.0")], "5.10 on x86-64").requiring(LogStore),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::UnloadBegan,
        meaning: "a task enters delete_module",
        without: "who unloads modules, and unloads that fail",
        rungs: &[
            rung(&[program(Kprobe, "unload_began_kprobe", syscall::DELETE)], ALL),
            rung(&[program(Fentry, "unload_began_fentry", syscall::DELETE)], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::UnloadEnded,
        meaning: "delete_module returns",
        without: "how long unloads take, and unloads that fail",
        rungs: &[
            rung(&[program(Fexit, "unload_ended_fexit", syscall::DELETE)], TRAMPOLINE),
            lossy(&[program(Kretprobe, "unload_ended_kretprobe", syscall::DELETE)], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Going,
        meaning: "the module is MODULE_STATE_GOING",
        without: "that a module was unloaded",
        rungs: &[
            rung(&[program(Kprobe, "going_kprobe", "tracepoint_module_notify")], ALL),
            rung(&[program(Fentry, "going_fentry", "tracepoint_module_notify")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Freed,
        meaning: "the module's memory is being given back",
        without: "that a module was unloaded",
        rungs: &[
            rung(&[program(BtfTracepoint, "freed_btf", "module_free")], "5.5"),
            rung(&[program(RawTracepoint, "freed_raw", "module_free")], "4.17"),
            rung(&[program(Kprobe, "freed_kprobe", "free_module")], ALL),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::SuspendBegan,
        meaning: "a task asks the kernel to suspend or to hibernate",
        without: "who suspends and how: an attempt begins where user space is frozen",
        rungs: &[
            rung(
                &[
                    program(Kprobe, "suspend_began_kprobe", "pm_suspend"),
                    program(Kprobe, "hibernate_began_kprobe", "hibernate"),
                ],
                ALL,
            ),
            rung(
                &[
                    program(Fentry, "suspend_began_fentry", "pm_suspend"),
                    program(Fentry, "hibernate_began_fentry", "hibernate"),
                ],
                TRAMPOLINE,
            ),
            rung(&[program(Kprobe, "suspend_began_kprobe", "pm_suspend")], NO_HIBERNATION),
            rung(&[program(Fentry, "suspend_began_fentry", "pm_suspend")], NO_HIBERNATION),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::SuspendEnded,
        meaning: "that request is over: resumed, or failed",
        without: "the result of suspending: an attempt ends where helpers are enabled again",
        rungs: &[
            rung(
                &[
                    program(Fexit, "suspend_ended_fexit", "pm_suspend"),
                    program(Fexit, "hibernate_ended_fexit", "hibernate"),
                ],
                TRAMPOLINE,
            ),
            lossy(
                &[
                    program(Kretprobe, "suspend_ended_kretprobe", "pm_suspend"),
                    program(Kretprobe, "hibernate_ended_kretprobe", "hibernate"),
                ],
                ALL,
                RETURNS_MISSED,
            ),
            rung(&[program(Fexit, "suspend_ended_fexit", "pm_suspend")], NO_HIBERNATION),
            lossy(&[program(Kretprobe, "suspend_ended_kretprobe", "pm_suspend")], NO_HIBERNATION, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::PhaseSeen,
        meaning: "a phase of suspend or resume begins or ends",
        without: "the phases of suspend and resume",
        rungs: &[
            rung(&[program(BtfTracepoint, "phase_btf", "suspend_resume")], "5.5"),
            rung(&[program(RawTracepoint, "phase_raw", "suspend_resume")], "4.17"),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FreezeBegan,
        meaning: "user space is about to be frozen, and helpers to be disabled",
        without: "when user space was frozen, and who was frozen half way",
        rungs: &[
            rung(&[program(Kprobe, "freeze_began_kprobe", "freeze_processes")], ALL),
            rung(&[program(Fentry, "freeze_began_fentry", "freeze_processes")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FreezeEnded,
        meaning: "user space is frozen, or could not be",
        without: "when user space was frozen, and who was frozen half way",
        rungs: &[
            rung(&[program(Fexit, "freeze_ended_fexit", "freeze_processes")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "freeze_ended_kretprobe", "freeze_processes")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::ThawBegan,
        meaning: "user space is about to run again",
        without: "when user space was thawed",
        rungs: &[
            rung(&[program(Kprobe, "thaw_began_kprobe", "thaw_processes")], ALL),
            rung(&[program(Fentry, "thaw_began_fentry", "thaw_processes")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::DisableBegan,
        meaning: "helpers are disabled: calls are refused from here on, and those that wait are drained",
        without: "that helpers were disabled, who was drained and who was refused",
        rungs: &[
            rung(&[program(Kprobe, "disable_began_kprobe", "__usermodehelper_disable")], ALL),
            rung(&[program(Fentry, "disable_began_fentry", "__usermodehelper_disable")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::DisableEnded,
        meaning: "the drain is over: none waits any more, or five seconds have passed",
        without: "that helpers were disabled, who was drained and who was refused",
        rungs: &[
            rung(&[program(Fexit, "disable_ended_fexit", "__usermodehelper_disable")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "disable_ended_kretprobe", "__usermodehelper_disable")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::DepthSet,
        meaning: "helpers are enabled again, or disabled further",
        without: "when helpers were enabled again: the thaw stands for it",
        rungs: &[
            rung(&[program(Kprobe, "depth_set_kprobe", "__usermodehelper_set_disable_depth")], ALL),
            rung(&[program(Fentry, "depth_set_fentry", "__usermodehelper_set_disable_depth")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FirmwareBegan,
        meaning: "a driver asks for a firmware file",
        without: "requests for firmware",
        rungs: &[
            rung(&[program(Kprobe, "firmware_began_kprobe", "_request_firmware")], ALL),
            rung(&[program(Fentry, "firmware_began_fentry", "_request_firmware")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FirmwareEnded,
        meaning: "it has the file, or an error",
        without: "requests for firmware",
        rungs: &[
            rung(&[program(Fexit, "firmware_ended_fexit", "_request_firmware")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "firmware_ended_kretprobe", "_request_firmware")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FallbackBegan,
        meaning: "the file is not there, and user space is asked for it",
        without: "that firmware was asked of user space, and how long that took",
        rungs: &[
            rung(&[program(Kprobe, "fallback_began_kprobe", "firmware_fallback_sysfs")], ALL),
            rung(&[program(Fentry, "fallback_began_fentry", "firmware_fallback_sysfs")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::FallbackEnded,
        meaning: "user space has answered, or has not",
        without: "that firmware was asked of user space, and how long that took",
        rungs: &[
            rung(&[program(Fexit, "fallback_ended_fexit", "firmware_fallback_sysfs")], TRAMPOLINE),
            lossy(&[program(Kretprobe, "fallback_ended_kretprobe", "firmware_fallback_sysfs")], ALL, RETURNS_MISSED),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::LockBegan,
        meaning: "a task asks that helpers stay enabled",
        without: "who keeps helpers enabled, and holds suspend up by it",
        rungs: &[
            rung(
                &[
                    program(Kprobe, "trylock_began_kprobe", "usermodehelper_read_trylock"),
                    program(Kprobe, "lock_wait_began_kprobe", "usermodehelper_read_lock_wait"),
                ],
                ALL,
            ),
            rung(
                &[
                    program(Fentry, "trylock_began_fentry", "usermodehelper_read_trylock"),
                    program(Fentry, "lock_wait_began_fentry", "usermodehelper_read_lock_wait"),
                ],
                TRAMPOLINE,
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::LockEnded,
        meaning: "it learned whether they do",
        without: "who keeps helpers enabled, and holds suspend up by it",
        rungs: &[
            rung(
                &[
                    program(Fexit, "trylock_ended_fexit", "usermodehelper_read_trylock"),
                    program(Fexit, "lock_wait_ended_fexit", "usermodehelper_read_lock_wait"),
                ],
                TRAMPOLINE,
            ),
            lossy(
                &[
                    program(Kretprobe, "trylock_ended_kretprobe", "usermodehelper_read_trylock"),
                    program(Kretprobe, "lock_wait_ended_kretprobe", "usermodehelper_read_lock_wait"),
                ],
                ALL,
                RETURNS_MISSED,
            ),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Unlocked,
        meaning: "it needs them no longer",
        without: "who keeps helpers enabled, and holds suspend up by it",
        rungs: &[
            rung(&[program(Kprobe, "unlocked_kprobe", "usermodehelper_read_unlock")], ALL),
            rung(&[program(Fentry, "unlocked_fentry", "usermodehelper_read_unlock")], TRAMPOLINE),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::DeviceBound,
        meaning: "a driver is bound to a device",
        without: "which devices a module drives",
        rungs: &[
            rung(&[program(Kprobe, "device_bound_kprobe", "driver_bound")], WITH_BTF).requiring(DeviceTypes),
            rung(&[program(Fentry, "device_bound_fentry", "driver_bound")], TRAMPOLINE).requiring(DeviceTypes),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::DriverFailed,
        meaning: "a driver was tried on a device and is not bound to it",
        without: "which drivers fail, and why",
        rungs: &[
            rung(&[program(Fexit, "driver_failed_fexit", "really_probe")], "x86-64 5.15, arm64 6.12").requiring(ReturnedErrors),
            losing(
                &[
                    program(Fexit, "driver_failed_fexit", "really_probe"),
                    program(Kprobe, "driver_error_kprobe", "printk"),
                ],
                "x86-64 5.5 to 5.14",
                UNPRINTED,
            )
            .requiring(PrintedErrors),
            lossy(
                &[
                    program(Kretprobe, "driver_failed_kretprobe", "really_probe"),
                    program(Kprobe, "driver_tried_kprobe", "really_probe"),
                ],
                "5.15, with BTF",
                RETURNS_MISSED,
            )
            .requiring(ReturnedErrors),
            lossy(
                &[
                    program(Kretprobe, "driver_failed_kretprobe", "really_probe"),
                    program(Kprobe, "driver_tried_kprobe", "really_probe"),
                    program(Kprobe, "driver_error_kprobe", "printk"),
                ],
                "before 5.15, with BTF",
                UNPRINTED_AND_MISSED,
            )
            .requiring(PrintedErrors),
        ],
        only_with: None,
    },
    Ladder {
        moment: Kind::Uevent,
        meaning: "the kernel announces a device with a module alias to user space",
        without: "which devices ask for which modules",
        rungs: &[
            rung(&[program(Fexit, "uevent_fexit", "dev_uevent")], "x86-64 5.17, arm64 6.12").requiring(UeventWithoutKset),
            rung(&[program(Fexit, "uevent_kset_fexit", "dev_uevent")], "x86-64 5.5 to 5.16").requiring(UeventKset),
            lossy(
                &[
                    program(Kretprobe, "uevent_kretprobe", "dev_uevent"),
                    program(Kprobe, "uevent_kprobe", "dev_uevent"),
                ],
                "5.17, with BTF",
                RETURNS_MISSED,
            )
            .requiring(UeventWithoutKset),
            lossy(
                &[
                    program(Kretprobe, "uevent_kretprobe", "dev_uevent"),
                    program(Kprobe, "uevent_kset_kprobe", "dev_uevent"),
                ],
                "5.10, with BTF",
                RETURNS_MISSED,
            )
            .requiring(UeventKset),
        ],
        only_with: None,
    },
];

/// kernel/module/dups.c, from 6.4 on.
const DEDUPLICATION: &str = "kmod_dup_request_exists_wait";
const WITH_BTF: &str = "all, with BTF";
const UNPRINTED: &str = "whether a driver that rejects a device does so with ENODEV or ENXIO: the kernel does not say";
const UNPRINTED_AND_MISSED: &str = "whether a driver that rejects a device does so with ENODEV or ENXIO; returns beyond \
     the kernel's places for return probes (10 or twice the CPUs) are missed";

const NOTIFIED_LATER: &str = "16 to 30 microseconds, milliseconds where another notifier is slow";

/// The moments without which no request can be followed. If one of them cannot be seen, there is nothing to trace.
pub const NEEDED: [Kind; 3] = [Kind::Requested, Kind::CallEntered, Kind::Live];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_moment_has_one_ladder_and_no_program_two_moments() {
        let moments: BTreeSet<Kind> = LADDERS.iter().map(|ladder| ladder.moment).collect();
        let expected: BTreeSet<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::CallerGone).collect();
        assert_eq!(moments, expected);
        assert_eq!(LADDERS.len(), moments.len());
        let mut owner: BTreeMap<&str, Kind> = BTreeMap::new();
        for ladder in LADDERS {
            for program in ladder.rungs.iter().flat_map(|rung| rung.programs) {
                assert_eq!(*owner.entry(program.name).or_insert(ladder.moment), ladder.moment, "{}", program.name);
            }
        }
    }

    #[test]
    fn the_three_core_kprobes_are_there() {
        let kprobes: Vec<&str> = LADDERS
            .iter()
            .flat_map(|ladder| ladder.rungs)
            .flat_map(|rung| rung.programs)
            .filter(|program| program.mechanism == Kprobe)
            .map(|program| program.target)
            .collect();
        for core in ["call_usermodehelper_exec", "do_init_module", "umh_complete"] {
            assert!(kprobes.contains(&core), "{core}");
        }
    }
}
