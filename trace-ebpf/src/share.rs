//! Who may have how much of a ring buffer, so that no user can push out what others do.

use crate::maps::{SHARES, Share, Sharer};
use crate::{emit, read};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use trace_common::kind::{Loss, Ring};
use trace_common::limits::{REFUSED, SHARE};

/// Whether a request of the current task is recorded. One that is not is counted.
#[inline(always)]
pub fn may_request() -> bool {
    !emit::is_half_full(Ring::Requests) || has_left(Loss::RequestsLeftOut, SHARE)
}

/// Whether a helper call of the current task's that serves no request is recorded. One that is not is counted.
#[inline(always)]
pub fn may_call() -> bool {
    !emit::is_half_full(Ring::Requests) || has_left(Loss::CallsLeftOut, SHARE)
}

/// Whether a load of the current task is recorded. One that is not is counted.
#[inline(always)]
pub fn may_load() -> bool {
    if !read::may_load_modules() {
        return has_left(Loss::RefusedLeftOut, REFUSED);
    }
    !emit::is_half_full(Ring::Loads) || has_left(Loss::LoadsLeftOut, SHARE)
}

/// Whether a uevent is recorded. One that is not is counted: whoever triggers all of them again must not push out what
/// drivers do.
#[inline(always)]
pub fn may_announce() -> bool {
    !emit::is_half_full(Ring::Devices) || has_left(Loss::UeventsLeftOut, SHARE)
}

/// Takes one of so many per second from the share of the current task's user. If none is left, counts that.
#[inline(always)]
fn has_left(loss: Loss, most: u32) -> bool {
    let user = read::responsible_user();
    let cgroup = if user == 0 { read::current_cgroup() } else { 0 };
    let who = Sharer { user, loss: loss.index(), cgroup };
    // SAFETY: the helper takes no arguments.
    let second = unsafe { bpf_ktime_get_ns() } / 1_000_000_000;
    let Some(share) = SHARES.get_ptr_mut(who) else {
        // A map of the kind that forgets what is oldest has room.
        let _ = SHARES.insert(who, Share { second, taken: 1 }, 0);
        return true;
    };
    // SAFETY: the map's value is aligned and stays in memory while the program runs. Two CPUs may take one and the
    // same, which gives the user one more.
    let taken = unsafe {
        if (*share).second != second {
            (*share).second = second;
            (*share).taken = 0;
        }
        (*share).taken += 1;
        (*share).taken
    };
    if taken <= u64::from(most) {
        return true;
    }
    emit::lost_by(user, loss);
    false
}
