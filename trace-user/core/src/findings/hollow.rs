//! Requests that returned 0 although nothing that was wanted is live: one finding for each alias and reason.

use super::{Evidence, Finding, Kind};
use crate::entities::{Request, Verdict};
use crate::explain;
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups: BTreeMap<(String, Option<String>), Vec<&Arc<Request>>> = BTreeMap::new();
    for request in model.requests().filter(|request| request.verdict == Verdict::Hollow) {
        groups.entry((request.requested.alias.to_string(), explain::why(request))).or_default().push(request);
    }
    groups.into_iter().filter_map(|((alias, why), requests)| finding(&alias, why, &requests)).collect()
}

fn finding(alias: &str, why: Option<String>, requests: &[&Arc<Request>]) -> Option<Finding> {
    let first = requests.first()?;
    let times = if requests.len() > 1 { format!(", {} times", requests.len()) } else { String::new() };
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Some(Finding {
        kind: Kind::Hollow,
        sentence: format!("request_module({alias}) returned 0 but nothing that was wanted is live{times}{why}"),
        next: "see whether the requester got what it wanted; change what the sentence names".to_owned(),
        at: first.asked,
        evidence: requests.iter().map(|request| Evidence::Request(request.id)).collect(),
    })
}
