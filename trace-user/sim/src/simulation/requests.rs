//! Requests and helper calls, as the steps of the task that asks (kernel/module/kmod.c and kernel/umh.c).

use super::machine::{Machine, TRACER};
use super::plan::{Ask, Helper, Release};
use super::runs::{CallRun, Flow};
use super::tasks::{Step, ThreadNo};
use super::truth::{self, Away, Mark};
use modtrail_core::answer::{CallResult, ReturnCode};
use modtrail_core::event::{CallEntered, Captured, Moment, Requested, Server, Wait};
use std::sync::Arc;
use trace_common::ids::CallAddress;

const EBUSY: i32 = -16;
const ETIME: i32 = -62;
/// What a killed requester gets.
pub const ERESTARTSYS: i32 = -512;
/// How long a request waits for a slot.
const SLOT_TIMEOUT: u64 = 5_000_000_000;

impl Machine<'_> {
    pub(super) fn request_step(&mut self, thread: ThreadNo, step: Step) -> Flow {
        match step {
            Step::Ask(ask) => self.ask(thread, ask),
            Step::AskNested(alias) => self.ask(thread, Ask { alias, slow_us: 500, ..Ask::PLAIN }),
            Step::Deny(request) => {
                let mark = self.emit(thread, Moment::Denied { result: ReturnCode(-1) });
                self.answer(request, mark, -1, Some(Away::Denied));
                self.a_moment(thread)
            }
            Step::TakeSlot(request) => self.take_slot(thread, request),
            Step::Admit(request) => self.admit(thread, request),
            Step::Enter(call) => self.enter(thread, call),
            Step::Await(call) => self.await_helper(thread, call),
            Step::Leave(call, result) => self.leave(thread, call, result),
            Step::GiveSlot => {
                self.give_slot();
                Flow::On
            }
            Step::Serve(request) => self.serve(thread, request),
            Step::CallOther(wait) => self.call_other(thread, wait),
            _ => Flow::On,
        }
    }

    fn ask(&mut self, thread: ThreadNo, ask: Ask) -> Flow {
        let Some(found) = self.threads.get(thread) else { return Flow::Stop };
        let (task, parent_call) = (found.task, found.call);
        let own = task.key.tgid.0 == TRACER;
        let request = self.truth.requests.len();
        let moment = Moment::Requested(Arc::new(Requested {
            alias: Captured::whole(ask.alias),
            uid: 1000,
            loginuid: None,
            exe: None,
            cgroup: None,
            stack: server(request).into_iter().map(|server| server.as_str().into()).collect(),
            privileges: None,
        }));
        let asked = self.emit(thread, moment);
        let parent = parent_call.and_then(|call| self.truth.calls.get(call)).and_then(|call| call.request);
        self.truth.requests.push(truth::Request {
            alias: ask.alias,
            task,
            own,
            parent: parent.filter(|parent| self.truth.requests.get(*parent).is_some_and(|parent| !parent.own)),
            asked,
            away: None,
            admitted: None,
            call: None,
            returned: None,
            served: None,
            others: self.open,
        });
        self.open += 1;
        if let Some(killed) = ask.killed_us {
            self.kill_later(thread, u64::from(killed) * 1_000);
        }
        if ask.exits {
            self.next(thread, [Step::ExitGroup]);
        }
        if ask.denied {
            self.next(thread, [Step::Deny(request), Step::Serve(request)]);
            return self.a_moment(thread);
        }
        let wait = if ask.nowait { Wait::Exec } else { Wait::Proc };
        let argv = ["/sbin/modprobe", "-q", "--", ask.alias].map(Captured::whole);
        let call = self.prepare(thread, wait, argv.into(), Some(request));
        if let Some(run) = self.calls.get_mut(call) {
            *run = CallRun {
                helper: ask.helper,
                alias: Some(ask.alias),
                slow_us: ask.slow_us,
                memory: ask.memory,
                ..run.clone()
            };
        }
        self.next(
            thread,
            [Step::TakeSlot(request), Step::Admit(request), Step::Enter(call), Step::GiveSlot, Step::Serve(request)],
        );
        self.a_moment(thread)
    }

    /// A call that is about to be entered; if its request is turned away, it never is.
    fn prepare(&mut self, thread: ThreadNo, wait: Wait, argv: Arc<[Captured]>, request: Option<usize>) -> usize {
        let caller = self.threads.get(thread).map(|thread| thread.task).unwrap_or_default();
        let call = self.truth.calls.len();
        self.truth.calls.push(truth::Call {
            caller,
            request,
            own: caller.key.tgid.0 == TRACER,
            wait,
            argv,
            address: 0,
            entered: Mark::unseen(0),
            picked: None,
            born: None,
            executed: None,
            exited: None,
            completed: None,
            returned: None,
            tree_ended: None,
        });
        self.calls.push(CallRun {
            caller: thread,
            helper: Helper::Ends(0),
            alias: None,
            slow_us: 5_000,
            memory: false,
            done: false,
            answer: 0,
            abandoned: false,
            alive: 0,
            worker: None,
            status: None,
        });
        call
    }

    /// The request is answered, and nothing waits any more.
    fn answer(&mut self, request: usize, mark: Mark, result: i32, away: Option<Away>) {
        let Some(request) = self.truth.requests.get_mut(request) else { return };
        request.returned = Some((mark, result));
        request.away = away;
        self.open = self.open.saturating_sub(1);
    }

    /// 5.10 and 6.1 wake all waiters, and the first to come takes the slot; 6.12 hands it to the first in line.
    fn give_slot(&mut self) {
        match self.plan.view.release {
            Release::V6_1 => {
                self.slots += 1;
                for thread in self.in_line.clone() {
                    self.wake(thread);
                }
            }
            Release::V6_12 => match self.in_line.pop_front() {
                Some(first) => {
                    if let Some(found) = self.threads.get_mut(first) {
                        found.answer = Some(0);
                    }
                    self.wake(first);
                }
                None => self.slots += 1,
            },
        }
    }

    fn take_slot(&mut self, thread: ThreadNo, request: usize) -> Flow {
        let now = self.now;
        let Some(found) = self.threads.get_mut(thread) else { return Flow::Stop };
        let deadline = found.deadline;
        let handed = found.answer.take().is_some();
        if handed || self.slots > 0 && (deadline.is_none() || self.plan.view.release == Release::V6_1) {
            if !handed {
                self.slots -= 1;
            }
            found.deadline = None;
            self.in_line.retain(|waiting| *waiting != thread);
            return Flow::On;
        }
        let killed = found.killed && self.plan.view.release == Release::V6_1;
        if killed || deadline.is_some_and(|deadline| deadline <= now) {
            found.deadline = None;
            found.steps.retain(|step| matches!(step, Step::ExitGroup) || !is_of_request(step));
            self.in_line.retain(|waiting| *waiting != thread);
            let (away, result) = if killed { (Away::Killed, ERESTARTSYS) } else { (Away::Throttled, ETIME) };
            let is_seen = self.plan.view.release == Release::V6_12;
            let mark = if is_seen {
                self.emit(thread, Moment::Throttled { result: ReturnCode(result) })
            } else {
                Mark::unseen(now)
            };
            self.answer(request, mark, result, Some(away));
            return self.a_moment(thread);
        }
        let deadline = deadline.unwrap_or_else(|| {
            self.in_line.push_back(thread);
            now + SLOT_TIMEOUT + found.random.between(0, 256_000_000)
        });
        found.deadline = Some(deadline);
        let flow = self.wait(thread, Step::TakeSlot(request));
        self.later(thread, deadline - now);
        flow
    }

    fn admit(&mut self, thread: ThreadNo, request: usize) -> Flow {
        let Some(found) = self.truth.requests.get(request) else { return Flow::On };
        let waits = self.threads.get(thread).and_then(|thread| match thread.steps.front() {
            Some(Step::Enter(call)) => self.truth.calls.get(*call),
            _ => None,
        });
        let wait = waits.is_none_or(|call| call.wait == Wait::Proc);
        let mark = self.emit(thread, Moment::Admitted { alias: Captured::whole(found.alias), wait });
        if let Some(request) = self.truth.requests.get_mut(request) {
            request.admitted = Some(mark);
        }
        self.a_moment(thread)
    }

    fn enter(&mut self, thread: ThreadNo, call: usize) -> Flow {
        // The address that was freed last is reused first.
        let address = self.addresses.pop().unwrap_or_else(|| 0xffff_8000_0000_0000 + 96 * call as u64);
        let Some(entered) = self.truth.calls.get(call).cloned() else { return Flow::On };
        let moment = Moment::CallEntered(Arc::new(CallEntered {
            call: CallAddress(address),
            wait: entered.wait,
            path: entered.argv.first().cloned().unwrap_or(Captured::whole("")),
            argv: entered.argv.clone(),
            argv_more: false,
            stack: [].into(),
        }));
        let mark = self.emit(thread, moment);
        if let Some(truth) = self.truth.calls.get_mut(call) {
            truth.entered = mark;
            truth.address = address;
        }
        if let Some(request) = entered.request.and_then(|request| self.truth.requests.get_mut(request)) {
            request.call = Some(call);
        }
        if self.now < self.disabled_until || self.asleep {
            self.next(thread, [Step::Leave(call, EBUSY)]);
            return self.a_moment(thread);
        }
        self.queue_work(thread, call);
        let step = if entered.wait == Wait::None { Step::Leave(call, 0) } else { Step::Await(call) };
        self.next(thread, [step]);
        self.a_moment(thread)
    }

    fn await_helper(&mut self, thread: ThreadNo, call: usize) -> Flow {
        let killed = self.threads.get(thread).is_some_and(|thread| thread.killed);
        let Some(run) = self.calls.get_mut(call) else { return Flow::On };
        let result = if run.done {
            run.answer
        } else if killed && run.alias.is_some() {
            run.abandoned = true;
            ERESTARTSYS
        } else {
            return self.wait(thread, Step::Await(call));
        };
        self.next(thread, [Step::Leave(call, result)]);
        Flow::On
    }

    /// The memory of the call is freed before the return is seen, unless somebody else frees it later.
    fn leave(&mut self, thread: ThreadNo, call: usize, result: i32) -> Flow {
        let Some(truth) = self.truth.calls.get(call) else { return Flow::On };
        let (wait, request, address) = (truth.wait, truth.request, truth.address);
        let abandoned = self.calls.get(call).is_some_and(|run| run.abandoned);
        if result == EBUSY && truth.picked.is_none() || !abandoned && wait != Wait::None {
            self.addresses.push(address);
        }
        let mark = self.emit(thread, Moment::CallReturned { result: CallResult::from_return(result) });
        if let Some(truth) = self.truth.calls.get_mut(call) {
            truth.returned = Some((mark, result));
        }
        if let Some(request) = request {
            self.answer(request, mark, result, None);
        }
        self.a_moment(thread)
    }

    /// Every third one gets what it asked for, whatever became of its request.
    fn serve(&mut self, thread: ThreadNo, request: usize) -> Flow {
        let Some(by) = server(request) else { return Flow::On };
        let result = if request.is_multiple_of(3) { 0 } else { -97 };
        let mark = self.emit(thread, Moment::Served { by, result: ReturnCode(result) });
        if let Some(request) = self.truth.requests.get_mut(request) {
            request.served = Some((mark, result));
        }
        self.a_moment(thread)
    }

    fn call_other(&mut self, thread: ThreadNo, wait: u8) -> Flow {
        let wait = Wait::from_mode(i32::from(wait));
        let argv = ["/usr/lib/core", "412", "1000", "11", "0"].map(Captured::whole);
        let call = self.prepare(thread, wait, argv.into(), None);
        self.next(thread, [Step::Enter(call)]);
        Flow::On
    }
}

/// Whether a request that is turned away skips the step.
const fn is_of_request(step: &Step) -> bool {
    matches!(step, Step::Admit(_) | Step::Enter(_) | Step::GiveSlot)
}

/// The kernel function that makes the request in this place; none for some.
fn server(request: usize) -> Option<Server> {
    Server::ALL.get(request % (Server::ALL.len() + 2)).copied()
}
