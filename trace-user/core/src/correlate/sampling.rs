//! What a sample of a thread that something has waited for too long proves. If the thread is gone, or no longer inside
//! what it was seen to enter, the end of that was not seen.
//!
//! In: the thread's kernel stack, or that it is gone. Out: what was open in it, ended as far as can be known.

use super::Correlator;
use crate::entities::{Change, Firmware};
use crate::event::{STACK_FRAMES, Stamp, Task, on_stack};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// Where a caller of a helper waits (kernel/umh.c, 5.10 to 7.3).
const CALL: &[&str] = &["call_usermodehelper_exec"];
/// Where a driver waits for its firmware (drivers/base/firmware_loader/main.c, 5.10 to 7.3).
const FIRMWARE: &[&str] = &["_request_firmware"];
/// Where a module is loaded, or the load of another is awaited (kernel/module/main.c, 5.10 to 7.3): those of these
/// functions that the compiler did not inline.
const LOAD: &[&str] = &[
    "__do_sys_init_module",
    "__do_sys_finit_module",
    "__x64_sys_init_module",
    "__x64_sys_finit_module",
    "__ia32_sys_init_module",
    "__ia32_sys_finit_module",
    "__arm64_sys_init_module",
    "__arm64_sys_finit_module",
    "idempotent_init_module",
    "init_module_from_file",
    "load_module",
    "do_init_module",
];
/// A stack is older than its report: what began in between is not judged by it.
const JUST_NOW: Nanos = Nanos::from_secs(1);

impl Correlator {
    /// The kernel stack of a thread that something waits for.
    pub(super) fn sampled(&mut self, at: Stamp, thread: Tid, stack: &[Arc<str>], out: &mut Vec<Change>) {
        let is_old = |began: Stamp| began.mono.plus(JUST_NOW) <= at.mono;
        let waiting = self.helpers.waiting(thread).filter(|call| is_old(call.entered));
        let missed = waiting.filter(|call| {
            let may_miss = if call.request.is_some() { self.may_miss_returns } else { self.may_miss_other_returns };
            may_miss || self.lost_since(call.entered)
        });
        if let Some(caller) = missed.map(|call| call.caller)
            && is_outside(stack, CALL)
        {
            self.caller_left(at, caller, out);
        }
        let firmware = self.firmwares.of(thread).filter(|open| is_old(open.asked));
        let missed = firmware.is_some_and(|open| self.may_miss_firmware || self.lost_since(open.asked));
        if missed && is_outside(stack, FIRMWARE) {
            out.extend(self.firmwares.left(at, thread).map(reported));
        }
        let load = self.loads.of(thread).filter(|load| is_old(load.began));
        let missed = load.is_some_and(|load| self.may_miss_inits || self.lost_since(load.began));
        if missed
            && is_outside(stack, LOAD)
            && let Some(load) = self.loads.abandoned(thread)
        {
            self.report_load(load, out);
        }
    }

    /// The thread is gone.
    pub(super) fn thread_gone(&mut self, at: Stamp, thread: Task, out: &mut Vec<Change>) {
        if self.helpers.owner(thread.key).is_some() && thread.tid.0 == thread.key.tgid.0 {
            let call = self.helpers.exited(at, thread, None);
            self.call_changed(call, out);
        }
        let is_its = |task: Task| task.key == thread.key;
        if self.loads.of(thread.tid).is_some_and(|load| is_its(load.task))
            && let Some(load) = self.loads.abandoned(thread.tid)
        {
            self.report_load(load, out);
        }
        if self.firmwares.of(thread.tid).is_some_and(|open| is_its(open.task)) {
            out.extend(self.firmwares.left(at, thread.tid).map(reported));
        }
        self.caller_gone(at, thread, out);
    }

    fn lost_since(&self, from: Stamp) -> bool {
        self.losses.overlap(from.mono, self.now.mono)
    }
}

/// Whether the stack, known as a whole, is inside none of the functions.
fn is_outside(stack: &[Arc<str>], functions: &[&str]) -> bool {
    let is_whole = !stack.is_empty() && stack.len() < STACK_FRAMES;
    is_whole && !on_stack(stack, functions)
}

fn reported(firmware: Firmware) -> Change {
    Change::Firmware(Arc::new(firmware))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::CallResult;
    use crate::entities::{Gap, Verdict};
    use crate::event::{Captured, Fact, FirmwareAsked, FirmwareMoment, Lost, Moment, Wait};
    use crate::testing::{Helped, Scenario, asked, entered, stamp};
    use trace_common::ids::CallAddress;
    use trace_common::kind::Loss;

    fn ping() -> Task {
        Task::new(412, 412, 5, "ping")
    }

    fn lost(scenario: &mut Scenario) {
        let lost = Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 9, until: stamp(50_000).mono };
        scenario.fact(15_000, lost);
    }

    fn sampled(scenario: &mut Scenario, at: u64, stack: &[&str]) {
        let stack = stack.iter().map(|frame| Arc::from(*frame)).collect();
        scenario.fact(at, Fact::Stuck { thread: ping().tid, stack });
        scenario.until(at);
    }

    /// A request whose call was entered and of which nothing more was seen.
    fn called(scenario: &mut Scenario) {
        scenario.resolves("net-pf-29", &[("can", &[])]);
        scenario.probe(10_000, ping(), Moment::Requested(asked("net-pf-29").into()));
        let words = ["/sbin/modprobe", "-q", "--", "net-pf-29"];
        scenario.probe(10_100, ping(), Moment::CallEntered(entered(CallAddress(413), Wait::Proc, &words).into()));
    }

    fn is_closed(scenario: &Scenario) -> bool {
        let request = scenario.request(1);
        request.closed && request.gaps == [Gap::ReturnUnseen, Gap::EventsLost]
    }

    #[test]
    fn a_helper_that_is_gone_ends_its_request_where_all_else_was_lost() {
        let mut scenario = Scenario::default();
        scenario.resolves("net-pf-29", &[("can", &[])]);
        let request = Helped { alias: "net-pf-29", requester: ping(), path: "/sbin/modprobe", pid: 413, at: 10_000 };
        scenario.helped(request, 0);
        lost(&mut scenario);
        scenario.until(11_000_000);
        assert!(!scenario.request(1).closed);
        // Another process has its number now: the end of that process is not the helper's.
        scenario.fact(11_500_000, Fact::Gone { thread: Task::new(413, 413, 9_000_000, "other") });
        scenario.until(15_000_000);
        assert!(!scenario.request(1).closed);
        let helper = scenario.helper(request);
        scenario.fact(15_500_000, Fact::Gone { thread: helper });
        scenario.until(20_000_000);
        assert!(is_closed(&scenario), "{:?}", scenario.request(1));
        assert_eq!(scenario.model().counts().unmatched, 0);
    }

    #[test]
    fn a_caller_that_is_elsewhere_has_returned() {
        let inside = ["wait_for_completion_killable", "call_usermodehelper_exec.part.0", "__request_module"];
        let outside = ["do_nanosleep", "__x64_sys_clock_nanosleep", "do_syscall_64"];
        let seen = |stack: &[&str], loses: bool| {
            let mut scenario = Scenario::default();
            called(&mut scenario);
            if loses {
                lost(&mut scenario);
            }
            sampled(&mut scenario, 11_000_000, stack);
            scenario.until(20_000_000);
            scenario
        };
        assert!(is_closed(&seen(&outside, true)));
        assert_eq!(seen(&outside, true).request(1).verdict, Verdict::Incomplete);
        // Nothing was lost, or the stack is not known: it still waits.
        assert!(!seen(&inside, true).request(1).closed);
        assert!(!seen(&outside, false).request(1).closed);
        assert!(!seen(&[], true).request(1).closed);
    }

    #[test]
    fn a_thread_that_is_gone_is_not_its_successor_of_the_same_number() {
        let mut scenario = Scenario::default();
        called(&mut scenario);
        let before = Task::new(412, 412, 1, "before");
        scenario.fact(20_000, Fact::Gone { thread: before });
        scenario.probe(30_000, ping(), Moment::CallReturned { result: CallResult::from_return(256) });
        scenario.until(5_000_000);
        assert_eq!(scenario.request(1).result, Some(CallResult::from_return(256)));
        assert_eq!(scenario.model().counts().unmatched, 0);
    }

    #[test]
    fn a_firmware_request_whose_end_was_lost_is_over_and_holds_no_lock() {
        let mut scenario = Scenario::default();
        let asked = || FirmwareAsked { name: Captured::whole("a.bin"), device: Captured::whole("card0") };
        let moments = [
            FirmwareMoment::Began(asked().into()),
            FirmwareMoment::FallbackBegan(asked().into()),
            FirmwareMoment::LockBegan { waits: false },
            FirmwareMoment::LockEnded { held: true },
        ];
        moments.into_iter().for_each(|moment| scenario.probe(10_000, ping(), Moment::Firmware(moment)));
        lost(&mut scenario);
        sampled(&mut scenario, 11_000_000, &["io_schedule", "_request_firmware", "request_firmware"]);
        assert_eq!(scenario.model().open_firmware().count(), 1);
        sampled(&mut scenario, 12_000_000, &["do_nanosleep", "do_syscall_64"]);
        assert_eq!(scenario.model().open_firmware().count(), 0);
        let ended: Vec<_> = scenario.model().firmware().cloned().collect();
        let [ended] = &*ended else { panic!("{ended:?}") };
        assert_eq!((ended.closed, ended.ended, ended.lock.held_at(stamp(13_000_000))), (true, None, false));
        let now = stamp(20_000_000);
        assert_eq!((ended.fallback_time(now), ended.lock_time(now)), (None, None), "what was not seen is not reported");
    }

    #[test]
    fn a_load_whose_end_was_lost_is_over_when_its_thread_is_elsewhere() {
        let mut scenario = Scenario::default();
        scenario.load(10_000, ping(), "can");
        lost(&mut scenario);
        sampled(&mut scenario, 11_000_000, &["msleep", "can_init", "do_one_initcall", "do_init_module.isra.0"]);
        // A load that waits for another load of the file has only the system call on its stack.
        sampled(&mut scenario, 11_500_000, &["wait_for_completion_state", "__do_sys_finit_module", "do_syscall_64"]);
        assert_eq!(scenario.model().open_loads().count(), 1);
        sampled(&mut scenario, 12_000_000, &["ep_poll", "do_epoll_wait", "do_syscall_64"]);
        assert_eq!(scenario.model().open_loads().count(), 0);
    }
}
