//! What leaves the dashboard: rows written to a file, a page or rows shown in a pager. Each has a thread of its own and
//! a copy of what was on the screen, so that nothing waits for it: tracing goes on.
//!
//! In: the state and the model. Out: a file, or text for a pager; and what became of it, in words.

use super::keys::Input;
use crate::files;
use crate::recording::target::FileWriteError;
use crate::stderr::chain;
use crate::tui::export;
use crate::tui::row::Form;
use crate::tui::{Msg, UiState};
use modtrail_core::model::Model;
use modtrail_core::report::plain::counted;
use std::env;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use tokio::sync::mpsc::Sender;

/// Files of one name, at most.
const FILES: u32 = 999;

/// Writes the rows of the screen with this title to a new file, as JSON lines.
pub fn export(state: UiState, model: Model, screen: &'static str, sender: Sender<Input>) {
    thread::spawn(move || {
        let words = match write_file(&state, &model, screen) {
            Ok((rows, path)) => format!("wrote {} to {}", counted(rows, "row"), path.display()),
            Err(error) => chain(&error),
        };
        let _ = sender.blocking_send(Input::Msg(Msg::Notice(words)));
    });
}

fn write_file(state: &UiState, model: &Model, screen: &str) -> Result<(u64, PathBuf), FileWriteError> {
    let (path, file) = new_of(screen)?;
    let mut writer = BufWriter::new(file);
    let written = write_rows(state, model, Form::Json, &mut writer);
    match written.and_then(|rows| writer.flush().map(|()| rows)) {
        Ok(rows) => Ok((rows, path)),
        Err(source) => Err(FileWriteError::Write { path, source }),
    }
}

/// A new file in the current folder or, if nothing can be created there, in that for temporary files: root without its
/// capabilities cannot write to the folders of others.
fn new_of(screen: &str) -> Result<(PathBuf, impl Write + use<>), FileWriteError> {
    match new_in(Path::new(""), screen) {
        Err(FileWriteError::Create { source, .. }) if files::is_forbidden(&source) => new_in(&env::temp_dir(), screen),
        made => made,
    }
}

/// A new file that is named after the screen; one that is there is never touched.
fn new_in(folder: &Path, screen: &str) -> Result<(PathBuf, impl Write + use<>), FileWriteError> {
    let mut number = 1;
    loop {
        let number_words = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("modtrail-{screen}{number_words}.jsonl"));
        match files::create(&path) {
            Ok(file) => return Ok((path, file)),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists && number < FILES => {}
            Err(source) => return Err(FileWriteError::Create { path, source }),
        }
        number += 1;
    }
}

/// How many rows were written.
fn write_rows(state: &UiState, model: &Model, form: Form, writer: &mut impl Write) -> io::Result<u64> {
    let (mut rows, mut failed) = (0, None);
    export::each(state, model, form, &mut |line| match writeln!(writer, "{line}") {
        Ok(()) => {
            rows += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    failed.map_or(Ok(rows), Err)
}

/// A pager that runs.
#[derive(Debug)]
pub struct Pager {
    process: Option<rustix::process::Pid>,
}

impl Pager {
    /// Shows the page that is open, or else the rows, in `$PAGER`, which writes to `terminal`. Its end is reported.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(state: UiState, model: Model, terminal: Stdio, sender: Sender<Input>) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", "eval \"${PAGER:-less}\""]).stdin(Stdio::piped()).stdout(terminal);
        let child = command.spawn()?;
        let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        thread::spawn(move || {
            let words = show(&state, &model, child);
            let _ = sender.blocking_send(Input::PagerEnded(words));
        });
        Ok(Self { process })
    }

    /// Ends it.
    pub fn end(&self) {
        if let Some(process) = self.process {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
    }
}

/// Writes what it shows, and waits for its end; says what went wrong.
fn show(state: &UiState, model: &Model, mut child: Child) -> Option<String> {
    if let Some(pipe) = child.stdin.take() {
        let mut writer = BufWriter::new(pipe);
        // Whoever has seen enough closes the pager: nothing is wrong then.
        let _ = match export::page(state, model) {
            Some(page) => writeln!(writer, "{page}"),
            None => write_rows(state, model, Form::Text, &mut writer).map(|_| ()),
        };
    }
    match child.wait() {
        Ok(status) if status.code() == Some(127) => {
            Some("the pager cannot be executed: set $PAGER, or install less".to_owned())
        }
        Ok(status) => status.code().filter(|code| *code != 0).map(|code| format!("the pager exited with {code}")),
        Err(error) => Some(format!("cannot wait for the pager: {error}")),
    }
}
