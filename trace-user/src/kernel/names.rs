//! Names for the numbers in records, asked of the running system: stack addresses by `/proc/kallsyms`, cgroups by
//! the `/proc` entry of a member.

use super::symbols::Symbols;
use crate::decode::Names;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

/// Cgroups remembered; beyond, all are asked for anew.
const CGROUPS: usize = 4_096;

/// The running system's names.
#[derive(Debug)]
pub struct SystemNames {
    symbols: Symbols,
    /// A module was loaded since the symbols were read.
    stale: bool,
    cgroups: BTreeMap<u64, Option<Arc<str>>>,
}

impl SystemNames {
    /// Starts with these symbols.
    #[must_use]
    pub const fn new(symbols: Symbols) -> Self {
        Self { symbols, stale: false, cgroups: BTreeMap::new() }
    }

    /// A module went live: its functions have names that are not known yet.
    pub const fn modules_changed(&mut self) {
        self.stale = true;
    }
}

impl Names for SystemNames {
    fn symbol(&mut self, address: u64) -> Option<Arc<str>> {
        if self.stale && !self.symbols.is_core(address) {
            self.stale = false;
            if let Ok(symbols) = Symbols::read() {
                self.symbols = symbols;
            }
        }
        self.symbols.name(address)
    }

    fn cgroup(&mut self, id: u64, tgid: u32) -> Option<Arc<str>> {
        if let Some(known) = self.cgroups.get(&id) {
            return known.clone();
        }
        let text = fs::read_to_string(format!("/proc/{tgid}/cgroup")).ok()?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::")).map(Arc::from);
        if self.cgroups.len() >= CGROUPS {
            self.cgroups.clear();
        }
        self.cgroups.insert(id, path.clone());
        path
    }
}
