//! Losses while they happen: who causes them, in lines that come at most once a second, and as alerts.
//!
//! In: the model, each time it has advanced. Out: lines, and notices of a user whose events are lost, each once. Time
//! is the model's.

use crate::alert::rules::Standing;
use crate::event::{Comm, Lost, Stamp};
use crate::model::Model;
use crate::report::plain::{counted, grouped, plain};
use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// How often lines come, at most.
const EVERY: Nanos = Nanos::from_secs(1);
/// Users that a line is written for at a time.
const NAMED: usize = 3;
/// When a user's losses are over: nothing was lost for so long.
const OVER: Nanos = Nanos::from_secs(5);

/// A user whose events are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossNotice {
    /// Whether it goes on.
    pub standing: Standing,
    /// The user, in the initial namespace.
    pub uid: u32,
    /// The name of the thread that caused the latest.
    pub comm: Comm,
    /// How many since it began.
    pub count: u64,
    /// When this was found.
    pub at: Stamp,
}

/// Lines about losses.
#[derive(Debug, Default)]
pub struct LossLines {
    written: Option<Stamp>,
    by_user: BTreeMap<u32, u64>,
    by_loss: BTreeMap<Lost, u64>,
    /// What users are blamed for, by what was lost.
    blamed: BTreeMap<Lost, u64>,
}

/// Alerts about losses.
#[derive(Debug, Default)]
pub struct LossAlerts {
    /// What each user whose events are being lost had lost before.
    firing: BTreeMap<u32, u64>,
    /// What each user whose losses are over had lost by then.
    over: BTreeMap<u32, u64>,
}

/// What one user caused, all losses together.
#[derive(Clone, Copy)]
struct OfUser {
    count: u64,
    comm: Comm,
    latest: Stamp,
}

fn by_user(model: &Model) -> BTreeMap<u32, OfUser> {
    let mut users: BTreeMap<u32, OfUser> = BTreeMap::new();
    for ((uid, _), blamed) in model.blamed() {
        let this = OfUser { count: blamed.count, comm: blamed.comm, latest: blamed.latest };
        let of_user = users.entry(*uid).or_insert(OfUser { count: 0, ..this });
        of_user.count = of_user.count.saturating_add(blamed.count);
        if of_user.latest < blamed.latest {
            (of_user.comm, of_user.latest) = (blamed.comm, blamed.latest);
        }
    }
    users
}

/// What users are blamed for, by what was lost.
fn blamed(model: &Model) -> BTreeMap<Lost, u64> {
    let mut losses = BTreeMap::new();
    for ((_, loss), blamed) in model.blamed() {
        let of_loss: &mut u64 = losses.entry(*loss).or_default();
        *of_loss = of_loss.saturating_add(blamed.count);
    }
    losses
}

impl LossLines {
    /// Looks at the model as it is now.
    pub fn step(&mut self, model: &Model) -> Vec<String> {
        let now = model.now();
        let is_due = self.written.is_none_or(|written| now.mono.since(written.mono) >= EVERY);
        if !is_due || model.lost_total() == self.by_loss.values().fold(0, |sum: u64, count| sum.saturating_add(*count))
        {
            return Vec::new();
        }
        let users = by_user(model);
        let since = |uid: &u32, count: u64| count.saturating_sub(self.by_user.get(uid).copied().unwrap_or(0));
        let mut new: Vec<(u64, u32, Comm)> =
            users.iter().map(|(uid, of_user)| (since(uid, of_user.count), *uid, of_user.comm)).collect();
        new.retain(|(count, _, _)| *count > 0);
        new.sort_by_key(|(count, uid, _)| (std::cmp::Reverse(*count), *uid));
        let line = |(count, uid, comm): &(u64, u32, Comm)| {
            plain(&format!("events of uid {uid} ({comm}) are being lost: {} since the last report", grouped(*count)))
        };
        let mut lines: Vec<String> = new.iter().take(NAMED).map(line).collect();
        if new.len() > NAMED {
            lines.push(format!("events of {} are being lost", counted((new.len() - NAMED) as u64, "other user")));
        }
        let blamed = blamed(model);
        let growth = |before: &BTreeMap<Lost, u64>, loss: &Lost, now: u64| {
            now.saturating_sub(before.get(loss).copied().unwrap_or(0))
        };
        for (loss, count) in model.lost() {
            let of_users = growth(&self.blamed, loss, blamed.get(loss).copied().unwrap_or(0));
            let count = growth(&self.by_loss, loss, *count).saturating_sub(of_users);
            if count > 0 {
                lines.push(format!("lost since the last report: {} {}", grouped(count), loss.words()));
            }
        }
        self.blamed = blamed;
        self.written = Some(now);
        self.by_user = users.into_iter().map(|(uid, of_user)| (uid, of_user.count)).collect();
        self.by_loss = model.lost().clone();
        lines
    }
}

impl LossAlerts {
    /// How many users' events are being lost.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.firing.len()
    }

    /// Looks at the model as it is now.
    pub fn step(&mut self, model: &Model) -> Vec<LossNotice> {
        if model.blamed().is_empty() {
            return Vec::new();
        }
        let at = model.now();
        let mut notices = Vec::new();
        for (uid, OfUser { count, comm, latest }) in by_user(model) {
            let before = self.over.get(&uid).copied().unwrap_or(0);
            let is_over = at.mono.since(latest.mono) >= OVER;
            let notice = |standing, count| LossNotice { standing, uid, comm, count, at };
            match self.firing.get(&uid).copied() {
                None if count > before && !is_over => {
                    self.firing.insert(uid, before);
                    notices.push(notice(Standing::Firing, count - before));
                }
                Some(before) if is_over => {
                    self.firing.remove(&uid);
                    self.over.insert(uid, count);
                    notices.push(notice(Standing::Resolved, count.saturating_sub(before)));
                }
                Some(_) | None => {}
            }
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fact;
    use crate::testing::Scenario;
    use trace_common::kind::Loss;

    fn lose(scenario: &mut Scenario, at: u64, uid: u32, count: u64) {
        let loss = Lost::Kernel(Loss::RefusedLeftOut);
        scenario.fact(at, Fact::Lost { loss, count, until: crate::testing::stamp(at).mono });
        scenario.fact(at, Fact::Blamed { uid, comm: Comm::from_text("flood"), loss, count });
        scenario.until(at);
    }

    #[test]
    fn losses_are_reported_at_once_and_then_once_a_second() {
        let (mut scenario, mut lines) = (Scenario::default(), LossLines::default());
        let mut seen = Vec::new();
        for (at, count) in [(100_000, 5), (400_000, 700), (1_150_000, 40_300), (1_200_000, 1)] {
            lose(&mut scenario, at, 1000, count);
            seen.push(lines.step(scenario.model()));
        }
        let line =
            |count: &str| vec![format!("events of uid 1000 (flood) are being lost: {count} since the last report")];
        assert_eq!(seen, [line("5"), Vec::new(), line("41,000"), Vec::new()]);
        scenario.until(9_000_000);
        assert_eq!(lines.step(scenario.model()), line("1"));
        assert_eq!(lines.step(scenario.model()), Vec::<String>::new());
    }

    #[test]
    fn what_nobody_is_blamed_for_is_reported_beside_a_flood() {
        let (mut scenario, mut lines) = (Scenario::default(), LossLines::default());
        lose(&mut scenario, 100_000, 1000, 5);
        let until = crate::testing::stamp(100_000).mono;
        scenario.fact(100_000, Fact::Lost { loss: Lost::Undecodable, count: 2, until });
        scenario.until(110_000);
        let expected = [
            "events of uid 1000 (flood) are being lost: 5 since the last report",
            "lost since the last report: 2 records that could not be decoded",
        ];
        assert_eq!(lines.step(scenario.model()), expected);
    }

    #[test]
    fn an_alert_fires_once_and_is_resolved_when_nothing_was_lost_for_a_while() {
        let (mut scenario, mut alerts) = (Scenario::default(), LossAlerts::default());
        let standings = |notices: Vec<LossNotice>| -> Vec<(Standing, u64)> {
            notices.into_iter().map(|notice| (notice.standing, notice.count)).collect()
        };
        lose(&mut scenario, 100_000, 1000, 5);
        assert_eq!(standings(alerts.step(scenario.model())), [(Standing::Firing, 5)]);
        lose(&mut scenario, 400_000, 1000, 7);
        assert_eq!(standings(alerts.step(scenario.model())), []);
        scenario.until(5_500_000);
        assert_eq!(standings(alerts.step(scenario.model())), [(Standing::Resolved, 12)]);
        assert_eq!(standings(alerts.step(scenario.model())), []);
        lose(&mut scenario, 6_000_000, 1000, 2);
        assert_eq!(standings(alerts.step(scenario.model())), [(Standing::Firing, 2)]);
    }
}
