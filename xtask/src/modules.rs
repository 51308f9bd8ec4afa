//! Which module files a guest needs: the named ones with all they depend on.
//!
//! In: names, and the text of a kernel's module indexes. Out: paths below `lib/modules/RELEASE`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};

/// What is read of a kernel's module indexes.
#[derive(Debug, Default)]
pub struct Indexes {
    files: BTreeMap<String, String>,
    needs: BTreeMap<String, Vec<String>>,
    builtin: BTreeSet<String>,
    soft: BTreeMap<String, Vec<String>>,
    plain_aliases: BTreeMap<String, Vec<String>>,
}

/// What this process has read, by folder: runs ask for the same few again and again.
static READ: Mutex<BTreeMap<PathBuf, Arc<Indexes>>> = Mutex::new(BTreeMap::new());

impl Indexes {
    /// The indexes in `folder` (`lib/modules/RELEASE`), as they were when this process first asked for them.
    pub fn of(folder: &Path) -> Result<Arc<Indexes>> {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(indexes) = read.get(folder) {
            return Ok(Arc::clone(indexes));
        }
        let indexes = Arc::new(Indexes::read(folder)?);
        read.insert(folder.to_path_buf(), Arc::clone(&indexes));
        Ok(indexes)
    }

    fn read(folder: &Path) -> Result<Indexes> {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let aliases = text("modules.alias")?;
        Ok(Indexes::parse(&text("modules.dep")?, &text("modules.builtin")?, &text("modules.softdep")?, &aliases))
    }

    fn parse(dep: &str, builtin: &str, softdep: &str, alias: &str) -> Indexes {
        let mut indexes = Indexes::default();
        for (file, needs) in dep.lines().filter_map(|line| line.split_once(':')) {
            let needs = needs.split_whitespace().map(name_of).collect();
            indexes.files.insert(name_of(file), file.to_owned());
            indexes.needs.insert(name_of(file), needs);
        }
        indexes.builtin.extend(builtin.lines().map(name_of));
        for words in softdep.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            if let ["softdep", module, wanted @ ..] = words.as_slice() {
                let wanted = wanted.iter().filter(|word| !word.ends_with(':')).map(|word| (*word).to_owned());
                indexes.soft.entry(plain(module)).or_default().extend(wanted);
            }
        }
        for words in alias.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            if let ["alias", alias, module] = words.as_slice() {
                indexes.plain_aliases.entry((*alias).to_owned()).or_default().push(plain(module));
            }
        }
        indexes
    }

    /// Whether the kernel has a module of this name, as a file or built in.
    pub fn knows(&self, module: &str) -> bool {
        let name = plain(module);
        self.files.contains_key(&name) || self.builtin.contains(&name)
    }

    /// The files of `modules` with their dependencies, the soft ones too (a module may ask for these when it
    /// starts). Built-in modules need no file.
    pub fn closure(&self, modules: &[String]) -> Result<BTreeSet<String>> {
        let mut open: Vec<String> = Vec::new();
        for module in modules {
            if !self.knows(module) {
                bail!("this kernel has no module {module}");
            }
            open.push(plain(module));
        }
        let mut seen = BTreeSet::new();
        let mut files = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            files.extend(self.files.get(&name).cloned());
            open.extend(self.needs.get(&name).into_iter().flatten().cloned());
            for soft in self.soft.get(&name).into_iter().flatten() {
                match self.plain_aliases.get(soft) {
                    Some(providers) => open.extend(providers.iter().cloned()),
                    None => open.push(plain(soft)),
                }
            }
        }
        Ok(files)
    }
}

/// Module names write `-` and `_` alike.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// The module in a file name: `kernel/net/can/can-raw.ko.xz` is `can_raw`.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    plain(base.split(".ko").next().unwrap_or(base))
}

#[cfg(test)]
mod tests {
    use super::Indexes;

    fn closure(modules: &[&str]) -> Result<Vec<String>, String> {
        let indexes = Indexes::parse(
            "kernel/fs/xfs/xfs.ko: kernel/lib/libcrc32c.ko\nkernel/lib/libcrc32c.ko:\n\
             kernel/crypto/crc32c_generic.ko.xz:\nkernel/net/can/can-raw.ko: kernel/net/can/can.ko\n\
             kernel/net/can/can.ko:\nkernel/a.ko: kernel/b.ko\nkernel/b.ko: kernel/a.ko\n",
            "kernel/net/unix/unix.ko\n",
            "# soft\nsoftdep libcrc32c pre: crc32c\nsoftdep a post: nothing\n",
            "alias crc32c crc32c_generic\nalias fs-xfs xfs\n",
        );
        let modules: Vec<String> = modules.iter().map(|name| (*name).to_owned()).collect();
        let files = indexes.closure(&modules).map_err(|error| error.to_string())?;
        Ok(files.into_iter().collect())
    }

    #[test]
    fn dependencies_come_along_soft_ones_too() {
        let files = closure(&["xfs"]).unwrap();
        assert_eq!(files, ["kernel/crypto/crc32c_generic.ko.xz", "kernel/fs/xfs/xfs.ko", "kernel/lib/libcrc32c.ko"]);
    }

    #[test]
    fn dashes_are_underscores_and_circles_end() {
        assert_eq!(closure(&["can_raw"]).unwrap(), closure(&["can-raw"]).unwrap());
        assert_eq!(closure(&["a"]).unwrap(), ["kernel/a.ko", "kernel/b.ko"]);
    }

    #[test]
    fn built_in_modules_need_no_file_and_unknown_ones_are_refused() {
        assert!(closure(&["unix"]).unwrap().is_empty());
        assert!(closure(&["nonsense"]).unwrap_err().contains("nonsense"));
    }
}
