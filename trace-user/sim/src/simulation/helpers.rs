//! Workers and helpers: from the queue to the helper's end (kernel/umh.c), and what modprobe does in between.

use super::machine::Machine;
use super::plan::Helper;
use super::random::Random;
use super::runs::{CallRun, Flow, Loaded};
use super::tasks::{Inserted, Stage, Step, ThreadNo};
use super::truth::Mark;
use super::world::{self, FILES, State};
use modtrail_core::answer::ReturnCode;
use modtrail_core::event::{Comm, Moment, Wait};
use trace_common::ids::CallAddress;

const EAGAIN: i32 = -11;
const EEXIST: i32 = -17;
/// The only exit code of a modprobe that failed, as a wait status word.
const EXIT_1: i32 = 1 << 8;

impl Machine<'_> {
    /// An idle worker picks the call up; a new worker if there is none.
    pub(super) fn queue_work(&mut self, caller: ThreadNo, call: usize) {
        let seed = self.draw(caller, 0, u64::MAX - 1);
        let free =
            self.workers.iter().copied().find(|worker| self.threads.get(*worker).is_some_and(|thread| thread.idle));
        let worker = free.unwrap_or_else(|| {
            let worker = self.process("kworker/u8:2", None);
            self.workers.push(worker);
            worker
        });
        self.start(worker, Random::new(seed), [Step::Pick(call)]);
    }

    pub(super) fn helper_step(&mut self, thread: ThreadNo, step: Step) -> Flow {
        match step {
            Step::Pick(call) => {
                let mark = self.emit(thread, Moment::CallPicked { call: self.address(call) });
                if let Some(truth) = self.truth.calls.get_mut(call) {
                    truth.picked = Some(mark);
                }
                self.next(thread, [Step::Fork(call)]);
                Flow::After(self.draw(thread, 10_000, 200_000))
            }
            Step::Fork(call) => self.fork_helper(thread, call),
            Step::Reap(call) => match self.calls.get_mut(call).map(|run| (run.status, &mut run.answer)) {
                Some((Some(status), answer)) => {
                    if status != 0 {
                        *answer = status;
                    }
                    self.complete(thread, call);
                    self.a_moment(thread)
                }
                Some((None, _)) => self.wait(thread, Step::Reap(call)),
                None => Flow::On,
            },
            Step::Finish(call) => {
                if !self.plan.view.umh_complete {
                    let seen = (!self.plan.view.completed_blind).then_some(self.address(call));
                    let mark = self.emit(thread, Moment::Completed { call: seen });
                    self.completed(call, mark);
                }
                self.a_moment(thread)
            }
            Step::Born(call) => {
                let mark = self.emit(thread, Moment::Born { call: self.address(call) });
                let task = self.threads.get(thread).map(|thread| thread.task).unwrap_or_default();
                if let Some(truth) = self.truth.calls.get_mut(call) {
                    truth.born = Some((task, mark));
                }
                Flow::After(self.draw(thread, 20_000, 600_000))
            }
            Step::Exec(call) => self.exec(thread, call),
            Step::Modprobe(alias, memory) => self.modprobe(thread, alias, memory),
            Step::Insert(inserted) => self.insert(thread, inserted),
            Step::Check => {
                let failed =
                    self.threads.get(thread).is_some_and(|thread| thread.result < 0 && thread.result != EEXIST);
                let helps = self.threads.get(thread).is_some_and(|thread| thread.call.is_some());
                if failed && let Some(thread) = self.threads.get_mut(thread) {
                    thread.steps.clear();
                    thread.steps.push_back(if helps { Step::Exit(EXIT_1) } else { Step::ExitGroup });
                }
                Flow::On
            }
            Step::Spawn(steps) => {
                self.spawn(thread, steps);
                self.a_moment(thread)
            }
            Step::AwaitChildren => match self.threads.get(thread).map(|thread| (thread.children, thread.result)) {
                Some((0, status)) => {
                    self.next(thread, [Step::Exit(status)]);
                    self.a_moment(thread)
                }
                Some(_) => self.wait(thread, Step::AwaitChildren),
                None => Flow::Stop,
            },
            _ => Flow::On,
        }
    }

    fn address(&self, call: usize) -> CallAddress {
        CallAddress(self.truth.calls.get(call).map_or(0, |call| call.address))
    }

    fn fork_helper(&mut self, worker: ThreadNo, call: usize) -> Flow {
        let Some(run) = self.calls.get(call).cloned() else { return Flow::On };
        let wait = self.truth.calls.get(call).map_or(Wait::Proc, |call| call.wait);
        self.next(worker, [Step::Finish(call)]);
        if run.helper == Helper::Unborn {
            if let Some(run) = self.calls.get_mut(call) {
                run.answer = EAGAIN;
            }
            self.complete(worker, call);
            return self.a_moment(worker);
        }
        let comm = "kworker/u8:2";
        let helper = self.process(comm, None);
        if let Some(found) = self.threads.get_mut(helper) {
            found.call = Some(call);
            found.helps = Some(call);
        }
        if let Some(run) = self.calls.get_mut(call) {
            run.alive += 1;
            run.worker = (wait == Wait::Proc).then_some(worker);
        }
        let mut steps = vec![Step::Born(call), Step::Exec(call)];
        steps.extend(program(&run));
        let seed = self.draw(worker, 0, u64::MAX - 1);
        self.start(helper, Random::new(seed), steps);
        if wait == Wait::Proc {
            self.next(worker, [Step::Reap(call)]);
        }
        self.a_moment(worker)
    }

    fn exec(&mut self, thread: ThreadNo, call: usize) -> Flow {
        let Some(run) = self.calls.get(call) else { return Flow::On };
        let result = if let Helper::Missing(error) = run.helper { error } else { 0 };
        let is_modprobe = run.alias.is_some();
        if result == 0
            && let Some(thread) = self.threads.get_mut(thread)
        {
            thread.task.comm = Comm::from_text(if is_modprobe { "modprobe" } else { "core" });
        }
        let mark = self.emit(thread, Moment::Executed { result: ReturnCode(result), program: None });
        let Some(truth) = self.truth.calls.get_mut(call) else { return Flow::On };
        truth.executed = Some((mark, result));
        let waits = truth.wait == Wait::Proc;
        if result < 0 {
            if let Some(run) = self.calls.get_mut(call) {
                run.answer = result;
            }
            if let Some(thread) = self.threads.get_mut(thread) {
                thread.steps.clear();
                thread.steps.push_back(Step::Exit(0));
            }
        }
        if !waits {
            self.complete(thread, call);
        }
        self.a_moment(thread)
    }

    /// `umh_complete`: the waiter gets its answer; if nobody waits, the memory of the call is freed.
    fn complete(&mut self, thread: ThreadNo, call: usize) {
        let address = self.address(call);
        if self.plan.view.umh_complete {
            let seen = (!self.plan.view.completed_blind).then_some(address);
            let mark = self.emit(thread, Moment::Completed { call: seen });
            self.completed(call, mark);
        }
        let wait = self.truth.calls.get(call).map_or(Wait::Proc, |call| call.wait);
        let Some(run) = self.calls.get_mut(call) else { return };
        run.done = true;
        if run.abandoned || wait == Wait::None {
            self.addresses.push(address.0);
        } else {
            let caller = run.caller;
            self.wake(caller);
        }
    }

    fn completed(&mut self, call: usize, mark: Mark) {
        if let Some(truth) = self.truth.calls.get_mut(call) {
            truth.completed = Some(mark);
        }
    }

    /// A process has ended; its waiter is woken.
    pub(super) fn helper_ended(&mut self, thread: ThreadNo, status: i32, mark: Mark) {
        let Some(found) = self.threads.get(thread) else { return };
        let (call, helps, parent) = (found.call, found.helps, found.parent);
        if let Some(call) = call
            && let (Some(run), Some(truth)) = (self.calls.get_mut(call), self.truth.calls.get_mut(call))
        {
            run.alive = run.alive.saturating_sub(1);
            truth.tree_ended = Some(mark.at).filter(|_| run.alive == 0);
            if helps.is_some() {
                run.status = Some(status);
                truth.exited = Some((mark, status));
                if let Some(worker) = run.worker {
                    self.wake(worker);
                }
            }
        }
        if let Some(parent) = parent {
            if let Some(found) = self.threads.get_mut(parent) {
                found.children = found.children.saturating_sub(1);
                found.result = status;
            }
            self.wake(parent);
        }
    }

    fn spawn(&mut self, parent: ThreadNo, steps: Vec<Step>) {
        let seed = self.draw(parent, 0, u64::MAX - 1);
        let child = self.process("sh", None);
        let call = self.threads.get(parent).and_then(|thread| thread.call);
        let Some(found) = self.threads.get_mut(child) else { return };
        found.call = call;
        found.parent = Some(parent);
        found.task.comm = Comm::from_text("modprobe");
        let key = found.task.key;
        self.emit(parent, Moment::Forked { child: key });
        if let Some(parent) = self.threads.get_mut(parent) {
            parent.children += 1;
        }
        if let Some(run) = call.and_then(|call| self.calls.get_mut(call)) {
            run.alive += 1;
        }
        self.start(child, Random::new(seed), steps);
    }

    /// What libkmod does for an alias: the modules that it resolves to are loaded one by one; if there are none, that
    /// is a failure.
    fn modprobe(&mut self, thread: ThreadNo, alias: &'static str, memory: bool) -> Flow {
        let names = world::stands_for(alias);
        if names.is_empty() {
            self.next(thread, [Step::Exit(EXIT_1)]);
            return self.a_moment(thread);
        }
        let files = names.iter().filter_map(|name| world::number(name));
        let steps: Vec<Step> =
            files.map(|file| Step::Insert(Inserted { file, by_alias: true, copy: false, memory })).collect();
        self.next(thread, steps);
        Flow::After(self.draw(thread, 50_000, 3_000_000))
    }

    /// A module that is live is left alone, and what a module needs is loaded before it.
    fn insert(&mut self, thread: ThreadNo, inserted: Inserted) -> Flow {
        let (Some(file), Some(module)) = (FILES.get(inserted.file), self.modules.get(inserted.file)) else {
            return Flow::On;
        };
        let passed_over = match file.state {
            State::BuiltIn => true,
            State::Blacklisted => inserted.by_alias,
            State::Loadable | State::LiveAtStart | State::Refused(_) => false,
        };
        if passed_over || matches!(module, Loaded::Live(_)) {
            return self.a_moment(thread);
        }
        let needs = file.needs.iter().filter_map(|name| world::number(name));
        let mut steps: Vec<Step> =
            needs.map(|file| Step::Insert(Inserted { file, by_alias: false, ..inserted })).collect();
        let load = self.prepare_load(thread, inserted);
        steps.extend([Step::Load(Stage::Begin, load), Step::Check]);
        self.next(thread, steps);
        self.a_moment(thread)
    }
}

/// What a helper does after its exec.
fn program(run: &CallRun) -> Vec<Step> {
    let mut steps = vec![Step::Pause(u64::from(run.slow_us) * 1_000 + 30_000)];
    let Some(alias) = run.alias else {
        steps.push(Step::Exit(0));
        return steps;
    };
    let modprobe = [Step::Modprobe(alias, run.memory), Step::Exit(0)];
    match run.helper {
        Helper::Modprobe | Helper::Missing(_) | Helper::Unborn => steps.extend(modprobe),
        Helper::Ends(status) => steps.push(Step::Exit(status)),
        Helper::LoadsAndEnds(status) => steps.extend([Step::Modprobe(alias, run.memory), Step::Exit(status)]),
        Helper::Script => steps.extend([Step::Spawn(modprobe.to_vec()), Step::AwaitChildren]),
        Helper::Daemon(after_us) => {
            let mut late = vec![Step::Pause(u64::from(after_us) * 1_000)];
            late.extend(modprobe);
            steps.extend([Step::Spawn(late), Step::Exit(0)]);
        }
    }
    steps
}
