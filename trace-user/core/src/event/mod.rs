//! What happened: the one kind of thing that flows from every source into the pipeline and into recordings.
//!
//! An [`Event`] is either what a probe saw in the kernel or a fact that the edge of the program established (which
//! machine this is, what an alias resolves to, what was lost, what time it is). Nothing here does I/O.

mod cost;
pub mod device;
pub mod firmware;
mod origin;
mod policy;
mod privileges;
mod resolution;
mod right;
mod server;
mod stack;
pub mod suspend;
pub(crate) mod weight;

use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
pub use cost::{Costs, ProbeCost};
pub use device::{Action, DeviceMoment, DriverTried, Uevent};
pub use firmware::{FirmwareAsked, FirmwareMoment};
pub use origin::{FileId, Origin, Parent, Program};
pub use policy::Policy;
pub use privileges::{Privileges, Seccomp, UserNs};
pub use resolution::{
    Absent, Configured, FileFault, Install, Place, Replaced, Resolution, Spared, Unapplied, UnusableFile, Wanted,
};
pub use right::Right;
pub use server::Server;
pub use stack::{STACK_FRAMES, on_stack};
use std::fmt;
use std::sync::Arc;
pub use suspend::{Depth, PmTest, SuspendMoment, SuspendState, Way};
use trace_common::ids::{CallAddress, ModuleAddress, TaskKey, Tgid, Tid};
use trace_common::kind::{Kind, Loss};
use trace_common::time::Ktime;

/// What modtrail asks for to prove that its probes fire; no module has this alias.
pub const SELF_TEST_ALIAS: &str = "net-pf-16-proto-1";
/// The thread of modtrail's that asks for it.
pub const SELF_TEST_THREAD: &str = "modtrail-test";

/// An instant on both of the kernel's clocks. Their difference grows only while the machine sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// On the clock that stops in suspend.
    pub mono: Ktime,
    /// On the clock that also runs in suspend.
    pub boot: Ktime,
}

/// One thing that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The instant at which the probe fired, or at which the fact was established.
    pub at: Stamp,
    /// What happened.
    pub body: Body,
}

/// Seen by a probe, or established by the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A probe fired.
    Probe(Probe),
    /// The edge reports it.
    Fact(Fact),
}

/// A probe fired in a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The task the probe ran in.
    pub task: Task,
    /// The CPU it ran on.
    pub cpu: u16,
    /// The task belongs to the traced command: it is its process, or descends from it.
    pub of_command: bool,
    /// What it saw.
    pub moment: Moment,
}

/// A thread, as the probe saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Task {
    /// Its process.
    pub key: TaskKey,
    /// The thread.
    pub tid: Tid,
    /// Its name at that instant.
    pub comm: Comm,
}

/// A thread's `comm`: at most 15 bytes, padded with NUL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Comm(pub [u8; 16]);

/// Text from the kernel, which may be cut or missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Captured {
    /// The whole text.
    Whole(Arc<str>),
    /// Its beginning.
    Truncated(Arc<str>),
    /// The kernel could not read it, and why.
    Unreadable(Errno),
}

/// What a probe saw. The kinds and their meaning: [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Moment {
    /// [`Kind::Requested`]
    Requested(Arc<Requested>),
    /// [`Kind::Admitted`]
    Admitted {
        /// The alias.
        alias: Captured,
        /// The requester waits for the helper's end.
        wait: bool,
    },
    /// [`Kind::Throttled`]
    Throttled {
        /// A negative errno.
        result: ReturnCode,
    },
    /// [`Kind::Deduplicated`]
    Deduplicated {
        /// What the kernel answered: zero, a negative errno, or a wait status word.
        result: ReturnCode,
    },
    /// [`Kind::Denied`]
    Denied {
        /// A negative errno.
        result: ReturnCode,
    },
    /// [`Kind::RefusedEarly`]
    RefusedEarly {
        /// What was asked for, and by whom. Its alias is unreadable if its format has a conversion that is not known.
        requested: Arc<Requested>,
        /// A negative errno.
        result: ReturnCode,
    },
    /// The kernel function that requested a module for its caller returned in the requester's thread: see
    /// [`Server::moment`].
    Served {
        /// Which function.
        by: Server,
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// [`Kind::CallEntered`]
    CallEntered(Arc<CallEntered>),
    /// [`Kind::CallReturned`]
    CallReturned {
        /// How the helper ended, or why there is none.
        result: CallResult,
    },
    /// [`Kind::CallPicked`]
    CallPicked {
        /// Which call.
        call: CallAddress,
    },
    /// [`Kind::Born`]
    Born {
        /// Which call.
        call: CallAddress,
    },
    /// [`Kind::Executed`]
    Executed {
        /// Zero or a negative errno.
        result: ReturnCode,
        /// What it executes; `None` if it executes nothing, or if that could not be read.
        program: Option<Arc<Program>>,
    },
    /// [`Kind::Completed`]
    Completed {
        /// Which call; `None` if the hook cannot see it.
        call: Option<CallAddress>,
    },
    /// [`Kind::CallerGone`]
    CallerGone,
    /// [`Kind::Forked`]
    Forked {
        /// The new process.
        child: TaskKey,
    },
    /// [`Kind::Exited`]
    Exited {
        /// How; `None` if it could not be read.
        status: Option<WaitStatus>,
    },
    /// [`Kind::LoadBegan`]
    LoadBegan {
        /// By which system call.
        syscall: Syscall,
        /// Where the task comes from; `None` in older recordings.
        origin: Option<Arc<Origin>>,
    },
    /// [`Kind::LoadEnded`]
    LoadEnded {
        /// By which system call.
        syscall: Syscall,
        /// Zero or a negative errno.
        result: ReturnCode,
        /// How the task's process was about to end, by a signal or because another of its threads exited; `None` if it
        /// was not, if that could not be read, and in older recordings.
        ending: Option<WaitStatus>,
    },
    /// [`Kind::ImageRead`]
    ImageRead {
        /// The size of the decompressed image; `None` if it could not be read.
        bytes: Option<u64>,
    },
    /// [`Kind::Coming`]
    Coming(Module),
    /// [`Kind::InitBegun`]
    InitBegun(Module),
    /// [`Kind::InitEnded`]
    InitEnded {
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// [`Kind::Live`]
    Live(Module),
    /// [`Kind::Going`]
    Going(Module),
    /// [`Kind::Freed`]
    Freed(Module),
    /// [`Kind::Named`]
    Named {
        /// The module's name; the file's in older recordings.
        name: Captured,
    },
    /// [`Kind::FileNamed`]
    FileNamed {
        /// The file's name, without its folder.
        name: Captured,
        /// Which file it is; `None` if that could not be read.
        file: Option<FileId>,
    },
    /// [`Kind::Printed`]
    Printed {
        /// The line, without its end.
        line: Captured,
    },
    /// [`Kind::UnloadBegan`]
    UnloadBegan {
        /// The module's name, as the caller gave it.
        name: Captured,
        /// Where the task comes from.
        origin: Option<Arc<Origin>>,
    },
    /// [`Kind::UnloadEnded`]
    UnloadEnded {
        /// Zero or a negative errno.
        result: ReturnCode,
    },
    /// Of suspend, hibernation and shutdown.
    Suspend(SuspendMoment),
    /// Of a request for a firmware file.
    Firmware(FirmwareMoment),
    /// Of a device.
    Device(DeviceMoment),
}

/// A module request, at the security hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The string asked for.
    pub alias: Captured,
    /// The requester's user in the initial namespace.
    pub uid: u32,
    /// The user who logged in, whatever user the task has become since; [`NO_LOGIN`] if nobody logged in for the task,
    /// `None` if it could not be read.
    pub loginuid: Option<u32>,
    /// The path of the requester's executable; `None` if it could not be read (a kernel thread has none).
    pub exe: Option<Arc<str>>,
    /// The requester's cgroup path; `None` if it could not be read.
    pub cgroup: Option<Arc<str>>,
    /// The requester's kernel stack from `__request_module` outwards, as symbols; empty if it could not be taken.
    pub stack: Arc<[Arc<str>]>,
    /// What the requester may do; `None` if none of it could be read, and in older recordings.
    pub privileges: Option<Privileges>,
}

/// The login user of a task that nobody logged in for (include/linux/audit.h `AUDIT_UID_UNSET`).
pub const NO_LOGIN: u32 = u32::MAX;

/// A helper call, at its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEntered {
    /// The address of its `subprocess_info`.
    pub call: CallAddress,
    /// How the caller waits.
    pub wait: Wait,
    /// The file to execute.
    pub path: Captured,
    /// Its arguments, the program's name first; only the first ones if `argv_more`.
    pub argv: Arc<[Captured]>,
    /// There were more arguments.
    pub argv_more: bool,
    /// The caller's kernel stack from the caller of `call_usermodehelper_exec` outwards, as symbols; empty if it
    /// could not be taken.
    pub stack: Arc<[Arc<str>]>,
}

/// How the caller of a helper waits (include/linux/umh.h: `UMH_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    None,
    /// Until the helper's exec is done.
    Exec,
    /// Until the helper's process has ended.
    Proc,
}

/// A system call that loads a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// `init_module`
    Init,
    /// `finit_module`
    Finit,
}

/// A module, as a probe saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The address of its `struct module`, which is reused after it is freed.
    pub address: ModuleAddress,
    /// Its name.
    pub name: Captured,
}

/// What the edge of the program established.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Fact {
    /// What machine this is; first in every recording.
    Machine(Machine),
    /// The wall clock was set, or has drifted: what it shows at the event's instant, in nanoseconds since the Unix
    /// epoch.
    ClockSet {
        /// The wall clock.
        wall_ns: u64,
    },
    /// How each moment is seen on this kernel.
    Hooks(Arc<[Hook]>),
    /// modtrail's own process: its own requests are followed like the rest but not counted.
    Tracer(Tgid),
    /// The capabilities that modtrail keeps while it traces.
    Rights(Arc<[Right]>),
    /// What forbids loads on this machine. Reported at the start, and again when it is found to have changed.
    Policy(Arc<Policy>),
    /// Whether the probes were seen to fire.
    SelfTest(SelfTest),
    /// The kernel stack of a thread that something has been waiting for too long.
    Stuck {
        /// The thread.
        thread: Tid,
        /// Its kernel stack as symbols, innermost first, [`STACK_FRAMES`] at most; empty if it could not be read.
        stack: Arc<[Arc<str>]>,
    },
    /// A thread that something has been waiting for too long no longer exists: its end was not seen.
    Gone {
        /// The thread.
        thread: Task,
    },
    /// All modules that are live now, without exception. Reported at the start and after a loss.
    LiveModules(Arc<[Arc<str>]>),
    /// What an alias resolves to. Reported before the first request for it and when the index has changed.
    Resolved {
        /// The alias.
        alias: Arc<str>,
        /// What it resolves to.
        resolution: Arc<Resolution>,
    },
    /// Something was lost between the event's instant, when none of it was lost yet, and `until`.
    Lost {
        /// What.
        loss: Lost,
        /// How many, on all CPUs.
        count: u64,
        /// When it was found, on the clock that stops in suspend.
        until: Ktime,
    },
    /// Who caused some of what was lost since this was last established: part of what [`Fact::Lost`] counts.
    Blamed {
        /// The user, in the initial namespace.
        uid: u32,
        /// The name of the thread that caused the latest.
        comm: Comm,
        /// What was lost.
        loss: Lost,
        /// How many.
        count: u64,
    },
    /// What tracing has cost so far; only reported while somebody asks.
    Costs(Costs),
    /// Everything that fired before about this instant has been delivered.
    Tick,
    /// Everything that fired before exactly this instant has been delivered: the ring was seen to be empty after it.
    Drained,
    /// The source ended in order; nothing follows.
    End,
}

/// What can be lost between a probe and the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Lost {
    /// The kernel side counted it.
    Kernel(Loss),
    /// A record of the ring buffer that could not be understood.
    Undecodable,
    /// A hook of this moment fired, and the kernel did not run the probe: the same probe was running on that CPU.
    Unrun(Kind),
    /// A return that shows this moment had no place in the kernel's return probe.
    Unreturned(Kind),
    /// A period in which the probe of this moment did not fire.
    Deaf(Kind),
    /// An event of a recording that could not be read.
    Damaged,
    /// A duplicate event in the recording, which is skipped.
    Repeated,
    /// An event that stood in the recording after later ones.
    Misplaced,
    /// Something follows the recording in its file, and was not read.
    Trailing,
    /// An event that could not be written to the recording, since the file or its disk took nothing at the time.
    Unwritten,
    /// A part of the recording that is not there: a segment, the end of one, or what nobody recorded between two
    /// recordings.
    MissingPart,
    /// An event of a kind that a newer version recorded, and that this version does not know.
    Newer,
    /// An event that came after later events had been judged without it.
    Late,
}

/// The machine that was traced.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Machine {
    /// `/proc/sys/kernel/random/boot_id`
    pub boot_id: String,
    /// `uname -r`
    pub release: String,
    /// `uname -m`
    pub arch: String,
    /// `uname -n`
    pub hostname: String,
    /// CPUs online.
    pub cpus: u32,
    /// modtrail's version.
    pub version: String,
    /// Nanoseconds since the Unix epoch at the event's instant.
    pub wall_ns: u64,
}

/// Whether a request of modtrail's own was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfTest {
    /// Its request, its helper call and its helper were seen.
    Proven,
    /// These moments of it were not seen: their probes do not fire.
    Deaf(Vec<Kind>),
    /// No request could be made, and why.
    Unproven(Arc<str>),
}

/// How a moment is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The moment.
    pub moment: Kind,
    /// What it is attached to, such as `fexit call_usermodehelper_exec`; `None` if the moment is not seen.
    pub attached: Option<Arc<str>>,
    /// Some occurrences may not be seen (a return probe has a limited number of places).
    pub may_miss: bool,
    /// What is lost on this rung, in words; empty if nothing is.
    pub loses: Arc<str>,
    /// Better rungs that were tried and what the kernel answered, in words; empty if none failed.
    pub refused: Arc<str>,
}

impl Hook {
    /// Whether something is lost because the moment is not seen, or not reliably. If a kernel does not have what the
    /// moment is about, nothing is.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        self.may_miss || self.is_unseen()
    }

    /// Whether the moment can happen on this kernel and is not seen.
    #[must_use]
    pub fn is_unseen(&self) -> bool {
        self.attached.is_none() && !self.loses.is_empty()
    }

    /// Whether the moment can happen on this kernel.
    #[must_use]
    pub fn can_happen(&self) -> bool {
        self.attached.is_some() || self.falls_short()
    }
}

impl Stamp {
    /// Both clocks at the same number of nanoseconds: a machine that has not slept yet.
    #[must_use]
    pub const fn awake(nanoseconds: u64) -> Self {
        Self { mono: Ktime::from_nanos(nanoseconds), boot: Ktime::from_nanos(nanoseconds) }
    }
}

impl Comm {
    /// The name up to its first NUL; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn to_text(self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }

    /// The name up to its first NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        self.0.get(..end).unwrap_or_default()
    }

    /// The comm that shows as `text`, cut to 15 bytes.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut bytes = [0; 16];
        for (place, byte) in bytes.iter_mut().take(15).zip(text.bytes()) {
            *place = byte;
        }
        Self(bytes)
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.to_text())
    }
}

impl fmt::Display for Comm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.to_text())
    }
}

impl Captured {
    /// All of `text`.
    #[must_use]
    pub fn whole(text: &str) -> Self {
        Self::Whole(text.into())
    }

    /// What is known of it: nothing if it could not be read.
    #[must_use]
    pub fn text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Whole(text) | Self::Truncated(text) => Some(text),
            Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for Captured {
    /// The text; cut text ends in `…`, unreadable text is `(unreadable)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(text) => out.pad(text),
            Self::Truncated(text) => out.pad(&format!("{text}…")),
            Self::Unreadable(_) => out.pad("(unreadable)"),
        }
    }
}

impl Wait {
    /// The mode in the two low bits of `UMH_*`; the other bits say how the sleep can be interrupted.
    #[must_use]
    pub const fn from_mode(mode: i32) -> Self {
        match mode & 3 {
            0 => Self::None,
            1 => Self::Exec,
            _ => Self::Proc,
        }
    }

    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Exec => "exec",
            Self::Proc => "proc",
        }
    }
}

impl Lost {
    /// Whether the loss can have hidden a whole request or load, so that nobody knows that it was there.
    #[must_use]
    pub const fn hides(self) -> bool {
        self.casts_doubt()
            || matches!(
                self,
                Self::Kernel(Loss::RequestsLeftOut | Loss::RefusedLeftOut)
                    | Self::Unrun(Kind::UnloadBegan)
                    | Self::Deaf(Kind::UnloadBegan)
            )
    }

    /// Whether the loss can have hidden what decides a verdict. A moment that only shows when a stage began or ended
    /// cannot: a request that lacks such a moment is judged by what is known of that request alone. A return probe's
    /// hook shows that it misses returns.
    #[must_use]
    pub const fn casts_doubt(self) -> bool {
        match self {
            // A request that is left out is its user's own, and the kernel refuses such loads whatever else happens.
            Self::Kernel(
                Loss::RequestsLeftOut
                | Loss::CallsLeftOut
                | Loss::RefusedLeftOut
                | Loss::LinesLeftOut
                | Loss::CommandUntracked
                | Loss::DevicesFull
                | Loss::UeventsLeftOut,
            )
            | Self::Unreturned(_) => false,
            Self::Repeated | Self::Trailing | Self::Newer => false,
            Self::Kernel(_) | Self::Undecodable | Self::Damaged | Self::Late | Self::Misplaced => true,
            Self::Unwritten | Self::MissingPart => true,
            Self::Unrun(kind) | Self::Deaf(kind) => matches!(
                kind,
                Kind::Requested
                    | Kind::CallEntered
                    | Kind::CallReturned
                    | Kind::Born
                    | Kind::Forked
                    | Kind::Exited
                    | Kind::CallerGone
                    | Kind::LoadBegan
                    | Kind::Live
                    | Kind::Going
                    | Kind::Freed
            ),
        }
    }

    /// The moment that was missed, if it is known.
    #[must_use]
    pub const fn moment(self) -> Option<Kind> {
        match self {
            Self::Unrun(kind) | Self::Unreturned(kind) | Self::Deaf(kind) => Some(kind),
            Self::Kernel(_)
            | Self::Undecodable
            | Self::Damaged
            | Self::Late
            | Self::Repeated
            | Self::Misplaced
            | Self::Trailing
            | Self::Unwritten
            | Self::MissingPart
            | Self::Newer => None,
        }
    }

    /// What was lost, with the moment if it is known, for a person.
    #[must_use]
    pub fn words(self) -> String {
        match self.moment() {
            Some(moment) => format!("{} (\"{}\")", self.as_str(), moment.name()),
            None => self.as_str().to_owned(),
        }
    }

    /// What was lost, as a phrase.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel(loss) => loss.as_str(),
            Self::Unrun(_) => "events missed because the kernel did not run the probe",
            Self::Unreturned(_) => "returns missed because the kernel's return probe had no place for them",
            Self::Deaf(_) => "stretches of time in which the probe did not fire",
            Self::Undecodable => "records that could not be decoded",
            Self::Late => "events that came too late to be put in order",
            Self::Damaged => "events that could not be read from the damaged recording",
            Self::Repeated => "duplicate events in the recording, skipped",
            Self::Misplaced => "events, counted as unreadable at first, that stand in the wrong place in the recording",
            Self::Trailing => "pieces of the file, after the end of the recording, that were not read",
            Self::Unwritten => "events that could not be written to the recording",
            Self::MissingPart => "parts of the recording that are not there",
            Self::Newer => "events of kinds that only a newer modtrail knows",
        }
    }
}

impl Moment {
    /// Which moment this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Requested(_) => Kind::Requested,
            Self::Admitted { .. } => Kind::Admitted,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Deduplicated { .. } => Kind::Deduplicated,
            Self::Denied { .. } => Kind::Denied,
            Self::Served { by, .. } => by.moment(),
            Self::RefusedEarly { .. } => Kind::RefusedEarly,
            Self::CallEntered(_) => Kind::CallEntered,
            Self::CallReturned { .. } => Kind::CallReturned,
            Self::CallPicked { .. } => Kind::CallPicked,
            Self::Born { .. } => Kind::Born,
            Self::Executed { .. } => Kind::Executed,
            Self::Completed { .. } => Kind::Completed,
            Self::CallerGone => Kind::CallerGone,
            Self::Forked { .. } => Kind::Forked,
            Self::Exited { .. } => Kind::Exited,
            Self::LoadBegan { .. } => Kind::LoadBegan,
            Self::LoadEnded { .. } => Kind::LoadEnded,
            Self::ImageRead { .. } => Kind::ImageRead,
            Self::Coming(_) => Kind::Coming,
            Self::InitBegun(_) => Kind::InitBegun,
            Self::InitEnded { .. } => Kind::InitEnded,
            Self::Live(_) => Kind::Live,
            Self::Going(_) => Kind::Going,
            Self::Freed(_) => Kind::Freed,
            Self::Named { .. } => Kind::Named,
            Self::FileNamed { .. } => Kind::FileNamed,
            Self::Printed { .. } => Kind::Printed,
            Self::UnloadBegan { .. } => Kind::UnloadBegan,
            Self::UnloadEnded { .. } => Kind::UnloadEnded,
            Self::Suspend(moment) => moment.kind(),
            Self::Firmware(moment) => moment.kind(),
            Self::Device(moment) => moment.kind(),
        }
    }
}

impl Task {
    /// A thread named `comm`, of process `tgid` started at `start`; for tests and simulations.
    #[must_use]
    pub fn new(tgid: u32, tid: u32, start: u64, comm: &str) -> Self {
        Self {
            key: TaskKey { tgid: Tgid(tgid), start: Ktime::from_nanos(start) },
            tid: Tid(tid),
            comm: Comm::from_text(comm),
        }
    }
}
