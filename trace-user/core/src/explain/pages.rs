//! What each verdict means and what to do, for `modtrail explain`.
//!
//! In: a verdict. Out: a page of text. Pure.

use crate::entities::Verdict;

/// The page.
#[must_use]
pub const fn page(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Live => {
            "The helper's own load of the wanted module went live. Nothing to do. If the sentence names a line that was meant \
             to forbid this, the line does not hold: see rule_without_effect."
        }
        Verdict::AlreadyLive => {
            "The module was live before it was asked for, or is built into the kernel, and the helper's end and loads agree \
             with that. If it repeats, a program keeps asking for a module that is already there: it did not get what it \
             wanted from it."
        }
        Verdict::SatisfiedByAnother => {
            "Another task's load made the module live while the request was open. The sentence names the task and its \
             request. Nothing to do; many of them at once are work that was done twice: see the duplicates."
        }
        Verdict::Hollow => {
            "request_module() returned 0, but no module that was wanted is live. 0 only means that the helper exited 0. The \
             sentence says why: a blacklist or install line of modprobe's configuration, an init that returned -EEXIST \
             (which modprobe takes for success), or a helper that is not modprobe."
        }
        Verdict::InitFailed => {
            "A load of the helper's was refused, or the module's init returned an error. The sentence gives what the kernel \
             printed, what the machine forbids, files that are missing, or what the errno can mean for a load."
        }
        Verdict::NotFound => {
            "No module has this alias, and the helper tried none. Install the package with the module, or ignore it: many \
             programs ask for what they can do without. If the modules of the running kernel are missing, reboot."
        }
        Verdict::HelperFailed => {
            "The helper ended with another exit status than 0 or modprobe's 1, or by a signal, or modprobe failed without \
             having tried a load. Run its command by hand. 127 means that an interpreter, a library or a command was not \
             found."
        }
        Verdict::HelperMissing => {
            "The helper could not be executed, or none is set. See kernel.modprobe: sysctl kernel.modprobe."
        }
        Verdict::Refused => {
            "The kernel started no helper: helpers are disabled around suspend, hibernation, shutdown and in early boot \
             (EBUSY), the name is too long (ENAMETOOLONG), or there was no memory. Ask again after the resume."
        }
        Verdict::Throttled => {
            "All 50 slots for requests stayed taken for five seconds. Find out who holds them: the filter slot:held in the \
             dashboard. A slow helper or a module whose init hangs is the usual reason."
        }
        Verdict::Denied => {
            "A security module denied the request. Look for its denial in the audit log or the kernel's log."
        }
        Verdict::Abandoned => {
            "The requester was killed while it waited. The helper went on; the sentence says what became of the module."
        }
        Verdict::Unwaited => {
            "The requester did not wait (request_module_nowait): the request ended when the helper was executed. The \
             sentence says how the helper ended and whether the module went live."
        }
        Verdict::InFlight => {
            "The request is still open, or was when tracing ended. The sentence says what it waits for."
        }
        Verdict::Incomplete => {
            "Something that could change the verdict was not seen: events were lost, or tracing began in the middle. \
             modtrail doctor shows what this kernel hides."
        }
    }
}
