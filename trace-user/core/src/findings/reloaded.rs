//! Modules that are loaded and unloaded again and again: one finding for each module.

use super::{Evidence, Finding, Kind};
use crate::entities::Unload;
use crate::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How often a module is unloaded before that is a finding.
const TIMES: usize = 3;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    let mut unloads: BTreeMap<Arc<str>, Vec<&Arc<Unload>>> = BTreeMap::new();
    for unload in model.unloads().filter(|unload| unload.ended.is_some_and(|(_, result)| !result.failed())) {
        let Some(module) = unload.module.text() else { continue };
        unloads.entry(module.replace('-', "_").into()).or_default().push(unload);
    }
    unloads.retain(|_, unloads| unloads.len() >= TIMES);
    let mut loads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for load in model.loads().filter(|load| load.live.is_some()) {
        if let Some(module) = load.module.as_deref().filter(|module| unloads.contains_key(*module)) {
            loads.entry(module).or_default().push(load);
        }
    }
    let finding = |(module, unloads): (&Arc<str>, &Vec<&Arc<Unload>>)| {
        let loads = loads.get(&**module)?;
        let sentence = format!(
            "{module} was loaded {} times, by {}, and unloaded {} times, by {}",
            loads.len(),
            names(loads.iter().map(|load| load.task.comm.to_text())),
            unloads.len(),
            names(unloads.iter().map(|unload| unload.task.comm.to_text()))
        );
        let evidence = loads.iter().map(|load| Evidence::Load(load.id));
        let evidence = evidence.chain(unloads.iter().map(|unload| Evidence::Unload(unload.id))).collect();
        let next = "find out who unloads it, and whether that is wanted".to_owned();
        Some(Finding { kind: Kind::Reloaded, sentence, next, at: unloads.first()?.began, evidence })
    };
    unloads.iter().filter_map(finding).collect()
}

/// Each name once.
fn names(names: impl Iterator<Item = String>) -> String {
    names.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(", ")
}
