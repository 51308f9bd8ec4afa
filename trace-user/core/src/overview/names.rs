//! Names by how often they came.
//!
//! In: names. Out: the most frequent. The memory is bounded: once so many are known, other names are counted together.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Names that have a count of their own.
const KNOWN: usize = 4_096;

/// Names and how often each came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    counts: BTreeMap<Arc<str>, u64>,
    others: u64,
}

impl Names {
    /// A name came once more.
    pub fn add(&mut self, name: &str) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
        } else if self.counts.len() < KNOWN {
            self.counts.insert(name.into(), 1);
        } else {
            self.others += 1;
        }
    }

    /// The `count` most frequent, the most frequent first; among equal ones by name.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<(&Arc<str>, u64)> {
        let mut top: Vec<(&Arc<str>, u64)> = Vec::with_capacity(count + 1);
        for (name, times) in &self.counts {
            let place = top.partition_point(|(_, other)| other >= times);
            if place < count {
                top.insert(place, (name, *times));
                top.truncate(count);
            }
        }
        top
    }

    /// How many different names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// No name came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How often names came that have none.
    #[must_use]
    pub const fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_equal_ones_by_name() {
        let mut names = Names::default();
        for name in ["b", "a", "c", "c", "b", "c", "d"] {
            names.add(name);
        }
        let top = |count| names.top(count).iter().map(|(name, times)| format!("{name}{times}")).collect::<Vec<_>>();
        assert_eq!(top(3), ["c3", "b2", "a1"]);
        assert_eq!(top(9), ["c3", "b2", "a1", "d1"]);
        assert!(top(0).is_empty());
    }

    #[test]
    fn too_many_names_are_counted_together() {
        let mut names = Names::default();
        (0..KNOWN + 10).for_each(|number| names.add(&number.to_string()));
        names.add("0");
        assert_eq!((names.len(), names.others(), names.top(1)), (KNOWN, 10, vec![(&Arc::from("0"), 2)]));
    }
}
