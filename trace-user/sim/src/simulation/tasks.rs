//! The threads of a simulated machine: each works through a list of steps, and waits if a step cannot be taken yet.

use super::plan::Ask;
use super::random::Random;
use modtrail_core::event::Task;
use std::collections::VecDeque;

/// A thread, by its place in the machine's list, which never shrinks.
pub type ThreadNo = usize;

/// One step of a thread. Numbers are places in the lists of requests, calls, loads and files.
#[derive(Clone, Debug)]
pub enum Step {
    /// Time passes, in nanoseconds.
    Pause(u64),
    /// A request begins.
    Ask(Ask),
    /// A module's init asks for an alias.
    AskNested(&'static str),
    /// The security module denies it.
    Deny(usize),
    /// A slot is taken as soon as there is one.
    TakeSlot(usize),
    /// The request has its slot.
    Admit(usize),
    /// A helper call is entered.
    Enter(usize),
    /// The caller waits for the helper.
    Await(usize),
    /// The call returns.
    Leave(usize, i32),
    /// The request's slot is free again.
    GiveSlot,
    /// The kernel function that made the request returns.
    Serve(usize),
    /// Another helper than modprobe is called, with this wait mode.
    CallOther(u8),
    /// The whole process exits.
    ExitGroup,
    /// A worker picks a call up.
    Pick(usize),
    /// A worker forks for a call.
    Fork(usize),
    /// A worker waits for the helper's end.
    Reap(usize),
    /// A worker's function returns.
    Finish(usize),
    /// A helper is born.
    Born(usize),
    /// A helper's exec.
    Exec(usize),
    /// modprobe looks an alias up.
    Modprobe(&'static str, bool),
    /// A module is loaded, with what it needs, unless it is live.
    Insert(Inserted),
    /// A failed load ends modprobe.
    Check,
    /// Another process is forked, with these steps.
    Spawn(Vec<Self>),
    /// All children have ended; their last status is this process's.
    AwaitChildren,
    /// The process ends with this wait status word.
    Exit(i32),
    /// A stage of a load.
    Load(Stage, usize),
    /// A module is unloaded.
    Remove(usize),
    /// A stage of a suspend cycle.
    Suspend(SuspendStage, usize),
    /// The kernel reports that the module goes.
    RemoveReported(usize),
    /// Its memory is freed.
    RemoveDone(usize),
}

/// A module that is to be loaded, by its place in the list of files.
#[derive(Clone, Copy, Debug)]
pub struct Inserted {
    /// Which.
    pub file: usize,
    /// An alias resolves to it, so that a blacklist counts.
    pub by_alias: bool,
    /// From another copy of its file.
    pub copy: bool,
    /// By `init_module`.
    pub memory: bool,
}

/// The stages of a load, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The system call is entered.
    Begin,
    /// One thread loads a file; others wait for it (6.12).
    Idempotent,
    /// The image is in memory.
    Image,
    /// The name is claimed.
    Claim,
    /// The name was claimed by another load, which is done.
    ClaimAgain,
    /// The module is coming.
    Coming,
    /// Its init is called.
    Init,
    /// Its init has returned.
    Inited,
    /// It is live, and the kernel reports that.
    Live,
    /// Asynchronous work is done.
    Settled,
    /// It goes after its init failed.
    Failed,
    /// Its memory is freed.
    Freed,
    /// The system call returns.
    End,
}

/// The stages of a suspend cycle, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspendStage {
    /// The kernel is asked.
    Ask,
    /// User space is being frozen.
    Freeze,
    /// Helpers are disabled.
    Disable,
    /// The callers of helpers leave, until this instant.
    Drain(u64),
    /// User space is frozen.
    Frozen,
    /// The machine sleeps.
    Sleep,
    /// User space is thawed.
    Thaw,
    /// Helpers are enabled.
    Enable,
    /// The kernel answers.
    Answer(i32),
}

/// A thread.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The thread as probes see it.
    pub task: Task,
    /// Its process, by its place.
    pub process: usize,
    /// The CPU it runs on.
    pub cpu: usize,
    /// What is left to do, soonest first.
    pub steps: VecDeque<Step>,
    /// What to do when nothing is left.
    pub inbox: VecDeque<Step>,
    /// What its delays are drawn from.
    pub random: Random,
    /// Waits to be woken.
    pub blocked: bool,
    /// Has nothing to do.
    pub idle: bool,
    /// Has ended.
    pub gone: bool,
    /// Is to end as soon as it leaves the kernel.
    pub killed: bool,
    /// The helper call whose tree it belongs to, by its place.
    pub call: Option<usize>,
    /// The call whose helper it is.
    pub helps: Option<usize>,
    /// Who waits for its end.
    pub parent: Option<ThreadNo>,
    /// Children that have not ended.
    pub children: u32,
    /// The result of the last load, or of the last child.
    pub result: i32,
    /// What another thread decided for this one.
    pub answer: Option<i32>,
    /// Until when it waits for a slot.
    pub deadline: Option<u64>,
    /// Which of the wake-ups that were set for it counts.
    pub turn: u64,
}

/// A process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Its threads.
    pub threads: Vec<ThreadNo>,
    /// It is ending, or has.
    pub ending: bool,
}
