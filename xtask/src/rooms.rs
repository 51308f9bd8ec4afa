//! The rooms of the crates and the doors between them.
//!
//! In: the sources. Out: nothing where each room uses only what stands before it in the flow, none does what is
//! reserved to another, and no files go in a circle; else every line that does. Tests (from `#[cfg(test)] mod` to the
//! end of a file) may use all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::circles::circles;
use crate::mentions::{code_only, mentions};
use crate::paths;

/// A crate of which the rooms are known.
struct House {
    /// Where its sources are.
    folder: &'static str,
    /// What a room may say `crate::…` of, beside itself: what stands before it in the flow.
    doors: &'static [(&'static str, &'static [&'static str])],
    /// Paths that only some rooms, or files, may use.
    reserved: &'static [(&'static [&'static str], &'static [&'static str])],
    /// Words that only some rooms may say, outside comments.
    words: &'static [(&'static str, &'static [&'static str])],
}

/// Stands for every room: those that wire the others.
const ANY: &[&str] = &["*"];
/// No room at all.
const NONE: &[&str] = &[];

const HOUSES: [House; 3] = [CORE, SIMULATION, EDGE];

/// Pure: no I/O, no clock, no threads, no globals.
const CORE: House = House {
    folder: "trace-user/core/src",
    doors: &[
        ("answer", &[]),
        ("event", &["answer"]),
        ("alias", &["event", "answer"]),
        ("decode", &["answer", "event", "alias"]),
        ("record", &["answer", "event"]),
        ("order", &["event"]),
        ("entities", &["event", "answer"]),
        ("lives", &["event", "entities"]),
        ("phases", &["event", "entities"]),
        ("verdict", &["event", "answer", "entities", "lives"]),
        ("printed", &[]),
        ("correlate", &["event", "answer", "entities", "lives", "verdict", "printed"]),
        ("model", &["event", "entities"]),
        ("pipeline", &["event", "entities", "order", "correlate", "model"]),
        ("replay", &["entities", "record", "model", "pipeline"]),
        ("attribution", &["event", "entities"]),
        ("explain", &["event", "answer", "entities", "phases", "attribution", "printed"]),
        ("stall", &["event", "entities", "model"]),
        ("findings", &["event", "entities", "model", "attribution", "explain"]),
        ("query", &["event", "answer", "entities", "model", "attribution", "explain", "findings"]),
        ("repeats", &["event", "entities", "model", "attribution"]),
        ("statistics", &[]),
        ("overview", &["event", "entities", "model", "attribution", "explain", "stall", "findings"]),
        ("player", &["event", "model", "pipeline", "findings", "query", "overview"]),
        (
            "report",
            &[
                "event",
                "answer",
                "entities",
                "record",
                "phases",
                "model",
                "explain",
                "attribution",
                "findings",
                "query",
                "repeats",
                "statistics",
            ],
        ),
        (
            "comparison",
            &[
                "answer",
                "entities",
                "record",
                "phases",
                "model",
                "explain",
                "attribution",
                "findings",
                "statistics",
                "report",
            ],
        ),
        ("alert", &["event", "entities", "model", "stall", "explain", "findings", "query", "report"]),
    ],
    reserved: &[
        (&["std", "fs"], NONE),
        (&["std", "env"], NONE),
        (&["std", "process"], NONE),
        (&["std", "net"], NONE),
        (&["std", "os"], NONE),
        (&["std", "thread"], NONE),
        (&["std", "time"], NONE),
        (&["std", "sync", "Mutex"], NONE),
        (&["std", "sync", "OnceLock"], NONE),
        (&["std", "sync", "LazyLock"], NONE),
        (&["std", "collections", "HashMap"], NONE),
        (&["std", "collections", "HashSet"], NONE),
    ],
    words: &[
        ("\"/proc", NONE),
        ("\"/sys/", NONE),
        ("thread_local!", NONE),
        ("static mut", NONE),
        ("Timestamp::now", NONE),
    ],
};

/// Pure too, but for its binary.
const SIMULATION: House = House {
    folder: "trace-user/sim/src",
    doors: &[
        ("simulation", &[]),
        ("oracle", &["simulation"]),
        ("deadlocks", &["simulation"]),
        ("comparisons", &["simulation"]),
        ("playing", &["simulation"]),
        ("fuzz", &["simulation", "oracle"]),
    ],
    reserved: CORE.reserved,
    words: CORE.words,
};

const EDGE: House = House {
    folder: "trace-user/src",
    doors: &[
        ("ready", &[]),
        ("stderr", &["ready"]),
        ("clock", &[]),
        ("kernel", &["clock", "stderr"]),
        ("files", &[]),
        ("recording", &["ready", "stderr", "files"]),
        ("confine", &[]),
        ("priority", &[]),
        ("rights", &[]),
        ("sinks", &["rights", "stderr"]),
        ("source", &["clock", "kernel"]),
        ("tui", &[]),
        ("config", &["files", "tui"]),
        ("cli", ANY),
        ("app", ANY),
    ],
    reserved: &[
        (&["aya"], &["kernel"]),
        (&["std", "fs"], &["kernel", "recording", "files", "config", "tui/terminal"]),
        (&["std", "net"], NONE),
        (&["std", "process"], &["kernel", "sinks", "app"]),
        (&["std", "thread"], &["kernel", "app"]),
        (&["std", "env"], &["kernel", "app"]),
        (&["tokio"], &["kernel", "source", "sinks", "app"]),
        // When files were last changed.
        (&["std", "time", "SystemTime"], &["kernel", "recording"]),
        // Waits and frames of the event loop; what happened is never stamped with it.
        (&["std", "time", "Instant"], &["kernel", "recording", "app"]),
    ],
    words: &[
        ("\"/proc", &["kernel", "files"]),
        ("\"/sys/", &["kernel"]),
        ("clock_gettime", &["clock"]),
        ("Timestamp::now", &["clock"]),
    ],
};

/// Crates whose files are held to go in no circle, beside the houses.
const OTHERS: [&str; 3] = ["trace-common/src", "trace-ebpf/src", "xtask/src"];

/// Checks all of them.
pub fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for house in &HOUSES {
        let files = files(house.folder)?;
        for (file, text) in &files {
            let Some(room) = room(file) else { continue };
            let shown = format!("{}/{}", house.folder, file.display());
            let found = violations(house, &room, file, text);
            wrong.extend(found.into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
        }
    }
    for folder in HOUSES.iter().map(|house| house.folder).chain(OTHERS) {
        for circle in circles(&files(folder)?) {
            let names: Vec<String> = circle.iter().map(|file| file.display().to_string()).collect();
            wrong.push(format!("{folder}: these files use each other in a circle: {}", names.join(", ")));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

/// The sources in a folder by their paths in it, without those of tests alone and of other programs.
fn files(folder: &str) -> Result<BTreeMap<PathBuf, String>> {
    let root = paths::workspace().join(folder);
    let mut files = BTreeMap::new();
    for path in sources(&root)? {
        let inner = path.strip_prefix(&root).context("a file outside the sources")?.to_owned();
        if !is_of_tests(&inner) && !inner.starts_with("bin") {
            files.insert(inner, fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(files)
}

/// Whether a file holds tests alone.
fn is_of_tests(file: &Path) -> bool {
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    ["tests", "test_utils", "testing", "regressions"].contains(&name)
}

/// Every Rust file in a folder.
pub fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The room a file belongs to; `None` for those that only list rooms.
fn room(inner: &Path) -> Option<String> {
    let first = inner.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

/// Lines of a file that go through no door or do what is reserved, with what is wrong about them.
fn violations(house: &House, room: &str, file: &Path, text: &str) -> Vec<(usize, String)> {
    let Some((_, doors)) = house.doors.iter().find(|(name, _)| *name == room) else {
        return vec![(1, format!("the room `{room}` is not in the tables of xtask/src/rooms.rs"))];
    };
    let owns =
        |owners: &[&str]| owners.iter().any(|owner| *owner == room || Path::new(owner) == file.with_extension(""));
    let mut wrong = Vec::new();
    for mention in mentions(text) {
        // A name in upper case is an item of the crate's root, not a room.
        if let [root, name, ..] = mention.path.as_slice()
            && root == "crate"
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name != room
            && !doors.contains(&name.as_str())
            && *doors != ANY
        {
            wrong.push((mention.line, format!("`{room}` may not use `{name}`")));
        }
        for (path, owners) in house.reserved {
            let begins = mention.path.iter().map(String::as_str).zip(path.iter().copied()).all(|(a, b)| a == b);
            if begins && mention.path.len() >= path.len() && !owns(owners) {
                wrong.push((mention.line, format!("`{}` {}", path.join("::"), belongs(owners))));
            }
        }
    }
    let code = code_only(text);
    let line_of = |at: usize| code.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
    for (word, owners) in house.words {
        if !owns(owners) {
            wrong
                .extend(code.match_indices(word).map(|(at, _)| (line_of(at), format!("`{word}` {}", belongs(owners)))));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

fn belongs(owners: &[&str]) -> String {
    if owners.is_empty() { "is of no room here".to_owned() } else { format!("belongs to {}", owners.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{CORE, EDGE, House, violations};
    use std::path::Path;

    fn lines(house: &House, room: &str, text: &str) -> Vec<usize> {
        violations(house, room, Path::new(room), text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_room_sees_only_what_stands_before_it() {
        assert!(lines(&CORE, "model", "use crate::event::Event;\nuse crate::model::Row;\n").is_empty());
        assert_eq!(lines(&CORE, "model", "use crate::event::Event;\nuse crate::report::wall;\n"), [2]);
        assert_eq!(lines(&CORE, "decode", "use crate::{event::{A, B}, model::C};\n"), [1]);
        assert_eq!(lines(&CORE, "decode", "fn f() { crate::model::g() }\n"), [1]);
        assert_eq!(lines(&CORE, "kitchen", ""), [1]);
    }

    #[test]
    fn files_clocks_and_the_kernel_have_one_reader() {
        assert_eq!(lines(&CORE, "record", "use std::{fs, io};\n"), [1]);
        assert_eq!(lines(&CORE, "order", "let t = std::time::Instant::now();\n"), [1]);
        assert_eq!(lines(&EDGE, "tui", "use tokio::time;\nuse std::fs::File;\n"), [1, 2]);
        assert!(lines(&EDGE, "recording", "use std::fs::File;\n").is_empty());
        assert_eq!(lines(&EDGE, "app", "\nread(\"/proc/modules\")\n"), [2]);
    }

    #[test]
    fn comments_and_tests_are_free() {
        let text = "// crate::report is made from this\n/// not std::time\n#[cfg(test)]\nmod tests {\n use crate::report::X;\n}\n";
        assert!(lines(&CORE, "order", text).is_empty());
    }
}
