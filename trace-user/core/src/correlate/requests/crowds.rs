//! How many requests ask for the same thing at once, counted without looking at each of them.
//!
//! In: requests that come, and that give up their slot or their wait for one. Out: for each, how many others were
//! inside at the same time. The cost of a crowd does not grow with its size: it counts arrivals, and each request notes
//! that count when it comes and goes.

use crate::entities::Request;
use crate::event::Captured;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What requests can have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    /// The alias.
    Alias(Arc<str>),
    /// The module that it resolves to.
    Module(Arc<str>),
    /// Both.
    Both { module: Arc<str>, alias: Arc<str> },
}

/// The requests that ask for the same thing.
#[derive(Clone, Copy, Debug, Default)]
struct Crowd {
    /// Open requests about it.
    members: usize,
    /// Those that hold a slot or wait for one.
    inside: u64,
    /// How many have come in total.
    came: u64,
}

/// A request's place in one crowd.
#[derive(Clone, Debug)]
struct Place {
    topic: Topic,
    /// Others that were inside together with it, up to `since`.
    met: u64,
    /// How many had come when it last went inside.
    since: u64,
}

/// A request's places in its crowds.
#[derive(Clone, Debug)]
pub struct Places {
    alias: Option<Place>,
    module: Option<Place>,
    both: Option<Place>,
    inside: bool,
}

impl Places {
    fn each(&mut self) -> impl Iterator<Item = &mut Place> {
        [&mut self.alias, &mut self.module, &mut self.both].into_iter().flatten()
    }
}

/// All crowds.
#[derive(Clone, Debug, Default)]
pub struct Crowds {
    crowds: BTreeMap<Topic, Crowd>,
    inside: usize,
}

impl Crowds {
    /// A request comes, and is inside.
    pub fn come(&mut self, request: &Request) -> Places {
        let alias = match &request.requested.alias {
            Captured::Whole(alias) => Some(alias.clone()),
            Captured::Truncated(_) | Captured::Unreadable(_) => None,
        };
        let module = request.module().cloned();
        let both = module.clone().zip(alias.clone()).map(|(module, alias)| Topic::Both { module, alias });
        let places = Places {
            alias: alias.map(|alias| self.join(Topic::Alias(alias))),
            module: module.map(|module| self.join(Topic::Module(module))),
            both: both.map(|both| self.join(both)),
            inside: true,
        };
        self.inside += 1;
        places
    }

    fn join(&mut self, topic: Topic) -> Place {
        let crowd = self.crowds.entry(topic.clone()).or_default();
        let met = crowd.inside;
        crowd.members += 1;
        crowd.inside += 1;
        crowd.came += 1;
        Place { topic, met, since: crowd.came }
    }

    /// The request is inside, or is not; the change is noted.
    pub fn set_inside(&mut self, places: &mut Places, inside: bool) {
        if places.inside == inside {
            return;
        }
        places.inside = inside;
        self.inside = if inside { self.inside + 1 } else { self.inside.saturating_sub(1) };
        for place in places.each() {
            let Some(crowd) = self.crowds.get_mut(&place.topic) else { continue };
            if inside {
                crowd.inside += 1;
                place.since = crowd.came;
            } else {
                crowd.inside = crowd.inside.saturating_sub(1);
                place.met += crowd.came.saturating_sub(place.since);
            }
        }
    }

    /// The request is over.
    pub fn go(&mut self, mut places: Places) {
        self.set_inside(&mut places, false);
        for place in places.each() {
            if let Some(crowd) = self.crowds.get_mut(&place.topic) {
                crowd.members = crowd.members.saturating_sub(1);
                if crowd.members == 0 {
                    self.crowds.remove(&place.topic);
                }
            }
        }
    }

    /// Others for the same alias that were inside together with it, and others for another alias of the same module.
    #[must_use]
    pub fn met(&self, places: &Places) -> (u32, u32) {
        let met = |place: &Option<Place>| -> u64 {
            let Some(place) = place else { return 0 };
            let came = self.crowds.get(&place.topic).map_or(place.since, |crowd| crowd.came);
            place.met + if places.inside { came.saturating_sub(place.since) } else { 0 }
        };
        let of_module = met(&places.module).saturating_sub(met(&places.both));
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        (count(met(&places.alias)), count(of_module))
    }

    /// How many requests hold a slot or wait for one.
    #[must_use]
    pub const fn inside(&self) -> usize {
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::Crowds;
    use crate::correlate::requests::fresh;
    use crate::entities::{Request, RequestId};
    use crate::event::{Resolution, Stamp, Task, Wanted};
    use crate::testing::asked;
    use std::sync::Arc;

    fn request(alias: &str, module: &str) -> Request {
        let modules = vec![Wanted { name: module.into(), ..Wanted::default() }];
        let resolution = Some(Arc::new(Resolution { known: true, modules, ..Resolution::default() }));
        let task = Task::new(1, 1, 1, "task");
        Request { resolution, ..fresh(RequestId(1), Stamp::default(), task, &asked(alias).into()) }
    }

    #[test]
    fn those_that_were_inside_together_count_each_other_once() {
        let mut crowds = Crowds::default();
        let mut first = crowds.come(&request("net-pf-29", "can"));
        let mut second = crowds.come(&request("net-pf-29", "can"));
        let other_alias = crowds.come(&request("can-proto-1", "can"));
        assert_eq!(crowds.met(&first), (1, 1));
        assert_eq!((crowds.met(&second), crowds.met(&other_alias)), ((1, 1), (0, 2)));
        crowds.set_inside(&mut first, false);
        let third = crowds.come(&request("net-pf-29", "can"));
        assert_eq!((crowds.met(&first), crowds.met(&second), crowds.met(&third)), ((1, 1), (2, 1), (1, 1)));
        // A request that comes back meets those that come from then on.
        crowds.set_inside(&mut first, true);
        crowds.set_inside(&mut second, false);
        let fourth = crowds.come(&request("net-pf-29", "can"));
        assert_eq!((crowds.met(&first), crowds.met(&second), crowds.met(&fourth)), ((2, 1), (2, 1), (2, 1)));
        assert_eq!(crowds.inside(), 4);
        [first, second, other_alias, third, fourth].into_iter().for_each(|places| crowds.go(places));
        assert!(crowds.crowds.is_empty() && crowds.inside() == 0);
    }
}
