//! Files of modules that are missing: one finding for each file, or for all if no modules are installed for the kernel.

use super::{Evidence, Finding, Groups, Kind};
use crate::explain::absent_words;
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
        for file in resolution.modules.iter().flat_map(|wanted| &wanted.missing_files) {
            let sentence = format!("the file of {} is in the index of modules but missing: {}", file.module, file.path);
            groups.add(sentence, "install it again, or run depmod if it was removed on purpose", at, evidence);
        }
    }
    groups.into_findings()
}
