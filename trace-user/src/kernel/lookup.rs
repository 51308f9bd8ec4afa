//! What an alias resolves to and what modprobe does about it, found the way modprobe finds it.
//!
//! In: the module indexes and modprobe's configuration. Out: a [`Resolution`] per alias, or each step in full. The
//! order of lookup is that of libkmod's `kmod_module_new_from_lookup`. The steps are those of
//! `__kmod_module_get_probe_list` and `kmod_module_probe_insert_module` (libkmod/libkmod-module.c, kmod 30), as
//! `modprobe -q -- ALIAS` calls them.

use super::modprobe_d::{Configuration, FOLDERS, Install as InstallLine, Sources, inside};
use super::modules::{Indexes, loose, normalised};
use super::pattern;
use super::snapshot;
use modtrail_core::event::{
    Absent, Configured, FileFault, Install, Place, Replaced, Resolution, Spared, UnusableFile, Wanted,
};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// How deep soft dependencies are followed: deeper than any that make sense, but not so deep that a loop of names could
/// exhaust the stack.
const DEPTH: usize = 64;
/// Folders that are looked at for what the index may lack.
const LOOKED_AT: usize = 16;
/// Files of each that are looked at.
const FILES: usize = 256;

/// The kernel command line.
const COMMAND_LINE: &str = "/proc/cmdline";

/// What modprobe would know now.
#[derive(Debug)]
pub struct Lookup {
    indexes: Indexes,
    /// Why there are none.
    error: Option<io::Error>,
    /// The folder of this kernel's modules, if it is not there.
    absent: Option<Arc<Absent>>,
    configuration: Configuration,
    /// The root of the helpers; `/` if it is this process's own.
    root: PathBuf,
    /// It was chosen by whoever started modtrail: it does not change.
    is_chosen: bool,
    folder: PathBuf,
    made: Option<SystemTime>,
    sources: Sources,
}

/// A module that a name was found to mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    name: Arc<str>,
    /// The alias that it was found by, if any. Only then does a blacklist count.
    alias: Option<Arc<str>>,
    /// The `alias` line of the configuration that says so.
    place: Option<Place>,
    /// The number of the `install` line for exactly what was asked for, if there is no module of that name.
    install: Option<usize>,
    /// It is part of the kernel.
    built_in: bool,
}

impl Found {
    const fn named(name: Arc<str>) -> Self {
        Self { name, alias: None, place: None, install: None, built_in: false }
    }

    fn by(alias: &str, name: Arc<str>) -> Self {
        Self { alias: Some(alias.into()), ..Self::named(name) }
    }
}

/// One thing that modprobe does on the way to a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The module it does it for.
    pub module: Arc<str>,
    /// What.
    pub action: Action,
    /// The options it passes; empty if there are none.
    pub options: String,
}

/// What modprobe does for a module that is not live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Loads this file.
    Load(PathBuf),
    /// Runs a command instead.
    Run(Install),
    /// Nothing: it is part of the kernel.
    BuiltIn,
    /// Fails: there is no such module.
    Fail,
    /// Nothing: it was requested by an alias and is blacklisted.
    LeaveOut(Place),
}

/// A module that an alias resolves to, and the steps towards it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The module.
    pub module: Arc<str>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The index of the module's own step.
    own: usize,
    /// The module exists, as a file or as part of the kernel.
    exists: bool,
    /// The `alias` line of the configuration that maps the alias to it.
    alias: Option<Place>,
    /// Soft dependencies were nested too deep; some are missing here.
    cut: bool,
}

impl Lookup {
    /// Reads what modprobe would read, below `root`, or else in the root of the kernel's helpers.
    #[must_use]
    pub fn read(root: Option<&Path>) -> Self {
        let is_chosen = root.is_some();
        let root = root.map_or_else(current_root, Path::to_owned);
        let folder = below(&root, &snapshot::modules_folder());
        let made = Indexes::changed(&folder);
        let (indexes, error) = match Indexes::read(&folder) {
            Ok(indexes) => (indexes, None),
            Err(error) => (Indexes::default(), Some(error)),
        };
        let absent = error.as_ref().filter(|error| error.kind() == io::ErrorKind::NotFound && !folder.exists());
        let absent = absent.map(|_| absent_folder(&root, &folder).into());
        let (configuration, sources) = configuration(&root, &folder);
        Self { indexes, error, absent, configuration, root, is_chosen, folder, made, sources }
    }

    /// Reads again what has changed since it was read; returns whether anything had.
    pub fn refresh(&mut self) -> bool {
        let has_moved = !self.is_chosen && current_root() != self.root;
        if has_moved || self.error.is_some() || Indexes::changed(&self.folder) != self.made {
            let chosen = self.is_chosen.then(|| self.root.clone());
            *self = Self::read(chosen.as_deref());
            return true;
        }
        let changed = self.sources.changed();
        if changed {
            (self.configuration, self.sources) = configuration(&self.root, &self.folder);
        }
        changed
    }

    /// Why the module indexes could not be read, if they could not.
    #[must_use]
    pub const fn indexes_error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// The folder of the modules and their indexes.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Problems with the configuration, in words: the first few.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.configuration.problems
    }

    /// What `alias` resolves to, and what modprobe's configuration says about it.
    #[must_use]
    pub fn resolve(&self, alias: &str) -> Resolution {
        let known = self.error.is_none();
        let plans = if known { self.plans(alias) } else { Vec::new() };
        let Configuration { ignored_lines, unread_files, .. } = self.configuration;
        let cut = u32::from(plans.iter().any(|plan| plan.cut));
        let configured = Some(Configured { ignored_lines: ignored_lines.saturating_add(cut), unread_files });
        let modules = plans.iter().map(|plan| self.wanted(plan)).collect();
        let absent = self.absent.clone();
        let unindexed = (known && plans.is_empty()).then(|| self.unindexed()).flatten();
        let unread = self.error.as_ref().filter(|_| absent.is_none()).map(|error| error.to_string().into());
        Resolution { known: known || absent.is_some(), modules, absent, unindexed, unread, configured }
    }

    /// A file of a module that the index does not name, seen from the root, among those of other origin than the
    /// kernel's (`extra`, `updates/dkms` and the like).
    fn unindexed(&self) -> Option<Arc<str>> {
        let outer = folders_in(&self.folder).filter(|folder| !folder.ends_with("kernel"));
        let folders = outer.flat_map(|folder| folders_in(&folder).chain([folder])).take(LOOKED_AT);
        let mut files = folders.flat_map(|folder| modules_in(&folder));
        let found = files.find(|(name, _)| self.indexes.module(&loose(name)).is_none())?;
        Some(inside(&self.root, &found.1).to_string_lossy().into())
    }

    /// The files that modprobe would load for `alias`, and whether each is there.
    #[must_use]
    pub fn files(&self, alias: &str) -> Vec<(PathBuf, bool)> {
        let plans = self.plans(alias);
        let steps = plans.iter().flat_map(|plan| &plan.steps);
        let paths = steps.filter_map(|step| if let Action::Load(path) = &step.action { Some(path) } else { None });
        paths.map(|path| (path.clone(), path.exists())).collect()
    }

    /// What is reported of a module that an alias resolves to.
    fn wanted(&self, plan: &Plan) -> Wanted {
        let mut wanted = wanted(plan);
        let by_name = plan.steps.get(plan.own).is_some_and(|step| matches!(step.action, Action::Load(_)));
        for step in &plan.steps {
            let Action::Load(path) = &step.action else { continue };
            let is_own = step.module == plan.module;
            if let Some(place) = self.configuration.blacklist.get(&step.module).filter(|_| by_name || !is_own) {
                wanted.spared.push(Spared { module: step.module.clone(), place: place.clone() });
            }
            let changed = fs::metadata(path).and_then(|file| file.modified());
            wanted.stale |= self.made.is_some_and(|made| changed.is_ok_and(|at| at > made));
            if let Some(fault) = fault_of(path) {
                let path = inside(&self.root, path).to_string_lossy().into();
                wanted.unusable_files.push(UnusableFile { module: step.module.clone(), path, fault });
            }
        }
        wanted.unapplied = self.configuration.unapplied_to(&plan.module);
        wanted
    }

    /// What modprobe does when it is asked for `alias` and nothing is live: a plan for each module that it resolves to.
    #[must_use]
    pub fn plans(&self, alias: &str) -> Vec<Plan> {
        self.find(alias).iter().map(|found| self.plan(found)).collect()
    }

    /// The modules that a name resolves to, from the first place that knows it.
    fn find(&self, asked: &str) -> Vec<Found> {
        const PLACES: [fn(&Lookup, &str) -> Vec<Found>; 7] = [
            Lookup::by_alias_line,
            Lookup::by_file,
            Lookup::by_symbol,
            Lookup::by_command,
            Lookup::by_alias,
            Lookup::by_built_in,
            Lookup::by_built_in_alias,
        ];
        let Some(name) = normalised(asked) else { return Vec::new() };
        PLACES.iter().map(|find| find(self, &name)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn by_alias_line(&self, name: &str) -> Vec<Found> {
        let lines = self.configuration.aliases.iter().filter(|line| pattern::matches(&line.pattern, name));
        lines
            .map(|line| Found { place: Some(line.place.clone()), ..Found::by(&line.pattern, line.module.clone()) })
            .collect()
    }

    fn by_file(&self, name: &str) -> Vec<Found> {
        self.indexes.module(name).map(Found::named).into_iter().collect()
    }

    fn by_symbol(&self, name: &str) -> Vec<Found> {
        let is_symbol = name.starts_with("symbol:");
        let modules = if is_symbol { self.indexes.by_symbol(name) } else { Vec::new() };
        modules.into_iter().map(|module| Found::by(name, module)).collect()
    }

    fn by_alias(&self, name: &str) -> Vec<Found> {
        self.indexes.by_alias(name).into_iter().map(|module| Found::by(name, module)).collect()
    }

    fn by_built_in(&self, name: &str) -> Vec<Found> {
        let found = || Found::named(loose(name).into());
        self.indexes.is_built_in(name).then(found).into_iter().collect()
    }

    fn by_built_in_alias(&self, name: &str) -> Vec<Found> {
        let modules = self.indexes.built_in_by_alias(name).into_iter();
        modules.map(|module| Found { built_in: true, ..Found::by(name, module) }).collect()
    }

    fn is_built_in(&self, found: &Found) -> bool {
        found.built_in || self.indexes.is_built_in(&found.name)
    }

    /// A name that only an `install` or `remove` line knows counts as a module.
    fn by_command(&self, name: &str) -> Vec<Found> {
        let install = self.configuration.installs.iter().position(|line| &*line.pattern == name);
        let known = install.is_some() || self.configuration.removes.iter().any(|known| &**known == name);
        let found = || Found { install, ..Found::named(loose(name).into()) };
        known.then(found).into_iter().collect()
    }

    fn plan(&self, found: &Found) -> Plan {
        let mut walk = Walk { lookup: self, visited: BTreeSet::new(), steps: Vec::new(), cut: false };
        let blacklisted = self.blacklisted(found).filter(|_| !self.is_built_in(found));
        let own = match blacklisted {
            None => walk.probe(found, 0).unwrap_or_default(),
            Some(place) => {
                let action = Action::LeaveOut(place.clone());
                walk.steps.push(Step { module: found.name.clone(), action, options: String::new() });
                0
            }
        };
        let exists = self.is_built_in(found) || self.indexes.path(&found.name).is_some();
        let alias = found.place.clone();
        Plan { module: found.name.clone(), steps: walk.steps, own, exists, alias, cut: walk.cut }
    }

    fn blacklisted(&self, found: &Found) -> Option<&Place> {
        found.alias.as_ref().and_then(|_| self.configuration.blacklist.get(&found.name))
    }

    /// What is done for one module; `with_commands`: its `install` line counts.
    fn step(&self, found: &Found, with_commands: bool) -> Step {
        let install = self.install(found).filter(|_| with_commands);
        let action = match (install, self.indexes.path(&found.name)) {
            _ if self.is_built_in(found) => Action::BuiltIn,
            (Some(line), _) => Action::Run(Install { command: line.command.clone(), place: line.place.clone() }),
            (None, Some(path)) => Action::Load(self.folder.join(path)),
            (None, None) => Action::Fail,
        };
        Step { module: found.name.clone(), action, options: self.options(found) }
    }

    /// The first `install` line for a module.
    fn install(&self, found: &Found) -> Option<&InstallLine> {
        let lines = &self.configuration.installs;
        let exact = found.install.and_then(|number| lines.get(number));
        exact.or_else(|| lines.iter().find(|line| pattern::matches(&line.pattern, &found.name)))
    }

    /// All options for a module, by its name or by the alias that it was found by.
    fn options(&self, found: &Found) -> String {
        let lines = self.configuration.options.iter();
        let for_it = lines.filter(|(name, _)| *name == found.name || found.alias.as_ref() == Some(name));
        for_it.map(|(_, options)| &**options).collect::<Vec<_>>().join(" ")
    }

    /// What the first `softdep` line for a module says, looked up; the lines of modprobe's files and those that the
    /// modules declare themselves are in one order.
    fn soft(&self, module: &str) -> (Vec<Found>, Vec<Found>) {
        let line = self.configuration.soft.iter().find(|line| pattern::matches(&line.pattern, module));
        let find = |names: &[Arc<str>]| names.iter().flat_map(|name| self.find(name)).collect();
        line.map(|line| (find(&line.before), find(&line.after))).unwrap_or_default()
    }
}

/// What is reported of a module that an alias resolves to.
fn wanted(plan: &Plan) -> Wanted {
    let mut wanted = Wanted { name: plan.module.clone(), alias: plan.alias.clone(), ..Wanted::default() };
    for (index, step) in plan.steps.iter().enumerate() {
        let is_own = index == plan.own;
        match &step.action {
            Action::BuiltIn if is_own => wanted.built_in = true,
            Action::LeaveOut(place) if is_own => wanted.blacklisted = Some(place.clone()),
            Action::Run(install) if is_own => wanted.install = Some(install.clone()),
            Action::Run(install) => {
                wanted.replaced.push(Replaced { module: step.module.clone(), install: install.clone() });
            }
            Action::BuiltIn | Action::Fail | Action::LeaveOut(_) | Action::Load(_) => {}
        }
        let list = if index < plan.own { &mut wanted.dependencies } else { &mut wanted.after };
        let is_loaded = matches!(step.action, Action::Load(_) | Action::Run(_)) && step.module != plan.module;
        if is_loaded && !list.contains(&step.module) {
            list.push(step.module.clone());
        }
    }
    wanted.missing = !plan.exists;
    let options = plan.steps.get(plan.own).map(|step| &*step.options).filter(|options| !options.is_empty());
    wanted.options = options.map(Arc::from);
    wanted
}

/// How files of modules begin: ELF, xz, gzip, zstd (kmod's libkmod/libkmod-file.c, up to 34).
const BEGINNINGS: [&[u8]; 4] = [b"\x7fELF", b"\xfd7zXZ", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];

/// What is wrong with the file of a module, by its first bytes; `None` if nothing is, or if it cannot be read.
fn fault_of(path: &Path) -> Option<FileFault> {
    let mut first = Vec::new();
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(FileFault::Missing),
        // It may never answer.
        Ok(found) if !found.is_file() => return Some(FileFault::Foreign),
        Ok(_) | Err(_) => {}
    }
    match File::open(path).and_then(|file| file.take(8).read_to_end(&mut first)) {
        Err(_) => None,
        Ok(0) => Some(FileFault::Empty),
        Ok(_) => (!BEGINNINGS.iter().any(|beginning| first.starts_with(beginning))).then_some(FileFault::Foreign),
    }
}

/// The modules in a folder: names and files.
fn modules_in(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(FILES);
    entries.filter_map(|entry| {
        let file = entry.file_name().into_string().ok()?;
        let (name, ending) = file.split_once(".ko")?;
        matches!(ending, "" | ".xz" | ".gz" | ".zst").then(|| (name.to_owned(), entry.path()))
    })
}

/// The folders in a folder, in order of their names.
fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .take(LOOKED_AT)
        .collect();
    folders.sort();
    folders.into_iter()
}

/// Folders of other kernels that are named.
const OTHERS: usize = 16;

/// What is known of a folder of modules that is not there.
fn absent_folder(root: &Path, folder: &Path) -> Absent {
    let beside = folder.parent().map(fs::read_dir).into_iter().flatten().flatten().flatten();
    let mut others: Vec<Arc<str>> = beside.map(|entry| entry.file_name().to_string_lossy().into()).collect();
    others.sort();
    others.truncate(OTHERS);
    Absent { folder: inside(root, folder).to_string_lossy().into(), others }
}

fn configuration(root: &Path, folder: &Path) -> (Configuration, Sources) {
    let folders = FOLDERS.map(|folder| below(root, Path::new(folder)));
    Configuration::read(&folders.each_ref().map(PathBuf::as_path), folder, Path::new(COMMAND_LINE), root)
}

/// The root in which helpers run now.
fn current_root() -> PathBuf {
    snapshot::other_root().unwrap_or_else(|| PathBuf::from("/"))
}

/// An absolute path, from another root.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The list of what modprobe is going to do, under construction.
struct Walk<'l> {
    lookup: &'l Lookup,
    visited: BTreeSet<(Arc<str>, Option<Arc<str>>)>,
    steps: Vec<Step>,
    cut: bool,
}

impl Walk<'_> {
    /// Adds a module with what it needs, unless that was done; returns the index of its own step.
    fn probe(&mut self, found: &Found, depth: usize) -> Option<usize> {
        let is_new = self.visited.insert((found.name.clone(), found.alias.clone()));
        self.cut |= is_new && depth >= DEPTH;
        if !is_new || depth >= DEPTH {
            return None;
        }
        let lookup = self.lookup;
        for module in lookup.indexes.dependencies(&found.name) {
            self.fill(&Found::named(module), depth);
        }
        Some(self.fill(found, depth))
    }

    /// Adds a module between its soft dependencies; returns the index of its own step. A module that has some is loaded
    /// even if there is an `install` line for it.
    fn fill(&mut self, found: &Found, depth: usize) -> usize {
        let (before, after) = self.lookup.soft(&found.name);
        for module in &before {
            self.probe(module, depth + 1);
        }
        let own = self.steps.len();
        self.steps.push(self.lookup.step(found, before.is_empty() && after.is_empty()));
        for module in &after {
            self.probe(module, depth + 1);
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::kernel::modules::tests::indexes;

    const ALIASES: &str = "alias net-pf-29 can\nalias can-proto-1 can_raw\nalias twice a\nalias twice b\nalias x* a\n\
                           alias symbol:can_send can\n";

    fn lookup(own_soft: &str, files: &[&str], command_line: &str) -> Lookup {
        let modules = "net/can.ko:\nnet/can-raw.ko: net/can.ko\na.ko:\nb.ko: a.ko\nc.ko: b.ko a.ko\nd.ko:\ne.ko:\n";
        let built_in = "ext4.alias=fs-ext3\nearly.alias=net-pf-1\n";
        let indexes = indexes(modules, ALIASES, "kernel/ext4.ko\n", built_in);
        let mut configuration = Configuration::default();
        configuration.parse("modules.softdep", own_soft);
        for file in files {
            configuration.parse("/x.conf", file);
        }
        configuration.parse_command_line(command_line.as_bytes());
        let folder = "/m".into();
        Lookup {
            indexes,
            error: None,
            absent: None,
            configuration,
            root: PathBuf::from("/"),
            is_chosen: true,
            folder,
            made: None,
            sources: Sources::default(),
        }
    }

    /// The plans for an alias, as text.
    fn shown(lookup: &Lookup, alias: &str) -> String {
        let step = |step: &Step| {
            let Step { module, action, options } = step;
            let words = match action {
                Action::Load(path) => format!("{} {options}", path.display()),
                Action::Run(install) => format!("run({}) {options}", install.command),
                Action::BuiltIn => format!("built-in({module})"),
                Action::Fail => format!("fail({module})"),
                Action::LeaveOut(place) => format!("leave-out({module}, {place})"),
            };
            words.trim_end().to_owned()
        };
        let plan = |plan: &Plan| {
            let steps: Vec<_> = plan.steps.iter().map(step).collect();
            format!("{}: {}", plan.module, steps.join(", "))
        };
        lookup.plans(alias).iter().map(plan).collect::<Vec<_>>().join("; ")
    }

    fn check(files: &[&str], alias: &str, expected: &str) {
        assert_eq!(shown(&lookup("", files, ""), alias), expected, "{files:?} {alias}");
    }

    #[test]
    fn the_first_place_that_knows_a_name_decides() {
        check(&[], "net-pf-29", "can: /m/net/can.ko");
        check(&[], "can-proto-1", "can_raw: /m/net/can.ko, /m/net/can-raw.ko");
        check(&[], "can-raw", "can_raw: /m/net/can.ko, /m/net/can-raw.ko");
        check(&[], "twice", "a: /m/a.ko; b: /m/a.ko, /m/b.ko");
        check(&[], "symbol:can_send", "can: /m/net/can.ko");
        check(&[], "ext4", "ext4: built-in(ext4)");
        check(&[], "fs-ext3", "ext4: built-in(ext4)");
        check(&[], "net-pf-1", "early: built-in(early)");
        check(&[], "net-pf-27", "");
        check(&[], "net-pf-29]", "");
        // An alias line takes precedence over a module's name, and is not looked up further.
        check(&["alias can a"], "can", "a: /m/a.ko");
        check(&["alias net-pf-* a\nalias net-pf-29 b"], "net-pf-29", "a: /m/a.ko; b: /m/a.ko, /m/b.ko");
        check(&["alias one two\nalias two a"], "one", "two: fail(two)");
        check(&["alias net-pf-29 off"], "net-pf-29", "off: fail(off)");
        check(&["alias foo ext4"], "foo", "ext4: built-in(ext4)");
        // A command's name comes after modules and before aliases of modules.
        check(&["install net-pf-29 cmd"], "net-pf-29", "net_pf_29: run(cmd)");
        check(&["remove net-pf-29 cmd"], "net-pf-29", "net_pf_29: fail(net_pf_29)");
        check(&["install n* first\ninstall nothing second"], "nothing", "nothing: run(second)");
        check(&["install n* first\ninstall nothing second"], "never", "");
    }

    #[test]
    fn a_blacklist_counts_for_what_is_asked_for_by_an_alias() {
        let files = ["blacklist can", "blacklist a\nblacklist ext4\nalias mine can"];
        check(&files, "net-pf-29", "can: leave-out(can, /x.conf:1)");
        check(&files, "mine", "can: leave-out(can, /x.conf:1)");
        check(&files, "can", "can: /m/net/can.ko");
        check(&files, "can-proto-1", "can_raw: /m/net/can.ko, /m/net/can-raw.ko");
        check(&files, "twice", "a: leave-out(a, /x.conf:1); b: /m/a.ko, /m/b.ko");
        check(&files, "fs-ext3", "ext4: built-in(ext4)");
        let by_kernel = lookup("", &[], "quiet modprobe.blacklist=can,can-raw");
        assert_eq!(shown(&by_kernel, "net-pf-29"), "can: leave-out(can, the kernel command line)");
        // On the command line, a dash stays a dash.
        assert_eq!(shown(&by_kernel, "can-proto-1"), "can_raw: /m/net/can.ko, /m/net/can-raw.ko");
    }

    #[test]
    fn install_lines_stand_for_loads() {
        check(&["install can /bin/true"], "net-pf-29", "can: run(/bin/true)");
        check(&["install can /bin/true"], "can-proto-1", "can_raw: run(/bin/true), /m/net/can-raw.ko");
        check(&["install can* one\ninstall can two"], "can", "can: run(one)");
        check(&["install ext4 /bin/true"], "fs-ext3", "ext4: built-in(ext4)");
        check(&["softdep a pre: d\ninstall d cmd"], "a", "a: run(cmd), /m/a.ko");
        // A module with soft dependencies is loaded all the same, unless none of them exists.
        check(&["softdep a post: d\ninstall a cmd"], "a", "a: /m/a.ko, /m/d.ko");
        check(&["softdep a post: nothing\ninstall a cmd"], "a", "a: run(cmd)");
    }

    #[test]
    fn the_first_softdep_line_for_a_module_counts() {
        check(&["softdep a pre: d post: e"], "a", "a: /m/d.ko, /m/a.ko, /m/e.ko");
        check(&["softdep a pre: d\nsoftdep a pre: e"], "a", "a: /m/d.ko, /m/a.ko");
        check(&["softdep b pre: d"], "c", "c: /m/a.ko, /m/d.ko, /m/b.ko, /m/c.ko");
        check(&["softdep a pre: net-pf-29"], "a", "a: /m/net/can.ko, /m/a.ko");
        check(&["softdep a pre: ext4 fs-ext3"], "a", "a: built-in(ext4), built-in(ext4), /m/a.ko");
        check(&["softdep a d"], "a", "a: /m/a.ko");
        check(&["softdep a pre: d\nsoftdep d pre: a"], "a", "a: /m/d.ko, /m/a.ko");
        let own = lookup("softdep a pre: d", &["softdep a pre: e"], "");
        assert_eq!(shown(&own, "a"), "a: /m/d.ko, /m/a.ko");
        // By an alias and by its name, it is visited twice.
        check(&["softdep a pre: xx"], "a", "a: /m/a.ko, /m/a.ko");
    }

    #[test]
    fn options_add_up_by_name_and_by_alias() {
        let files = ["options can a=1\toff", "options can  b=2\noptions net-pf-29 c=3\noptions b d=4"];
        let lookup = lookup("", &files, "can.d=5 b.e \"can.f=x y\" .g");
        assert_eq!(shown(&lookup, "net-pf-29"), "can: /m/net/can.ko a=1 off b=2 c=3 d=5 f=\"x y\"");
        assert_eq!(shown(&lookup, "can"), "can: /m/net/can.ko a=1 off b=2 d=5 f=\"x y\"");
        assert_eq!(shown(&lookup, "twice"), "a: /m/a.ko; b: /m/a.ko, /m/b.ko d=4 e");
    }

    #[test]
    fn a_resolution_says_what_stands_against_each_module() {
        let files = [
            "blacklist can\ninstall a /bin/true\noptions b x=1\nsoftdep b pre: d post: e ext4\nalias mine off\nbroken",
        ];
        let lookup = lookup("", &files, "");
        let resolution = lookup.resolve("twice");
        assert_eq!(resolution.configured, Some(Configured { ignored_lines: 1, unread_files: 0 }));
        let place = |line| Place::Line { file: "/x.conf".into(), line };
        let install = Install { command: "/bin/true".into(), place: place(2) };
        let missing = |module: &str| UnusableFile {
            module: module.into(),
            path: format!("/m/{module}.ko").into(),
            fault: FileFault::Missing,
        };
        let [a, b] = &resolution.modules[..] else { panic!("{resolution:?}") };
        assert_eq!(*a, Wanted { name: "a".into(), install: Some(install.clone()), ..Wanted::default() });
        let expected = Wanted {
            name: "b".into(),
            dependencies: vec!["a".into(), "d".into()],
            after: vec!["e".into()],
            replaced: vec![Replaced { module: "a".into(), install }],
            options: Some("x=1".into()),
            // The files of this index are nowhere.
            unusable_files: ["d", "b", "e"].map(missing).into(),
            ..Wanted::default()
        };
        assert_eq!(*b, expected);
        let can = &lookup.resolve("net-pf-29").modules[0];
        assert_eq!(*can, Wanted { name: "can".into(), blacklisted: Some(place(1)), ..Wanted::default() });
        let off = &lookup.resolve("mine").modules[0];
        assert_eq!(*off, Wanted { name: "off".into(), missing: true, alias: Some(place(5)), ..Wanted::default() });
        let built_in = &lookup.resolve("fs-ext3").modules[0];
        assert_eq!(*built_in, Wanted { name: "ext4".into(), built_in: true, ..Wanted::default() });
        assert_eq!(lookup.resolve("nothing").modules, []);
    }

    #[test]
    fn a_blacklist_that_does_not_count_is_known() {
        let lookup = lookup("", &["blacklist b\nblacklist a\nblacklist can"], "");
        let spared = |name: &str| {
            let modules = lookup.resolve(name).modules;
            modules.iter().flat_map(|wanted| &wanted.spared).map(|spared| spared.module.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(spared("b"), ["a", "b"]);
        assert_eq!((spared("can"), spared("net-pf-29")), (vec!["can".to_owned()], vec![]));
    }

    #[test]
    fn soft_dependencies_without_end_are_cut_and_counted() {
        let chain: String = (0..1_000).map(|n| format!("softdep m{n} pre: m{}\nalias m{n} m{n}\n", n + 1)).collect();
        let lookup = lookup("", &[&format!("{chain}softdep a pre: m0")], "");
        assert_eq!(lookup.resolve("a").configured.unwrap().ignored_lines, 1);
        assert_eq!(lookup.resolve("d").configured.unwrap().ignored_lines, 0);
    }

    #[test]
    fn without_indexes_nothing_is_known() {
        let lookup = Lookup { error: Some(io::ErrorKind::NotFound.into()), ..lookup("", &[], "") };
        assert!(!lookup.resolve("can").known && lookup.resolve("can").modules.is_empty());
    }
}
