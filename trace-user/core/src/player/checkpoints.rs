//! Positions from which a recording can be played on: copies of the head, with the place from which the feed goes on.
//!
//! In: copies from the whole recording, and from around where it was last played. Out: the last one before a position.
//! The memory is bounded: once it is used up, every second one is given up, so that they stay evenly spread.

use super::Feed;
use super::head::Head;
use super::target::Target;
use std::collections::VecDeque;

/// The number of checkpoints at most, whatever they weigh.
const COUNT: usize = 512;
/// Checkpoints around where the recording was last played.
const NEAR: usize = 64;

/// How many checkpoints there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The fewest events between two of those that are spread over the whole recording.
    pub spread: u64,
    /// The fewest events between two of those around where it was last played.
    pub near: u64,
    /// Bytes of memory for those that are spread, about. Most of it is what their models keep and later ones do not.
    pub bytes: usize,
}

impl Limits {
    /// The usual distances, and so much memory.
    #[must_use]
    pub const fn of_memory(bytes: usize) -> Self {
        Self { spread: 65_536, near: 2_048, bytes }
    }
}

/// A position from which the recording can be played on.
#[derive(Clone, Debug)]
pub struct Checkpoint<M> {
    /// What is known there.
    pub head: Head,
    /// Where the feed goes on.
    pub mark: M,
}

/// The checkpoints, in order.
#[derive(Debug)]
pub struct Checkpoints<M> {
    /// The first is at the beginning.
    spread: Vec<Checkpoint<M>>,
    limits: Limits,
    near: VecDeque<Checkpoint<M>>,
    end: Option<Head>,
}

impl<M: Clone> Checkpoints<M> {
    /// The one at the beginning.
    #[must_use]
    pub fn new(first: Checkpoint<M>, limits: Limits) -> Self {
        Self { spread: vec![first], limits, near: VecDeque::new(), end: None }
    }

    /// One that is further on than those so far.
    pub fn add(&mut self, checkpoint: Checkpoint<M>) {
        let last = self.spread.last().map_or(0, |last| last.head.steps());
        if checkpoint.head.steps() < last + self.limits.spread {
            return;
        }
        self.spread.push(checkpoint);
        self.limit(COUNT);
    }

    /// Gives up every second one while there are more than `count`, or while they weigh too much.
    pub(super) fn limit(&mut self, count: usize) {
        while self.spread.len() > 2 && (self.spread.len() > count || self.weight() > self.limits.bytes) {
            let mut place = 0_usize;
            self.spread.retain(|_| {
                place += 1;
                !place.is_multiple_of(2)
            });
            self.limits.spread = self.limits.spread.saturating_mul(2);
        }
    }

    /// The positions of those that are spread.
    #[cfg(test)]
    pub(super) fn steps(&self) -> impl Iterator<Item = u64> {
        self.spread.iter().map(|checkpoint| checkpoint.head.steps())
    }

    /// What is known at the end.
    pub fn close(&mut self, end: Head) {
        self.end = Some(end);
    }

    /// What is known at the end, if that is known.
    #[must_use]
    pub const fn end(&self) -> Option<&Head> {
        self.end.as_ref()
    }

    /// The head is between two events that were read. It is kept, if it is far enough from others.
    pub fn pass<F: Feed<Mark = M>>(&mut self, head: &Head, feed: &F) {
        let steps = head.steps();
        let is_near = |other: &Checkpoint<M>| other.head.steps().abs_diff(steps) < self.limits.near;
        if steps < self.limits.near || self.near.iter().any(is_near) {
            return;
        }
        let Some(mark) = feed.mark() else { return };
        self.near.push_back(Checkpoint { head: head.clone(), mark });
        if self.near.len() > NEAR {
            self.near.pop_front();
        }
    }

    /// The recording is played at another position from now on: those that are far from there are given up.
    pub fn leave(&mut self, steps: u64) {
        let far = self.limits.spread.saturating_mul(2);
        self.near.retain(|other| other.head.steps().abs_diff(steps) <= far);
    }

    /// The last head before a target, with the place where the feed goes on; `None` for that place if the head needs
    /// nothing more.
    pub fn before(&self, target: Target) -> Option<(&Head, Option<&M>)> {
        if let Some(end) = self.end.as_ref().filter(|_| target == Target::End) {
            return Some((end, None));
        }
        let is_before = |checkpoint: &&Checkpoint<M>| checkpoint.head.is_before(target);
        let all = self.spread.iter().chain(&self.near).filter(is_before);
        all.max_by_key(|checkpoint| checkpoint.head.steps()).map(|it| (&it.head, Some(&it.mark)))
    }

    /// Whether the target is before the last of them.
    #[must_use]
    pub fn reach(&self, target: Target) -> bool {
        self.spread.last().is_some_and(|last| !last.head.is_before(target))
    }

    /// About how much memory those that are spread take.
    fn weight(&self) -> usize {
        let mut came_before = 0;
        let mut all = 0_usize;
        for Checkpoint { head, .. } in &self.spread {
            let (kept, came) = head.model().weights();
            let fresh = usize::try_from(came.saturating_sub(came_before)).unwrap_or(usize::MAX);
            came_before = came;
            all = all.saturating_add(kept.min(fresh)).saturating_add(head.own_weight());
        }
        all
    }
}
