//! `modtrail show`: one thing of a recording in full: its sentence, and everything that is known of it.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::{ShowArgs, Shown};
use modtrail_core::entities::{LoadId, RequestId, UnloadId};
use modtrail_core::explain::device::devices_words;
use modtrail_core::explain::explain;
use modtrail_core::explain::load::{explain_load, explain_unload};
use modtrail_core::model::Model;
use modtrail_core::report::json;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read, or if it has no such thing.
pub fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let (model, integrity) = replay::read(&args.file, |_, _| {})?;
    let Some((sentence, line)) = found(&model, args.what) else {
        let (file, what) = (args.file.display(), args.what);
        return Err(Failure::usage(&format!("{file} has no {what}: modtrail report --json lists what it has")));
    };
    let text = if args.json { line } else { format!("{sentence}\n\n{}", pretty(&line)) };
    let _ = output::line(&text)?;
    replay::report_faults(integrity, &args.file);
    Ok(ExitCode::SUCCESS)
}

/// The sentence for it, and its line of JSON.
fn found(model: &Model, what: Shown) -> Option<(String, String)> {
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
    }
}

/// A field a line, what is not known left out. The line is modtrail's own, so it is JSON.
fn pretty(line: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, value| !value.is_null() && name != "schema");
    }
    modtrail_core::report::plain::plain_json(&serde_json::to_string_pretty(&value).unwrap_or_default())
}
