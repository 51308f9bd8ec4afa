//! `modtrail report`: the summary of a recording, or of each of several, or of one thing in one, as text, JSON,
//! Markdown or HTML.

use super::failure::Failure;
use super::{output, replay, show};
use crate::cli::{ReportArgs, Shown};
use crate::recording::read::{Faults, Source, integrity};
use modtrail_core::entities::{CycleId, LoadId, RequestId, UnloadId};
use modtrail_core::model::Model;
use modtrail_core::query::{Query, narrowed};
use modtrail_core::record::read::Integrity;
use modtrail_core::report::document::{Document, Extent};
use modtrail_core::report::{html, markdown, one, page, summary, whole};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read, if it has no such thing, or if the report cannot be written.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let sources = replay::sources(&args.files)?;
    let inputs: Vec<&Path> = sources.iter().flat_map(Source::paths).collect();
    output::spares(args.output.as_deref(), &inputs)?;
    if sources.len() > 1 && (args.html || args.of.is_some()) {
        return Err(Failure::usage("a page, or one thing, is of one recording: name one"));
    }
    let mut failure = None;
    let mut faults = Vec::new();
    output::whole(args.output.as_deref(), |out| {
        for (index, source) in sources.iter().enumerate() {
            let outcome = Report { args, source, is_first: index == 0, of: sources.len() }.write(&mut faults, out)?;
            if let Err(answer) = outcome {
                failure = Some(answer);
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        Ok(())
    })
    .map_err(|answer| failure.unwrap_or(answer))?;
    faults.iter().for_each(replay::report_faults);
    Ok(ExitCode::SUCCESS)
}

/// The report of one recording.
struct Report<'r> {
    args: &'r ReportArgs,
    source: &'r Source,
    is_first: bool,
    /// How many recordings are reported.
    of: usize,
}

impl Report<'_> {
    /// Writes it. The outer error is that of `out`, the inner one that of the recording.
    fn write(&self, faults: &mut Vec<Faults>, out: &mut dyn Write) -> io::Result<Result<(), Failure>> {
        let (model, read) = match replay::read(self.source, |_, _| {}) {
            Ok(read) => read,
            Err(failure) => return Ok(Err(failure)),
        };
        let integrity = integrity(&read);
        faults.push(read);
        let query = self.args.select.query();
        let model = narrowed(model, &query);
        match self.args.of {
            Some(what) => self.of_one(what, &model, &integrity, out),
            None => self.whole(&model, &integrity, &query, out).map(Ok),
        }
    }

    fn whole(&self, model: &Model, integrity: &Integrity, query: &Query, out: &mut dyn Write) -> io::Result<()> {
        if self.args.json {
            return whole::write(model, integrity, query, &mut *out).and_then(|()| writeln!(out));
        }
        let extent = if self.args.html { Extent::LONG } else { Extent::SHORT };
        // Each of several under its name.
        if self.of > 1 {
            let gap = if self.is_first { "" } else { "\n" };
            let mark = if self.args.markdown { "# " } else { "== " };
            writeln!(out, "{gap}{mark}{}\n", self.source.name())?;
        }
        self.document(&summary::document(model, integrity, query, extent), out)
    }

    fn of_one(
        &self,
        what: Shown,
        model: &Model,
        integrity: &Integrity,
        out: &mut dyn Write,
    ) -> io::Result<Result<(), Failure>> {
        let missing = || Ok(Err(show::missing(what, self.source)));
        if self.args.json {
            let Some((_, line)) = show::found(model, what) else { return missing() };
            return writeln!(out, "{line}").map(Ok);
        }
        let Some(document) = one(what, model, integrity) else { return missing() };
        self.document(&document, out).map(Ok)
    }

    fn document(&self, document: &Document, out: &mut dyn Write) -> io::Result<()> {
        let text = match (self.args.markdown, self.args.html) {
            (true, _) => markdown::text(document),
            (_, true) => html::page(document),
            (false, false) => page::text(document),
        };
        writeln!(out, "{}", text.trim_end())
    }
}

/// What is known of one thing; `None` if it is not there.
fn one(what: Shown, model: &Model, integrity: &Integrity) -> Option<Document> {
    Some(match what {
        Shown::Request(id) => one::request(model.request(RequestId(id))?, model, integrity),
        Shown::Load(id) => one::load(model.load(LoadId(id))?, model, integrity),
        Shown::Unload(id) => one::unload(model.unload(UnloadId(id))?, model, integrity),
        Shown::Cycle(id) => one::cycle(model.cycle(CycleId(id))?, model, integrity),
    })
}
