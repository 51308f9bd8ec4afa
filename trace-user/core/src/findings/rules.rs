//! Lines of modprobe's configuration that do not do what their author believes: one finding for each line.

use super::{Evidence, Finding, Kind};
use crate::entities::Verdict;
use crate::explain;
use crate::model::Model;
use std::collections::BTreeMap;

/// Finds them: lines that were meant to keep a module from being loaded, which went live all the same.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Finding> = BTreeMap::new();
    for request in model.requests().filter(|request| request.verdict == Verdict::Live) {
        let Some(sentence) = explain::why(request) else { continue };
        let finding = groups.entry(sentence.clone()).or_insert_with(|| Finding {
            kind: Kind::RuleWithoutEffect,
            sentence,
            next: "write \"install MODULE /bin/false\" into a file that ends in .conf".to_owned(),
            at: request.asked,
            evidence: Vec::new(),
        });
        finding.evidence.push(Evidence::Request(request.id));
    }
    groups.into_values().collect()
}
