//! What a helper call is for. The kernel does not only load modules by helpers.
//!
//! In: a call. Out: its purpose. The caller's kernel stack is certain; otherwise, what is executed is usually right.
//! `None` if neither shows it. Sources: the callers of `call_usermodehelper` in Linux 5.10 to 7.2.

use crate::entities::Call;
use crate::event::on_stack;

/// Functions that call a helper, and what for.
const BY_FUNCTION: [(&[&str], &str); 15] = [
    (&["__request_module"], "module request"),
    (&["do_coredump", "vfs_coredump", "coredump_pipe"], "core dump"),
    (&["cgroup1_release_agent"], "cgroup release agent"),
    (&["call_sbin_request_key"], "key request"),
    (&["kobject_uevent_env"], "uevent"),
    (&["poweroff_work_func", "__orderly_poweroff", "orderly_poweroff"], "power off"),
    (&["reboot_work_func", "__orderly_reboot", "orderly_reboot"], "reboot"),
    (&["nfsd4_umh_cltrack_upcall", "nfsd4_cld_tracking_init"], "NFS client tracking"),
    (&["nfsd4_ff_fence_client", "nfsd4_scsi_fence_client", "nfsd4_block_fence"], "NFS layout fence"),
    (&["nfs_cache_upcall"], "NFS cache"),
    (&["drbd_khelper", "conn_khelper"], "DRBD"),
    (&["br_stp_call_user", "br_stp_start", "br_stp_set_enabled"], "bridge spanning tree"),
    (&["o2hb_init_region_params", "ocfs2_leave_group"], "OCFS2 cluster"),
    (&["mce_do_trigger"], "machine check"),
    (&["do_linuxrc", "handle_initrd"], "initial RAM disk"),
];

/// Programs, and what they are usually executed for.
const BY_PROGRAM: [(&str, &str); 6] = [
    ("request-key", "key request"),
    ("bridge-stp", "bridge spanning tree"),
    ("poweroff", "power off"),
    ("reboot", "reboot"),
    ("systemd-coredump", "core dump"),
    ("nfsdcltrack", "NFS client tracking"),
];

/// What the call is for; `None` if it is not known.
#[must_use]
pub fn purpose(call: &Call) -> Option<&'static str> {
    let by_function = BY_FUNCTION.iter().find(|(functions, _)| on_stack(&call.entry.stack, functions));
    if let Some((_, purpose)) = by_function {
        return Some(purpose);
    }
    let path = call.entry.path.text()?;
    let program = path.rsplit('/').next()?;
    BY_PROGRAM.iter().find(|(name, _)| *name == program).map(|(_, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::purpose;
    use crate::event::{CallEntered, Moment, Task, Wait};
    use crate::testing::{Scenario, entered};
    use trace_common::ids::CallAddress;

    fn reported(path: &str, stack: &[&str]) -> Option<&'static str> {
        let mut scenario = Scenario::default();
        let stack = stack.iter().map(|frame| std::sync::Arc::from(*frame)).collect();
        let entered = CallEntered { stack, ..entered(CallAddress(1), Wait::Exec, &[path]) };
        scenario.probe(1_000, Task::new(9, 9, 1, "kworker/0:1"), Moment::CallEntered(entered.into()));
        scenario.until(200_000);
        let call = scenario.model().calls().next().cloned();
        purpose(&call.expect("a call"))
    }

    #[test]
    fn the_caller_shows_the_purpose_or_else_the_program_does() {
        let callers = [
            ("kobject_uevent_env", "uevent"),
            ("call_sbin_request_key", "key request"),
            ("poweroff_work_func", "power off"),
            ("reboot_work_func", "reboot"),
            ("cgroup1_release_agent", "cgroup release agent"),
            ("do_coredump", "core dump"),
            ("coredump_pipe", "core dump"),
            ("mce_do_trigger", "machine check"),
        ];
        for (function, purpose) in callers {
            assert_eq!(
                reported("/tmp/any", &["call_usermodehelper_exec", function, "process_one_work"]),
                Some(purpose)
            );
        }
        assert_eq!(reported("/sbin/request-key", &[]), Some("key request"));
        assert_eq!(reported("/sbin/poweroff", &["a_module_of_nobody"]), Some("power off"));
        assert_eq!(reported("/tmp/any", &["a_module_of_nobody"]), None);
    }
}
