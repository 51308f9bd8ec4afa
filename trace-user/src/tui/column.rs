//! The columns of every list, as data: head, width, and which go first where there is little room.

use super::screen::Screen;

/// A column of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// When it began.
    Time,
    /// Its number.
    Number,
    /// The alias asked for.
    Alias,
    /// What became of it.
    Verdict,
    /// The module.
    Module,
    /// Who asked, called or loads.
    Requester,
    /// How long it took, or how old it is.
    Total,
    /// From its beginning to live.
    ToLive,
    /// How it ended.
    Result,
    /// Others that asked for the same.
    Duplicates,
    /// What a helper call executes.
    Command,
    /// How a helper call's caller waits.
    Wait,
    /// What a helper call is for.
    Purpose,
    /// What duplicates have in common.
    Sameness,
    /// Whose load won.
    LiveBy,
    /// Helpers that ran in vain.
    Wasted,
    /// The helper's pid.
    Helper,
    /// The request that a load serves.
    For,
    /// The size of a load's image.
    Bytes,
    /// How long a load's init ran.
    Init,
    /// What was tried.
    Attempt,
    /// How long the machine slept.
    Asleep,
    /// How long helpers were waited for.
    Drain,
    /// How many helper calls a cycle met, and how.
    Met,
    /// A moment.
    Moment,
    /// What sees the moment.
    Attached,
    /// How often a moment's probes ran.
    Runs,
    /// How long one run took.
    PerRun,
    /// What is lost by that.
    Loses,
}

/// How a column takes part in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub column: Column,
    /// Its head.
    pub head: &'static str,
    /// Characters it needs to be of use.
    pub width: u16,
    /// Characters more that it can use.
    pub more: u16,
    /// Where room is short, the highest goes first.
    pub rank: u8,
}

const fn place(column: Column, head: &'static str, width: u16, more: u16, rank: u8) -> Place {
    Place { column, head, width, more, rank }
}

const REQUESTS: [Place; 10] = [
    place(Column::Number, "#", 6, 0, 9),
    place(Column::Time, "time", 12, 0, 4),
    place(Column::Alias, "alias", 13, 47, 0),
    place(Column::Verdict, "verdict", 14, 6, 0),
    place(Column::Module, "module", 12, 16, 6),
    place(Column::Requester, "requester", 14, 10, 3),
    place(Column::Total, "total", 6, 1, 1),
    place(Column::ToLive, "to live", 7, 0, 2),
    place(Column::Result, "result", 7, 6, 5),
    place(Column::Duplicates, "dup", 4, 0, 7),
];

const HELPERS: [Place; 9] = [
    place(Column::Number, "#", 6, 0, 9),
    place(Column::Time, "time", 12, 0, 4),
    place(Column::Purpose, "for", 14, 6, 3),
    place(Column::Command, "command", 24, 100, 0),
    place(Column::Requester, "caller", 14, 10, 4),
    place(Column::Wait, "waits", 5, 0, 6),
    place(Column::Helper, "pid", 7, 0, 5),
    place(Column::Total, "total", 6, 1, 1),
    place(Column::Result, "result", 8, 5, 2),
];

const LOADS: [Place; 10] = [
    place(Column::Number, "#", 6, 0, 9),
    place(Column::Time, "time", 12, 0, 4),
    place(Column::Module, "module", 14, 30, 0),
    place(Column::Requester, "by", 14, 10, 3),
    place(Column::For, "for", 8, 46, 5),
    place(Column::Result, "result", 8, 5, 1),
    place(Column::Bytes, "size", 9, 0, 6),
    place(Column::Init, "init", 6, 1, 7),
    place(Column::ToLive, "to live", 7, 0, 2),
    place(Column::Total, "total", 6, 1, 1),
];

const DUPLICATES: [Place; 9] = [
    place(Column::Time, "time", 12, 0, 5),
    place(Column::Sameness, "same", 6, 0, 0),
    place(Column::Module, "name", 14, 40, 0),
    place(Column::Duplicates, "times", 5, 0, 0),
    place(Column::Requester, "first", 14, 10, 4),
    place(Column::LiveBy, "live by", 14, 20, 3),
    place(Column::Wasted, "helpers", 7, 0, 1),
    place(Column::Bytes, "wasted", 9, 0, 2),
    place(Column::Total, "in vain", 7, 1, 1),
];

const SUSPEND: [Place; 8] = [
    place(Column::Number, "#", 4, 0, 9),
    place(Column::Time, "time", 12, 0, 3),
    place(Column::Verdict, "verdict", 15, 0, 0),
    place(Column::Total, "awake", 6, 1, 1),
    place(Column::Asleep, "asleep", 6, 1, 2),
    place(Column::Drain, "drain", 6, 1, 1),
    place(Column::Met, "helpers", 14, 60, 0),
    place(Column::Attempt, "what", 14, 40, 4),
];

const FIRMWARE: [Place; 8] = [
    place(Column::Number, "#", 6, 0, 9),
    place(Column::Time, "time", 12, 0, 4),
    place(Column::Alias, "file", 16, 60, 0),
    place(Column::Module, "device", 12, 20, 3),
    place(Column::Requester, "by", 14, 10, 6),
    place(Column::Total, "total", 6, 1, 1),
    place(Column::Result, "result", 7, 6, 1),
    place(Column::Wait, "lock", 8, 0, 2),
];

const PROBES: [Place; 5] = [
    place(Column::Moment, "moment", 16, 6, 0),
    place(Column::Attached, "attached", 26, 24, 0),
    place(Column::Runs, "runs", 6, 3, 3),
    place(Column::PerRun, "per run", 7, 1, 2),
    place(Column::Loses, "loses", 12, 150, 1),
];

impl Column {
    /// The columns of a screen, in order.
    #[must_use]
    pub const fn of(screen: Screen) -> &'static [Place] {
        match screen {
            Screen::Requests => &REQUESTS,
            Screen::Helpers => &HELPERS,
            Screen::Loads => &LOADS,
            Screen::Duplicates => &DUPLICATES,
            Screen::Suspend => &SUSPEND,
            Screen::Firmware => &FIRMWARE,
            Screen::Probes => &PROBES,
        }
    }

    /// Whether its cells stand at the right: numbers and durations, so that their units align.
    #[must_use]
    pub const fn at_right(self) -> bool {
        match self {
            Self::Number
            | Self::Total
            | Self::ToLive
            | Self::Duplicates
            | Self::Helper
            | Self::Wasted
            | Self::Bytes
            | Self::Asleep
            | Self::Drain
            | Self::Runs
            | Self::PerRun
            | Self::Init => true,
            Self::Time
            | Self::Alias
            | Self::Verdict
            | Self::Module
            | Self::Requester
            | Self::Result
            | Self::Command
            | Self::Purpose
            | Self::Sameness
            | Self::LiveBy
            | Self::Wait
            | Self::For
            | Self::Attempt
            | Self::Met
            | Self::Moment
            | Self::Attached
            | Self::Loses => false,
        }
    }
}

/// The columns that fit into `width`, each with the characters it gets: as many columns as fit, then what room is
/// left goes to those that can use it, from the left.
#[must_use]
pub fn fit(places: &[Place], width: u16) -> Vec<(Place, u16)> {
    let mut kept: Vec<Place> = places.to_vec();
    while needed(&kept) > width && kept.len() > 1 {
        let Some(rank) = kept.iter().map(|place| place.rank).max() else { break };
        let Some(last) = kept.iter().rposition(|place| place.rank == rank) else { break };
        kept.remove(last);
    }
    let mut room = width.saturating_sub(needed(&kept));
    let mut fitted: Vec<(Place, u16)> = kept.into_iter().map(|place| (place, place.width)).collect();
    let mut used = true;
    while room > 0 && used {
        used = false;
        for (place, given) in &mut fitted {
            // The more a column can use, the more it gets in each round.
            let wanted = place.width.saturating_add(place.more).saturating_sub(*given);
            let more = wanted.min(1 + place.more / 16).min(room);
            *given += more;
            room -= more;
            used |= more > 0;
        }
    }
    fitted
}

/// What the columns need, with a space between each two.
fn needed(places: &[Place]) -> u16 {
    let gaps = u16::try_from(places.len().saturating_sub(1)).unwrap_or(u16::MAX);
    places.iter().fold(gaps, |sum, place| sum.saturating_add(place.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_width_is_exceeded_and_the_main_columns_stay() {
        for screen in Screen::ALL {
            for width in 58..250 {
                let fitted = fit(Column::of(screen), width);
                let gaps = fitted.len() as u16 - 1;
                let sum: u16 = fitted.iter().map(|(_, given)| given).sum();
                assert!(sum + gaps <= width, "{screen:?} at {width}");
                assert!(fitted.iter().any(|(place, _)| place.rank == 0));
            }
        }
    }
}
