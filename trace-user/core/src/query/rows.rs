//! What each kind of row holds.
//!
//! In: a row of the model. Out: its facts, field by field. What was not seen is not there.

#![expect(clippy::wildcard_enum_match_arm, reason = "a row has some of the fields, and holds nothing in the others")]

use super::field::Field;
use super::term::Fact;
use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::attribution::container::{container, unit};
use crate::attribution::family::family;
use crate::attribution::known::known_as;
use crate::attribution::purpose::purpose;
use crate::entities::{Call, Cycle, Device, Firmware, Load, Request, Timed, Unload};
use crate::event::{Captured, Hook, NO_LOGIN, Origin, Privileges, Task};
use crate::explain;
use crate::explain::load::{explain_unload, why};
use crate::findings::Finding;
use crate::model::Model;
use crate::model::duplicates::Group;
use trace_common::time::Nanos;

/// Where facts go.
pub type Each<'e> = dyn FnMut(Fact<'_>) + 'e;

/// A row that a query can be asked of.
pub trait Row {
    /// The fields that it can have.
    fn fields(&self) -> &'static [Field];

    /// Passes on what it holds in `field`: nothing, one fact, or several.
    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>);
}

impl Request {
    /// The fields of requests.
    pub const FIELDS: &'static [Field] = &[
        Field::Alias,
        Field::Verdict,
        Field::Served,
        Field::Module,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Exit,
        Field::Signal,
        Field::Total,
        Field::ToLive,
        Field::At,
        Field::Uid,
        Field::Loginuid,
        Field::Caps,
        Field::Userns,
        Field::Unprivileged,
        Field::Exe,
        Field::Unit,
        Field::Container,
        Field::Cgroup,
        Field::Family,
        Field::Helper,
        Field::Argv,
        Field::Wait,
        Field::Slot,
        Field::Duplicates,
        Field::Device,
        Field::Parent,
        Field::Id,
        Field::State,
        Field::Why,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) = (self.result.map(CallResult::as_return), self.result.and_then(CallResult::error));
        Usual { row: self, kind: "request", id: self.id.0, task: &self.task, result, error }
    }
}

impl Row for Request {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Alias => {
                captured(&self.requested.alias, each);
                text(self.requested.alias.text().and_then(|alias| known_as(alias)).as_deref(), each);
            }
            Field::Verdict => each(Fact::Word(self.verdict.as_str())),
            Field::Served => {
                if let Some(served) = self.served {
                    each(Fact::Word(if served.result.failed() { "no" } else { "yes" }));
                }
            }
            Field::Caps | Field::Userns | Field::Unprivileged => {
                if let Some(privileges) = &self.requested.privileges {
                    may(privileges, field, each);
                }
            }
            Field::Module => {
                let wanted = self.resolution.iter().flat_map(|resolution| &resolution.modules);
                wanted.for_each(|wanted| each(Fact::Text(&wanted.name)));
                self.loads.iter().filter_map(|load| load.module.as_deref()).for_each(|module| each(Fact::Text(module)));
            }
            Field::Family => {
                let alias = self.requested.alias.text().map_or("", |alias| alias);
                text(family(alias, &self.requested.stack), each);
            }
            Field::Pid => {
                self.usual().facts(field, model, each);
                if let Some((helper, _)) = self.call.as_ref().and_then(|call| call.helper) {
                    pids(&helper, each);
                }
            }
            Field::Exe => text(self.requested.exe.as_deref(), each),
            Field::Uid => each(Fact::Number(self.requested.uid.into())),
            Field::Loginuid => login(self.requested.loginuid, each),
            Field::Cgroup | Field::Unit | Field::Container => place(self.requested.cgroup.as_deref(), field, each),
            Field::Parent => each_number(self.parent.map(|parent| parent.0), each),
            Field::Helper | Field::Argv | Field::Wait => {
                if let Some(call) = self.call.as_deref() {
                    helper(call, field, each);
                }
            }
            Field::Exit | Field::Signal => ended(self.status(), field, each),
            Field::ToLive => time(self.to_live(), each),
            Field::Slot => {
                if let Some(slot) = self.slot(model.now()) {
                    each(Fact::Word(slot.as_str()));
                }
            }
            Field::Device => self.loads.iter().for_each(|load| devices(load, model, each)),
            Field::Duplicates => {
                let counts = self.duplicates;
                each(Fact::Number(i64::from(counts.same_alias) + i64::from(counts.same_module)));
            }
            Field::Why => text(explain::why(self).as_deref(), each),
            _ => self.usual().facts(field, model, each),
        }
    }
}

impl Load {
    /// The fields of loads.
    pub const FIELDS: &'static [Field] = &[
        Field::Module,
        Field::File,
        Field::Device,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Size,
        Field::Init,
        Field::ToLive,
        Field::Total,
        Field::At,
        Field::Uid,
        Field::Loginuid,
        Field::Exe,
        Field::Parent,
        Field::Unit,
        Field::Container,
        Field::Cgroup,
        Field::Id,
        Field::State,
        Field::Why,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) = (self.ended.map(|(_, result)| result.0), self.error());
        Usual { row: self, kind: "load", id: self.id.0, task: &self.task, result, error }
    }
}

impl Row for Load {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Module => text(self.module.as_deref(), each),
            Field::File => text(self.file.as_ref().map(|file| &*file.name), each),
            Field::Device => devices(self, model, each),
            Field::Size => each_number(self.bytes, each),
            Field::Init => time(self.init_time(), each),
            Field::ToLive => time(self.to_live(), each),
            Field::Why => text(why(self).as_deref(), each),
            _ => {
                self.usual().facts(field, model, each);
                origin(self.origin.as_deref(), field, each);
            }
        }
    }
}

impl Unload {
    /// The fields of unloads.
    pub const FIELDS: &'static [Field] = &[
        Field::Module,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Total,
        Field::At,
        Field::Uid,
        Field::Loginuid,
        Field::Exe,
        Field::Parent,
        Field::Unit,
        Field::Container,
        Field::Cgroup,
        Field::Id,
        Field::State,
        Field::Why,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) =
            (self.ended.map(|(_, result)| result.0), self.ended.and_then(|(_, result)| result.error()));
        Usual { row: self, kind: "unload", id: self.id.0, task: &self.task, result, error }
    }
}

impl Row for Unload {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Module => captured(&self.module, each),
            Field::Why => text(self.failed().then(|| explain_unload(self)).as_deref(), each),
            _ => {
                self.usual().facts(field, model, each);
                origin(self.origin.as_deref(), field, each);
            }
        }
    }
}

impl Call {
    /// The fields of helper calls that serve no request.
    pub const FIELDS: &'static [Field] = &[
        Field::Helper,
        Field::Argv,
        Field::Purpose,
        Field::Comm,
        Field::Pid,
        Field::Wait,
        Field::Result,
        Field::Errno,
        Field::Exit,
        Field::Signal,
        Field::Total,
        Field::At,
        Field::Id,
        Field::State,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) = (self.returned.map(|(_, result)| result.as_return()), self.error());
        Usual { row: self, kind: "helper_call", id: self.id.0, task: &self.caller, result, error }
    }
}

impl Row for Call {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Helper | Field::Argv | Field::Wait => helper(self, field, each),
            Field::Purpose => text(purpose(self), each),
            Field::Pid => {
                self.usual().facts(field, model, each);
                if let Some((helper, _)) = self.helper {
                    pids(&helper, each);
                }
            }
            Field::Exit | Field::Signal => ended(self.exited.and_then(|(_, status)| status), field, each),
            _ => self.usual().facts(field, model, each),
        }
    }
}

impl Firmware {
    /// The fields of requests for firmware.
    pub const FIELDS: &'static [Field] = &[
        Field::File,
        Field::Device,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Total,
        Field::At,
        Field::Id,
        Field::State,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) = (self.result().map(|result| result.0), self.result().and_then(ReturnCode::error));
        Usual { row: self, kind: "firmware", id: self.id.0, task: &self.task, result, error }
    }
}

impl Row for Firmware {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::File => captured(&self.file.name, each),
            Field::Device => captured(&self.file.device, each),
            _ => self.usual().facts(field, model, each),
        }
    }
}

impl Device {
    /// The fields of devices.
    pub const FIELDS: &'static [Field] = &[
        Field::Device,
        Field::Alias,
        Field::Module,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Total,
        Field::At,
        Field::Id,
        Field::State,
        Field::Kind,
    ];

    fn usual(&self) -> Option<Usual<'_, Self>> {
        let last = self.attempts.last();
        let task = last.map(|last| &last.task).or_else(|| self.announced.as_ref().map(|announced| &announced.task))?;
        let (result, error) =
            (last.and_then(|last| last.outcome.as_return()), last.and_then(|last| last.outcome.error()));
        Some(Usual { row: self, kind: "device", id: self.id.0, task, result, error })
    }
}

impl Row for Device {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Device => each(Fact::Text(&self.name)),
            Field::Alias => {
                if let Some(announced) = &self.announced {
                    captured(&announced.uevent.alias, each);
                }
            }
            Field::Module => {
                self.attempts
                    .iter()
                    .filter_map(|attempt| attempt.module.as_deref())
                    .for_each(|name| each(Fact::Text(name)));
            }
            _ => {
                if let Some(usual) = self.usual() {
                    usual.facts(field, model, each);
                }
            }
        }
    }
}

impl Cycle {
    /// The fields of suspend cycles.
    pub const FIELDS: &'static [Field] = &[
        Field::Outcome,
        Field::Alias,
        Field::Comm,
        Field::Pid,
        Field::Result,
        Field::Errno,
        Field::Total,
        Field::At,
        Field::Id,
        Field::State,
        Field::Kind,
    ];

    fn usual(&self) -> Usual<'_, Self> {
        let (result, error) = (self.result.map(|result| result.0), self.result.and_then(ReturnCode::error));
        Usual { row: self, kind: "cycle", id: self.id.0, task: &self.task, result, error }
    }
}

impl Row for Cycle {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Outcome => each(Fact::Text(self.verdict().as_str())),
            Field::Alias => {
                for (_, call) in self.met() {
                    text(call.alias().or(call.entry.path.text()).map(|name| &**name), each);
                }
            }
            _ => self.usual().facts(field, model, each),
        }
    }
}

impl Group {
    /// The fields of groups of duplicates.
    pub const FIELDS: &'static [Field] =
        &[Field::Module, Field::Comm, Field::Pid, Field::Duplicates, Field::At, Field::Kind];
}

impl Row for Group {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        let tasks = |each: &mut dyn FnMut(&Task)| {
            model.requests_of(self).into_iter().for_each(|request| each(&request.task));
            model.loads_of(self).into_iter().for_each(|load| each(&load.task));
        };
        match field {
            Field::Kind => each(Fact::Word("duplicates")),
            Field::Module => each(Fact::Text(&self.name)),
            Field::Comm => tasks(&mut |task| each(comm(task))),
            Field::Pid => tasks(&mut |task| pids(task, each)),
            Field::Duplicates => each_number(u64::try_from(self.members.len().saturating_sub(1)).ok(), each),
            Field::At => each(Fact::At(self.began)),
            _ => {}
        }
    }
}

impl Hook {
    /// The fields of moments.
    pub const FIELDS: &'static [Field] = &[Field::Moment, Field::Hook, Field::Kind];
}

impl Row for Hook {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, _model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Kind => each(Fact::Word("moment")),
            Field::Moment => each(Fact::Text(self.moment.name())),
            Field::Hook => text(self.attached.as_deref(), each),
            _ => {}
        }
    }
}

impl Finding {
    /// The fields of findings.
    pub const FIELDS: &'static [Field] = &[Field::Finding, Field::Sentence, Field::At, Field::Kind];
}

impl Row for Finding {
    fn fields(&self) -> &'static [Field] {
        Self::FIELDS
    }

    fn facts(&self, field: Field, _model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Kind => each(Fact::Word("finding")),
            Field::Finding => each(Fact::Word(self.kind.as_str())),
            Field::Sentence => each(Fact::Text(&self.sentence)),
            Field::At => each(Fact::At(self.at)),
            _ => {}
        }
    }
}

/// What nearly every row holds: what it is, whose it is, when it was, and how it ended.
struct Usual<'r, T> {
    row: &'r T,
    kind: &'static str,
    id: u64,
    task: &'r Task,
    result: Option<i32>,
    error: Option<Errno>,
}

impl<T: Timed> Usual<'_, T> {
    fn facts(&self, field: Field, model: &Model, each: &mut Each<'_>) {
        match field {
            Field::Kind => each(Fact::Word(self.kind)),
            Field::Id => each_number(Some(self.id), each),
            Field::Comm => each(comm(self.task)),
            Field::Pid => pids(self.task, each),
            Field::Result => code(self.result, each),
            Field::Errno => errno(self.error, each),
            Field::Total => time(self.row.age(model.now()), each),
            Field::At => each(Fact::At(self.row.began())),
            Field::State => each(Fact::Word(if self.row.is_closed() { "closed" } else { "open" })),
            _ => {}
        }
    }
}

/// The devices that a load's drivers were tried on.
fn devices(load: &Load, model: &Model, each: &mut Each<'_>) {
    model.attempts_of(load.id).for_each(|(device, _)| each(Fact::Text(&device.name)));
}

/// Where the task of a load or unload comes from.
fn origin(origin: Option<&Origin>, field: Field, each: &mut Each<'_>) {
    let Some(origin) = origin else { return };
    match field {
        Field::Uid => each(Fact::Number(origin.uid.into())),
        Field::Loginuid => login(origin.loginuid, each),
        Field::Exe => text(origin.exe.as_deref(), each),
        Field::Cgroup | Field::Unit | Field::Container => place(origin.cgroup.as_deref(), field, each),
        Field::Parent => {
            if let Some(parent) = &origin.parent {
                each(Fact::Bytes(parent.comm.as_bytes()));
                text(parent.exe.as_deref(), each);
            }
        }
        _ => {}
    }
}

/// What a requester may do.
fn may(privileges: &Privileges, field: Field, each: &mut Each<'_>) {
    match field {
        Field::Caps => text(privileges.caps.map(|caps| format!("{caps:016x}")).as_deref(), each),
        Field::Userns => each_number(privileges.userns.map(|userns| userns.inode.into()), each),
        _ => {
            if let Some(is_unprivileged) = privileges.is_unprivileged() {
                each(Fact::Word(if is_unprivileged { "yes" } else { "no" }));
            }
        }
    }
}

fn place(cgroup: Option<&str>, field: Field, each: &mut Each<'_>) {
    let Some(cgroup) = cgroup else { return };
    let found = match field {
        Field::Unit => unit(cgroup),
        Field::Container => container(cgroup).map(|container| container.id),
        _ => Some(cgroup),
    };
    text(found, each);
}

fn helper(call: &Call, field: Field, each: &mut Each<'_>) {
    match field {
        Field::Helper => captured(&call.entry.path, each),
        Field::Argv => call.entry.argv.iter().for_each(|word| captured(word, each)),
        _ => each(Fact::Word(call.entry.wait.as_str())),
    }
}

fn ended(status: Option<WaitStatus>, field: Field, each: &mut Each<'_>) {
    let number = status.and_then(|status| match field {
        Field::Exit => status.exit_code(),
        _ => status.signal(),
    });
    code(number, each);
}

/// An errno is known by its number, whichever its sign.
fn errno(errno: Option<Errno>, each: &mut Each<'_>) {
    if let Some(number) = errno.map(Errno::as_return) {
        each(Fact::Number(number.into()));
        each(Fact::Number(number.unsigned_abs().into()));
    }
}

fn login(loginuid: Option<u32>, each: &mut Each<'_>) {
    each_number(loginuid.filter(|uid| *uid != NO_LOGIN).map(u64::from), each);
}

fn comm(task: &Task) -> Fact<'_> {
    Fact::Bytes(task.comm.as_bytes())
}

fn pids(task: &Task, each: &mut Each<'_>) {
    each(Fact::Number(task.key.tgid.0.into()));
    each(Fact::Number(task.tid.0.into()));
}

fn captured(captured: &Captured, each: &mut Each<'_>) {
    text(captured.text().map(|text| &**text), each);
}

fn text(text: Option<&str>, each: &mut Each<'_>) {
    if let Some(text) = text {
        each(Fact::Text(text));
    }
}

fn time(time: Option<Nanos>, each: &mut Each<'_>) {
    each_number(time.map(Nanos::as_nanos), each);
}

fn code(number: Option<i32>, each: &mut Each<'_>) {
    if let Some(number) = number {
        each(Fact::Number(number.into()));
    }
}

fn each_number(number: Option<u64>, each: &mut Each<'_>) {
    if let Some(number) = number {
        each(Fact::Number(i64::try_from(number).unwrap_or(i64::MAX)));
    }
}
