//! What events hold again and again, such as the stack of every request of one kind, kept once.
//!
//! In: events, as they were read or came. Out: the same events, which share with earlier ones what is equal. What is
//! remembered is bounded; beyond that, all of it is forgotten.

use crate::event::weight::{text, texts};
use crate::event::{Body, Captured, DeviceMoment, Event, Fact, FirmwareMoment, Moment, Requested, Resolution};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes that are remembered at most.
const REMEMBERED: usize = 4 * 1024 * 1024;

/// The texts of earlier events.
#[derive(Debug, Default)]
pub struct Interner {
    texts: BTreeSet<Arc<str>>,
    stacks: BTreeSet<Arc<[Arc<str>]>>,
    arguments: BTreeSet<Arc<[Captured]>>,
    /// The latest request for each alias: who asks for one usually does so again.
    requested: BTreeMap<Captured, Arc<Requested>>,
    /// What each alias resolved to last.
    resolved: BTreeMap<Arc<str>, Arc<Resolution>>,
    /// What all of them weigh.
    bytes: usize,
}

impl Interner {
    /// Takes from earlier events what the event holds, too. A value that somebody else holds already stays as it is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else holds no text, or is rare")]
    pub fn intern(&mut self, event: &mut Event) {
        let probe = match &mut event.body {
            Body::Probe(probe) => probe,
            Body::Fact(Fact::Resolved { alias, resolution }) => return self.resolved(alias, resolution),
            Body::Fact(_) => return,
        };
        match &mut probe.moment {
            Moment::Requested(asked) => self.requested(asked),
            Moment::CallEntered(entered) => {
                let Some(entered) = Arc::get_mut(entered) else { return };
                self.captured(&mut entered.path);
                self.arguments(&mut entered.argv);
                self.stack(&mut entered.stack);
            }
            Moment::Firmware(FirmwareMoment::Began(asked) | FirmwareMoment::FallbackBegan(asked)) => {
                let Some(asked) = Arc::get_mut(asked) else { return };
                self.captured(&mut asked.name);
                self.captured(&mut asked.device);
            }
            Moment::Device(DeviceMoment::Bound(tried) | DeviceMoment::Failed { tried, .. }) => {
                let Some(tried) = Arc::get_mut(tried) else { return };
                [&mut tried.device, &mut tried.bus, &mut tried.driver]
                    .into_iter()
                    .chain(&mut tried.module)
                    .for_each(|text| self.captured(text));
            }
            Moment::Device(DeviceMoment::Uevent(uevent)) => {
                let Some(uevent) = Arc::get_mut(uevent) else { return };
                [&mut uevent.device, &mut uevent.subsystem, &mut uevent.alias]
                    .into_iter()
                    .chain(&mut uevent.driver)
                    .for_each(|text| self.captured(text));
            }
            Moment::Admitted { alias, .. } => self.captured(alias),
            Moment::Named { name } | Moment::FileNamed { name, .. } => self.captured(name),
            Moment::Coming(module)
            | Moment::InitBegun(module)
            | Moment::Live(module)
            | Moment::Going(module)
            | Moment::Freed(module) => self.captured(&mut module.name),
            _ => {}
        }
    }

    fn requested(&mut self, asked: &mut Arc<Requested>) {
        if let Some(earlier) = self.requested.get(&asked.alias).filter(|earlier| *earlier == asked) {
            *asked = Arc::clone(earlier);
            return;
        }
        if let Some(asked) = Arc::get_mut(asked) {
            self.captured(&mut asked.alias);
            [&mut asked.exe, &mut asked.cgroup].into_iter().flatten().for_each(|path| self.text(path));
            self.stack(&mut asked.stack);
        }
        self.make_room(size_of::<Requested>());
        self.requested.insert(asked.alias.clone(), Arc::clone(asked));
    }

    fn resolved(&mut self, alias: &mut Arc<str>, resolution: &mut Arc<Resolution>) {
        self.text(alias);
        if let Some(earlier) = self.resolved.get(alias).filter(|earlier| *earlier == resolution) {
            *resolution = Arc::clone(earlier);
            return;
        }
        self.make_room(resolution.weight());
        self.resolved.insert(Arc::clone(alias), Arc::clone(resolution));
    }

    fn arguments(&mut self, words: &mut Arc<[Captured]>) {
        if let Some(earlier) = self.arguments.get(&**words) {
            *words = Arc::clone(earlier);
            return;
        }
        Arc::get_mut(words).into_iter().flatten().for_each(|word| self.captured(word));
        self.make_room(words.iter().map(Captured::weight).sum());
        self.arguments.insert(Arc::clone(words));
    }

    fn captured(&mut self, captured: &mut Captured) {
        match captured {
            Captured::Whole(text) | Captured::Truncated(text) => self.text(text),
            Captured::Unreadable(_) => {}
        }
    }

    fn text(&mut self, it: &mut Arc<str>) {
        if let Some(earlier) = self.texts.get(&**it) {
            *it = Arc::clone(earlier);
            return;
        }
        self.make_room(text(it));
        self.texts.insert(Arc::clone(it));
    }

    fn stack(&mut self, stack: &mut Arc<[Arc<str>]>) {
        if let Some(earlier) = self.stacks.get(&**stack) {
            *stack = Arc::clone(earlier);
            return;
        }
        self.make_room(texts(stack));
        self.stacks.insert(Arc::clone(stack));
    }

    fn make_room(&mut self, weight: usize) {
        if self.bytes + weight > REMEMBERED {
            *self = Self::default();
        }
        self.bytes += weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_kept_once() {
        let mut interner = Interner::default();
        let (mut first, mut second, mut other): (Arc<str>, Arc<str>, Arc<str>) = ("a".into(), "a".into(), "b".into());
        [&mut first, &mut second, &mut other].into_iter().for_each(|it| interner.text(it));
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!((&*first, &*second, &*other), ("a", "a", "b"));
    }

    #[test]
    fn whoever_asks_again_is_kept_once() {
        let busy = crate::testing::busy();
        let mut interner = Interner::default();
        // As it is read: nobody else holds any of it.
        let mut read = || {
            let mut events = busy.events.clone();
            events.iter_mut().for_each(|event| {
                if let Body::Probe(probe) = &mut event.body {
                    if let Moment::Requested(asked) = &mut probe.moment {
                        *asked = Arc::new((**asked).clone());
                    } else if let Moment::CallEntered(entered) = &mut probe.moment {
                        *entered = Arc::new((**entered).clone());
                        Arc::make_mut(entered).argv = entered.argv.iter().cloned().collect();
                    }
                }
                interner.intern(event);
            });
            events
        };
        let (first, second) = (read(), read());
        assert_eq!(first, second);
        let mut shared = 0;
        for (one, other) in first.iter().zip(&second) {
            let (Body::Probe(one), Body::Probe(other)) = (&one.body, &other.body) else { continue };
            if let (Moment::Requested(one), Moment::Requested(other)) = (&one.moment, &other.moment) {
                assert!(Arc::ptr_eq(one, other));
                shared += 1;
            } else if let (Moment::CallEntered(one), Moment::CallEntered(other)) = (&one.moment, &other.moment) {
                assert!(Arc::ptr_eq(&one.argv, &other.argv));
                shared += 1;
            }
        }
        assert!(shared > 10, "{shared}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut interner = Interner::default();
        for number in 0..200 {
            interner.text(&mut format!("{number:>60000}").into());
            interner.stack(&mut [Arc::from(format!("{number:>60000}"))].into());
            assert!(interner.bytes <= REMEMBERED);
        }
        assert!(interner.texts.len() + interner.stacks.len() < 80);
    }
}
