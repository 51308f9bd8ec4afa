//! The firmware screen: every request for a firmware file.

use super::stalled::stalled;
use crate::tui::format;
use crate::tui::table::{Cell, Column, Description, Key, Order, Table, Target, dash, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::answer::ReturnCode;
use modtrail_core::entities::{Firmware, FirmwareId, LockState, Timed};
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use modtrail_core::stall;

/// Every request for a firmware file.
#[derive(Clone, Copy, Debug)]
pub struct FirmwareRequests;

impl Table for FirmwareRequests {
    type Item = Firmware;
    type Store = Model;
    type Id = FirmwareId;

    const TITLE: &'static str = "firmware";
    const ONE: &'static str = "firmware request";
    const EMPTY: &'static str = "no firmware has been asked for yet";
    const DESCRIPTION: u16 = 5;
    const COLUMNS: &'static [Column<Firmware>] = &[
        Column::<Firmware>::new("#", (6, 0), 9, |_, firmware| number(firmware.id.0)).right(),
        Column::<Firmware>::began(4),
        Column::<Firmware>::new("file", (16, 60), 0, |_, firmware| plain(firmware.file.name.to_string()))
            .shows(&[Field::File])
            .sorted(Order::Text(|firmware| Key::captured(&firmware.file.name))),
        Column::<Firmware>::new("device", (12, 20), 3, |_, firmware| {
            plain(firmware.file.device.text().map_or("-", |device| device))
        })
        .shows(&[Field::Device])
        .sorted(Order::Text(|firmware| Key::captured(&firmware.file.device))),
        Column::<Firmware>::new("by", (14, 10), 6, |_, firmware| plain(format::task(&firmware.task)))
            .shows(&[Field::Comm])
            .tasks()
            .sorted(Order::By(|_, firmware| Key::task(&firmware.task))),
        Column::<Firmware>::total(1),
        Column::<Firmware>::new("result", (7, 6), 1, |_, firmware| result(firmware))
            .sorted(Order::By(|_, firmware| Key::Owned(result(firmware).0))),
        Column::<Firmware>::new("lock", (8, 0), 2, |_, firmware| plain(lock(firmware).unwrap_or("-")))
            .sorted(Order::By(|_, firmware| Key::text(lock(firmware)))),
    ];
    const FIELDS: &'static [Field] = Firmware::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Firmware> + '_> {
        Box::new(model.firmware().map(|firmware| &**firmware))
    }

    fn count(model: &Model) -> usize {
        model.firmware().len()
    }

    fn id(firmware: &Firmware) -> FirmwareId {
        firmware.id
    }

    fn find(model: &Model, id: FirmwareId) -> Option<&Firmware> {
        model.firmware_request(id).map(|firmware| &**firmware)
    }

    fn describe(model: &World<'_>, firmware: &Firmware) -> Option<Description> {
        let title = format!("#{} {}", firmware.id.0, firmware.file.name);
        let mut lines =
            vec![(format!("asked for by {} for {}", format::task(&firmware.task), firmware.file.device), Tone::Plain)];
        let now = model.now();
        if !firmware.closed {
            stalled(model, &stall::of_firmware(firmware), firmware.age_so_far(now), firmware.asked, &mut lines);
            return Some(Description { title, lines });
        }
        let fallback = firmware.fallback_time(now).map(|time| format!("waited {time} for user space to give it"));
        lines.push((fallback.unwrap_or_else(|| "user space was not asked for it".to_owned()), Tone::Plain));
        if let Some(lock) = lock(firmware) {
            let held = firmware.lock_time(now).map_or_else(String::new, |time| format!(", held for {time}"));
            lines.push((format!("the lock that keeps helpers enabled: {lock}{held}"), Tone::Plain));
        }
        Some(Description { title, lines })
    }

    fn open(_model: &Model, firmware: &Firmware) -> Option<Target> {
        Some(Target::Firmware(firmware.id))
    }
}

fn result(firmware: &Firmware) -> Cell {
    match firmware.result().map(ReturnCode::error) {
        Some(None) => ("found".into(), Tone::Good),
        Some(Some(error)) => (error.text(), Tone::Bad),
        None if firmware.closed => dash(),
        None => (stage(firmware).into(), Tone::Busy),
    }
}

/// What an open request waits for, in a word.
fn stage(firmware: &Firmware) -> &'static str {
    match firmware.lock.state() {
        Some(LockState::Waiting) if firmware.lock.waits => "lock",
        Some(_) | None if firmware.is_asked_of_user_space() => "fallback",
        Some(_) | None => "reads",
    }
}

fn lock(firmware: &Firmware) -> Option<&'static str> {
    firmware.lock.state().map(LockState::as_str)
}
