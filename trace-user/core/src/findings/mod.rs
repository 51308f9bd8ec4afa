//! What is worth a person's attention: each finding has a name, a sentence, the next step and its evidence.
//!
//! In: the model. Out: findings, the worst kind first, each kind in order of time. Pure. A file for each kind.

mod circles;
mod deadlock;
mod driver;
mod files;
mod forbidden;
mod helper;
mod hollow;
mod recursion;
mod reloaded;
mod rules;
mod served;
#[cfg(test)]
mod tests;
mod unprivileged;

use crate::entities::{LoadId, RequestId, UnloadId};
use crate::event::Stamp;
use crate::model::Model;
use std::collections::BTreeMap;

/// Findings of one kind that are listed; what is beyond that is counted in the last one's sentence.
const SHOWN: usize = 20;

/// Something that is worth attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// What was found.
    pub sentence: String,
    /// What to do next.
    pub next: String,
    /// When it began.
    pub at: Stamp,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// Findings of one kind: what has the same sentence is one finding.
struct Groups {
    kind: Kind,
    findings: BTreeMap<String, Finding>,
}

impl Groups {
    const fn of(kind: Kind) -> Self {
        Self { kind, findings: BTreeMap::new() }
    }

    /// One more thing that shows a finding. The first says when it began.
    fn add(&mut self, sentence: String, next: &str, at: Stamp, evidence: Evidence) {
        let kind = self.kind;
        let finding = self.findings.entry(sentence.clone()).or_insert_with(|| Finding {
            kind,
            sentence,
            next: next.to_owned(),
            at,
            evidence: Vec::new(),
        });
        finding.evidence.push(evidence);
    }

    fn into_findings(self) -> Vec<Finding> {
        self.findings.into_values().collect()
    }
}

/// What a finding rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A request.
    Request(RequestId),
    /// A load.
    Load(LoadId),
    /// An unload.
    Unload(UnloadId),
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tasks wait for each other in a circle.
    Deadlock,
    /// Requests cause requests, or a helper runs itself, again and again.
    RequestLoop,
    /// The kernel's helper is not the system's modprobe, or has changed.
    ForeignHelper,
    /// The machine forbids loads.
    LoadingForbidden,
    /// `request_module()` returned 0 and nothing is live.
    Hollow,
    /// A module is live and its driver failed on a device.
    DriverFailed,
    /// A module is live and its requester did not get what it asked for.
    LiveNotServed,
    /// A request failed and its requester got what it asked for all the same.
    FailedYetServed,
    /// A module that is live is requested again and again.
    AskedAgain,
    /// A user without privileges made the kernel load a module.
    UnprivilegedFirst,
    /// Files of modules are missing.
    FilesMissing,
    /// A line of configuration does not do what its author believes.
    RuleWithoutEffect,
    /// A module is loaded and unloaded again and again.
    Reloaded,
}

impl Kind {
    /// Every kind, the worst first.
    pub const ALL: [Self; 13] = [
        Self::Deadlock,
        Self::RequestLoop,
        Self::ForeignHelper,
        Self::LoadingForbidden,
        Self::Hollow,
        Self::DriverFailed,
        Self::LiveNotServed,
        Self::UnprivilegedFirst,
        Self::FilesMissing,
        Self::RuleWithoutEffect,
        Self::AskedAgain,
        Self::FailedYetServed,
        Self::Reloaded,
    ];

    /// As spelled in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadlock => "deadlock",
            Self::RequestLoop => "request_loop",
            Self::ForeignHelper => "foreign_helper",
            Self::LoadingForbidden => "loading_forbidden",
            Self::Hollow => "hollow_requests",
            Self::DriverFailed => "driver_failed",
            Self::LiveNotServed => "live_not_served",
            Self::FailedYetServed => "failed_yet_served",
            Self::AskedAgain => "asked_again",
            Self::UnprivilegedFirst => "unprivileged_first",
            Self::FilesMissing => "files_missing",
            Self::RuleWithoutEffect => "rule_without_effect",
            Self::Reloaded => "reloaded",
        }
    }

    /// What it means and what to do, for a person.
    #[must_use]
    pub const fn page(self) -> &'static str {
        match self {
            Self::Deadlock => {
                "Tasks wait for each other in a circle, so none of them goes on: a request waits for its helper, the helper's \
                 load waits for asynchronous work or for another load, and that is the requester itself. Killing one that \
                 waits for a helper or for another load ends it; a load that waits for asynchronous work cannot be \
                 killed, and a kernel worker cannot either: if there are only those, only a reboot ends it. Request the module without waiting (request_module_nowait), or load it before \
                 the driver that asks for it."
            }
            Self::RequestLoop => {
                "A request causes requests like itself: the helper cannot be executed and each try asks for a binary format, \
                 or an install line calls modprobe for its own module. Set kernel.modprobe to modprobe, or add \
                 --ignore-install to the line."
            }
            Self::ForeignHelper => {
                "The kernel runs kernel.modprobe as root for requests of any user. It is not the system's modprobe, it \
                 changed while modtrail traced, or the file behind it changed, as an upgrade does. If nobody did that on \
                 purpose, treat the machine as compromised. Set it back: sysctl kernel.modprobe=/sbin/modprobe"
            }
            Self::LoadingForbidden => {
                "State of the machine forbids loads or requests: kernel.modules_disabled is 1, the kernel command line lists \
                 the module (module_blacklist=) or its init (initcall_blacklist=), modules without a valid signature are \
                 refused (module.sig_enforce, lockdown), LoadPin refuses the file system, or kernel.modprobe is empty. \
                 modprobe's configuration changes nothing about that. `modtrail doctor` lists what is in force."
            }
            Self::Hollow => {
                "request_module() returned 0, which only means that the helper exited 0, but no module that was wanted is \
                 live. The sentence says why: a blacklist or install line, an init that returned -EEXIST, a helper that is \
                 not modprobe."
            }
            Self::DriverFailed => {
                "The module went live and its driver was tried on a device, but returned an error, and no other driver is bound to \
                 the device: it cannot be used, whatever modprobe and the load returned. A driver that rejects a device \
                 (ENODEV, ENXIO) or is put off (EPROBE_DEFER) is not meant. The kernel's log about the device says more: \
                 firmware, power, a resource that another driver holds. Then try again: echo DEVICE > \
                 /sys/bus/BUS/drivers_probe"
            }
            Self::LiveNotServed => {
                "The module went live, and yet the kernel function that asked for it returned an error to the requester: the \
                 module does not provide what its alias stands for, its init goes on in the background, or something else \
                 was missing (a protocol, a right, a device)."
            }
            Self::FailedYetServed => {
                "The request failed, and the requester got what it asked for all the same: another module provides it, or it \
                 came in the meantime. Often harmless. Requests that no module answers (not found) are left out: programs \
                 ask for much that they can do without."
            }
            Self::AskedAgain => {
                "The kernel asks for a module only if what it should provide is not registered. A module that is live or built \
                 in and is requested again does not provide it. Each request waits for a helper that changes nothing."
            }
            Self::UnprivilegedFirst => {
                "A user without privileges, or a process inside a user namespace, made the kernel load a module that nobody \
                 had asked for before in what was traced. It adds kernel code that such users can reach. If nobody needs \
                 it: install MODULE /bin/false in modprobe.d."
            }
            Self::FilesMissing => {
                "The index of modules names files that are not there, or no modules are installed for the running kernel: a kernel \
                 package was removed or upgraded. Install the files again or reboot into the new kernel; run depmod if the \
                 index is older than the files."
            }
            Self::RuleWithoutEffect => {
                "A line of modprobe's configuration was meant to keep a module from being loaded, and does not: a blacklist \
                 does not apply to a module that is requested by its own name or that another depends on, and modprobe reads \
                 only files that end in .conf, the first of each name. Use: install MODULE /bin/false"
            }
            Self::Reloaded => {
                "A module is loaded and unloaded again and again: a device that comes and goes, or a script that unloads what \
                 another asks for. The sentence says who does which."
            }
        }
    }
}

/// The deadlocks that last now.
#[must_use]
pub fn deadlocks(model: &Model) -> Vec<Finding> {
    deadlock::find(model)
}

/// Other findings that somebody must hear of at once.
#[must_use]
pub fn urgent(model: &Model) -> Vec<Finding> {
    let mut found = recursion::find(model);
    found.append(&mut helper::find(model));
    found.append(&mut forbidden::find(model));
    found
}

/// All findings.
#[must_use]
pub fn all(model: &Model) -> Vec<Finding> {
    let mut found = Vec::new();
    let kinds: [fn(&Model) -> Vec<Finding>; 11] = [
        deadlock::find,
        recursion::find,
        helper::find,
        forbidden::find,
        hollow::find,
        driver::find,
        served::find,
        unprivileged::find,
        files::find,
        rules::find,
        reloaded::find,
    ];
    for find in kinds {
        let mut of_kind = find(model);
        of_kind.sort_by_key(|finding| finding.at);
        let more = of_kind.len().saturating_sub(SHOWN);
        of_kind.truncate(SHOWN);
        if let Some(last) = of_kind.last_mut().filter(|_| more > 0) {
            last.sentence = format!("{} (and {more} more of this kind)", last.sentence);
        }
        found.append(&mut of_kind);
    }
    found
}

impl Evidence {
    /// As spelled in JSON.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Load(_) => "load",
            Self::Unload(_) => "unload",
        }
    }

    /// Its number among things of its kind.
    #[must_use]
    pub const fn id(self) -> u64 {
        match self {
            Self::Request(id) => id.0,
            Self::Load(id) => id.0,
            Self::Unload(id) => id.0,
        }
    }
}
