//! What became of a request (here), a load or an unload ([`load`]), or a suspend cycle ([`cycle`]), in one sentence
//! that a person can act on.
//!
//! In: a request. Out: text, without a full stop. Pure. The sentence contains only what was seen and leaves out the
//! rest.

pub mod ban;
pub mod cycle;
pub mod device;
pub mod firmware;
pub mod helper;
pub mod load;
pub mod pages;

use crate::answer::{CallResult, Errno, WaitStatus};
use crate::entities::{Call, Gap, Load, Request, Served, TurnedAway, Verdict};
use crate::event::{Absent, Install, Spared, Task, Unapplied, Wanted};
use std::sync::Arc;

/// The sentence for the request: what became of it, and what its requester got.
#[must_use]
pub fn explain(request: &Request) -> String {
    let became = deduplicated(request).unwrap_or_else(|| became(request));
    format!("{became}{}", also(served_words(request)))
}

/// That an earlier request stood for it; what became of that one is said there.
fn deduplicated(request: &Request) -> Option<String> {
    let is_judged = !matches!(request.verdict, Verdict::Incomplete | Verdict::InFlight);
    let first = request.deduplicated_by.filter(|_| is_judged)?;
    let stood = format!("request #{}, for the same name, stood for it", first.0);
    Some(match (&request.satisfied_by, request.verdict) {
        (Some(by), _) => format!("{stood}: {} was loaded by {}", by.module, task_words(&by.task)),
        (None, Verdict::Hollow) if request.result == Some(CallResult::OK) => {
            format!("{stood}: the kernel returned 0, but {} is not live", wanted_words(request))
        }
        (None, Verdict::Abandoned) => format!("{stood}; its own requester, or that one's, was killed"),
        (None, verdict) => format!("{stood}: {}", verdict.words()),
    })
}

/// What its requester got: `ping got the socket`; `None` if that was not seen.
#[must_use]
pub fn served_words(request: &Request) -> Option<String> {
    let Served { by, result } = request.served?;
    let (who, service) = (request.task.comm, by.service());
    Some(match result.error() {
        None => format!("{who} got the {service}"),
        Some(error) => format!("{who} did not get the {service}: {} returned {}", by.as_str(), error.words()),
    })
}

/// The sentence for the request's verdict.
fn became(request: &Request) -> String {
    match request.verdict {
        Verdict::Live => live(request),
        Verdict::AlreadyLive => already_live(request),
        Verdict::SatisfiedByAnother => satisfied_by_another(request),
        Verdict::Hollow => hollow(request),
        Verdict::InitFailed => init_failed(request),
        Verdict::NotFound => not_found(request),
        Verdict::HelperFailed => helper_failed(request),
        Verdict::HelperMissing => helper_missing(request),
        Verdict::Refused => refused(request),
        Verdict::Throttled => throttled(request),
        Verdict::Denied => denied(request),
        Verdict::Abandoned => {
            format!("the requester was killed while it waited; {}", afterwards(request))
        }
        Verdict::Unwaited => format!("the requester did not wait for the helper's end; {}", afterwards(request)),
        Verdict::InFlight => in_flight(request),
        Verdict::Incomplete => incomplete(request),
    }
}

/// A task as `comm[pid]`.
#[must_use]
pub fn task_words(task: &Task) -> String {
    format!("{}[{}]", task.comm, task.key.tgid.0)
}

fn live(request: &Request) -> String {
    let load = own_live(request);
    let module = load.and_then(|load| load.module.as_deref()).unwrap_or("the module");
    let loader = load.map_or_else(String::new, |load| format!(" ({})", task_words(&load.task)));
    let although = format!("{}{}", also(failed_beside(request)), also(helper_failed_beside(request)));
    format!("{module} went live {}loaded by its own helper{loader}{although}{}", delay(request), also(why(request)))
}

/// That the module was unloaded before the request returned.
fn gone_again(request: &Request) -> Option<String> {
    let (live, gone) = (request.live?, request.gone?);
    let after = gone.mono.since(live.mono);
    Some(format!("it was unloaded again {after} after that, before the request returned"))
}

/// The load of another module that failed although the request got what it asked for.
fn failed_beside(request: &Request) -> Option<String> {
    let went_live =
        |module: Option<&str>| request.loads.iter().any(|load| load.live.is_some() && load.module.as_deref() == module);
    let refused = |load: &&Arc<Load>| load.error().is_some_and(|error| error != Errno::EEXIST);
    let failed = request.loads.iter().rev().filter(refused).find(|load| !went_live(load.module.as_deref()));
    failed.map(|load| load_failed(request, load))
}

/// How the helper failed although the request got what it asked for.
fn helper_failed_beside(request: &Request) -> Option<String> {
    let status = request.status().filter(|status| !status.is_success())?;
    Some(format!("all the same, {} {}", helper_name(request), status.words()))
}

/// `; WORDS`, or nothing.
fn also(words: Option<String>) -> String {
    words.map_or_else(String::new, |words| format!("; {words}"))
}

/// Why it came to this, if that is known: what the kernel printed, what the machine forbids, modprobe's configuration,
/// the files of the modules, the helper that was called, or what was live before. `None` if nothing is known.
#[must_use]
pub fn why(request: &Request) -> Option<String> {
    match request.verdict {
        Verdict::AlreadyLive => Some(why_already_live(request)),
        Verdict::Hollow => why_hollow(request),
        Verdict::InitFailed => request.failed_load().map(|load| why_init_failed(request, load)),
        Verdict::NotFound | Verdict::HelperFailed => why_nothing_was_loaded(request),
        Verdict::Live => {
            let reasons = [gone_again(request), helper::loop_of_install_line(request), rules_without_effect(request)];
            joined(reasons.into_iter().flatten())
        }
        Verdict::SatisfiedByAnother => gone_again(request),
        Verdict::HelperMissing => why_refused_early(request).or_else(|| helper::foreign(request)),
        Verdict::Refused => why_refused_early(request),
        Verdict::Throttled | Verdict::Denied | Verdict::Abandoned | Verdict::Unwaited | Verdict::InFlight => None,
        Verdict::Incomplete => without_index(request).map(with_depmod),
    }
}

fn already_live(request: &Request) -> String {
    let failed = request.failed_load().filter(|load| load.error() != Some(Errno::EEXIST));
    match failed {
        Some(load) => {
            let failed = load_failed(request, load);
            format!("{}; {failed}{}", why_already_live(request), also(helper_failed_beside(request)))
        }
        None => format!("{}; nothing had to be loaded", why_already_live(request)),
    }
}

fn why_already_live(request: &Request) -> String {
    match wanted(request).find(|wanted| wanted.built_in) {
        Some(wanted) => format!("{} is built into the kernel", wanted.name),
        None => format!("{} was live before it was asked for", live_before(request)),
    }
}

/// The module that was live: not one whose load failed.
fn live_before(request: &Request) -> &str {
    let failed = |wanted: &&Wanted| {
        request.loads.iter().any(|load| load.failed() && load.module.as_deref().is_some_and(|name| wanted.is(name)))
    };
    let mut live = wanted(request).filter(|wanted| !failed(wanted) && wanted.blacklisted.is_none());
    match (live.next(), live.next()) {
        (Some(one), None) => &one.name,
        (Some(_), Some(_)) => "a module that it resolves to",
        (None, _) => wanted_words(request),
    }
}

/// Lines that were meant to keep the module from being loaded, and did not.
#[must_use]
pub fn rules_without_effect(request: &Request) -> Option<String> {
    let forbids = |unapplied: &&Unapplied| {
        let command = unapplied.line.split_ascii_whitespace().next();
        matches!(command, Some("blacklist" | "install"))
    };
    let unapplied = wanted(request).flat_map(|wanted| &wanted.unapplied).filter(forbids).map(|unapplied| {
        let Unapplied { line, place, why } = unapplied;
        format!("modprobe does not apply \"{line}\" ({place}): {why}")
    });
    joined(
        wanted(request)
            .flat_map(|wanted| {
                wanted.spared.iter().map(|spared| {
                    let Spared { module, place } = spared;
                    let rule = if *module == wanted.name {
                        "a blacklist does not apply to a module that is requested by its own name"
                    } else {
                        "a blacklist does not apply to what another module depends on"
                    };
                    format!("{module} is blacklisted in {place}, but {rule}: use \"install {module} /bin/false\"")
                })
            })
            .chain(unapplied),
    )
}

/// Why the helper loaded nothing.
fn why_nothing_was_loaded(request: &Request) -> Option<String> {
    let absent = request.resolution.as_ref().and_then(|resolution| resolution.absent.as_deref());
    absent
        .map(absent_words)
        .or_else(|| helper::foreign(request))
        .or_else(|| joined(wanted(request).filter_map(by_configuration)))
        .or_else(|| outdated(request).map(with_depmod))
        .or_else(|| without_index(request).map(with_depmod))
}

fn with_depmod(fact: String) -> String {
    format!("{fact}: run depmod")
}

/// That the indexes of modules could not be read, and so modprobe may not have read them either.
#[must_use]
pub fn without_index(request: &Request) -> Option<String> {
    let unread = request.resolution.as_ref()?.unread.as_ref()?;
    Some(format!("the indexes of modules could not be read ({unread})"))
}

/// That the index of modules may lack what was requested: it does not name the file of a module.
#[must_use]
pub fn outdated(request: &Request) -> Option<String> {
    let unindexed = request.resolution.as_ref()?.unindexed.as_ref()?;
    Some(format!("no module in the index has this alias, and the index lacks {unindexed}"))
}

/// That the folder of the kernel's modules is not there, and which are.
#[must_use]
pub fn absent_words(absent: &Absent) -> String {
    let others: Vec<&str> = absent.others.iter().take(3).map(|other| &**other).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        [one] => format!(" ({one} is there: reboot if the kernel was upgraded)"),
        several => format!(" ({} are there: reboot if the kernel was upgraded)", several.join(", ")),
    };
    format!("no modules are installed for the running kernel: {} is missing{others}", absent.folder)
}

/// Why the load failed that made the request fail.
fn why_init_failed(request: &Request, load: &Load) -> String {
    let is_of_init = load.init_ended.is_some_and(|(_, result)| result.failed());
    if is_of_init { load_failed(request, load) } else { load::why_failed(load, concerned(request, load)) }
}

/// What is known of the module that a load is of, or of the one that depends on it.
fn concerned<'r>(request: &'r Request, load: &Load) -> Option<&'r Wanted> {
    let of = |wanted: &&Wanted| load.module.as_deref().is_none_or(|module| wanted.is(module));
    wanted(request).find(of).or_else(|| wanted(request).next())
}

/// Why no helper was called.
pub const NO_HELPER: &str = "no helper is set: kernel.modprobe is empty";

/// Whether the kernel refused the request because no helper is set (kernel/module/kmod.c `__request_module`, 5.10 to
/// 7.3).
#[must_use]
pub fn refused_without_helper(request: &Request) -> bool {
    request.turned_away == Some(TurnedAway::RefusedEarly)
        && request.result.and_then(CallResult::error) == Some(Errno::ENOENT)
}

/// Why the kernel refused the request before it asked a security module.
fn why_refused_early(request: &Request) -> Option<String> {
    if request.turned_away != Some(TurnedAway::RefusedEarly) {
        return None;
    }
    Some(match request.result.and_then(CallResult::error) {
        Some(Errno::ENOENT) => NO_HELPER.into(),
        Some(Errno::ENAMETOOLONG) => "the name is longer than the kernel allows (55 bytes)".into(),
        Some(error) => format!("the kernel answered {} before it asked for a helper", error.words()),
        None => return None,
    })
}

fn refused(request: &Request) -> String {
    why_refused_early(request).unwrap_or_else(|| {
        "helpers were disabled, as in suspend, shutdown and early boot, so none was started: ask again later".into()
    })
}

/// The modules that the alias resolves to.
fn wanted(request: &Request) -> impl Iterator<Item = &Wanted> {
    request.resolution.iter().flat_map(|resolution| &resolution.modules)
}

fn why_hollow(request: &Request) -> Option<String> {
    if let Some(load) = request.failed_load().filter(|load| load.error() == Some(Errno::EEXIST)) {
        let module = load::subject(load);
        return Some(match load.init_ended.and_then(|(_, result)| result.error()) {
            Some(Errno::EEXIST) => format!("the init of {module} returned -EEXIST and modprobe took that for success"),
            _ => format!("the load of {module} ended with -EEXIST and modprobe took that for success"),
        });
    }
    if let Some(failed) = failed_beside(request) {
        return Some(failed);
    }
    let configured = joined(wanted(request).filter_map(by_configuration));
    let Some(foreign) = helper::foreign(request) else { return configured };
    let configured = configured.map_or_else(String::new, |why| format!(" (modprobe itself: {why})"));
    Some(format!("{foreign}{configured}"))
}

/// What keeps modprobe from loading a module that was requested.
fn by_configuration(wanted: &Wanted) -> Option<String> {
    let Wanted { name, blacklisted, install, missing, alias, .. } = wanted;
    let unusable_file = wanted.unusable_files.first().map(|file| {
        let whose = if file.module == *name { "its file" } else { "a file that it needs" };
        format!("{name} is in the index of modules, but {whose}, {}, {}", file.path, file.fault.words())
    });
    match (blacklisted, install, alias) {
        (Some(place), _, _) => Some(format!("{name} is blacklisted in {place}")),
        (None, Some(install), _) => Some(instead_of(install, name)),
        (None, None, Some(place)) if *missing => {
            Some(format!("{name}, named in {place}, is not a module of this kernel"))
        }
        (None, None, _) => unusable_file,
    }
}

fn instead_of(install: &Install, module: &str) -> String {
    let Install { command, place } = install;
    let command = if command.is_empty() { "nothing" } else { command };
    format!("an install line runs {command} instead of loading {module} ({place})")
}

fn joined(reasons: impl Iterator<Item = String>) -> Option<String> {
    let mut reasons: Vec<String> = reasons.collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn satisfied_by_another(request: &Request) -> String {
    let Some(by) = &request.satisfied_by else {
        return format!("{} went live {}by another's load", wanted_words(request), delay(request));
    };
    let whose = by.request.map_or_else(String::new, |id| format!(" for request #{}", id.0));
    let task = task_words(&by.task);
    let although = also(helper_failed_beside(request));
    let when = delay(request);
    let gone = also(gone_again(request));
    format!("{} went live {when}loaded by {task}{whose}, not by this request's own helper{although}{gone}", by.module)
}

fn hollow(request: &Request) -> String {
    let fact = "the helper exited 0 but nothing that was wanted is live";
    let configured = request.resolution.as_ref().and_then(|resolution| resolution.configured);
    match (why(request), request.module(), configured) {
        (Some(why), _, _) => format!("{fact}: {why}"),
        (None, Some(module), None) => {
            format!("{fact}: look for a blacklist or install line for {module} in modprobe.d")
        }
        (None, Some(module), Some(configured)) if configured.unread_files > 0 => {
            let count = configured.unread_files;
            format!("{fact}: what modprobe.d says of {module} is not known, {count} of its files could not be read")
        }
        (None, Some(module), Some(_)) => format!("{fact}, and modprobe.d says nothing against {module}"),
        (None, None, _) => fact.into(),
    }
}

fn init_failed(request: &Request) -> String {
    let Some(load) = request.failed_load() else {
        return "a load of the helper's failed".into();
    };
    load_failed(request, load)
}

/// `: WHY`, or nothing if the reason is not known.
fn because(request: &Request) -> String {
    why(request).map_or_else(String::new, |why| format!(": {why}"))
}

fn load_failed(request: &Request, load: &Load) -> String {
    let role = if request.is_dependency(load) { ", which the wanted module depends on," } else { "" };
    load::failed(load, role, concerned(request, load))
}

fn not_found(request: &Request) -> String {
    let ending = request.status().map_or_else(|| "exited 1".to_owned(), WaitStatus::words);
    match why(request) {
        Some(why) => format!("{why}; {} {ending}", helper_name(request)),
        None => format!("no module has this alias; {} {ending}", helper_name(request)),
    }
}

fn helper_failed(request: &Request) -> String {
    let ending = request.status().map_or_else(|| "failed".to_owned(), WaitStatus::words);
    let helper = request.call.as_ref().and_then(|call| call.helper);
    let pid = helper.map_or_else(String::new, |(task, _)| format!("[{}]", task.key.tgid.0));
    let tried = if request.loads.is_empty() { " without having tried a load" } else { "" };
    format!("{}{pid} {ending}{tried}{}{}", helper_name(request), also(helper::status(request)), because(request))
}

fn helper_missing(request: &Request) -> String {
    if let Some(why) = why_refused_early(request) {
        return why;
    }
    let path = request.call.as_ref().map(|call| &call.entry.path);
    let error = request.call.as_ref().and_then(|call| call.executed).and_then(|(_, result)| result.error());
    let empty = path.and_then(|path| path.text()).is_some_and(|path| path.is_empty());
    let reason = error.or(request.result.and_then(CallResult::error));
    let reason = reason.map_or_else(|| "unknown why".to_owned(), Errno::words);
    let foreign = also(helper::foreign(request));
    match (path, error) {
        (Some(_), _) if empty => NO_HELPER.into(),
        (Some(path), Some(_)) => format!("{path} could not be executed: {reason}{foreign}"),
        (Some(path), None) => format!("{path} could not be started: {reason}{foreign}"),
        (None, _) => format!("the helper could not be started: {reason}"),
    }
}

fn throttled(request: &Request) -> String {
    let after = match live_words(request) {
        Some(live) => format!("; {live} after all"),
        None => String::new(),
    };
    let inferred = if request.gaps.contains(&Gap::NothingFollowed) {
        " (inferred: it was never admitted, and its return was not seen)"
    } else {
        ""
    };
    format!("all 50 slots stayed taken for 5s, so no helper was started{inferred}{after}")
}

fn denied(request: &Request) -> String {
    let reason = request.result.and_then(CallResult::error);
    let reason = reason.map_or_else(String::new, |error| format!(": {}", error.words()));
    format!("a security module said no{reason}")
}

fn incomplete(request: &Request) -> String {
    let gaps: Vec<&str> = request.gaps.iter().map(|gap| gap.as_str()).collect();
    if gaps.is_empty() {
        // If the helper's status is known, it was a load whose end was missed.
        let unended = request.loads.iter().find(|load| load.ended.is_none() && load.live.is_none());
        let missed = unended
            .filter(|_| request.status().is_some())
            .map_or_else(|| "its helper".to_owned(), |load| format!("the load of {}", load::subject(load)));
        return format!("its outcome is unknown: how {missed} ended was not seen");
    }
    format!("its outcome is unknown: {}{}", gaps.join(", and "), also(without_index(request).map(with_depmod)))
}

/// What the helper did after its requester had gone on.
fn afterwards(request: &Request) -> String {
    let Some(call) = request.call.as_deref() else {
        return "its helper was not seen".into();
    };
    let ended = helper::ended(call, request.closed);
    match live_words(request) {
        Some(live) => format!("{ended}, and {live}"),
        None => ended,
    }
}

fn in_flight(request: &Request) -> String {
    if request.gaps.contains(&Gap::TracingEnded) {
        return format!("tracing ended while it was open, {}", stage(request));
    }
    format!("still open, {}", stage(request))
}

/// What an open request waits for.
fn stage(request: &Request) -> String {
    let Some(call) = request.call.as_deref() else {
        return format!("waiting for {}", request.awaited());
    };
    if let Some(load) = request.loads.iter().rev().find(|load| !load.closed) {
        let loader = task_words(&load.task);
        let module = load::subject(load);
        return match (load.live, load.init_begun) {
            (Some(_), _) => format!("{module} is live and {loader} waits for its asynchronous work"),
            (None, Some(_)) => format!("the init of {module} runs in {loader}"),
            (None, None) => format!("{loader} loads {module}"),
        };
    }
    waiting(request, call)
}

/// What an open request waits for while no load is under way.
fn waiting(request: &Request, call: &Call) -> String {
    let helper = call.helper.map(|(task, _)| format!("[{}]", task.key.tgid.0)).unwrap_or_default();
    if request.returned.is_some() {
        return format!("returned already, while processes of its helper {}{helper} go on", helper_name(request));
    }
    if let Some((_, status)) = call.exited {
        let ending = status.map_or_else(|| "ended".to_owned(), WaitStatus::words);
        return format!("the helper {ending} and the requester has not been seen to return");
    }
    match (call.helper, call.picked) {
        (Some(_), _) => {
            let install = helper::install_line(request).map_or_else(String::new, |words| format!(": {words}"));
            format!("waiting for the helper {}{helper}, which is still running{install}", helper_name(request))
        }
        (None, Some(_)) => "its helper is being forked".into(),
        (None, None) => "waiting for a kernel worker to start its helper".into(),
    }
}

/// `98.1ms after it was asked for, `, or nothing if that was not seen.
fn delay(request: &Request) -> String {
    request.to_live().map_or_else(String::new, |delay| format!("{delay} after it was asked for, "))
}

fn live_words(request: &Request) -> Option<String> {
    let delay = request.to_live()?;
    let module = own_live(request).and_then(|load| load.module.as_deref()).or(request.module().map(|name| &**name));
    Some(format!("{} went live {delay} after it was asked for", module.unwrap_or("the module")))
}

fn own_live(request: &Request) -> Option<&Load> {
    let wanted = request.loads.iter().rev().filter(|load| !request.is_dependency(load));
    wanted.map(|load| &**load).find(|load| load.live.is_some())
}

fn wanted_words(request: &Request) -> &str {
    request.module().map_or("the module", |module| module)
}

/// The helper's file name, without its folder.
fn helper_name(request: &Request) -> &str {
    let path = request.call.as_ref().and_then(|call| call.entry.path.text());
    let name = path.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    name.unwrap_or("the helper")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::ReturnCode;
    use crate::correlate::requests::fresh;
    use crate::entities::{CallId, LoadId, RequestId, SatisfiedBy};
    use crate::event::{
        CallEntered, Captured, Configured, FileFault, Place, Replaced, Resolution, Stamp, UnusableFile, Wait,
    };
    use crate::testing::{asked, entered};
    use std::sync::Arc;
    use trace_common::ids::CallAddress;

    fn at(milliseconds: u64) -> Stamp {
        Stamp::awake(milliseconds * 1_000_000)
    }

    fn helper() -> Task {
        Task::new(413, 413, 2, "modprobe")
    }

    /// A request for `can`, asked at 0, whose helper runs.
    fn request(verdict: Verdict) -> Request {
        let asked = asked("net-pf-29").into();
        let wanted = Wanted { name: "can".into(), ..Wanted::default() };
        let call = Call {
            id: CallId(1),
            caller: Task::new(412, 412, 1, "ping"),
            entry: entered(CallAddress(1), Wait::Proc, &["/sbin/modprobe"]).into(),
            request: Some(RequestId(1)),
            entered: at(0),
            picked: Some(at(1)),
            helper: Some((helper(), at(1))),
            executed: Some((at(2), ReturnCode::OK)),
            program: None,
            depth: 0,
            ran: true,
            exited: None,
            completed: None,
            returned: None,
            caller_gone: None,
            caller_left: None,
        };
        Request {
            verdict,
            call: Some(Arc::new(call)),
            resolution: Some(Arc::new(Resolution { known: true, modules: vec![wanted], ..Resolution::default() })),
            ..fresh(RequestId(1), at(0), Task::new(412, 412, 1, "ping"), &asked)
        }
    }

    fn call(request: &mut Request) -> &mut Call {
        Arc::make_mut(request.call.as_mut().unwrap())
    }

    fn entry(request: &mut Request) -> &mut CallEntered {
        Arc::make_mut(&mut call(request).entry)
    }

    fn resolution(request: &mut Request) -> &mut Resolution {
        Arc::make_mut(request.resolution.as_mut().unwrap())
    }

    fn place(line: u32) -> Place {
        Place::Line { file: "/etc/modprobe.d/x.conf".into(), line }
    }

    fn install(command: &str) -> Install {
        Install { command: command.into(), place: place(4) }
    }

    fn load(module: &str) -> Load {
        Load {
            request: Some(RequestId(1)),
            module: Some(module.into()),
            closed: true,
            ..Load::begun(LoadId(1), helper(), at(3))
        }
    }

    fn check(request: &Request, sentence: &str) {
        assert_eq!(explain(request), sentence);
    }

    #[test]
    fn live_says_when_and_by_whom() {
        let mut request = request(Verdict::Live);
        request.live = Some(at(98));
        request.loads = vec![Arc::new(Load { live: Some(at(98)), ..load("can") })];
        check(&request, "can went live 98.0ms after it was asked for, loaded by its own helper (modprobe[413])");
        let failed = Load { init_ended: Some((at(50), ReturnCode(-19))), ..load("other") };
        request.loads.insert(0, Arc::new(failed));
        request.result = Some(CallResult::from_return(256));
        check(
            &request,
            "can went live 98.0ms after it was asked for, loaded by its own helper (modprobe[413]); the init of other, \
             which the wanted module depends on, returned ENODEV (no such device); all the same, modprobe exited 1",
        );
    }

    #[test]
    fn already_live_distinguishes_built_in_from_loaded() {
        let mut request = request(Verdict::AlreadyLive);
        check(&request, "can was live before it was asked for; nothing had to be loaded");
        resolution(&mut request).modules = vec![Wanted { name: "ext4".into(), built_in: true, ..Wanted::default() }];
        check(&request, "ext4 is built into the kernel; nothing had to be loaded");
    }

    #[test]
    fn satisfied_by_another_says_whose_load_it_was() {
        let mut request = request(Verdict::SatisfiedByAnother);
        request.live = Some(at(5));
        let task = Task::new(300, 300, 1, "udevd");
        request.satisfied_by = Some(SatisfiedBy { module: "can".into(), task, request: Some(RequestId(3)) });
        check(
            &request,
            "can went live 5.00ms after it was asked for, loaded by udevd[300] for request #3, not by this request's \
             own helper",
        );
    }

    #[test]
    fn hollow_says_where_to_look() {
        let mut request = request(Verdict::Hollow);
        let fact = "the helper exited 0 but nothing that was wanted is live";
        check(&request, &format!("{fact}: look for a blacklist or install line for can in modprobe.d"));
        resolution(&mut request).configured = Some(Configured { ignored_lines: 1, unread_files: 0 });
        check(&request, &format!("{fact}, and modprobe.d says nothing against can"));
        resolution(&mut request).configured = Some(Configured { ignored_lines: 0, unread_files: 2 });
        check(&request, &format!("{fact}: what modprobe.d says of can is not known, 2 of its files could not be read"));
        request.loads = vec![Arc::new(Load { ended: Some((at(9), ReturnCode(-17))), ..load("can") })];
        check(&request, &format!("{fact}: the load of can ended with -EEXIST and modprobe took that for success"));
        request.loads = vec![Arc::new(Load { init_ended: Some((at(9), ReturnCode(-17))), ..load("can") })];
        check(&request, &format!("{fact}: the init of can returned -EEXIST and modprobe took that for success"));
        request.loads.clear();
        request.resolution = None;
        check(&request, fact);
    }

    #[test]
    fn hollow_says_which_line_stands_against_it() {
        let mut request = request(Verdict::Hollow);
        let wanted = |request: &mut Request, wanted| resolution(request).modules = vec![wanted];
        let can = || Wanted { name: "can".into(), ..Wanted::default() };
        wanted(&mut request, Wanted { blacklisted: Some(place(3)), ..can() });
        assert_eq!(why(&request).unwrap(), "can is blacklisted in /etc/modprobe.d/x.conf:3");
        wanted(&mut request, Wanted { blacklisted: Some(Place::CommandLine), ..can() });
        assert_eq!(why(&request).unwrap(), "can is blacklisted in the kernel command line");
        wanted(&mut request, Wanted { install: Some(install("/bin/true")), ..can() });
        let line = "an install line runs /bin/true instead of loading can (/etc/modprobe.d/x.conf:4)";
        assert_eq!(why(&request).unwrap(), line);
        check(&request, &format!("the helper exited 0 but nothing that was wanted is live: {line}"));
        entry(&mut request).path = Captured::whole("/usr/local/bin/helper");
        let helper = "the kernel's helper is /usr/local/bin/helper, not the system's modprobe (see kernel.modprobe)";
        assert_eq!(why(&request).unwrap(), format!("{helper} (modprobe itself: {line})"));
        wanted(&mut request, can());
        assert_eq!(why(&request).unwrap(), helper);
        let both = [3, 4].map(|line| Wanted { blacklisted: Some(place(line)), ..can() });
        resolution(&mut request).modules = both.into();
        entry(&mut request).path = Captured::whole("/sbin/modprobe");
        assert_eq!(
            why(&request).unwrap(),
            "can is blacklisted in /etc/modprobe.d/x.conf:3; can is blacklisted in /etc/modprobe.d/x.conf:4"
        );
    }

    #[test]
    fn other_failures_name_the_line_that_led_to_them() {
        let mut request = request(Verdict::InitFailed);
        request.loads = vec![Arc::new(Load { ended: Some((at(9), ReturnCode(-2))), ..load("can") })];
        resolution(&mut request).modules[0].replaced =
            vec![Replaced { module: "core".into(), install: install("/bin/true") }];
        check(
            &request,
            "the load of can failed before its init (ENOENT): an install line runs /bin/true instead of loading core \
             (/etc/modprobe.d/x.conf:4)",
        );
        request.loads.clear();
        request.verdict = Verdict::NotFound;
        resolution(&mut request).modules =
            vec![Wanted { name: "off".into(), missing: true, alias: Some(place(1)), ..Wanted::default() }];
        check(&request, "off, named in /etc/modprobe.d/x.conf:1, is not a module of this kernel; modprobe exited 1");
        request.verdict = Verdict::HelperFailed;
        request.result = Some(CallResult::from_return(256));
        resolution(&mut request).modules[0].install = Some(install("false"));
        check(
            &request,
            "modprobe[413] exited 1 without having tried a load: an install line runs false instead of loading off \
             (/etc/modprobe.d/x.conf:4)",
        );
        request.verdict = Verdict::Live;
        assert_eq!(why(&request), None);
    }

    #[test]
    fn init_failed_names_the_module_and_the_errno() {
        let mut request = request(Verdict::InitFailed);
        request.loads = vec![Arc::new(Load { init_ended: Some((at(9), ReturnCode(-19))), ..load("can") })];
        check(&request, "the init of can returned ENODEV (no such device)");
        request.loads = vec![Arc::new(Load { ended: Some((at(9), ReturnCode(-8))), ..load("crc16") })];
        check(
            &request,
            "the load of crc16, which the wanted module depends on, failed before its init (ENOEXEC): it is not a module \
             of this kernel: its format, its version magic or the versions of its symbols do not fit",
        );
    }

    #[test]
    fn a_line_that_does_not_hold_is_named_with_what_would() {
        let mut request = request(Verdict::Live);
        request.live = Some(at(98));
        request.loads = vec![Arc::new(Load { live: Some(at(98)), ..load("can") })];
        let live = explain(&request);
        let can = |request: &mut Request| resolution(request).modules[0].clone();
        resolution(&mut request).modules[0].spared = vec![Spared { module: "can".into(), place: place(2) }];
        let why_not = "can is blacklisted in /etc/modprobe.d/x.conf:2, but a blacklist does not apply to a module that is \
                       requested by its own name: use \"install can /bin/false\"";
        assert_eq!((explain(&request), why(&request).as_deref()), (format!("{live}; {why_not}"), Some(why_not)));
        let other = Spared { module: "core".into(), place: place(2) };
        resolution(&mut request).modules[0].spared = vec![other];
        assert!(
            explain(&request).contains("does not apply to what another module depends on"),
            "{}",
            explain(&request)
        );
        let line = |text: &str| Unapplied { line: text.into(), place: place(7), why: "it means nothing".into() };
        let unapplied = vec![line("options can x=1"), line("blacklist can")];
        resolution(&mut request).modules = vec![Wanted { spared: vec![], unapplied, ..can(&mut request) }];
        let words = "modprobe does not apply \"blacklist can\" (/etc/modprobe.d/x.conf:7): it means nothing";
        assert_eq!(why(&request).as_deref(), Some(words));
    }

    #[test]
    fn files_that_are_not_there_are_named() {
        let mut request = request(Verdict::NotFound);
        request.result = Some(CallResult::from_return(256));
        let absent = Absent { folder: "/lib/modules/6.12".into(), others: vec!["6.13".into()] };
        resolution(&mut request).absent = Some(absent.into());
        resolution(&mut request).modules.clear();
        check(
            &request,
            "no modules are installed for the running kernel: /lib/modules/6.12 is missing (6.13 is there: reboot if the kernel \
             was upgraded); modprobe exited 1",
        );
        let file = UnusableFile { module: "core".into(), path: "/m/core.ko".into(), fault: FileFault::Missing };
        let wanted = Wanted { name: "can".into(), unusable_files: vec![file], ..Wanted::default() };
        *resolution(&mut request) = Resolution { known: true, modules: vec![wanted], ..Resolution::default() };
        request.verdict = Verdict::HelperFailed;
        check(
            &request,
            "modprobe[413] exited 1 without having tried a load: can is in the index of modules, but a file that it needs, \
             /m/core.ko, is missing",
        );
    }

    #[test]
    fn a_request_that_is_refused_early_says_why() {
        let mut request = request(Verdict::HelperMissing);
        request.call = None;
        request.turned_away = Some(TurnedAway::RefusedEarly);
        request.result = Some(CallResult::from_return(-2));
        check(&request, "no helper is set: kernel.modprobe is empty");
        request.verdict = Verdict::Refused;
        request.result = Some(CallResult::from_return(-36));
        check(&request, "the name is longer than the kernel allows (55 bytes)");
        request.turned_away = None;
        assert_eq!(why(&request), None);
    }

    #[test]
    fn a_failure_beside_a_live_module_is_reported_with_it() {
        let mut request = request(Verdict::AlreadyLive);
        resolution(&mut request).modules.insert(0, Wanted { name: "vcan".into(), ..Wanted::default() });
        request.loads = vec![Arc::new(Load { init_ended: Some((at(9), ReturnCode(-19))), ..load("vcan") })];
        check(&request, "can was live before it was asked for; the init of vcan returned ENODEV (no such device)");
    }

    #[test]
    fn an_install_line_that_runs_is_named() {
        let mut request = request(Verdict::InFlight);
        resolution(&mut request).modules[0].install = Some(install("/sbin/modprobe can"));
        call(&mut request).depth = 13;
        check(
            &request,
            "still open, waiting for the helper modprobe[413], which is still running: modprobe runs the install line \
             /etc/modprobe.d/x.conf:4, which calls modprobe for it again without --ignore-install, 13 processes deep",
        );
        resolution(&mut request).modules[0].install = Some(install("/sbin/modprobe -i can; sleep 9"));
        call(&mut request).depth = 1;
        assert!(explain(&request).ends_with("modprobe runs the install line /etc/modprobe.d/x.conf:4"));
    }

    #[test]
    fn a_helper_that_found_nothing_or_failed_says_how_it_ended() {
        let mut request = request(Verdict::NotFound);
        request.result = Some(CallResult::from_return(256));
        check(&request, "no module has this alias; modprobe exited 1");
        request.verdict = Verdict::HelperFailed;
        request.result = Some(CallResult::from_return(9));
        check(&request, "modprobe[413] was killed by SIGKILL without having tried a load");
    }

    #[test]
    fn helper_missing_names_the_file() {
        let mut request = request(Verdict::HelperMissing);
        request.result = Some(CallResult::from_return(-12));
        check(&request, "/sbin/modprobe could not be started: ENOMEM (out of memory)");
        entry(&mut request).path = Captured::whole("/nonexistent");
        call(&mut request).executed = Some((at(2), ReturnCode(-2)));
        check(
            &request,
            "/nonexistent could not be executed: ENOENT (no such file or directory); the kernel's helper is /nonexistent, not the \
             system's modprobe (see kernel.modprobe)",
        );
        entry(&mut request).path = Captured::whole("");
        check(&request, "no helper is set: kernel.modprobe is empty");
    }

    #[test]
    fn what_never_started_says_why() {
        check(
            &request(Verdict::Refused),
            "helpers were disabled, as in suspend, shutdown and early boot, so none was started: ask again later",
        );
        let mut request = request(Verdict::Throttled);
        request.gaps = vec![Gap::NothingFollowed];
        check(
            &request,
            "all 50 slots stayed taken for 5s, so no helper was started (inferred: it was never admitted, and its \
             return was not seen)",
        );
        request.verdict = Verdict::Denied;
        request.result = Some(CallResult::from_return(-1));
        check(&request, "a security module said no: EPERM (operation not permitted)");
    }

    #[test]
    fn abandoned_and_unwaited_say_what_became_of_the_helper() {
        let mut request = request(Verdict::Abandoned);
        check(&request, "the requester was killed while it waited; its helper goes on");
        call(&mut request).exited = Some((at(9), Some(WaitStatus::SUCCESS)));
        request.live = Some(at(8));
        check(
            &request,
            "the requester was killed while it waited; its helper exited 0, and can went live 8.00ms after it was \
             asked for",
        );
        request.verdict = Verdict::Unwaited;
        request.live = None;
        check(&request, "the requester did not wait for the helper's end; its helper exited 0");
    }

    #[test]
    fn in_flight_says_what_is_waited_for() {
        let mut request = request(Verdict::InFlight);
        check(&request, "still open, waiting for the helper modprobe[413], which is still running");
        request.loads = vec![Arc::new(Load { closed: false, init_begun: Some(at(4)), ..load("can") })];
        check(&request, "still open, the init of can runs in modprobe[413]");
        request.call = None;
        request.loads.clear();
        check(&request, "still open, waiting for a slot");
    }

    #[test]
    fn incomplete_names_the_gaps() {
        let mut request = request(Verdict::Incomplete);
        request.gaps = vec![Gap::ReturnUnseen, Gap::EventsLost];
        check(
            &request,
            "its outcome is unknown: the requester's return was not seen, and events were lost while it \
             was open",
        );
    }
}
