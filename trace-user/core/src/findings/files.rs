//! Files of modules that are missing: one finding for each file, or for all if there are no modules of the kernel.

use super::{Evidence, Finding, Kind};
use crate::model::Model;
use std::collections::BTreeMap;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Finding> = BTreeMap::new();
    for request in model.requests() {
        let Some(resolution) = request.resolution.as_deref() else { continue };
        let absent = resolution.absent.iter().map(|absent| {
            (
                format!("there are no modules of the running kernel: {} is missing", absent.folder),
                "reboot if the kernel was upgraded, or install its modules again".to_owned(),
            )
        });
        let files = resolution.modules.iter().flat_map(|wanted| &wanted.missing_files).map(|file| {
            (
                format!("the file of {} is in the index of modules but missing: {}", file.module, file.path),
                "install it again, or run depmod if it was removed on purpose".to_owned(),
            )
        });
        for (sentence, next) in absent.chain(files) {
            let finding = groups.entry(sentence.clone()).or_insert_with(|| Finding {
                kind: Kind::FilesMissing,
                sentence,
                next,
                at: request.asked,
                evidence: Vec::new(),
            });
            finding.evidence.push(Evidence::Request(request.id));
        }
    }
    groups.into_values().collect()
}
