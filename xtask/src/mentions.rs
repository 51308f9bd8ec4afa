//! The paths that a source file mentions.
//!
//! In: the text of a Rust file. Out: every `crate::…`, `super::…`, `self::…` and `std::…` path in its code, with its
//! line; groups in braces are taken apart. Comments and strings' lines that are comments do not count, and neither do
//! tests (from `#[cfg(test)] mod` to the end of a file).

/// A path and the line where it stands, counted from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The line.
    pub line: usize,
    /// Its parts: `crate`, `event`, `Event`.
    pub path: Vec<String>,
}

/// The first parts of paths that are looked for.
const ROOTS: [&str; 6] = ["crate", "super", "self", "std", "tokio", "aya"];

/// Every path in the text that begins with one of the roots.
pub fn mentions(text: &str) -> Vec<Mention> {
    let code = code_only(text);
    let mut found = Vec::new();
    for root in ROOTS {
        let start = format!("{root}::");
        for (at, _) in code.match_indices(&start) {
            // `$crate::`, `some_crate::` and `x::self::` are others.
            let before = code.get(..at).unwrap_or_default();
            if before.ends_with(|c: char| c.is_alphanumeric() || "_$:".contains(c)) {
                continue;
            }
            let line = before.matches('\n').count() + 1;
            let rest = code.get(at + start.len()..).unwrap_or_default();
            let mut paths = Vec::new();
            expand(vec![root.to_owned()], rest, &mut paths);
            found.extend(paths.into_iter().map(|path| Mention { line, path }));
        }
    }
    found.sort_by_key(|mention| mention.line);
    found
}

/// Follows one path from behind a `::`; each member of a group is a path of its own. What is left of the text.
fn expand<'t>(so_far: Vec<String>, text: &'t str, paths: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let before = rest.len();
            rest = expand(so_far.clone(), rest, paths).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
            if rest.len() == before {
                // No group of paths after all.
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = so_far;
    if !name.is_empty() {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(rest) if !name.is_empty() => expand(path, rest, paths),
        Some(_) | None => {
            paths.push(path);
            rest.trim_start().strip_prefix("as ").map_or(rest, |renamed| {
                let end = renamed.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(renamed.len());
                renamed.get(end..).unwrap_or_default()
            })
        }
    }
}

/// The text without comments and without its tests; lines keep their numbers.
pub fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests = lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if line == "#[cfg(test)]" && tests {
            break;
        }
        let comment = if line.trim_start().starts_with("//") { Some(0) } else { line.find(" // ") };
        code.push_str(comment.and_then(|at| line.get(..at)).unwrap_or(line));
        code.push('\n');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::mentions;

    fn paths(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|mention| format!("{} {}", mention.line, mention.path.join("::"))).collect()
    }

    #[test]
    fn groups_are_taken_apart() {
        let text = "use crate::{event::{A, B as C}, model};\nuse std::fs::{self, File};\n";
        let expected =
            ["1 crate::event::A", "1 crate::event::B", "1 crate::model", "2 std::fs::self", "2 std::fs::File"];
        assert_eq!(paths(text), expected);
        assert_eq!(paths("fn f() { super::g::<u8>(std::env::var(x)) }"), ["1 super::g", "1 std::env::var"]);
    }

    #[test]
    fn comments_tests_and_other_roots_do_not_count() {
        assert!(paths("// crate::a\n/// std::fs::b\nmy_crate::c(); $crate::d!();\n").is_empty());
        assert!(paths("#[cfg(test)]\nmod tests {\n use crate::e;\n}\n").is_empty());
        assert_eq!(paths("#[cfg(test)]\nmod tests;\nuse crate::e;\n"), ["3 crate::e"]);
    }
}
