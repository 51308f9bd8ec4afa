//! What is requested again and again: by whom, with what outcome, and what it cost.
//!
//! In: the model. Out: for each alias its requesters, each with its outcomes and the time of its helpers. Pure.
//!
//! A repeat is a request that begins after an earlier one for the same alias has returned; requests that overlap are
//! duplicates (`model/duplicates.rs`).

use crate::attribution::container::{container, unit};
use crate::attribution::known::with_name;
use crate::entities::{Request, Verdict};
use crate::event::Stamp;
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// An alias that was requested again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The alias.
    pub alias: Arc<str>,
    /// The alias as a person reads it.
    pub name: String,
    /// Who asked, the most frequent first.
    pub requesters: Vec<Requester>,
    /// When the first request was made.
    pub first: Stamp,
    /// When the last was.
    pub last: Stamp,
}

/// Those who asked under one name, from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The thread's name.
    pub comm: String,
    /// Its systemd unit; `None` if it has none, or if its cgroup could not be read.
    pub unit: Option<Arc<str>>,
    /// Its container's id; `None` as for the unit.
    pub container: Option<Arc<str>>,
    /// How many of its requests have each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How long its helpers ran, together, as far as their ends were seen.
    pub helper_time: Nanos,
}

impl Requester {
    /// How many requests it made.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// `ping (ssh.service)`
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.container, &self.unit) {
            (Some(container), _) => format!("{} (container {:.12})", self.comm, container),
            (None, Some(unit)) => format!("{} ({unit})", self.comm),
            (None, None) => self.comm.clone(),
        }
    }
}

impl Repeat {
    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.requesters.iter().map(Requester::count).sum()
    }

    /// How many have each verdict.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<Verdict, u64> {
        let mut all = BTreeMap::new();
        for (verdict, count) in self.requesters.iter().flat_map(|by| &by.verdicts) {
            *all.entry(*verdict).or_default() += count;
        }
        all
    }

    /// How long the helpers ran, together.
    #[must_use]
    pub fn helper_time(&self) -> Nanos {
        self.requesters.iter().fold(Nanos::ZERO, |sum, by| sum.plus(by.helper_time))
    }

    /// `net-pf-27 (AF_IB): 70 times, never found; dhcpd 60, sshd 10; 11.5s of helpers' time`
    #[must_use]
    pub fn words(&self) -> String {
        const NAMED: usize = 4;
        let mut who: Vec<String> =
            self.requesters.iter().take(NAMED).map(|by| format!("{} {}", by.words(), by.count())).collect();
        let more = self.requesters.len().saturating_sub(NAMED);
        if more > 0 {
            who.push(format!("and {more} others"));
        }
        let time = self.helper_time();
        let time = if time > Nanos::ZERO { format!("; {time} of helpers' time") } else { String::new() };
        format!("{}: {} times, {}; {}{time}", self.name, self.count(), outcomes(&self.verdicts()), who.join(", "))
    }
}

/// `never found`, or `live 1, already live 9`.
#[must_use]
pub fn outcomes(verdicts: &BTreeMap<Verdict, u64>) -> String {
    if verdicts.len() == 1 && verdicts.contains_key(&Verdict::NotFound) {
        return "never found".to_owned();
    }
    let mut counts: Vec<(&Verdict, &u64)> = verdicts.iter().collect();
    counts.sort_by_key(|(verdict, count)| (std::cmp::Reverse(**count), **verdict));
    let words: Vec<String> = counts.iter().map(|(verdict, count)| format!("{} {count}", verdict.words())).collect();
    words.join(", ")
}

/// The aliases that were requested again after an earlier request for them had returned, the most helpers' time first.
#[must_use]
pub fn repeats(model: &Model) -> Vec<Repeat> {
    let mut by_alias: BTreeMap<&Arc<str>, Vec<&Request>> = BTreeMap::new();
    for request in model.requests() {
        if let Some(alias) = request.requested.alias.text() {
            by_alias.entry(alias).or_default().push(request);
        }
    }
    by_alias.retain(|_, requests| repeats_itself(requests));
    let mut repeats: Vec<Repeat> =
        by_alias.into_iter().filter_map(|(alias, requests)| repeat(alias, &requests)).collect();
    repeats.sort_by(|one, other| {
        let key = |repeat: &Repeat| (repeat.helper_time(), repeat.count());
        key(other).cmp(&key(one)).then_with(|| one.alias.cmp(&other.alias))
    });
    repeats
}

/// Whether one of these, which are in order of time, began after another had returned.
fn repeats_itself(requests: &[&Request]) -> bool {
    let first_return = requests.iter().filter_map(|request| request.returned).min();
    first_return.is_some_and(|returned| requests.iter().any(|request| request.asked.mono >= returned.mono))
}

fn repeat(alias: &Arc<str>, requests: &[&Request]) -> Option<Repeat> {
    let (first, last) = (requests.first()?, requests.last()?);
    Some(Repeat {
        alias: alias.clone(),
        name: with_name(&first.requested.alias),
        requesters: requesters(requests.iter().copied()),
        first: first.asked,
        last: last.asked,
    })
}

/// Who made these requests, the most frequent first.
#[must_use]
pub fn requesters<'r>(requests: impl Iterator<Item = &'r Request>) -> Vec<Requester> {
    type Place = (String, Option<Arc<str>>, Option<Arc<str>>);
    let mut by_place: BTreeMap<Place, Requester> = BTreeMap::new();
    for request in requests {
        let cgroup = request.requested.cgroup.as_deref();
        let comm = request.task.comm.to_text();
        let unit: Option<Arc<str>> = cgroup.and_then(unit).map(Arc::from);
        let container: Option<Arc<str>> = cgroup.and_then(container).map(|container| Arc::from(container.id));
        let by = by_place.entry((comm.clone(), unit.clone(), container.clone())).or_insert_with(|| Requester {
            comm,
            unit,
            container,
            verdicts: BTreeMap::new(),
            helper_time: Nanos::ZERO,
        });
        *by.verdicts.entry(request.verdict).or_default() += 1;
        by.helper_time = by.helper_time.plus(helper_time(request));
    }
    let mut requesters: Vec<Requester> = by_place.into_values().collect();
    requesters.sort_by_key(|by| std::cmp::Reverse(by.count()));
    requesters
}

/// How long the request's helper ran; zero if its birth or end was not seen.
#[must_use]
pub fn helper_time(request: &Request) -> Nanos {
    let call = request.call.as_ref();
    let ran = call.and_then(|call| Some(call.exited?.0.mono.since(call.helper?.1.mono)));
    ran.unwrap_or(Nanos::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Task;
    use crate::testing::{Helped, Scenario};

    /// Requests for net-pf-27 by threads of these names, each so many microseconds after the last.
    fn asked(names: &[&'static str], every: u64) -> Vec<Repeat> {
        let mut scenario = Scenario::default();
        scenario.machine();
        scenario.resolves("net-pf-27", &[]);
        for (place, name) in names.iter().enumerate() {
            let number = u32::try_from(place).unwrap_or_default();
            let requester = Task::new(100 + number, 100 + number, 1, name);
            let at = 10_000 + every * place as u64;
            let pid = 500 + number;
            let request = Helped { alias: "net-pf-27", requester, path: "/sbin/modprobe", pid, at };
            scenario.helped(request, 0);
            scenario.ended(request, at + 5_000, 256);
        }
        scenario.until(1_000_000);
        repeats(scenario.model())
    }

    #[test]
    fn requests_one_after_another_repeat() {
        let found = asked(&["dhcpd", "sshd", "dhcpd"], 20_000);
        let [repeat] = &found[..] else { panic!("one: {found:?}") };
        assert!(
            repeat.words().starts_with(
                "net-pf-27 (AF_IB): 3 times, never found; dhcpd (session-3.scope) 2, sshd (session-3.scope) 1; "
            ),
            "{}",
            repeat.words()
        );
        assert!(repeat.helper_time() > Nanos::ZERO);
    }

    #[test]
    fn requests_at_once_are_duplicates_and_one_request_is_nothing() {
        assert_eq!(asked(&["dhcpd", "sshd"], 100), []);
        assert_eq!(asked(&["dhcpd"], 100), []);
    }
}
