//! State of the machine that forbids loads, or that decides which helper the kernel runs. Values only.

use std::sync::Arc;

/// What the machine allows, at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    /// `kernel.modules_disabled` is 1: nothing is loaded or unloaded until the machine is rebooted.
    pub modules_disabled: bool,
    /// Modules that the kernel command line forbids (`module_blacklist=`), by the names written there.
    pub blacklist: Arc<[Arc<str>]>,
    /// Init functions that the kernel command line forbids (`initcall_blacklist=`).
    pub initcall_blacklist: Arc<[Arc<str>]>,
    /// The kernel refuses modules without a valid signature (`module.sig_enforce`, or CONFIG_MODULE_SIG_FORCE); `None`
    /// if that could not be read.
    pub sig_enforce: Option<bool>,
    /// The kernel's lockdown, `integrity` or `confidentiality`, if one is in force.
    pub lockdown: Option<Arc<str>>,
    /// The LoadPin security module allows modules from one file system alone.
    pub loadpin: bool,
    /// The helper that the kernel runs for requests (`kernel.modprobe`); `None` if that could not be read.
    pub helper: Option<Arc<str>>,
}

impl Policy {
    /// What is in force, each as a phrase; empty if nothing forbids a load.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let list = |names: &[Arc<str>]| names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
        let mut words = Vec::new();
        if self.modules_disabled {
            words.push(
                "kernel.modules_disabled is 1: the kernel loads no modules any more, until it is rebooted".into(),
            );
        }
        if !self.blacklist.is_empty() {
            words.push(format!("module_blacklist= on the kernel command line forbids {}", list(&self.blacklist)));
        }
        if !self.initcall_blacklist.is_empty() {
            let names = list(&self.initcall_blacklist);
            words.push(format!("initcall_blacklist= on the kernel command line skips {names}"));
        }
        if self.sig_enforce == Some(true) {
            words.push("the kernel refuses modules without a valid signature (module.sig_enforce)".into());
        }
        if let Some(lockdown) = &self.lockdown {
            words.push(format!("the kernel is locked down ({lockdown}): unsigned modules are refused"));
        }
        if self.loadpin {
            words.push("LoadPin allows modules from one file system alone (kernel.loadpin.enforce)".into());
        }
        if self.helper.as_deref() == Some("") {
            words.push(
                "kernel.modprobe is empty: the kernel runs no helper, and every request fails with ENOENT".into(),
            );
        }
        words
    }

    /// Whether the kernel command line forbids the module: the kernel compares names as they are written
    /// (kernel/module/main.c `blacklisted`, 5.10 to 7.3), and module names have underscores.
    #[must_use]
    pub fn forbids(&self, module: &str) -> bool {
        self.blacklist.iter().any(|name| **name == *module)
    }
}
