//! Loads the probes into the kernel and attaches each moment's best rung that works.
//!
//! In: the embedded object, which rungs may be used, this kernel's types and addresses. Out: the attached programs
//! (they stay while [`Attached`] lives) and, per moment, what was attached and what was refused. One missing hook never
//! ends it; only a kernel on which nothing can be followed does.

use super::bpf::{self, Function, Kprobes, Refused, Type};
use super::btf::Types;
use super::detach;
use super::hooks::{HookChoice, LADDERS, Ladder, Mechanism, NEEDED, Program, Rung};
use super::object::{Object, ObjectError, Overrides};
use super::snapshot;
use aya::maps::Map;
use modtrail_core::event::Hook;
use rustix::param::page_size;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use trace_common::kind::{Kind, Ring};
use trace_common::settings::{DeviceOffsets, Settings};
use zerocopy::IntoBytes as _;

/// The probes, built for this architecture.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/trace-ebpf"));
/// The same with debug messages.
static LOGGING_OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/trace-ebpf-log"));

/// Why nothing can be traced here.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The kernel did not accept the object or one of its maps.
    #[error("cannot load the probes into this kernel")]
    Load(#[from] ObjectError),
    /// The person quit before it was done.
    #[error("attaching was given up")]
    GivenUp,
    /// A moment without which no request can be followed has no hook here.
    #[error("cannot see the moment \"{moment}\": {answers}")]
    Blind {
        /// The moment.
        moment: &'static str,
        /// What was tried, and what the kernel answered.
        answers: Arc<str>,
        /// What every moment got.
        hooks: Vec<Hook>,
        /// The kernel answered that it is not allowed.
        denied: bool,
    },
}

/// How the probes are to be loaded.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which rungs may be taken.
    pub choice: HookChoice,
    /// Rungs that may not be used: those with one of these in their name.
    pub without: Vec<String>,
    /// Tasks can be preempted in this kernel.
    pub preemptible: bool,
    /// The probes' settings.
    pub settings: Settings,
    /// The offsets of what probes about devices read.
    pub device_offsets: DeviceOffsets,
    /// The addresses of functions that kprobes are attached to, if they are known already.
    pub addresses: BTreeMap<&'static str, u64>,
    /// The kernel's version, major and minor.
    pub release: (u32, u32),
    /// The ring buffer's size in bytes: a power of two, at least a page.
    pub ring_bytes: u32,
    /// How many tasks are followed at once.
    pub tracked: u32,
    /// Whether the probes write debug messages.
    pub log: ProbeLog,
}

/// Whether the probes write debug messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeLog {
    /// They do.
    On,
    /// They do not; the code for it is left out.
    Off,
}

/// How far attaching has come: how many moments are done, of [`LADDERS`]. A thread that waits for it may look at this,
/// and may end it.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    given_up: AtomicBool,
}

impl Progress {
    /// How many moments are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Nobody wants it any more: it ends before the next moment.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// One more is done.
    fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// The attached probes.
pub struct Attached {
    object: Object,
    types: Types,
    /// How kprobes are attached here, or that they cannot be; asked for with the first one.
    kprobes: Option<Result<Kprobes, Arc<str>>>,
    /// What is in the kernel, by the program's name.
    programs: BTreeMap<&'static str, Held>,
    /// What each moment got.
    pub hooks: Vec<Hook>,
}

/// An attached program.
pub struct Held {
    /// The moment that it sees.
    pub moment: Kind,
    /// How it is attached.
    pub mechanism: Mechanism,
    /// The program.
    pub program: OwnedFd,
    /// What keeps it attached.
    link: OwnedFd,
}

impl Held {
    /// What keeps it attached.
    #[must_use]
    pub fn link(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// Loads and attaches. Moments late in a request's life come first, so that no request is seen to begin whose end could
/// not be seen.
///
/// # Errors
/// [`AttachError`] if the kernel accepts no eBPF program of ours, or a required moment has no hook.
pub fn attach(plan: &Plan, types: Types, progress: &Progress) -> Result<Attached, AttachError> {
    let object = match plan.log {
        ProbeLog::On => LOGGING_OBJECT,
        ProbeLog::Off => OBJECT,
    };
    let rings = Ring::ALL.map(|ring| (ring.map(), ring_bytes(ring, plan.ring_bytes)));
    let overrides = Overrides {
        constants: vec![("SETTINGS", plan.settings.as_bytes()), ("DEVICE_OFFSETS", plan.device_offsets.as_bytes())],
        sizes: rings.into_iter().chain([("TASKS", plan.tracked)]).collect(),
    };
    let object = Object::open(object, &overrides)?;
    let mut attached = Attached { object, types, kprobes: None, programs: BTreeMap::new(), hooks: Vec::new() };
    let mut denied = false;
    for ladder in LADDERS.iter().rev() {
        if progress.given_up.load(Ordering::Relaxed) {
            return Err(AttachError::GivenUp);
        }
        let hook = attached.climb(ladder, plan, &mut denied);
        attached.hooks.push(hook);
        progress.step();
    }
    attached.hooks.reverse();
    let blind = attached.hooks.iter().find(|hook| NEEDED.contains(&hook.moment) && hook.attached.is_none());
    if let Some((moment, answers)) = blind.map(|hook| (hook.moment.name(), hook.refused.clone())) {
        return Err(AttachError::Blind { moment, answers, hooks: std::mem::take(&mut attached.hooks), denied });
    }
    Ok(attached)
}

/// The size of a ring, of which that of requests has `bytes`: a power of two, and at least a page.
fn ring_bytes(ring: Ring, bytes: u32) -> u32 {
    let part = match ring {
        Ring::Requests => 1,
        Ring::Loads => 2,
        Ring::Devices => 8,
        Ring::Suspend => 16,
    };
    (bytes / part).max(u32::try_from(page_size()).unwrap_or(0))
}

/// Why a program is not attached.
struct Answer {
    /// In words.
    words: String,
    /// It is not allowed.
    denied: bool,
}

impl From<String> for Answer {
    fn from(words: String) -> Self {
        Self { words, denied: false }
    }
}

impl From<io::Error> for Answer {
    fn from(error: io::Error) -> Self {
        Self { words: error.to_string(), denied: error.kind() == io::ErrorKind::PermissionDenied }
    }
}

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        Self { words: refused.to_string(), denied: refused.answer.kind() == io::ErrorKind::PermissionDenied }
    }
}

impl Drop for Attached {
    /// Detaches everything, without waiting for it.
    fn drop(&mut self) {
        detach::leave(std::mem::take(&mut self.programs).into_values().map(|held| held.link).collect());
    }
}

impl Attached {
    /// Takes out one of the probes' maps.
    pub fn take_map(&mut self, name: &str) -> Option<Map> {
        self.object.take_map(name)
    }

    /// Whether a kprobe is attached that could not be attached again without CAP_SYS_ADMIN.
    #[must_use]
    pub fn has_guarded_kprobes(&self) -> bool {
        snapshot::paranoia().is_some() && self.programs().any(|held| held.mechanism.is_kprobe())
    }

    /// What is attached.
    pub fn programs(&self) -> impl Iterator<Item = &Held> {
        self.programs.values()
    }

    /// Attaches the hooks of these moments again, and everything that is attached in the same way: what made one probe
    /// stop firing has probably affected others of its type. The ones that do not fire come first.
    pub fn renew(&mut self, plan: &Plan, deaf: &[Kind]) {
        let held = self.programs().filter(|held| deaf.contains(&held.moment));
        let mechanisms: Vec<Mechanism> = held.map(|held| held.mechanism).collect();
        let mut ladders: Vec<(usize, &Ladder)> = LADDERS.iter().enumerate().rev().collect();
        ladders.sort_by_key(|(_, ladder)| !deaf.contains(&ladder.moment));
        for (place, ladder) in ladders {
            if !self.programs().any(|held| held.moment == ladder.moment && mechanisms.contains(&held.mechanism)) {
                continue;
            }
            self.programs.retain(|_, held| held.moment != ladder.moment);
            let hook = self.climb(ladder, plan, &mut false);
            if let Some(known) = self.hooks.get_mut(place) {
                *known = hook;
            }
        }
    }

    /// Takes the first rung that works. `denied` is set if the kernel answers that one is not allowed.
    fn climb(&mut self, ladder: &Ladder, plan: &Plan, denied: &mut bool) -> Hook {
        if let Some(function) = ladder.only_with
            && self.types.has_no_function(function)
        {
            return Hook {
                moment: ladder.moment,
                attached: None,
                may_miss: false,
                loses: "".into(),
                refused: format!("this kernel has no {function}: it does not happen here").into(),
            };
        }
        let mut refused = Vec::new();
        for rung in ladder.order(plan.choice, plan.preemptible) {
            let name = rung.name();
            let answer = match plan.without.iter().find(|words| name.contains(words.as_str())) {
                Some(words) => Err(format!("left out by --without \"{words}\"").into()),
                None => self.take(ladder.moment, rung, plan),
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
                Err(answer) => {
                    *denied |= answer.denied;
                    refused.push(format!("{name}: {}", answer.words));
                }
            }
        }
        if refused.is_empty() {
            refused.push("no hook of the allowed kind".to_owned());
        }
        Hook {
            moment: ladder.moment,
            attached: None,
            may_miss: true,
            loses: ladder.without.into(),
            refused: refused.join("; ").into(),
        }
    }

    /// Attaches all programs of a rung, or none; returns why not.
    fn take(&mut self, moment: Kind, rung: &Rung, plan: &Plan) -> Result<(), Answer> {
        rung.requires.check(plan.release, &plan.settings, &plan.device_offsets).map_err(str::to_owned)?;
        let mut taken = Vec::new();
        for program in rung.programs {
            taken.push((program.name, self.one(moment, program, plan)?));
        }
        self.programs.extend(taken);
        Ok(())
    }

    fn one(&mut self, moment: Kind, program: &Program, plan: &Plan) -> Result<Held, Answer> {
        let Program { mechanism, name, target } = *program;
        let kind = match mechanism {
            Mechanism::Fentry => Type::Fentry { of: self.types.function(target)? },
            Mechanism::Fexit => Type::Fexit { of: self.types.function(target)? },
            Mechanism::BtfTracepoint => Type::BtfTracepoint { of: self.types.tracepoint(target)? },
            Mechanism::RawTracepoint => Type::RawTracepoint,
            Mechanism::Kprobe | Mechanism::Kretprobe => Type::Kprobe,
        };
        let loaded = self.object.load(name, kind);
        let loaded = loaded.ok_or_else(|| "the object does not hold this program".to_owned())??;
        let program = loaded.as_fd();
        let link = match mechanism {
            Mechanism::Fentry | Mechanism::Fexit | Mechanism::BtfTracepoint => bpf::attach(program, None)?,
            Mechanism::RawTracepoint => bpf::attach(program, Some(target))?,
            Mechanism::Kprobe | Mechanism::Kretprobe => {
                let function = Function { name: target, address: plan.addresses.get(target).copied().unwrap_or(0) };
                let attached =
                    bpf::attach_kprobe(program, self.kprobes()?, function, mechanism == Mechanism::Kretprobe);
                attached.map_err(paranoid)?
            }
        };
        Ok(Held { moment, mechanism, program: loaded, link })
    }

    fn kprobes(&mut self) -> Result<Kprobes, String> {
        let found = self.kprobes.get_or_insert_with(|| Kprobes::find().map_err(|error| without_kprobes(&error).into()));
        found.clone().map_err(|why| why.to_string())
    }
}

/// What the kernel answered to a kprobe, with its reason if that is known.
fn paranoid(error: io::Error) -> Answer {
    let denied = error.raw_os_error() == Some(libc::EACCES);
    let Some(value) = snapshot::paranoia().filter(|_| denied) else { return error.into() };
    let words = format!("{error}: kernel.perf_event_paranoid is {value}, so kprobes take CAP_SYS_ADMIN");
    Answer { words, denied: true }
}

/// The sentence for a kernel on which kprobes cannot be used.
fn without_kprobes(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        format!("the kernel has no kprobes ({error})")
    } else {
        format!("kprobes cannot be attached: {error}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objects_hold_no_debug_information() {
        for object in [OBJECT, LOGGING_OBJECT] {
            assert!(!object.windows(b".debug_info".len()).any(|bytes| bytes == b".debug_info"));
        }
    }
}
