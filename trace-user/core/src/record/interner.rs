//! Texts that a recording holds again and again, such as the stack of every request of one kind, kept once.
//!
//! In: events as they were read. Out: the same events, whose texts are those of earlier events where they are equal.
//! What is remembered is bounded; beyond that, all of it is forgotten.

use crate::event::weight::{text, texts};
use crate::event::{Body, Captured, DeviceMoment, Event, FirmwareMoment, Moment};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes that are remembered at most.
const REMEMBERED: usize = 4 * 1024 * 1024;

/// The texts of earlier events.
#[derive(Debug, Default)]
pub struct Interner {
    texts: BTreeSet<Arc<str>>,
    stacks: BTreeSet<Arc<[Arc<str>]>>,
    /// What all of them weigh.
    bytes: usize,
}

impl Interner {
    /// Takes from earlier events what the event holds, too. A value that somebody else holds already stays as it is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else holds no text, or is rare")]
    pub fn intern(&mut self, event: &mut Event) {
        let Body::Probe(probe) = &mut event.body else { return };
        match &mut probe.moment {
            Moment::Requested(asked) => {
                let Some(asked) = Arc::get_mut(asked) else { return };
                self.captured(&mut asked.alias);
                [&mut asked.exe, &mut asked.cgroup].into_iter().flatten().for_each(|path| self.text(path));
                self.stack(&mut asked.stack);
            }
            Moment::CallEntered(entered) => {
                let Some(entered) = Arc::get_mut(entered) else { return };
                self.captured(&mut entered.path);
                Arc::get_mut(&mut entered.argv).into_iter().flatten().for_each(|word| self.captured(word));
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
            Moment::Named { name } => self.captured(name),
            Moment::Coming(module)
            | Moment::InitBegun(module)
            | Moment::Live(module)
            | Moment::Going(module)
            | Moment::Freed(module) => self.captured(&mut module.name),
            _ => {}
        }
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
