//! The screens, one for each kind of thing that a model keeps.

/// The lists, in the order of their tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Every request.
    Requests,
    /// Helper calls that serve no request.
    Helpers,
    /// Loads, by any task.
    Loads,
    /// Groups of requests or loads for the same at once.
    Duplicates,
    /// Suspend cycles.
    Suspend,
    /// Requests for firmware files.
    Firmware,
    /// By what each moment is seen.
    Probes,
}

impl Screen {
    /// Every screen, in the order of the tabs.
    pub const ALL: [Self; 7] =
        [Self::Requests, Self::Helpers, Self::Loads, Self::Duplicates, Self::Suspend, Self::Firmware, Self::Probes];

    /// As its tab says.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Helpers => "helpers",
            Self::Loads => "loads",
            Self::Duplicates => "duplicates",
            Self::Suspend => "suspend",
            Self::Firmware => "firmware",
            Self::Probes => "probes",
        }
    }

    /// Whether a row of it can be looked at closely.
    #[must_use]
    pub const fn opens(self) -> bool {
        match self {
            Self::Requests | Self::Loads | Self::Duplicates | Self::Suspend => true,
            Self::Helpers | Self::Firmware | Self::Probes => false,
        }
    }

    /// Whether it can be sorted otherwise.
    #[must_use]
    pub const fn sorts(self) -> bool {
        match self {
            Self::Requests | Self::Helpers | Self::Loads | Self::Duplicates | Self::Suspend | Self::Firmware => true,
            Self::Probes => false,
        }
    }

    /// The screen after this one.
    #[must_use]
    pub fn next(self) -> Self {
        self.along(1)
    }

    /// The screen before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        self.along(Self::ALL.len() - 1)
    }

    fn along(self, steps: usize) -> Self {
        let place = Self::ALL.iter().position(|screen| *screen == self).unwrap_or_default();
        Self::ALL.get((place + steps) % Self::ALL.len()).copied().unwrap_or(self)
    }
}
