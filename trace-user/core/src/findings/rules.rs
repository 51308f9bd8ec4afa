//! Lines of modprobe's configuration that do not do what their author believes: one finding for each line.

use super::{Evidence, Finding, Groups, Kind};
use crate::entities::Verdict;
use crate::explain::rules_without_effect;
use crate::model::Model;

/// Finds them: lines that were meant to keep a module from being loaded, which went live all the same.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups = Groups::of(Kind::RuleWithoutEffect);
    for request in model.requests().filter(|request| request.verdict == Verdict::Live) {
        if let Some(sentence) = rules_without_effect(request) {
            let next = "write \"install MODULE /bin/false\" into a file that ends in .conf";
            groups.add(sentence, next, request.asked, Evidence::Request(request.id));
        }
    }
    groups.into_findings()
}
