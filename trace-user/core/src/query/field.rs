//! The facts that a query can ask for: their names, what kind of value each holds, and what it means.
//!
//! In: nothing. Out: [`Field`]. A field means the same on every screen and in every command; which rows have it is up
//! to the row ([`super::Row`]).

use crate::entities::Verdict;
use crate::findings;

/// A fact that a query can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Field {
    /// What kind of row it is.
    Kind,
    /// The row's number.
    Id,
    /// When it began, by the wall clock.
    At,
    /// The alias asked for.
    Alias,
    /// What became of a request.
    Verdict,
    /// What became of a suspend cycle.
    Outcome,
    /// Open or closed.
    State,
    /// Whether the requester got what it asked for.
    Served,
    /// Why, as the sentence of `log` says it.
    Why,
    /// A module wanted, loaded or unloaded.
    Module,
    /// What kind of thing was asked for.
    Family,
    /// The thread's name.
    Comm,
    /// The process or thread.
    Pid,
    /// The executable.
    Exe,
    /// The user.
    Uid,
    /// The user who logged in.
    Loginuid,
    /// The effective capabilities, in hexadecimal.
    Caps,
    /// The user namespace.
    Userns,
    /// Whether the requester has no privileges in the initial user namespace.
    Unprivileged,
    /// The cgroup's path.
    Cgroup,
    /// The systemd unit.
    Unit,
    /// The container's id.
    Container,
    /// The parent: its name, its executable, or the request whose helper asked.
    Parent,
    /// The helper's path.
    Helper,
    /// The helper's arguments.
    Argv,
    /// What a helper call is for.
    Purpose,
    /// How the caller waits for the helper.
    Wait,
    /// What the kernel returned.
    Result,
    /// The error that the kernel returned.
    Errno,
    /// The helper's exit code.
    Exit,
    /// The signal that ended the helper.
    Signal,
    /// How long it took.
    Total,
    /// From the request, or the load's beginning, until the module was live.
    ToLive,
    /// How long the module's init took.
    Init,
    /// Whether a request holds a slot or waits for one.
    Slot,
    /// How many others asked for the same thing at the same time.
    Duplicates,
    /// The bytes of a module's file.
    Size,
    /// The file that is loaded, or the firmware asked for.
    File,
    /// A device that a driver was tried on, or that firmware is for.
    Device,
    /// What kind of finding it is.
    Finding,
    /// A finding's sentence.
    Sentence,
    /// The moment of a probe.
    Moment,
    /// What a probe is attached to.
    Hook,
}

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// A length of time.
    Duration,
    /// A number of bytes.
    Size,
    /// An instant by the wall clock.
    Instant,
    /// A return value or an errno: a number, or an errno's name.
    Code,
}

const VERDICTS: [&str; Verdict::ALL.len()] = {
    let mut names = [""; Verdict::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = Verdict::ALL[place].as_str();
        place += 1;
    }
    names
};
const FINDINGS: [&str; findings::Kind::ALL.len()] = {
    let mut names = [""; findings::Kind::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = findings::Kind::ALL[place].as_str();
        place += 1;
    }
    names
};
const KINDS: [&str; 10] =
    ["request", "load", "unload", "helper_call", "firmware", "device", "cycle", "duplicates", "moment", "finding"];

impl Field {
    /// Every field, in the order in which they are listed for a person.
    pub const ALL: [Self; 43] = [
        Self::Kind,
        Self::Id,
        Self::At,
        Self::Alias,
        Self::Verdict,
        Self::Outcome,
        Self::State,
        Self::Served,
        Self::Why,
        Self::Module,
        Self::Family,
        Self::Comm,
        Self::Pid,
        Self::Exe,
        Self::Uid,
        Self::Loginuid,
        Self::Caps,
        Self::Userns,
        Self::Unprivileged,
        Self::Cgroup,
        Self::Unit,
        Self::Container,
        Self::Parent,
        Self::Helper,
        Self::Argv,
        Self::Purpose,
        Self::Wait,
        Self::Result,
        Self::Errno,
        Self::Exit,
        Self::Signal,
        Self::Total,
        Self::ToLive,
        Self::Init,
        Self::Slot,
        Self::Duplicates,
        Self::Size,
        Self::File,
        Self::Device,
        Self::Finding,
        Self::Sentence,
        Self::Moment,
        Self::Hook,
    ];

    /// As it is typed, the kind of its values, and its meaning.
    const fn row(self) -> (&'static str, Sort, &'static str) {
        match self {
            Self::Kind => ("kind", Sort::Word(&KINDS), "what kind of row it is"),
            Self::Id => ("id", Sort::Number, "the row's number"),
            Self::At => ("at", Sort::Instant, "when it began (UTC)"),
            Self::Alias => ("alias", Sort::Text, "the alias asked for"),
            Self::Verdict => ("verdict", Sort::Word(&VERDICTS), "what became of a request"),
            Self::Outcome => ("outcome", Sort::Text, "what became of a suspend cycle"),
            Self::State => ("state", Sort::Word(&["open", "closed"]), "whether anything more can change"),
            Self::Served => ("served", Sort::Word(&["yes", "no"]), "whether the requester got what it asked for"),
            Self::Why => ("why", Sort::Text, "the sentence that says why"),
            Self::Module => ("module", Sort::Text, "a module wanted, loaded or unloaded"),
            Self::Family => ("family", Sort::Text, "what kind of thing was asked for"),
            Self::Comm => ("comm", Sort::Text, "the thread's name"),
            Self::Pid => ("pid", Sort::Number, "the process or thread that asked, loaded or helped"),
            Self::Exe => ("exe", Sort::Text, "the path of the executable"),
            Self::Uid => ("uid", Sort::Number, "the user's number"),
            Self::Loginuid => ("loginuid", Sort::Number, "the number of the user who logged in"),
            Self::Caps => ("caps", Sort::Text, "the requester's effective capabilities, in hexadecimal"),
            Self::Userns => ("userns", Sort::Number, "the inode of the requester's user namespace"),
            Self::Unprivileged => (
                "unprivileged",
                Sort::Word(&["yes", "no"]),
                "whether the requester has no privileges in the initial user namespace",
            ),
            Self::Cgroup => ("cgroup", Sort::Text, "the cgroup's path"),
            Self::Unit => ("unit", Sort::Text, "the systemd unit"),
            Self::Container => ("container", Sort::Text, "the container's id"),
            Self::Parent => {
                ("parent", Sort::Text, "the parent's name or executable, or the number of the parent request")
            }
            Self::Helper => ("helper", Sort::Text, "the helper's path"),
            Self::Argv => ("argv", Sort::Text, "one of the helper's arguments"),
            Self::Purpose => ("purpose", Sort::Text, "what a helper call is for"),
            Self::Wait => ("wait", Sort::Word(&["none", "exec", "proc"]), "how the caller waits for the helper"),
            Self::Result => ("result", Sort::Code, "what the kernel returned: a number, or an errno's name"),
            Self::Errno => ("errno", Sort::Code, "the error that the kernel returned, by name or number"),
            Self::Exit => ("exit", Sort::Number, "the helper's exit code"),
            Self::Signal => ("signal", Sort::Number, "the signal that ended the helper"),
            Self::Total => ("total", Sort::Duration, "how long it took, or has been open"),
            Self::ToLive => ("to_live", Sort::Duration, "how long until the module was live"),
            Self::Init => ("init", Sort::Duration, "how long the module's init took"),
            Self::Slot => ("slot", Sort::Word(&["waiting", "held"]), "whether it waits for a slot or holds one now"),
            Self::Duplicates => ("duplicates", Sort::Number, "how many others asked for the same thing at once"),
            Self::Size => ("size", Sort::Size, "the bytes of the module's file"),
            Self::File => ("file", Sort::Text, "the file that is loaded, or the firmware asked for"),
            Self::Device => {
                ("device", Sort::Text, "a device that the module's driver was tried on, or that firmware is for")
            }
            Self::Finding => ("finding", Sort::Word(&FINDINGS), "what kind of finding it is"),
            Self::Sentence => ("sentence", Sort::Text, "what was found"),
            Self::Moment => ("moment", Sort::Text, "the moment that a probe sees"),
            Self::Hook => ("hook", Sort::Text, "what a probe is attached to"),
        }
    }

    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The kind of its values.
    #[must_use]
    pub const fn sort(self) -> Sort {
        self.row().1
    }

    /// Its meaning, as a phrase for a person.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// Whether a term without a field searches it: text names and pids; of sentences, only a finding's.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other field is searched if it holds text")]
    pub const fn is_searched(self) -> bool {
        match self {
            Self::Why | Self::Kind | Self::State | Self::Slot | Self::Wait | Self::Caps => false,
            Self::Served | Self::Unprivileged => false,
            Self::Pid => true,
            _ => matches!(self.sort(), Sort::Text | Sort::Word(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Field;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_told_apart_and_can_be_typed() {
        let names: BTreeSet<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), Field::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}
