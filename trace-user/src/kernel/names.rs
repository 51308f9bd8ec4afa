//! Names for the numbers in records, from the running system: stack addresses by the kernel's symbols, cgroups by the
//! `/proc` entry of a member.

use super::ask::{Ask, Symbol};
use super::enrich::Names;
use super::executable;
use super::hooks::LADDERS;
use super::kallsyms::Symbols;
use super::snapshot;
use modtrail_core::event::FileId;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use trace_common::ids::Tgid;

/// Cgroups remembered; beyond that, all are looked up again.
const CGROUPS: usize = 4_096;
/// Addresses whose names are remembered; beyond that, all are looked up again.
const ADDRESSES: usize = 16_384;

/// Executables remembered, by process and by file; beyond that, all are read again.
const EXECUTABLES: usize = 4_096;

/// What knows the kernel's symbols.
pub enum Namer {
    /// The kernel, which is asked for each address.
    Kernel(Ask),
    /// A copy of its table, which is read when it is first needed, and again after modules were loaded.
    Table(Option<Symbols>),
}

impl Namer {
    /// The kernel if it answers, otherwise its table.
    #[must_use]
    pub fn find() -> Self {
        Ask::load().map_or(Self::Table(None), Self::Kernel)
    }

    /// The address of a symbol; zero if it is hidden from us, or if there is no symbol of this name.
    pub fn address(&mut self, symbol: &str) -> u64 {
        match self {
            Self::Kernel(ask) => ask.address(symbol),
            Self::Table(table) => read(table).address(symbol),
        }
    }

    /// The addresses of functions, if all are available: asking the kernel for each takes as long as attaching by name.
    pub fn addresses(&self) -> BTreeMap<&'static str, u64> {
        let Self::Table(Some(table)) = self else { return BTreeMap::new() };
        let programs = LADDERS.iter().flat_map(|ladder| ladder.rungs).flat_map(|rung| rung.programs);
        let targets = programs.filter(|program| program.mechanism.is_kprobe()).map(|program| program.target);
        table.functions(targets.collect())
    }

    fn name(&mut self, address: u64) -> Option<Symbol> {
        match self {
            Self::Kernel(ask) => ask.name(address),
            Self::Table(table) => {
                let table = read(table);
                let is_of_module = !table.is_core(address);
                table.name(address).map(|name| Symbol { name, is_of_module })
            }
        }
    }
}

fn read(table: &mut Option<Symbols>) -> &Symbols {
    table.get_or_insert_with(|| Symbols::read().unwrap_or_default())
}

/// The running system's names.
pub struct SystemNames {
    namer: Namer,
    /// What was looked up before, with the result.
    symbols: BTreeMap<u64, Option<Symbol>>,
    /// Modules have come or gone since the table of symbols was read.
    stale: bool,
    cgroups: BTreeMap<u64, Option<Arc<str>>>,
    /// What processes execute, by process and its start: it stays true while they execute that file.
    executables: BTreeMap<(u32, u64, FileId), Arc<str>>,
    /// The paths of files that were executed: they count while the same file is there.
    files: BTreeMap<FileId, Arc<str>>,
    /// `None` if `/proc` numbers processes differently than the kernel.
    own_process: Option<Tgid>,
    /// What makes numbers of addresses: keyed by chance, so that nobody can try addresses out.
    numbers: RandomState,
}

impl SystemNames {
    /// Starts with what knows the symbols.
    #[must_use]
    pub fn new(namer: Namer) -> Self {
        let own_process = snapshot::own_process();
        Self {
            namer,
            symbols: BTreeMap::new(),
            stale: false,
            cgroups: BTreeMap::new(),
            executables: BTreeMap::new(),
            files: usual_helper().into_iter().collect(),
            own_process,
            numbers: RandomState::new(),
        }
    }

    /// Whether symbols are read from the kernel's table.
    #[must_use]
    pub const fn reads_table(&self) -> bool {
        matches!(self.namer, Namer::Table(_))
    }

    /// A module went live or away: the names of its functions have changed.
    pub fn modules_changed(&mut self) {
        self.symbols.retain(|_, symbol| symbol.as_ref().is_some_and(|symbol| !symbol.is_of_module));
        self.stale = true;
    }

    fn ask(&mut self, address: u64) -> Option<Symbol> {
        let known = self.namer.name(address);
        let is_current = matches!(self.namer, Namer::Kernel(_)) || !self.stale;
        if is_current || known.as_ref().is_some_and(|symbol| !symbol.is_of_module) {
            return known;
        }
        self.stale = false;
        self.namer = Namer::Table(None);
        self.namer.name(address)
    }
}

/// The file of the kernel's helper: most helpers end before anybody can look.
fn usual_helper() -> Option<(FileId, Arc<str>)> {
    let set = fs::read_to_string("/proc/sys/kernel/modprobe").ok()?;
    let path = fs::canonicalize(set.trim_end()).ok()?.to_string_lossy().into_owned();
    Some((executable::at(&path)?, path.into()))
}

/// What the process executes, if it still is the one that the probe saw.
fn read_exe(tgid: u32, start: u64, exe: FileId) -> Option<Arc<str>> {
    let path = executable::path(tgid, exe)?;
    // Read after the link: the pid belonged to the same process all the time.
    let stat = fs::read_to_string(format!("/proc/{tgid}/stat")).ok()?;
    is_start(&stat, start).then_some(path)
}

/// The number of the cgroup at this path; `None` if its hierarchy is not mounted in the usual place.
fn number_of(path: &str) -> Option<u64> {
    fs::metadata(format!("/sys/fs/cgroup{path}")).ok().map(|folder| folder.ino())
}

/// Which version of cgroups a path is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hierarchy {
    First,
    Second,
}

/// The path that says most about a process, from its `/proc/PID/cgroup` (cgroups(7)): in the second version's hierarchy
/// if it has a place there, else in that of systemd, else in another one. On a machine with cgroups of the first
/// version, or of both, all processes are at the root of the second's.
fn cgroup_of(text: &str) -> Option<(&str, Hierarchy)> {
    let lines = || text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let second = lines().find(|(controllers, _)| controllers.is_empty()).map(|(_, path)| path);
    let first = |wanted: fn(&str) -> bool| {
        lines()
            .find(|(controllers, path)| wanted(controllers) && *path != "/")
            .map(|(_, path)| (path, Hierarchy::First))
    };
    match second {
        Some(path) if path != "/" => Some((path, Hierarchy::Second)),
        _ => first(|controllers| controllers == "name=systemd")
            .or_else(|| first(|controllers| !controllers.is_empty()))
            .or(second.map(|path| (path, Hierarchy::Second)))
            .or_else(|| lines().next().map(|(_, path)| (path, Hierarchy::First))),
    }
}

/// Whether the process of this `/proc/PID/stat` started at `start` nanoseconds on the boot clock; the file has
/// hundredths of a second. A `start` of zero was not read: it matches any process.
pub(super) fn is_start(stat: &str, start: u64) -> bool {
    // The name, in parentheses, may contain anything; the start is the 20th word after it.
    let ticks = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(19)?.parse::<u64>().ok());
    start == 0 || ticks.is_some_and(|ticks| ticks == start / 10_000_000)
}

impl Names for SystemNames {
    fn number(&self, address: u64) -> u64 {
        self.numbers.hash_one(address)
    }

    fn is_own(&self, tgid: u32) -> bool {
        self.own_process == Some(Tgid(tgid))
    }

    fn symbol(&mut self, address: u64) -> Option<Arc<str>> {
        let known = match self.symbols.get(&address) {
            Some(known) => known.clone(),
            None => {
                let asked = self.ask(address);
                if self.symbols.len() >= ADDRESSES {
                    self.symbols.clear();
                }
                self.symbols.insert(address, asked.clone());
                asked
            }
        };
        known.map(|symbol| symbol.name)
    }

    fn exe(&mut self, tgid: u32, start: u64, exe: FileId) -> Option<Arc<str>> {
        self.own_process?;
        let task = (tgid, start, exe);
        if let Some(known) = self.executables.get(&task) {
            return Some(known.clone());
        }
        let path = read_exe(tgid, start, exe).or_else(|| {
            // The process is gone, but the file is where another process executed it from.
            let known = self.files.get(&exe)?;
            (executable::at(known) == Some(exe)).then(|| known.clone())
        })?;
        if self.executables.len() >= EXECUTABLES {
            self.executables.clear();
        }
        if self.files.len() >= EXECUTABLES {
            self.files = usual_helper().into_iter().collect();
        }
        self.executables.insert(task, path.clone());
        // Under this path here, not in a namespace of the process's own; a file may have several names.
        if !self.files.contains_key(&exe) && executable::at(&path) == Some(exe) {
            self.files.insert(exe, path.clone());
        }
        Some(path)
    }

    fn cgroup(&mut self, id: u64, tgid: u32) -> Option<Arc<str>> {
        if let Some(known) = self.cgroups.get(&id) {
            return known.clone();
        }
        self.own_process?;
        let text = fs::read_to_string(format!("/proc/{tgid}/cgroup")).ok()?;
        let (path, hierarchy) = cgroup_of(&text)?;
        let path = Some(Arc::from(path));
        if hierarchy == Hierarchy::First {
            // The number is one of the second version's hierarchy, in which the process has no place of its own.
            return path;
        }
        // The process may have moved since, or be another: the number of a cgroup is its folder's.
        match path.as_deref().and_then(number_of) {
            Some(number) if number != id => return None,
            Some(_) => {}
            None => return path,
        }
        if self.cgroups.len() >= CGROUPS {
            self.cgroups.clear();
        }
        self.cgroups.insert(id, path.clone());
        path
    }
}

#[cfg(test)]
mod tests {
    use super::{Hierarchy, cgroup_of, is_start};

    #[test]
    fn cgroups_of_both_versions_are_read() {
        let second = |path| Some((path, Hierarchy::Second));
        let first = |path| Some((path, Hierarchy::First));
        assert_eq!(cgroup_of("0::/system.slice/ssh.service\n"), second("/system.slice/ssh.service"));
        assert_eq!(cgroup_of("0::/\n"), second("/"));
        let hybrid = "12:pids:/x\n1:name=systemd:/system.slice/ssh.service\n0::/system.slice/ssh.service\n";
        assert_eq!(cgroup_of(hybrid), second("/system.slice/ssh.service"));
        let old = "12:cpu,cpuacct:/\n3:pids:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n";
        assert_eq!(cgroup_of(old), first("/docker/abc"));
        assert_eq!(cgroup_of("4:memory:/lxc/web\n2:cpu:/\n"), first("/lxc/web"));
        assert_eq!(cgroup_of("2:cpu:/\n1:name=systemd:/\n"), first("/"));
        assert_eq!((cgroup_of(""), cgroup_of("nonsense")), (None, None));
    }

    #[test]
    fn the_start_shows_that_a_pid_is_another_process() {
        let stat = "412 (a ) b) S 1 412 412 0 -1 4194560 100 0 0 0 0 0 0 0 20 0 1 0 4170 1000 10 18446744073709551615";
        assert!(is_start(stat, 41_700_123_456) && is_start(stat, 0));
        assert!(!is_start(stat, 41_710_123_456) && !is_start("broken", 1));
    }
}
