//! What really happened in a simulated machine, as opposed to what was seen of it. Instants are nanoseconds on the
//! clock that stops in suspend, as the probe of the moment would read it, unless stated otherwise.

use modtrail_core::event::{self, Captured, Task, Wait};
use std::sync::Arc;

/// A moment: when it happened, and its place among everything that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// Its place in [`Truth::seen`].
    pub number: usize,
}

/// The whole truth.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Every request.
    pub requests: Vec<Request>,
    /// Every helper call.
    pub calls: Vec<Call>,
    /// Every suspend cycle.
    pub cycles: Vec<Cycle>,
    /// When the machine slept, and for how long.
    pub sleeps: Vec<(u64, u64)>,
    /// Every load.
    pub loads: Vec<Load>,
    /// Every life of every module.
    pub lives: Vec<Life>,
    /// Whether the moment of this number reached the pipeline.
    pub seen: Vec<bool>,
    /// The instant from which everything is seen.
    pub attached: u64,
    /// When tracing ended, and whether everything had come to rest by then.
    pub ended: u64,
    /// What was reported as lost.
    pub lost: Vec<Lost>,
    /// Events that came after the order of their time was final: when they happened, and when they came.
    pub late: Vec<(u64, u64)>,
}

/// Events lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How, and of what.
    pub why: event::Lost,
    /// Since when and until when, as the edge reports it.
    pub span: (u64, u64),
    /// How many.
    pub count: u64,
}

/// Why a request had no helper call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// A security module denied it.
    Denied,
    /// No slot in time.
    Throttled,
    /// The requester was killed in its wait for a slot.
    Killed,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The alias.
    pub alias: &'static str,
    /// The task that asked.
    pub task: Task,
    /// modtrail's own.
    pub own: bool,
    /// The request whose helper's tree asked, by its place.
    pub parent: Option<usize>,
    /// When it was asked.
    pub asked: Mark,
    /// It was turned away.
    pub away: Option<Away>,
    /// When it got its slot.
    pub admitted: Option<Mark>,
    /// Its helper call, by its place.
    pub call: Option<usize>,
    /// When it returned, and with what. If no probe sees the return, the mark of the next thing that was seen.
    pub returned: Option<(Mark, i32)>,
    /// When the kernel function that made it returned, and what; `None` if it did not, or if another function asked.
    pub served: Option<(Mark, i32)>,
    /// Requests that held a slot or waited for one when this one was asked.
    pub others: usize,
}

/// A helper call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who called.
    pub caller: Task,
    /// The request it serves, by its place.
    pub request: Option<usize>,
    /// modtrail's own.
    pub own: bool,
    /// How the caller waits.
    pub wait: Wait,
    /// The address of its `subprocess_info`.
    pub address: u64,
    /// Its arguments.
    pub argv: Arc<[Captured]>,
    /// When it was entered.
    pub entered: Mark,
    /// When a worker picked it up.
    pub picked: Option<Mark>,
    /// Its helper's first task, and when it was born.
    pub born: Option<(Task, Mark)>,
    /// When exec was done, and its result.
    pub executed: Option<(Mark, i32)>,
    /// When the helper's process ended, and its wait status word.
    pub exited: Option<(Mark, i32)>,
    /// When the kernel was done with the helper.
    pub completed: Option<Mark>,
    /// When it returned, and with what.
    pub returned: Option<(Mark, i32)>,
    /// When the last process of its helper's tree ended, on no probe's clock.
    pub tree_ended: Option<u64>,
}

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// The thread that loaded.
    pub task: Task,
    /// The helper call whose tree it belongs to, by its place.
    pub call: Option<usize>,
    /// The module's name.
    pub module: &'static str,
    /// When it began.
    pub began: Mark,
    /// When the kernel learned the module's name.
    pub named: Option<Mark>,
    /// The load of the same file that it waited for, by its place.
    pub follows: Option<usize>,
    /// When the module was coming.
    pub coming: Option<Mark>,
    /// When its init was called.
    pub init_begun: Option<Mark>,
    /// When the module went live.
    pub live: Option<Mark>,
    /// When its init and what follows it were done, and the result.
    pub init_ended: Option<(Mark, i32)>,
    /// When it ended, and with what.
    pub ended: Option<(Mark, i32)>,
}

/// A life of a module.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its name.
    pub module: &'static str,
    /// When the kernel first answered that it is live, and when the probe saw it; zeros: before everything.
    pub from: (u64, u64),
    /// The load that made it live, by its place.
    pub load: Option<usize>,
    /// When it stopped being live, and when the probe saw it.
    pub gone: Option<(u64, u64)>,
}

/// A suspend cycle. Helper calls by their places, modtrail's own left out.
#[derive(Clone, Debug, Default)]
pub struct Cycle {
    /// How long user space stays frozen, and how long the machine sleeps.
    pub wanted: (u64, u64),
    /// When it was asked for.
    pub began: Option<Mark>,
    /// When disabling helpers began, and when that was over, with what.
    pub disable: Option<Mark>,
    /// When that was over, and with what.
    pub disabled: Option<(Mark, i32)>,
    /// When helpers were enabled again.
    pub enabled: Option<Mark>,
    /// When the kernel answered, and with what.
    pub ended: Option<(Mark, i32)>,
    /// Calls whose callers were inside when helpers were disabled, or entered before the drain was over.
    pub inside: Vec<usize>,
    /// Calls whose callers were inside when the drain was given up.
    pub culprits: Vec<usize>,
    /// Calls with processes that were alive when user space was frozen.
    pub frozen: Vec<usize>,
}
