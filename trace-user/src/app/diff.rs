//! `modtrail diff`: what differs between two recordings, or between two spans of one.

use super::failure::Failure;
use super::{output, replay};
use crate::cli::DiffArgs;
use crate::recording::read::{Faults, Source, integrity};
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
    let source = |file: &PathBuf| replay::one(std::slice::from_ref(file), "diff compares");
    let before = source(&args.before)?;
    let after = args.after.as_ref().map(source).transpose()?;
    let inputs: Vec<&Path> = [Some(&before), after.as_ref()].into_iter().flatten().flat_map(Source::paths).collect();
    output::spares(args.output.as_deref(), &inputs)?;
    let (first, faults_a) = replay::read(&before, |_, _| {})?;
    let (second, faults_b) = match &after {
        Some(after) => replay::read(after, |_, _| {})?,
        None => (first.clone(), Faults::new()),
    };
    let integrity_a = integrity(&faults_a);
    let integrity_b = if after.is_some() { integrity(&faults_b) } else { integrity_a };
    let name_a = name(&before, &spans[0]);
    let name_b = name(after.as_ref().unwrap_or(&before), &spans[1]);
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
    replay::report_faults(&faults_a);
    replay::report_faults(&faults_b);
    Ok(ExitCode::SUCCESS)
}

/// `boot.mcap`, or `boot.mcap (at<="14:03")`
fn name(source: &Source, span: &Query) -> String {
    let name = source.name();
    if span.is_empty() { name } else { format!("{name} ({})", span.text()) }
}
