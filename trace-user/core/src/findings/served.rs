//! What requesters got, where it does not agree with what became of the module: live and not served, failed and yet
//! served, live and asked for again.

use super::{Evidence, Finding, Kind};
use crate::attribution::known::with_name;
use crate::entities::{Request, Verdict};
use crate::explain;
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups: BTreeMap<(Kind, String, String, Verdict), Vec<&Arc<Request>>> = BTreeMap::new();
    for request in model.requests() {
        if let Some(kind) = kind(request) {
            let alias = with_name(&request.requested.alias);
            let key = (kind, alias, request.task.comm.to_text(), request.verdict);
            groups.entry(key).or_default().push(request);
        }
    }
    groups.into_iter().filter_map(|((kind, alias, ..), requests)| finding(kind, &alias, &requests)).collect()
}

/// The kind of finding that the request belongs to, if any.
fn kind(request: &Request) -> Option<Kind> {
    let is_served = request.served.map(|served| !served.result.failed());
    match request.verdict {
        Verdict::AlreadyLive => (is_served != Some(true)).then_some(Kind::AskedAgain),
        Verdict::Live | Verdict::SatisfiedByAnother => (is_served == Some(false)).then_some(Kind::LiveNotServed),
        Verdict::Hollow
        | Verdict::InitFailed
        | Verdict::HelperFailed
        | Verdict::HelperMissing
        | Verdict::Refused
        | Verdict::Throttled
        | Verdict::Denied => (is_served == Some(true)).then_some(Kind::FailedYetServed),
        Verdict::NotFound | Verdict::Abandoned | Verdict::Unwaited | Verdict::InFlight | Verdict::Incomplete => None,
    }
}

fn finding(kind: Kind, alias: &str, requests: &[&Arc<Request>]) -> Option<Finding> {
    let first = requests.first()?;
    let got = requests.iter().rev().find_map(|request| explain::served_words(request));
    // One request of which nothing is known may have come while the module was being loaded.
    if kind == Kind::AskedAgain && requests.len() < 2 && got.is_none() {
        return None;
    }
    let times = if requests.len() > 1 { format!(", {} times", requests.len()) } else { String::new() };
    let who = first.task.comm;
    let got = got.map_or_else(String::new, |got| format!("; {got}"));
    let module = first.module().map_or("the module", |module| module);
    let (sentence, next) = if kind == Kind::LiveNotServed {
        (
            format!("{alias}: {module} is live, requested by {who}{times}{got}"),
            "see whether the module provides this alias, and what its log says",
        )
    } else if kind == Kind::FailedYetServed {
        (
            format!("{alias}: the request of {who} ended as {}{times}{got}", first.verdict.words()),
            "nothing, unless it takes long: the requester got what it wanted",
        )
    } else {
        (
            format!("{alias}: {module} was live, and {who} requested it{times}{got}"),
            "find out why the requester does not get what the module should provide",
        )
    };
    let evidence = requests.iter().map(|request| Evidence::Request(request.id)).collect();
    Some(Finding { kind, sentence, next: next.to_owned(), at: first.asked, evidence })
}
