//! Modules that are loaded and unloaded again and again: one finding for each module.

use super::{Evidence, Finding, Kind};
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a module is unloaded before that is a finding.
const TIMES: usize = 3;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut unloads: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
    for unload in model.unloads().filter(|unload| unload.ended.is_some_and(|(_, result)| !result.failed())) {
        let Some(module) = unload.module.text() else { continue };
        unloads.entry(module.replace('-', "_").into()).or_default().push(unload);
    }
    let often = unloads.into_iter().filter(|(_, unloads)| unloads.len() >= TIMES);
    often
        .filter_map(|(module, unloads)| {
            let loads: Vec<_> =
                model.loads().filter(|load| load.live.is_some() && load.module.as_deref() == Some(&*module)).collect();
            let (first, last) = (unloads.first()?, loads.last()?);
            let by = first.task.comm.to_text();
            let sentence = format!(
                "{module} was loaded {} times and unloaded {} times: by {}, and by {by}",
                loads.len(),
                unloads.len(),
                last.task.comm.to_text()
            );
            let evidence = loads.iter().map(|load| Evidence::Load(load.id));
            let evidence = evidence.chain(unloads.iter().map(|unload| Evidence::Unload(unload.id))).collect();
            let next = "find out who unloads it, and whether that is wanted".to_owned();
            Some(Finding { kind: Kind::Reloaded, sentence, next, at: first.began, evidence })
        })
        .collect()
}
