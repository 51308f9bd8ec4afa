//! Marks: a letter for something that has a page.
//!
//! In: a letter and what it is for. Out: one from the other. Pure.

use super::go::Target;
use std::collections::BTreeMap;

/// What is marked, by its letter.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    targets: BTreeMap<char, Target>,
}

/// What the letter that comes next is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// It is the mark of this.
    Set(Target),
    /// Its mark is returned to.
    Return,
}

impl Marks {
    /// The marks, by letter.
    pub fn all(&self) -> impl Iterator<Item = (char, Target)> {
        self.targets.iter().map(|(letter, target)| (*letter, *target))
    }

    /// What a letter is for.
    #[must_use]
    pub fn target(&self, letter: char) -> Option<Target> {
        self.targets.get(&letter).copied()
    }

    /// Gives something a letter, in place of the one that it had.
    pub fn set(&mut self, letter: char, target: Target) {
        self.targets.retain(|_, marked| *marked != target);
        self.targets.insert(letter, target);
    }

    /// The letter of something.
    #[must_use]
    pub fn letter(&self, target: Target) -> Option<char> {
        self.all().find(|(_, marked)| *marked == target).map(|(letter, _)| letter)
    }
}
