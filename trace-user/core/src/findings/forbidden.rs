//! State of the machine that forbids loads: one finding for each thing in force that a load or request met.

use super::{Evidence, Finding, Kind};
use crate::event::Policy;
use crate::model::Model;
use std::collections::BTreeMap;

/// Finds them. What is in force and stopped nothing is not a finding.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Finding> = BTreeMap::new();
    for load in model.loads().filter(|load| load.failed() && load.init_begun.is_none() && !load.retried) {
        let Some(policy) = load.policy.as_deref() else { continue };
        let Some(words) = met(policy, load.module.as_deref(), load.error().map_or(0, |error| error.as_return())) else {
            continue;
        };
        let finding = groups.entry(words.clone()).or_insert_with(|| Finding {
            kind: Kind::LoadingForbidden,
            sentence: words,
            next: "if that is not wanted, change it and reboot; `modtrail doctor` lists what is in force".to_owned(),
            at: load.began,
            evidence: Vec::new(),
        });
        finding.evidence.push(Evidence::Load(load.id));
    }
    groups.into_values().collect()
}

/// What of the policy a load with this answer met.
fn met(policy: &Policy, module: Option<&str>, error: i32) -> Option<String> {
    const EPERM: i32 = -1;
    if error == EPERM && policy.modules_disabled {
        return Some(
            "the kernel loads no modules any more: kernel.modules_disabled is 1, until it is rebooted".to_owned(),
        );
    }
    let listed = module.filter(|module| error == EPERM && policy.forbids(module));
    listed.map(|module| format!("the kernel command line forbids {module} (module_blacklist=)"))
}
