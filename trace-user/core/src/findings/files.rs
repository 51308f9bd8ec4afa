//! Files of modules that are missing or cannot be loaded, and indexes that are outdated: one finding for each file, or
//! for all if no modules are installed for the kernel.

use super::{Evidence, Finding, Groups, Kind};
use crate::explain::{absent_words, outdated, without_index};
use crate::model::Model;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups = Groups::of(Kind::FilesMissing);
    for request in model.requests() {
        let Some(resolution) = request.resolution.as_deref() else { continue };
        let (at, evidence) = (request.asked, Evidence::Request(request.id));
        if let Some(absent) = &resolution.absent {
            let next = "reboot if the kernel was upgraded, or install its modules again";
            groups.add(absent_words(absent), next, at, evidence);
        }
        if let Some(sentence) = outdated(request) {
            groups.add(sentence, "run depmod -a, then try again", at, evidence);
        }
        if let Some(sentence) = without_index(request) {
            groups.add(sentence, "run depmod -a", at, evidence);
        }
        for file in resolution.modules.iter().flat_map(|wanted| &wanted.unusable_files) {
            let (module, path, fault) = (&file.module, &file.path, file.fault.words());
            let sentence = format!("{module} is in the index of modules, but its file, {path}, {fault}");
            groups.add(sentence, "install it again, or run depmod if it was removed on purpose", at, evidence);
        }
    }
    groups.into_findings()
}
