//! What can become of a request.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Verdict {
    /// The helper's own load of the wanted module went live.
    Live,
    /// The wanted module was live before, or is built in.
    AlreadyLive,
    /// Someone else's load made the wanted module live while the request was open.
    SatisfiedByAnother,
    /// The helper reported success, but nothing that was wanted is live.
    Hollow,
    /// A load of the helper's failed.
    InitFailed,
    /// The alias resolves to no module, and the helper tried none.
    NotFound,
    /// The helper ended with another status, or by a signal.
    HelperFailed,
    /// The helper could not be started.
    HelperMissing,
    /// Helpers were disabled.
    Refused,
    /// No slot became free in time.
    Throttled,
    /// A security module denied it.
    Denied,
    /// The requester was killed while it waited; the helper went on.
    Abandoned,
    /// The requester did not wait for the helper's end.
    Unwaited,
    /// Still open.
    InFlight,
    /// Something that could have changed the verdict was not seen.
    Incomplete,
}

impl Verdict {
    /// Every verdict, in the order in which reports list them.
    pub const ALL: [Self; 15] = [
        Self::Live,
        Self::AlreadyLive,
        Self::SatisfiedByAnother,
        Self::Hollow,
        Self::InitFailed,
        Self::NotFound,
        Self::HelperFailed,
        Self::HelperMissing,
        Self::Refused,
        Self::Throttled,
        Self::Denied,
        Self::Abandoned,
        Self::Unwaited,
        Self::InFlight,
        Self::Incomplete,
    ];

    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::AlreadyLive => "already_live",
            Self::SatisfiedByAnother => "satisfied_by_another",
            Self::Hollow => "hollow",
            Self::InitFailed => "init_failed",
            Self::NotFound => "not_found",
            Self::HelperFailed => "helper_failed",
            Self::HelperMissing => "helper_missing",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Abandoned => "abandoned",
            Self::Unwaited => "unwaited",
            Self::InFlight => "in_flight",
            Self::Incomplete => "incomplete",
        }
    }

    /// As shown to a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::AlreadyLive => "already live",
            Self::SatisfiedByAnother => "satisfied by another",
            Self::Hollow => "hollow",
            Self::InitFailed => "init failed",
            Self::NotFound => "not found",
            Self::HelperFailed => "helper failed",
            Self::HelperMissing => "helper missing",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Abandoned => "abandoned",
            Self::Unwaited => "unwaited",
            Self::InFlight => "in flight",
            Self::Incomplete => "incomplete",
        }
    }
}
