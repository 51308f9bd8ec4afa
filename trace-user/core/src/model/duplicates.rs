//! Who asked for the same thing at the same time, in three counts that are never mixed: the same alias, aliases of one
//! module, and loads of one module of which one lost to another.
//!
//! In: requests and loads as they come and go. Out: groups of those that overlapped. A group lasts while one of its
//! members is open; a later member begins a new group. What counts is when a member began, not when its module became
//! known: the kernel may only report the module of a load when the load that wins is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

use crate::entities::{Load, Request, RequestId, Timed};
use crate::event::{Stamp, Task};

/// Members kept per group: a crowd that never ends must not fill the memory. Beyond that, the older half is given up
/// and counted.
const MEMBERS: usize = 16_384;

/// What the members of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// The alias asked for.
    Alias,
    /// The module that their aliases, which differ, resolve to.
    Module,
    /// The module that they load, of which only one copy could win.
    File,
}

/// Requests or loads that overlapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number: that of the member that was known first, which is in one group of each sameness.
    pub id: u64,
    /// What they have in common.
    pub sameness: Sameness,
    /// The alias or the module.
    pub name: Arc<str>,
    /// When the first began.
    pub began: Stamp,
    /// The numbers of its requests, or for [`Sameness::File`] of its loads, in order of their beginning.
    pub members: Vec<u64>,
    open: usize,
    /// When the last of those that are over ended.
    ended: Stamp,
    /// The group of the same name before it, if it is still needed.
    before: Option<u64>,
}

impl Group {
    fn add(&mut self, member: u64, began: Stamp) {
        let place = self.members.partition_point(|other| *other < member);
        self.members.insert(place, member);
        self.began = if began.mono < self.began.mono { began } else { self.began };
    }
}

/// What a group cost beyond what was needed, and the roles of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// Who came first.
    pub first: Task,
    /// Whose load made the module live, and for which request; `None` if nobody's did.
    pub live_by: Option<(Task, Option<RequestId>)>,
    /// Helpers that ran without making anything live.
    pub helpers: u64,
    /// Bytes of images that were read in vain.
    pub bytes: u64,
    /// The time that those helpers ran or, for loads, that those loads took, in total.
    pub time: Nanos,
}

/// The groups of one sameness.
#[derive(Clone, Debug)]
pub struct Groups {
    sameness: Sameness,
    latest: BTreeMap<Arc<str>, u64>,
    /// The groups of open members.
    of: BTreeMap<u64, u64>,
    groups: BTreeMap<u64, Group>,
}

impl Sameness {
    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "same_alias",
            Self::Module => "same_module",
            Self::File => "same_file",
        }
    }

    /// As shown to a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Alias => "same alias",
            Self::Module => "same module",
            Self::File => "same file",
        }
    }
}

impl Groups {
    /// None yet.
    #[must_use]
    pub const fn new(sameness: Sameness) -> Self {
        Self { sameness, latest: BTreeMap::new(), of: BTreeMap::new(), groups: BTreeMap::new() }
    }

    /// A member is known, which began at `began`. Numbers are in order of beginning. Returns how many old members were
    /// given up for it.
    pub fn join(&mut self, name: &Arc<str>, member: u64, began: Stamp) -> u64 {
        let latest = self.latest.get(name).copied();
        let Some(group) = latest.and_then(|id| self.groups.get_mut(&id)) else {
            self.begin(name, member, began, None);
            return 0;
        };
        if group.open == 0 && began.mono > group.ended.mono {
            let before = group.before.take();
            let id = group.id;
            self.drop_alone(before);
            self.begin(name, member, began, Some(id));
            return 0;
        }
        group.open += 1;
        group.add(member, began);
        let id = group.id;
        self.of.insert(member, id);
        self.bridge(id, began);
        let Some(group) = self.groups.get_mut(&id) else { return 0 };
        let surplus = if group.members.len() > MEMBERS { MEMBERS / 2 } else { 0 };
        group.members.drain(..surplus).len() as u64
    }

    fn begin(&mut self, name: &Arc<str>, member: u64, began: Stamp, before: Option<u64>) {
        let (sameness, name, ended) = (self.sameness, name.clone(), Stamp::default());
        self.latest.insert(name.clone(), member);
        self.of.insert(member, member);
        let members = vec![member];
        self.groups.insert(member, Group { id: member, sameness, name, began, members, open: 1, ended, before });
    }

    /// A member that began at `began` is in the group. If it may have overlapped with the group before, too, both
    /// become one.
    fn bridge(&mut self, id: u64, began: Stamp) {
        let before = self.groups.get(&id).and_then(|group| group.before);
        let overlaps = before.and_then(|before| self.groups.get(&before)).is_some_and(|it| began.mono <= it.ended.mono);
        let Some(older) = before.filter(|_| overlaps).and_then(|before| self.groups.remove(&before)) else { return };
        if let Some(group) = self.groups.get_mut(&id) {
            older.members.iter().for_each(|member| group.add(*member, older.began));
            group.before = older.before;
        }
    }

    /// Gives a group up if it was only kept because a member that was not known yet could still have overlapped with
    /// it: a member that was alone is not a duplicate.
    fn drop_alone(&mut self, id: Option<u64>) {
        if let Some(id) = id.filter(|id| self.groups.get(id).is_some_and(|group| group.members.len() == 1)) {
            self.groups.remove(&id);
        }
    }

    /// A member is over, and ended at `ended`.
    pub fn leave(&mut self, member: u64, ended: Stamp) {
        if let Some(group) = self.of.remove(&member).and_then(|id| self.groups.get_mut(&id)) {
            group.open = group.open.saturating_sub(1);
            group.ended = if ended.mono > group.ended.mono { ended } else { group.ended };
        }
    }

    /// Those with more than one member, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.groups.values().filter(|group| group.members.len() > 1)
    }

    /// How many are known, with those that may have one member only.
    #[must_use]
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    /// The group of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// Gives up the oldest beyond `kept` and returns how many.
    pub fn trim(&mut self, kept: usize) -> u64 {
        let mut given_up = 0;
        while self.groups.len() > kept {
            let Some((_, group)) = self.groups.pop_first() else { break };
            if self.latest.get(&group.name) == Some(&group.id) {
                self.latest.remove(&group.name);
            }
            given_up += u64::from(group.members.len() > 1);
        }
        given_up
    }
}

/// The facts of a group of requests; `None` if none of them is kept.
#[must_use]
pub fn of_requests(requests: &[&Request]) -> Option<GroupFacts> {
    let first = requests.first()?.task;
    let own = requests.iter().flat_map(|request| {
        request
            .loads
            .iter()
            .filter(|load| load.live.is_some() && !request.is_dependency(load))
            .map(|load| (*request, load))
    });
    let winner = own.min_by_key(|(_, load)| load.live).map(|(request, load)| (load.task, request.id));
    let by_another = requests.iter().find_map(|request| request.satisfied_by.as_ref());
    let live_by =
        winner.map(|(task, request)| (task, Some(request))).or_else(|| by_another.map(|by| (by.task, by.request)));
    let needed = live_by.map_or_else(|| requests.first().map(|request| request.id), |(_, request)| request);
    let others = requests.iter().filter(|request| Some(request.id) != needed);
    let mut facts = GroupFacts { first, live_by, helpers: 0, bytes: 0, time: Nanos::ZERO };
    for request in others {
        let Some(call) = request.call.as_deref() else { continue };
        let Some((_, born)) = call.helper else { continue };
        facts.helpers += 1;
        facts.time = facts.time.plus(call.exited.map_or(Nanos::ZERO, |(at, _)| at.mono.since(born.mono)));
        let in_vain = request.loads.iter().filter(|load| load.live.is_none());
        facts.bytes = in_vain.filter_map(|load| load.bytes).fold(facts.bytes, u64::saturating_add);
    }
    Some(facts)
}

/// The facts of a group of loads; `None` if none of them is kept.
#[must_use]
pub fn of_loads(loads: &[&Load]) -> Option<GroupFacts> {
    let first = loads.first()?.task;
    let live_by = loads.iter().find(|load| load.live.is_some()).map(|load| (load.task, load.request));
    let lost = || loads.iter().filter(|load| load.lost_to_another());
    let mut processes: Vec<_> = lost().filter(|load| load.request.is_some()).map(|load| load.task.key).collect();
    processes.sort_unstable();
    processes.dedup();
    Some(GroupFacts {
        first,
        live_by,
        helpers: processes.len() as u64,
        bytes: lost().filter_map(|load| load.bytes).fold(0, u64::saturating_add),
        time: lost().filter_map(|load| load.total()).fold(Nanos::ZERO, Nanos::plus),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_overlap_are_one_group_and_who_is_alone_is_in_none() {
        let mut groups = Groups::new(Sameness::Alias);
        let (one, two): (Arc<str>, Arc<str>) = ("net-pf-29".into(), "net-pf-15".into());
        groups.join(&one, 1, Stamp::awake(1));
        groups.join(&one, 2, Stamp::awake(2));
        groups.join(&two, 3, Stamp::awake(3));
        groups.leave(1, Stamp::awake(3));
        groups.join(&one, 4, Stamp::awake(4));
        (2..5).for_each(|member| groups.leave(member, Stamp::awake(4)));
        groups.join(&one, 5, Stamp::awake(5));
        groups.join(&two, 6, Stamp::awake(6));
        let members: Vec<&[u64]> = groups.iter().map(|group| &*group.members).collect();
        assert_eq!(members, [[1, 2, 4]]);
        assert_eq!(groups.trim(1), 1);
    }

    #[test]
    fn who_overlapped_with_one_that_was_over_before_its_name_was_known_is_in_its_group_and_in_its_place() {
        let mut groups = Groups::new(Sameness::File);
        let name: Arc<str> = "xfrm_algo".into();
        groups.join(&name, 2, Stamp::awake(2));
        groups.leave(2, Stamp::awake(5));
        groups.join(&name, 3, Stamp::awake(4));
        groups.leave(3, Stamp::awake(7));
        groups.join(&name, 1, Stamp::awake(1));
        groups.leave(1, Stamp::awake(6));
        groups.join(&name, 4, Stamp::awake(8));
        let shown: Vec<(&[u64], Stamp)> = groups.iter().map(|group| (&*group.members, group.began)).collect();
        assert_eq!(shown, [(&[1, 2, 3][..], Stamp::awake(1))]);
    }

    #[test]
    fn who_overlapped_with_two_groups_makes_them_one() {
        let mut groups = Groups::new(Sameness::File);
        let name: Arc<str> = "af_key".into();
        groups.join(&name, 1, Stamp::awake(1));
        groups.leave(1, Stamp::awake(5));
        groups.join(&name, 3, Stamp::awake(6));
        groups.join(&name, 2, Stamp::awake(4));
        assert_eq!(groups.iter().map(|group| &*group.members).collect::<Vec<_>>(), [[1, 2, 3]]);
        [2, 3].into_iter().for_each(|member| groups.leave(member, Stamp::awake(9)));
        (4..9).for_each(|member| {
            groups.join(&name, member, Stamp::awake(10 * member));
            groups.leave(member, Stamp::awake(10 * member + 1));
        });
        // Of those that were alone, the last two may still turn out to overlap with others.
        assert_eq!(groups.groups.len(), 3);
    }

    #[test]
    fn a_crowd_without_end_is_bounded_and_what_is_given_up_is_counted() {
        let mut groups = Groups::new(Sameness::Alias);
        let name: Arc<str> = "net-pf-29".into();
        let many = 3 * MEMBERS as u64;
        let given_up: u64 = (1..=many).map(|member| groups.join(&name, member, Stamp::awake(member))).sum();
        let kept = groups.iter().map(|group| group.members.len() as u64).sum::<u64>();
        assert!(kept <= MEMBERS as u64);
        assert_eq!(kept + given_up, many);
    }
}
