//! Loads and unloads, and which load wins if several want one module (kernel/module/main.c).

use super::machine::Machine;
use super::plan::Release;
use super::runs::{Flow, LoadRun, Loaded};
use super::tasks::{Inserted, Stage, Step, ThreadNo};
use super::truth::{self, Life, Mark};
use super::world::{FILES, File, Init, State};
use modtrail_core::answer::ReturnCode;
use modtrail_core::event::{Captured, FileId, Module, Moment, Syscall};
use trace_common::ids::ModuleAddress;

const EEXIST: i32 = -17;
const EBUSY: i32 = -16;

impl Machine<'_> {
    pub(super) fn prepare_load(&mut self, thread: ThreadNo, inserted: Inserted) -> usize {
        let load = self.loads.len();
        let (task, call) = self.threads.get(thread).map(|thread| (thread.task, thread.call)).unwrap_or_default();
        self.truth.loads.push(truth::Load {
            task,
            call,
            module: FILES.get(inserted.file).map_or("", |file| file.name),
            began: Mark::unseen(0),
            named: None,
            follows: None,
            coming: None,
            init_begun: None,
            live: None,
            init_ended: None,
            ended: None,
        });
        self.loads.push(LoadRun { inserted, result: 0, live: 0 });
        load
    }

    pub(super) fn load_step(&mut self, thread: ThreadNo, stage: Stage, load: usize) -> Flow {
        let Some(LoadRun { inserted, .. }) = self.loads.get(load).copied() else { return Flow::On };
        let Some(file) = FILES.get(inserted.file) else { return Flow::On };
        match stage {
            Stage::Begin => {
                let syscall = if inserted.memory { Syscall::Init } else { Syscall::Finit };
                let mark = self.emit(thread, Moment::LoadBegan { syscall, origin: None });
                self.load_truth(load, |truth| truth.began = mark);
                self.next(thread, [Step::Load(Stage::Idempotent, load)]);
                Flow::After(self.draw(thread, 30_000, 2_000_000))
            }
            Stage::Idempotent => self.idempotent(thread, inserted, load),
            Stage::Image => {
                self.emit(thread, Moment::ImageRead { bytes: Some(53_248) });
                let refused = if let State::Refused(error) = file.state { Some(error) } else { None };
                match refused {
                    Some(error) => self.fail(thread, load, error),
                    None => self.next(thread, [Step::Load(Stage::Claim, load)]),
                }
                Flow::After(self.draw(thread, 20_000, 500_000))
            }
            Stage::Claim | Stage::ClaimAgain => self.claim(thread, inserted.file, load, stage == Stage::ClaimAgain),
            Stage::Coming => {
                let mark = self.emit(thread, Moment::Coming(module(inserted.file)));
                self.load_truth(load, |truth| truth.coming = Some(mark));
                self.next(thread, [Step::Load(Stage::Init, load)]);
                self.a_moment(thread)
            }
            Stage::Init => {
                let mark = self.emit(thread, Moment::InitBegun(module(inserted.file)));
                self.load_truth(load, |truth| truth.init_begun = Some(mark));
                self.next(thread, [Step::Load(Stage::Inited, load)]);
                if let Init::Asks(alias) = file.init {
                    self.next(thread, [Step::AskNested(alias)]);
                }
                let slower = self.plan.view.slower.filter(|(name, _)| *name == file.name);
                let more = slower.map_or(0, |(_, more_us)| u64::from(more_us) * 1_000);
                Flow::After(self.draw(thread, 20_000, file.init_us * 1_000) + more)
            }
            Stage::Inited => self.inited(thread, inserted.file, file, load),
            Stage::Live => {
                let mark = self.emit(thread, Moment::Live(module(inserted.file)));
                self.load_truth(load, |truth| truth.live = Some(mark));
                if let Some(Loaded::Live(life)) = self.modules.get(inserted.file).copied()
                    && let Some(life) = self.truth.lives.get_mut(life)
                {
                    life.from.1 = mark.at;
                }
                self.next(thread, [Step::Load(Stage::Settled, load)]);
                Flow::After(self.draw(thread, 1_000, 1_000 + file.settle_us * 1_000))
            }
            Stage::Settled => {
                self.wake_module_waiters();
                let mark = self.emit(thread, Moment::InitEnded { result: ReturnCode::OK });
                self.load_truth(load, |truth| truth.init_ended = Some((mark, 0)));
                self.next(thread, [Step::Load(Stage::End, load)]);
                self.a_moment(thread)
            }
            Stage::Failed => {
                self.emit(thread, Moment::Going(module(inserted.file)));
                self.next(thread, [Step::Load(Stage::Freed, load)]);
                self.a_moment(thread)
            }
            Stage::Freed => self.freed_after_failure(thread, inserted.file, load),
            Stage::End => self.end_load(thread, inserted, load),
        }
    }

    fn load_truth(&mut self, load: usize, change: impl FnOnce(&mut truth::Load)) {
        if let Some(truth) = self.truth.loads.get_mut(load) {
            change(truth);
        }
    }

    fn fail(&mut self, thread: ThreadNo, load: usize, error: i32) {
        if let Some(run) = self.loads.get_mut(load) {
            run.result = error;
        }
        self.next(thread, [Step::Load(Stage::End, load)]);
    }

    /// From 6.5 on, one thread loads a file, and the others that want the same file wait for the result.
    fn idempotent(&mut self, thread: ThreadNo, inserted: Inserted, load: usize) -> Flow {
        if let Some(answer) = self.threads.get_mut(thread).and_then(|thread| thread.answer.take()) {
            self.fail(thread, load, answer);
            return Flow::On;
        }
        if self.plan.view.release == Release::V6_12 && !inserted.memory {
            let key = (inserted.file, inserted.copy);
            let inode = 2 * inserted.file as u64 + u64::from(inserted.copy) + 1;
            let name = Captured::whole(&format!("{}.ko", FILES.get(inserted.file).map_or("", |file| file.name)));
            let file_named = self.emit(thread, Moment::FileNamed { name, file: Some(FileId { device: 1, inode }) });
            if let Some(holder) = self.holders.get(&key).copied() {
                self.followers.entry(holder).or_default().push(thread);
                self.waiting_loads.entry(holder).or_default().push(load);
                self.load_truth(load, |truth| truth.follows = Some(holder));
                if self.truth.loads.get(holder).is_some_and(|holder| holder.named.is_some()) {
                    self.load_truth(load, |truth| truth.named = Some(file_named));
                }
                return self.wait(thread, Step::Load(Stage::Idempotent, load));
            }
            self.holders.insert(key, load);
        }
        self.next(thread, [Step::Load(Stage::Image, load)]);
        Flow::On
    }

    /// The kernel learns which module the thread loads, and those that wait for its file.
    fn named(&mut self, thread: ThreadNo, file: usize, load: usize) {
        let mark = self.emit(thread, Moment::Named { name: module(file).name });
        let waiting = self.waiting_loads.get(&load).cloned().unwrap_or_default();
        for load in waiting.into_iter().chain([load]) {
            self.load_truth(load, |truth| {
                truth.named.get_or_insert(mark);
            });
        }
    }

    fn claim(&mut self, thread: ThreadNo, file: usize, load: usize, again: bool) -> Flow {
        self.named(thread, file, load);
        let Some(module) = self.modules.get_mut(file) else { return Flow::On };
        match module {
            Loaded::Live(_) => self.fail(thread, load, EEXIST),
            Loaded::Claimed => {
                self.module_waiters.push(thread);
                return self.wait(thread, Step::Load(Stage::ClaimAgain, load));
            }
            Loaded::Absent if !again => {
                *module = Loaded::Claimed;
                self.next(thread, [Step::Load(Stage::Coming, load)]);
            }
            Loaded::Absent | Loaded::Going => self.fail(thread, load, EBUSY),
        }
        Flow::After(self.draw(thread, 20_000, 800_000))
    }

    fn inited(&mut self, thread: ThreadNo, number: usize, file: &File, load: usize) -> Flow {
        let tries = self.tries.get_mut(number).map_or(0, |tries| {
            *tries += 1;
            *tries
        });
        let error = match file.init {
            Init::Fails(error) => Some(error),
            Init::FailsAtFirst(error) if tries % 2 == 1 => Some(error),
            Init::FailsAtFirst(_) | Init::Fine | Init::Asks(_) => None,
        };
        let Some(run) = self.loads.get_mut(load) else { return Flow::On };
        run.result = error.unwrap_or(0);
        let (state, next) = match error {
            Some(_) => (Loaded::Going, Stage::Failed),
            None => {
                run.live = self.now;
                let from = (self.now, self.now);
                self.truth.lives.push(Life { module: file.name, from, load: Some(load), gone: None });
                (Loaded::Live(self.truth.lives.len() - 1), Stage::Live)
            }
        };
        if let Some(module) = self.modules.get_mut(number) {
            *module = state;
        }
        self.next(thread, [Step::Load(next, load)]);
        // Now and then the thread loses its processor between the two.
        let moment = self.draw(thread, 600, 30_000);
        Flow::After(if moment.is_multiple_of(8) { moment * 1_000 } else { moment })
    }

    fn freed_after_failure(&mut self, thread: ThreadNo, file: usize, load: usize) -> Flow {
        self.emit(thread, Moment::Freed(module(file)));
        if let Some(module) = self.modules.get_mut(file) {
            *module = Loaded::Absent;
        }
        self.wake_module_waiters();
        let result = self.loads.get(load).map_or(0, |load| load.result);
        let mark = self.emit(thread, Moment::InitEnded { result: ReturnCode(result) });
        self.load_truth(load, |truth| truth.init_ended = Some((mark, result)));
        self.next(thread, [Step::Load(Stage::End, load)]);
        self.a_moment(thread)
    }

    fn end_load(&mut self, thread: ThreadNo, inserted: Inserted, load: usize) -> Flow {
        let result = self.loads.get(load).map_or(0, |load| load.result);
        let key = (inserted.file, inserted.copy);
        if self.holders.get(&key) == Some(&load) {
            self.holders.remove(&key);
        }
        for follower in self.followers.remove(&load).unwrap_or_default() {
            if let Some(found) = self.threads.get_mut(follower) {
                found.answer = Some(result);
            }
            self.wake(follower);
        }
        let syscall = if inserted.memory { Syscall::Init } else { Syscall::Finit };
        let mark = self.emit(thread, Moment::LoadEnded { syscall, result: ReturnCode(result), ending: None });
        self.load_truth(load, |truth| truth.ended = Some((mark, result)));
        if let Some(found) = self.threads.get_mut(thread) {
            found.result = result;
        }
        self.a_moment(thread)
    }

    /// There is one queue for all modules: a thread that is done wakes all.
    fn wake_module_waiters(&mut self) {
        for waiter in std::mem::take(&mut self.module_waiters) {
            self.wake(waiter);
        }
    }

    pub(super) fn removing(&mut self, thread: ThreadNo, step: &Step) -> Flow {
        match *step {
            Step::Remove(file) => {
                let Some(Loaded::Live(life)) = self.modules.get(file).copied() else { return Flow::On };
                let name = FILES.get(file).map_or("", |file| file.name);
                let is_needed = FILES
                    .iter()
                    .zip(&self.modules)
                    .any(|(other, module)| *module != Loaded::Absent && other.needs.contains(&name));
                // A module whose load has not ended is not removed.
                let is_young = self.truth.lives.get(life).and_then(|life| self.truth.loads.get(life.load?));
                if is_needed || is_young.is_some_and(|load| load.init_ended.is_none()) {
                    return Flow::On;
                }
                if let Some(module) = self.modules.get_mut(file) {
                    *module = Loaded::Going;
                }
                if let Some(life) = self.truth.lives.get_mut(life) {
                    life.gone = Some((self.now, self.now));
                }
                self.next(thread, [Step::RemoveReported(file)]);
                Flow::After(self.draw(thread, 1_000, 200_000))
            }
            Step::RemoveReported(file) => {
                let mark = self.emit(thread, Moment::Going(module(file)));
                let name = FILES.get(file).map_or("", |file| file.name);
                let life = self.truth.lives.iter_mut().rev().find(|life| life.module == name);
                if let Some((_, seen)) = life.and_then(|life| life.gone.as_mut()) {
                    *seen = mark.at;
                }
                self.next(thread, [Step::RemoveDone(file)]);
                // Its exit may take long: loads are refused until then.
                Flow::After(self.draw(thread, 1_000, 30_000_000))
            }
            Step::RemoveDone(file) => {
                self.emit(thread, Moment::Freed(module(file)));
                if let Some(module) = self.modules.get_mut(file) {
                    *module = Loaded::Absent;
                }
                self.a_moment(thread)
            }
            _ => Flow::On,
        }
    }
}

fn module(file: usize) -> Module {
    let name = FILES.get(file).map_or("", |file| file.name);
    Module { address: ModuleAddress(0xc000 + file as u64), name: Captured::whole(name) }
}
