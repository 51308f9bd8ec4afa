//! `modtrail top` and the dashboard of `modtrail replay`: the loop that brings events, keys and frames together.
//!
//! In: a live session, a recording or a finished model, and the terminal. Out: frames, until the person quits or a
//! signal comes.

use super::config::Look;
use super::failure::Failure;
use super::history;
use super::indexer::{self, Played};
use super::job::{self, JobSignal, JobSignals};
use super::keys::{Input, Keyboard};
use super::outlet::{self, Pager};
use super::runtime;
use super::session::{Ending, Session, Signals, give_up_rights};
use crate::cli::{TraceArgs, ViewArgs};
use crate::kernel::attach::Progress;
use crate::kernel::hooks::LADDERS;
use crate::priority;
use crate::recording::Recording;
use crate::recording::flight::Saved;
use crate::recording::read::{Faults, Source};
use crate::recording::target::FileWriteError;
use crate::rights::Needs;
use crate::source::live::Live;
use crate::stderr::chain;
use crate::tui::terminal::{Terminal, TerminalError};
use crate::tui::{Mode, Msg, Outcome, Theme, UiState, draw, update};
use modtrail_core::model::Model;
use modtrail_core::player::{Command, Limits, When};
use std::collections::VecDeque;
use std::env;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use trace_common::time::Nanos;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(50);
/// How often a frame is drawn if nothing happens: ages grow.
const STILL: Duration = Duration::from_secs(1);
/// How long nothing is drawn while another program has the terminal.
const AWAY: Duration = Duration::from_secs(3_600);

/// Commands for the player that wait. What is typed beyond that is dropped.
const COMMANDS: usize = 64;

/// What a recording of what was seen is named after, in the current folder.
const SAVED: &str = "modtrail.mcap";
/// The time that it covers, at most.
const SAVED_TIME: Nanos = Nanos::from_secs(3_600);
/// The memory for it, about.
const SAVED_BYTES: usize = 16 * 1024 * 1024;

/// Runs the live dashboard.
///
/// # Errors
/// [`Failure`] if the kernel cannot be traced or there is no terminal.
pub fn run(trace: &TraceArgs, view: &ViewArgs) -> Result<ExitCode, Failure> {
    let look = Look::of(view)?;
    if trace.probe_log {
        return Err(Failure::usage(
            "the dashboard has no place for the probes' messages: use modtrail log --probe-log",
        ));
    }
    runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let (mut dashboard, mut typed) = Dashboard::open(look, Mode::Attaching { done: 0, of: LADDERS.len() })?;
        priority::raise();
        let attached = attach(trace, &mut dashboard, &mut typed, &mut signals).await;
        let Some(mut source) = attached? else { return Ok(dashboard.status()) };
        dashboard.state.set_mode(Mode::Live);
        give_up_rights(&mut source, Needs { costs: true, ..Needs::default() })?;
        let held = Recording::held(Path::new(SAVED), &env::temp_dir(), SAVED_TIME, SAVED_BYTES)?;
        let mut session = Session::over(source, Some(held));
        while !dashboard.quit {
            if std::mem::take(&mut dashboard.saves) {
                let saved = session.save();
                dashboard.report_saved(saved, session.model());
            }
            session.report_costs(dashboard.state.shows_costs());
            let due = dashboard.next_frame();
            tokio::select! {
                stepped = session.step(|_, _| {}) => {
                    stepped?;
                    dashboard.stale = true;
                }
                message = typed.recv() => dashboard.take(message, session.model()),
                signal = signals.next() => dashboard.end_by(signal),
                job_signal = dashboard.job_signals.next() => dashboard.on_job_signal(job_signal),
                () = tokio::time::sleep_until(due) => dashboard.draw(session.model())?,
            }
        }
        let status = dashboard.status();
        drop(dashboard);
        session.end(|_, _| {})?;
        Ok(status)
    })
}

/// Attaches in a separate thread, and shows the progress; `None` if the person quits before it is done.
async fn attach(
    trace: &TraceArgs,
    dashboard: &mut Dashboard,
    typed: &mut mpsc::Receiver<Input>,
    signals: &mut Signals,
) -> Result<Option<Live>, Failure> {
    let (runtime, options) = (Handle::current(), trace.options());
    let progress = Arc::new(Progress::default());
    let (done, mut attached) = oneshot::channel();
    let seen = progress.clone();
    thread::spawn(move || {
        let _guard = runtime.enter();
        // The person may have quit.
        let _ = done.send(Live::attach(&options, &seen));
    });
    let nothing = Model::default();
    let drawn = loop {
        let due = dashboard.next_frame();
        tokio::select! {
            answer = &mut attached => {
                let answer = answer.map_err(|error| Failure::cannot_trace("attaching the probes failed", &error))?;
                return Ok(Some(answer?));
            }
            message = typed.recv() => dashboard.take(message, &nothing),
            signal = signals.next() => dashboard.end_by(signal),
            job_signal = dashboard.job_signals.next() => dashboard.on_job_signal(job_signal),
            () = tokio::time::sleep_until(due) => {
                dashboard.state.set_mode(Mode::Attaching { done: progress.done(), of: LADDERS.len() });
                if let Err(failure) = dashboard.draw(&nothing) {
                    break Err(failure);
                }
                dashboard.stale = true;
            }
        }
        if dashboard.quit {
            break Ok(None);
        }
    };
    // The terminal first: the person has quit. What is attached by now is released before the program ends.
    dashboard.terminal.close();
    progress.give_up();
    let _ = attached.await;
    drawn
}

/// Shows a finished model until the person quits. `mode`: which recording it comes from.
///
/// # Errors
/// [`Failure`] if there is no terminal.
pub fn replay(model: &Model, look: Look, mode: Mode) -> Result<ExitCode, Failure> {
    runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let (mut dashboard, mut typed) = Dashboard::open(look, mode)?;
        while !dashboard.quit {
            let due = dashboard.next_frame();
            tokio::select! {
                message = typed.recv() => dashboard.take(message, model),
                signal = signals.next() => dashboard.end_by(signal),
                job_signal = dashboard.job_signals.next() => dashboard.on_job_signal(job_signal),
                () = tokio::time::sleep_until(due) => dashboard.draw(model)?,
            }
        }
        Ok(dashboard.status())
    })
}

/// Plays a recording until the person quits; it opens at `when`. Returns how much of its files could be read, too, as
/// far as they were.
///
/// # Errors
/// [`Failure`] if the recording cannot be read or there is no terminal.
pub fn play(source: &Source, look: Look, when: When, limits: Limits) -> Result<(ExitCode, Faults), Failure> {
    runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let mut played = Played::new(source, when, limits, &look.settings.zone);
        let (mut dashboard, mut typed) = Dashboard::open(look, played.mode())?;
        let mut index = indexer::start(source.clone(), limits);
        while !dashboard.quit {
            let due = dashboard.next_frame().max(played.opens());
            tokio::select! {
                message = typed.recv() => dashboard.take(message, played.player.model()),
                signal = signals.next() => dashboard.end_by(signal),
                job_signal = dashboard.job_signals.next() => dashboard.on_job_signal(job_signal),
                Some(news) = index.recv() => {
                    played.learn(news)?;
                    dashboard.stale = true;
                }
                () = ready(()), if played.player.is_busy() => {
                    if let Err(error) = played.work() {
                        dashboard.say(chain(&error), played.player.model());
                    }
                    dashboard.stale = true;
                }
                () = tokio::time::sleep_until(due) => {
                    played.pass();
                    dashboard.state.set_mode(played.mode());
                    dashboard.state.set_overview(played.player.overview().clone());
                    dashboard.draw(played.player.model())?;
                    dashboard.stale = played.is_moving();
                }
            }
            while let Some(command) = dashboard.next_command(played.player.is_seeking()) {
                // What has passed until now was not played in this way.
                played.pass();
                played.player.command(command);
            }
            if let Some(words) = played.player.take_notice() {
                dashboard.say(words, played.player.model());
            }
        }
        Ok((dashboard.status(), played.faults))
    })
}

/// The screen and what it shows.
struct Dashboard {
    terminal: Terminal,
    keyboard: Keyboard,
    /// The program that has the terminal.
    pager: Option<Pager>,
    job_signals: JobSignals,
    /// What is done to the terminal before the next frame.
    terminal_action: Option<TerminalAction>,
    theme: Theme,
    state: UiState,
    /// The model as it was when the person paused.
    frozen: Option<Model>,
    drawn: Option<Instant>,
    stale: bool,
    quit: bool,
    /// What was seen is to be written to a recording.
    saves: bool,
    /// How the recording is to be played, one after another.
    commands: VecDeque<Command>,
    /// What was typed is kept here.
    history: Option<PathBuf>,
    /// The signal that ended it.
    ended_by: Option<Ending>,
}

/// What is done to the terminal before a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TerminalAction {
    /// It is emptied.
    Clear,
    /// It is taken over again: somebody else may have used it.
    TakeAgain,
    /// It is given back, and modtrail stops until it is continued.
    Stop,
}

impl Dashboard {
    /// Steps wait for each other. To play, and to go to a time, makes what waits pointless.
    fn play(&mut self, command: Command) {
        if !command.goes_on() {
            self.commands.clear();
        }
        if self.commands.len() < COMMANDS {
            self.commands.push_back(command);
        }
    }

    /// What is to be done to the recording now.
    fn next_command(&mut self, is_seeking: bool) -> Option<Command> {
        self.commands.pop_front_if(|command| !(command.goes_on() && is_seeking))
    }

    /// Takes the terminal over, and starts to read it.
    fn open(look: Look, mode: Mode) -> Result<(Self, mpsc::Receiver<Input>), Failure> {
        let Look { theme, mouse, settings } = look;
        let job_signals = JobSignals::new()?;
        let terminal = Terminal::open(mouse).map_err(no_terminal)?;
        let (columns, rows) = terminal.size().map_err(no_terminal)?;
        let history = history::file();
        let typed_before = history.as_deref().map(history::load).unwrap_or_default();
        let mut state = UiState::new(mode).with(settings).remembering(typed_before);
        update(&mut state, &Model::default(), Msg::Resize(columns, rows));
        let (frozen, drawn, ended_by) = (None, None, None);
        let (keyboard, typed) = Keyboard::listen();
        let dashboard = Self {
            terminal,
            keyboard,
            pager: None,
            job_signals,
            terminal_action: None,
            theme,
            state,
            frozen,
            drawn,
            stale: true,
            quit: false,
            saves: false,
            commands: VecDeque::new(),
            history,
            ended_by,
        };
        Ok((dashboard, typed))
    }

    /// Ends it for a signal. What interrupts a pager is the pager's own.
    fn end_by(&mut self, signal: Ending) {
        match &self.pager {
            Some(_) if signal == Ending::Interrupt => return,
            Some(pager) => pager.end(),
            None => {}
        }
        self.ended_by = Some(signal);
        self.quit = true;
    }

    /// The exit status: as a shell gives it for what a signal ended.
    fn status(&self) -> ExitCode {
        self.ended_by.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal.number()))
    }

    /// When the next frame is due.
    fn next_frame(&self) -> Instant {
        if self.pager.is_some() {
            return Instant::now() + AWAY;
        }
        let pause = if self.stale { FRAME } else { STILL };
        self.drawn.map_or_else(Instant::now, |drawn| drawn + pause)
    }

    /// Takes in what the person did, or what became of what was asked for.
    fn take(&mut self, input: Option<Input>, live: &Model) {
        self.stale = true;
        let message = match input {
            None => return self.end_by(Ending::HangUp),
            Some(Input::PagerEnded(words)) => return self.come_back(words, live),
            Some(Input::Msg(message)) => message,
        };
        let outcome = update(&mut self.state, self.frozen.as_ref().unwrap_or(live), message);
        match (self.state.is_paused(), self.frozen.is_some()) {
            (true, false) => self.frozen = Some(live.clone()),
            (false, true) => self.frozen = None,
            (true, true) | (false, false) => {}
        }
        match outcome {
            Outcome::Continue => {}
            Outcome::Quit => self.quit = true,
            Outcome::Gone => self.end_by(Ending::HangUp),
            Outcome::Redraw => self.terminal_action = Some(TerminalAction::Clear),
            Outcome::Suspend => self.on_job_signal(JobSignal::Stop),
            Outcome::Copy(text) => {
                if let Err(error) = self.terminal.copy(&text) {
                    self.say(format!("not copied: {error}"), live);
                }
            }
            Outcome::Export(screen) => {
                let shown = self.frozen.as_ref().unwrap_or(live).clone();
                outlet::export(self.state.clone(), shown, screen, self.keyboard.sender().clone());
            }
            Outcome::Save => self.saves = true,
            Outcome::Remember(line) => {
                if let Some(path) = self.history.clone() {
                    history::remember(path, line, self.keyboard.sender().clone());
                }
            }
            Outcome::View => self.view(live),
            Outcome::Play(command) => self.play(command),
        }
    }

    /// Says something on the last line.
    fn say(&mut self, words: String, live: &Model) {
        self.pass_on(Msg::Notice(words), live);
    }

    /// Reports what became of the wish to save.
    fn report_saved(&mut self, saved: Result<Option<Saved>, FileWriteError>, live: &Model) {
        let message = match saved {
            Ok(Some(saved)) => Msg::Saved(saved.to_string()),
            Ok(None) => Msg::Notice("nothing was seen yet".to_owned()),
            Err(error) => Msg::Notice(chain(&error)),
        };
        self.pass_on(message, live);
    }

    fn pass_on(&mut self, message: Msg, live: &Model) {
        update(&mut self.state, self.frozen.as_ref().unwrap_or(live), message);
    }

    /// Gives the terminal to a pager.
    fn view(&mut self, live: &Model) {
        let shown = self.frozen.as_ref().unwrap_or(live).clone();
        self.keyboard.hold();
        self.terminal.close();
        let started = self.terminal.for_program().map_err(|error| error.to_string()).and_then(|output| {
            let output = output.map_or_else(Stdio::inherit, Stdio::from);
            let pager = Pager::start(self.state.clone(), shown, output, self.keyboard.sender().clone());
            pager.map_err(|error| error.to_string())
        });
        match started {
            Ok(pager) => self.pager = Some(pager),
            Err(error) => self.come_back(Some(format!("cannot start a pager: {error}")), live),
        }
    }

    /// Takes the terminal over again after a pager.
    fn come_back(&mut self, words: Option<String>, live: &Model) {
        self.pager = None;
        self.terminal_action = Some(TerminalAction::TakeAgain);
        self.keyboard.release();
        if let Some(words) = words {
            self.say(words, live);
        }
    }

    /// Does before the next frame what a shell, or the person at its terminal, wants.
    fn on_job_signal(&mut self, signal: JobSignal) {
        self.stale = true;
        match signal {
            // The terminal is the pager's, and whoever stopped it stopped this too.
            JobSignal::Stop if self.pager.is_some() => job::stop(),
            JobSignal::Continue if self.pager.is_some() => {}
            JobSignal::Stop if self.job_signals.can_stop() => self.terminal_action = Some(TerminalAction::Stop),
            JobSignal::Stop => {}
            JobSignal::Continue => self.terminal_action = Some(TerminalAction::TakeAgain),
        }
    }

    /// Does what is to be done to the terminal. While modtrail is stopped, nobody reads the rings: what they cannot
    /// hold is counted as lost, as always. Returns the terminal's size: nobody reports a new one to a stopped job.
    fn act_on_terminal(&mut self) -> Result<Option<(u16, u16)>, TerminalError> {
        match self.terminal_action.take() {
            None => return Ok(None),
            Some(TerminalAction::Clear) => self.terminal.clear()?,
            Some(TerminalAction::TakeAgain) => self.terminal.take_again()?,
            Some(TerminalAction::Stop) => {
                self.terminal.close();
                job::stop();
                self.terminal.take_again()?;
            }
        }
        self.terminal.size().map(Some)
    }

    fn draw(&mut self, live: &Model) -> Result<(), Failure> {
        if self.pager.is_some() {
            return Ok(());
        }
        if self.terminal.is_gone() {
            self.end_by(Ending::HangUp);
            return Ok(());
        }
        let resized = self.act_on_terminal().map_err(no_terminal)?;
        let shown = self.frozen.as_ref().unwrap_or(live);
        if let Some((columns, rows)) = resized {
            update(&mut self.state, shown, Msg::Resize(columns, rows));
        }
        update(&mut self.state, shown, Msg::Tick { events: live.counts().events });
        let (state, theme) = (&self.state, &self.theme);
        self.terminal.draw(|area, buffer| draw(shown, state, theme, area, buffer)).map_err(no_terminal)?;
        self.drawn = Some(Instant::now());
        self.stale = false;
        Ok(())
    }
}

fn no_terminal(error: TerminalError) -> Failure {
    match error {
        TerminalError::None(_) => Failure::no_terminal(),
        TerminalError::Enter(_) | TerminalError::Draw(_) => Failure::input_output("cannot show the dashboard", &error),
    }
}
