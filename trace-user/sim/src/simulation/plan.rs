//! What happens in a simulated machine, as data: a list of actions made from a seed, from which a shrinker can remove
//! actions. What an action draws at random follows from its own salt, so that the other actions do not change.

use super::random::Random;
use super::world::{ALIASES, FILES, NOWHERE, State};
use trace_common::kind::Kind;

/// A machine, how it is observed, and what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The machine and how it is observed.
    pub view: View,
    /// What happens.
    pub actions: Vec<Action>,
}

/// How requests wait for a slot, and what losers of a race get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 5.10 and 6.1: a wait that can be killed; a loser gets -EEXIST.
    V6_1,
    /// 6.12: a wait that cannot be killed; losers of one file get the winner's result.
    V6_12,
}

/// The machine, and how it is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Which kernel.
    pub release: Release,
    /// What the edge's own delays are drawn from.
    pub salt: u32,
    /// The probes are attached at this instant, in microseconds.
    pub attach_us: u32,
    /// The largest difference between CPUs' clocks, in nanoseconds.
    pub skew_ns: u32,
    /// The longest time that an event takes to reach the ring's reader, in microseconds.
    pub handover_us: u32,
    /// One in this many events comes after the order of its time was final; zero: none.
    pub late_one_in: u32,
    /// Places of the return probe of helper calls; `None`: it sees all.
    pub places: Option<u8>,
    /// Places of the return probes of loads and inits; `None`: they see all.
    pub load_places: Option<u8>,
    /// "Helper completed" is seen through `umh_complete`, not through the return of the worker's function.
    pub umh_complete: bool,
    /// The hook of "helper completed" does not see which call it is.
    pub completed_blind: bool,
    /// The init of this module takes so many microseconds more.
    pub slower: Option<(&'static str, u32)>,
    /// Tracing ends at this instant, in microseconds; `None`: when everything has come to rest.
    pub ends_us: Option<u32>,
}

/// An action at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// When, in microseconds.
    pub at_us: u32,
    /// What its delays are drawn from.
    pub salt: u32,
    /// What happens.
    pub deed: Deed,
}

/// A thread that can make requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user-space thread; threads with consecutive numbers belong to one process.
    User(u8),
    /// A kernel thread.
    Kernel(u8),
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A thread asks for a module.
    Ask(Ask),
    /// modtrail itself asks.
    Own {
        /// For this alias.
        alias: &'static str,
    },
    /// udev or a person loads a module and what it needs.
    Insert {
        /// Which.
        module: &'static str,
        /// From another copy of its file.
        copy: bool,
        /// By `init_module`.
        memory: bool,
    },
    /// A person unloads a module.
    Remove {
        /// Which.
        module: &'static str,
    },
    /// A thread calls another helper than modprobe.
    Call {
        /// Which thread.
        who: Who,
        /// How it waits: 0 not, 1 for exec, 2 for the helper's end.
        wait: u8,
    },
    /// Helpers are disabled for this many microseconds.
    Disable {
        /// How long.
        for_us: u32,
    },
    /// The machine is asked to suspend.
    Suspend {
        /// How long user space is frozen, in microseconds of the clock that stops in suspend.
        frozen_us: u32,
        /// How long the machine sleeps, in milliseconds; zero: it is a test of the freezer.
        asleep_ms: u32,
    },
    /// Events are lost for this many microseconds.
    Lose {
        /// How long.
        for_us: u32,
        /// Those of one moment; `None`: the ring is full.
        kind: Option<Kind>,
        /// One in this many.
        one_in: u8,
    },
}

/// A thread asks for a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which thread.
    pub who: Who,
    /// What for.
    pub alias: &'static str,
    /// It only waits for exec.
    pub nowait: bool,
    /// A security module denies it.
    pub denied: bool,
    /// What modprobe is.
    pub helper: Helper,
    /// How long the helper takes before it does anything, in microseconds.
    pub slow_us: u32,
    /// The requester is killed this many microseconds after it asked.
    pub killed_us: Option<u32>,
    /// The requester's process exits when it has returned.
    pub exits: bool,
    /// The helper loads by `init_module`.
    pub memory: bool,
}

/// What the helper of a request is and does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helper {
    /// modprobe.
    Modprobe,
    /// Its exec fails with this errno.
    Missing(i32),
    /// The kernel cannot fork for it.
    Unborn,
    /// It tries nothing, and ends with this wait status word.
    Ends(i32),
    /// It loads what is wanted, and ends with this wait status word all the same.
    LoadsAndEnds(i32),
    /// A script that forks modprobe and waits for it.
    Script,
    /// A script that forks modprobe and exits; modprobe begins this many microseconds later.
    Daemon(u32),
}

impl View {
    /// A plain 6.1 machine, all of which is seen.
    pub const PLAIN: Self = Self {
        release: Release::V6_1,
        salt: 0,
        attach_us: 0,
        skew_ns: 0,
        handover_us: 10,
        late_one_in: 0,
        places: None,
        load_places: None,
        umh_complete: false,
        completed_blind: false,
        slower: None,
        ends_us: None,
    };
}

impl Ask {
    /// A plain request.
    pub const PLAIN: Self = Self {
        who: Who::User(0),
        alias: "net-alpha",
        nowait: false,
        denied: false,
        helper: Helper::Modprobe,
        slow_us: 0,
        killed_us: None,
        exits: false,
        memory: false,
    };
}

/// What a plan is made to test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// A few requests, all seen.
    Calm,
    /// Many at once for few modules, all seen.
    Crowd,
    /// More than there are slots.
    Storm,
    /// Events are lost.
    Losses,
    /// Runs of single probes are lost.
    Skipped,
    /// Return probes miss returns.
    Missed,
    /// The probes are attached in the middle, or detached.
    Middle,
    /// Events come in disorder, some too late.
    Disorder,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Calm, Self::Crowd, Self::Losses, Self::Skipped, Self::Missed, Self::Middle, Self::Disorder, Self::Storm];

    /// The profile of a seed. A storm takes as long as twenty others.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let place = usize::try_from(seed % 64).unwrap_or(0);
        if place == 0 { Self::Storm } else { Self::ALL.get(place % 7).copied().unwrap_or(Self::Calm) }
    }
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let profile = Profile::of(seed);
        let view = view(&mut random, profile);
        let (count, span_us) = match profile {
            Profile::Storm => (random.between(70, 120), random.between(5_000, 60_000)),
            Profile::Crowd => (random.between(3, 14), random.between(1_000, 30_000)),
            Profile::Calm => (random.between(1, 10), random.between(100_000, 2_000_000)),
            Profile::Losses | Profile::Skipped | Profile::Missed | Profile::Middle | Profile::Disorder => {
                (random.between(2, 14), random.between(10_000, 800_000))
            }
        };
        let mut draw = Draw::new(&mut random, profile);
        let mut actions: Vec<Action> = (0..count).map(|_| draw.action(span_us)).collect();
        if profile == Profile::Storm {
            actions.extend((0..5).map(|_| draw.action(7_000_000)));
        }
        let calls: Vec<Action> = actions.iter().filter_map(|action| draw.call_after(action)).collect();
        actions.extend(calls);
        actions.sort_by_key(|action| action.at_us);
        Self { view, actions }
    }
}

fn view(random: &mut Random, profile: Profile) -> View {
    let mut view = View {
        release: random.pick(Release::V6_1, &[Release::V6_12]),
        salt: small(random.next()),
        attach_us: 0,
        skew_ns: random.pick(0, &[300, 2_000]),
        handover_us: random.pick(10, &[100, 2_000]),
        late_one_in: 0,
        places: None,
        load_places: None,
        umh_complete: random.one_in(4),
        completed_blind: random.one_in(6),
        slower: None,
        ends_us: None,
    };
    // The function itself always shows which call it is.
    view.completed_blind &= !view.umh_complete;
    match profile {
        Profile::Calm | Profile::Crowd | Profile::Storm | Profile::Losses | Profile::Skipped => {}
        Profile::Missed => {
            view.places = Some(random.pick(0, &[1, 2, 4]));
            view.load_places = if random.one_in(3) { Some(random.pick(0, &[1, 2])) } else { None };
        }
        Profile::Middle => {
            view.attach_us = if random.one_in(5) { 0 } else { small(random.between(1, 300_000)) };
            let ends = view.attach_us + small(random.between(1_000, 1_500_000));
            view.ends_us = random.one_in(3).then_some(ends);
        }
        Profile::Disorder => {
            view.handover_us = random.pick(40_000, &[90_000, 90_000]);
            view.late_one_in = random.pick(0, &[0, 20, 100]);
        }
    }
    view
}

/// Draws actions.
struct Draw<'r> {
    random: &'r mut Random,
    profile: Profile,
    aliases: Vec<&'static str>,
    people: u64,
    /// Helpers take so long that requests that wait for a slot get none.
    jammed: bool,
}

impl<'r> Draw<'r> {
    fn new(random: &'r mut Random, profile: Profile) -> Self {
        let crowded = matches!(profile, Profile::Crowd | Profile::Storm);
        let kinds = if crowded { random.between(1, 3) } else { random.between(2, 8) };
        let aliases = (0..kinds).map(|_| alias(random)).collect();
        let people = match profile {
            Profile::Storm => 250,
            Profile::Crowd => 20,
            Profile::Calm
            | Profile::Losses
            | Profile::Skipped
            | Profile::Missed
            | Profile::Middle
            | Profile::Disorder => random.between(1, 8),
        };
        let jammed = profile == Profile::Storm && !random.one_in(3);
        Self { random, profile, aliases, people, jammed }
    }

    fn action(&mut self, span_us: u64) -> Action {
        let at_us = small(self.random.between(0, span_us));
        let salt = small(self.random.next());
        Action { at_us, salt, deed: self.deed() }
    }

    /// Some requesters then call another helper, whatever the answer was.
    fn call_after(&mut self, action: &Action) -> Option<Action> {
        let Deed::Ask(ask) = action.deed else { return None };
        let call = Deed::Call { who: ask.who, wait: 1 };
        self.random.one_in(8).then_some(Action { at_us: action.at_us + 1, deed: call, ..*action })
    }

    fn deed(&mut self) -> Deed {
        let odd = match self.profile {
            Profile::Storm => 12,
            Profile::Losses | Profile::Skipped => 2,
            Profile::Calm | Profile::Crowd | Profile::Missed | Profile::Middle | Profile::Disorder => 3,
        };
        if self.profile == Profile::Losses && self.random.one_in(4) {
            let for_us = small(self.random.between(100, 60_000));
            return Deed::Lose { for_us, kind: None, one_in: self.random.pick(1, &[1, 2, 4]) };
        }
        if self.profile == Profile::Skipped && self.random.one_in(3) {
            let for_us = small(self.random.between(1_000, 300_000));
            let of_all = self.random.pick(Kind::Requested, &Kind::ALL);
            let of_ties = self.random.pick(Kind::Born, &[Kind::Exited, Kind::Exited, Kind::Denied, Kind::CallEntered]);
            let kind = Some(if self.random.one_in(2) { of_all } else { of_ties });
            return Deed::Lose { for_us, kind, one_in: self.random.pick(1, &[1, 2, 4]) };
        }
        if !self.random.one_in(odd) {
            return Deed::Ask(self.ask());
        }
        // A storm is for requests that wait for a slot until they time out.
        match self.random.between(0, if self.profile == Profile::Storm { 9 } else { 11 }) {
            0 => Deed::Own { alias: self.alias() },
            1..=3 => Deed::Insert { module: self.module(), copy: self.random.one_in(3), memory: self.random.one_in(3) },
            4..=6 => Deed::Remove { module: self.module() },
            7 | 8 => Deed::Call { who: self.who(), wait: u8::try_from(self.random.between(0, 2)).unwrap_or(1) },
            10 | 11 => Deed::Suspend {
                frozen_us: small(self.random.pick(20_000, &[400_000, 3_000_000])),
                asleep_ms: self.random.pick(0, &[0, 700, 60_000]),
            },
            _ => Deed::Disable { for_us: small(self.random.between(100, 50_000)) },
        }
    }

    fn ask(&mut self) -> Ask {
        let slow = match self.profile {
            Profile::Storm => self.random.pick(10_000, &[300_000, 6_000_000]),
            _ if self.random.one_in(10) => self.random.pick(1_500_000, &[1_500_000, 9_000_000]),
            _ => 3_000,
        };
        // If the slots are to stay taken, most are plain and slow.
        let plain = self.jammed && !self.random.one_in(8);
        let (least, slow) = if plain { (4_500_000, 7_000_000) } else { (0, slow) };
        let rare = if plain { 4 } else { 1 };
        let killed = self.random.one_in(8 * rare).then(|| small(self.random.between(1, slow + 20_000)));
        let who = self.who();
        Ask {
            who,
            alias: self.alias(),
            nowait: self.random.one_in(8 * rare),
            denied: self.random.one_in(20),
            helper: if plain { Helper::Modprobe } else { self.helper() },
            slow_us: small(self.random.between(least, slow)),
            killed_us: killed.filter(|_| matches!(who, Who::User(_))),
            exits: matches!(who, Who::User(_)) && self.random.one_in(3 * rare),
            memory: self.random.one_in(4),
        }
    }

    fn helper(&mut self) -> Helper {
        if !self.random.one_in(3) {
            return Helper::Modprobe;
        }
        match self.random.between(0, 8) {
            0 => Helper::Missing(-2),
            1 => Helper::Unborn,
            2 => Helper::Ends(self.random.pick(0, &[256, 512, 9, 32_512])),
            3 => Helper::LoadsAndEnds(self.random.pick(256, &[9, 768])),
            4 => Helper::Daemon(small(self.random.between(0, 1_500_000))),
            5 => Helper::Daemon(small(self.random.between(0, 4_000_000))),
            _ => Helper::Script,
        }
    }

    fn who(&mut self) -> Who {
        let number = u8::try_from(self.random.between(0, self.people.saturating_sub(1))).unwrap_or(0);
        if self.random.one_in(6) { Who::Kernel(number) } else { Who::User(number) }
    }

    /// Usually one of the few that this plan is about.
    fn alias(&mut self) -> &'static str {
        if self.random.one_in(6) {
            return alias(self.random);
        }
        self.random.pick("net-alpha", &self.aliases)
    }

    fn module(&mut self) -> &'static str {
        let wanted = super::world::stands_for(self.alias()).first().copied();
        let other = self.random.pick(FILES[0], &FILES);
        wanted.filter(|_| !self.random.one_in(3)).unwrap_or(if other.state == State::BuiltIn {
            "alpha"
        } else {
            other.name
        })
    }
}

fn alias(random: &mut Random) -> &'static str {
    if random.one_in(8) { random.pick(NOWHERE[0], &NOWHERE) } else { random.pick(ALIASES[0], &ALIASES).0 }
}

const fn small(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}
