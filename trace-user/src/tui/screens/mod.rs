//! The screens, one file each: its rows, its columns, its fields.
//!
//! To add one: a file here with a [`Table`], and a line in [`all`].

pub mod duplicates;
pub mod findings;
pub mod firmware;
pub mod helpers;
pub mod loads;
mod overview;
mod probes;
pub mod requests;
mod stalled;
pub mod suspend;

use super::list::List;
use super::screen::Screen;
use super::table::Table;

/// Every screen, in the order of the tabs.
#[must_use]
pub fn all() -> Vec<Box<dyn Screen>> {
    vec![
        Box::new(overview::OverviewScreen::default()),
        screen::<requests::Requests>(),
        screen::<helpers::Helpers>(),
        screen::<loads::Loads>(),
        screen::<duplicates::Duplicates>(),
        screen::<suspend::Suspends>(),
        screen::<firmware::FirmwareRequests>(),
        screen::<findings::Findings>(),
        screen::<probes::Probes>(),
    ]
}

fn screen<T: Table>() -> Box<dyn Screen> {
    Box::new(List::<T>::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::table::{Choice, fit};

    fn fits<T: Table>() {
        for sorted in 0..T::COLUMNS.len() {
            for width in 58..250 {
                let choice = |place| if place == sorted { Choice::Always } else { Choice::Auto };
                let fitted = fit(T::COLUMNS, sorted, choice, width);
                let gaps = fitted.len() as u16 - 1;
                let sum: u16 = fitted.iter().map(|(_, given)| given).sum();
                assert!(sum + gaps <= width, "{} at {width}", T::TITLE);
                assert!(fitted.iter().any(|(place, _)| *place == sorted), "{} at {width}", T::TITLE);
            }
        }
    }

    #[test]
    fn no_width_is_exceeded_and_the_sorted_column_stays() {
        fits::<requests::Requests>();
        fits::<helpers::Helpers>();
        fits::<loads::Loads>();
        fits::<duplicates::Duplicates>();
        fits::<suspend::Suspends>();
        fits::<firmware::FirmwareRequests>();
        fits::<findings::Findings>();
        fits::<probes::Probes>();
    }
}
