//! Things of one kind that the model keeps, in order, and which of them are open. There is a cap: beyond it, the oldest
//! closed thing is given up first.

use crate::entities::Timed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The things, by their ids, which rise.
#[derive(Clone, Debug)]
pub struct Kept<Id, T> {
    /// Each with what it weighs.
    all: BTreeMap<Id, (Arc<T>, usize)>,
    open: BTreeSet<Id>,
    closed: BTreeSet<Id>,
    cap: usize,
    bytes_cap: usize,
    /// What all of them weigh.
    bytes: usize,
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

impl<Id: Copy + Ord, T: Timed> Kept<Id, T> {
    /// None, and never more than `cap`, nor more than so many bytes.
    #[must_use]
    pub const fn new(cap: usize, bytes_cap: usize) -> Self {
        Self { all: BTreeMap::new(), open: BTreeSet::new(), closed: BTreeSet::new(), cap, bytes_cap, bytes: 0 }
    }

    /// Puts a thing in, as it is now. If there are too many and none is closed, the oldest of all is given up.
    pub fn put(&mut self, id: Id, thing: Arc<T>) -> Put<Id> {
        let (now_in, no_longer_in) =
            if thing.is_closed() { (&mut self.closed, &mut self.open) } else { (&mut self.open, &mut self.closed) };
        now_in.insert(id);
        no_longer_in.remove(&id);
        let known = self.all.get(&id).filter(|(before, _)| thing.weighs_as(before)).map(|(_, weight)| *weight);
        let weight = known.unwrap_or_else(|| thing.weight());
        debug_assert_eq!(weight, thing.weight());
        self.bytes += weight;
        let before = self.all.insert(id, (thing, weight));
        self.bytes -= before.as_ref().map_or(0, |(_, weight)| *weight);
        let mut forgotten = Vec::new();
        while self.all.len() > self.cap || (self.bytes > self.bytes_cap && self.all.len() > 1) {
            let Some(oldest) = self.closed.pop_first().or_else(|| self.open.pop_first()) else { break };
            self.bytes -= self.all.remove(&oldest).map_or(0, |(_, weight)| weight);
            forgotten.push(oldest);
        }
        Put { is_new: before.is_none(), forgotten }
    }

    /// One, while it is kept.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Arc<T>> {
        self.all.get(&id).map(|(thing, _)| thing)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + ExactSizeIterator {
        self.all.values().map(|(thing, _)| thing)
    }

    /// Those that are open, oldest first.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.open.iter().filter_map(|id| self.get(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, Put};
    use crate::entities::Timed;
    use crate::event::Stamp;
    use std::sync::Arc;

    const BYTES: usize = 3_000;

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
}
