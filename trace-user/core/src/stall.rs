//! What is stalled: open past a limit, where it is stuck, in which thread, and which timeout will end it.
//!
//! In: the model. Out: values and words for alerts, screens and lines. Pure; the edge samples the kernel stacks of the
//! threads named here.

use crate::entities::{Call, Cycle, Firmware, Load, LockState, Request, Timed, TurnedAway};
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
/// The same during an init: whether a signal ends that is up to the module.
const UDEV_IN_INIT: &str = "udev kills its worker after 180s unless configured otherwise, but that only ends an init \
                            that reacts to signals";
/// The same after it: `async_synchronize_full` waits uninterruptibly (kernel/async.c, 5.10 to 7.3).
const UDEV_IN_SETTLE: &str = "udev kills its worker after 180s unless configured otherwise, but a wait for asynchronous \
                              work cannot be interrupted";
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
    /// Which timeout acts on the wait; `None`: none does.
    pub timeout: Option<Timeout>,
}

/// A timeout that acts on a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// It ends the wait.
    Ends(&'static str),
    /// It need not: what it does, and why that may not be enough.
    MayNotEnd(&'static str),
}

impl Timeout {
    /// What ends the wait, if that is certain.
    #[must_use]
    pub const fn end(self) -> Option<&'static str> {
        match self {
            Self::Ends(words) => Some(words),
            Self::MayNotEnd(_) => None,
        }
    }
}

/// Which timeout ends a wait, in words.
#[must_use]
pub fn timeout_words(timeout: Option<Timeout>) -> String {
    match timeout {
        Some(Timeout::Ends(words)) => format!("ends at the latest by {words}"),
        Some(Timeout::MayNotEnd(words)) => format!("no timeout is sure to end it: {words}"),
        None => "no timeout applies".to_owned(),
    }
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
        return Place { timeout: request.call.as_deref().and_then(|call| clock_of(call, model)), ..of_load(load) };
    }
    let requester = request.task;
    match request.call.as_deref() {
        Some(call) => of_call(call, model),
        None if request.turned_away == Some(TurnedAway::Deduplicated) => {
            let words = "the wait for what becomes of an earlier request for the same name".to_owned();
            Place { words, thread: None, timeout: None }
        }
        None if request.returned.is_some() => {
            let words = "helpers of other requests for the same module; this one got no slot".to_owned();
            Place { words, thread: None, timeout: None }
        }
        None => {
            let timeout = request.admitted.is_none().then_some(Timeout::Ends(SLOT_CLOCK));
            Place { words: format!("the wait for {}", request.awaited()), thread: Some(requester), timeout }
        }
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
    Place { words, thread, timeout: clock_of(call, model) }
}

/// Which timeout ends the wait for a helper: of the suspend that waits for it too, or of the udev worker that asked.
fn clock_of(call: &Call, model: &Model) -> Option<Timeout> {
    let is_drained = |cycle: &Cycle| {
        cycle.disable.ended.is_none() && cycle.culprits.iter().any(|waited_for| waited_for.id == call.id)
    };
    if model.cycles().next_back().is_some_and(|cycle| is_drained(cycle)) {
        return Some(Timeout::Ends(DRAIN_CLOCK));
    }
    is_of_udev(&call.caller).then_some(Timeout::Ends(UDEV_CLOCK))
}

fn is_of_udev(task: &Task) -> bool {
    let comm = task.comm.to_text();
    comm == "(udev-worker)" || comm == "systemd-udevd"
}

/// The last thing that was seen of an open load.
#[must_use]
pub fn of_load(load: &Load) -> Place {
    let module = load.module.as_deref().unwrap_or("a module");
    let task = format!("{}[{}]", load.task.comm.to_text(), load.task.key.tgid.0);
    let (words, by_udev) = match (load.init_begun, load.live) {
        (None, _) => (format!("the load of {module} by {task}, before its init"), Timeout::Ends(UDEV_CLOCK)),
        (Some(_), None) => (format!("the init of {module}, loaded by {task}"), Timeout::MayNotEnd(UDEV_IN_INIT)),
        (Some(_), Some(_)) => {
            let words = format!("the wait for asynchronous work after {module} went live, in {task}");
            (words, Timeout::MayNotEnd(UDEV_IN_SETTLE))
        }
    };
    Place { words, thread: Some(load.task), timeout: is_of_udev(&load.task).then_some(by_udev) }
}

/// The last thing that was seen of an open firmware request.
#[must_use]
pub fn of_firmware(firmware: &Firmware) -> Place {
    let (words, timeout) = match (firmware.lock.state(), firmware.fallback, firmware.fallback_ended) {
        (Some(LockState::Waiting), ..) if firmware.lock.waits => {
            ("the wait until helpers are enabled again".to_owned(), Some(FIRMWARE_CLOCK))
        }
        (_, Some(_), None) if firmware.is_asked_of_user_space() => {
            (format!("the wait for user space to give {}", firmware.file.name), Some(FIRMWARE_CLOCK))
        }
        _ => (format!("the reading of {}", firmware.file.name), None),
    };
    Place { words, thread: Some(firmware.task), timeout: timeout.map(Timeout::Ends) }
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
    fn only(scenario: &mut Scenario) -> (String, Option<Timeout>) {
        scenario.until(LONG);
        let stalls: Vec<Place> = stalls(scenario.model(), LIMIT).map(|(_, place)| place).collect();
        let [place] = &*stalls else { panic!("{stalls:?}") };
        (place.words.clone(), place.timeout)
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
        assert_eq!(only(&mut scenario).1, Some(Timeout::Ends(UDEV_CLOCK)));
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
        assert_eq!(only(&mut scenario).1, Some(Timeout::Ends(DRAIN_CLOCK)));
    }

    #[test]
    fn udev_need_not_end_an_init() {
        let mut scenario = Scenario::default();
        scenario.load(10_000, udev(), "can");
        let (words, timeout) = only(&mut scenario);
        assert_eq!(words, "the init of can, loaded by (udev-worker)[300]");
        assert_eq!((timeout, timeout.and_then(Timeout::end)), (Some(Timeout::MayNotEnd(UDEV_IN_INIT)), None));
        let mut scenario = Scenario::default();
        scenario.probe(10_000, udev(), Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
        assert_eq!(only(&mut scenario).1, Some(Timeout::Ends(UDEV_CLOCK)));
    }

    #[test]
    fn a_load_is_stuck_before_its_init() {
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
        assert_eq!(
            only(&mut scenario),
            ("the wait for user space to give held.bin".to_owned(), Some(Timeout::Ends(FIRMWARE_CLOCK)))
        );
    }

    #[test]
    fn the_wait_for_a_slot_is_the_kernels_to_end() {
        let mut scenario = Scenario::default();
        scenario.probe(10_000, Task::new(412, 412, 5, "ping"), Moment::Requested(asked("net-pf-29").into()));
        scenario.until(3_000_000);
        let places: Vec<Place> = stalls(scenario.model(), Nanos::from_secs(2)).map(|(_, place)| place).collect();
        assert_eq!(places.len(), 1);
        let timeout = Some(Timeout::Ends(SLOT_CLOCK));
        assert_eq!((places[0].words.as_str(), places[0].timeout), ("the wait for a slot", timeout));
    }
}
