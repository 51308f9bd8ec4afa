//! Modules that a user without privileges was the first to make the kernel load, in what was traced.

use super::{Evidence, Finding, Kind};
use crate::attribution::known::with_name;
use crate::entities::{Request, Verdict};
use crate::model::Model;
use std::collections::BTreeSet;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for request in model.requests() {
        let names = request.loads.iter().filter_map(|load| load.module.as_deref());
        let names: Vec<&str> = request.module().map(|module| &**module).into_iter().chain(names).collect();
        let is_first = names.first().is_some_and(|name| !known.contains(name));
        known.extend(names);
        let is_unprivileged = request.requested.privileges.and_then(|privileges| privileges.is_unprivileged());
        if is_first && request.verdict == Verdict::Live && is_unprivileged == Some(true) {
            found.push(finding(request));
        }
    }
    found
}

fn finding(request: &Request) -> Finding {
    let module = request.module().map_or("a module", |module| module);
    let userns = request.requested.privileges.and_then(|privileges| privileges.userns);
    let within = match userns.filter(|userns| userns.depth > 0) {
        Some(userns) => format!(" in user namespace {} (made by uid {})", userns.inode, userns.owner),
        None => String::new(),
    };
    let alias = with_name(&request.requested.alias);
    Finding {
        kind: Kind::UnprivilegedFirst,
        sentence: format!(
            "{}, uid {}{within}, has no privileges and made the kernel load {module}, by requesting {alias}; nobody had \
             asked for it before while modtrail traced",
            request.task.comm, request.requested.uid
        ),
        next: format!("if nobody needs it: install {module} /bin/false in modprobe.d"),
        at: request.asked,
        evidence: vec![Evidence::Request(request.id)],
    }
}
