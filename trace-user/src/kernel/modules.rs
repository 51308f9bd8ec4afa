//! The kernel's module indexes: which modules exist, what they depend on, and what their aliases are.
//!
//! In: the binary indexes that depmod makes and modprobe reads. Out: answers to the single questions that modprobe asks
//! of them; [`super::lookup`] interprets the answers.

use super::index::Index;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The indexes of one kernel.
#[derive(Debug, Default)]
pub struct Indexes {
    /// By a module's name: its file and the files that it needs, `FILE: FILE …`.
    modules: Index,
    aliases: Index,
    symbols: Index,
    built_in: Index,
    built_in_aliases: Index,
}

/// The index without which modprobe does nothing.
const MODULES: &str = "modules.dep.bin";
const ALIASES: &str = "modules.alias.bin";

impl Indexes {
    /// Reads the indexes in `folder` (`/lib/modules/RELEASE`).
    ///
    /// # Errors
    /// What the system answers for the index of modules or of aliases, or that one is damaged; the other indexes may be
    /// missing.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let index = |name: &str| {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
            let index = Index::of(read_index(&folder.join(name)).map_err(named)?);
            let odd = || io::Error::other(format!("{name} is not an index of a version that modprobe 30 reads"));
            index.ok_or_else(odd)
        };
        let optional = |name: &str| match index(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
            answer => answer,
        };
        Ok(Self {
            modules: index(MODULES)?,
            aliases: index(ALIASES)?,
            symbols: optional("modules.symbols.bin")?,
            built_in: optional("modules.builtin.bin")?,
            built_in_aliases: optional("modules.builtin.alias.bin")?,
        })
    }

    /// When the indexes in `folder` were last made; `None` if that is not known, or if one that is needed is not there.
    #[must_use]
    pub fn changed(folder: &Path) -> Option<SystemTime> {
        let changed = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
        Some(changed(MODULES)?.max(changed(ALIASES)?))
    }

    /// The module of this name, if it is a file.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<Arc<str>> {
        self.modules.get(name).map(|_| name.into())
    }

    /// The file of a module, relative to the folder of the indexes, or absolute.
    #[must_use]
    pub fn path(&self, module: &str) -> Option<String> {
        let line = self.modules.get(module)?;
        line.split_once(':').map(|(path, _)| path.to_owned())
    }

    /// All modules that `module` needs, in the order in which they are loaded: the index lists the nearest first.
    #[must_use]
    pub fn dependencies(&self, module: &str) -> Vec<Arc<str>> {
        let line = self.modules.get(module).unwrap_or_default();
        let (_, needed) = line.split_once(':').unwrap_or_default();
        needed.split_ascii_whitespace().rev().map(file_module).collect()
    }

    /// The modules with this alias, each as often as it has the alias.
    #[must_use]
    pub fn by_alias(&self, alias: &str) -> Vec<Arc<str>> {
        self.aliases.matching(alias)
    }

    /// The modules that export the symbol of an alias `symbol:NAME`.
    #[must_use]
    pub fn by_symbol(&self, alias: &str) -> Vec<Arc<str>> {
        self.symbols.matching(alias)
    }

    /// Whether the module of this name is part of the kernel.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        self.built_in.get(name).is_some()
    }

    /// The modules with this alias that are part of the kernel.
    #[must_use]
    pub fn built_in_by_alias(&self, alias: &str) -> Vec<Arc<str>> {
        self.built_in_aliases.matching(alias)
    }
}

/// `-` and `_` are the same in names, but not inside brackets; `None` if brackets do not match (libkmod's
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

/// The most that is read of an index; Debian's largest has 2 MiB.
const INDEX: u64 = 64 * 1024 * 1024;

/// The bytes of an index. What is not a file may never answer.
fn read_index(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() || found.len() > INDEX {
        return Err(io::Error::other("not a file of at most 64 MiB"));
    }
    fs::read(path)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::index::tests::index;

    /// Indexes made from the text that depmod writes beside them: `FILE: FILE …`, `alias PATTERN MODULE`, `FILE`,
    /// `MODULE.alias=PATTERN`, a line each.
    pub fn indexes(modules: &str, aliases: &str, built_in: &str, built_in_aliases: &str) -> Indexes {
        let by_name = |line: &str| Some((file_module(line.split_once(':')?.0).to_string(), line.to_owned()));
        let by_alias = |line: &str| match line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
            ["alias", pattern, module] => Some((normalised(pattern)?, loose(module))),
            _ => None,
        };
        let built_in_alias = |line: &str| {
            let (module, pattern) = line.split_once(".alias=")?;
            Some((normalised(pattern)?, loose(module)))
        };
        let made = |entries: Vec<(String, String)>| index(entries.iter().map(|(key, value)| (&**key, &**value)));
        let (symbols, aliases): (Vec<_>, Vec<_>) =
            aliases.lines().filter_map(by_alias).partition(|(key, _)| key.starts_with("symbol:"));
        Indexes {
            modules: made(modules.lines().filter_map(by_name).collect()),
            aliases: made(aliases),
            symbols: made(symbols),
            built_in: made(built_in.lines().map(|line| (file_module(line).to_string(), String::new())).collect()),
            built_in_aliases: made(built_in_aliases.lines().filter_map(built_in_alias).collect()),
        }
    }

    fn names(found: &[Arc<str>]) -> String {
        found.join(" ")
    }

    #[test]
    fn aliases_are_found_in_the_order_of_the_index() {
        let text = "# a comment\nalias pci:v0000[8-9]*d0* c\nalias twice-* a\nalias twice-x b\nalias twice_? a\nalias open[ d\n";
        let indexes = indexes("", text, "", "");
        assert_eq!(names(&indexes.by_alias("twice_x")), "a b a");
        assert_eq!(names(&indexes.by_alias("pci:v00008d0f")), "c");
        assert_eq!(names(&indexes.by_alias("pci:v00007d0f")), "");
        assert_eq!(names(&indexes.by_alias("open[")), "");
    }

    #[test]
    fn dependencies_come_in_the_order_of_loading() {
        let text = "kernel/c.ko.xz: kernel/b-b.ko.xz kernel/a.ko.xz\nkernel/a.ko.xz:\nbroken\n";
        let indexes = indexes(text, "", "", "");
        let needed: Vec<_> = indexes.dependencies("c").iter().map(ToString::to_string).collect();
        assert_eq!(needed, ["a", "b_b"]);
        assert_eq!((indexes.path("a").as_deref(), indexes.path("b_b")), (Some("kernel/a.ko.xz"), None));
    }

    #[test]
    fn symbols_and_what_is_built_in_are_known() {
        let built_in = ("kernel/fs/ext4/ext4.ko\n", "ext4.license=GPL\next4.alias=fs-ext4\next4.alias=fs-ext3\n");
        let indexes = indexes("", "alias symbol:can_send can\n", built_in.0, built_in.1);
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
