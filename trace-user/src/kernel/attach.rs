//! Loads the probes into the kernel and attaches each moment's best rung that holds.
//!
//! In: the embedded object, which rungs may be taken, struct offsets and addresses of this kernel. Out: the attached
//! programs (they stay while [`Attached`] lives) and, per moment, what was taken and what was refused. One missing
//! hook never ends it; only a kernel on which nothing can be followed does.

use super::hooks::{HookChoice, LADDERS, Ladder, Mechanism, NEEDED, Program, Rung};
use crate::event::Hook;
use aya::programs::{BtfTracePoint, FEntry, FExit, KProbe, ProgramError, RawTracePoint};
use aya::{Btf, Ebpf, EbpfLoader, Pod};
use std::sync::Arc;
use trace_common::kind::Kind;
use trace_common::settings::{Settings, UNKNOWN};

/// The probes, built for this architecture.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/trace-ebpf"));

/// Why nothing can be traced here.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The kernel did not take the object or one of its maps.
    #[error("cannot load the probes into this kernel")]
    Load(#[source] Box<aya::EbpfError>),
    /// A moment without which no request can be followed has no hook here.
    #[error("cannot see the moment \"{moment}\": {answers}")]
    Blind {
        /// The moment.
        moment: &'static str,
        /// What was tried, and what the kernel answered.
        answers: Arc<str>,
        /// What every moment got.
        hooks: Vec<Hook>,
        /// The kernel's answer was that it is not allowed.
        denied: bool,
    },
}

/// How the probes are to be loaded.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which rungs may be taken.
    pub choice: HookChoice,
    /// Rungs that are not: those with one of these in their name.
    pub without: Vec<String>,
    /// Tasks can be preempted in this kernel.
    pub preemptible: bool,
    /// What the probes are told.
    pub settings: Settings,
    /// The kernel's version, major and minor.
    pub release: (u32, u32),
    /// The ring buffer's size in bytes: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Whether the probes write debug messages.
    pub log: ProbeLog,
}

/// Whether the probes write debug messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeLog {
    /// They do.
    On,
    /// They do not, and the code for it is not even verified.
    Off,
}

/// The attached probes.
pub struct Attached {
    /// The loaded object; dropping it detaches everything.
    pub ebpf: Ebpf,
    /// What each moment got.
    pub hooks: Vec<Hook>,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SettingsPod(Settings);

// SAFETY: `Settings` is `repr(C)` of integers without padding (asserted where it is defined), so all its bytes are
// initialised and any bytes are valid.
#[expect(unsafe_code, reason = "aya copies the settings into the object as bytes")]
unsafe impl Pod for SettingsPod {}

/// Loads and attaches. Moments late in a request's life come first, so that no request is seen to begin whose end
/// could not be seen.
///
/// # Errors
/// [`AttachError`] where the kernel takes no eBPF of ours, or a needed moment has no hook.
pub fn attach(plan: &Plan) -> Result<Attached, AttachError> {
    let settings = SettingsPod(plan.settings);
    let level: u8 = match plan.log {
        ProbeLog::On => 5,
        ProbeLog::Off => 0,
    };
    let types = Btf::from_sys_fs().ok();
    let types = types.as_ref();
    let mut ebpf = EbpfLoader::new()
        .btf(types)
        .override_global("SETTINGS", &settings, true)
        .override_global("AYA_LOG_LEVEL", &level, false)
        .map_max_entries("EVENTS", plan.ring_bytes)
        .load(OBJECT)
        .map_err(|error| AttachError::Load(Box::new(error)))?;
    let mut hooks: Vec<Hook> = LADDERS.iter().rev().map(|ladder| climb(&mut ebpf, ladder, plan, types)).collect();
    hooks.reverse();
    let blind = hooks.iter().find(|hook| NEEDED.contains(&hook.moment) && hook.attached.is_none());
    if let Some((moment, answers)) = blind.map(|hook| (hook.moment.name(), hook.refused.clone())) {
        let denied = answers.contains("Operation not permitted") || answers.contains("Permission denied");
        return Err(AttachError::Blind { moment, answers, hooks, denied });
    }
    Ok(Attached { ebpf, hooks })
}

/// Attaches anew what these moments are seen by, and everything that is attached in the same way: whatever made a probe deaf
/// is likely to have done so to its like. The deaf ones come first.
pub fn renew(attached: &mut Attached, plan: &Plan, deaf: &[Kind]) {
    let types = Btf::from_sys_fs().ok();
    let mechanisms: Vec<Mechanism> = deaf.iter().flat_map(|moment| held(&attached.hooks, *moment)).collect();
    let mut ladders: Vec<(usize, &Ladder)> = LADDERS.iter().enumerate().rev().collect();
    ladders.sort_by_key(|(_, ladder)| !deaf.contains(&ladder.moment));
    for (place, ladder) in ladders {
        let rung = rung_of(&attached.hooks, ladder);
        let Some(rung) = rung.filter(|rung| rung.programs.iter().any(|it| mechanisms.contains(&it.mechanism))) else {
            continue;
        };
        rung.programs.iter().for_each(|program| withdraw(&mut attached.ebpf, program));
        let hook = climb(&mut attached.ebpf, ladder, plan, types.as_ref());
        if let Some(known) = attached.hooks.get_mut(place) {
            *known = hook;
        }
    }
}

/// How the moment is seen.
fn held(hooks: &[Hook], moment: Kind) -> Vec<Mechanism> {
    let ladder = LADDERS.iter().find(|ladder| ladder.moment == moment);
    let rung = ladder.and_then(|ladder| rung_of(hooks, ladder));
    rung.map_or_else(Vec::new, |rung| rung.programs.iter().map(|program| program.mechanism).collect())
}

/// The rung that a ladder's moment stands on.
fn rung_of(hooks: &[Hook], ladder: &Ladder) -> Option<&'static Rung> {
    let attached = hooks.iter().find(|hook| hook.moment == ladder.moment)?.attached.clone()?;
    ladder.rungs.iter().find(|rung| *rung.name() == *attached)
}

/// Takes the first rung that holds.
fn climb(ebpf: &mut Ebpf, ladder: &Ladder, plan: &Plan, types: Option<&Btf>) -> Hook {
    let mut refused = Vec::new();
    for rung in ladder.order(plan.choice, plan.preemptible) {
        let name = rung.name();
        let answer = match plan.without.iter().find(|words| name.contains(words.as_str())) {
            Some(words) => Err(format!("left out by --without \"{words}\"")),
            None => take(ebpf, rung, plan, types),
        };
        match answer {
            Ok(()) => {
                return Hook {
                    moment: ladder.moment,
                    attached: Some(name.into()),
                    may_miss: rung.may_miss,
                    loses: rung.loses.into(),
                    refused: refused.join("; ").into(),
                };
            }
            Err(answer) => refused.push(format!("{name}: {answer}")),
        }
    }
    if refused.is_empty() {
        refused.push("no hook of the allowed kind".to_owned());
    }
    Hook {
        moment: ladder.moment,
        attached: None,
        may_miss: true,
        loses: lost_without(ladder.moment).into(),
        refused: refused.join("; ").into(),
    }
}

/// What is lost where a moment is not seen at all.
const fn lost_without(moment: Kind) -> &'static str {
    match moment {
        Kind::Requested | Kind::CallEntered | Kind::Live => "everything",
        Kind::Denied => "that a security module said no: such a request looks like one that nothing followed",
        Kind::Throttled => "that a request was turned away: it is inferred where all slots were taken",
        Kind::Admitted => "the instant of admission: the call's entry, microseconds later, stands for it",
        Kind::CallReturned => "results and total times; the helper's own end stands for the result",
        Kind::CallPicked => "the border between queue and fork_exec",
        Kind::Born | Kind::Exited => "which loads belong to a request, and the helper's end",
        Kind::Executed => "the border between fork_exec and user, and why a helper could not be started",
        Kind::Completed => "the exact border between user and wake: the helper's exit stands for it",
        Kind::CallerGone | Kind::Forked => "loads by descendants of a helper",
        Kind::LoadBegan | Kind::LoadEnded => "when loads begin and end, and loads that fail early",
        Kind::Named => "the names of loads that lost to another copy of their module",
        Kind::ImageRead => "how many bytes a load reads",
        Kind::Coming => "nothing that init begun does not show",
        Kind::InitBegun | Kind::InitEnded => "how long init takes and how it fails",
        Kind::Going | Kind::Freed => "that a module was unloaded",
        Kind::SuspendBegan => "who suspends and how: an attempt begins where user space is frozen",
        Kind::SuspendEnded => "the result of suspending: an attempt ends where helpers are enabled again",
        Kind::PhaseSeen => "the phases of suspend and resume",
        Kind::FreezeBegan | Kind::FreezeEnded => "when user space was frozen, and who was frozen half way",
        Kind::ThawBegan => "when user space was thawed",
        Kind::DisableBegan | Kind::DisableEnded => "that helpers were disabled, who was drained and who was refused",
        Kind::DepthSet => "when helpers were enabled again: the thaw stands for it",
        Kind::FirmwareBegan | Kind::FirmwareEnded => "requests for firmware",
        Kind::FallbackBegan | Kind::FallbackEnded => "that firmware was asked of user space, and how long that took",
        Kind::LockBegan | Kind::LockEnded | Kind::Unlocked => "who keeps helpers enabled, and holds suspend up by it",
    }
}

/// Attaches all programs of a rung, or none and says why.
fn take(ebpf: &mut Ebpf, rung: &Rung, plan: &Plan, types: Option<&Btf>) -> Result<(), String> {
    for (index, program) in rung.programs.iter().enumerate() {
        let attached =
            fits(program, plan).and_then(|()| one(ebpf, program, types).map_err(|error| chain(error.as_ref())));
        if let Err(answer) = attached {
            for program in rung.programs.iter().take(index + 1) {
                withdraw(ebpf, program);
            }
            return Err(answer);
        }
    }
    Ok(())
}

/// Whether what the program hooks means on this kernel what it is taken for.
fn fits(program: &Program, plan: &Plan) -> Result<(), String> {
    match program.target {
        // Shared with other chains: it needs the address of the modules' own, and in 5.10 it fires at every process exit
        // (kernel/exit.c `profile_task_exit`); 6.1 is the first that was seen not to.
        "blocking_notifier_call_chain" if plan.settings.module_notify_list == 0 => {
            Err("the address of module_notify_list is not in /proc/kallsyms".to_owned())
        }
        "blocking_notifier_call_chain" if plan.release < (6, 1) => {
            Err("not used before 6.1, where it may fire at every process exit".to_owned())
        }
        "down_timeout" if plan.release < (6, 4) => Err("slots are no semaphore before 6.4".to_owned()),
        "free_modprobe_argv" if plan.settings.offsets.call_retval == UNKNOWN => {
            Err("the kernel's BTF does not tell where a call keeps its result".to_owned())
        }
        _ => Ok(()),
    }
}

fn one(ebpf: &mut Ebpf, program: &Program, btf: Option<&Btf>) -> Result<(), Box<dyn std::error::Error>> {
    let Program { mechanism, name, target } = *program;
    let slot = ebpf.program_mut(name).ok_or("the object does not hold this program")?;
    let types = || btf.ok_or("the kernel carries no BTF (/sys/kernel/btf/vmlinux)");
    match mechanism {
        Mechanism::Fentry => {
            let probe: &mut FEntry = slot.try_into()?;
            probe.load(target, types()?)?;
            probe.attach()?;
        }
        Mechanism::Fexit => {
            let probe: &mut FExit = slot.try_into()?;
            probe.load(target, types()?)?;
            probe.attach()?;
        }
        Mechanism::BtfTracepoint => {
            let probe: &mut BtfTracePoint = slot.try_into()?;
            probe.load(target, types()?)?;
            probe.attach()?;
        }
        Mechanism::RawTracepoint => {
            let probe: &mut RawTracePoint = slot.try_into()?;
            probe.load()?;
            probe.attach(target)?;
        }
        Mechanism::Kprobe | Mechanism::Kretprobe => {
            let probe: &mut KProbe = slot.try_into()?;
            probe.load()?;
            probe.attach(target, 0)?;
        }
    }
    Ok(())
}

/// Takes a program out of the kernel again, wherever its attaching has come to.
fn withdraw(ebpf: &mut Ebpf, program: &Program) {
    let Some(slot) = ebpf.program_mut(program.name) else { return };
    // One that was not loaded says so, which is what is wanted.
    let _ = match program.mechanism {
        Mechanism::Fentry => <&mut FEntry>::try_from(slot).and_then(FEntry::unload),
        Mechanism::Fexit => <&mut FExit>::try_from(slot).and_then(FExit::unload),
        Mechanism::BtfTracepoint => <&mut BtfTracePoint>::try_from(slot).and_then(BtfTracePoint::unload),
        Mechanism::RawTracepoint => <&mut RawTracePoint>::try_from(slot).and_then(RawTracePoint::unload),
        Mechanism::Kprobe | Mechanism::Kretprobe => <&mut KProbe>::try_from(slot).and_then(KProbe::unload),
    };
}

/// An error and its causes in one line, each said once; of the verifier's log, which runs to pages, the last line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let said = cause.to_string();
        let said = said.split(". Verifier output").next().unwrap_or_default().lines().next().unwrap_or_default();
        if !words.iter().any(|word| word.contains(said)) {
            words.push(said.to_owned());
        }
        next = cause.source();
    }
    if let Some(ProgramError::LoadError { verifier_log, .. }) = downcast(error) {
        let log = verifier_log.to_string();
        let is_figure =
            |line: &str| ["processed", "stack depth", "verification time"].iter().any(|word| line.starts_with(word));
        let last = log.lines().rev().find(|line| !line.trim().is_empty() && !is_figure(line));
        words.extend(last.map(|line| format!("verifier: {line}")));
    }
    words.join(": ")
}

fn downcast<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a ProgramError> {
    error.downcast_ref()
}
