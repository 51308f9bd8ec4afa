//! A live session: the source, the pipeline and, if asked for, a recording and a command that is run.
//!
//! In: what to trace with and until when. Out: each change as it happens, and how the command ended.

use super::failure::Failure;
use super::launcher::{Held, Running};
use crate::cli::TraceArgs;
use crate::clock;
use crate::kernel::attach::{ProbeLog, Progress};
use crate::kernel::snapshot;
use crate::priority;
use crate::recording::file::Flow;
use crate::recording::flight::Saved;
use crate::recording::target::FileWriteError;
use crate::recording::{Plan, Prepared, Recording};
use crate::rights::{self, Kept, Needs};
use crate::source::live::{Live, Options};
use crate::stderr;
use modtrail_core::entities::Change;
use modtrail_core::event::{Body, Event, Fact};
use modtrail_core::model::Model;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::plain::counted;
use modtrail_core::stall;
use rustix::process::Signal;
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::time::Instant;
use trace_common::limits::STUCK_AT_ONCE;
use trace_common::time::Nanos;

/// How often a recording is flushed to disk.
const FLUSH: Duration = Duration::from_millis(500);
/// How often the kernel stacks of what is stuck are sampled, at least.
const SAMPLE: Duration = Duration::from_secs(1);
/// Batches that are taken in at the end: a ring sixty times the usual size holds no more.
const LAST_BATCHES: usize = 256;
/// How long after the command's end to wait for its open requests, and for the proof that the probes fire.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait for a record that is being written before the ring is checked again.
const WRITTEN: Duration = Duration::from_millis(1);
/// How many times the ring is checked again, at most.
const LOOKS: usize = 50;

/// When a session ends by itself.
#[derive(Debug, Default)]
pub struct Until {
    /// After this long.
    pub duration: Option<Nanos>,
    /// When this command and its requests have ended.
    pub command: Option<Held>,
}

/// What a session led to.
#[derive(Debug)]
pub struct Finished {
    /// What is known.
    pub model: Model,
    /// How the command ended; `None` if there was none.
    pub status: Option<ExitStatus>,
    /// What was written, in words; `None` if no recording was wanted.
    pub recording: Option<String>,
}

/// The session.
pub struct Session {
    source: Live,
    pipeline: Pipeline,
    recorder: Option<Recording>,
    flushed: Instant,
    flush_every: Duration,
    /// Nobody reads the recording any more.
    is_unread: bool,
    /// SIGUSR1, if it asks for what the flight recorder holds.
    asked: Option<Listener>,
    /// The age from which the kernel stack of what is stuck is sampled.
    stalled_from: Nanos,
    sampled: Instant,
    sample_every: Duration,
    /// The position, among the stuck threads, of the one that is sampled next.
    turn: usize,
    batch: Vec<Event>,
}

impl TraceArgs {
    /// What the source needs of what was typed.
    #[must_use]
    pub fn options(&self) -> Options {
        let probe_log = if self.probe_log { ProbeLog::On } else { ProbeLog::Off };
        let (hooks, without) = (self.hooks, self.without.clone());
        let (ring_bytes, tracked, modules_root) = (self.ring_bytes, self.tracked, self.modules_root.clone());
        Options { hooks, without, ring_bytes, tracked, probe_log, command: None, modules_root }
    }
}

impl Session {
    /// Attaches, begins the recording if one is wanted, and gives up the rights that are not needed after that.
    ///
    /// # Errors
    /// [`Failure`] if the kernel cannot be traced or the file cannot be created.
    pub fn begin(trace: &TraceArgs, recording: Option<Plan>, until: &Until) -> Result<Self, Failure> {
        // The file first: a wrong path is reported before the kernel is touched. Its old content is kept until there is
        // something to record.
        let flush_every = recording.as_ref().map(|plan| Duration::from_nanos(plan.flush_every.as_nanos()));
        let is_flight = recording.as_ref().is_some_and(|plan| plan.keep.is_some());
        let prepared = recording.map(Plan::prepare).transpose()?;
        let foreign_folder = prepared.as_ref().is_some_and(Prepared::is_in_foreign_folder);
        priority::raise();
        let command = until.command.as_ref().map(Held::process);
        let mut source = Live::attach(&Options { command, ..trace.options() }, &Progress::default())?;
        let recorder = prepared.map(|prepared| prepared.begin(clock::now())).transpose()?;
        let needs = Needs { command: until.command.is_some(), foreign_folder, ..Needs::default() };
        give_up_rights(&mut source, needs)?;
        let session = Self::over(source, recorder);
        let asked = if is_flight { listen(SignalKind::user_defined1())? } else { None };
        Ok(Self { flush_every: flush_every.unwrap_or(session.flush_every), asked, ..session })
    }

    /// A session over a source that is attached already.
    #[must_use]
    pub fn over(source: Live, recorder: Option<Recording>) -> Self {
        let mut session = Self {
            source,
            pipeline: Pipeline::default(),
            recorder,
            flushed: Instant::now(),
            flush_every: FLUSH,
            is_unread: false,
            asked: None,
            stalled_from: stall::LIMIT,
            sampled: Instant::now(),
            sample_every: SAMPLE,
            turn: 0,
            batch: Vec::new(),
        };
        session.sample_stalls(stall::LIMIT);
        session
    }

    /// What is open for `limit` is stalled. The kernel stack of the stuck thread is sampled then, and a little earlier,
    /// so that it is known when the limit is reached.
    pub fn sample_stalls(&mut self, limit: Nanos) {
        let before = Nanos::new(limit.as_nanos() / 4 * 3).min(Nanos::from_millis(1_500));
        self.stalled_from = limit.minus(before);
        self.sample_every = SAMPLE.min(Duration::from_nanos(before.as_nanos()) / 2);
    }

    /// Starts or stops the report of what tracing costs, once a second.
    pub fn report_costs(&mut self, wanted: bool) {
        self.source.report_costs(wanted);
    }

    /// What is known so far.
    #[must_use]
    pub const fn model(&self) -> &Model {
        self.pipeline.model()
    }

    /// Waits for the next events and takes them in.
    ///
    /// # Errors
    /// [`Failure`] if the source or the recording fails.
    pub async fn step(&mut self, each: impl FnMut(&Change, &Model)) -> Result<(), Failure> {
        self.source.next(&mut self.batch).await?;
        self.take_in(each)
    }

    fn take_in(&mut self, mut each: impl FnMut(&Change, &Model)) -> Result<(), Failure> {
        if self.sampled.elapsed() >= self.sample_every {
            self.sampled = Instant::now();
            // If there are more than are sampled at a time, they take turns.
            let turn = self.turn..self.turn + STUCK_AT_ONCE;
            let count = stall::count(self.pipeline.model(), self.stalled_from);
            self.turn = if turn.end < count { turn.end } else { 0 };
            let stuck = stall::threads(self.pipeline.model(), self.stalled_from, turn);
            self.batch.extend(self.source.sample(&stuck));
        }
        for event in self.batch.drain(..) {
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&event)?;
            }
            self.pipeline.push(event, &mut each);
        }
        if let Some(recorder) = &mut self.recorder
            && self.flushed.elapsed() >= self.flush_every
        {
            self.is_unread |= recorder.flush(self.pipeline.model())? == Flow::Closed;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Takes in what waits in the ring, but no more than it can hold: new records may come just as fast. Returns
    /// whether that was all: then what is known is final up to now.
    fn drain(&mut self, mut each: impl FnMut(&Change, &Model)) -> Result<bool, Failure> {
        let mut looks = 0;
        for _ in 0..LAST_BATCHES {
            let is_drained = self.source.drain(&mut self.batch)?;
            let was_empty = !self.batch.iter().any(|event| matches!(event.body, Body::Probe(_)));
            self.take_in(&mut each)?;
            if is_drained {
                return Ok(true);
            }
            if was_empty {
                looks += 1;
                std::thread::sleep(WRITTEN);
            }
            if looks == LOOKS {
                break;
            }
        }
        Ok(false)
    }

    /// Writes what a flight recorder holds, since somebody asked for it; `None` if there is none.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn save(&mut self) -> Result<Option<Saved>, FileWriteError> {
        self.recorder.as_mut().map_or(Ok(None), |recorder| recorder.save(self.pipeline.model()))
    }

    /// The same, for SIGUSR1: what came of it is reported on stderr, and tracing goes on.
    fn save_for_signal(&mut self) {
        match self.save() {
            Ok(Some(saved)) => stderr::say(format_args!("{saved}: SIGUSR1 asked for it")),
            Ok(None) => {}
            Err(error) => stderr::say(stderr::chain(&error)),
        }
    }

    /// Takes in what is left, closes what is open, and ends the recording. Returns what was written, in words.
    ///
    /// # Errors
    /// [`Failure`] if the source or the recording fails.
    pub fn end(mut self, mut each: impl FnMut(&Change, &Model)) -> Result<(Model, Option<String>), Failure> {
        self.drain(&mut each)?;
        let at = clock::now();
        self.pipeline.push(Event { at, body: Body::Fact(Fact::End) }, &mut each);
        let written = self.recorder.map(|recorder| recorder.finish(at, self.pipeline.model())).transpose()?;
        Ok((self.pipeline.into_model(), written))
    }

    /// Runs until it is stopped by `until`, by a signal, or by the caller. Returns the command's status: however
    /// tracing ends, it waits for the command. The caller listens for `signals` before it announces that it is ready: a
    /// script may send a signal right after that.
    ///
    /// # Errors
    /// [`Failure`] if the source or the recording fails, or the command cannot be run.
    pub async fn run(
        mut self,
        until: Until,
        mut signals: Signals,
        mut each: impl FnMut(&Change, &Model) -> ControlFlow<()>,
    ) -> Result<Finished, Failure> {
        // Facts first: the command must not run before everything is ready for it.
        self.step(|change, model| {
            let _ = each(change, model);
        })
        .await?;
        let mut command = until.command.map(Held::start).transpose()?.map(Traced::new);
        let followed = self.follow(until.duration, &mut command, &mut signals, &mut each).await;
        let ended = followed.and_then(|()| {
            self.end(|change, model| {
                let _ = each(change, model);
            })
        });
        let status = match command {
            Some(traced) => traced.finish(&mut signals).await,
            None => None,
        };
        // That the command failed is passed on, whatever became of the recording.
        let (model, recording) = ended.map_err(|failure| match status.map(code) {
            Some(code) if code != 0 => failure.with_status(code),
            Some(_) | None => failure,
        })?;
        Ok(Finished { model, status, recording })
    }

    /// Whether it is known that the probes fire, or that they do not.
    const fn is_proven(&self) -> bool {
        self.source.self_test().is_some()
    }

    async fn follow(
        &mut self,
        duration: Option<Nanos>,
        command: &mut Option<Traced>,
        signals: &mut Signals,
        each: &mut impl FnMut(&Change, &Model) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let deadline = duration.map(|duration| Instant::now() + Duration::from_nanos(duration.as_nanos()));
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue() && !self.is_unread {
            if let Some(ended) = command.as_ref().and_then(|command| command.ended) {
                let is_final = self.drain(|change, model| {
                    if each(change, model).is_break() {
                        flow = ControlFlow::Break(());
                    }
                })?;
                let is_closed = is_final && self.is_proven() && self.model().open_requests().next().is_none();
                if is_closed || flow.is_break() || ended.elapsed() >= GRACE {
                    break;
                }
            }
            tokio::select! {
                stepped = self.source.next(&mut self.batch) => stepped?,
                signal = signals.next() => match command.as_ref().filter(|command| command.ended.is_none()) {
                    Some(traced) => traced.pass(signal),
                    None => break,
                },
                () = passed(deadline) => break,
                () = received(&mut self.asked) => self.save_for_signal(),
                () = ended(command.as_mut()) => {}
            }
            self.take_in(|change, model| {
                if each(change, model).is_break() {
                    flow = ControlFlow::Break(());
                }
            })?;
        }
        Ok(())
    }
}

/// What is needed for `source`, beside the others.
#[must_use]
pub fn needs(source: &Live, others: Needs) -> Needs {
    Needs {
        stacks_of_proc: source.no_iterator().is_some(),
        symbols_of_proc: source.reads_symbols(),
        guarded_kprobes: source.has_guarded_kprobes(),
        ..others
    }
}

/// Gives up the rights that are not needed once the probes are attached.
///
/// # Errors
/// [`Failure`] if the kernel refuses.
pub fn give_up_rights(source: &mut Live, others: Needs) -> Result<(), Failure> {
    let kept = rights::needed(needs(source, others));
    source.report_rights(kept.iter().map(Kept::right).collect());
    rights::keep_only(&kept).map_err(|answer| Failure::cannot_trace("cannot give up rights", &answer))
}

/// The command that is traced.
struct Traced {
    running: Running,
    status: Option<ExitStatus>,
    ended: Option<Instant>,
}

impl Traced {
    const fn new(running: Running) -> Self {
        Self { running, status: None, ended: None }
    }

    /// Passes a signal on. Ctrl-C has reached the command already: the terminal sends it to the whole group.
    fn pass(&self, signal: Ending) {
        match signal {
            Ending::Interrupt => {}
            Ending::Terminate => self.running.signal(Signal::TERM),
            Ending::HangUp => self.running.signal(Signal::HUP),
        }
    }

    /// Waits for its end, whether tracing goes on or not.
    async fn finish(mut self, signals: &mut Signals) -> Option<ExitStatus> {
        while self.ended.is_none() {
            tokio::select! {
                () = ended(Some(&mut self)) => {}
                signal = signals.next() => self.pass(signal),
            }
        }
        self.status
    }
}

/// Waits for the command's end; forever if there is no command or it has ended.
async fn ended(command: Option<&mut Traced>) {
    match command {
        Some(traced) if traced.ended.is_none() => {
            traced.status = traced.running.ended().await;
            traced.ended = Some(Instant::now());
        }
        Some(_) | None => std::future::pending().await,
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A signal that ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl Ending {
    /// The signal's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// The signals that end a session in order.
pub struct Signals {
    interrupt: Option<Listener>,
    terminate: Option<Listener>,
    hang_up: Option<Listener>,
}

impl Signals {
    /// Starts to listen to those that are not ignored: who started modtrail with `nohup`, or in the background of a
    /// script, wants them to stay ignored.
    ///
    /// # Errors
    /// [`Failure`] if the system does not allow it.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    pub async fn next(&mut self) -> Ending {
        tokio::select! {
            () = received(&mut self.interrupt) => Ending::Interrupt,
            () = received(&mut self.terminate) => Ending::Terminate,
            () = received(&mut self.hang_up) => Ending::HangUp,
        }
    }
}

/// Starts to listen to a signal; `None` if it is ignored.
///
/// # Errors
/// [`Failure`] if the system does not allow it.
pub fn listen(kind: SignalKind) -> Result<Option<Listener>, Failure> {
    if snapshot::ignored_signals() & (1 << (kind.as_raw_value() - 1)) != 0 {
        return Ok(None);
    }
    signal(kind).map(Some).map_err(|error| Failure::cannot_trace("cannot listen for signals", &error))
}

/// Waits for the signal; forever if it is ignored.
pub async fn received(signal: &mut Option<Listener>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The exit status that passes on the command's own.
#[must_use]
pub fn passed_on(status: Option<ExitStatus>) -> ExitCode {
    status.map_or(ExitCode::SUCCESS, |status| ExitCode::from(code(status)))
}

/// The command's status as a shell gives it: 128 plus the signal if a signal ended it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Reports on stderr what a reader of the output should know: what was lost, what is still open. `integrity`: of the
/// recording, if there is one.
pub fn report_gaps(model: &Model, integrity: Integrity) {
    for (lost, count) in model.lost() {
        stderr::say(format_args!("lost: {}{count} {}", integrity.at_least(*lost), lost.words()));
    }
    let counts = model.counts();
    if counts.capped > 0 {
        stderr::say(format_args!(
            "{} open requests, calls or loads were given up because there were too many",
            counts.capped
        ));
    }
    let in_flight = model.verdicts().get(&modtrail_core::entities::Verdict::InFlight).copied().unwrap_or(0);
    let open = model.open_requests().count() as u64 + in_flight;
    if open > 0 {
        let were = if open == 1 { "was" } else { "were" };
        stderr::say(format_args!("{} {were} still open when tracing ended", counted(open, "request")));
    }
}
