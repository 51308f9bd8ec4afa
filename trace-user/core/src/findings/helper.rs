//! The kernel's helper: one finding for each path that is not the system's modprobe, one when the path or the file
//! behind it changed.

use super::{Evidence, Finding, Groups, Kind};
use crate::entities::Call;
use crate::event::FileId;
use crate::explain;
use crate::model::Model;
use std::collections::BTreeSet;
use std::sync::Arc;

const NEXT: &str =
    "if nobody set that on purpose, find out who did; sysctl kernel.modprobe=/sbin/modprobe sets it back";

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let called = || model.requests().filter_map(|request| Some((request, request.call.as_ref()?)));
    let mut found = Groups::of(Kind::ForeignHelper);
    for (request, _) in called() {
        if let Some(sentence) = explain::helper::foreign(request) {
            found.add(sentence, NEXT, request.asked, Evidence::Request(request.id));
        }
    }
    let mut before: Option<(Arc<str>, FileId)> = None;
    let mut changes = BTreeSet::new();
    for (request, call) in called() {
        let Some((path, file)) = identity(call) else { continue };
        if let Some((old_path, old_file)) = before.replace((path.clone(), file)) {
            let sentence = if old_path != path {
                format!("kernel.modprobe changed from {old_path} to {path}")
            } else if old_file != file {
                format!(
                    "the file behind the kernel's helper {path} changed: it was replaced, or something was mounted over it"
                )
            } else {
                continue;
            };
            if changes.insert(sentence.clone()) {
                found.add(sentence, NEXT, request.asked, Evidence::Request(request.id));
            }
        }
    }
    found.into_findings()
}

/// The helper's path and the file that it executed. A script's file is its interpreter's.
fn identity(call: &Call) -> Option<(Arc<str>, FileId)> {
    Some((call.entry.path.text()?.clone(), call.program.as_ref()?.file))
}
