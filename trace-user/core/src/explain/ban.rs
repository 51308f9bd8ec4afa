//! What forbids a load for every task on this machine: state that a person or a distribution set.
//!
//! In: a load that failed, with what the machine allowed and what the kernel printed. Out: a [`Ban`], with its words
//! and the next step. Pure. Only what was seen counts: an errno that something else may have caused is not a ban.

use crate::answer::Errno;
use crate::entities::Load;
use crate::event::Policy;
use crate::printed;

/// What forbids a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ban {
    /// `kernel.modules_disabled` is 1.
    Disabled,
    /// The kernel command line lists the module (`module_blacklist=`).
    Listed(String),
    /// The kernel command line lists the module's init function (`initcall_blacklist=`).
    Skipped {
        /// The module.
        module: String,
        /// The function.
        init: String,
    },
    /// The kernel refuses modules without a valid signature (`module.sig_enforce`, CONFIG_MODULE_SIG_FORCE).
    Unsigned,
    /// The kernel is locked down and refuses modules without a valid signature; in which mode, if that was read.
    LockedDown(Option<String>),
    /// The LoadPin security module refuses files of another file system.
    Pinned,
}

/// `ENOKEY`, `EKEYREJECTED`, `ENOPKG`, `EBADMSG`: what the check of a signature answers (kernel/module/signing.c, 5.10
/// to 7.3).
const SIGNATURE: [i32; 4] = [-126, -129, -65, -74];

impl Ban {
    /// As a clause.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Disabled => {
                "the kernel loads no modules any more: kernel.modules_disabled is 1, until it is rebooted".to_owned()
            }
            Self::Listed(module) => format!("the kernel command line forbids {module} (module_blacklist=)"),
            Self::Skipped { module, init } => {
                format!("the kernel command line forbids {init}, the init of {module} (initcall_blacklist=)")
            }
            Self::Unsigned => "the kernel refuses modules without a valid signature (module.sig_enforce)".to_owned(),
            Self::LockedDown(mode) => {
                let mode = mode.as_deref().map_or_else(String::new, |mode| format!(" ({mode})"));
                format!("the kernel is locked down{mode} and refuses modules without a valid signature")
            }
            Self::Pinned => "LoadPin refuses modules from this file system".to_owned(),
        }
    }

    /// What to do.
    #[must_use]
    pub const fn next(&self) -> &'static str {
        match self {
            Self::Disabled => {
                "if that is not wanted, find what writes to /proc/sys/kernel/modules_disabled, and reboot"
            }
            Self::Listed(_) | Self::Skipped { .. } => {
                "if that is not wanted, take it off the kernel command line, and reboot"
            }
            Self::Unsigned | Self::LockedDown(_) => {
                "sign the module with a key that the kernel trusts (with Secure Boot: one that mokutil enrolled), or use \
                 the distribution's own, which is signed"
            }
            Self::Pinned => "load it from the file system that the first module came from",
        }
    }
}

/// What forbade the load; `None` if nothing that was seen did.
#[must_use]
pub fn of(load: &Load) -> Option<Ban> {
    let error = load.error()?;
    let policy = load.policy.as_deref();
    if load.init_begun.is_some() {
        return policy.filter(|_| error == Errno::EPERM).and_then(|policy| skipped(load, policy));
    }
    by_the_kernel(load, policy).or_else(|| by_policy(load, error, policy?))
}

/// By what the kernel printed (kernel/module/signing.c `module_sig_check`, security/lockdown/lockdown.c,
/// security/loadpin/loadpin.c, 5.10 to 7.3).
fn by_the_kernel(load: &Load, policy: Option<&Policy>) -> Option<Ban> {
    let line = *printed::telling(&load.printed).first()?;
    let is_refused = line.contains("Loading of ") && line.contains(" is rejected");
    let is_pinned = line.contains("LoadPin: ") && (line.contains(" denied ") || line.contains(" old-api-denied "));
    if line.ends_with(" is blacklisted") && printed::module(line).is_some() {
        Some(Ban::Listed(load.module.as_deref().unwrap_or("the module").to_owned()))
    } else if is_refused {
        Some(Ban::Unsigned)
    } else if line.contains("module loading is restricted") {
        Some(Ban::LockedDown(policy.and_then(|policy| policy.lockdown.as_deref()).map(str::to_owned)))
    } else if is_pinned {
        Some(Ban::Pinned)
    } else {
        None
    }
}

/// By the state of the machine.
fn by_policy(load: &Load, error: Errno, policy: &Policy) -> Option<Ban> {
    if SIGNATURE.contains(&error.as_return()) {
        return (policy.sig_enforce == Some(true)).then_some(Ban::Unsigned);
    }
    if error != Errno::EPERM {
        return None;
    }
    if policy.modules_disabled {
        return Some(Ban::Disabled);
    }
    let module = load.module.as_deref().filter(|module| policy.forbids(module))?;
    Some(Ban::Listed(module.to_owned()))
}

/// By the name of its init function: `can_init` is that of `can` (init/main.c `initcall_blacklisted` answers -EPERM,
/// 5.10 to 7.3). Functions of other names are not known to be a module's.
fn skipped(load: &Load, policy: &Policy) -> Option<Ban> {
    let module = load.module.as_deref()?;
    let usual = ["_init", "_module_init", "_mod_init", "_init_module"];
    let is_of = |name: &str| {
        name.strip_prefix(module).is_some_and(|rest| usual.contains(&rest))
            || name.strip_prefix("init_") == Some(module)
    };
    let init = policy.initcall_blacklist.iter().find(|name| is_of(name))?;
    Some(Ban::Skipped { module: module.to_owned(), init: init.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::ReturnCode;
    use crate::entities::LoadId;
    use crate::event::{Stamp, Task};

    fn load(error: i32, printed: &str, policy: Policy) -> Load {
        let at = Stamp::awake(1_000_000);
        Load {
            module: Some("can".into()),
            printed: (!printed.is_empty()).then(|| printed.into()).into_iter().collect(),
            policy: Some(policy.into()),
            ended: Some((at, ReturnCode(error))),
            closed: true,
            ..Load::begun(LoadId(1), Task::new(141, 141, 1, "insmod"), at)
        }
    }

    fn locked() -> Policy {
        Policy { lockdown: Some("integrity".into()), ..Policy::default() }
    }

    #[test]
    fn the_kernel_says_what_it_forbids() {
        let of_load = |error: i32, printed: &str, policy: Policy| of(&load(error, printed, policy));
        assert_eq!(of_load(-129, "Loading of unsigned module is rejected", Policy::default()), Some(Ban::Unsigned));
        let line = "Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7";
        assert_eq!(of_load(-1, line, locked()), Some(Ban::LockedDown(Some("integrity".into()))));
        assert_eq!(of_load(-1, "Module can is blacklisted", Policy::default()), Some(Ban::Listed("can".into())));
        assert_eq!(of_load(-8, "can: version magic 'A' should be 'B'", locked()), None);
        assert_eq!(of_load(-1, "", locked()), None, "something else may forbid it");
        assert_eq!(of_load(-129, "", locked()), None, "a signature that does not fit is refused everywhere");
        assert_eq!(of_load(-1, "Module hash 0a1b is blacklisted", locked()), None);
        let pin = |what: &str| of_load(-1, &format!("LoadPin: kernel-module {what} obj=\"/x.ko\" pid=1"), locked());
        assert_eq!((pin("denied"), pin("pinned")), (Some(Ban::Pinned), None));
    }

    #[test]
    fn the_machines_state_counts_with_its_errno() {
        let enforced = || Policy { sig_enforce: Some(true), ..Policy::default() };
        assert_eq!(of(&load(-126, "", enforced())), Some(Ban::Unsigned));
        assert_eq!(of(&load(-22, "", enforced())), None);
        let disabled = Policy { modules_disabled: true, ..Policy::default() };
        assert_eq!(of(&load(-1, "", disabled)), Some(Ban::Disabled));
        let success = load(0, "", enforced());
        assert_eq!(of(&success), None);
    }

    #[test]
    fn an_init_function_on_the_list_is_named() {
        let listed = |name: &str| Policy { initcall_blacklist: [name.into()].into(), ..Policy::default() };
        let begun = |error, name: &str| {
            let load = load(error, "", listed(name));
            Load { init_begun: Some(load.began), init_ended: load.ended, ..load }
        };
        let skipped = Some(Ban::Skipped { module: "can".into(), init: "can_init".into() });
        assert_eq!(of(&begun(-1, "can_init")), skipped);
        assert_eq!((of(&begun(-22, "can_init")), of(&begun(-1, "canary_init"))), (None, None));
        assert_eq!(of(&begun(-1, "can_raw_init")), None);
        assert!(of(&begun(-1, "can_module_init")).is_some() && of(&begun(-1, "init_can")).is_some());
    }
}
