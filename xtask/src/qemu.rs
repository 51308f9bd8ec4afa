//! The emulator: its command line, the pipes and files of its serial ports, its life and death.
//!
//! In: a [`Machine`]. Out: a running [`Qemu`], whose ports are read by the caller. It never outlives us.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

const PROGRAM: &str = "qemu-system-x86_64";

/// Arguments of every kernel. `panic=-1` with `-no-reboot` ends the emulator at once; the rest saves time.
const APPEND: &str = "panic=-1 oops=panic mitigations=off random.trust_cpu=on no_timer_check cryptomgr.notests quiet";

/// How the guest's processors are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the host's own.
    Kvm,
    /// By emulation.
    Tcg,
}

/// Where the command's streams go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Standard output and error by a pipe each.
    Pipes,
    /// A terminal, both directions by a pipe each.
    Terminal,
}

/// A guest to be started.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The kernel file, ELF or bzImage.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initrd: PathBuf,
    /// Processors.
    pub smp: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Arguments for the kernel beside ours; they stand last.
    pub append: Vec<String>,
    /// How it is run.
    pub accelerator: Accelerator,
    /// Where the command's streams go.
    pub wiring: Wiring,
    /// A folder of this run; `console`, `results` and `emulator` are written there.
    pub folder: PathBuf,
}

impl Machine {
    /// What the kernel said.
    pub fn console(&self) -> PathBuf {
        self.folder.join("console")
    }

    /// What the guest handed back.
    pub fn results(&self) -> PathBuf {
        self.folder.join("results")
    }

    /// What the emulator itself said.
    pub fn emulator_log(&self) -> PathBuf {
        self.folder.join("emulator")
    }

    /// Starts it. Call from a thread that lives as long as the guest may: the emulator dies with it.
    pub fn start(&self) -> Result<Qemu> {
        let mut command = Command::new(PROGRAM);
        let (stdout_reader, stdout) = io::pipe().context("cannot make a pipe")?;
        let (stderr_reader, stderr) = io::pipe().context("cannot make a pipe")?;
        self.arguments(&mut command, stdout.as_raw_fd(), stderr.as_raw_fd());
        let log = File::create(self.emulator_log()).context("cannot write the emulator's log")?;
        command.stderr(log).env_remove("LD_LIBRARY_PATH");
        match self.wiring {
            Wiring::Pipes => command.stdin(Stdio::null()).stdout(Stdio::null()),
            Wiring::Terminal => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        tie(&mut command, [&stdout, &stderr]);
        let mut child = command.spawn().with_context(|| format!("cannot start {PROGRAM}: run `cargo xtask setup`"))?;
        drop((stdout, stderr));
        let streams = match (child.stdin.take(), child.stdout.take()) {
            (Some(keyboard), Some(screen)) => Streams::Terminal { keyboard, screen },
            _ => Streams::Pipes { stdout: stdout_reader, stderr: stderr_reader },
        };
        Ok(Qemu { child, streams: Some(streams) })
    }

    fn arguments(&self, command: &mut Command, stdout: RawFd, stderr: RawFd) {
        let file = |id: &str, path: &Path| format!("file,id={id},path={}", path.display());
        let accelerator = match self.accelerator {
            Accelerator::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Accelerator::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max"],
        };
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M", "q35"]);
        command.args(accelerator);
        command.args(["-m", &self.memory_mib.to_string(), "-smp", &self.smp.to_string()]);
        let console = file("console", &self.console());
        command.args(["-chardev", &console, "-chardev", &file("results", &self.results())]);
        let ports = match self.wiring {
            Wiring::Pipes => {
                for (set, fd, id) in [(1, stdout, "stdout"), (2, stderr, "stderr")] {
                    command.args(["-add-fd", &format!("fd={fd},set={set}")]);
                    command.args(["-chardev", &format!("file,id={id},path=/dev/fdset/{set},append=on")]);
                }
                ["console", "stdout", "stderr", "results"]
            }
            Wiring::Terminal => {
                command.args(["-chardev", "stdio,id=terminal,signal=off", "-chardev", "null,id=none"]);
                ["terminal", "console", "none", "results"]
            }
        };
        // Each port has an interrupt line of its own; the usual two lines for four ports lose interrupts.
        for (index, (port, line)) in ports.iter().zip([4, 3, 5, 7]).enumerate() {
            command.args(["-device", &format!("isa-serial,index={index},irq={line},chardev={port}")]);
        }
        let console = match self.wiring {
            Wiring::Pipes => "console=ttyS0",
            Wiring::Terminal => "console=ttyS1",
        };
        command.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(&self.initrd);
        command.args(["-append", &format!("{console} {APPEND} {}", self.append.join(" "))]);
    }
}

/// Lets the child have the pipes, and end when we do.
fn tie(command: &mut Command, pipes: [&PipeWriter; 2]) {
    let pipes = pipes.map(AsRawFd::as_raw_fd);
    let prepare = move || {
        for pipe in pipes {
            // SAFETY: `pipe` is open in the parent until after the spawn, so it is open here; the call only
            // changes the flags of this process's copy.
            if unsafe { libc::fcntl(pipe, libc::F_SETFD, 0) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: the call takes a signal number and touches no memory.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: between fork and exec `prepare` makes two system calls and neither allocates nor locks.
    unsafe { command.pre_exec(prepare) };
}

/// The command's streams. They end when the emulator does.
#[derive(Debug)]
pub enum Streams {
    /// Its standard output and error.
    Pipes {
        /// Standard output.
        stdout: PipeReader,
        /// Standard error.
        stderr: PipeReader,
    },
    /// Both directions of its terminal.
    Terminal {
        /// What is typed.
        keyboard: ChildStdin,
        /// What is shown.
        screen: ChildStdout,
    },
}

/// A running emulator, killed when dropped.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    streams: Option<Streams>,
}

impl Qemu {
    /// The command's streams, once.
    pub fn streams(&mut self) -> Option<Streams> {
        self.streams.take()
    }

    /// Its exit, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for the emulator")
    }

    /// Ends it now.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}
