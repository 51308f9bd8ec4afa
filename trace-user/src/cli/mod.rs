//! What was typed. In: the command line. Out: [`Cli`]. `values.rs` checks the form of each value; what values mean
//! together is checked by those who use them.

mod values;

use crate::config::duration;
use crate::kernel::hooks::HookChoice;
use crate::recording::file::Sync;
use crate::recording::segments::Limits;
use crate::tui::Theme;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use modtrail_core::query::Query;
use std::path::{Path, PathBuf};
use trace_common::limits::{RING_BYTES, TRACKED};
use trace_common::time::Nanos;
use values::{
    alerts_query, bytes, lines_query, memory, named_limit, query, ring_bytes, shown, since, theme, until, when,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

const AFTER: &str = "\
Examples:
  modtrail                                   watch requests as they happen
  modtrail log --json -- ping -I can0 x      what did this command ask the kernel to load?
  modtrail record -o boot.mcap --for 10m     record; replay it later in the same dashboard
  modtrail report boot.mcap                  verdicts, slowest requests, what each module cost
  modtrail who can boot.mcap                 who asks for this module, and who loads it
  modtrail watch --limit 5s --exec ./page    get an alert while a load is still stuck
  modtrail doctor                            what this kernel lets modtrail see, and why not more

Tracing needs root, or CAP_BPF and CAP_PERFMON (and CAP_SYSLOG for kernel symbols). Reading a recording needs no rights.

Exit status: 0 success, 2 usage error, 3 tracing is not possible here, 4 I/O error;
log and record with a command exit with the command's status (4 if it is 0 and the recording
failed); the dashboard with 128 + n after signal n.";

const AFTER_LOG: &str = "\
One line per request, and per load and unload that serves none, printed once its outcome is final. Abandoned and
no-wait requests are printed when their helper exits. With a command, only what it and its descendants caused is
printed. Losses, anything open longer than --limit, and what is still open at the end are reported on stderr.

  modtrail log                              until Ctrl-C
  modtrail log --json -o it.jsonl -- mount /dev/sdb1 /mnt
  jq 'select(.verdict == \"hollow\")' it.jsonl
  modtrail log boot.mcap                    the same lines, of a recording
  modtrail log --follow boot.mcap           and of what is still being recorded
  modtrail log --where 'verdict:hollow or total>2s' boot.mcap";

const AFTER_WATCH: &str = "\
Anything open past its limit raises an alert (firing) while it is still open, and a second one (resolved) when it ends:
requests, firmware requests, and loads and helper calls that serve no request. So does a user whose events are being
lost. A deadlock, a request loop, a helper that is not modprobe, and state that forbids loads are alerts at once.

--exec CMD gets MODTRAIL_STATE (firing, resolved), _KIND (request, load, helper_call, firmware), _ID, _ALIAS (or
the path, or the file), _MODULE, _COMM, _PID, _AGE_NS, _LIMIT_NS, _STUCK_IN, _ENDED_BY, _VERDICT and _OUTCOME; of a user
(_KIND lost) _UID, _COMM and _COUNT; of a finding (_KIND its name) _SENTENCE and _NEXT.

  modtrail watch --limit 5s --limit-for nvidia=2m
  modtrail watch --sink stdout-json | while read -r alert; do ...
  modtrail watch --exec 'logger -t modtrail \"$MODTRAIL_STATE: $MODTRAIL_ALIAS in $MODTRAIL_STUCK_IN\"'";

const AFTER_DOCTOR: &str = "\
With --resolve, a line is `ALIAS [MODULE …] STEP; STEP …`, where a step is `insmod FILE OPTIONS`, `install COMMAND OPTIONS`,
`builtin MODULE`, `blacklist MODULE (FILE:LINE)` for what modprobe leaves out, or `missing MODULE` if there is no module
of that name. Problems in modprobe's configuration are reported on stderr.

  modtrail doctor --resolve net-pf-29 fs-xfs";

const AFTER_REPORT: &str = "\
A bug report wants one request or one suspend cycle with all that belongs to it: --markdown --of 22.

  modtrail report boot.mcap
  modtrail report --markdown --of cycle:2 boot.mcap
  modtrail report --html -o boot.html boot.mcap
  modtrail report --json boot.mcap | jq '.modules[:3]'";

const AFTER_DIFF: &str = "\
Names are compared: aliases, modules, firmware, helpers, findings. Times are compared by a rank test; with too few samples
for one, only large differences are listed, marked as few samples (docs/diff.md).

  modtrail diff monday.mcap tuesday.mcap
  modtrail diff boot.mcap --a-until 14:00 --b-since 14:00
  modtrail diff --json old-kernel.mcap new-kernel.mcap | jq '.times[] | select(.direction == \"slower\")'";

const AFTER_WHO: &str = "\
The answer has those who requested it, those who requested something that depends on it, those who loaded it without a
request, and those who unloaded it. That nobody asked is stated only if at least 95% of the time was covered.

  modtrail who algif_aead monday.mcap tuesday.mcap
  modtrail who AF_CAN --for 10m";

const AFTER_CUT: &str = "\
The part is the time from the beginning of the first row that matches to one second after the end of the last, with
everything that happened in it. What modules were asked for, what became of it and when stays with --redact, too.

  modtrail cut boot.mcap --where 'kind:request id=22' -o request-22.mcap
  modtrail cut boot.mcap --since 14:03 --until 14:05 --redact -o share.mcap";

const AFTER_REPLAY: &str = "\
It opens at the end. space plays and pauses, `.` and `,` step by event, `]` and `[` by request, `}` and `{` by finding,
`+` and `-` change the speed, `(` and `)` go to the beginning and the end, and @ to a time, such as 14:03 or -5m. The
recording is indexed in the background (docs/replay.md).

  modtrail replay boot.mcap
  modtrail replay --from-start boot.mcap
  modtrail replay --at 14:03 boot.mcap";

const AFTER_RECORD: &str = "\
The file is MCAP with protobuf messages, one per event, the schema inside. It is flushed every 0.5 s; kill -9 loses at
most that. If the disk is full, events wait in memory and are counted if they find no room there.

  modtrail record -o boot.mcap --for 10m
  modtrail record -o /var/log/modtrail/trace.mcap --max-size 1G --max-age 7d
  modtrail record -o /var/log/modtrail/trouble.mcap --keep 10m      write the minutes before something stalls, not the days
  ssh host modtrail record -o - --for 1m > host.mcap
  modtrail record -o it.mcap -- modprobe xfs
  modtrail replay it.mcap";

/// Follows every kernel-module request from the task that asked to the moment the module is live.
#[derive(Debug, Parser)]
#[command(
    name = "modtrail",
    version,
    styles = STYLES,
    after_help = AFTER,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do; the dashboard if nothing is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to trace, for the dashboard.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// How the dashboard looks.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The live dashboard (what `modtrail` alone does)
    Top(TopArgs),
    /// Record events to a file, until Ctrl-C, for a while, or while a command runs
    Record(RecordArgs),
    /// The dashboard over a recording
    Replay(ReplayArgs),
    /// Summarise a recording: verdicts, slowest requests, modules by cost, duplicates, suspends, firmware, other
    /// helpers
    Report(ReportArgs),
    /// Compare two recordings, or two spans of one: what is new, gone, slower and faster beyond chance
    Diff(DiffArgs),
    /// Print a line per request as it ends: live, of a command, or of a recording
    Log(LogArgs),
    /// Show one request, load or unload of a recording in full
    Show(ShowArgs),
    /// Say who asks for an alias or a module, who loads it, and who unloads it
    Who(WhoArgs),
    /// Make a recording of a part of another, or one that tells nobody who its users are
    Cut(CutArgs),
    /// Make one recording of several parts of a trace
    Merge(MergeArgs),
    /// Say what a verdict or a finding means and what to do
    Explain(ExplainArgs),
    /// Alert when a request, load, helper or firmware request is stuck, and when it clears
    Watch(WatchArgs),
    /// Show what can be seen on this kernel, by which hook, and what is lost
    Doctor(DoctorArgs),
    /// Show every key of the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// `modtrail config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a file with every key, commented out
    Init {
        /// Write it to $XDG_CONFIG_HOME/modtrail/config.toml instead, if there is no such file
        #[arg(long)]
        write: bool,
    },
}

/// A theme; `None` is the one that fits the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThemeChoice(pub Option<Theme>);

/// How the dashboard looks.
#[derive(Clone, Debug, Default, Args)]
pub struct ViewArgs {
    /// Colours: auto, dark, light, high-contrast, colour-blind, 16 or none
    #[arg(long, value_name = "THEME", value_parser = theme, help_heading = "Dashboard")]
    pub theme: Option<ThemeChoice>,
    /// Leave the mouse to the terminal
    #[arg(long, help_heading = "Dashboard")]
    pub no_mouse: bool,
    /// Show times in UTC, whatever is configured
    #[arg(long, help_heading = "Dashboard")]
    pub utc: bool,
}

impl Command {
    /// If it only reads recordings: the file that it writes besides, if any. The dashboard runs other programs for who
    /// uses it.
    #[must_use]
    pub fn only_reads(&self) -> Option<Option<&Path>> {
        match self {
            Self::Show(_) => Some(None),
            Self::Report(args) => Some(args.output.as_deref()),
            Self::Diff(args) => Some(args.output.as_deref()),
            Self::Log(args) if !args.files.is_empty() => Some(args.output.as_deref()),
            Self::Who(args) if !args.files.is_empty() => Some(None),
            Self::Cut(args) => Some(Some(&args.output)),
            Self::Merge(args) => Some(Some(&args.output)),
            Self::Top(_)
            | Self::Record(_)
            | Self::Replay(_)
            | Self::Log(_)
            | Self::Who(_)
            | Self::Explain(_)
            | Self::Config(_)
            | Self::Watch(_)
            | Self::Doctor(_) => None,
        }
    }
}

/// How to trace.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Which hooks may be used
    #[arg(long, value_enum, default_value_t, value_name = "KIND", help_heading = "Tracing")]
    pub hooks: HookChoice,
    /// Leave out hooks with this in their name, such as "fexit call_usermodehelper_exec" or BTF tracepoints ("tp_btf");
    /// repeatable
    #[arg(long, value_name = "HOOK", help_heading = "Tracing")]
    pub without: Vec<String>,
    /// Size of the ring buffer between kernel and modtrail: a power of two
    #[arg(long, default_value_t = RING_BYTES, value_name = "SIZE", value_parser = ring_bytes, help_heading = "Tracing")]
    pub ring_bytes: u32,
    /// How many tasks are followed at once
    #[arg(long, default_value_t = TRACKED, value_name = "TASKS", value_parser = clap::value_parser!(u32).range(1..=i64::from(TRACKED)), hide = true)]
    pub tracked: u32,
    /// Look for modules and modprobe's configuration below this folder instead of the root in which helpers run
    #[arg(long, value_name = "DIR", help_heading = "Tracing")]
    pub modules_root: Option<PathBuf>,
    /// Print the probes' own debug messages to stderr (needs CAP_SYS_ADMIN)
    #[arg(long, help_heading = "Tracing")]
    pub probe_log: bool,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// Only what matches this query, such as 'verdict:hollow or total>2s'
    #[arg(long = "where", value_name = "QUERY", value_parser = query, help_heading = "Selection")]
    pub matching: Option<Query>,
    /// Only what began at this time or later: 14:03, "2026-11-26 14:03" (UTC), or -5m, which is 5 minutes before the
    /// end
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true, help_heading = "Selection")]
    pub since: Option<Query>,
    /// Only what began at this time or before
    #[arg(long, value_name = "TIME", value_parser = until, allow_hyphen_values = true, help_heading = "Selection")]
    pub until: Option<Query>,
}

impl SelectArgs {
    /// All of it in one query.
    #[must_use]
    pub fn query(&self) -> Query {
        let parts = [&self.matching, &self.since, &self.until];
        parts.into_iter().flatten().cloned().fold(Query::default(), Query::and)
    }

    /// The same, of requests, loads and unloads alone.
    ///
    /// # Errors
    /// None of them has a field that the query names.
    pub fn of_lines(&self) -> Result<Query, String> {
        if let Some(matching) = &self.matching {
            lines_query(matching.text())?;
        }
        Ok(self.query())
    }
}

/// `modtrail top`
#[derive(Debug, Args)]
pub struct TopArgs {
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// How it looks.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// `modtrail record`
#[derive(Debug, Args)]
#[command(after_help = AFTER_RECORD)]
pub struct RecordArgs {
    /// The file to write; a recording that is there is replaced. `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Stop after this long, such as 90s, 10m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Nanos>,
    /// Be a flight recorder: hold the last TIME in memory, and write it when something is found or stalled, or when
    /// SIGUSR1 comes. FILE gets a number in its name
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Flight recorder")]
    pub keep: Option<Nanos>,
    /// Memory for what is held, about
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = memory, requires = "keep", help_heading = "Flight recorder")]
    pub keep_bytes: usize,
    /// How long a request, load, helper or firmware request may be open before it is stalled [default: 10s, or what is
    /// configured]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "keep", help_heading = "Flight recorder")]
    pub limit: Option<Nanos>,
    /// How large and old files may become.
    #[command(flatten)]
    pub segments: SegmentArgs,
    /// How often what was recorded is passed to the file: what a kill can cost
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration, help_heading = "Files")]
    pub flush_every: Nanos,
    /// When it goes to disk: what a power cut can cost
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, help_heading = "Files")]
    pub sync: SyncChoice,
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// Run this, and record while it and its requests last
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// How large and how old the files of a recording may become. With any of these, the recording is written in segments:
/// `boot.mcap` stands for `boot.00001.mcap` and so on.
#[derive(Clone, Copy, Debug, Args)]
pub struct SegmentArgs {
    /// Begin a new file at this size; each can be read alone. FILE gets a number in its name
    #[arg(long, value_name = "SIZE", value_parser = bytes, conflicts_with = "keep", help_heading = "Files")]
    pub segment_size: Option<u64>,
    /// Begin a new file after this time
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "keep", help_heading = "Files")]
    pub segment_age: Option<Nanos>,
    /// Remove the oldest files when all of them are larger than this; without --segment-size, a file is an eighth of it
    #[arg(long, value_name = "SIZE", value_parser = bytes, conflicts_with = "keep", help_heading = "Files")]
    pub max_size: Option<u64>,
    /// Remove files that are older than this
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "keep", help_heading = "Files")]
    pub max_age: Option<Nanos>,
    /// Remove the oldest files when the file system has less than this free
    #[arg(long, value_name = "SIZE", value_parser = bytes, conflicts_with = "keep", help_heading = "Files")]
    pub min_free: Option<u64>,
}

/// Bytes of a segment if only the free space is limited.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Segments that the limit for all of them, or their age, is at least.
const SEGMENTS: u64 = 8;

impl SegmentArgs {
    /// The limits. What limits all segments needs a limit for one: nothing could be removed otherwise.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let Self { segment_size, segment_age, max_size, max_age, min_free } = *self;
        let part = max_size.map(|size| (size / SEGMENTS).max(1)).or(min_free.map(|_| SEGMENT_BYTES));
        let segment_age = segment_age.or(max_age.map(|age| Nanos::new(age.as_nanos() / SEGMENTS)));
        Limits { segment_bytes: segment_size.or(part), segment_age, bytes: max_size, age: max_age, free: min_free }
    }
}

/// When a recording goes to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum SyncChoice {
    /// Each time that it is passed to the file
    #[default]
    Flush,
    /// When a file ends
    End,
    /// When the system decides
    Never,
}

impl From<SyncChoice> for Sync {
    fn from(choice: SyncChoice) -> Self {
        match choice {
            SyncChoice::Flush => Self::Flush,
            SyncChoice::End => Self::End,
            SyncChoice::Never => Self::Never,
        }
    }
}

/// `modtrail replay`
#[derive(Debug, Args)]
#[command(after_help = AFTER_REPLAY)]
pub struct ReplayArgs {
    /// The recording: a file, the segments of one, a folder that holds one, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Open it at its beginning, paused, instead of at its end
    #[arg(long, conflicts_with = "at", help_heading = "Position")]
    pub from_start: bool,
    /// Open it at this time: 14:03, "2026-11-26 14:03" (in the configured zone), -5m, which is 5 minutes before the
    /// end, or +30s, which is 30 seconds after the beginning
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true, help_heading = "Position")]
    pub at: Option<String>,
    /// Memory for the places from which it can be played on, about: the more, the faster are seeks in a long recording
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = memory, help_heading = "Position")]
    pub memory: usize,
    /// How it looks.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// `modtrail show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// What: a request by its number (22 or #22), load:5, unload:3 or cycle:2
    #[arg(value_name = "ID", value_parser = shown)]
    pub what: Shown,
    /// The recording
    pub file: PathBuf,
    /// The line of JSON alone
    #[arg(long)]
    pub json: bool,
}

/// One thing of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The request with this number.
    Request(u64),
    /// The load with this number.
    Load(u64),
    /// The unload with this number.
    Unload(u64),
    /// The suspend cycle with this number.
    Cycle(u64),
}

impl std::fmt::Display for Shown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(id) => write!(out, "request #{id}"),
            Self::Load(id) => write!(out, "load {id}"),
            Self::Unload(id) => write!(out, "unload {id}"),
            Self::Cycle(id) => write!(out, "suspend cycle {id}"),
        }
    }
}

/// `modtrail who`
#[derive(Debug, Args)]
#[command(after_help = AFTER_WHO)]
pub struct WhoArgs {
    /// An alias, the name that engineers know for it, or a module: net-pf-29, AF_CAN, can
    pub name: String,
    /// Recordings: files, folders of them, or `-` for standard input; without any, the running kernel is traced until
    /// Ctrl-C
    #[arg(value_name = "FILE", conflicts_with_all = ["hooks", "without", "ring_bytes", "tracked", "modules_root", "probe_log"])]
    pub files: Vec<PathBuf>,
    /// Trace for this long, such as 90s, 10m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "files")]
    pub duration: Option<Nanos>,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Which rows are wanted.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
}

/// `modtrail cut`
#[derive(Debug, Args)]
#[command(after_help = AFTER_CUT)]
pub struct CutArgs {
    /// The recording: a file, the segments of one, a folder that holds one, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The recording to write, `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Leave out who somebody is: names of threads and of the host, executables, arguments, cgroups, users but root
    #[arg(long)]
    pub redact: bool,
    /// Which rows are wanted.
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `modtrail merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Recordings of one boot that follow each other: files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The recording to write, `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `modtrail explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A verdict or a finding, such as hollow or deadlock; without it, all names
    pub name: Option<String>,
}

/// `modtrail report`
#[derive(Debug, Args)]
#[command(after_help = AFTER_REPORT)]
pub struct ReportArgs {
    /// Recordings: files, folders of them, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only this: a request by its number (22 or #22), load:5, unload:3 or cycle:2
    #[arg(long, value_name = "ID", value_parser = shown, conflicts_with_all = ["matching", "since", "until"])]
    pub of: Option<Shown>,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Markdown, to paste into a bug report
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// One page of HTML that holds all it needs
    #[arg(long, conflicts_with_all = ["json", "markdown"])]
    pub html: bool,
    /// Write to this file, whole or not at all, instead of standard output (-)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Which rows are wanted.
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `modtrail diff`
#[derive(Debug, Args)]
#[command(after_help = AFTER_DIFF)]
pub struct DiffArgs {
    /// The recording from before
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// The recording from after; without it, spans of A are compared
    #[arg(value_name = "B")]
    pub after: Option<PathBuf>,
    /// Of A, only what began at this time or later: 14:03, "2026-11-26 14:03" (UTC), or -5m before its end
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true, help_heading = "Selection")]
    pub a_since: Option<Query>,
    /// Of A, only what began at this time or before
    #[arg(long, value_name = "TIME", value_parser = until, allow_hyphen_values = true, help_heading = "Selection")]
    pub a_until: Option<Query>,
    /// Of B, only what began at this time or later
    #[arg(long, value_name = "TIME", value_parser = since, allow_hyphen_values = true, help_heading = "Selection")]
    pub b_since: Option<Query>,
    /// Of B, only what began at this time or before
    #[arg(long, value_name = "TIME", value_parser = until, allow_hyphen_values = true, help_heading = "Selection")]
    pub b_until: Option<Query>,
    /// Of both, only what matches this query, such as 'comm:udevd'
    #[arg(long = "where", value_name = "QUERY", value_parser = query, help_heading = "Selection")]
    pub matching: Option<Query>,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Markdown, to paste into a bug report
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Write to this file, whole or not at all, instead of standard output (-)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl DiffArgs {
    /// The span of A.
    #[must_use]
    pub fn span_a(&self) -> Query {
        both(&self.a_since, &self.a_until)
    }

    /// The span of B.
    #[must_use]
    pub fn span_b(&self) -> Query {
        both(&self.b_since, &self.b_until)
    }

    /// A span, and what is wanted of both.
    #[must_use]
    pub fn with(&self, span: Query) -> Query {
        self.matching.clone().map_or_else(|| span.clone(), |matching| matching.and(span.clone()))
    }
}

fn both(one: &Option<Query>, other: &Option<Query>) -> Query {
    [one, other].into_iter().flatten().cloned().fold(Query::default(), Query::and)
}

/// `modtrail log`
#[derive(Debug, Args)]
#[command(after_help = AFTER_LOG)]
pub struct LogArgs {
    /// Recordings: files, folders of them, or `-` for standard input; without any, the running kernel
    #[arg(value_name = "FILE", conflicts_with_all = ["command", "all", "limit", "hooks", "without", "ring_bytes", "tracked", "modules_root", "probe_log"])]
    pub files: Vec<PathBuf>,
    /// Go on when the last recording ends before its end: its recorder still writes
    #[arg(short, long, requires = "files")]
    pub follow: bool,
    /// Write the lines to this file instead of standard output, which a command may write to as well
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// With a command: report everybody's requests and loads, not only what the command and its descendants caused
    #[arg(long, requires = "command")]
    pub all: bool,
    /// One JSON object per line instead of text
    #[arg(long)]
    pub json: bool,
    /// How long a request, load, helper or firmware request may be open before it is reported on stderr [default: 10s,
    /// or the configuration's]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub limit: Option<Nanos>,
    /// Which rows are wanted.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// Run this, and end when it and its requests have
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `modtrail watch`
#[derive(Debug, Args)]
#[command(after_help = AFTER_WATCH)]
pub struct WatchArgs {
    /// How long a request, load, helper call or firmware request may take before it is an alert [default: 10s, or the
    /// configuration's]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub limit: Option<Nanos>,
    /// Another limit for one alias or module, such as nvidia=2m; may be given many times
    #[arg(long, value_name = "NAME=TIME", value_parser = named_limit)]
    pub limit_for: Vec<(String, Nanos)>,
    /// How alerts are written to stdout
    #[arg(long, value_enum, default_value_t, value_name = "SINK")]
    pub sink: SinkChoice,
    /// Only alerts about what matches this query, such as 'not comm:udevd'; losses are always reported
    #[arg(long = "where", value_name = "QUERY", value_parser = alerts_query)]
    pub matching: Option<Query>,
    /// Also run this with sh at each alert, with its facts in MODTRAIL_* variables
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
}

/// Where alerts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum SinkChoice {
    /// A line of text
    #[default]
    Stdout,
    /// A JSON object per line
    StdoutJson,
}

/// `modtrail doctor`
#[derive(Debug, Args)]
#[command(after_help = AFTER_DOCTOR)]
pub struct DoctorArgs {
    /// Print the whole ladder of hooks as Markdown instead (docs/hooks.md is made by this); needs no rights
    #[arg(long)]
    pub hooks_table: bool,
    /// One JSON object instead of text
    #[arg(long, conflicts_with = "hooks_table")]
    pub json: bool,
    /// Print what modprobe would do for each alias instead: the modules it stands for in brackets, then the steps in
    /// the words of `modprobe --show-depends`; needs no rights
    #[arg(long, value_name = "ALIAS", num_args = 1.., conflicts_with = "hooks_table")]
    pub resolve: Vec<String>,
    /// How to trace.
    #[command(flatten)]
    pub trace: TraceArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_option_before_a_command_is_an_error() {
        assert!(Cli::try_parse_from(["modtrail", "--hooks", "kprobe", "doctor"]).is_err());
        assert!(Cli::try_parse_from(["modtrail", "doctor", "--hooks", "kprobe"]).is_ok());
        assert!(Cli::try_parse_from(["modtrail", "--hooks", "kprobe"]).is_ok());
        assert!(Cli::try_parse_from(["modtrail", "log", "x.mcap", "--limit", "5s"]).is_err());
        assert!(Cli::try_parse_from(["modtrail", "log", "--all"]).is_err());
    }
}
