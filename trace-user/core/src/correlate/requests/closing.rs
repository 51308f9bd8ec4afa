//! When a request is closed, and with which verdict.
//!
//! In: a request that changed, or the passing of time. Out: the request as it is now, or with its final verdict.

use super::{SLOT_TIMEOUT, State, next_due, state};
use crate::correlate::Correlator;
use crate::entities::{Change, Gap, Request, RequestId, TurnedAway, Verdict};
use crate::event::Stamp;
use crate::verdict::{self, Decision, Doubt};
use std::sync::Arc;

impl Correlator {
    /// Closes the request if nothing can change it any more; otherwise notes that it changed.
    pub(in crate::correlate) fn settle(&mut self, id: RequestId, out: &mut Vec<Change>) {
        let moved = self.requests.look_again(id, self.now);
        match self.standing(id) {
            Some((State::Closed, _)) => self.close(id, None, out),
            Some((State::ClosedWith(gap), _)) => self.close(id, Some(gap), out),
            Some((State::Open, _)) => {
                self.requests.changed(id);
                // A request that takes a slot, gives it back or returns is reported at once: the model counts slots by
                // that.
                if moved {
                    self.report(id, out);
                }
            }
            None => {}
        }
    }

    fn schedule(&mut self, id: RequestId, restless: bool) {
        let due = self.requests.get(id).and_then(|request| next_due(request, self.now));
        self.requests.schedule(id, due, restless);
    }

    /// Whether the request is over, and whether what others do may change that.
    fn standing(&mut self, id: RequestId) -> Option<(State, bool)> {
        let request = self.requests.get(id)?;
        let thread = request.task.tid;
        let may_miss = self.may_miss_returns || self.lost_during(request);
        // If the kernel's answer may have been lost, it is not awaited for ever.
        let deduplicates = self.firsts.is_on() && !self.lost_during(request);
        let state = state(request, &self.helpers, self.now, may_miss, deduplicates);
        // A requester that was turned away may still get what others' helpers are working for, so that is awaited.
        let away =
            request.turned_away == Some(TurnedAway::Throttled) || state == State::ClosedWith(Gap::NothingFollowed);
        let waits = away && state != State::Open && self.requests.awaits_others(id, self.now);
        let judged = matches!(state, State::Closed | State::ClosedWith(Gap::ReturnUnseen));
        let waits = waits || (judged && self.awaits_live(request));
        let first = request.deduplicated_by;
        let waits = waits || (state != State::Open && self.awaits_served(id, thread));
        if state != State::Open && first.is_some_and(|first| self.firsts.awaits(first, id)) {
            return Some((State::Open, false));
        }
        Some(if waits { (State::Open, true) } else { (state, false) })
    }

    /// Whether the helper succeeded while another's load was in the init of the wanted module: the module may be live
    /// already, and the kernel is about to report it.
    pub(in crate::correlate) fn awaits_live(&self, request: &Request) -> bool {
        let waits = verdict::reported_until(request).is_some_and(|until| self.now < until);
        let wanted = request.resolution.iter().flat_map(|resolution| &resolution.modules);
        waits && wanted.into_iter().any(|wanted| self.loads.is_in_init(&wanted.name))
    }

    /// Time has passed: some requests may be over because of it.
    pub(in crate::correlate) fn look_at_open(&mut self, out: &mut Vec<Change>) {
        let mut ids = self.requests.take_due(self.now.mono);
        ids.append(&mut self.helpers.take_touched());
        if std::mem::take(&mut self.doubts_changed) {
            ids.extend(self.requests.ids());
        }
        for id in ids {
            match self.standing(id) {
                Some((State::Open, restless)) => {
                    self.schedule(id, restless);
                    if !self.requests.is_reported(id) {
                        self.report(id, out);
                    }
                }
                Some((State::Closed | State::ClosedWith(_), _)) => self.settle(id, out),
                None => {}
            }
        }
    }

    pub(in crate::correlate) fn report(&mut self, id: RequestId, out: &mut Vec<Change>) {
        out.extend(self.requests.reported(id).map(|request| Change::Request(Arc::new(request))));
    }

    /// Decides the request's verdict and removes it from the open requests.
    pub(in crate::correlate) fn close(&mut self, id: RequestId, gap: Option<Gap>, out: &mut Vec<Change>) {
        let Some(mut request) = self.requests.take(id, self.now) else { return };
        // What came while only its function's return was awaited changes nothing about it.
        let over = self.unserved.closed(&request).unwrap_or(self.now);
        let lost = self.losses.overlap(request.asked.mono, over.mono);
        request.gaps.extend(gap);
        if lost {
            request.gaps.push(Gap::EventsLost);
        }
        self.judge(&mut request, gap, lost, over);
        request.closed = true;
        self.requests.closed(id);
        if let Some(call) = &request.call
            && (self.helpers.is_closed(call.id) || gap == Some(Gap::ReturnUnseen))
        {
            self.helpers.forget(call.id);
        }
        self.helpers.untouch(id);
        let request = Arc::new(request);
        let followers = self.firsts.closed(&request);
        out.push(Change::Request(request));
        followers.into_iter().for_each(|follower| self.settle(follower, out));
    }

    /// Decides the verdict by what was seen up to `at`.
    fn judge(&self, request: &mut Request, gap: Option<Gap>, lost: bool, at: Stamp) {
        if gap == Some(Gap::NothingFollowed) {
            let verdict = self.unanswered(request, lost, at);
            let decision = verdict::afterwards(request, verdict, &self.lives, at);
            return self.adopt(request, decision);
        }
        if request.turned_away == Some(TurnedAway::Deduplicated) {
            let first = request.deduplicated_by.and_then(|first| self.firsts.outcome(first));
            if first.is_none() {
                request.gaps.push(Gap::FirstUnseen);
            }
            let decision = verdict::deduplicated(request, first, &self.lives, lost);
            return self.adopt(request, decision);
        }
        let called = request.call.as_ref().map(|call| call.entered.mono);
        let called = called.is_some_and(|from| self.losses.overlap(from, request.returned.unwrap_or(at).mono));
        let decision = verdict::decide(request, &self.lives, at, Doubt { open: lost, called });
        self.adopt(request, decision);
        let known = request.resolution.as_ref().is_some_and(|resolution| resolution.known);
        if request.verdict == Verdict::Incomplete && !known {
            request.gaps.push(Gap::AliasUnknown);
        }
    }

    fn adopt(&self, request: &mut Request, decision: Decision) {
        request.gone = verdict::gone(request, &decision, &self.lives);
        request.verdict = decision.verdict;
        request.live = decision.live;
        request.satisfied_by = decision.satisfied_by;
    }

    /// What became of a request of which nothing was seen after it was asked for. It was turned away if it found all
    /// slots taken, was not denied, and got none in time; otherwise its fate is not known.
    pub(in crate::correlate) fn unanswered(&self, request: &Request, lost: bool, at: Stamp) -> Verdict {
        let waited = at.mono.since(request.asked.mono) >= SLOT_TIMEOUT;
        let asked_in_vain = request.admitted.is_none() && !self.may_miss_denials && waited;
        let turned_away = asked_in_vain && self.requests.found_all_taken(request) && !lost;
        if turned_away { Verdict::Throttled } else { Verdict::Incomplete }
    }

    /// The source stopped without reporting its end: everything that is open is closed as it is now.
    pub fn cut(&mut self, out: &mut Vec<Change>) {
        self.close_all(out);
    }

    /// Tracing ends: what has not returned stays in flight, and what could still change is judged with that doubt.
    pub(in crate::correlate) fn close_all(&mut self, out: &mut Vec<Change>) {
        self.look_at_open(out);
        for id in self.requests.ids() {
            let Some(mut request) = self.requests.take(id, self.now) else { continue };
            let over = self.unserved.closed(&request);
            let ended = request.call.as_ref().is_some_and(|call| call.gone().is_some() && !self.helpers.alive(call.id));
            if request.returned.is_none() && ended && self.may_miss_returns {
                // Its return was about to be given up.
                request.gaps.push(Gap::ReturnUnseen);
                let lost = self.lost_during(&request);
                self.judge(&mut request, Some(Gap::ReturnUnseen), lost, self.now);
            } else if let Some(over) = over {
                // Only its function's return was awaited.
                let lost = self.losses.overlap(request.asked.mono, over.mono);
                self.judge(&mut request, None, lost, over);
                self.close_at_end(request, out);
                continue;
            } else {
                request.gaps.push(Gap::TracingEnded);
            }
            if request.returned.is_some() {
                self.judge(&mut request, None, true, self.now);
            }
            self.close_at_end(request, out);
        }
        let changed = self.suspends.take_unreported();
        self.report_cycles(changed, out);
        let cycles = self.suspends.take_open();
        self.report_cycles(cycles, out);
        let firmwares = self.firmwares.take_open().into_iter();
        out.extend(firmwares.map(|open| Change::Firmware(Arc::new(open))));
    }

    /// Those that waited for it have higher numbers, so they are still to come.
    fn close_at_end(&mut self, mut request: Request, out: &mut Vec<Change>) {
        request.closed = true;
        let request = Arc::new(request);
        self.firsts.closed(&request);
        out.push(Change::Request(request));
    }

    pub(in crate::correlate) fn lost_during(&self, request: &Request) -> bool {
        self.losses.overlap(request.asked.mono, self.now.mono)
    }
}
