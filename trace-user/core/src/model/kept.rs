//! Things of one kind that the model keeps, in order, and which of them are open. There is a cap: beyond it, the oldest
//! closed thing is given up first.
//!
//! They stand in pages, which copies share until one of them changes something in the page: a copy costs a pointer a
//! page.

use crate::entities::{CallId, CycleId, DeviceId, FirmwareId, LoadId, RequestId, Timed, UnloadId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Ids that have a place in one page.
const PAGE: u64 = 64;

/// A number that rises with each new thing.
pub trait Numbered: Copy + Ord {
    /// The number.
    fn number(self) -> u64;
}

macro_rules! numbered {
    ($($id:ident)*) => {
        $(impl Numbered for $id {
            fn number(self) -> u64 {
                self.0
            }
        })*
    };
}

numbered!(RequestId CallId LoadId UnloadId CycleId FirmwareId DeviceId);

/// The things, by their ids, which rise.
#[derive(Clone, Debug)]
pub struct Kept<Id, T> {
    pages: BTreeMap<u64, Arc<Page<Id, T>>>,
    open: BTreeSet<Id>,
    /// The pages in which something is closed.
    with_closed: BTreeSet<u64>,
    /// How many there are.
    count: usize,
    cap: usize,
    bytes_cap: usize,
    /// What all of them weigh.
    bytes: usize,
    /// What those that were given up weighed.
    bytes_gone: u64,
}

/// Things whose ids are neighbours.
#[derive(Debug)]
struct Page<Id, T> {
    /// Each with what it weighs.
    all: BTreeMap<Id, (Arc<T>, usize)>,
    closed: BTreeSet<Id>,
}

impl<Id: Clone, T> Clone for Page<Id, T> {
    fn clone(&self) -> Self {
        Self { all: self.all.clone(), closed: self.closed.clone() }
    }
}

impl<Id, T> Default for Page<Id, T> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), closed: BTreeSet::new() }
    }
}

/// What putting a thing in did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put<Id> {
    /// It was not there before.
    pub is_new: bool,
    /// These were given up for it.
    pub forgotten: Vec<Id>,
}

impl<Id> Put<Id> {
    /// How many were given up.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.forgotten.len() as u64
    }
}

impl<Id: Numbered, T: Timed> Kept<Id, T> {
    /// None, and never more than `cap`, nor more than so many bytes.
    #[must_use]
    pub const fn new(cap: usize, bytes_cap: usize) -> Self {
        Self {
            pages: BTreeMap::new(),
            open: BTreeSet::new(),
            with_closed: BTreeSet::new(),
            count: 0,
            cap,
            bytes_cap,
            bytes: 0,
            bytes_gone: 0,
        }
    }

    /// Puts a thing in, as it is now. If there are too many and none is closed, the oldest of all is given up.
    pub fn put(&mut self, id: Id, thing: Arc<T>) -> Put<Id> {
        let place = id.number() / PAGE;
        let page = Arc::make_mut(self.pages.entry(place).or_default());
        if thing.is_closed() {
            page.closed.insert(id);
            self.with_closed.insert(place);
            self.open.remove(&id);
        } else {
            self.open.insert(id);
            if page.closed.remove(&id) && page.closed.is_empty() {
                self.with_closed.remove(&place);
            }
        }
        let known = page.all.get(&id).filter(|(before, _)| thing.weighs_as(before)).map(|(_, weight)| *weight);
        let weight = known.unwrap_or_else(|| thing.weight());
        debug_assert_eq!(weight, thing.weight());
        let before = page.all.insert(id, (thing, weight));
        self.bytes += weight;
        self.bytes -= before.as_ref().map_or(0, |(_, weight)| *weight);
        self.count += usize::from(before.is_none());
        let mut forgotten = Vec::new();
        while self.count > self.cap || (self.bytes > self.bytes_cap && self.count > 1) {
            let Some(oldest) = self.oldest() else { break };
            self.remove(oldest);
            forgotten.push(oldest);
        }
        Put { is_new: before.is_none(), forgotten }
    }

    /// The oldest that is closed; if none is, the oldest of all.
    fn oldest(&self) -> Option<Id> {
        let page = self.with_closed.first().and_then(|place| self.pages.get(place));
        page.and_then(|page| page.closed.first()).or_else(|| self.open.first()).copied()
    }

    fn remove(&mut self, id: Id) {
        let place = id.number() / PAGE;
        self.open.remove(&id);
        let Some(page) = self.pages.get_mut(&place).map(Arc::make_mut) else { return };
        page.closed.remove(&id);
        let weight = page.all.remove(&id).map_or(0, |(_, weight)| weight);
        if page.closed.is_empty() {
            self.with_closed.remove(&place);
        }
        if page.all.is_empty() {
            self.pages.remove(&place);
        }
        self.bytes -= weight;
        self.bytes_gone += weight as u64;
        self.count -= 1;
    }

    /// One, while it is kept.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Arc<T>> {
        self.pages.get(&(id.number() / PAGE))?.all.get(&id).map(|(thing, _)| thing)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + ExactSizeIterator {
        let things = self.pages.values().flat_map(|page| page.all.values()).map(|(thing, _)| thing);
        Counted { things, left: self.count }
    }

    /// Those that are open, oldest first.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.open.iter().filter_map(|id| self.get(*id))
    }

    /// What they weigh, and what all that ever came weighed.
    #[must_use]
    pub const fn weights(&self) -> (usize, u64) {
        (self.bytes, self.bytes as u64 + self.bytes_gone)
    }
}

/// Things whose number is known.
struct Counted<I> {
    things: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.things.next()?;
        self.left -= 1;
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Counted<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        let next = self.things.next_back()?;
        self.left -= 1;
        Some(next)
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

#[cfg(test)]
mod tests {
    use super::{Kept, Numbered, PAGE, Put};
    use crate::entities::Timed;
    use crate::event::Stamp;
    use std::sync::Arc;

    const BYTES: usize = 3_000;

    impl Numbered for u32 {
        fn number(self) -> u64 {
            self.into()
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Thing {
        closed: bool,
        weight: usize,
    }

    impl Timed for Thing {
        fn began(&self) -> Stamp {
            Stamp::default()
        }

        fn ended(&self) -> Option<Stamp> {
            None
        }

        fn is_closed(&self) -> bool {
            self.closed
        }

        fn weight(&self) -> usize {
            self.weight
        }
    }

    #[test]
    fn the_oldest_that_is_closed_goes_first_and_open_ones_last() {
        let mut kept = Kept::new(2, 100);
        let mut put = |id, closed| kept.put(id, Arc::new(Thing { closed, weight: 1 }));
        let fresh = |forgotten: &[u32]| Put { is_new: true, forgotten: forgotten.to_vec() };
        assert_eq!([put(1, false), put(2, true), put(3, true)], [fresh(&[]), fresh(&[]), fresh(&[2])]);
        assert_eq!([put(3, false), put(4, false)], [Put { is_new: false, forgotten: vec![] }, fresh(&[1])]);
        assert_eq!((kept.all().len(), kept.open().count(), kept.get(1).is_none()), (2, 2, true));
    }

    #[test]
    fn what_weighs_too_much_is_given_up_whatever_the_number() {
        let mut kept = Kept::new(100, BYTES);
        let mut put = |id: u32, weight| kept.put(id, Arc::new(Thing { closed: true, weight })).forgotten;
        let third = BYTES / 3;
        assert_eq!([put(1, third), put(2, third), put(3, third), put(4, third)], [vec![], vec![], vec![], vec![1]]);
        assert_eq!(put(5, BYTES * 2), [2, 3, 4]);
        assert_eq!(put(6, 1), [5]);
        assert_eq!(kept.bytes, 1);
    }

    #[test]
    fn a_copy_shares_what_neither_changes() {
        let last = 3 * u32::try_from(PAGE).expect("a small number") - 1;
        let mut kept = Kept::new(1_000, 1_000);
        let put = |kept: &mut Kept<u32, Thing>, id, closed| {
            kept.put(id, Arc::new(Thing { closed, weight: 1 }));
        };
        (0..=last).for_each(|id| put(&mut kept, id, false));
        let copy = kept.clone();
        put(&mut kept, 0, true);
        let shared = |place: u64| Arc::ptr_eq(&kept.pages[&place], &copy.pages[&place]);
        assert_eq!([0, 1, 2].map(shared), [false, true, true]);
        let closed = |kept: &Kept<u32, Thing>| kept.all().filter(|thing| thing.closed).count();
        assert_eq!((closed(&kept), closed(&copy), kept.all().len()), (1, 0, last as usize + 1));
        assert_eq!(kept.all().next_back(), kept.get(last));
    }
}
