//! Tasks that wait for each other, made from a seed: whether the deadlock finder finds each circle once, with its
//! members, and none that is not there.
//!
//! A machine is made of chains: somebody asks, the helper loads a module, its init asks again, and so on, until the
//! last one waits for asynchronous work, for another load of a module, or for nobody. The same steps give the events
//! and, apart from them, who waits for whom. Circles in that are looked for by following every way from every task.

use crate::simulation::random::Random;
use modtrail_core::answer::ReturnCode;
use modtrail_core::event::{Captured, Moment, Requested, Syscall, Task, Wait};
use modtrail_core::findings::{Evidence, Finding, deadlocks};
use modtrail_core::testing::{Scenario, asked, entered, module};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use trace_common::ids::CallAddress;

/// Machines that every run of the tests tries.
const SEEDS: u64 = 3_000;
/// Machines that are tried now and then.
const MANY_SEEDS: u64 = 100_000;

/// All asynchronous work, among the numbers of threads.
const ASYNCHRONOUS: u32 = 0;
/// The highest of the microseconds until everything waits.
const SETTLED_US: u64 = 900_000;

/// What circles a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// None.
    None,
    /// Those that are planted, no two of which share a task.
    Planted,
    /// Whatever comes.
    Wild,
}

/// What a chain's last load does.
#[derive(Clone, Copy, Debug)]
enum End<'n> {
    /// The helper has not begun to load.
    NoLoad,
    /// Its module is live, and it waits for all asynchronous work.
    Live,
    /// It waits for the load of this module that is in its init; for nobody, if none is.
    For(&'n str),
    /// It is in the init of its module.
    InInit,
    /// Its module is live and its system call returned, but its process lives.
    Ended,
    /// Its process and the request are over.
    Returned,
}

/// A machine: what happened, and who waits for whom.
struct World {
    random: Random,
    scenario: Scenario,
    at: u64,
    last_pid: u32,
    /// Who waits for whom, by thread.
    waits: BTreeSet<(u32, u32)>,
    /// Modules in their init, each with the thread that loads it.
    in_init: Vec<(String, u32)>,
    /// Those who wait for a module's load, and for which.
    for_module: Vec<(u32, String)>,
    /// Members of planted circles.
    planted: BTreeSet<BTreeSet<u32>>,
    /// Modules in their init from which only a planted circle of loads is reached.
    shut: Vec<String>,
    /// Who is in a wait that a signal ends.
    killable: BTreeSet<u32>,
}

impl World {
    fn of(seed: u64) -> (Self, Mode) {
        let mut random = Random::new(seed);
        let mode = random.pick(Mode::None, &[Mode::Planted, Mode::Planted, Mode::Wild]);
        let chains = random.between(1, 7);
        let mut world = Self {
            random,
            scenario: Scenario::default(),
            at: 1_000,
            last_pid: 100,
            waits: BTreeSet::new(),
            in_init: Vec::new(),
            for_module: Vec::new(),
            planted: BTreeSet::new(),
            shut: Vec::new(),
            killable: BTreeSet::new(),
        };
        for _ in 0..chains {
            match mode {
                Mode::Planted if world.random.one_in(2) => world.planted(),
                Mode::None | Mode::Planted => world.harmless(),
                Mode::Wild => world.wild(),
            }
            if world.random.one_in(3) {
                world.bystander();
            }
        }
        for (thread, wanted) in &world.for_module {
            let loader = world.in_init.iter().find(|(module, loader)| module == wanted && loader != thread);
            world.waits.extend(loader.map(|(_, loader)| (*thread, *loader)));
        }
        world.scenario.until(SETTLED_US);
        world.scenario.until(3_000_000);
        (world, mode)
    }

    /// The next instant.
    fn now(&mut self) -> u64 {
        self.at += self.random.between(50, 1_500);
        self.at
    }

    fn probe(&mut self, task: Task, moment: Moment) {
        let at = self.now();
        self.scenario.probe(at, task, moment);
    }

    fn task(&mut self, comm: &str) -> Task {
        self.last_pid += 1;
        Task::new(self.last_pid, self.last_pid, self.at, comm)
    }

    /// The task asks, and its helper runs; returns the thread that loads for it.
    fn ask(&mut self, requester: Task, asynchronous: bool) -> Task {
        let function = if asynchronous { "async_run_entry_fn" } else { "do_one_initcall" };
        let alias = format!("alias-{}", requester.tid.0);
        let stack = ["__request_module", "probe", function, "ret_from_fork"].map(Arc::from).into();
        self.probe(requester, Moment::Requested(Requested { stack, ..asked(&alias) }.into()));
        let helper = self.task("modprobe");
        let call = CallAddress(u64::from(helper.tid.0));
        let words = ["/sbin/modprobe", "-q", "--", &alias];
        self.probe(requester, Moment::CallEntered(entered(call, Wait::Proc, &words).into()));
        self.probe(helper, Moment::Born { call });
        self.probe(helper, Moment::Executed { result: ReturnCode::OK, program: None });
        if asynchronous {
            self.waits.insert((ASYNCHRONOUS, requester.tid.0));
        } else {
            self.killable.insert(requester.tid.0);
        }
        if !self.random.one_in(4) {
            return helper;
        }
        let child = self.task("modprobe");
        self.probe(helper, Moment::Forked { child: child.key });
        child
    }

    fn load_begins(&mut self, loader: Task, name: &str) {
        self.probe(loader, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
        self.probe(loader, Moment::Named { name: Captured::whole(name) });
    }

    /// The task loads a module of its own, as far as its init; returns its name.
    fn init_begins(&mut self, loader: Task) -> String {
        let name = format!("module_{}", loader.tid.0);
        self.load_begins(loader, &name);
        self.probe(loader, Moment::Coming(module(&name)));
        self.probe(loader, Moment::InitBegun(module(&name)));
        name
    }

    /// Who begins a chain: asynchronous work, a program, or the load of a module whose init asks.
    fn first(&mut self, asynchronous: bool, loads: bool) -> (Task, Vec<String>) {
        let first = self.task(if asynchronous { "kworker/u8:1" } else { "insmod" });
        let name = loads.then(|| self.init_begins(first));
        self.in_init.extend(name.iter().map(|name| (name.clone(), first.tid.0)));
        (first, name.into_iter().collect())
    }

    /// A chain from its first task: loads whose inits ask, and what the last load does. Returns its tasks and the
    /// modules in their init. `end` sees those.
    fn chain<'n>(
        &mut self,
        (first, mut modules): (Task, Vec<String>),
        asynchronous: bool,
        end: impl FnOnce(&mut Random, &[String]) -> End<'n>,
    ) -> BTreeSet<u32> {
        let mut tasks = BTreeSet::from([first.tid.0]);
        let mut loader = self.ask(first, asynchronous);
        let mut before = first;
        for _ in 0..self.random.between(0, 3) {
            let name = self.init_begins(loader);
            self.in_init.push((name.clone(), loader.tid.0));
            modules.push(name);
            self.waits.insert((before.tid.0, loader.tid.0));
            tasks.insert(loader.tid.0);
            before = loader;
            loader = self.ask(before, false);
        }
        let end = end(&mut self.random, &modules);
        self.ends(before, loader, end);
        tasks.insert(loader.tid.0);
        tasks
    }

    /// What the last load of a chain does.
    fn ends(&mut self, before: Task, loader: Task, end: End<'_>) {
        let waits = (before.tid.0, loader.tid.0);
        match end {
            End::NoLoad => {}
            End::Live => {
                let name = self.init_begins(loader);
                self.probe(loader, Moment::Live(module(&name)));
                self.waits.extend([waits, (loader.tid.0, ASYNCHRONOUS)]);
            }
            End::For(name) => {
                self.load_begins(loader, name);
                self.waits.insert(waits);
                self.for_module.push((loader.tid.0, name.to_owned()));
                self.killable.insert(loader.tid.0);
            }
            End::InInit => {
                let name = self.init_begins(loader);
                self.in_init.push((name, loader.tid.0));
                self.waits.insert(waits);
                self.killable.insert(loader.tid.0);
            }
            End::Ended | End::Returned => {
                let name = self.init_begins(loader);
                self.probe(loader, Moment::Live(module(&name)));
                self.probe(loader, Moment::InitEnded { result: ReturnCode::OK });
                self.probe(loader, Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None });
            }
        }
        if matches!(end, End::Returned) {
            let returned = Moment::CallReturned { result: modtrail_core::answer::CallResult::OK };
            self.probe(before, returned);
            self.waits.remove(&(ASYNCHRONOUS, before.tid.0));
        }
    }

    /// A circle through asynchronous work, or through the load of a module whose init asks.
    fn planted(&mut self) {
        let asynchronous = self.random.one_in(2);
        let first = self.first(asynchronous, !asynchronous);
        let own = first.1.first().cloned().unwrap_or_default();
        let from = self.in_init.len().saturating_sub(first.1.len());
        let members = if asynchronous {
            self.chain(first, true, |_, _| End::Live)
        } else {
            self.chain(first, false, |_, _| End::For(&own))
        };
        if !asynchronous {
            self.shut.extend(self.in_init.iter().skip(from).map(|(name, _)| name.clone()));
        }
        self.planted.insert(members);
    }

    /// A chain that closes no circle: it only leads to what is older, and from asynchronous work to nothing that waits
    /// for asynchronous work.
    fn harmless(&mut self) {
        let asynchronous = self.random.one_in(3);
        let loads = !asynchronous && self.random.one_in(2);
        let older: Vec<String> =
            if asynchronous { self.shut.clone() } else { self.in_init.iter().map(|(name, _)| name.clone()).collect() };
        let first = self.first(asynchronous, loads);
        let target = self.one_of(&older);
        self.chain(first, asynchronous, |random, _| {
            let last = if asynchronous { End::InInit } else { End::Live };
            random.pick(End::NoLoad, &[last, End::For(&target), End::InInit, End::Ended, End::Returned])
        });
    }

    fn wild(&mut self) {
        let asynchronous = self.random.one_in(3);
        let loads = !asynchronous && self.random.one_in(2);
        let first = self.first(asynchronous, loads);
        let all: Vec<String> = self.in_init.iter().map(|(name, _)| name.clone()).collect();
        let target = self.one_of(&all);
        self.chain(first, asynchronous, |random, _| {
            let many = [End::Live, End::Live, End::For(&target), End::For(&target), End::Ended, End::Returned];
            random.pick(End::NoLoad, &many)
        });
    }

    /// One of the names, or of a module that nobody loads.
    fn one_of(&mut self, names: &[String]) -> String {
        let place = usize::try_from(self.random.between(0, names.len() as u64)).unwrap_or(0);
        names.get(place).map_or("of_nobody", String::as_str).to_owned()
    }

    /// Somebody whom nobody waits for: who waits for asynchronous work, or for a load; an unload that goes on.
    fn bystander(&mut self) {
        let task = self.task("udevd");
        match self.random.between(0, 3) {
            0 => {
                let name = self.init_begins(task);
                self.probe(task, Moment::Live(module(&name)));
                self.waits.insert((task.tid.0, ASYNCHRONOUS));
            }
            1 => {
                let all: Vec<String> = self.in_init.iter().map(|(name, _)| name.clone()).collect();
                let name = self.one_of(&all);
                self.load_begins(task, &name);
                self.for_module.push((task.tid.0, name));
            }
            2 => {
                self.init_begins(task);
            }
            _ => {
                let name = Captured::whole("of_nobody");
                self.probe(task, Moment::UnloadBegan { name, origin: None });
                self.probe(task, Moment::Going(module("of_nobody")));
            }
        }
    }

    /// The circles that are reported, by their members.
    fn reported(&self) -> Vec<(BTreeSet<u32>, Finding)> {
        let model = self.scenario.model();
        let thread = |evidence: &Evidence| match evidence {
            Evidence::Request(id) => model.open_requests().find(|request| request.id == *id).map(|one| one.task.tid.0),
            Evidence::Load(id) => model.open_loads().find(|load| load.id == *id).map(|one| one.task.tid.0),
            Evidence::Unload(_) => None,
        };
        let found = deadlocks(model).into_iter();
        found.map(|finding| (finding.evidence.iter().filter_map(thread).collect(), finding)).collect()
    }

    /// What is wrong in what is reported.
    fn faults(&self, reported: &[(BTreeSet<u32>, Finding)]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut left = self.waits.clone();
        let mut found = BTreeSet::new();
        for (members, finding) in reported {
            if members.iter().any(|member| !found.insert(*member)) {
                wrong.push(format!("{members:?} shares a task with another circle"));
            }
            if !is_circle(&self.waits, members) {
                wrong.push(format!("{members:?} is not a circle"));
            }
            left.retain(|(from, to)| !members.contains(from) && !members.contains(to));
            let unnamed = members.iter().filter(|member| !finding.sentence.contains(&format!("[{member}] ")));
            wrong.extend(unnamed.map(|member| format!("{member} is not named: {}", finding.sentence)));
            let next = &finding.next;
            let told = members.iter().find(|member| next.contains(&format!("[{member}];")));
            let can = members.iter().any(|member| self.killable.contains(member));
            if told.is_some() != can || told.is_some_and(|member| !self.killable.contains(member)) {
                wrong.push(format!("of {members:?} can be killed: {:?}; reported: {next}", self.killable));
            }
        }
        let tasks: BTreeSet<u32> = left.iter().map(|(from, _)| *from).collect();
        let missed: Vec<u32> = tasks.into_iter().filter(|task| reaches(&left, *task, *task)).collect();
        if !missed.is_empty() {
            wrong.push(format!("on a circle that is not reported: {missed:?}"));
        }
        wrong
    }

    /// Ends the load of a member of one of the circles that waits for nobody's answer.
    fn end_one(&mut self, reported: &[(BTreeSet<u32>, Finding)]) {
        let Some((members, _)) = reported.first() else { return };
        let asks: BTreeSet<u32> = self.scenario.model().open_requests().map(|request| request.task.tid.0).collect();
        let loads = self.scenario.model().open_loads().map(|load| load.task);
        let last = loads.filter(|task| members.contains(&task.tid.0)).find(|task| !asks.contains(&task.tid.0));
        let Some(task) = last else { return };
        let ended = Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode(-4), ending: None };
        self.scenario.probe(3_200_000, task, ended);
        self.scenario.until(3_400_000);
        self.waits.retain(|(from, to)| *from != task.tid.0 && *to != task.tid.0);
    }
}

/// Whether `to` is reached from `from` by one wait or more.
fn reaches(waits: &BTreeSet<(u32, u32)>, from: u32, to: u32) -> bool {
    let mut known = BTreeSet::new();
    let mut ways = vec![from];
    while let Some(place) = ways.pop() {
        for (_, next) in waits.iter().filter(|(waiter, _)| *waiter == place) {
            if *next == to {
                return true;
            }
            if known.insert(*next) {
                ways.push(*next);
            }
        }
    }
    false
}

/// Whether there is a circle through all of these, and through nothing else but asynchronous work.
fn is_circle(waits: &BTreeSet<(u32, u32)>, members: &BTreeSet<u32>) -> bool {
    fn goes_on(waits: &BTreeSet<(u32, u32)>, left: &BTreeSet<u32>, at: u32, first: u32, through: bool) -> bool {
        let step = |to: u32| waits.contains(&(at, to));
        if left.is_empty() && step(first) {
            return true;
        }
        if through && at != ASYNCHRONOUS && step(ASYNCHRONOUS) && goes_on(waits, left, ASYNCHRONOUS, first, false) {
            return true;
        }
        left.iter().filter(|to| step(**to)).any(|to| {
            let rest = left.iter().copied().filter(|other| other != to).collect();
            goes_on(waits, &rest, *to, first, through)
        })
    }
    let mut left = members.clone();
    left.pop_first().is_some_and(|first| goes_on(waits, &left, first, first, true))
}

/// Tries these machines; returns how many circles were reported.
fn try_all(seeds: Range<u64>) -> usize {
    let mut count = 0;
    for seed in seeds {
        let (mut world, mode) = World::of(seed);
        let reported = world.reported();
        count += reported.len();
        let mut wrong = world.faults(&reported);
        let found: BTreeSet<BTreeSet<u32>> = reported.iter().map(|(members, _)| members.clone()).collect();
        if mode != Mode::Wild && found != world.planted {
            wrong.push(format!("planted: {:?}, reported: {found:?}", world.planted));
        }
        world.end_one(&reported);
        let after = world.reported();
        wrong.extend(world.faults(&after).into_iter().map(|fault| format!("after a load ended: {fault}")));
        assert!(wrong.is_empty(), "seed {seed} ({mode:?}): {wrong:#?}\nwaits: {:?}", world.waits);
    }
    count
}

#[test]
fn each_circle_of_tasks_is_found_once_and_nothing_else() {
    let count = try_all(0..SEEDS);
    assert!(count > 1_000, "{count} circles");
}

#[test]
#[ignore = "cargo xtask test --long runs it"]
fn each_circle_of_many_more_tasks_is_found_once_and_nothing_else() {
    try_all(SEEDS..MANY_SEEDS);
}
