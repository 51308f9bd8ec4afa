//! What a look at a thread that something waits for too long proves: where it is gone, or no longer inside what it was seen to
//! enter, the end of that was not seen.
//!
//! In: the thread's kernel stack, or that it is gone. Out: what was open in it, ended as far as can be known.

use super::Correlator;
use crate::event::{STACK_FRAMES, Stamp, Task};
use crate::joined::{Change, Firmware};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Ktime;

/// Where a caller of a helper waits (kernel/umh.c, 5.10 to 7.3).
const CALL: &str = "call_usermodehelper_exec";
/// Where a driver waits for its firmware (drivers/base/firmware_loader/main.c, 5.10 to 7.3).
const FIRMWARE: &str = "_request_firmware";

impl Correlator {
    /// The kernel stack of a thread that something waits for.
    pub(super) fn sampled(&mut self, at: Stamp, thread: Tid, stack: &[Arc<str>], out: &mut Vec<Change>) {
        let call = self.helpers.waiting(thread).filter(|call| self.may_have_missed(call.entered.mono));
        if let Some(caller) = call.map(|call| call.caller)
            && is_outside(stack, CALL)
        {
            self.caller_gone(at, caller, out);
        }
        let firmware = self.firmwares.of(thread).filter(|open| self.may_have_missed(open.asked.mono));
        if firmware.is_some() && is_outside(stack, FIRMWARE) {
            out.extend(self.firmwares.left(thread).map(told));
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
            self.tell_load(load, out);
        }
        if self.firmwares.of(thread.tid).is_some_and(|open| is_its(open.task)) {
            out.extend(self.firmwares.left(thread.tid).map(told));
        }
        self.caller_gone(at, thread, out);
    }

    /// Whether the end of what began at `from` may have been missed.
    fn may_have_missed(&self, from: Ktime) -> bool {
        self.may_miss_returns || self.losses.overlap(from, self.now.mono)
    }
}

/// Whether the stack, known as a whole, is not inside the function. What the compiler makes of one has a suffix:
/// `function.part.0`.
fn is_outside(stack: &[Arc<str>], function: &str) -> bool {
    let is_whole = !stack.is_empty() && stack.len() < STACK_FRAMES;
    is_whole && stack.iter().all(|frame| frame.split('.').next() != Some(function))
}

fn told(firmware: Firmware) -> Change {
    Change::Firmware(Arc::new(firmware))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CallEntered, Captured, Fact, FirmwareAsked, FirmwareMoment, Lost, Moment, Requested, Wait};
    use crate::joined::{Gap, Verdict};
    use crate::testing::{Helped, Story, stamp};
    use trace_common::ids::CallAddress;
    use trace_common::kind::Loss;

    fn ping() -> Task {
        Task::new(412, 412, 5, "ping")
    }

    fn lost(story: &mut Story) {
        let lost = Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 9, until: stamp(50_000).mono };
        story.fact(15_000, lost);
    }

    fn sampled(story: &mut Story, at: u64, stack: &[&str]) {
        let stack = stack.iter().map(|frame| Arc::from(*frame)).collect();
        story.fact(at, Fact::Stuck { thread: ping().tid, stack });
        story.until(at);
    }

    /// A request whose call was entered and of which nothing more was seen.
    fn called(story: &mut Story) {
        story.resolves("net-pf-29", &[("can", &[])]);
        let (alias, stack) = (Captured::whole("net-pf-29"), Arc::from([]));
        let asked = Requested { alias, uid: 0, loginuid: None, exe: None, cgroup: None, stack };
        story.probe(10_000, ping(), Moment::Requested(asked));
        let argv: Vec<Captured> = ["/sbin/modprobe", "-q", "--", "net-pf-29"].map(Captured::whole).into();
        let (path, stack) = (argv[0].clone(), Arc::from([]));
        let call = CallAddress(413);
        let entered = CallEntered { call, wait: Wait::Proc, path, argv: argv.into(), argv_more: false, stack };
        story.probe(10_100, ping(), Moment::CallEntered(entered));
    }

    fn is_closed(story: &Story) -> bool {
        let request = story.request(1);
        request.ended && request.gaps == [Gap::ReturnUnseen, Gap::EventsLost]
    }

    #[test]
    fn a_helper_that_is_gone_ends_its_request_where_all_else_was_lost() {
        let mut story = Story::default();
        story.resolves("net-pf-29", &[("can", &[])]);
        let request = Helped { alias: "net-pf-29", requester: ping(), path: "/sbin/modprobe", pid: 413, at: 10_000 };
        story.helped(request, 0);
        lost(&mut story);
        story.until(11_000_000);
        assert!(!story.request(1).ended);
        // Its number is another's now: that one's end is not the helper's.
        story.fact(11_500_000, Fact::Gone { thread: Task::new(413, 413, 9_000_000, "other") });
        story.until(15_000_000);
        assert!(!story.request(1).ended);
        let helper = story.helper(request);
        story.fact(15_500_000, Fact::Gone { thread: helper });
        story.until(20_000_000);
        assert!(is_closed(&story), "{:?}", story.request(1));
        assert_eq!(story.model().counts().unmatched, 0);
    }

    #[test]
    fn a_caller_that_is_elsewhere_has_returned() {
        let inside = ["wait_for_completion_killable", "call_usermodehelper_exec.part.0", "__request_module"];
        let outside = ["do_nanosleep", "__x64_sys_clock_nanosleep", "do_syscall_64"];
        let seen = |stack: &[&str], loses: bool| {
            let mut story = Story::default();
            called(&mut story);
            if loses {
                lost(&mut story);
            }
            sampled(&mut story, 11_000_000, stack);
            story.until(20_000_000);
            story
        };
        assert!(is_closed(&seen(&outside, true)));
        assert_eq!(seen(&outside, true).request(1).verdict, Verdict::Incomplete);
        // Nothing was lost, or the stack is not known: a wait is a wait.
        assert!(!seen(&inside, true).request(1).ended);
        assert!(!seen(&outside, false).request(1).ended);
        assert!(!seen(&[], true).request(1).ended);
    }

    #[test]
    fn a_firmware_request_whose_end_was_lost_is_over() {
        let mut story = Story::default();
        let asked = FirmwareAsked { name: Captured::whole("a.bin"), device: Captured::whole("card0") };
        story.probe(10_000, ping(), Moment::Firmware(FirmwareMoment::Began(asked)));
        lost(&mut story);
        sampled(&mut story, 11_000_000, &["io_schedule", "_request_firmware", "request_firmware"]);
        assert_eq!(story.model().open_firmware().count(), 1);
        sampled(&mut story, 12_000_000, &["do_nanosleep", "do_syscall_64"]);
        assert_eq!(story.model().open_firmware().count(), 0);
        let ended: Vec<_> = story.model().firmware().map(|firmware| (firmware.over, firmware.ended)).collect();
        assert_eq!(ended, [(true, None)]);
    }
}
