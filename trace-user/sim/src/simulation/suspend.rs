//! Suspend cycles: user space is frozen, helpers are disabled and drained, the machine sleeps and wakes up
//! (kernel/power/, kernel/umh.c).

use super::machine::Machine;
use super::runs::Flow;
use super::tasks::{Stage, Step, SuspendStage, ThreadNo};
use super::truth::{Cycle, Mark};
use modtrail_core::answer::ReturnCode;
use modtrail_core::event::{Depth, Moment, PmTest, SuspendMoment, SuspendState, Wait, Way};

const EAGAIN: i32 = -11;
/// The longest duration of the drain.
const DRAIN: u64 = 5_000_000_000;

impl Machine<'_> {
    /// The steps of a new cycle.
    pub(super) fn new_cycle(&mut self, frozen_us: u32, asleep_ms: u32) -> Step {
        let wanted = (u64::from(frozen_us) * 1_000, u64::from(asleep_ms) * 1_000_000);
        self.truth.cycles.push(Cycle { wanted, ..Cycle::default() });
        Step::Suspend(SuspendStage::Ask, self.truth.cycles.len() - 1)
    }

    pub(super) fn suspend_stage(&mut self, thread: ThreadNo, stage: SuspendStage, cycle: usize) -> Flow {
        let Some((for_frozen, for_asleep)) = self.truth.cycles.get(cycle).map(|cycle| cycle.wanted) else {
            return Flow::On;
        };
        match stage {
            SuspendStage::Ask => {
                let pm_test = Some(if for_asleep == 0 { PmTest::FREEZER } else { PmTest::NONE });
                let mark = self
                    .fires(thread, SuspendMoment::Began { way: Way::Suspend { state: SuspendState::Mem }, pm_test });
                self.know(cycle, |cycle| cycle.began = Some(mark));
                self.then(thread, SuspendStage::Freeze, cycle)
            }
            SuspendStage::Freeze => {
                self.fires(thread, SuspendMoment::FreezeBegan);
                self.then(thread, SuspendStage::Disable, cycle)
            }
            SuspendStage::Disable => {
                let mark = self.fires(thread, SuspendMoment::DisableBegan { depth: Depth::FREEZING });
                self.asleep = true;
                let inside = self.inside();
                self.know(cycle, |cycle| {
                    cycle.disable = Some(mark);
                    cycle.inside = inside;
                });
                self.then(thread, SuspendStage::Drain(self.now + DRAIN), cycle)
            }
            SuspendStage::Drain(until) => self.drain(thread, until, cycle),
            SuspendStage::Frozen => self.frozen(thread, for_frozen, cycle),
            SuspendStage::Sleep => {
                if for_asleep > 0 {
                    self.truth.sleeps.push((self.now, for_asleep));
                }
                self.next(thread, [Step::Suspend(SuspendStage::Thaw, cycle)]);
                Flow::After(for_frozen / 2 + 10_000)
            }
            SuspendStage::Thaw => {
                self.fires(thread, SuspendMoment::ThawBegan);
                self.fires_later(thread, 200, SuspendMoment::DepthSet { depth: Depth::FREEZING });
                self.thaw();
                self.then(thread, SuspendStage::Enable, cycle)
            }
            SuspendStage::Enable => {
                let mark = self.fires(thread, SuspendMoment::DepthSet { depth: Depth::ENABLED });
                self.asleep = false;
                self.know(cycle, |cycle| cycle.enabled = Some(mark));
                self.then(thread, SuspendStage::Answer(0), cycle)
            }
            SuspendStage::Answer(result) => {
                let mark = self.fires(thread, SuspendMoment::Ended { result: ReturnCode(result) });
                self.know(cycle, |cycle| cycle.ended = Some((mark, result)));
                self.a_moment(thread)
            }
        }
    }

    /// Waits for the callers of helpers, five seconds at most.
    fn drain(&mut self, thread: ThreadNo, until: u64, cycle: usize) -> Flow {
        let inside = self.inside();
        if !inside.is_empty() && self.now < until {
            self.next(thread, [Step::Suspend(SuspendStage::Drain(until), cycle)]);
            return Flow::After(self.draw(thread, 50_000, 400_000));
        }
        let result = if inside.is_empty() { 0 } else { EAGAIN };
        let mark = self.fires(thread, SuspendMoment::DisableEnded { result: ReturnCode(result) });
        self.know(cycle, |cycle| {
            cycle.disabled = Some((mark, result));
            cycle.culprits = inside;
        });
        if result == 0 {
            return self.then(thread, SuspendStage::Frozen, cycle);
        }
        self.asleep = false;
        self.know(cycle, |cycle| cycle.enabled = Some(mark));
        self.fires(thread, SuspendMoment::FreezeEnded { result: ReturnCode(result) });
        self.then(thread, SuspendStage::Answer(result), cycle)
    }

    /// User space is frozen.
    fn frozen(&mut self, thread: ThreadNo, for_frozen: u64, cycle: usize) -> Flow {
        // A task is frozen when it returns to user space: the freezer waits for tasks that are active in the kernel.
        if self.is_loading() {
            self.next(thread, [Step::Suspend(SuspendStage::Frozen, cycle)]);
            return Flow::After(self.draw(thread, 50_000, 400_000));
        }
        self.freeze();
        let alive = self.calls.iter().enumerate().filter(|(_, run)| run.alive > 0).map(|(place, _)| place);
        let alive: Vec<usize> = alive.filter(|place| !self.is_own(*place)).collect();
        self.fires(thread, SuspendMoment::FreezeEnded { result: ReturnCode::OK });
        self.know(cycle, |cycle| cycle.frozen = alive);
        self.fires_later(thread, 200, SuspendMoment::DepthSet { depth: Depth::DISABLED });
        self.next(thread, [Step::Suspend(SuspendStage::Sleep, cycle)]);
        Flow::After(for_frozen / 2 + 1_000)
    }

    fn fires(&mut self, thread: ThreadNo, moment: SuspendMoment) -> Mark {
        self.emit(thread, Moment::Suspend(moment))
    }

    /// A probe fires right after another in the same thread.
    fn fires_later(&mut self, thread: ThreadNo, after: u64, moment: SuspendMoment) {
        self.now += after;
        self.fires(thread, moment);
        self.now -= after;
    }

    fn then(&mut self, thread: ThreadNo, stage: SuspendStage, cycle: usize) -> Flow {
        self.next(thread, [Step::Suspend(stage, cycle)]);
        self.a_moment(thread)
    }

    fn know(&mut self, cycle: usize, change: impl FnOnce(&mut Cycle)) {
        if let Some(cycle) = self.truth.cycles.get_mut(cycle) {
            change(cycle);
        }
    }

    fn is_own(&self, call: usize) -> bool {
        self.truth.calls.get(call).is_some_and(|call| call.own)
    }

    /// A thread is inside the kernel with a module that is coming, or has come to its end.
    fn is_loading(&self) -> bool {
        let past_waiting = |step: Option<&Step>| match step {
            Some(Step::Load(stage, _)) => {
                !matches!(stage, Stage::Begin | Stage::Idempotent | Stage::Image | Stage::Claim | Stage::ClaimAgain)
            }
            Some(_) | None => false,
        };
        self.threads.iter().any(|thread| !thread.gone && past_waiting(thread.steps.front()))
    }

    /// The calls whose caller is inside `call_usermodehelper_exec`.
    fn inside(&self) -> Vec<usize> {
        let is_inside = |(_, call): &(usize, &super::truth::Call)| {
            call.entered.number != usize::MAX && call.returned.is_none() && call.wait != Wait::None
        };
        self.truth.calls.iter().enumerate().filter(is_inside).map(|(place, _)| place).collect()
    }
}
