//! Joins uevents, loads and drivers that are tried into devices. A device is known by its bus and name, a driver's load
//! by the module that the driver is in: drivers are tried in any thread and at any time.

use crate::entities::device::{Announced, Attempt, Outcome};
use crate::entities::{Device, DeviceId, Load, LoadId};
use crate::event::{Action, Captured, DriverTried, Resolution, Stamp, Task, Uevent};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::time::Nanos;

/// Devices that are known at once. Beyond that, the oldest is given up and counted.
const DEVICES: usize = 16_384;
/// Modules whose loads are known at once: a kernel has some thousands.
const MODULES: usize = 16_384;
/// Attempts that are kept of one device: more than it has drivers that match.
const ATTEMPTS: usize = 16;
/// How long after a uevent a load follows it: as long as udev lets a worker take (udev.conf `event_timeout`).
const FOLLOWS: Nanos = Nanos::from_secs(180);

/// A device's bus and name.
type Key = (Arc<str>, Arc<str>);

/// The devices.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    known: BTreeMap<Key, Device>,
    by_age: BTreeMap<DeviceId, Key>,
    /// Of each module, the load whose init began last.
    loads: BTreeMap<Arc<str>, LoadId>,
    /// The devices that were announced with an alias that resolves to the module, and that no load has followed yet.
    awaited: BTreeMap<Arc<str>, BTreeSet<DeviceId>>,
    last: u64,
    capped: u64,
}

impl Devices {
    /// How many devices and modules were given up because too many were known, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    /// A driver was tried on a device; returns the device, or `None` if it could not be named.
    pub fn tried(&mut self, at: Stamp, task: Task, tried: &DriverTried, outcome: Outcome) -> Option<Device> {
        let key = (text(&tried.bus), tried.device.text()?.clone());
        let module = tried.module.as_ref().and_then(Captured::text).cloned();
        let load = module.as_ref().and_then(|module| self.loads.get(module)).copied();
        if self.known.get(&key).is_some_and(|known| known.bound().is_some()) {
            // No driver is tried on a device that has one: it has lost it, or this is another of the same name.
            self.give_up(&key);
        }
        let device = self.device(&key, at);
        let driver = text(&tried.driver);
        match device.attempts.last_mut() {
            Some(last) if last.driver == driver && last.load == load && last.outcome == outcome => last.times += 1,
            _ => device.attempts.push(Attempt { at, task, driver, module, load, outcome, times: 1 }),
        }
        if device.attempts.len() > ATTEMPTS {
            device.attempts.remove(0);
            device.attempts_more += 1;
        }
        Some(device.clone())
    }

    /// A device is announced; returns it, or `None` if it could not be named, or if that says nothing new about a
    /// device that is known.
    pub fn announced(
        &mut self,
        at: Stamp,
        task: Task,
        uevent: &Arc<Uevent>,
        resolution: Option<Arc<Resolution>>,
    ) -> Option<Device> {
        let key = (text(&uevent.subsystem), uevent.device.text()?.clone());
        if let Some(known) = self.known.get(&key) {
            // Announced again through sysfs, it is the same device.
            let is_same = uevent.is_synthetic;
            if uevent.action == Action::Change || (is_same && known.bound().is_some()) {
                return None;
            }
            let (id, before) = (known.id, known.announced.as_ref().and_then(|before| before.resolution.clone()));
            if is_same {
                self.no_longer_awaits(id, before.as_deref());
            } else {
                self.give_up(&key);
            }
        }
        let wanted: Vec<Arc<str>> = names(resolution.as_deref()).cloned().collect();
        let device = self.device(&key, at);
        device.announced = Some(Announced { at, task, uevent: uevent.clone(), resolution });
        let device = device.clone();
        for module in wanted {
            self.awaited.entry(module).or_default().insert(device.id);
        }
        Some(device)
    }

    /// A load has changed; returns the devices that it follows, if that is new.
    pub fn load_changed(&mut self, load: &Load) -> Vec<Device> {
        let Some(module) = &load.module else { return Vec::new() };
        if load.init_begun.is_some()
            && load.ended.is_none()
            && self.loads.get(module).is_none_or(|known| *known < load.id)
        {
            self.loads.insert(module.clone(), load.id);
            if self.loads.len() > MODULES {
                self.loads.pop_first();
                self.capped += 1;
            }
        }
        let awaiting = self.awaited.get(module).into_iter().flatten().copied().collect::<Vec<_>>();
        awaiting.into_iter().filter_map(|id| self.follow(id, load)).collect()
    }

    /// The load follows the device's uevent, if it began after that and not too late.
    fn follow(&mut self, id: DeviceId, load: &Load) -> Option<Device> {
        let device = self.known.get_mut(self.by_age.get(&id)?)?;
        let announced = device.announced.as_ref()?;
        if load.began.mono < announced.at.mono {
            return None;
        }
        let resolution = announced.resolution.clone();
        let is_in_time = load.began.mono.since(announced.at.mono) <= FOLLOWS;
        device.followed_by = is_in_time.then_some(load.id);
        let device = device.clone();
        self.no_longer_awaits(id, resolution.as_deref());
        is_in_time.then_some(device)
    }

    /// The module is gone: what its drivers do later belongs to another load.
    pub fn going(&mut self, module: &str) {
        self.loads.remove(module);
    }

    /// The device, which is new if it is not known.
    fn device(&mut self, key: &Key, at: Stamp) -> &mut Device {
        if !self.known.contains_key(key) && self.known.len() >= DEVICES {
            let oldest = self.by_age.values().next().cloned();
            oldest.iter().for_each(|oldest| self.give_up(oldest));
            self.capped += 1;
        }
        let Self { known, by_age, last, .. } = self;
        known.entry(key.clone()).or_insert_with(|| {
            *last += 1;
            by_age.insert(DeviceId(*last), key.clone());
            Device::seen(DeviceId(*last), key.clone(), at)
        })
    }

    fn give_up(&mut self, key: &Key) {
        let Some(device) = self.known.remove(key) else { return };
        self.by_age.remove(&device.id);
        let resolution = device.announced.and_then(|announced| announced.resolution);
        self.no_longer_awaits(device.id, resolution.as_deref());
    }

    fn no_longer_awaits(&mut self, id: DeviceId, resolution: Option<&Resolution>) {
        for module in names(resolution) {
            if let Some(awaiting) = self.awaited.get_mut(module) {
                awaiting.remove(&id);
                if awaiting.is_empty() {
                    self.awaited.remove(module);
                }
            }
        }
    }
}

/// The modules that an alias resolves to.
fn names(resolution: Option<&Resolution>) -> impl Iterator<Item = &Arc<str>> {
    resolution.into_iter().flat_map(|resolution| &resolution.modules).map(|wanted| &wanted.name)
}

/// The text; nothing if it could not be read.
fn text(captured: &Captured) -> Arc<str> {
    captured.text().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Errno;
    use crate::event::{DeviceMoment, Moment, Task};
    use crate::model::Model;
    use crate::testing::{Scenario, module, tried, uevent};

    const ALIAS: &str = "i2c:lm75";

    fn udev(pid: u32) -> Task {
        Task::new(pid, pid, 5, "(udev-worker)")
    }

    fn bound(device: &str) -> Moment {
        Moment::Device(DeviceMoment::Bound(tried("i2c", device, "lm75", Some("lm75"))))
    }

    fn failed(device: &str, error: Option<Errno>) -> Moment {
        Moment::Device(DeviceMoment::Failed { tried: tried("i2c", device, "lm75", Some("lm75")), error })
    }

    /// The devices as bus, name, the load that followed, and of each attempt its load, its result and how often.
    type Shown<'m> = (&'m str, Option<u64>, Vec<(Option<u64>, Option<i32>, u64)>);

    fn shown(model: &Model) -> Vec<Shown<'_>> {
        let attempts = |device: &Device| {
            let one = |of: &Attempt| (of.load.map(|load| load.0), of.outcome.as_return(), of.times);
            device.attempts.iter().map(one).collect()
        };
        model.devices().map(|of| (&*of.name, of.followed_by.map(|load| load.0), attempts(of))).collect()
    }

    /// An alias that resolves to the module.
    fn scenario() -> Scenario {
        let mut scenario = Scenario::default();
        scenario.resolves(ALIAS, &[("lm75", &[])]);
        scenario
    }

    #[test]
    fn a_load_follows_the_uevents_of_its_modules_aliases_and_a_driver_belongs_to_its_modules_load() {
        let mut scenario = scenario();
        scenario.load(1_000, udev(100), "lm75");
        scenario.went_live(5_000, udev(100), "lm75");
        scenario.probe(6_000, udev(100), Moment::Going(module("lm75")));
        scenario.probe(10_000, Task::new(1, 1, 1, "sh"), uevent("i2c", "0-0048", ALIAS));
        scenario.load(20_000, udev(101), "lm75");
        // In any thread, even after the module is live.
        scenario.probe(22_500, udev(101), bound("0-0048"));
        scenario.went_live(23_000, udev(101), "lm75");
        scenario.probe(90_000, Task::new(7, 7, 1, "kworker/u8:1"), failed("0-0049", Some(Errno::EIO)));
        scenario.until(1_000_000);
        let model = scenario.model();
        let expected =
            vec![("0-0048", Some(2), vec![(Some(2), Some(0), 1)]), ("0-0049", None, vec![(Some(2), Some(-5), 1)])];
        assert_eq!(shown(model), expected);
        let load = model.loads().last().unwrap();
        assert_eq!(model.devices_of(load.id).count(), 2);
        let after = |device: &Device| device.attempts[0].after_live(load.live).map(|after| after.as_nanos());
        assert_eq!(model.devices().map(|device| after(device)).collect::<Vec<_>>(), [None, Some(67_000_000)]);
    }

    #[test]
    fn a_device_that_is_announced_again_through_sysfs_is_the_same_one() {
        let sh = Task::new(1, 1, 1, "sh");
        let again = |device| {
            let Moment::Device(DeviceMoment::Uevent(uevent)) = uevent("i2c", device, ALIAS) else { panic!("a uevent") };
            Moment::Device(DeviceMoment::Uevent(Uevent { is_synthetic: true, ..(*uevent).clone() }.into()))
        };
        let mut scenario = scenario();
        scenario.probe(10_000, sh, uevent("i2c", "0-0048", ALIAS));
        scenario.load(20_000, udev(101), "lm75");
        scenario.probe(22_500, udev(101), failed("0-0048", Some(Errno::EIO)));
        scenario.went_live(23_000, udev(101), "lm75");
        scenario.probe(30_000, sh, again("0-0048"));
        scenario.probe(31_000, sh, bound("0-0048"));
        scenario.probe(40_000, sh, again("0-0048"));
        scenario.until(1_000_000);
        let attempts = vec![(Some(1), Some(-5), 1), (Some(1), Some(0), 1)];
        assert_eq!(shown(scenario.model()), [("0-0048", Some(1), attempts)]);
        assert_eq!(crate::findings::all(scenario.model()), [], "what failed at first works now");
    }

    #[test]
    fn a_load_that_began_before_or_much_later_does_not_follow() {
        for (began, followed) in [(5_000, None), (11_000, Some(1)), (179_000_000, Some(1)), (181_000_000, None)] {
            let mut scenario = scenario();
            let announce = |scenario: &mut Scenario| {
                scenario.probe(10_000, Task::new(1, 1, 1, "sh"), uevent("i2c", "0-0048", ALIAS));
            };
            if began > 10_000 {
                announce(&mut scenario);
            }
            scenario.load(began, udev(101), "lm75");
            if began < 10_000 {
                announce(&mut scenario);
            }
            scenario.went_live(began + 9_000, udev(101), "lm75");
            scenario.until(began + 1_000_000);
            assert_eq!(shown(scenario.model()), [("0-0048", followed, vec![])], "{began}");
        }
    }

    #[test]
    fn a_driver_that_is_put_off_is_one_attempt_until_it_is_bound() {
        let mut scenario = scenario();
        for at in [1_000, 2_000, 3_000] {
            scenario.probe(at, udev(1), failed("0-0048", Some(Errno::EPROBE_DEFER)));
        }
        scenario.probe(4_000, udev(1), bound("0-0048"));
        // It had a driver, so this is another device, or it was unbound.
        scenario.probe(5_000, udev(1), failed("0-0048", None));
        scenario.until(1_000_000);
        let expected = vec![
            ("0-0048", None, vec![(None, Some(-517), 3), (None, Some(0), 1)]),
            ("0-0048", None, vec![(None, None, 1)]),
        ];
        assert_eq!(shown(scenario.model()), expected);
    }

    #[test]
    fn what_is_beyond_the_cap_is_counted() {
        let mut scenario = scenario();
        for number in 0..=DEVICES as u64 {
            scenario.probe(number, udev(1), uevent("i2c", &format!("0-{number:04x}"), ALIAS));
        }
        scenario.until(1_000_000);
        assert_eq!((scenario.model().counts().capped, scenario.model().devices().len()), (1, DEVICES + 1));
    }
}
