//! `modtrail diff`: what differs between two recordings, or between two spans of one.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::DiffArgs;
use modtrail_core::comparison::compare;
use modtrail_core::comparison::json;
use modtrail_core::comparison::words::{Side, document};
use modtrail_core::query::{Query, narrowed};
use modtrail_core::report::document::Extent;
use modtrail_core::report::{markdown, page};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if there is nothing to compare with, if a file cannot be read, or if the answer cannot be written.
pub fn run(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let spans = [args.span_a(), args.span_b()];
    if args.after.is_none() && spans.iter().all(Query::is_empty) {
        let words =
            "one recording is compared with nothing: name a second one, or spans of it (--a-until and --b-since)";
        return Err(Failure::usage(words));
    }
    let inputs: Vec<&Path> =
        [Some(&args.before), args.after.as_ref()].into_iter().flatten().map(PathBuf::as_path).collect();
    output::spares(args.output.as_deref(), &inputs)?;
    let (first, integrity_a) = replay::read(&args.before, |_, _| {})?;
    let (second, integrity_b) = match &args.after {
        Some(file) => replay::read(file, |_, _| {})?,
        None => (first.clone(), integrity_a),
    };
    let files = [&args.before, args.after.as_ref().unwrap_or(&args.before)];
    let [name_a, name_b] = [0, 1].map(|place| name(files[place], &spans[place]));
    let [span_a, span_b] = spans;
    let (first, second) = (narrowed(first, &args.with(span_a)), narrowed(second, &args.with(span_b)));
    let before = Side { name: &name_a, model: &first, integrity: &integrity_a };
    let after = Side { name: &name_b, model: &second, integrity: &integrity_b };
    let comparison = compare(before.model, after.model);
    let shown = || document(before, after, &comparison, Extent::SHORT);
    let text = match (args.json, args.markdown) {
        (true, _) => json::object(before, after, &comparison),
        (_, true) => markdown::text(&shown()),
        (false, false) => page::text(&shown()),
    };
    output::whole(args.output.as_deref(), |out| writeln!(out, "{}", text.trim_end()))?;
    replay::report_faults(integrity_a, &args.before);
    if let Some(file) = &args.after {
        replay::report_faults(integrity_b, file);
    }
    Ok(ExitCode::SUCCESS)
}

/// `boot.mcap`, or `boot.mcap (at<="14:03")`
fn name(file: &Path, span: &Query) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    if span.is_empty() { name } else { format!("{name} ({})", span.text()) }
}
