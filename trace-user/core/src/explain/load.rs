//! What became of a load, in one sentence, and why it failed: from the most direct evidence that there is.
//!
//! In: a load, and what is known of the module that it loads. Out: text, without a full stop. Pure. What an errno may
//! mean is worded as what is possible.

use super::{ban, instead_of, task_words};
use crate::answer::Errno;
use crate::entities::{Load, Timed, Unload};
use crate::event::Wanted;
use crate::printed;

/// Symbols that are named in a sentence; more are counted.
const SYMBOLS: usize = 3;

/// What is depended on is known from the index.
const OUTDATED: &str =
    "the index of modules is older than its file, so what it depends on may not be known: run depmod";

/// The sentence for a load.
#[must_use]
pub fn explain_load(load: &Load) -> String {
    format!("{}{}", became(load), process_ended(load))
}

/// That the process of a load was about to end when the load did; nothing if it was not.
fn process_ended(load: &Load) -> String {
    load.ending.map_or_else(String::new, |status| {
        let process = task_words(&load.task);
        if status.signal().is_some() {
            format!("; {process} {} before the load ended", status.words())
        } else {
            format!("; {process} had exited ({}) before the load ended", status.text())
        }
    })
}

fn became(load: &Load) -> String {
    let module = subject(load);
    if load.lost_to_another() {
        return format!("{module} was loaded by another load, which came first");
    }
    if load.failed() {
        return failed(load, "", None);
    }
    match (load.live, load.to_live()) {
        (Some(_), Some(delay)) if load.closed => {
            let init = load.init_time().map_or_else(String::new, |init| format!("; its init took {init}"));
            format!("{module} went live {delay} after the load began{init}")
        }
        _ if load.closed && load.ended.is_none() => format!("the end of the load of {module} was not seen"),
        _ if load.closed => format!("the load of {module} returned 0, and that it went live was not seen"),
        _ => under_way(load),
    }
}

/// What a load that goes on is doing.
fn under_way(load: &Load) -> String {
    let module = subject(load);
    match (load.live, load.init_begun) {
        (Some(_), _) => format!("{module} is live, and its load waits for asynchronous work"),
        (None, Some(_)) => format!("the init of {module} runs"),
        (None, None) => format!("{module} is being loaded"),
    }
}

/// Why a load failed; `None` if it did not.
#[must_use]
pub fn why(load: &Load) -> Option<String> {
    load.failed().then(|| failed(load, "", None))
}

/// The sentence for an unload.
#[must_use]
pub fn explain_unload(unload: &Unload) -> String {
    let module = &unload.module;
    let took = unload.total().map_or_else(String::new, |total| format!(" after {total}"));
    match unload.ended.map(|(_, result)| result.error()) {
        Some(None) => format!("{module} was unloaded{took}"),
        Some(Some(Errno::EPERM)) if unload.origin.as_ref().is_some_and(|origin| !origin.capable) => {
            format!("the unload of {module} was refused: {}", without_right(unload.origin.as_ref().map(|o| o.uid)))
        }
        Some(Some(error)) => format!("the unload of {module} failed ({}): {}", error.text(), of_unload(error)),
        None if unload.closed => format!("the end of the unload of {module} was not seen"),
        None => format!("{module} is being unloaded"),
    }
}

/// The sentence for a load that failed; `role`: what the module is to a request. `wanted`: what is known of the module,
/// or of the one that depends on it.
#[must_use]
pub(super) fn failed(load: &Load, role: &str, wanted: Option<&Wanted>) -> String {
    let module = subject(load);
    match (load.init_ended.and_then(|(_, result)| result.error()), load.error()) {
        (Some(error), _) => {
            let lines = printed_about(load);
            let printed =
                if lines.is_empty() { String::new() } else { format!("; the kernel printed {}", quoted(&lines)) };
            let forbidden = ban::of(load).map_or_else(String::new, |ban| format!(": {}", ban.words()));
            format!("the init of {module}{role} returned {}{forbidden}{printed}", error.words())
        }
        (_, Some(error)) if load.init_begun.is_some() => {
            format!("the load of {module}{role} failed in or after its init: {}", error.words())
        }
        (_, Some(error)) => {
            let why = why_failed(load, wanted);
            format!("the load of {module}{role} failed before its init ({}): {why}", error.text())
        }
        (_, None) => format!("the load of {module}{role} failed"),
    }
}

/// Why a load failed before its init, from the most direct evidence.
#[must_use]
pub(super) fn why_failed(load: &Load, wanted: Option<&Wanted>) -> String {
    by_the_kernel(load, wanted)
        .or_else(|| by_policy(load))
        .or_else(|| by_unload(load))
        .or_else(|| without_dependency(load, wanted))
        .or_else(|| {
            let line = printed::last(&load.printed, load.module.as_deref()?)?;
            Some(format!("the kernel printed \"{line}\""))
        })
        .unwrap_or_else(|| load.error().map_or_else(|| "unknown why".to_owned(), of_load))
}

/// The module, or else the file, that is loaded.
#[must_use]
pub fn subject(load: &Load) -> &str {
    let file = load.file.as_ref().map(|file| &*file.name).filter(|name| !name.is_empty());
    load.module.as_deref().or(file).unwrap_or("a module")
}

/// The lines about it that the kernel printed in its thread.
fn printed_about(load: &Load) -> Vec<&str> {
    let telling = printed::telling(&load.printed);
    if !telling.is_empty() {
        return telling;
    }
    load.module.as_deref().and_then(|module| printed::last(&load.printed, module)).into_iter().collect()
}

/// By what the kernel printed in the thread.
fn by_the_kernel(load: &Load, wanted: Option<&Wanted>) -> Option<String> {
    let lines = printed::telling(&load.printed);
    let first = *lines.first()?;
    let module = subject(load);
    let own = first.strip_prefix(module).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(first);
    if own.contains("version magic ") {
        return Some(format!("{own}: it was built for another kernel"));
    }
    if first.contains("Unknown symbol ") {
        return Some(unknown_symbols(load, &lines, wanted));
    }
    if own.starts_with("disagrees about version of symbol ") {
        return Some(format!("it {own}: it, or what exports the symbol, was built for another kernel or build"));
    }
    if let Some(ban) = ban::of(load) {
        return Some(ban.words());
    }
    if first.starts_with("Invalid ELF header ") {
        return Some(format!(
            "the kernel found no module in the file ({first}): it is damaged, or compressed and was passed on as it is"
        ));
    }
    Some(format!("the kernel printed {}", quoted(&lines)))
}

/// `SYMBOL (err -2)` after `Unknown symbol `.
fn unknown_symbols(load: &Load, lines: &[&str], wanted: Option<&Wanted>) -> String {
    let symbol = |line: &&str| {
        let (_, rest) = line.split_once("Unknown symbol ")?;
        rest.split_ascii_whitespace().next().map(str::to_owned)
    };
    let mut symbols: Vec<String> = lines.iter().filter_map(symbol).collect();
    symbols.dedup();
    let more = symbols.len().saturating_sub(SYMBOLS);
    symbols.truncate(SYMBOLS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let plural = if symbols.len() > 1 { "s" } else { "" };
    let cause = without_dependency(load, wanted)
        .unwrap_or_else(|| "for example, what it depends on is not loaded, or was built for another kernel".to_owned());
    format!("it uses the unknown symbol{plural} {}{more}: {cause}", symbols.join(", "))
}

/// What it depends on was not loaded: its file is not there, or a command ran instead.
fn without_dependency(load: &Load, wanted: Option<&Wanted>) -> Option<String> {
    let is_wanted = |wanted: &&Wanted| load.module.as_deref().is_none_or(|module| wanted.is(module));
    let wanted = wanted.filter(is_wanted).filter(|_| load.error() == Some(Errno::ENOENT))?;
    let Some(unusable) = wanted.unusable_files.first() else {
        let outdated = || wanted.stale.then(|| OUTDATED.to_owned());
        return wanted
            .replaced
            .first()
            .map(|replaced| instead_of(&replaced.install, &replaced.module))
            .or_else(outdated);
    };
    let own = load.module.as_deref() == Some(&*unusable.module);
    let dependency =
        if own { String::new() } else { format!("{}, on which it depends, was not loaded: ", unusable.module) };
    Some(format!("{dependency}its file {} {}", unusable.path, unusable.fault.words()))
}

/// By what the machine forbids, or the task's lack of a right.
fn by_policy(load: &Load) -> Option<String> {
    let error = load.error()?;
    let policy = load.policy.as_deref();
    if error == Errno::EPERM {
        let is_disabled = policy.is_some_and(|policy| policy.modules_disabled);
        if let Some(origin) = load.origin.as_ref().filter(|origin| !origin.capable && !is_disabled) {
            return Some(without_right(Some(origin.uid)));
        }
    }
    ban::of(load).map(|ban| ban.words())
}

/// By an unload of the same module.
fn by_unload(load: &Load) -> Option<String> {
    let unload = load.unloading.as_ref()?;
    let (ended, _) = load.ended?;
    let since = ended.mono.since(unload.began.mono);
    let (module, by) = (subject(load), task_words(&unload.task));
    Some(format!("{module} was being unloaded by {by}, for {since} by then: ask again when that is over"))
}

fn without_right(uid: Option<u32>) -> String {
    let uid = uid.map_or_else(String::new, |uid| format!(" (uid {uid})"));
    format!("its task{uid} does not have CAP_SYS_MODULE in the initial user namespace")
}

/// What an errno can mean for a load, if nothing shows what it does mean (kernel/module/main.c, 5.10 to 7.3).
fn of_load(error: Errno) -> String {
    let meaning = match error.as_return() {
        -1 => "the kernel does not permit it: a list on its command line, a signature or a security module forbids it",
        -2 => "it uses unknown symbols: for example, what it depends on is not loaded, or was built for another kernel",
        -4 => "a signal interrupted it",
        -8 => {
            "it is not a module of this kernel: its format, its version magic or the versions of its symbols do not fit"
        }
        -12 => "there was no memory for it",
        -16 => "another load or unload of the same module was under way",
        -17 => "it was live already",
        -22 => "its image is damaged, or one of its parameters has a value that it does not take",
        -65 | -74 | -126 | -129 => "its signature is missing or not valid",
        _ => return error.words(),
    };
    meaning.to_owned()
}

/// What an errno means for an unload (kernel/module/main.c `delete_module`, 5.10 to 7.3).
fn of_unload(error: Errno) -> String {
    let meaning = match error.as_return() {
        -1 => "the kernel does not permit it",
        -2 => "it is not loaded",
        -11 => "it is in use",
        -16 => "it is being loaded or unloaded, or it has no exit function",
        _ => return error.words(),
    };
    meaning.to_owned()
}

fn quoted(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("\"{line}\"")).collect();
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::ReturnCode;
    use crate::entities::{LoadId, LoadedFile, UnloadId};
    use crate::event::{Captured, FileFault, Origin, Policy, Stamp, Task, UnusableFile};
    use std::sync::Arc;

    fn at(milliseconds: u64) -> Stamp {
        Stamp::awake(milliseconds * 1_000_000)
    }

    fn load(error: i32, printed: &[&str]) -> Load {
        Load {
            origin: Some(Origin { capable: true, ..Origin::default() }.into()),
            module: Some("can".into()),
            printed: printed.iter().map(|line| (*line).into()).collect(),
            ended: Some((at(9), ReturnCode(error))),
            closed: true,
            ..Load::begun(LoadId(1), Task::new(141, 141, 1, "insmod"), at(1))
        }
    }

    fn check(load: &Load, sentence: &str) {
        assert_eq!(explain_load(load), sentence);
    }

    #[test]
    fn what_the_kernel_printed_comes_first() {
        let magic = "can: version magic 'A' should be 'B'";
        check(
            &load(-8, &[magic]),
            "the load of can failed before its init (ENOEXEC): version magic 'A' should be 'B': it was built for another \
             kernel",
        );
        check(
            &load(-22, &["can: `abc' invalid for parameter `stats_timer'"]),
            "the load of can failed before its init (EINVAL): the kernel printed \"can: `abc' invalid for parameter \
             `stats_timer'\"",
        );
        let mut forbidden = load(-1, &["Module can is blacklisted"]);
        forbidden.policy = Some(Policy { modules_disabled: true, ..Policy::default() }.into());
        check(
            &forbidden,
            "the load of can failed before its init (EPERM): the kernel command line forbids can (module_blacklist=)",
        );
    }

    #[test]
    fn symbols_are_named_with_what_is_missing() {
        let lines = ["a", "b", "c", "d", "e"].map(|name| format!("can: Unknown symbol {name} (err -2)"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let file = UnusableFile { module: "core".into(), path: "/m/core.ko".into(), fault: FileFault::Missing };
        let wanted = Wanted { name: "can".into(), unusable_files: vec![file], ..Wanted::default() };
        assert_eq!(
            why_failed(&load(-2, &lines), Some(&wanted)),
            "it uses the unknown symbols a, b, c and 2 more: core, on which it depends, was not loaded: its file \
             /m/core.ko is missing"
        );
        assert_eq!(
            why_failed(&load(-2, &lines[..1]), None),
            "it uses the unknown symbol a: for example, what it depends on is not loaded, or was built for another kernel"
        );
    }

    #[test]
    fn what_the_machine_forbids_is_a_reason() {
        let why = |error, policy: Policy, capable| {
            let origin = Some(Origin { uid: 65534, capable, ..Origin::default() }.into());
            why_failed(&Load { policy: Some(policy.into()), origin, ..load(error, &[]) }, None)
        };
        let disabled = || Policy { modules_disabled: true, ..Policy::default() };
        assert!(why(-1, disabled(), true).starts_with("the kernel loads no modules any more"));
        assert!(why(-1, disabled(), false).starts_with("the kernel loads no modules any more"));
        let right = "its task (uid 65534) does not have CAP_SYS_MODULE in the initial user namespace";
        assert_eq!(why(-1, Policy::default(), false), right);
        let listed = Policy { blacklist: ["vcan".into(), "can".into()].into(), ..Policy::default() };
        assert_eq!(why(-1, listed.clone(), true), "the kernel command line forbids can (module_blacklist=)");
        assert_ne!(why(-22, listed, true), "the kernel command line forbids can (module_blacklist=)");
        let locked = Policy { lockdown: Some("integrity".into()), ..Policy::default() };
        assert!(!why(-1, locked.clone(), true).contains("locked down"), "something else may forbid it");
        assert!(why(-129, locked.clone(), true).contains("missing or not valid"));
        assert!(!why(-8, locked, true).contains("locked down"));
        let enforced = Policy { sig_enforce: Some(true), ..Policy::default() };
        assert!(why(-126, enforced, true).contains("module.sig_enforce"));
        assert!(why(-126, Policy::default(), true).contains("missing or not valid"));
    }

    #[test]
    fn an_unload_under_way_is_a_reason() {
        let unload = Unload {
            id: UnloadId(1),
            task: Task::new(150, 150, 1, "rmmod"),
            of_command: false,
            origin: None,
            module: Captured::whole("can"),
            began: at(0),
            going: None,
            ended: None,
            closed: false,
        };
        let refused = Load {
            unloading: Some(unload.clone().into()),
            ended: Some((at(2_300), ReturnCode(-16))),
            ..load(-16, &[])
        };
        check(
            &refused,
            "the load of can failed before its init (EBUSY): can was being unloaded by rmmod[150], for 2.30s by then: ask \
             again when that is over",
        );
        assert_eq!(explain_unload(&unload), "can is being unloaded");
        let ended = |result| Unload { ended: Some((at(130), ReturnCode(result))), closed: true, ..unload.clone() };
        assert_eq!(explain_unload(&ended(0)), "can was unloaded after 130ms");
        assert_eq!(explain_unload(&ended(-11)), "the unload of can failed (EAGAIN): it is in use");
    }

    #[test]
    fn a_file_stands_for_a_module_without_a_name() {
        let file = Arc::new(LoadedFile { name: "nvidia-current.ko".into(), id: None });
        let unnamed = Load { module: None, file: Some(file), ..load(-8, &[]) };
        assert!(explain_load(&unnamed).starts_with("the load of nvidia-current.ko failed before its init (ENOEXEC)"));
        let nothing = Load { module: None, ..load(-8, &[]) };
        assert!(explain_load(&nothing).starts_with("the load of a module failed before its init (ENOEXEC)"));
    }
}
