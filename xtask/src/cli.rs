//! The command line of `cargo xtask`.
//!
//! In: arguments. Out: the task done, as an exit status.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::arch::Arch;
use crate::bench::{self, Size};
use crate::check;
use crate::dist;
use crate::evidence;
use crate::guest::Guest;
use crate::qemu::Clock;
use crate::run;
use crate::series::Series;
use crate::setup;
use crate::streams::Streams;
use crate::test;
use crate::vm::{self, BootFile, End, Shipped, VmOptions};

/// Everything a developer of modtrail runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what building and testing need; quick when all is there
    Setup,
    /// Start modtrail: here, or in a guest with a demo load where this kernel cannot be traced
    Run,
    /// Run the checks and all tests, scenarios in guests included
    Test {
        /// Only tests whose name has this in it
        filter: Option<String>,
        /// Also the tests that run only now and then
        #[arg(long)]
        long: bool,
    },
    /// Run every scenario in guests and write docs/kernels.md
    Kernels {
        /// Only scenarios whose name has this in it; the others stand as they were shown last
        filter: Option<String>,
    },
    /// Measure what modtrail costs, beside bpftrace, trace-cmd, perf and bottom
    Bench {
        /// Write docs/performance.md instead of standard output
        #[arg(long)]
        write: bool,
        /// Little of everything, once: to see that it runs
        #[arg(long, conflicts_with = "write")]
        short: bool,
    },
    /// Formatting, lints of the host and BPF crates, allowed imports, dependencies, generated documents
    Check,
    /// Build the program as it is handed out: without a path of this machine, the same bytes from any folder
    Dist,
    /// Run a command as root in a fresh guest with a real kernel
    Vm(VmArguments),
}

#[derive(Args, Debug)]
struct VmArguments {
    /// Kernel series: 5.10, 6.1, 6.12, or newest (the highest of sid that comes with its modules)
    #[arg(long, value_name = "SERIES")]
    kernel: Series,
    /// Machine type; arm64 is emulated, and what it needs is fetched at its first use
    #[arg(long, value_enum, default_value = "amd64")]
    arch: Arch,
    /// Processors
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=255))]
    smp: u32,
    /// Memory in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,
    /// Seconds from the start of the guest until it is killed (exit status 124) [default: 120; none when
    /// interactive]
    #[arg(long, value_name = "S")]
    timeout: Option<u64>,
    /// Modules to ship with their dependencies, in one or more lists; they are not loaded
    #[arg(long, value_name = "NAMES")]
    modules: Vec<String>,
    /// A file or folder of the host and its place in the guest; modes are kept
    #[arg(long = "file", value_name = "HOST:GUEST", value_parser = shipped)]
    files: Vec<Shipped>,
    /// Where what the command leaves in /out comes back to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// More kernel arguments
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// Boot the compressed kernel (needed for real suspend; arm64 always does)
    #[arg(long)]
    bzimage: bool,
    /// Let time pass by executed instructions, so that the host's other work does not show in measurements
    #[arg(long)]
    icount: bool,
    /// Give the command this terminal
    #[arg(long)]
    interactive: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

fn shipped(text: &str) -> Result<Shipped, String> {
    let (host, guest) = text.rsplit_once(':').ok_or("expected HOST:GUEST")?;
    if host.is_empty() || !guest.starts_with('/') {
        return Err("expected HOST:GUEST with an absolute path in the guest".to_owned());
    }
    Ok(Shipped { host: PathBuf::from(host), guest: guest.to_owned() })
}

impl VmArguments {
    fn options(self) -> VmOptions {
        let words = |lists: Vec<String>| -> Vec<String> {
            let split = |list: &String| list.split([' ', ',', '\n']).map(str::to_owned).collect::<Vec<_>>();
            lists.iter().flat_map(split).filter(|word| !word.is_empty()).collect()
        };
        let default_timeout = if self.interactive { None } else { Some(120) };
        VmOptions {
            guest: Guest { series: self.kernel, arch: self.arch },
            smp: self.smp,
            memory_mib: self.memory,
            timeout: self.timeout.or(default_timeout).map(Duration::from_secs),
            modules: words(self.modules),
            files: self.files,
            out: self.out,
            append: self.append,
            clock: if self.icount { Clock::Instructions } else { Clock::Host },
            afresh: false,
            boot: if self.bzimage { BootFile::BzImage } else { BootFile::Fastest },
            streams: if self.interactive { Streams::Interactive } else { Streams::PassThrough },
            command: self.command,
        }
    }
}

impl Arguments {
    /// Does the task.
    pub fn run(self) -> Result<ExitCode> {
        match self.task {
            Task::Setup => setup::run().map(|()| ExitCode::SUCCESS),
            Task::Run => run_vm(&run::prepare()?),
            Task::Test { filter, long } => test::run(filter.as_deref(), long),
            Task::Kernels { filter } => evidence::run(filter.as_deref()),
            Task::Bench { write, short } => bench::run(if short { Size::SHORT } else { Size::WHOLE }, write),
            Task::Check => check::run(),
            Task::Dist => dist::run(),
            Task::Vm(arguments) => run_vm(&arguments.options()),
        }
    }
}

/// Runs a guest and says on standard error what the exit status alone does not.
fn run_vm(options: &VmOptions) -> Result<ExitCode> {
    let outcome = vm::run(options)?;
    match &outcome.end {
        End::Exited(_) => {}
        End::TimedOut => {
            let limit = options.timeout.unwrap_or_default().as_secs();
            eprintln!("xtask: the guest was killed after {limit} s");
            if std::io::stderr().is_terminal() && !outcome.console.is_empty() {
                eprintln!("end of its console:\n{}", tail(&outcome.console));
            }
        }
        End::Died(reason) => eprintln!("xtask: the guest died: {reason}"),
        End::Interrupted(_) => eprintln!("xtask: interrupted, the guest was killed"),
    }
    Ok(ExitCode::from(u8::try_from(outcome.status()).unwrap_or(u8::MAX)))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Task};
    use crate::guest::Guest;
    use crate::series::Series;
    use crate::streams::Streams;
    use crate::vm::{Shipped, VmOptions};
    use clap::Parser;

    fn options(words: &[&str]) -> Result<VmOptions, clap::Error> {
        let words = ["xtask", "vm"].iter().chain(words);
        let Task::Vm(arguments) = Arguments::try_parse_from(words)?.task else { panic!("another task") };
        Ok(arguments.options())
    }

    #[test]
    fn lists_are_split_and_the_command_is_kept_as_it_is() {
        let line = [
            "--kernel",
            "6.1",
            "--modules",
            "xfs tipc",
            "--file",
            "/a:/b",
            "--append",
            "-x y",
            "--",
            "sh",
            "-c",
            "a b",
        ];
        let options = options(&line).unwrap();
        assert_eq!(options.modules, ["xfs", "tipc"]);
        assert_eq!(options.files, [Shipped { host: "/a".into(), guest: "/b".into() }]);
        assert_eq!(options.append, ["-x y"]);
        assert_eq!(options.command, ["sh", "-c", "a b"]);
        assert_eq!(options.timeout.map(|time| time.as_secs()), Some(120));
    }

    #[test]
    fn an_interactive_guest_has_no_limit_of_its_own() {
        let options = options(&["--kernel", "6.12", "--interactive", "--", "top"]).unwrap();
        assert_eq!((options.timeout, options.streams), (None, Streams::Interactive));
    }

    #[test]
    fn a_guest_is_of_amd64_unless_said_otherwise() {
        let guest = |words: &[&str]| options(words).unwrap().guest;
        assert_eq!(guest(&["--kernel", "6.1", "--", "true"]), Guest::amd64(Series::V6_1));
        assert_eq!(guest(&["--kernel", "6.12", "--arch", "arm64", "--", "true"]), Guest::arm64(Series::V6_12));
        assert!(options(&["--kernel", "6.1", "--arch", "riscv64", "--", "true"]).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(options(&["--kernel", "4.19", "--", "true"]).is_err());
        assert!(options(&["--kernel", "6.1"]).is_err());
        assert!(options(&["--kernel", "6.1", "--file", "/a", "--", "true"]).is_err());
        assert!(options(&["--kernel", "6.1", "--smp", "0", "--", "true"]).is_err());
    }
}
