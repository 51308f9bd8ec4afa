//! The origin of what is shown.

use modtrail_core::record::read::Damage;

/// Where the model's events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The running kernel, to which the probes are being attached: nothing is seen yet.
    Attaching {
        /// Moments that are done.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// The running kernel.
    Live,
    /// A recording.
    Replay {
        /// The recording's name, as a person knows it.
        name: String,
        /// Where it is damaged.
        damage: Option<Damage>,
    },
}
