//! Requests that cause requests like themselves, and helpers that run themselves: one finding for each root.

use super::{Evidence, Finding, Kind};
use crate::entities::{Request, RequestId};
use crate::explain;
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep a chain of requests, or of a helper's processes, is before that is a loop.
const DEEP: usize = 6;

/// How often one alias is asked for in a chain that is a loop.
const SAME: usize = 3;

/// Chains that are looked at.
const LOOPS: usize = 1_000;

/// Requests of a chain that are named.
const LONGEST: usize = 1_000;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    // A request's root, and how deep it is; a parent is older than its child.
    let mut depths: BTreeMap<RequestId, (RequestId, usize)> = BTreeMap::new();
    let mut deepest: BTreeMap<RequestId, (usize, &Arc<Request>)> = BTreeMap::new();
    for request in model.requests() {
        let parent = request.parent.and_then(|parent| depths.get(&parent)).copied();
        let (root, depth) = parent.map_or((request.id, 1), |(root, depth)| (root, depth + 1));
        depths.insert(request.id, (root, depth));
        if depth >= DEEP && deepest.get(&root).is_none_or(|(known, _)| *known < depth) {
            deepest.insert(root, (depth, request));
        }
    }
    let chains = deepest.into_values().take(LOOPS).filter_map(|(_, request)| {
        let chain = chain(model, request);
        let (last, root) = (chain.first()?, chain.last()?);
        let same = chain.iter().filter(|request| request.requested.alias == last.requested.alias).count();
        if same < SAME {
            return None;
        }
        let path = root.call.as_ref().map_or_else(String::new, |call| format!(" of {}", call.entry.path));
        Some(Finding {
            kind: Kind::RequestLoop,
            sentence: format!(
                "the helper{path} for {} makes the kernel ask for {} again and again: {} requests deep",
                root.requested.alias,
                last.requested.alias,
                chain.len()
            ),
            next: "see whether the kernel can execute the helper: set kernel.modprobe to modprobe".to_owned(),
            at: root.asked,
            evidence: chain.iter().rev().map(|request| Evidence::Request(request.id)).collect(),
        })
    });
    let lines = model.requests().filter_map(|request| {
        let call = request.call.as_ref().filter(|call| call.depth as usize >= DEEP)?;
        let words = explain::helper::install_line(request).filter(|_| explain::helper::calls_itself(request))?;
        Some(Finding {
            kind: Kind::RequestLoop,
            sentence: format!("{}: {words}", request.requested.alias),
            next: "add --ignore-install to the line".to_owned(),
            at: call.entered,
            evidence: vec![Evidence::Request(request.id)],
        })
    });
    chains.chain(lines).collect()
}

/// The request, its parent, and so on, as far as they are kept.
fn chain<'m>(model: &'m Model, request: &'m Arc<Request>) -> Vec<&'m Arc<Request>> {
    let mut chain = vec![request];
    while let Some(parent) = chain.last().and_then(|last| last.parent).and_then(|parent| model.request(parent)) {
        // A parent is older than its child, so this ends. A hostile file may say otherwise.
        if chain.len() >= LONGEST || chain.last().is_some_and(|last| last.id <= parent.id) {
            break;
        }
        chain.push(parent);
    }
    chain
}
