//! Who the helper is, how it ended, and what it runs, as parts of a request's sentence.
//!
//! In: a request. Out: phrases, or nothing if there is nothing to say. Pure.

use crate::entities::{Call, Request};
use crate::event::Install;

/// Where modprobe is found on most systems.
const USUAL: [&str; 4] = ["/sbin/modprobe", "/usr/sbin/modprobe", "/bin/modprobe", "/usr/bin/modprobe"];

/// What modprobe is on most systems: the file behind its symbolic links.
const MODPROBES: [&str; 6] = ["kmod", "modprobe", "busybox", "toybox", "toybox_vendor", "kmodloader"];

/// The helper, if it is not the system's modprobe, by its path or by the file that it was found to be.
#[must_use]
pub fn foreign(request: &Request) -> Option<String> {
    let call = request.call.as_ref()?;
    let path = call.entry.path.text()?;
    let program = call.program.as_ref().and_then(|program| program.path.as_deref());
    // A file that was replaced while it ran.
    let program = program.map(|program| program.strip_suffix(" (deleted)").unwrap_or(program));
    let is_modprobe = program.map(|program| MODPROBES.contains(&name(program)));
    match (USUAL.contains(&&**path), is_modprobe) {
        (true, Some(false)) => {
            let program = program.unwrap_or_default();
            Some(format!("the kernel's helper {path} is {program}, which is not modprobe"))
        }
        // A script's program is its interpreter, which can be busybox.
        (false, Some(true)) if program.is_some_and(|program| is_in_system(program) && name(program) != "busybox") => {
            None
        }
        // Some systems keep their modprobe elsewhere; what it is could not be read.
        (false, None) if name(path) == "modprobe" && is_in_system(path) => None,
        (false, _) => Some(format!("the kernel's helper is {path}, not the system's modprobe (see kernel.modprobe)")),
        (true, _) => None,
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// In a folder that only a system's packages write to.
fn is_in_system(path: &str) -> bool {
    ["/usr/", "/bin/", "/sbin/", "/vendor/", "/system/", "/nix/store/", "/gnu/store/", "/run/current-system/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// How the helper of a call ended; `closed`: nothing more can be seen of it.
#[must_use]
pub fn ended(call: &Call, closed: bool) -> String {
    match (call.exited, call.executed.and_then(|(_, result)| result.error())) {
        (Some((_, Some(status))), _) => format!("its helper {}", status.words()),
        (Some((_, None)), _) => "its helper ended".into(),
        (None, Some(error)) => format!("{} could not be executed: {}", call.entry.path, error.words()),
        (None, None) if closed => "its helper was not seen to end".into(),
        (None, None) => "its helper goes on".into(),
    }
}

/// What an exit status says that is not the helper's own (the shell's and the dynamic loader's conventions).
#[must_use]
pub fn status(request: &Request) -> Option<String> {
    let path = request.call.as_ref().map(|call| call.entry.path.to_string()).unwrap_or_default();
    match request.status()?.exit_code()? {
        126 => Some("126: by convention, a command could not be executed".to_owned()),
        127 => {
            let advice =
                if foreign(request).is_some() { String::new() } else { format!("; run \"{path} -V\" to see which") };
            Some(format!("127: by convention, an interpreter, a library or a command was not found{advice}"))
        }
        code @ 129..=192 => {
            let signal = code - 128;
            Some(format!("{code}: by convention, a command that it ran was ended by signal {signal}"))
        }
        _ => None,
    }
}

/// The `install` line that modprobe runs for what was requested, if it was seen to run something.
#[must_use]
pub fn install_line(request: &Request) -> Option<String> {
    let (_, install) = line(request)?;
    let depth = request.call.as_ref().map_or(0, |call| call.depth);
    if depth == 0 || foreign(request).is_some() {
        return None;
    }
    let deep = if depth > 1 { format!(", {depth} processes deep") } else { String::new() };
    let again = if calls_itself(request) { ", which calls modprobe for it again without --ignore-install" } else { "" };
    Some(format!("modprobe runs the install line {}{again}{deep}", install.place))
}

/// The same, if that line makes modprobe run itself.
#[must_use]
pub fn loop_of_install_line(request: &Request) -> Option<String> {
    install_line(request).filter(|_| calls_itself(request))
}

/// Whether that line calls modprobe for the same module without telling it to ignore the line.
#[must_use]
pub fn calls_itself(request: &Request) -> bool {
    let Some((name, install)) = line(request) else { return false };
    let words = || install.command.split_ascii_whitespace();
    let ignores = |word: &str| {
        let is_cluster = word.starts_with('-') && !word.starts_with("--");
        word == "--ignore-install" || (is_cluster && word.contains('i'))
    };
    words().any(|word| self::name(word) == "modprobe")
        && words().any(|word| word.replace('-', "_") == *name)
        && !words().any(ignores)
}

fn line(request: &Request) -> Option<(&str, &Install)> {
    let wanted = request.resolution.iter().flat_map(|resolution| &resolution.modules);
    wanted.filter_map(|wanted| Some((&*wanted.name, wanted.install.as_ref()?))).next()
}
