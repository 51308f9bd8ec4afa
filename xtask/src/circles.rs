//! Circles of files: each file of a crate may use files that do not use it in turn.
//!
//! In: the files of a crate, each with what it mentions. Out: every circle, as the files on it. A file may name what
//! its own folder's `mod.rs` (or the crate's root) holds: a folder is one subject in several files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::mentions::{code_only, mentions};

/// The files on each circle, by name.
pub fn circles(files: &BTreeMap<PathBuf, String>) -> Vec<Vec<PathBuf>> {
    let modules: BTreeMap<Vec<String>, &PathBuf> = files.keys().map(|file| (module(file), file)).collect();
    let uses: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        files.iter().map(|(file, text)| (file, used(file, text, &modules))).collect();
    let mut left: BTreeSet<&PathBuf> = files.keys().collect();
    let mut found = Vec::new();
    while let Some(file) = left.first().copied() {
        let there = reachable(file, |file| uses.get(file).into_iter().flatten().copied().collect());
        let on: BTreeSet<&PathBuf> = there
            .into_iter()
            .filter(|other| {
                reachable(other, |file| uses.get(file).into_iter().flatten().copied().collect()).contains(file)
            })
            .collect();
        left.remove(file);
        left.retain(|other| !on.contains(other));
        if on.len() > 1 {
            found.push(on.into_iter().cloned().collect());
        }
    }
    found
}

/// Everything that can be reached from a file, without the file itself where no way leads back to it.
fn reachable<'f>(from: &'f PathBuf, uses: impl Fn(&PathBuf) -> Vec<&'f PathBuf>) -> BTreeSet<&'f PathBuf> {
    let mut seen = BTreeSet::new();
    let mut open = uses(from);
    while let Some(file) = open.pop() {
        if seen.insert(file) {
            open.extend(uses(file));
        }
    }
    seen
}

/// The module that a file is: none of its parts for the crate's root.
fn module(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        file.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// The other files that a file uses, but for the one of the folder that it is in.
fn used<'f>(file: &Path, text: &str, modules: &BTreeMap<Vec<String>, &'f PathBuf>) -> BTreeSet<&'f PathBuf> {
    let own = module(file);
    let parent = own.split_last().map(|(_, parent)| parent.to_vec());
    let mut used = BTreeSet::new();
    for mention in mentions(text) {
        let Some(path) = absolute(&own, &mention.path) else { continue };
        let target = (0..=path.len()).rev().find_map(|length| {
            let prefix = path.get(..length)?.to_vec();
            modules.get(&prefix).map(|file| (prefix, *file))
        });
        if let Some((target, other)) = target
            && other != file
            && Some(&target) != parent.as_ref()
        {
            used.insert(other);
        }
    }
    // `use child::…` in the file of a folder.
    used.extend(children(text).into_iter().filter_map(|child| {
        let path: Vec<String> = own.iter().cloned().chain([child]).collect();
        modules.get(&path).copied()
    }));
    used
}

/// The path from the crate's root; `None` for one that leads out of the crate.
fn absolute(own: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => own.to_vec(),
        _ => return None,
    };
    let skipped = path.iter().take_while(|part| ["crate", "self", "super"].contains(&part.as_str())).count();
    for part in path.iter().take(skipped) {
        if part == "super" {
            base.pop()?;
        }
    }
    base.extend(path.iter().skip(skipped).cloned());
    Some(base)
}

/// The files of its folder that a folder's file uses: those that it declares with `mod` and names a path into.
fn children(text: &str) -> Vec<String> {
    let code = code_only(text);
    let declared = code.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    let declared = declared.filter_map(|rest| rest.strip_suffix(';'));
    declared.filter(|child| is_named(&code, &format!("{child}::"))).map(str::to_owned).collect()
}

/// Whether the code names this path, not as a part of another.
fn is_named(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        !code.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || "_$:".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::circles;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files: BTreeMap<PathBuf, String> =
            files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())).collect();
        let shown = |circle: Vec<PathBuf>| circle.iter().map(|file| file.display().to_string()).collect();
        circles(&files).into_iter().map(shown).collect()
    }

    #[test]
    fn files_that_use_each_other_are_a_circle_however_long() {
        assert_eq!(found(&[("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")]), [["a.rs", "b.rs"]]);
        let long = [("x/a.rs", "use super::b::B;"), ("x/b.rs", "use crate::x::c;"), ("x/c.rs", "super::a::f()")];
        assert_eq!(found(&long), [["x/a.rs", "x/b.rs", "x/c.rs"]]);
    }

    #[test]
    fn one_way_is_no_circle_and_a_folder_is_one_subject() {
        assert!(found(&[("a.rs", "use crate::b::B;"), ("b.rs", "")]).is_empty());
        let folder = [("x/mod.rs", "mod a;\nuse a::A;\npub struct X;"), ("x/a.rs", "use super::X;")];
        assert!(found(&folder).is_empty());
        let through = [("x/mod.rs", "mod a;\nuse a::A;"), ("x/a.rs", "use crate::y;"), ("y.rs", "use crate::x::X;")];
        assert_eq!(found(&through), [["x/a.rs", "x/mod.rs", "y.rs"]]);
    }
}
