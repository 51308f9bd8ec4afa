//! Things of one kind that the model keeps, in order, and which of them are open. There is a cap: beyond it, the oldest
//! closed thing is given up first.

use crate::entities::Timed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The things, by their ids, which rise.
#[derive(Clone, Debug)]
pub struct Kept<Id, T> {
    all: BTreeMap<Id, Arc<T>>,
    open: BTreeSet<Id>,
    closed: BTreeSet<Id>,
    cap: usize,
}

/// What putting a thing in did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put<Id> {
    /// It was not there before.
    pub is_new: bool,
    /// This one was given up for it.
    pub forgotten: Option<Id>,
}

impl<Id> Put<Id> {
    /// How many were given up.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten.is_some() as u64
    }
}

impl<Id: Copy + Ord, T: Timed> Kept<Id, T> {
    /// None, and never more than `cap`.
    #[must_use]
    pub const fn new(cap: usize) -> Self {
        Self { all: BTreeMap::new(), open: BTreeSet::new(), closed: BTreeSet::new(), cap }
    }

    /// Puts a thing in, as it is now. If there are too many and none is closed, the oldest of all is given up.
    pub fn put(&mut self, id: Id, thing: Arc<T>) -> Put<Id> {
        let (now_in, no_longer_in) =
            if thing.is_closed() { (&mut self.closed, &mut self.open) } else { (&mut self.open, &mut self.closed) };
        now_in.insert(id);
        no_longer_in.remove(&id);
        let is_new = self.all.insert(id, thing).is_none();
        let is_over = self.all.len() > self.cap;
        let forgotten = is_over.then(|| self.closed.pop_first().or_else(|| self.open.pop_first())).flatten();
        forgotten.map(|oldest| self.all.remove(&oldest));
        Put { is_new, forgotten }
    }

    /// One, while it is kept.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Arc<T>> {
        self.all.get(&id)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + ExactSizeIterator {
        self.all.values()
    }

    /// Those that are open, oldest first.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.open.iter().filter_map(|id| self.all.get(id))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, Put};
    use crate::entities::Timed;
    use crate::event::Stamp;
    use std::sync::Arc;

    struct Thing {
        closed: bool,
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
    }

    #[test]
    fn the_oldest_that_is_closed_goes_first_and_open_ones_last() {
        let mut kept = Kept::new(2);
        let mut put = |id, closed| kept.put(id, Arc::new(Thing { closed }));
        let fresh = |forgotten| Put { is_new: true, forgotten };
        assert_eq!([put(1, false), put(2, true), put(3, true)], [fresh(None), fresh(None), fresh(Some(2))]);
        assert_eq!([put(3, false), put(4, false)], [Put { is_new: false, forgotten: None }, fresh(Some(1))]);
        assert_eq!((kept.all().len(), kept.open().count(), kept.get(1).is_none()), (2, 2, true));
    }
}
