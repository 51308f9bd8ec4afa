//! modprobe's configuration: its files in the `modprobe.d` folders, and what the kernel command line says to it.
//!
//! In: the text of files, in the order in which modprobe reads them, and the command line. Out: a [`Configuration`].
//! Only [`Configuration::read`] touches files; it reports what it could not read, and [`Configuration::parse`] reports
//! which lines mean nothing, so that nothing is ignored silently. The rules are libkmod's (libkmod/libkmod-config.c,
//! kmod 30). Newer versions also read `/usr/lib/modprobe.d` (31) and have `weakdep` lines (33), which modprobe itself
//! ignores.

use super::modules::normalised;
use modtrail_core::event::{Place, Unapplied};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The folders of the files. A file with the same base name as one in an earlier folder is not read.
pub const FOLDERS: [&str; 5] =
    ["/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];

/// The soft dependencies that the modules themselves declare. modprobe reads them as one of its files, in the position
/// of this name among the others.
const OWN_SOFT: &str = "modules.softdep";

/// How much of the kernel command line modprobe reads (`KCMD_LINE_SIZE`, with room for a NUL).
const COMMAND_LINE: usize = 4_095;

/// Lines that are kept of those that modprobe does not apply, of all files.
const UNAPPLIED: usize = 1_000;

/// What is read of a file that modprobe does not read: as much as configuration has.
const UNREAD_FILE: u64 = 64 * 1024;

/// Problems that are kept in words. Beyond that, they are counted.
const PROBLEMS: usize = 100;

/// What the files and the command line say.
#[derive(Debug, Default)]
pub struct Configuration {
    /// The root of the files.
    root: PathBuf,
    /// `alias PATTERN MODULE`, in order.
    pub aliases: Vec<Alias>,
    /// `blacklist MODULE`: the first line for each module.
    pub blacklist: BTreeMap<Arc<str>, Place>,
    /// `install PATTERN COMMAND`, in order.
    pub installs: Vec<Install>,
    /// The names in `remove NAME COMMAND`: when it looks up an alias, modprobe treats them as modules.
    pub removes: Vec<Arc<str>>,
    /// `softdep PATTERN pre: … post: …`, in order.
    pub soft: Vec<Soft>,
    /// `options MODULE TEXT`, in order.
    pub options: Vec<(Arc<str>, Arc<str>)>,
    /// Lines that modprobe does not apply: those that mean nothing, and those of files that it does not read. The first
    /// few.
    unapplied: Vec<Unapplied>,
    /// Lines that mean nothing: modprobe ignores them too.
    pub ignored_lines: u32,
    /// Files, and folders of files, that could not be read.
    pub unread_files: u32,
    /// The problems, in words: the first few.
    pub problems: Vec<String>,
}

/// An `alias` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The pattern of aliases.
    pub pattern: Arc<str>,
    /// The module that is meant, which need not exist.
    pub module: Arc<str>,
    /// Where the line is.
    pub place: Place,
}

/// An `install` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The modules it is for.
    pub pattern: Arc<str>,
    /// The shell command to run instead of loading; empty if the line has only blanks.
    pub command: Arc<str>,
    /// Where the line is.
    pub place: Place,
}

/// A `softdep` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soft {
    /// The modules it is for.
    pub pattern: Arc<str>,
    /// What is to be loaded before: aliases or names.
    pub before: Vec<Arc<str>>,
    /// What is to be loaded after.
    pub after: Vec<Arc<str>>,
}

/// What a configuration was read from, and when that last changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<(PathBuf, Option<Stamp>)>);

/// Distinguishes one state of a file from another.
type Stamp = (SystemTime, u64, u64, i64, i64);

impl Sources {
    /// Whether any of it has changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.0.iter().any(|(path, known)| stamp(path) != *known)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len(), file.ino(), file.ctime(), file.ctime_nsec()))
}

impl Configuration {
    /// Reads the files in `folders`, `modules.softdep` in `modules`, and the command line. Places are named from
    /// `root`.
    #[must_use]
    pub fn read(folders: &[&Path], modules: &Path, command_line: &Path, root: &Path) -> (Self, Sources) {
        let mut configuration = Self { root: root.to_owned(), ..Self::default() };
        let mut sources = Sources::default();
        for path in configuration.files(folders, modules, &mut sources) {
            // Taken before the file is read: a change while it is read is noticed.
            sources.0.push((path.clone(), stamp(&path)));
            match text(&path) {
                Ok(text) => configuration.parse(&inside(root, &path).to_string_lossy(), &text),
                Err(error) if error.kind() != io::ErrorKind::NotFound => configuration.unread(&path, &error),
                Err(_) if path.ends_with(OWN_SOFT) => {}
                Err(_) => configuration.ignored(format!("{}: leads to nothing", path.display())),
            }
        }
        match fs::read(command_line) {
            Ok(line) => configuration.parse_command_line(&line),
            Err(error) => configuration.unread(command_line, &error),
        }
        (configuration, sources)
    }

    /// The files to read, in order: by base name, whichever folder they are in.
    fn files(&mut self, folders: &[&Path], modules: &Path, sources: &mut Sources) -> Vec<PathBuf> {
        let mut files = BTreeMap::from([(OWN_SOFT.as_bytes().to_vec(), modules.join(OWN_SOFT))]);
        let mut seen = BTreeSet::new();
        for folder in folders {
            sources.0.push(((*folder).to_owned(), stamp(folder)));
            // Two names for one folder, as of /lib and /usr/lib: its files are not hidden by themselves.
            if identity(folder).is_some_and(|folder| !seen.insert(folder)) {
                continue;
            }
            let names = fs::read_dir(folder).and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.file_name().into_vec())).collect::<io::Result<Vec<_>>>()
            });
            match names {
                Ok(names) => {
                    for name in names {
                        let path = folder.join(OsString::from_vec(name.clone()));
                        if !is_configuration(&name) || files.contains_key(&name) {
                            // A change of what is not read is noticed, too.
                            sources.0.push((path.clone(), stamp(&path)));
                        }
                        if !is_configuration(&name) {
                            self.not_read(&path, "modprobe reads only files that end in .conf or .alias");
                        } else if path.is_dir() {
                            self.ignored(format!("{}: a folder here is not read", path.display()));
                        } else if let Some(known) = files.get(&name) {
                            let why = format!("the file is hidden by {}", inside(&self.root, known).display());
                            self.not_read(&path, &why);
                        } else {
                            files.insert(name, path);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unread(folder, &error),
            }
        }
        files.into_values().collect()
    }

    /// Takes a file's text. A line that is continued is located by its first line.
    pub fn parse(&mut self, file: &str, text: &str) {
        let file: Arc<str> = file.into();
        for (number, line) in logical_lines(text) {
            let place = Place::Line { file: file.clone(), line: number };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = Words(&line);
            let Some(word) = words.next() else { continue };
            if self.line(word, words, &place).is_none() {
                self.unapplied(&line, &place, "it means nothing to modprobe");
                self.ignored(format!("{place}: ignored, as modprobe does: {}", line.trim()));
            }
        }
    }

    /// Takes a line that begins with `word`; `None` if it means nothing.
    fn line(&mut self, word: &str, mut words: Words<'_>, place: &Place) -> Option<()> {
        match word {
            "alias" => {
                let pattern = normalised(words.next()?)?.into();
                let module = normalised(words.next()?)?.into();
                self.aliases.push(Alias { pattern, module, place: place.clone() });
            }
            "blacklist" => {
                let module = normalised(words.next()?)?;
                self.blacklist.entry(module.into()).or_insert_with(|| place.clone());
            }
            "install" => {
                let pattern = normalised(words.next()?)?.into();
                let command = words.rest()?.trim_matches(Words::BLANK).into();
                self.installs.push(Install { pattern, command, place: place.clone() });
            }
            "remove" => {
                let name = normalised(words.next()?)?;
                words.rest()?;
                self.removes.push(name.into());
            }
            "softdep" => {
                let pattern = normalised(words.next()?)?.into();
                let (before, after) = soft(words.rest()?);
                self.soft.push(Soft { pattern, before, after });
            }
            "options" => {
                let module = normalised(words.next()?)?.into();
                let options = words.rest()?.replace('\t', " ");
                self.options.push((module, options.trim_matches(' ').into()));
            }
            "weakdep" => {}
            _ => return None,
        }
        Some(())
    }

    /// Takes the kernel command line: `modprobe.blacklist=A,B` and `MODULE.PARAMETER[=VALUE]`, with quotes as the boot
    /// loader left them (`kmod_config_parse_kcmdline`). In a blacklist there, `-` and `_` are not the same.
    pub fn parse_command_line(&mut self, line: &[u8]) {
        if line.len() > COMMAND_LINE {
            self.ignored(format!("the kernel command line: modprobe reads its first {COMMAND_LINE} bytes alone"));
        }
        let line = String::from_utf8_lossy(line.get(..COMMAND_LINE).unwrap_or(line)).into_owned();
        for (module, parameter) in command_line_words(&line) {
            let blacklist = parameter.strip_prefix("blacklist=").filter(|_| module == "modprobe");
            match (blacklist, normalised(module)) {
                (Some(modules), _) => {
                    for module in modules.split(',') {
                        self.blacklist.entry(module.into()).or_insert(Place::CommandLine);
                    }
                }
                (None, Some(module)) => self.options.push((module.into(), parameter.into())),
                (None, None) => {
                    self.ignored(format!("the kernel command line: ignored, as modprobe does: {module}.{parameter}"));
                }
            }
        }
    }

    /// Keeps the lines of a file that modprobe does not read: their author may believe that they are in force.
    fn not_read(&mut self, path: &Path, why: &str) {
        let Ok(text) = beginning(path) else { return };
        let file: Arc<str> = inside(&self.root, path).to_string_lossy().into();
        for (number, line) in logical_lines(&text) {
            let is_known = line.split_ascii_whitespace().next().is_some_and(|word| COMMANDS.contains(&word));
            if is_known {
                self.unapplied(&line, &Place::Line { file: file.clone(), line: number }, why);
            }
        }
    }

    fn unapplied(&mut self, line: &str, place: &Place, why: &str) {
        if self.unapplied.len() < UNAPPLIED {
            self.unapplied.push(Unapplied { line: line.trim().into(), place: place.clone(), why: why.into() });
        }
    }

    /// The lines that name `module`, and that modprobe does not apply.
    #[must_use]
    pub fn unapplied_to(&self, module: &str) -> Vec<Unapplied> {
        let names = |line: &str| line.split_ascii_whitespace().any(|word| word.replace('-', "_") == module);
        self.unapplied.iter().filter(|unapplied| names(&unapplied.line)).take(LINES_OF_MODULE).cloned().collect()
    }

    fn unread(&mut self, path: &Path, error: &io::Error) {
        self.unread_files = self.unread_files.saturating_add(1);
        self.problem(format!("{}: cannot be read: {error}", path.display()));
    }

    fn ignored(&mut self, words: String) {
        self.ignored_lines = self.ignored_lines.saturating_add(1);
        self.problem(words);
    }

    fn problem(&mut self, words: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(words);
        }
    }
}

/// A path as it is inside of a root.
pub fn inside(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
}

/// The content of a file. `/dev/null`, which masks a file of another folder, is read like any file; a file that could
/// block a read is not read.
fn text(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = fs::metadata(path)?.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_block_device() {
        return Err(io::Error::other("not a file"));
    }
    if kind.is_char_device() {
        let is_null = fs::canonicalize(path)? == Path::new("/dev/null");
        return if is_null { Ok(String::new()) } else { Err(io::Error::other("a device")) };
    }
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// Lines of one module that are reported, of those that modprobe does not apply.
const LINES_OF_MODULE: usize = 8;

/// The first words of lines that mean something (libkmod/libkmod-config.c, kmod 30).
const COMMANDS: [&str; 7] = ["alias", "blacklist", "options", "install", "remove", "softdep", "weakdep"];

/// The beginning of a regular file.
fn beginning(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(UNREAD_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether modprobe reads a file of this name (`conf_files_filter_out`).
fn is_configuration(name: &[u8]) -> bool {
    name.len() >= 6 && !name.starts_with(b".") && (name.ends_with(b".conf") || name.ends_with(b".alias"))
}

/// Lines joined with their continuations, and the number of the first line of each, from 1. A backslash at the end of a
/// line continues it; anywhere else it is removed, and the character after it is kept (`freadline_wrapped`).
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let (mut begin, mut number) = (1_u32, 1_u32);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let kept = match character {
            '\n' => None,
            '\\' => match characters.next() {
                Some('\n') => {
                    number = number.saturating_add(1);
                    continue;
                }
                Some(next) => Some(next),
                None => continue,
            },
            other => Some(other),
        };
        match kept {
            Some(character) => line.push(character),
            None => {
                number = number.saturating_add(1);
                lines.push((begin, std::mem::take(&mut line)));
                begin = number;
            }
        }
    }
    if !line.is_empty() {
        lines.push((begin, line));
    }
    lines
}

/// The words of a line, between blanks and tabs, one after the other.
struct Words<'l>(&'l str);

impl<'l> Words<'l> {
    const BLANK: [char; 2] = [' ', '\t'];

    fn next(&mut self) -> Option<&'l str> {
        let line = self.0.trim_start_matches(Self::BLANK);
        let (word, rest) = line.split_once(Self::BLANK).unwrap_or((line, ""));
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The rest; `None` if the line ended.
    const fn rest(self) -> Option<&'l str> {
        if self.0.is_empty() { None } else { Some(self.0) }
    }
}

/// What a softdep line says before and after; words before the first `pre:` or `post:` mean nothing.
fn soft(text: &str) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let (mut before, mut after, mut nowhere) = (Vec::new(), Vec::new(), Vec::new());
    let mut list = &mut nowhere;
    for word in text.split_ascii_whitespace() {
        match word {
            "pre:" => list = &mut before,
            "post:" => list = &mut after,
            name => list.push(name.into()),
        }
    }
    (before, after)
}

/// The parameters of modules on the command line: the module, and the parameter with its value, if it has one. A quote
/// before the module's name is moved to the front of the value, where the boot loader had found it.
fn command_line_words(line: &str) -> Vec<(&str, String)> {
    #[derive(PartialEq)]
    enum In {
        Module,
        Parameter,
        Value,
        Ignored,
    }
    let mut words = Vec::new();
    let (mut state, mut quoted, mut early_quote) = (In::Module, false, false);
    let (mut module, mut parameter) = (0_usize, 0_usize);
    // The end is a blank that even a quote does not protect.
    for (at, byte) in line.bytes().chain([0]).enumerate() {
        match byte {
            b'"' => {
                quoted = !quoted;
                if quoted && state == In::Module && at == module {
                    early_quote = true;
                    module = at + 1;
                } else if state != In::Value {
                    state = In::Ignored;
                }
            }
            0 | b' ' | b'\n' | b'\t' | 0x0b | 0x0c | b'\r' => {
                if quoted && state != In::Value {
                    state = In::Ignored;
                } else if !quoted {
                    if matches!(state, In::Value | In::Parameter)
                        && let (Some(module), Some(parameter)) =
                            (line.get(module..parameter.saturating_sub(1)), line.get(parameter..at))
                    {
                        let whole = parameter;
                        let quoted = parameter.split_once('=').filter(|_| early_quote);
                        let parameter = quoted.map(|(name, value)| format!("{name}=\"{value}"));
                        words.push((module, parameter.unwrap_or_else(|| whole.to_owned())));
                    }
                    module = at + 1;
                    state = In::Module;
                    early_quote = false;
                }
            }
            b'.' if state == In::Module => {
                parameter = at + 1;
                state = In::Parameter;
            }
            b'.' if state == In::Parameter => state = In::Ignored,
            b'=' if state == In::Parameter => state = In::Value,
            b'=' if state == In::Module => state = In::Ignored,
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.parse("/x.conf", text);
        configuration
    }

    fn words(list: &[Arc<str>]) -> String {
        list.join(" ")
    }

    #[test]
    fn lines_are_read_as_libkmod_reads_them() {
        let read = parsed(
            "# blacklist no\n\nalias net-pf-[0-9]- can-raw extra\n\tblacklist \t my-mod\nblacklist my_mod\n\
             install my-* \t/bin/sh -c 'a  b' \nremove gone-mod x\noptions my-mod a=1\tb\nsoftdep m pre: a-b c post: d\n\
             weakdep a b\n",
        );
        let [alias] = &read.aliases[..] else { panic!("{read:?}") };
        assert_eq!((&*alias.pattern, &*alias.module), ("net_pf_[0-9]_", "can_raw"));
        assert_eq!(alias.place.to_string(), "/x.conf:3");
        assert_eq!(read.blacklist["my_mod"].to_string(), "/x.conf:4");
        let [install] = &read.installs[..] else { panic!("{read:?}") };
        assert_eq!((&*install.pattern, &*install.command), ("my_*", "/bin/sh -c 'a  b'"));
        assert_eq!(words(&read.removes), "gone_mod");
        assert_eq!((&*read.options[0].0, &*read.options[0].1), ("my_mod", "a=1 b"));
        let [soft] = &read.soft[..] else { panic!("{read:?}") };
        assert_eq!((words(&soft.before).as_str(), words(&soft.after).as_str()), ("a-b c", "d"));
        assert_eq!((read.ignored_lines, read.unread_files), (0, 0), "{:?}", read.problems);
    }

    #[test]
    fn what_means_nothing_is_counted_with_its_line() {
        let read = parsed(
            "alias one\nblacklist\ninstall x\ninstall x \nremove x\noptions x\nsoftdep x\nalias a[ b\nblacklist a]\n\
             include y\n # not a comment\nnonsense\n",
        );
        assert_eq!(read.ignored_lines, 12, "{:?}", read.problems);
        assert_eq!(read.problems[0], "/x.conf:1: ignored, as modprobe does: alias one");
        assert!(read.aliases.is_empty() && read.blacklist.is_empty() && read.installs.is_empty());
        let many = parsed(&"nonsense\n".repeat(1_000));
        assert_eq!((many.ignored_lines, many.problems.len()), (1_000, PROBLEMS));
    }

    #[test]
    fn a_backslash_continues_a_line_and_is_lost_elsewhere() {
        let read =
            parsed("# one \\\nblacklist a\nblacklist \\\n  b\nblacklist c\ninstall d echo \\\"x\\\\y\r\nblacklist e\\");
        let blacklist: Vec<String> = read.blacklist.iter().map(|(name, place)| format!("{name} {place}")).collect();
        assert_eq!(blacklist, ["b /x.conf:3", "c /x.conf:5", "e /x.conf:7"]);
        assert_eq!(&*read.installs[0].command, "echo \"x\\y\r", "as modprobe, which knows of no carriage return");
        assert_eq!(read.installs[0].place.to_string(), "/x.conf:6");
        assert_eq!(&*parsed("install d    \n").installs[0].command, "");
    }

    fn by_kernel(line: &str) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.parse_command_line(line.as_bytes());
        configuration
    }

    #[test]
    fn the_command_line_is_read_as_libkmod_reads_it() {
        let read = by_kernel(
            "BOOT_IMAGE=/vm.linuz ro snd-hda.model=a.b mod.flag x=1 a.b.c modprobe.blacklist=one,two-2 \
             \"par.dyn=file a.c +p\" q\"uote.d=1 p.v=\"a b\" modprobe.other=1 bad].x=1\n",
        );
        let options: Vec<String> = read.options.iter().map(|(name, text)| format!("{name} {text}")).collect();
        assert_eq!(
            options,
            ["snd_hda model=a.b", "mod flag", "par dyn=\"file a.c +p\""],
            "an open quote hides what follows it"
        );
        let blacklist: Vec<&str> = read.blacklist.keys().map(|name| &**name).collect();
        assert_eq!(blacklist, ["one", "two-2"]);
        let read = by_kernel("p.v=\"a b\" modprobe.other=1 bad].x=1 last.x=1");
        let options: Vec<String> = read.options.iter().map(|(name, text)| format!("{name} {text}")).collect();
        assert_eq!(options, ["p v=\"a b\"", "modprobe other=1", "last x=1"]);
        assert_eq!(read.ignored_lines, 1);
        assert_eq!(by_kernel(&"x".repeat(5_000)).ignored_lines, 1);
    }

    /// Two folders with files, and a folder with the modules' own soft dependencies.
    fn folders() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["etc", "lib", "modules"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        root
    }

    fn read(root: &Path) -> (Configuration, Sources) {
        let [etc, lib, none] = ["etc", "lib", "none"].map(|name| root.join(name));
        Configuration::read(&[&etc, &lib, &none], &root.join("modules"), &root.join("cmdline"), root)
    }

    #[test]
    fn files_are_read_by_name_and_masked_by_earlier_folders() {
        let root = folders();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).expect("a file");
        write("cmdline", "m.k=1");
        write("modules/modules.softdep", "softdep m pre: own\n");
        write("etc/z.conf", "options m z=1\nsoftdep m pre: late\n");
        write("lib/a.conf", "options m a=1\nsoftdep m pre: early\n");
        write("lib/z.conf", "options m hidden=1\n");
        write("etc/b.alias", "options m b=1\n");
        write("etc/.c.conf", "nonsense\n");
        write("etc/README", "nonsense\n");
        std::os::unix::fs::symlink("/dev/null", root.path().join("etc/d.conf")).expect("a link");
        write("lib/d.conf", "nonsense\n");
        let (read, _) = read(root.path());
        let options: Vec<&str> = read.options.iter().map(|(_, text)| &**text).collect();
        assert_eq!(options, ["a=1", "b=1", "z=1", "k=1"]);
        let soft: Vec<String> = read.soft.iter().map(|soft| words(&soft.before)).collect();
        assert_eq!(soft, ["early", "own", "late"]);
        assert_eq!(read.problems, [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let root = folders();
        fs::create_dir(root.path().join("etc/folder.conf")).expect("a folder");
        std::os::unix::fs::symlink("nowhere", root.path().join("etc/x.conf")).expect("a link");
        std::os::unix::fs::symlink("/dev/zero", root.path().join("etc/y.conf")).expect("a link");
        fs::write(root.path().join("etc/text.conf"), b"# \xff\nblacklist a\n").expect("a file");
        let (read, _) = read(root.path());
        // The device, and the command line that does not exist.
        assert_eq!((read.ignored_lines, read.unread_files), (2, 2), "{:?}", read.problems);
        assert!(read.blacklist.contains_key("a"));
    }

    #[test]
    fn lines_that_are_not_applied_are_kept_with_their_places() {
        let root = folders();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).expect("a file");
        write("cmdline", "");
        write("etc/a.conf", "blacklists can-raw\nblacklist vcan\n");
        write("etc/a.txt", "# blacklist can\n\nblacklist can_raw\nsome text about can-raw\n");
        write("lib/a.conf", "install can-raw /bin/false\n");
        let (read, _) = read(root.path());
        let found = read.unapplied_to("can_raw");
        let shown: Vec<String> = found.iter().map(|one| format!("{}: {}: {}", one.place, one.line, one.why)).collect();
        assert_eq!(
            shown,
            [
                "/etc/a.txt:3: blacklist can_raw: modprobe reads only files that end in .conf or .alias",
                "/lib/a.conf:1: install can-raw /bin/false: the file is hidden by /etc/a.conf",
                "/etc/a.conf:1: blacklists can-raw: it means nothing to modprobe",
            ]
        );
        assert!(read.unapplied_to("vcan").is_empty() && read.unapplied_to("can").is_empty());
    }

    #[test]
    fn changes_are_seen() {
        let root = folders();
        let file = root.path().join("etc/a.conf");
        fs::write(&file, "blacklist a\n").expect("a file");
        let (_, sources) = read(root.path());
        assert!(!sources.changed());
        fs::write(&file, "blacklist ab\n").expect("a file");
        assert!(sources.changed());
        let (_, sources) = read(root.path());
        fs::write(root.path().join("lib/b.conf"), "").expect("a file");
        assert!(sources.changed());
        let (_, sources) = read(root.path());
        fs::create_dir(root.path().join("none")).expect("a folder");
        assert!(sources.changed());
        let (_, sources) = read(root.path());
        fs::remove_file(&file).expect("removed");
        assert!(sources.changed());
        fs::write(root.path().join("modules/modules.softdep"), "").expect("a file");
        assert!(read(root.path()).1 != sources);
    }
}
