//! State of the machine that forbids loads: one finding for each thing in force that a load met.

use super::{Evidence, Finding, Groups, Kind};
use crate::explain::load::forbidden;
use crate::model::Model;

/// Finds them. What is in force and stopped nothing is not a finding.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups = Groups::of(Kind::LoadingForbidden);
    for load in model.loads().filter(|load| load.failed() && load.init_begun.is_none() && !load.retried) {
        if let Some(sentence) = forbidden(load) {
            let next = "if that is not wanted, change it and reboot; `modtrail doctor` lists what is in force";
            groups.add(sentence, next, load.began, Evidence::Load(load.id));
        }
    }
    groups.into_findings()
}
