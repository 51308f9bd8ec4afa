//! What a recording holds from its beginning to its end: where it can be played on from, where things were found.
//!
//! In: all of its events, once. Out: what is known of it, piece by piece, while it is read.

use super::Feed;
use super::checkpoints::{Checkpoint, Limits};
use super::head::Head;
use super::target::Target;
use crate::event::Stamp;
use crate::findings::{self, Evidence, Finding, Kind};
use crate::model::Model;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use trace_common::time::Ktime;

/// Findings that are marked.
const MARKED: usize = 4_096;
/// A search for findings looks at everything that the model keeps, so that it is repeated after as many events as a
/// half of that, and no sooner than this.
const SEARCH: u64 = 16;

/// Where a finding was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The position at which it was found first.
    pub steps: u64,
    /// The latest instant there.
    pub at: Ktime,
    /// Its kind.
    pub kind: Kind,
    /// What was found.
    pub sentence: String,
}

/// What has become known of a recording.
#[derive(Debug)]
pub struct News<M> {
    /// Where it can be played on from.
    pub checkpoint: Option<Checkpoint<M>>,
    /// What was found.
    pub found: Vec<Marked>,
    /// Its events and requests so far, and the time that they span.
    pub so_far: SoFar,
    /// What is known at its end, if that was reached.
    pub end: Option<Box<Head>>,
}

/// How much of a recording is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    events: u64,
    requests: u64,
    span: Option<(Stamp, Stamp)>,
}

impl SoFar {
    fn of(model: &Model) -> Self {
        let counts = model.counts();
        let span = model.first().map(|first| (first, model.now()));
        Self { events: counts.events, requests: counts.requests, span }
    }
}

/// All that is known of a recording.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) events: u64,
    pub(super) requests: u64,
    pub(super) span: Option<(Stamp, Stamp)>,
    /// All of it has been read.
    pub(super) is_whole: bool,
    /// How much has been read, of a hundred parts.
    pub(super) percent: u8,
    found: Vec<Marked>,
    found_at: Arc<[Ktime]>,
}

impl Known {
    pub(super) fn add<M>(&mut self, news: &News<M>) {
        let SoFar { events, requests, span } = news.so_far;
        (self.events, self.requests, self.span) = (events, requests, span);
        self.is_whole |= news.end.is_some();
        if !news.found.is_empty() {
            self.found.extend(news.found.iter().cloned());
            self.found_at = self.found.iter().map(|found| found.at).collect();
        }
    }

    pub(super) fn indexed(&self) -> Option<u8> {
        (!self.is_whole).then_some(self.percent)
    }

    pub(super) fn last(&self) -> Option<Ktime> {
        self.span.map(|(_, last)| last.boot)
    }

    pub(super) fn findings_at(&self) -> Arc<[Ktime]> {
        self.found_at.clone()
    }

    pub(super) fn finding_after(&self, steps: u64) -> Option<&Marked> {
        self.found.iter().find(|found| found.steps > steps)
    }

    pub(super) fn finding_before(&self, steps: u64) -> Option<&Marked> {
        self.found.iter().rfind(|found| found.steps < steps)
    }
}

/// Reads a recording from its beginning to its end. `report` gets what has become known, and ends it.
///
/// # Errors
/// It cannot be read.
pub fn index<F: Feed>(
    feed: &mut F,
    limits: Limits,
    mut report: impl FnMut(News<F::Mark>, &F) -> ControlFlow<()>,
) -> Result<(), F::Error> {
    let mut head = Head::default();
    let mut search = Search::default();
    let mut last = 0;
    loop {
        let mut checkpoint = None;
        let _arrived = head.advance(feed, Target::Step(search.due), usize::MAX, |head, feed| {
            if checkpoint.is_none()
                && head.steps() >= last + limits.spread
                && let Some(mark) = feed.mark()
            {
                last = head.steps();
                let mut copy = head.clone();
                copy.refresh_overview();
                checkpoint = Some(Checkpoint { head: copy, mark });
            }
        })?;
        let found = search.look(&head);
        let is_closed = head.is_closed();
        if is_closed {
            head.refresh_overview();
        }
        if checkpoint.is_some() || !found.is_empty() || is_closed {
            let so_far = SoFar::of(head.model());
            let end = is_closed.then(|| Box::new(head.clone()));
            let goes_on = report(News { checkpoint, found, so_far, end }, feed);
            if is_closed || goes_on.is_break() {
                return Ok(());
            }
        }
    }
}

/// What identifies a finding while it lasts: its kind, when it began, and the first thing that shows it.
type Identity = (Kind, Ktime, Option<(&'static str, u64)>);

/// The search for findings.
#[derive(Debug, Default)]
struct Search {
    /// The position of the next one.
    due: u64,
    /// What the model had when it was last searched.
    changes: u64,
    known: BTreeSet<Identity>,
}

impl Search {
    /// What was not found before.
    fn look(&mut self, head: &Head) -> Vec<Marked> {
        let model = head.model();
        let kept = model.requests().len() + model.loads().len() + model.unloads().len();
        self.due = head.steps() + SEARCH.max(kept as u64 / 2);
        let is_same = model.changes() == self.changes && !model.has_open();
        if is_same || self.known.len() >= MARKED {
            return Vec::new();
        }
        self.changes = model.changes();
        let mut found = findings::all(model);
        found.retain(|finding| self.known.insert(identity(finding)));
        let marked =
            |Finding { kind, sentence, .. }| Marked { steps: head.steps(), at: model.now().boot, kind, sentence };
        found.into_iter().map(marked).collect()
    }
}

fn identity(finding: &Finding) -> Identity {
    let first = finding.evidence.first().map(|evidence: &Evidence| (evidence.kind(), evidence.id()));
    (finding.kind, finding.at.boot, first)
}
