//! What an alias resolves to, and what modprobe's configuration says about it. Values only; `kernel/lookup.rs` makes
//! them.

use std::fmt;
use std::sync::Arc;

/// What an alias resolves to, by the kernel's module indexes and modprobe's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Resolution {
    /// The indexes could be read. Otherwise, nothing is known.
    pub known: bool,
    /// The modules that the alias resolves to, in modprobe's order; empty if there is no such alias.
    pub modules: Vec<Wanted>,
    /// The folder of this kernel's modules, if it is not there: then nothing can be loaded, whatever is asked for.
    pub absent: Option<Arc<Absent>>,
    /// Why the indexes could not be read, in words; `None` if they could, and in older recordings.
    pub unread: Option<Arc<str>>,
    /// The file of a module that the index does not name, if the alias resolves to nothing: it may be what was asked
    /// for.
    pub unindexed: Option<Arc<str>>,
    /// How much of modprobe's configuration is included; `None` if it was not consulted, as in older recordings.
    pub configured: Option<Configured>,
}

/// A folder of modules that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Absent {
    /// Its path.
    pub folder: Arc<str>,
    /// The names of the folders beside it, of other kernels.
    pub others: Vec<Arc<str>>,
}

/// A blacklisted module that modprobe loads all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// The module.
    pub module: Arc<str>,
    /// The `blacklist` line.
    pub place: Place,
}

/// A line that modprobe does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    /// The line.
    pub line: Arc<str>,
    /// Where it is.
    pub place: Place,
    /// Why it is not applied, as a phrase: `modprobe reads only files that end in .conf`.
    pub why: Arc<str>,
}

/// A file of a module that cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UnusableFile {
    /// The module.
    pub module: Arc<str>,
    /// The path that the index names.
    pub path: Arc<str>,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// What is wrong with the file of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FileFault {
    /// It is not there.
    #[default]
    Missing,
    /// It is empty.
    Empty,
    /// It does not begin as an ELF file or as one that is compressed in a way that modprobe knows.
    Foreign,
}

impl FileFault {
    /// As the rest of a sentence about the file.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Empty => "is empty",
            Self::Foreign => "is damaged: it does not begin as a module does",
        }
    }
}

/// What could not be used of modprobe's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Configured {
    /// Lines that mean nothing; modprobe ignores them too.
    pub ignored_lines: u32,
    /// Files and folders that could not be read: their content is not known.
    pub unread_files: u32,
}

/// One module that an alias resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Its name, with underscores.
    pub name: Arc<str>,
    /// It is part of the kernel.
    pub built_in: bool,
    /// There is no such module: only a line of modprobe's configuration has the name.
    pub missing: bool,
    /// What is loaded before it, in order: hard and soft dependencies.
    pub dependencies: Vec<Arc<str>>,
    /// What is loaded after it, in order: soft dependencies.
    pub after: Vec<Arc<str>>,
    /// The line that makes modprobe leave it out; `None` if there is none, or none that counts (a module that is
    /// requested by its own name is loaded all the same).
    pub blacklisted: Option<Place>,
    /// `blacklist` lines that do not count: they name the module, which is requested by its own name, or something that
    /// it depends on.
    pub spared: Vec<Spared>,
    /// Lines about the module that modprobe does not apply.
    pub unapplied: Vec<Unapplied>,
    /// Files that the index names and that cannot be loaded: its own, and those of what it depends on.
    pub unusable_files: Vec<UnusableFile>,
    /// The index is older than the folder of the module's file: what it says may no longer hold.
    pub stale: bool,
    /// What modprobe runs instead of loading it; `None` if modprobe loads it.
    pub install: Option<Install>,
    /// What modprobe runs instead of loading something that it depends on.
    pub replaced: Vec<Replaced>,
    /// The options that modprobe passes to it.
    pub options: Option<Arc<str>>,
    /// The `alias` line that maps the alias to it; `None` if the module itself declares the alias.
    pub alias: Option<Place>,
}

/// A place in modprobe's configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a line of a file, counted from 1.
    Line {
        /// Its path.
        file: Arc<str>,
        /// The line; the first one if it is continued.
        line: u32,
    },
    /// On the kernel command line.
    CommandLine,
}

/// A command that modprobe runs instead of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The shell command, as written in the file; empty if there are only blanks.
    pub command: Arc<str>,
    /// Where it is written.
    pub place: Place,
}

/// A load that a command replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The module that is not loaded.
    pub module: Arc<str>,
    /// What is run.
    pub install: Install,
}

impl Wanted {
    /// Whether a load of `module` is a load of what is wanted. If only an `install` line has the name, whatever its
    /// command loads is wanted.
    #[must_use]
    pub fn is(&self, module: &str) -> bool {
        *self.name == *module || (self.missing && self.install.is_some())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(out, "{file}:{line}"),
            Self::CommandLine => out.write_str("the kernel command line"),
        }
    }
}
