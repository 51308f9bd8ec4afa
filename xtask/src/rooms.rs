//! The rooms of trace-user and the doors between them.
//!
//! In: the sources of trace-user. Out: nothing where each module uses only what stands before it in the flow;
//! else every line that does not. Tests (from `#[cfg(test)] mod` to the end of a file) may use all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::paths;

/// What a top-level module of trace-user may say `crate::…` of, beside itself: what stands before it in the flow.
const DOORS: [(&str, &[&str]); 26] = [
    ("event", &[]),
    ("errno", &[]),
    ("stderr", &[]),
    ("clock", &["event"]),
    ("decode", &["event"]),
    ("kernel", &["clock", "event", "stderr", "decode"]),
    ("record", &["event"]),
    ("source", &["clock", "event", "decode", "kernel", "record"]),
    ("order", &["event"]),
    ("joined", &["event"]),
    ("phases", &["event", "joined"]),
    // The verdict is the last of the correlator's rules: the two are one step of the flow.
    ("verdict", &["event", "joined", "correlate"]),
    ("correlate", &["event", "joined", "verdict"]),
    ("model", &["event", "joined"]),
    ("pipeline", &["event", "joined", "order", "correlate", "model"]),
    ("who", &["event", "joined"]),
    ("explain", &["event", "errno", "joined", "phases", "who"]),
    ("findings", &["event", "errno", "joined", "phases", "model"]),
    ("stall", &["event", "joined", "model"]),
    ("report", &["event", "errno", "joined", "phases", "model", "findings", "explain", "who"]),
    ("tui", &["event", "errno", "joined", "phases", "model", "findings", "stall", "explain", "who", "report"]),
    ("export", &["event", "errno", "joined", "phases", "model", "findings", "explain", "who", "report"]),
    ("alert", &["event", "errno", "joined", "phases", "model", "findings", "stall", "explain", "who", "report"]),
    ("cli", ANY),
    ("app", ANY),
    // Tests alone: the simulated kernel's truth, held against all of it.
    ("oracle", ANY),
];

/// Stands for every room: those that wire the others.
const ANY: &[&str] = &["*"];

/// Words that only some rooms may say, outside comments.
const RESERVED: [(&str, &[&str]); 8] = [
    ("aya::", &["kernel"]),
    ("use aya", &["kernel"]),
    ("\"/proc", &["kernel"]),
    ("\"/sys/", &["kernel"]),
    ("SystemTime::now", &["clock"]),
    // Waits and frames of the event loop; what happened is never stamped with it.
    ("Instant::now", &["clock", "app", "source"]),
    ("clock_gettime", &["clock"]),
    ("Timestamp::now", &["clock"]),
];

/// Checks all of trace-user.
pub fn check() -> Result<()> {
    let root = paths::workspace().join("trace-user/src");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let inner = file.strip_prefix(&root).context("a file outside the sources")?;
        let Some(room) = room(inner) else { continue };
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let shown = format!("trace-user/src/{}", inner.display());
        wrong.extend(violations(&room, &text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
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

/// The room a file belongs to; `None` for those that only list rooms, and for those that hold tests alone.
fn room(inner: &Path) -> Option<String> {
    let file = inner.file_stem()?.to_str()?;
    let first = inner.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    let is_test = ["tests", "test_utils", "testing"].contains(&file);
    (!is_test && !["lib", "main"].contains(&name)).then(|| name.to_owned())
}

/// Lines of a file that go through no door, with what is wrong about them.
fn violations(room: &str, text: &str) -> Vec<(usize, String)> {
    let Some((_, doors)) = DOORS.iter().find(|(name, _)| *name == room) else {
        return vec![(1, format!("the room `{room}` is not in the table of xtask/src/rooms.rs"))];
    };
    let code = code_only(text);
    let line_of = |at: usize| code.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
    let mut wrong = Vec::new();
    for (at, name) in mentioned(&code) {
        let allowed = name == room || doors.contains(&name.as_str()) || *doors == ANY;
        if !allowed {
            wrong.push((line_of(at), format!("`{room}` may not use `{name}`")));
        }
    }
    for (word, owners) in RESERVED {
        if !owners.contains(&room) {
            let said = code.match_indices(word);
            wrong.extend(said.map(|(at, _)| (line_of(at), format!("`{word}` belongs to {}", owners.join(", ")))));
        }
    }
    wrong.sort();
    wrong
}

/// The text without comments and without its tests; lines keep their numbers.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests = lines.peek().is_some_and(|next| next.starts_with("mod "));
        if line == "#[cfg(test)]" && tests {
            break;
        }
        let comment = if line.trim_start().starts_with("//") { Some(0) } else { line.find(" // ") };
        code.push_str(comment.and_then(|at| line.get(..at)).unwrap_or(line));
        code.push('\n');
    }
    code
}

/// The rooms named after `crate::`, alone or in braces, with where they stand.
fn mentioned(code: &str) -> Vec<(usize, String)> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        // `$crate::` and `some_crate::` are others.
        if code.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || "_$".contains(c))) {
            continue;
        }
        let rest = code.get(at + start.len()..).unwrap_or_default();
        let Some(group) = rest.strip_prefix('{') else {
            found.push((at, word(rest)));
            continue;
        };
        let mut depth = 0_u32;
        let mut begins = true;
        for (offset, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && !c.is_whitespace() => {
                    found.push((at, word(group.get(offset..).unwrap_or_default())));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    // A name in upper case is an item of the crate's root, not a room.
    found.retain(|(_, name)| name.starts_with(|c: char| c.is_ascii_lowercase()));
    found
}

#[cfg(test)]
mod tests {
    use super::violations;

    fn lines(room: &str, text: &str) -> Vec<usize> {
        violations(room, text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_room_sees_only_what_stands_before_it() {
        assert!(lines("model", "use crate::event::Event;\nuse crate::model::Row;\n").is_empty());
        assert_eq!(lines("model", "use crate::event::Event;\nuse crate::tui::State;\n"), [2]);
        assert_eq!(lines("decode", "use crate::{event::{A, B}, model::C};\n"), [1]);
        assert_eq!(lines("decode", "fn f() { crate::model::g() }\n"), [1]);
    }

    #[test]
    fn clocks_and_the_kernel_have_one_reader() {
        assert_eq!(lines("order", "let t = Instant::now();\n"), [1]);
        assert!(lines("clock", "let t = Instant::now();\n").is_empty());
        assert_eq!(lines("report", "\nread(\"/proc/modules\")\n"), [2]);
    }

    #[test]
    fn comments_and_tests_are_free() {
        let text = "// crate::tui is drawn from this\n/// not Instant::now\n#[cfg(test)]\nmod tests {\n use crate::tui::X;\n}\n";
        assert!(lines("order", text).is_empty());
        assert_eq!(lines("kitchen", ""), [1]);
    }
}
