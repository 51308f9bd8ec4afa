//! The modules and aliases of every simulated machine: one for each kind of behaviour.

use modtrail_core::event::{Resolution, Wanted};

/// What a module's init does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// It succeeds.
    Fine,
    /// It fails with this errno.
    Fails(i32),
    /// It fails with this errno every other time, the first time too.
    FailsAtFirst(i32),
    /// It asks for this alias, ignores the result, and succeeds.
    Asks(&'static str),
}

/// A module file.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// The module's name.
    pub name: &'static str,
    /// What is loaded before it.
    pub needs: &'static [&'static str],
    /// What its init does.
    pub init: Init,
    /// How long its init takes, at most, in microseconds.
    pub init_us: u64,
    /// How long its load then waits for asynchronous work, at most, in microseconds.
    pub settle_us: u64,
    /// How modprobe and the kernel treat it.
    pub state: State,
}

/// How modprobe and the kernel treat a module file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be loaded.
    Loadable,
    /// It is part of the kernel.
    BuiltIn,
    /// It is live from the start.
    LiveAtStart,
    /// modprobe ignores it if it is reached by an alias.
    Blacklisted,
    /// The kernel refuses its image with this errno.
    Refused(i32),
}

const fn file(name: &'static str, needs: &'static [&'static str], init: Init, init_us: u64, settle_us: u64) -> File {
    File { name, needs, init, init_us, settle_us, state: State::Loadable }
}

const fn odd(name: &'static str, state: State) -> File {
    File { name, needs: &[], init: Init::Fine, init_us: 500, settle_us: 100, state }
}

/// All of them.
pub const FILES: [File; 16] = [
    file("alpha", &[], Init::Fine, 2_000, 200),
    file("beta", &["alpha"], Init::Fine, 3_000, 200),
    file("gamma", &["alpha", "beta"], Init::Fine, 1_000, 50_000),
    file("slow", &[], Init::Fine, 400_000, 300),
    file("broken", &[], Init::Fails(-19), 2_000, 0),
    file("exists", &[], Init::Fails(-17), 5_000, 0),
    file("moody", &[], Init::FailsAtFirst(-12), 3_000, 100),
    file("unlucky", &["broken"], Init::Fine, 1_000, 100),
    file("outer", &[], Init::Asks("crypto-inner"), 1_000, 100),
    file("inner", &["delta"], Init::Asks("crypto-none"), 1_000, 100),
    file("delta", &[], Init::Fine, 500, 100),
    odd("core", State::BuiltIn),
    odd("vfat", State::LiveAtStart),
    odd("black", State::Blacklisted),
    odd("unsigned", State::Refused(-129)),
    odd("pcspkr", State::LiveAtStart),
];

/// What aliases resolve to; every other alias resolves to nothing.
pub const ALIASES: [(&str, &[&str]); 17] = [
    ("net-alpha", &["alpha"]),
    ("fs-alpha", &["alpha"]),
    ("net-beta", &["beta"]),
    ("fs-gamma", &["gamma"]),
    ("fs-slow", &["slow"]),
    ("net-broken", &["broken"]),
    ("net-exists", &["exists"]),
    ("net-moody", &["moody"]),
    ("net-unlucky", &["unlucky"]),
    ("net-outer", &["outer"]),
    ("crypto-inner", &["inner"]),
    ("net-delta", &["delta"]),
    ("fs-core", &["core"]),
    ("fs-vfat", &["vfat"]),
    ("net-black", &["black"]),
    ("net-unsigned", &["unsigned"]),
    ("char-pcspkr", &["pcspkr"]),
];

/// Aliases that resolve to nothing.
pub const NOWHERE: [&str; 3] = ["net-none", "crypto-none", "char-major-99"];

/// The place of the module in [`FILES`].
#[must_use]
pub fn number(name: &str) -> Option<usize> {
    FILES.iter().position(|file| file.name == name)
}

/// The names of the modules that `alias` resolves to.
#[must_use]
pub fn stands_for(alias: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(known, _)| *known == alias).map_or(&[], |(_, modules)| modules)
}

/// What the module indexes say about `alias`.
#[must_use]
pub fn resolution(alias: &str) -> Resolution {
    let wanted = stands_for(alias).iter().filter_map(|name| FILES.get(number(name)?));
    let modules = wanted.map(|file| Wanted {
        name: file.name.into(),
        built_in: file.state == State::BuiltIn,
        dependencies: file.needs.iter().map(|name| (*name).into()).collect(),
        ..Wanted::default()
    });
    Resolution { known: true, modules: modules.collect(), ..Resolution::default() }
}
