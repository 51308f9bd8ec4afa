//! How much memory what an event holds takes, roughly: caps in bytes hold for files that were made to fill the memory,
//! too.
//!
//! In: values. Out: bytes. Shared text counts at each of its places.

use super::{
    Body, CallEntered, Captured, DeviceMoment, DriverTried, Event, Fact, FirmwareAsked, FirmwareMoment, Install,
    Machine, Moment, Origin, Place, Policy, Program, Requested, Resolution, SelfTest, SuspendMoment, Uevent, Wanted,
};
use std::sync::Arc;

/// What a text costs besides its bytes: a pointer, a length, two counters.
const TEXT: usize = 32;

/// Bytes.
pub(crate) fn text(text: &Arc<str>) -> usize {
    text.len() + TEXT
}

/// Bytes.
pub(crate) fn texts(texts: &[Arc<str>]) -> usize {
    texts.iter().map(text).sum()
}

fn place(place: &Place) -> usize {
    match place {
        Place::Line { file, .. } => text(file),
        Place::CommandLine => 0,
    }
}

fn install(install: &Install) -> usize {
    text(&install.command) + place(&install.place)
}

impl Captured {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.text().map_or(TEXT, text)
    }
}

impl Requested {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let paths: usize = [&self.exe, &self.cgroup].into_iter().flatten().map(text).sum();
        size_of::<Self>() + self.alias.weight() + paths + texts(&self.stack)
    }
}

impl Origin {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let parent = self.parent.as_ref().and_then(|parent| parent.exe.as_ref());
        let paths: usize = [self.exe.as_ref(), self.cgroup.as_ref(), parent].into_iter().flatten().map(text).sum();
        size_of::<Self>() + paths
    }
}

impl Policy {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let words = [&self.lockdown, &self.helper].into_iter().flatten().map(text).sum::<usize>();
        size_of::<Self>() + words + texts(&self.blacklist) + texts(&self.initcall_blacklist)
    }
}

impl Program {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.path.as_ref().map_or(0, text)
    }
}

impl CallEntered {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let words: usize = self.argv.iter().map(Captured::weight).sum();
        size_of::<Self>() + self.path.weight() + words + texts(&self.stack)
    }
}

impl FirmwareAsked {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.name.weight() + self.device.weight()
    }
}

impl DriverTried {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = [&self.device, &self.bus, &self.driver].into_iter().chain(&self.module);
        size_of::<Self>() + texts.map(Captured::weight).sum::<usize>()
    }
}

impl Uevent {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = [&self.device, &self.subsystem, &self.alias].into_iter().chain(&self.driver);
        size_of::<Self>() + texts.map(Captured::weight).sum::<usize>()
    }
}

impl Resolution {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of = |wanted: &Wanted| {
            let replaced: usize = wanted.replaced.iter().map(|one| text(&one.module) + install(&one.install)).sum();
            let own = wanted.install.as_ref().map_or(0, install);
            let places: usize = [&wanted.blacklisted, &wanted.alias].into_iter().flatten().map(place).sum();
            let spared: usize = wanted.spared.iter().map(|one| text(&one.module) + place(&one.place)).sum();
            let unapplied = wanted.unapplied.iter().map(|one| text(&one.line) + place(&one.place) + text(&one.why));
            let places = places + spared + unapplied.sum::<usize>();
            let files: usize = wanted.unusable_files.iter().map(|file| text(&file.module) + text(&file.path)).sum();
            let options = wanted.options.as_ref().map_or(0, text);
            let others = texts(&wanted.dependencies) + texts(&wanted.after);
            size_of_val(wanted) + text(&wanted.name) + others + replaced + own + places + files + options
        };
        let absent = self.absent.as_ref().map_or(0, |absent| text(&absent.folder) + texts(&absent.others));
        let more: usize = [&self.unindexed, &self.unread].into_iter().flatten().map(text).sum();
        size_of::<Self>() + self.modules.iter().map(of).sum::<usize>() + absent + more
    }
}

impl Event {
    /// Bytes.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other moment has a fixed size")]
    pub fn weight(&self) -> usize {
        let more = match &self.body {
            Body::Probe(probe) => match &probe.moment {
                Moment::Requested(requested) => requested.weight(),
                Moment::CallEntered(entered) => entered.weight(),
                Moment::Firmware(FirmwareMoment::Began(asked) | FirmwareMoment::FallbackBegan(asked)) => asked.weight(),
                Moment::Device(DeviceMoment::Bound(tried) | DeviceMoment::Failed { tried, .. }) => tried.weight(),
                Moment::Device(DeviceMoment::Uevent(uevent)) => uevent.weight(),
                Moment::Admitted { alias, .. } => alias.weight(),
                Moment::Coming(module)
                | Moment::InitBegun(module)
                | Moment::Live(module)
                | Moment::Going(module)
                | Moment::Freed(module) => module.name.weight(),
                Moment::Named { name } | Moment::FileNamed { name, .. } => name.weight(),
                Moment::Printed { line } => line.weight(),
                Moment::RefusedEarly { requested, .. } => requested.weight(),
                Moment::LoadBegan { origin, .. } => origin.as_ref().map_or(0, |origin| origin.weight()),
                Moment::UnloadBegan { name, origin } => {
                    name.weight() + origin.as_ref().map_or(0, |origin| origin.weight())
                }
                Moment::Executed { program: Some(program), .. } => program.weight(),
                Moment::Suspend(SuspendMoment::Phase { action, .. }) => action.weight(),
                _ => 0,
            },
            Body::Fact(Fact::LiveModules(names)) => texts(names),
            Body::Fact(Fact::Stuck { stack, .. }) => texts(stack),
            Body::Fact(Fact::Hooks(hooks)) => {
                let of = |hook: &super::Hook| {
                    hook.attached.as_ref().map_or(0, text) + text(&hook.loses) + text(&hook.refused)
                };
                hooks.iter().map(of).sum()
            }
            Body::Fact(Fact::Resolved { alias, resolution }) => text(alias) + resolution.weight(),
            Body::Fact(Fact::Machine(machine)) => {
                let Machine { boot_id, release, arch, hostname, version, .. } = machine;
                [boot_id, release, arch, hostname, version].into_iter().map(|words| words.capacity()).sum()
            }
            Body::Fact(Fact::Policy(policy)) => policy.weight(),
            Body::Fact(Fact::SelfTest(SelfTest::Unproven(why))) => text(why),
            Body::Fact(Fact::SelfTest(SelfTest::Deaf(moments))) => size_of_val(&moments[..]),
            Body::Fact(Fact::Costs(costs)) => size_of_val(&costs.probes[..]),
            Body::Fact(Fact::Rights(rights)) => {
                let words = rights.iter().map(|right| text(&right.capability) + text(&right.why));
                size_of_val(&rights[..]) + words.sum::<usize>()
            }
            Body::Fact(
                Fact::Tracer(_)
                | Fact::SelfTest(SelfTest::Proven)
                | Fact::Gone { .. }
                | Fact::ClockSet { .. }
                | Fact::Lost { .. }
                | Fact::Blamed { .. }
                | Fact::Tick
                | Fact::Drained
                | Fact::End,
            ) => 0,
        };
        size_of::<Self>() + more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Stamp, Wait};
    use crate::testing::{asked, entered};
    use trace_common::ids::{CallAddress, Tid};

    #[test]
    fn what_holds_more_text_weighs_more() {
        let more = "x".repeat(1_000);
        let weight = |alias: &str| asked(alias).weight();
        assert!(weight(&more) >= weight("x") + 999);
        let words = |word: &str| entered(CallAddress(1), Wait::Proc, &["/sbin/modprobe", word]).weight();
        assert!(words(&more) >= words("x") + 999);
        let stack = |frame: &str| Requested { stack: [Arc::from(frame)].into(), ..asked("x") }.weight();
        assert!(stack(&more) >= stack("x") + 999);
        let options = |options: &str| {
            let wanted = Wanted { options: Some(options.into()), ..Wanted::default() };
            Resolution { known: true, modules: vec![wanted], ..Resolution::default() }.weight()
        };
        assert!(options(&more) >= options("x") + 999);
    }

    #[test]
    fn facts_with_text_weigh_their_text() {
        let more = "x".repeat(1_000);
        let facts = |text: &str| {
            [
                Fact::Machine(Machine { hostname: text.into(), ..Machine::default() }),
                Fact::SelfTest(SelfTest::Unproven(text.into())),
                Fact::Stuck { thread: Tid(1), stack: [Arc::from(text)].into() },
                Fact::LiveModules([Arc::from(text)].into()),
                Fact::Resolved { alias: text.into(), resolution: Resolution::default().into() },
            ]
        };
        let weights = |text| facts(text).map(|fact| Event { at: Stamp::default(), body: Body::Fact(fact) }.weight());
        for (more, less) in weights(&more).into_iter().zip(weights("x")) {
            assert!(more >= less + 999, "{more} {less}");
        }
    }
}
