//! Ties the moments of a task that loads a module to the request whose helper it is or descends from.
//!
//! In: the moments of loads. Out: loads as they are now, and the requests that they belong to.

use crate::correlate::Correlator;
use crate::entities::{Change, Load, RequestId};
use crate::event::{Module, Moment, Stamp, Task};
use crate::lives::Birth;
use std::sync::Arc;

/// Loads kept per request: no module has so many dependencies.
const LOADS: usize = 1_024;

impl Correlator {
    pub(in crate::correlate) fn load_moment(&mut self, at: Stamp, task: Task, moment: &Moment, out: &mut Vec<Change>) {
        let thread = task.tid;
        match moment {
            Moment::LoadBegan { syscall } => {
                let request = self.request_of(task);
                if let Some(unended) = self.loads.began(at, task, Some(*syscall), request) {
                    self.report_load(unended, out);
                }
            }
            Moment::ImageRead { bytes } => {
                self.expect_load(at, task, out);
                self.loads.image(thread, *bytes);
            }
            Moment::Named { name } => {
                // A lookup by a thread that loads nothing means nothing.
                if !self.loads.named_by(thread, name) {
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
            Moment::LoadEnded { result, .. } => match self.loads.ended(at, thread, *result) {
                Some(load) => return self.report_load(load, out),
                None => return out.push(Change::Unmatched),
            },
            Moment::Going(module) | Moment::Freed(module) => return self.going(at, module),
            Moment::Requested(_)
            | Moment::Admitted { .. }
            | Moment::Throttled { .. }
            | Moment::Denied { .. }
            | Moment::CallEntered(_)
            | Moment::CallReturned { .. }
            | Moment::CallPicked { .. }
            | Moment::Born { .. }
            | Moment::Executed { .. }
            | Moment::Completed { .. }
            | Moment::CallerGone
            | Moment::Forked { .. }
            | Moment::Exited { .. }
            | Moment::Suspend(_)
            | Moment::Firmware(_) => return,
        }
        if let Some(load) = self.loads.of(thread).cloned() {
            self.report_load(load, out);
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
            let unended = self.loads.began(at, task, None, request);
            unended.into_iter().for_each(|load| self.report_load(load, out));
        }
    }

    pub(in crate::correlate) fn going(&mut self, at: Stamp, module: &Module) {
        if let Some(name) = module.name.text() {
            self.lives.gone(name, at);
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
        let Some(request) = load.request.and_then(|id| self.requests.get_mut(id)) else {
            return;
        };
        let kept = request.loads.len();
        match request.loads.iter_mut().find(|known| known.id == load.id) {
            Some(known) => *known = load,
            None if kept < LOADS => request.loads.push(load),
            None => out.push(Change::Capped),
        }
        let lost = request.loads.iter().filter(|load| load.lost_to_another()).count();
        request.duplicates.same_file = u32::try_from(lost).unwrap_or(u32::MAX);
        let id = request.id;
        self.settle(id, out);
    }
}
