//! Ties the moments of a task that loads a module to the request whose helper it is or descends from.
//!
//! In: the moments of loads. Out: loads as they are now, and the requests that they belong to.

use crate::answer::{Errno, ReturnCode};
use crate::correlate::Correlator;
use crate::entities::{Change, Load, RequestId};
use crate::event::{Module, Moment, Origin, Stamp, Syscall, Task};
use crate::lives::Birth;
use std::sync::Arc;
use trace_common::ids::Tid;

/// Loads kept per request: no module has so many dependencies.
const LOADS: usize = 1_024;

impl Correlator {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the correlator passes only moments of loads")]
    pub(in crate::correlate) fn load_moment(&mut self, at: Stamp, task: Task, moment: &Moment, out: &mut Vec<Change>) {
        let thread = task.tid;
        match moment {
            Moment::LoadBegan { syscall, origin } => self.load_began(at, task, *syscall, origin.as_ref(), out),
            Moment::ImageRead { bytes } => {
                self.expect_load(at, task, out);
                self.loads.image(thread, *bytes);
            }
            Moment::Named { name } => {
                // A lookup by a thread that loads nothing means nothing.
                for thread in self.loads.named_by(thread, name) {
                    self.report_load_of(thread, out);
                }
                return;
            }
            Moment::FileNamed { name, file } => {
                if !self.loads.file_named(thread, name, *file) {
                    return;
                }
            }
            Moment::Printed { line } => {
                if !self.loads.printed(thread, line) {
                    return;
                }
            }
            Moment::Coming(module) => {
                self.expect_load_of(at, task, module, out);
                self.loads.coming(at, thread, module);
            }
            Moment::InitBegun(module) => {
                self.expect_load_of(at, task, module, out);
                self.loads.init_begun(at, thread, module);
            }
            Moment::InitEnded { result } => self.loads.init_ended(at, thread, *result),
            Moment::Live(module) => {
                self.expect_load_of(at, task, module, out);
                self.loads.live(at, thread, module);
                if let Some(name) = module.name.text() {
                    let init_begun = self.loads.of(thread).and_then(|load| load.init_begun);
                    self.lives.live(name, Birth { at, task, request: self.request_of(task), init_begun });
                }
            }
            Moment::LoadEnded { result, ending, .. } => {
                if let Some(status) = ending {
                    self.loads.ends_with_its_process(thread, *status);
                }
                return self.load_ended(at, thread, *result, out);
            }
            Moment::Going(module) => {
                out.extend(self.unloads.going(at, thread).map(Change::Unload));
                return self.going(at, module);
            }
            Moment::Freed(module) => return self.going(at, module),
            _ => return,
        }
        self.report_load_of(thread, out);
    }

    fn load_began(
        &mut self,
        at: Stamp,
        task: Task,
        syscall: Syscall,
        origin: Option<&Arc<Origin>>,
        out: &mut Vec<Change>,
    ) {
        let request = self.request_of(task);
        if let Some(unended) = self.loads.began(at, (task, self.of_command), Some(syscall), origin, request) {
            self.report_load(unended, out);
        }
        if syscall == Syscall::Init
            && let Some(before) = self.loads.retries(at, task)
        {
            self.report_load(before, out);
        }
    }

    fn load_ended(&mut self, at: Stamp, thread: Tid, result: ReturnCode, out: &mut Vec<Change>) {
        self.refused_while_unloading(thread, result);
        if let (Some(policy), true) = (&self.policy, result.failed()) {
            self.loads.fails_under(thread, policy);
        }
        match self.loads.ended(at, thread, result) {
            Some(load) => self.report_load(load, out),
            None => out.push(Change::Unmatched),
        }
    }

    fn report_load_of(&mut self, thread: Tid, out: &mut Vec<Change>) {
        if let Some(load) = self.loads.of(thread).cloned() {
            self.report_load(load, out);
        }
    }

    /// A module that is being unloaded is not loaded again until that is over (kernel/module/main.c
    /// `module_patient_check_exists`, 6.1 to 7.3).
    fn refused_while_unloading(&mut self, thread: Tid, result: ReturnCode) {
        let refused = self.loads.of(thread).filter(|_| result.error() == Some(Errno::EBUSY));
        let module = refused.filter(|load| load.init_begun.is_none()).and_then(|load| load.module.as_deref());
        if let Some(unload) = module.and_then(|module| self.unloads.of(module)) {
            self.loads.refused_by(thread, unload);
        }
    }

    /// A stage of another module's load begins a new load: the end of what the thread had open was not seen.
    pub(in crate::correlate) fn expect_load_of(
        &mut self,
        at: Stamp,
        task: Task,
        module: &Module,
        out: &mut Vec<Change>,
    ) {
        if self.loads.is_of_another(task.tid, module)
            && let Some(unended) = self.loads.abandoned(task.tid)
        {
            self.report_load(unended, out);
        }
        self.expect_load(at, task, out);
    }

    /// A stage begins a load if the load's beginning was not seen.
    pub(in crate::correlate) fn expect_load(&mut self, at: Stamp, task: Task, out: &mut Vec<Change>) {
        // A load by a process that is gone, whose thread had this number: its end was not seen.
        if self.loads.of(task.tid).is_none_or(|open| open.task.key != task.key) {
            let request = self.request_of(task);
            let unended = self.loads.began(at, (task, self.of_command), None, None, request);
            unended.into_iter().for_each(|load| self.report_load(load, out));
        }
    }

    pub(in crate::correlate) fn going(&mut self, at: Stamp, module: &Module) {
        if let Some(name) = module.name.text() {
            self.lives.gone(name, at);
            self.devices.going(name);
        }
    }

    /// The request whose helper's tree contains the task.
    pub(in crate::correlate) fn request_of(&self, task: Task) -> Option<RequestId> {
        self.helpers.owner(task.key).and_then(|call| self.helpers.call(call)).and_then(|call| call.request)
    }

    pub(in crate::correlate) fn report_load(&mut self, load: Arc<Load>, out: &mut Vec<Change>) {
        if self.helpers.owner(load.task.key).is_some_and(|call| self.helpers.is_hidden(call)) {
            return;
        }
        out.push(Change::Load(load.clone()));
        let followed = self.devices.load_changed(&load);
        out.extend(followed.into_iter().map(|device| Change::Device(Arc::new(device))));
        let Some(request) = load.request.and_then(|id| self.requests.get_mut(id)) else {
            return;
        };
        let kept = request.loads.len();
        match request.loads.iter_mut().find(|known| known.id == load.id) {
            Some(known) => *known = load,
            None if kept < LOADS => request.loads.push(load),
            None => out.push(Change::Capped),
        }
        let lost = request.loads.iter().filter(|load| load.lost_to_another() && !load.retried).count();
        request.duplicates.same_file = u32::try_from(lost).unwrap_or(u32::MAX);
        let id = request.id;
        self.settle(id, out);
    }
}
