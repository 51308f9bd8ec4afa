//! The lives of modules: which modules are live, since when, and by whose load.
//!
//! The kernel does not link a request to a module's state; a name and two instants do. A module can be loaded and
//! unloaded many times, so each name has a history of lives, and the last few are kept. Lives that began before tracing
//! are known from the list of live modules that the edge establishes, and so are lives that a loss hid.

use crate::entities::RequestId;
use crate::event::{Stamp, Task};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Lives kept per module. A request is judged within seconds, and no module is loaded more often in that time.
const LIVES: usize = 8;

/// Names that are kept. No machine has so many modules. Beyond that, those that are not live are forgotten; if that is
/// less than half, all are, and that is counted.
const NAMES: usize = 65_536;

/// How a module went live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// When.
    pub at: Stamp,
    /// The thread that loaded it.
    pub task: Task,
    /// The request that the load belongs to, if any.
    pub request: Option<RequestId>,
    /// When its init began, if that was seen.
    pub init_begun: Option<Stamp>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    /// `None`: before tracing, or not seen.
    birth: Option<Birth>,
    /// The earliest instant at which it is known to have been live.
    from: Stamp,
    gone: Option<Stamp>,
}

/// The histories, by name.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    by_module: BTreeMap<Arc<str>, VecDeque<Life>>,
    capped: u64,
}

impl Lives {
    /// Exactly these modules are live at `at`. `in_init`: those whose init is known to be running, so they were not
    /// live before.
    pub fn list(&mut self, names: &[Arc<str>], at: Stamp, in_init: impl Fn(&str) -> bool) {
        let listed: BTreeSet<&Arc<str>> = names.iter().collect();
        for (name, lives) in &mut self.by_module {
            if let Some(life) = lives.back_mut()
                && life.gone.is_none()
                && !listed.contains(name)
            {
                life.gone = Some(at);
            }
        }
        for name in names {
            if !self.is_live(name) {
                // Live for an unknown time: as far as is known, always.
                let from = if self.by_module.contains_key(name) || in_init(name) { at } else { Stamp::default() };
                self.push(name, Life { birth: None, from, gone: None });
            }
        }
    }

    /// `name` went live.
    pub fn live(&mut self, name: &Arc<str>, birth: Birth) {
        // Listed as live by an edge that read the list while the module went live: it is the same life, and this is its
        // birth.
        if let Some(life) = self.by_module.get_mut(name).and_then(VecDeque::back_mut)
            && life.gone.is_none()
            && life.birth.is_none()
        {
            *life = Life { birth: Some(birth), from: birth.at, gone: None };
            return;
        }
        self.gone(name, birth.at);
        // A life that is reported late lasted at most until the next one began.
        let later = self.of(name).map(|life| life.from).find(|from| *from > birth.at);
        self.push(name, Life { birth: Some(birth), from: birth.at, gone: later });
    }

    /// `name` is going: returns the life that it had.
    pub fn gone(&mut self, name: &str, at: Stamp) {
        let lives = self.by_module.get_mut(name).into_iter().flatten();
        if let Some(life) = lives.rev().find(|life| life.from <= at) {
            life.gone.get_or_insert(at);
        }
    }

    /// Whether `name` was live at `at`.
    #[must_use]
    pub fn live_at(&self, name: &str, at: Stamp) -> bool {
        self.of(name).any(|life| life.from < at && life.gone.is_none_or(|gone| gone > at))
    }

    /// How `name` went live after `from` and not after `until`: the first time it did. If its init began in time, the
    /// report may come later.
    #[must_use]
    pub fn went_live_within(
        &self,
        name: &str,
        from: Stamp,
        until: Stamp,
        reported_until: Option<Stamp>,
    ) -> Option<Birth> {
        let reported_late = |birth: &Birth| {
            birth.init_begun.is_some_and(|begun| begun <= until) && reported_until.is_some_and(|last| birth.at <= last)
        };
        let mut births = self.of(name).filter_map(|life| life.birth).filter(|birth| birth.at >= from);
        births.find(|birth| birth.at <= until || reported_late(birth))
    }

    /// Whether the life of `name` that began at `birth` lasted until `until`.
    #[must_use]
    pub fn stayed_live(&self, name: &str, birth: Stamp, until: Stamp) -> bool {
        self.born(name, birth).is_some_and(|life| life.gone.is_none_or(|gone| gone > until))
    }

    /// When the life of `name` that began at `birth` ended, if that was not after `until` and no other had begun by
    /// then.
    #[must_use]
    pub fn gone_by(&self, name: &str, birth: Stamp, until: Stamp) -> Option<Stamp> {
        let gone = self.born(name, birth)?.gone.filter(|gone| *gone <= until)?;
        let again = self.of(name).any(|life| life.from > birth && life.from <= until);
        (!again).then_some(gone)
    }

    fn born(&self, name: &str, birth: Stamp) -> Option<&Life> {
        self.of(name).find(|life| life.birth.is_some_and(|born| born.at == birth))
    }

    /// How many live modules were forgotten because there were too many, since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.capped)
    }

    fn is_live(&self, name: &str) -> bool {
        self.by_module.get(name).and_then(VecDeque::back).is_some_and(|life| life.gone.is_none())
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &Life> {
        self.by_module.get(name).into_iter().flatten()
    }

    fn push(&mut self, name: &Arc<str>, life: Life) {
        if self.by_module.len() >= NAMES && !self.by_module.contains_key(name) {
            self.by_module.retain(|_, lives| lives.back().is_some_and(|life| life.gone.is_none()));
            if self.by_module.len() > NAMES / 2 {
                self.capped += self.by_module.len() as u64;
                self.by_module.clear();
            }
        }
        let lives = self.by_module.entry(name.clone()).or_default();
        let place = lives.partition_point(|other| other.from <= life.from);
        lives.insert(place, life);
        if lives.len() > LIVES {
            lives.pop_front();
        }
    }
}
