//! The simulated machine itself: its threads, their time, and what its probes would see.
//!
//! In: a plan. Out: everything that happened, in order, and the truth about it. The steps of requests, helpers and
//! loads are in [`super::requests`], [`super::helpers`], [`super::loads`] and [`super::suspend`].

use super::plan::{Action, Deed, Plan, Who};
use super::random::Random;
use super::runs::{CallRun, Flow, LoadRun, Loaded};
use super::tasks::{Inserted, Process, Step, Thread, ThreadNo};
use super::truth::{Life, Mark, Truth};
use super::world::{self, FILES, State};
use modtrail_core::answer::WaitStatus;
use modtrail_core::event::{Moment, Task};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// When a simulation begins, in nanoseconds since boot on the clock that stops in suspend.
pub const BEGAN: u64 = 100_000_000_000;
/// How long the machine slept before.
pub const SLEPT: u64 = 5_000_000_000;
/// modtrail's process.
pub const TRACER: u32 = 77;
/// Slots for requests.
const SLOTS: u32 = 50;
/// CPUs.
const CPUS: u64 = 4;
/// Nothing takes longer than this.
const LIMIT: u64 = 120_000_000_000;

/// Something that a probe of every kind, attached to everything, would see.
#[derive(Clone, Debug)]
pub struct Happening {
    /// When the probe reads the clock of its CPU.
    pub at: u64,
    /// The CPU.
    pub cpu: usize,
    /// The thread.
    pub task: Task,
    /// What happened.
    pub moment: Moment,
}

#[derive(Clone, Copy, Debug)]
enum Wake {
    Act(usize),
    Run(ThreadNo, u64),
    Kill(ThreadNo),
    FreeTid(u32),
}

/// The machine.
pub struct Machine<'p> {
    pub(super) plan: &'p Plan,
    pub(super) now: u64,
    queue: BTreeMap<(u64, u64), Wake>,
    queued: u64,
    pub(super) threads: Vec<Thread>,
    pub(super) processes: Vec<Process>,
    people: BTreeMap<Who, ThreadNo>,
    tracer: ThreadNo,
    tids: BTreeSet<u32>,
    skews: Vec<u64>,
    pub(super) addresses: Vec<u64>,
    pub(super) slots: u32,
    pub(super) in_line: VecDeque<ThreadNo>,
    pub(super) open: usize,
    pub(super) disabled_until: u64,
    /// Helpers are disabled because the machine is about to sleep.
    pub(super) asleep: bool,
    /// User space is frozen: its steps wait here.
    frozen: Option<Vec<Wake>>,
    sleeper: ThreadNo,
    pub(super) workers: Vec<ThreadNo>,
    pub(super) modules: Vec<Loaded>,
    pub(super) tries: Vec<u32>,
    pub(super) module_waiters: Vec<ThreadNo>,
    pub(super) holders: BTreeMap<(usize, bool), usize>,
    pub(super) followers: BTreeMap<usize, Vec<ThreadNo>>,
    /// The loads that wait for another load of their file.
    pub(super) waiting_loads: BTreeMap<usize, Vec<usize>>,
    pub(super) calls: Vec<CallRun>,
    pub(super) loads: Vec<LoadRun>,
    pub(super) truth: Truth,
    happened: Vec<Happening>,
}

impl<'p> Machine<'p> {
    /// A machine on which nothing has happened yet.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        let mut random = Random::new(u64::from(plan.view.salt));
        let skews = (0..CPUS).map(|_| random.between(0, u64::from(plan.view.skew_ns))).collect();
        let mut machine = Self {
            plan,
            now: BEGAN,
            queue: BTreeMap::new(),
            queued: 0,
            threads: Vec::new(),
            processes: Vec::new(),
            people: BTreeMap::new(),
            tracer: 0,
            tids: BTreeSet::new(),
            skews,
            addresses: Vec::new(),
            slots: SLOTS,
            in_line: VecDeque::new(),
            open: 0,
            disabled_until: 0,
            asleep: false,
            frozen: None,
            sleeper: 0,
            workers: Vec::new(),
            modules: vec![Loaded::Absent; FILES.len()],
            tries: vec![0; FILES.len()],
            module_waiters: Vec::new(),
            holders: BTreeMap::new(),
            followers: BTreeMap::new(),
            waiting_loads: BTreeMap::new(),
            calls: Vec::new(),
            loads: Vec::new(),
            truth: Truth::default(),
            happened: Vec::new(),
        };
        for (number, file) in FILES.iter().enumerate().filter(|(_, file)| file.state == State::LiveAtStart) {
            machine.truth.lives.push(Life { module: file.name, from: (0, 0), load: None, gone: None });
            if let Some(module) = machine.modules.get_mut(number) {
                *module = Loaded::Live(machine.truth.lives.len() - 1);
            }
        }
        machine.tracer = machine.process("modtrail", Some(TRACER));
        machine.sleeper = machine.process("systemd-sleep", None);
        machine
    }

    /// Runs the whole plan.
    #[must_use]
    pub fn run(mut self) -> (Vec<Happening>, Truth) {
        for (number, action) in self.plan.actions.iter().enumerate() {
            self.set(BEGAN + 1_000_000 + u64::from(action.at_us) * 1_000, Wake::Act(number));
        }
        while let Some(((at, _), wake)) = self.queue.pop_first() {
            if at > BEGAN + LIMIT {
                break;
            }
            self.now = at;
            if self.is_frozen(wake) {
                self.frozen.get_or_insert_default().push(wake);
                continue;
            }
            match wake {
                Wake::Act(number) => {
                    if let Some(action) = self.plan.actions.get(number).copied() {
                        self.act(action);
                    }
                }
                Wake::Run(thread, turn) => {
                    if self.threads.get(thread).is_some_and(|thread| thread.turn == turn && !thread.gone) {
                        self.go(thread);
                    }
                }
                Wake::Kill(thread) => self.kill(thread),
                Wake::FreeTid(tid) => {
                    self.tids.remove(&tid);
                }
            }
        }
        self.truth.seen = vec![false; self.happened.len()];
        self.truth.ended = self.now;
        (self.happened, self.truth)
    }

    /// Whether it belongs to user space, which is frozen.
    fn is_frozen(&self, wake: Wake) -> bool {
        let goes_on = |thread: ThreadNo| {
            let is_kernels = thread == self.sleeper || self.workers.contains(&thread) || self.is_kernels(thread);
            is_kernels || self.is_unborn(thread)
        };
        self.frozen.is_some()
            && match wake {
                Wake::Act(number) => match self.plan.actions.get(number).map(|action| action.deed) {
                    Some(Deed::Ask(ask)) => matches!(ask.who, Who::User(_)),
                    Some(Deed::Call { who, .. }) => matches!(who, Who::User(_)),
                    _ => true,
                },
                Wake::Run(thread, _) | Wake::Kill(thread) => !goes_on(thread),
                Wake::FreeTid(_) => false,
            }
    }

    /// A helper is frozen when it reaches user space, after its exec.
    fn is_unborn(&self, thread: ThreadNo) -> bool {
        let next = self.threads.get(thread).and_then(|thread| thread.steps.front());
        matches!(next, Some(Step::Born(_) | Step::Exec(_)))
    }

    fn is_kernels(&self, thread: ThreadNo) -> bool {
        self.people.iter().any(|(who, known)| matches!(who, Who::Kernel(_)) && *known == thread)
    }

    /// From now on user space does nothing.
    pub(super) fn freeze(&mut self) {
        self.frozen = Some(Vec::new());
    }

    /// User space goes on.
    pub(super) fn thaw(&mut self) {
        for (place, wake) in self.frozen.take().unwrap_or_default().into_iter().enumerate() {
            self.set(self.now + 2_000 + 700 * place as u64, wake);
        }
    }

    fn act(&mut self, action: Action) {
        let seed = u64::from(action.salt);
        let (thread, step) = match action.deed {
            Deed::Ask(ask) => (self.person(ask.who), Step::Ask(ask)),
            Deed::Own { alias } => (self.tracer, Step::AskNested(alias)),
            Deed::Call { who, wait } => (self.person(who), Step::CallOther(wait)),
            Deed::Insert { module, copy, memory } => {
                let Some(file) = world::number(module) else { return };
                (self.process("(udev-worker)", None), Step::Insert(Inserted { file, by_alias: false, copy, memory }))
            }
            Deed::Remove { module } => {
                let Some(file) = world::number(module) else { return };
                (self.process("rmmod", None), Step::Remove(file))
            }
            Deed::Suspend { frozen_us, asleep_ms } => (self.sleeper, self.new_cycle(frozen_us, asleep_ms)),
            Deed::Disable { for_us } => {
                self.disabled_until = self.disabled_until.max(self.now + u64::from(for_us) * 1_000);
                return;
            }
            Deed::Lose { .. } => return,
        };
        let Some(asked) = self.threads.get_mut(thread) else { return };
        if asked.idle {
            asked.random = Random::new(seed);
        }
        asked.inbox.push_back(step);
        if matches!(action.deed, Deed::Insert { .. } | Deed::Remove { .. }) {
            asked.inbox.push_back(Step::ExitGroup);
        }
        if asked.idle {
            asked.idle = false;
            self.later(thread, 0);
        }
    }

    /// The thread of a person, created again if the last one is gone.
    fn person(&mut self, who: Who) -> ThreadNo {
        if let Some(thread) = self.people.get(&who).copied()
            && let Some(known) = self.threads.get(thread)
            && self.processes.get(known.process).is_some_and(|process| !process.ending)
        {
            return thread;
        }
        match who {
            Who::Kernel(number) => {
                let thread = self.process(&format!("test_kmod-{number}"), None);
                self.people.insert(who, thread);
                thread
            }
            Who::User(number) => {
                let leader = self.process(&format!("ping{}", number / 2), None);
                let other = self.thread_of(leader);
                self.people.insert(Who::User(number / 2 * 2), leader);
                self.people.insert(Who::User(number / 2 * 2 + 1), other);
                if number % 2 == 0 { leader } else { other }
            }
        }
    }

    /// A new process with one thread. It takes the lowest free number, so that numbers are reused as soon as possible.
    pub(super) fn process(&mut self, comm: &str, tgid: Option<u32>) -> ThreadNo {
        let tgid = tgid.unwrap_or_else(|| self.free_tid());
        self.tids.insert(tgid);
        let thread = self.threads.len();
        let process = self.processes.len();
        self.processes.push(Process { threads: vec![thread], ending: false });
        self.threads.push(fresh(Task::new(tgid, tgid, self.now + SLEPT, comm), process));
        thread
    }

    fn thread_of(&mut self, leader: ThreadNo) -> ThreadNo {
        let tid = self.free_tid();
        self.tids.insert(tid);
        let thread = self.threads.len();
        if let Some(leader) = self.threads.get(leader).cloned() {
            let task = Task { tid: trace_common::ids::Tid(tid), ..leader.task };
            self.threads.push(fresh(task, leader.process));
            if let Some(process) = self.processes.get_mut(leader.process) {
                process.threads.push(thread);
            }
        }
        thread
    }

    fn free_tid(&self) -> u32 {
        (300..).find(|tid| !self.tids.contains(tid)).unwrap_or(u32::MAX)
    }

    /// A probe fires in the thread.
    pub(super) fn emit(&mut self, thread: ThreadNo, moment: Moment) -> Mark {
        let Some(thread) = self.threads.get(thread) else { return Mark::unseen(self.now) };
        let at = self.now + self.skews.get(thread.cpu).copied().unwrap_or(0);
        let number = self.happened.len();
        self.happened.push(Happening { at, cpu: thread.cpu, task: thread.task, moment });
        Mark { at, number }
    }

    /// The idle thread begins these steps.
    pub(super) fn start(&mut self, thread: ThreadNo, random: Random, steps: impl IntoIterator<Item = Step>) {
        let Some(found) = self.threads.get_mut(thread) else { return };
        found.random = random;
        found.steps.extend(steps);
        found.idle = false;
        found.blocked = true;
        self.wake(thread);
    }

    fn set(&mut self, at: u64, wake: Wake) {
        self.queued += 1;
        self.queue.insert((at, self.queued), wake);
    }

    /// The thread goes on in `after` nanoseconds, unless something else wakes it earlier.
    pub(super) fn later(&mut self, thread: ThreadNo, after: u64) {
        let Some(found) = self.threads.get_mut(thread) else { return };
        found.turn += 1;
        let turn = found.turn;
        self.set(self.now + after, Wake::Run(thread, turn));
    }

    /// Kills the thread's process in `after` nanoseconds.
    pub(super) fn kill_later(&mut self, thread: ThreadNo, after: u64) {
        self.set(self.now + after, Wake::Kill(thread));
    }

    /// Wakes a thread that waits, on any CPU.
    pub(super) fn wake(&mut self, thread: ThreadNo) {
        let Some(found) = self.threads.get_mut(thread).filter(|thread| thread.blocked && !thread.gone) else { return };
        found.blocked = false;
        found.cpu = usize::try_from(found.random.between(0, CPUS - 1)).unwrap_or(0);
        let slow = found.random.one_in(10);
        let delay = if slow { found.random.between(50_000, 3_000_000) } else { found.random.between(5_000, 80_000) };
        self.later(thread, delay);
    }

    /// The thread waits, and tries the step again when it is woken.
    pub(super) fn wait(&mut self, thread: ThreadNo, step: Step) -> Flow {
        if let Some(found) = self.threads.get_mut(thread) {
            found.steps.push_front(step);
            found.blocked = true;
            found.turn += 1;
        }
        Flow::Stop
    }

    /// What the thread does next.
    pub(super) fn next(
        &mut self,
        thread: ThreadNo,
        steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>,
    ) {
        if let Some(found) = self.threads.get_mut(thread) {
            steps.into_iter().rev().for_each(|step| found.steps.push_front(step));
        }
    }

    /// A number of nanoseconds.
    pub(super) fn draw(&mut self, thread: ThreadNo, low: u64, high: u64) -> u64 {
        self.threads.get_mut(thread).map_or(low, |thread| thread.random.between(low, high))
    }

    /// The few microseconds from one line of the kernel to the next.
    pub(super) fn a_moment(&mut self, thread: ThreadNo) -> Flow {
        Flow::After(self.draw(thread, 600, 12_000))
    }

    fn go(&mut self, thread: ThreadNo) {
        loop {
            let Some(found) = self.threads.get_mut(thread).filter(|thread| !thread.gone) else { return };
            found.blocked = false;
            let Some(step) = found.steps.pop_front() else {
                if found.killed {
                    return self.end(thread, 9);
                }
                let Some(step) = found.inbox.pop_front() else {
                    found.idle = true;
                    return;
                };
                found.steps.push_back(step);
                continue;
            };
            match self.step(thread, step) {
                Flow::On => {}
                Flow::After(nanoseconds) => return self.later(thread, nanoseconds),
                Flow::Stop => return,
            }
        }
    }

    fn step(&mut self, thread: ThreadNo, step: Step) -> Flow {
        match step {
            Step::Pause(nanoseconds) => Flow::After(nanoseconds),
            Step::Ask(_)
            | Step::AskNested(_)
            | Step::Deny(_)
            | Step::TakeSlot(_)
            | Step::Admit(_)
            | Step::Enter(_)
            | Step::Await(_)
            | Step::Leave(..)
            | Step::GiveSlot
            | Step::Serve(_)
            | Step::CallOther(_) => self.request_step(thread, step),
            Step::Pick(_)
            | Step::Fork(_)
            | Step::Reap(_)
            | Step::Finish(_)
            | Step::Born(_)
            | Step::Exec(_)
            | Step::Modprobe(..)
            | Step::Insert(_)
            | Step::Check
            | Step::Spawn(_)
            | Step::AwaitChildren => self.helper_step(thread, step),
            Step::Load(stage, load) => self.load_step(thread, stage, load),
            Step::Suspend(stage, cycle) => self.suspend_stage(thread, stage, cycle),
            Step::Remove(_) | Step::RemoveReported(_) | Step::RemoveDone(_) => self.removing(thread, &step),
            Step::ExitGroup => {
                self.kill(thread);
                Flow::On
            }
            Step::Exit(status) => {
                self.end(thread, status);
                Flow::Stop
            }
        }
    }

    /// Every thread of the process must end as soon as it can.
    fn kill(&mut self, thread: ThreadNo) {
        let Some(process) = self.threads.get(thread).map(|thread| thread.process) else { return };
        let Some(process) = self.processes.get_mut(process) else { return };
        process.ending = true;
        for thread in process.threads.clone() {
            let Some(found) = self.threads.get_mut(thread) else { continue };
            found.killed = true;
            found.inbox.clear();
            if found.idle && !found.gone {
                found.idle = false;
                self.later(thread, 20_000);
            } else {
                self.wake(thread);
            }
        }
    }

    /// The thread ends.
    pub(super) fn end(&mut self, thread: ThreadNo, status: i32) {
        self.emit(thread, Moment::CallerGone);
        let Some(found) = self.threads.get_mut(thread) else { return };
        found.gone = true;
        let (tid, process) = (found.task.tid.0, found.process);
        let free = found.random.between(30_000, 200_000);
        self.set(self.now + free, Wake::FreeTid(tid));
        let threads = self.processes.get(process).map(|process| process.threads.clone()).unwrap_or_default();
        if let Some(process) = self.processes.get_mut(process) {
            process.ending = true;
        }
        if threads.iter().all(|thread| self.threads.get(*thread).is_none_or(|thread| thread.gone)) {
            // The same probe reports both, one after the other.
            let mut mark = self.emit(thread, Moment::Exited { status: Some(WaitStatus(status)) });
            mark.at += 100;
            if let Some(last) = self.happened.last_mut() {
                last.at = mark.at;
            }
            self.helper_ended(thread, status, mark);
        }
    }
}

impl Mark {
    /// A moment that no probe sees.
    #[must_use]
    pub const fn unseen(at: u64) -> Self {
        Self { at, number: usize::MAX }
    }
}

fn fresh(task: Task, process: usize) -> Thread {
    Thread {
        task,
        process,
        cpu: 0,
        steps: VecDeque::new(),
        inbox: VecDeque::new(),
        random: Random::new(u64::from(task.tid.0)),
        blocked: false,
        idle: true,
        gone: false,
        killed: false,
        call: None,
        helps: None,
        parent: None,
        children: 0,
        result: 0,
        answer: None,
        deadline: None,
        turn: 0,
    }
}
