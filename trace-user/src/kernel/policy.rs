//! State of this machine that forbids loads.
//!
//! In: `/proc` and `/sys`. Out: a [`Policy`]. What cannot be read counts as not in force, except where that is said.

use modtrail_core::event::Policy;
use std::fs;
use std::sync::Arc;

/// What is in force now.
#[must_use]
pub fn read() -> Policy {
    let is_one = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == "1");
    let command_line = fs::read("/proc/cmdline").unwrap_or_default();
    let command_line = String::from_utf8_lossy(&command_line);
    let enforced = fs::read_to_string("/sys/module/module/parameters/sig_enforce").ok();
    Policy {
        modules_disabled: is_one("/proc/sys/kernel/modules_disabled"),
        blacklist: last_list(&command_line, "module_blacklist"),
        initcall_blacklist: all_lists(&command_line, "initcall_blacklist"),
        sig_enforce: enforced.map(|text| text.starts_with('Y')),
        lockdown: fs::read_to_string("/sys/kernel/security/lockdown").ok().and_then(|modes| in_force(&modes)),
        loadpin: is_one("/proc/sys/kernel/loadpin/enforce"),
        helper: fs::read_to_string("/proc/sys/kernel/modprobe").ok().map(|path| path.trim_end_matches('\n').into()),
    }
}

/// The mode in brackets of `none [integrity] confidentiality`, unless it is none.
fn in_force(modes: &str) -> Option<Arc<str>> {
    let (_, rest) = modes.split_once('[')?;
    let (mode, _) = rest.split_once(']')?;
    (mode != "none").then(|| mode.into())
}

/// The names in the last `NAME=A,B` of the command line: the kernel keeps one value (`module_param`).
fn last_list(command_line: &str, name: &str) -> Arc<[Arc<str>]> {
    values(command_line, name).last().map_or_else(|| [].into(), |value| split(value).collect())
}

/// The names in every `NAME=A,B` of the command line (init/main.c `initcall_blacklist` adds each).
fn all_lists(command_line: &str, name: &str) -> Arc<[Arc<str>]> {
    values(command_line, name).flat_map(split).collect()
}

fn split(value: &str) -> impl Iterator<Item = Arc<str>> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Arc::from)
}

/// The values of a parameter, up to `--`, after which parameters are for init. `-` and `_` are the same in names of
/// parameters; quotes around a value, or around all of it, are not part of it (lib/cmdline.c `next_arg`).
fn values<'l>(command_line: &'l str, name: &'l str) -> impl Iterator<Item = &'l str> {
    let words = command_line.split_ascii_whitespace().take_while(|word| *word != "--");
    words.filter_map(move |word| {
        let (key, value) = word.trim_matches('"').split_once('=')?;
        (key.replace('-', "_") == name).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[Arc<str>]) -> Vec<&str> {
        list.iter().map(|name| &**name).collect()
    }

    #[test]
    fn lists_on_the_command_line_are_read_as_the_kernel_does() {
        let line = "quiet module_blacklist=a,b module-blacklist=can,vcan \"initcall_blacklist=x,y\" \
                    initcall_blacklist=z -- module_blacklist=no";
        assert_eq!(names(&last_list(line, "module_blacklist")), ["can", "vcan"]);
        assert_eq!(names(&all_lists(line, "initcall_blacklist")), ["x", "y", "z"]);
        assert_eq!(last_list("quiet", "module_blacklist").len(), 0);
    }

    #[test]
    fn lockdown_counts_if_it_is_in_force() {
        assert_eq!(in_force("none [integrity] confidentiality\n").as_deref(), Some("integrity"));
        assert_eq!(in_force("[none] integrity confidentiality\n"), None);
        assert_eq!(in_force(""), None);
    }
}
