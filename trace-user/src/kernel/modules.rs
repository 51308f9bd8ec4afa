//! What an alias stands for, by the kernel's module indexes, the way modprobe looks it up.
//!
//! In: the text of `modules.dep`, `modules.alias`, `modules.softdep`, `modules.builtin` and
//! `modules.builtin.modinfo`. Out: a [`Resolution`] per alias. modprobe's own configuration (`/etc/modprobe.d`) is not
//! consulted. Order of look-up as in libkmod's `kmod_module_new_from_lookup` (kmod 30): a module's name, then aliases, then
//! names of what is built in, then its aliases.

use crate::event::{Resolution, Wanted};
use glob::Pattern;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The indexes of one kernel.
#[derive(Debug, Default)]
pub struct Indexes {
    dependencies: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    soft: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    aliases: Aliases,
    built_in: BTreeSet<Arc<str>>,
    /// Aliases of what is built in; asked last.
    built_in_aliases: Aliases,
}

/// Aliases and the modules they stand for.
#[derive(Debug, Default)]
struct Aliases {
    /// Those without wildcards.
    exact: BTreeMap<Box<str>, Vec<Arc<str>>>,
    /// Those with: what stands before the first, the whole pattern, the module.
    patterns: Vec<(Box<str>, Box<str>, Arc<str>)>,
}

impl Aliases {
    fn add(&mut self, pattern: &str, module: Arc<str>) {
        let pattern = normal(pattern);
        match pattern.find(['*', '?', '[']) {
            None => self.exact.entry(pattern.into()).or_default().push(module),
            Some(wildcard) => {
                let prefix = pattern.get(..wildcard).unwrap_or_default().into();
                self.patterns.push((prefix, pattern.into(), module));
            }
        }
    }

    /// The modules that `name`, normalised, is an alias of.
    fn find(&self, name: &str) -> Vec<Arc<str>> {
        let exact = self.exact.get(name).into_iter().flatten();
        let candidates = self.patterns.iter().filter(|(prefix, _, _)| name.starts_with(&**prefix));
        let matching = candidates
            .filter(|(_, pattern, _)| Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name)))
            .map(|(_, _, module)| module);
        exact.chain(matching).cloned().collect()
    }
}

impl Indexes {
    /// Reads the indexes in `folder` (`/lib/modules/RELEASE`).
    ///
    /// # Errors
    /// What the system answers for `modules.dep` or `modules.alias`; the others may be missing.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let optional = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        let mut indexes = Self::default();
        indexes.take_dependencies(&fs::read_to_string(folder.join("modules.dep"))?);
        indexes.take_aliases(&fs::read_to_string(folder.join("modules.alias"))?);
        indexes.take_soft(&String::from_utf8_lossy(&optional("modules.softdep")));
        indexes.take_built_in(&String::from_utf8_lossy(&optional("modules.builtin")));
        indexes.take_built_in_info(&optional("modules.builtin.modinfo"));
        Ok(indexes)
    }

    /// When the indexes in `folder` were last made; `None` where that cannot be told.
    #[must_use]
    pub fn changed(folder: &Path) -> Option<SystemTime> {
        fs::metadata(folder.join("modules.dep")).and_then(|file| file.modified()).ok()
    }

    /// What `alias` stands for: by the first index that knows it.
    #[must_use]
    pub fn resolve(&self, alias: &str) -> Resolution {
        let name = normal(alias);
        let by_name = self.dependencies.get_key_value(&*name).map(|(name, _)| name.clone());
        let indexes: [&dyn Fn() -> Vec<Arc<str>>; 4] = [
            &|| by_name.iter().cloned().collect(),
            &|| self.aliases.find(&name),
            &|| self.built_in.get(&*name).cloned().into_iter().collect(),
            &|| self.built_in_aliases.find(&name),
        ];
        let mut names = indexes.iter().map(|find| find()).find(|names| !names.is_empty()).unwrap_or_default();
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Resolution { known: true, modules: names.into_iter().map(|name| self.wanted(name)).collect() }
    }

    fn wanted(&self, name: Arc<str>) -> Wanted {
        let mut dependencies: Vec<Arc<str>> = self.soft.get(&name).cloned().unwrap_or_default();
        // modules.dep lists the nearest first; they are loaded the other way round.
        dependencies.extend(self.dependencies.get(&name).into_iter().flatten().rev().cloned());
        let built_in = self.built_in.contains(&name) && !self.dependencies.contains_key(&name);
        Wanted { name, built_in, dependencies }
    }

    /// `kernel/net/can/can-raw.ko.xz: kernel/net/can/can.ko.xz` a line.
    fn take_dependencies(&mut self, text: &str) {
        for line in text.lines() {
            let Some((path, rest)) = line.split_once(':') else { continue };
            let dependencies = rest.split_ascii_whitespace().map(file_module).collect();
            self.dependencies.insert(file_module(path), dependencies);
        }
    }

    /// `alias PATTERN MODULE` a line.
    fn take_aliases(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            if let (Some("alias"), Some(pattern), Some(module)) = (words.next(), words.next(), words.next()) {
                self.aliases.add(pattern, normal(module).into());
            }
        }
    }

    /// `softdep MODULE pre: A B post: C` a line.
    fn take_soft(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            if let (Some("softdep"), Some(module)) = (words.next(), words.next()) {
                let names = words.filter(|word| !word.ends_with(':')).map(|word| Arc::from(normal(word)));
                self.soft.entry(normal(module).into()).or_default().extend(names);
            }
        }
    }

    /// `kernel/fs/ext4/ext4.ko` a line.
    fn take_built_in(&mut self, text: &str) {
        self.built_in.extend(text.lines().filter(|line| !line.is_empty()).map(file_module));
    }

    /// `MODULE.alias=PATTERN`, each ended by NUL, among other keys.
    fn take_built_in_info(&mut self, bytes: &[u8]) {
        for entry in bytes.split(|byte| *byte == 0) {
            let Ok(entry) = std::str::from_utf8(entry) else { continue };
            let Some((key, value)) = entry.split_once('=') else { continue };
            let Some((module, "alias")) = key.split_once('.') else { continue };
            self.built_in_aliases.add(value, normal(module).into());
        }
    }
}

/// `-` and `_` are the same in names, but not inside brackets (libkmod's `alias_normalize`).
fn normal(text: &str) -> String {
    let mut in_brackets = false;
    let normal = text.chars().map(|character| match character {
        '[' => {
            in_brackets = true;
            character
        }
        ']' => {
            in_brackets = false;
            character
        }
        '-' if !in_brackets => '_',
        _ => character,
    });
    normal.collect()
}

/// The module in a file of this path.
fn file_module(path: &str) -> Arc<str> {
    let file = path.rsplit('/').next().unwrap_or(path);
    normal(file.split('.').next().unwrap_or(file)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes() -> Indexes {
        let mut indexes = Indexes::default();
        indexes.take_dependencies(
            "kernel/net/can/can.ko.xz:\nkernel/net/can/can-raw.ko.xz: kernel/net/can/can.ko.xz\n\
            kernel/c.ko: kernel/b.ko kernel/a.ko\nkernel/a.ko:\nkernel/b.ko: kernel/a.ko\n",
        );
        indexes.take_aliases(
            "# a comment\nalias net-pf-29 can\nalias can-proto-1 can_raw\n\
            alias pci:v0000[8-9]*d0* c\nalias twice a\nalias twice b\nalias crypto-x* a\n",
        );
        indexes.take_soft("softdep can_raw pre: a post: b\n");
        indexes.take_built_in("kernel/fs/ext4/ext4.ko\n");
        indexes.take_built_in_info(b"ext4.license=GPL\0ext4.alias=fs-ext4\0ext4.alias=fs-ext3\0");
        indexes
    }

    fn shown(alias: &str) -> String {
        let resolution = indexes().resolve(alias);
        let modules: Vec<String> = resolution
            .modules
            .iter()
            .map(|wanted| {
                let built_in = if wanted.built_in { " built in" } else { "" };
                format!("{}{built_in} {:?}", wanted.name, wanted.dependencies)
            })
            .collect();
        modules.join(", ")
    }

    #[test]
    fn aliases_resolve_as_modprobe_resolves_them() {
        assert_eq!(shown("net-pf-29"), "can []");
        assert_eq!(shown("can-proto-1"), r#"can_raw ["a", "b", "can"]"#);
        assert_eq!(shown("can-raw"), r#"can_raw ["a", "b", "can"]"#);
        assert_eq!(shown("c"), r#"c ["a", "b"]"#);
        assert_eq!(shown("pci:v00008d0f"), r#"c ["a", "b"]"#);
        assert_eq!(shown("pci:v00007d0f"), "");
        assert_eq!(shown("twice"), r#"a [], b ["a"]"#);
        assert_eq!(shown("crypto-xts"), "a []");
        assert_eq!(shown("fs-ext3"), "ext4 built in []");
        assert_eq!(shown("ext4"), "ext4 built in []");
        assert_eq!(shown("net-pf-27"), "");
    }
}
