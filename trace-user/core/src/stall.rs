//! What is stalled: open past a limit, where it is stuck, in which thread, and which timeout will end it.
//!
//! In: the model. Out: values and words for alerts, screens and lines. Pure; the edge samples the kernel stacks of the
//! threads named here.

use crate::entities::{Call, Cycle, Firmware, Load, LockState, Request, Timed};
use crate::event::{Stamp, Task};
use crate::model::Model;
use std::ops::Range;
use trace_common::time::Nanos;

/// How long a request, helper call, load or firmware request may be open before it is stalled, unless configured
/// otherwise.
pub const LIMIT: Nanos = Nanos::from_secs(10);

/// The kernel's wait for a slot (kernel/module/kmod.c `MAX_KMOD_ALL_BUSY_TIMEOUT`, 5.10 to 7.3).
const SLOT_CLOCK: &str = "the kernel's limit of 5s for a slot";
/// systemd-udevd's `event_timeout`.
const UDEV_CLOCK: &str = "udev, which kills its worker after 180s unless configured otherwise";
/// `/sys/class/firmware/timeout` (drivers/base/firmware_loader/fallback.c `fw_load_sysfs_fallback`, 5.10 to 7.3).
const FIRMWARE_CLOCK: &str =
    "the kernel's firmware timeout, 60s unless configured otherwise, if the driver asks user space; else there is none";
/// kernel/umh.c `RUNNING_HELPERS_TIMEOUT`, 5.10 to 7.3.
const DRAIN_CLOCK: &str = "the drain's limit of 5s, after which suspend fails and the helper keeps running";

/// Where something is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In words.
    pub words: String,
    /// The thread that would have to go on; `None` if that is a kernel worker that was not seen yet.
    pub thread: Option<Task>,
    /// Which timeout ends the wait; `None`: none does.
    pub ended_by: Option<&'static str>,
}

/// Which timeout ends a wait, in words; `None`: none does.
#[must_use]
pub fn timeout_words(ended_by: Option<&str>) -> String {
    ended_by.map_or_else(|| "no timeout applies".to_owned(), |timeout| format!("ends at the latest by {timeout}"))
}

/// Everything that has been open for at least `limit`, each with its age and place.
pub fn stalls<'m>(model: &'m Model, limit: Nanos) -> impl Iterator<Item = (Nanos, Place)> + 'm {
    open(model, limit).map(|(age, open)| (age, open.place(model)))
}

/// How many things have been open for at least `limit`.
#[must_use]
pub fn count(model: &Model, limit: Nanos) -> usize {
    open(model, limit).count()
}

/// The threads that would have to go on, at these places, among all that has been open for at least `limit`.
#[must_use]
pub fn threads(model: &Model, limit: Nanos, places: Range<usize>) -> Vec<Task> {
    let some = open(model, limit).skip(places.start).take(places.len());
    some.filter_map(|(_, open)| open.place(model).thread).collect()
}

/// Everything that has been open for at least `limit`, each with its age.
pub fn open<'m>(model: &'m Model, limit: Nanos) -> impl Iterator<Item = (Nanos, Open<'m>)> + 'm {
    let now = model.now();
    let requests = model.open_requests().map(move |request| (request.age_so_far(now), Open::Request(request)));
    let loads = model.open_loads().filter(|load| load.request.is_none());
    let loads = loads.map(move |load| (load.age_so_far(now), Open::Load(load)));
    let calls = model.open_calls().map(move |call| (call.age_so_far(now), Open::Call(call)));
    let firmware = model.open_firmware().map(move |firmware| (firmware.age_so_far(now), Open::Firmware(firmware)));
    let open = requests.chain(loads).chain(calls).chain(firmware);
    open.filter(move |(age, _)| *age >= limit)
}

/// Something that is open.
#[derive(Clone, Copy, Debug)]
pub enum Open<'m> {
    /// A request.
    Request(&'m Request),
    /// A load that serves no request.
    Load(&'m Load),
    /// A helper call that serves no request.
    Call(&'m Call),
    /// A firmware request.
    Firmware(&'m Firmware),
}

impl Open<'_> {
    /// Where it is stuck.
    #[must_use]
    pub fn place(&self, model: &Model) -> Place {
        match self {
            Self::Request(request) => of_request(request, model),
            Self::Load(load) => of_load(load),
            Self::Call(call) => of_call(call, model),
            Self::Firmware(firmware) => of_firmware(firmware),
        }
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> Stamp {
        match self {
            Self::Request(request) => request.began(),
            Self::Load(load) => load.began(),
            Self::Call(call) => call.began(),
            Self::Firmware(firmware) => firmware.began(),
        }
    }
}

/// The last thing that was seen of an open request.
#[must_use]
pub fn of_request(request: &Request, model: &Model) -> Place {
    if let Some(load) = request.loads.iter().rev().find(|load| !load.closed) {
        return Place { ended_by: request.call.as_deref().and_then(|call| clock_of(call, model)), ..of_load(load) };
    }
    let requester = request.task;
    match request.call.as_deref() {
        Some(call) => of_call(call, model),
        None if request.returned.is_some() => {
            let words = "helpers of other requests for the same module; this one got no slot".to_owned();
            Place { words, thread: None, ended_by: None }
        }
        None => Place { words: "the wait for a slot".to_owned(), thread: Some(requester), ended_by: Some(SLOT_CLOCK) },
    }
}

/// The last thing that was seen of an open helper call.
#[must_use]
pub fn of_call(call: &Call, model: &Model) -> Place {
    let (words, thread) = match (call.helper, call.executed) {
        (None, _) => ("the wait for a kernel worker".to_owned(), Some(call.caller)),
        (Some((helper, _)), None) => (format!("the start of {}[{}]", call.entry.path, helper.key.tgid.0), Some(helper)),
        (Some((helper, _)), Some(_)) => {
            (format!("the helper {}[{}], outside its loads", call.entry.path, helper.key.tgid.0), Some(helper))
        }
    };
    Place { words, thread, ended_by: clock_of(call, model) }
}

/// Which timeout ends the wait for a helper: of the suspend that waits for it too, or of the udev worker that asked.
fn clock_of(call: &Call, model: &Model) -> Option<&'static str> {
    let is_drained = |cycle: &Cycle| {
        cycle.disable.ended.is_none() && cycle.culprits.iter().any(|waited_for| waited_for.id == call.id)
    };
    if model.cycles().next_back().is_some_and(|cycle| is_drained(cycle)) {
        return Some(DRAIN_CLOCK);
    }
    by_udev(&call.caller)
}

fn by_udev(task: &Task) -> Option<&'static str> {
    let comm = task.comm.to_text();
    (comm == "(udev-worker)" || comm == "systemd-udevd").then_some(UDEV_CLOCK)
}

/// The last thing that was seen of an open load.
#[must_use]
pub fn of_load(load: &Load) -> Place {
    let module = load.module.as_deref().unwrap_or("a module");
    let task = format!("{}[{}]", load.task.comm.to_text(), load.task.key.tgid.0);
    let words = match (load.init_begun, load.live) {
        (None, _) => format!("the load of {module} by {task}, before its init"),
        (Some(_), None) => format!("the init of {module}, loaded by {task}"),
        (Some(_), Some(_)) => format!("the wait for asynchronous work after {module} went live, in {task}"),
    };
    Place { words, thread: Some(load.task), ended_by: by_udev(&load.task) }
}

/// The last thing that was seen of an open firmware request.
#[must_use]
pub fn of_firmware(firmware: &Firmware) -> Place {
    let (words, ended_by) = match (firmware.lock.state(), firmware.fallback, firmware.fallback_ended) {
        (Some(LockState::Waiting), ..) if firmware.lock.waits => {
            ("the wait until helpers are enabled again".to_owned(), Some(FIRMWARE_CLOCK))
        }
        (_, Some(_), None) if firmware.is_asked_of_user_space() => {
            (format!("the wait for user space to give {}", firmware.file.name), Some(FIRMWARE_CLOCK))
        }
        _ => (format!("the reading of {}", firmware.file.name), None),
    };
    Place { words, thread: Some(firmware.task), ended_by }
}

/// The kernel stack of the place's thread as last sampled, innermost first; empty if it was not sampled, or before
/// `since`.
#[must_use]
pub fn stack<'m>(place: &Place, model: &'m Model, since: Stamp) -> &'m [std::sync::Arc<str>] {
    let sampled = place.thread.and_then(|task| model.stack(task.tid)).filter(|(at, _)| *at >= since);
    sampled.map_or(&[], |(_, stack)| stack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{
        Captured, Depth, FirmwareAsked, FirmwareMoment, Moment, SuspendMoment, SuspendState, Syscall, Task, Way,
    };
    use crate::testing::{Helped, Scenario, asked};

    const LONG: u64 = 20_000_000;

    /// The only stall: where it is stuck, and which timeout ends it.
    fn only(scenario: &mut Scenario) -> (String, Option<&'static str>) {
        scenario.until(LONG);
        let stalls: Vec<Place> = stalls(scenario.model(), LIMIT).map(|(_, place)| place).collect();
        let [place] = &*stalls else { panic!("{stalls:?}") };
        (place.words.clone(), place.ended_by)
    }

    fn udev() -> Task {
        Task::new(300, 300, 4, "(udev-worker)")
    }

    fn helped(requester: Task) -> Helped<'static> {
        Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 }
    }

    #[test]
    fn nothing_ends_the_wait_for_a_helper_but_who_asked() {
        let mut scenario = Scenario::default();
        scenario.helped(helped(Task::new(412, 412, 5, "ping")), 0);
        assert_eq!(only(&mut scenario), ("the helper /sbin/modprobe[413], outside its loads".to_owned(), None));
        let mut scenario = Scenario::default();
        scenario.helped(helped(udev()), 0);
        assert_eq!(only(&mut scenario).1, Some(UDEV_CLOCK));
    }

    #[test]
    fn a_suspend_that_waits_for_the_helper_ends_the_wait() {
        let mut scenario = Scenario::default();
        scenario.helped(helped(Task::new(412, 412, 5, "ping")), 0);
        let sleeper = Task::new(900, 900, 3, "systemd-sleep");
        let began = SuspendMoment::Began { way: Way::Suspend { state: SuspendState::Mem }, pm_test: None };
        for moment in [began, SuspendMoment::FreezeBegan, SuspendMoment::DisableBegan { depth: Depth::FREEZING }] {
            scenario.probe(LONG - 1_000_000, sleeper, Moment::Suspend(moment));
        }
        assert_eq!(only(&mut scenario).1, Some(DRAIN_CLOCK));
    }

    #[test]
    fn a_load_is_stuck_in_its_init_and_udev_ends_it() {
        let mut scenario = Scenario::default();
        scenario.load(10_000, udev(), "can");
        assert_eq!(only(&mut scenario), ("the init of can, loaded by (udev-worker)[300]".to_owned(), Some(UDEV_CLOCK)));
        let mut scenario = Scenario::default();
        scenario.probe(
            10_000,
            Task::new(500, 500, 4, "insmod"),
            Moment::LoadBegan { syscall: Syscall::Finit, origin: None },
        );
        assert_eq!(only(&mut scenario), ("the load of a module by insmod[500], before its init".to_owned(), None));
    }

    #[test]
    fn firmware_waits_for_user_space_by_its_own_clock() {
        let mut scenario = Scenario::default();
        let asked = || FirmwareAsked { name: Captured::whole("held.bin"), device: Captured::whole("card0") };
        let moments = [
            FirmwareMoment::Began(asked().into()),
            FirmwareMoment::FallbackBegan(asked().into()),
            FirmwareMoment::LockBegan { waits: false },
            FirmwareMoment::LockEnded { held: true },
        ];
        moments.into_iter().for_each(|moment| scenario.probe(10_000, udev(), Moment::Firmware(moment)));
        assert_eq!(only(&mut scenario), ("the wait for user space to give held.bin".to_owned(), Some(FIRMWARE_CLOCK)));
    }

    #[test]
    fn the_wait_for_a_slot_is_the_kernels_to_end() {
        let mut scenario = Scenario::default();
        scenario.probe(10_000, Task::new(412, 412, 5, "ping"), Moment::Requested(asked("net-pf-29").into()));
        scenario.until(3_000_000);
        let places: Vec<Place> = stalls(scenario.model(), Nanos::from_secs(2)).map(|(_, place)| place).collect();
        assert_eq!(places.len(), 1);
        assert_eq!((places[0].words.as_str(), places[0].ended_by), ("the wait for a slot", Some(SLOT_CLOCK)));
    }
}
