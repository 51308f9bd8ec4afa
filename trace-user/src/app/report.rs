//! `modtrail report`: the summary of a recording, or of one thing in it, as text, JSON, Markdown or HTML.

use super::failure::Failure;
use super::{output, replay, show};
use crate::cli::{ReportArgs, Shown};
use modtrail_core::entities::{CycleId, LoadId, RequestId, UnloadId};
use modtrail_core::model::Model;
use modtrail_core::query::{Query, narrowed};
use modtrail_core::record::read::Integrity;
use modtrail_core::report::document::{Document, Extent};
use modtrail_core::report::{html, markdown, one, page, summary, whole};
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be read, if it has no such thing, or if the report cannot be written.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    output::spares(args.output.as_deref(), &[&args.file])?;
    let (model, integrity) = replay::read(&args.file, |_, _| {})?;
    let query = args.select.query();
    let model = narrowed(model, &query);
    let report = Report { args, model: &model, integrity: &integrity, query: &query };
    match args.of {
        Some(what) => report.of(what)?,
        None => report.whole()?,
    }
    replay::report_faults(integrity, &args.file);
    Ok(ExitCode::SUCCESS)
}

struct Report<'r> {
    args: &'r ReportArgs,
    model: &'r Model,
    integrity: &'r Integrity,
    query: &'r Query,
}

impl Report<'_> {
    fn whole(&self) -> Result<(), Failure> {
        let Self { model, integrity, query, .. } = self;
        if self.args.json {
            return self.write(|out| whole::write(model, integrity, query, &mut *out).and_then(|()| writeln!(out)));
        }
        let extent = if self.args.html { Extent::LONG } else { Extent::SHORT };
        self.document(&summary::document(model, integrity, query, extent))
    }

    fn of(&self, what: Shown) -> Result<(), Failure> {
        let missing = || show::missing(what, &self.args.file);
        if self.args.json {
            let (_, line) = show::found(self.model, what).ok_or_else(missing)?;
            return self.write(|out| writeln!(out, "{line}"));
        }
        self.document(&self.one(what).ok_or_else(missing)?)
    }

    fn one(&self, what: Shown) -> Option<Document> {
        let Self { model, integrity, .. } = self;
        Some(match what {
            Shown::Request(id) => one::request(model.request(RequestId(id))?, model, integrity),
            Shown::Load(id) => one::load(model.load(LoadId(id))?, model, integrity),
            Shown::Unload(id) => one::unload(model.unload(UnloadId(id))?, model, integrity),
            Shown::Cycle(id) => one::cycle(model.cycle(CycleId(id))?, model, integrity),
        })
    }

    fn document(&self, document: &Document) -> Result<(), Failure> {
        let text = match (self.args.markdown, self.args.html) {
            (true, _) => markdown::text(document),
            (_, true) => html::page(document),
            (false, false) => page::text(document),
        };
        self.write(|out| writeln!(out, "{}", text.trim_end()))
    }

    fn write(&self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        output::whole(self.args.output.as_deref(), content)
    }
}
