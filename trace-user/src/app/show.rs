//! `modtrail show`: one thing of a recording in full: its sentence, and everything that is known of it.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::{ShowArgs, Shown};
use crate::recording::read::Source;
use modtrail_core::entities::{CycleId, LoadId, RequestId, UnloadId};
use modtrail_core::explain::cycle;
use modtrail_core::explain::device::devices_words;
use modtrail_core::explain::explain;
use modtrail_core::explain::load::{explain_load, explain_unload};
use modtrail_core::model::Model;
use modtrail_core::report::plain::plain_json;
use modtrail_core::report::{cycles, json};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read, or if it has no such thing.
pub fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let source = replay::one(std::slice::from_ref(&args.file), "show looks into")?;
    let (model, faults) = replay::read(&source, |_, _| {})?;
    let Some((sentence, line)) = found(&model, args.what) else {
        return Err(missing(args.what, &source));
    };
    let text = if args.json { line } else { format!("{sentence}\n\n{}", pretty(&line)) };
    let _ = output::line(&text)?;
    replay::report_faults(&faults);
    Ok(ExitCode::SUCCESS)
}

/// That the recording has no such thing.
pub(super) fn missing(what: Shown, source: &Source) -> Failure {
    let file = source.name();
    Failure::usage(&format!("{file} has no {what}: modtrail report --json lists what it has"))
}

/// The sentence for it, and its line of JSON.
pub(super) fn found(model: &Model, what: Shown) -> Option<(String, String)> {
    match what {
        Shown::Request(id) => {
            let request = model.request(RequestId(id))?;
            let words = format!("{}: {}", request.verdict.words(), explain(request));
            Some((words, json::request_line(request, model)))
        }
        Shown::Load(id) => {
            let load = model.load(LoadId(id))?;
            let words = format!("{}{}", explain_load(load), devices_words(load, model.attempts_of(load.id)));
            Some((words, json::load_line(load, model)))
        }
        Shown::Unload(id) => {
            let unload = model.unload(UnloadId(id))?;
            Some((explain_unload(unload), json::unload_line(unload, model)))
        }
        Shown::Cycle(id) => {
            let cycle = model.cycle(CycleId(id))?;
            let firmware = model.firmware_holding_up(cycle).map(|firmware| &**firmware);
            let line = plain_json(&cycles::cycle_object(model, cycle).to_string());
            Some((cycle::explain(cycle, model.now(), firmware), line))
        }
    }
}

/// A field a line, what is not known left out. The line is modtrail's own, so it is JSON.
fn pretty(line: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, value| !value.is_null() && name != "schema");
    }
    plain_json(&serde_json::to_string_pretty(&value).unwrap_or_default())
}
