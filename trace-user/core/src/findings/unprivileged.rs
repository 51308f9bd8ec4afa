//! Modules that a user without privileges was the first to make the kernel load, in what was traced.

use super::{Evidence, Finding, Kind};
use crate::attribution::known::with_name;
use crate::entities::{Request, Verdict};
use crate::event::Stamp;
use crate::model::Model;
use std::collections::BTreeMap;

/// Finds them. A part of a trace, or one that is no longer kept from its beginning, does not show who was first.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    if model.counts().forgotten > 0 || model.is_part() {
        return Vec::new();
    }
    let mut first: BTreeMap<&str, Stamp> = BTreeMap::new();
    let mut met = |name, at: Stamp| {
        let known = first.entry(name).or_insert(at);
        *known = at.min(*known);
    };
    for request in model.requests() {
        names(request).for_each(|name| met(name, request.asked));
    }
    for load in model.loads().filter(|load| load.request.is_none()) {
        load.module.as_deref().into_iter().for_each(|name| met(name, load.began));
    }
    let is_first = |request: &Request, name: &str| first.get(name).is_some_and(|at| *at == request.asked);
    let found = model.requests().filter_map(|request| {
        let is_unprivileged = request.requested.privileges.and_then(|privileges| privileges.is_unprivileged());
        let module = names(request).next().filter(|name| is_first(request, name))?;
        let is_found = request.verdict == Verdict::Live && is_unprivileged == Some(true);
        is_found.then(|| finding(request, module))
    });
    found.collect()
}

/// The modules that it is about: the one that it wants first.
fn names(request: &Request) -> impl Iterator<Item = &str> {
    let loaded = request.loads.iter().filter_map(|load| load.module.as_deref());
    request.module().map(|module| &**module).into_iter().chain(loaded)
}

fn finding(request: &Request, module: &str) -> Finding {
    let userns = request.requested.privileges.and_then(|privileges| privileges.userns);
    let within = match userns.filter(|userns| userns.depth > 0) {
        Some(userns) => format!(" in user namespace {} (made by uid {})", userns.inode, userns.owner),
        None => String::new(),
    };
    let alias = with_name(&request.requested.alias);
    Finding {
        kind: Kind::UnprivilegedFirst,
        sentence: format!(
            "{}, uid {}{within}, has no privileges and made the kernel load {module}, by requesting {alias}; nobody was \
             seen to ask for it or load it before",
            request.task.comm, request.requested.uid
        ),
        next: format!("if nobody needs it: install {module} /bin/false in modprobe.d"),
        at: request.asked,
        evidence: vec![Evidence::Request(request.id)],
    }
}
