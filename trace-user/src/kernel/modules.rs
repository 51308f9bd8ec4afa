//! The kernel's module indexes: which modules there are, on what they depend, and what their aliases are.
//!
//! In: the text of `modules.dep`, `modules.alias`, `modules.symbols`, `modules.builtin` and `modules.builtin.modinfo`.
//! Out: answers to the single questions that modprobe asks of them; what it makes of the answers is in [`super::lookup`].
//! modprobe reads the binary forms (`modules.alias.bin`), which depmod makes of the same.

use super::pattern;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The indexes of one kernel.
#[derive(Debug, Default)]
pub struct Indexes {
    modules: BTreeMap<Arc<str>, File>,
    aliases: Aliases,
    /// The text of `modules.symbols`, which is asked so rarely that it is not taken apart.
    symbols: String,
    built_in: BTreeSet<Arc<str>>,
    built_in_aliases: Aliases,
}

/// A module that is a file.
#[derive(Debug)]
struct File {
    /// From the folder of the indexes, or from the root.
    path: Box<str>,
    /// All that it needs, the nearest first.
    dependencies: Vec<Arc<str>>,
}

/// Aliases and the modules they stand for.
#[derive(Debug, Default)]
struct Aliases {
    /// Those without wildcards, with where they stand.
    exact: BTreeMap<Box<str>, Vec<(usize, Arc<str>)>>,
    patterns: Vec<Wild>,
    count: usize,
}

/// An alias with wildcards.
#[derive(Debug)]
struct Wild {
    /// What stands before the first.
    prefix: Box<str>,
    pattern: Box<str>,
    place: usize,
    module: Arc<str>,
}

impl Aliases {
    fn add(&mut self, pattern: &str, module: Arc<str>) {
        // depmod leaves out what has an open bracket.
        let Some(pattern) = normalised(pattern) else { return };
        self.count += 1;
        match pattern.find(['*', '?', '[']) {
            None => self.exact.entry(pattern.into()).or_default().push((self.count, module)),
            Some(wildcard) => {
                let prefix = pattern.get(..wildcard).unwrap_or_default().into();
                let place = self.count;
                self.patterns.push(Wild { prefix, pattern: pattern.into(), place, module });
            }
        }
    }

    /// The modules that `name`, normalised, is an alias of, in the order of the index; a module as often as it matches.
    fn find(&self, name: &str) -> Vec<Arc<str>> {
        let exact = self.exact.get(name).into_iter().flatten().map(|(place, module)| (*place, module));
        let candidates = self.patterns.iter().filter(|wild| name.starts_with(&*wild.prefix));
        let matching = candidates.filter(|wild| pattern::matches(&wild.pattern, name));
        let matching = matching.map(|wild| (wild.place, &wild.module));
        let mut found: Vec<_> = exact.chain(matching).collect();
        found.sort_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, module)| module.clone()).collect()
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
        indexes.take_modules(&fs::read_to_string(folder.join("modules.dep"))?);
        indexes.take_aliases(&fs::read_to_string(folder.join("modules.alias"))?);
        indexes.take_symbols(String::from_utf8_lossy(&optional("modules.symbols")).into_owned());
        indexes.take_built_in(&String::from_utf8_lossy(&optional("modules.builtin")));
        indexes.take_built_in_info(&optional("modules.builtin.modinfo"));
        Ok(indexes)
    }

    /// When the indexes in `folder` were last made; `None` where that cannot be told.
    #[must_use]
    pub fn changed(folder: &Path) -> Option<SystemTime> {
        fs::metadata(folder.join("modules.dep")).and_then(|file| file.modified()).ok()
    }

    /// The module of this name, where it is a file.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<Arc<str>> {
        self.modules.get_key_value(name).map(|(name, _)| name.clone())
    }

    /// The file of a module.
    #[must_use]
    pub fn path(&self, module: &str) -> Option<&str> {
        self.modules.get(module).map(|file| &*file.path)
    }

    /// All modules that `module` needs, in the order in which they are loaded: `modules.dep` lists the nearest first.
    pub fn dependencies(&self, module: &str) -> impl Iterator<Item = &Arc<str>> {
        self.modules.get(module).into_iter().flat_map(|file| file.dependencies.iter().rev())
    }

    /// The modules with this alias; a module as often as it has it.
    #[must_use]
    pub fn by_alias(&self, alias: &str) -> Vec<Arc<str>> {
        self.aliases.find(alias)
    }

    /// The modules that export the symbol of an alias `symbol:NAME`.
    #[must_use]
    pub fn by_symbol(&self, alias: &str) -> Vec<Arc<str>> {
        let lines = self.symbols.lines().filter_map(alias_line);
        lines.filter(|(symbol, _)| *symbol == alias).map(|(_, module)| loose(module).into()).collect()
    }

    /// Whether the module of this name is part of the kernel.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        self.built_in.contains(name)
    }

    /// The modules with this alias that are part of the kernel.
    #[must_use]
    pub fn built_in_by_alias(&self, alias: &str) -> Vec<Arc<str>> {
        self.built_in_aliases.find(alias)
    }

    /// `kernel/net/can/can-raw.ko.xz: kernel/net/can/can.ko.xz` a line.
    pub fn take_modules(&mut self, text: &str) {
        for line in text.lines() {
            let Some((path, rest)) = line.split_once(':') else { continue };
            let dependencies = rest.split_ascii_whitespace().map(file_module).collect();
            self.modules.insert(file_module(path), File { path: path.into(), dependencies });
        }
    }

    /// `alias PATTERN MODULE` a line.
    pub fn take_aliases(&mut self, text: &str) {
        for (pattern, module) in text.lines().filter_map(alias_line) {
            self.aliases.add(pattern, loose(module).into());
        }
    }

    /// `alias symbol:NAME MODULE` a line.
    pub fn take_symbols(&mut self, text: String) {
        self.symbols = text;
    }

    /// `kernel/fs/ext4/ext4.ko` a line.
    pub fn take_built_in(&mut self, text: &str) {
        self.built_in.extend(text.lines().filter(|line| !line.is_empty()).map(file_module));
    }

    /// `MODULE.alias=PATTERN`, each ended by NUL, among other keys.
    pub fn take_built_in_info(&mut self, bytes: &[u8]) {
        for entry in bytes.split(|byte| *byte == 0) {
            let Ok(entry) = std::str::from_utf8(entry) else { continue };
            let Some((key, value)) = entry.split_once('=') else { continue };
            let Some((module, "alias")) = key.split_once('.') else { continue };
            self.built_in_aliases.add(value, loose(module).into());
        }
    }
}

/// What stands in `alias PATTERN MODULE`.
fn alias_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("alias"), Some(pattern), Some(module)) => Some((pattern, module)),
        _ => None,
    }
}

/// `-` and `_` are the same in names, but not inside brackets; `None` where brackets do not match (libkmod's
/// `alias_normalize` and `underscores`).
#[must_use]
pub fn normalised(text: &str) -> Option<String> {
    let mut in_brackets = false;
    let mut normal = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' => in_brackets = true,
            ']' if !in_brackets => return None,
            ']' => in_brackets = false,
            _ => {}
        }
        normal.push(if character == '-' && !in_brackets { '_' } else { character });
    }
    (!in_brackets).then_some(normal)
}

/// The name of a module: with underscores, and without what follows a dot (libkmod's `modname_normalize`).
#[must_use]
pub fn loose(name: &str) -> String {
    name.split('.').next().unwrap_or(name).replace('-', "_")
}

/// The module in a file of this path.
fn file_module(path: &str) -> Arc<str> {
    loose(path.rsplit('/').next().unwrap_or(path)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Arc<str>]) -> String {
        found.join(" ")
    }

    #[test]
    fn aliases_are_found_in_the_order_of_the_index() {
        let mut indexes = Indexes::default();
        indexes.take_aliases(
            "# a comment\nalias pci:v0000[8-9]*d0* c\nalias twice-* a\nalias twice-x b\nalias twice_? a\nalias open[ d\n",
        );
        assert_eq!(names(&indexes.by_alias("twice_x")), "a b a");
        assert_eq!(names(&indexes.by_alias("pci:v00008d0f")), "c");
        assert_eq!(names(&indexes.by_alias("pci:v00007d0f")), "");
        assert_eq!(names(&indexes.by_alias("open[")), "");
    }

    #[test]
    fn dependencies_come_in_the_order_of_loading() {
        let mut indexes = Indexes::default();
        indexes.take_modules("kernel/c.ko.xz: kernel/b-b.ko.xz kernel/a.ko.xz\nkernel/a.ko.xz:\nbroken\n");
        let needed: Vec<_> = indexes.dependencies("c").map(|name| &**name).collect();
        assert_eq!(needed, ["a", "b_b"]);
        assert_eq!((indexes.path("a"), indexes.path("b_b")), (Some("kernel/a.ko.xz"), None));
    }

    #[test]
    fn symbols_and_what_is_built_in_are_known() {
        let mut indexes = Indexes::default();
        indexes.take_symbols("alias symbol:can_send can\n".into());
        indexes.take_built_in("kernel/fs/ext4/ext4.ko\n");
        indexes.take_built_in_info(b"ext4.license=GPL\0ext4.alias=fs-ext4\0ext4.alias=fs-ext3\0");
        assert_eq!(names(&indexes.by_symbol("symbol:can_send")), "can");
        assert!(indexes.is_built_in("ext4") && !indexes.is_built_in("can"));
        assert_eq!(names(&indexes.built_in_by_alias("fs_ext3")), "ext4");
    }

    #[test]
    fn names_are_compared_with_underscores() {
        assert_eq!(normalised("net-pf-[0-9]-x").as_deref(), Some("net_pf_[0-9]_x"));
        assert_eq!((normalised("a]"), normalised("a[b")), (None, None));
        assert_eq!(loose("can-raw.ko.xz"), "can_raw");
    }
}
