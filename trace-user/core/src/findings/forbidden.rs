//! State of the machine that forbids loads or requests: one finding for each thing in force that one of them met.

use super::{Evidence, Finding, Groups, Kind};
use crate::explain::{NO_HELPER, ban, refused_without_helper};
use crate::model::Model;

/// Finds them. What is in force and stopped nothing is not a finding.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups = Groups::of(Kind::LoadingForbidden);
    for load in model.loads().filter(|load| load.failed() && !load.retried) {
        if let Some(ban) = ban::of(load) {
            groups.add(ban.words(), ban.next(), load.began, Evidence::Load(load.id));
        }
    }
    for request in model.requests().filter(|request| refused_without_helper(request)) {
        let next = "if nobody set that on purpose: sysctl kernel.modprobe=/sbin/modprobe";
        groups.add(NO_HELPER.to_owned(), next, request.asked, Evidence::Request(request.id));
    }
    groups.into_findings()
}
