//! What became of a firmware request, in one sentence.
//!
//! In: a firmware request. Out: text, without a full stop. Pure.

use crate::entities::Firmware;

/// The sentence for a firmware request.
#[must_use]
pub fn explain_firmware(firmware: &Firmware) -> String {
    let file = &firmware.file.name;
    match firmware.result().map(|result| result.error()) {
        Some(None) => format!("the driver got {file}"),
        Some(Some(error)) => format!("the driver did not get {file}: {}", error.words()),
        None if firmware.closed => format!("the end of the request for {file} was not seen"),
        None => format!("{file} is being requested"),
    }
}
