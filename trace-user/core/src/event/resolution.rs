//! What an alias stands for, and what modprobe's configuration says of it. Values only; `kernel/lookup.rs` makes them.

use std::fmt;
use std::sync::Arc;

/// What an alias resolves to, by the kernel's module indexes and modprobe's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Resolution {
    /// The indexes could be read. Where not, nothing is known.
    pub known: bool,
    /// The modules the alias stands for, in modprobe's order; empty: no such alias.
    pub modules: Vec<Wanted>,
    /// How much of modprobe's configuration is in it; `None` where that was not consulted, as before it was known.
    pub configured: Option<Configured>,
}

/// What could not be taken from modprobe's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Configured {
    /// Lines that mean nothing; modprobe ignores them too.
    pub ignored_lines: u32,
    /// Files and folders that could not be read: what they say is not known.
    pub unread_files: u32,
}

/// One module that an alias stands for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Its name, with underscores.
    pub name: Arc<str>,
    /// It is part of the kernel.
    pub built_in: bool,
    /// There is no such module: only a line of modprobe's configuration says the name.
    pub missing: bool,
    /// What is loaded before it, in order: hard and soft dependencies.
    pub dependencies: Vec<Arc<str>>,
    /// What is loaded after it, in order: soft dependencies.
    pub after: Vec<Arc<str>>,
    /// The line that makes modprobe leave it out; `None` where there is none, or none that counts (one that is asked
    /// for by its own name is loaded all the same).
    pub blacklisted: Option<Place>,
    /// What modprobe runs instead of loading it; `None` where it loads it.
    pub install: Option<Install>,
    /// What modprobe runs instead of loading something that it depends on.
    pub replaced: Vec<Replaced>,
    /// The options that modprobe passes to it.
    pub options: Option<Arc<str>>,
    /// The `alias` line that says that the alias stands for it; `None` where the module itself says so.
    pub alias: Option<Place>,
}

/// Where something stands in modprobe's configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a line of a file, counted from 1.
    Line {
        /// Its path.
        file: Arc<str>,
        /// The line; where it is continued, the first.
        line: u32,
    },
    /// On the kernel command line.
    CommandLine,
}

/// A command that modprobe runs instead of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// What a shell is given, as it stands in the file; empty where there are only blanks.
    pub command: Arc<str>,
    /// Where.
    pub place: Place,
}

/// A load that a command stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The module that is not loaded.
    pub module: Arc<str>,
    /// What is run.
    pub install: Install,
}

impl Wanted {
    /// Whether a load of `module` is a load of what is wanted. Where only an `install` line knows the name, whatever
    /// its command loads is.
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
