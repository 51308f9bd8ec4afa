//! The emulator: its command line, the pipes and files of its serial ports, its life and death.
//!
//! In: a [`Machine`]. Out: a running [`Qemu`], whose ports are read by the caller. It never outlives us.
#![expect(unsafe_code, reason = "what happens between fork and exec")]

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::cross;
use crate::used;

/// Arguments of every kernel. `panic=-1` with `-no-reboot` ends the emulator at once; the rest saves time.
/// `norandmaps`: an emulator translates a program again for each address that it runs at.
const APPEND: &str = "panic=-1 oops=panic mitigations=off norandmaps random.trust_cpu=on cryptomgr.notests quiet \
    initcall_blacklist=init_encrypted,crypto_kdf108_init";

/// Those of amd64. The clock is the processor's, which an emulator keeps the same on all: older kernels would choose
/// one that is a device, whose every reading waits for the emulator's other work.
const APPEND_AMD64: &str = "no_timer_check tsc=reliable";

/// What every kernel of a machine type is started with.
pub fn append(arch: Arch) -> String {
    match arch {
        Arch::Amd64 => format!("{APPEND} {APPEND_AMD64}"),
        Arch::Arm64 => APPEND.to_owned(),
    }
}

/// The emulator of a machine type. Needs the cache lock.
pub fn emulator(arch: Arch) -> Result<PathBuf> {
    match arch {
        Arch::Amd64 => Ok(PathBuf::from("qemu-system-x86_64")),
        Arch::Arm64 => cross::emulator(),
    }
}

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

/// By what time passes in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The host's clock.
    Host,
    /// The instructions that the guest executes, one a nanosecond: what is measured in it is the guest's own doing,
    /// however busy the host is.
    Instructions,
}

/// How a guest starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It boots and runs what its initramfs brings.
    Boot,
    /// It boots, waits, and is saved, by the emulator's monitor.
    ToBeSaved,
    /// It continues from this state, and finds on its disk what the run brings.
    Continue(PathBuf),
}

/// A guest to be started.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The emulator's program.
    pub emulator: PathBuf,
    /// The machine type.
    pub arch: Arch,
    /// The kernel file: ELF, bzImage, or arm64's Image.
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
    /// By what time passes in it.
    pub clock: Clock,
    /// Where the command's streams go.
    pub wiring: Wiring,
    /// How it starts.
    pub start: Start,
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

    /// The disk by which a guest that continues gets what its run brings.
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// The socket by which a guest with a terminal hears of the terminal's size.
    pub fn sizes(&self) -> PathBuf {
        self.folder.join("sizes")
    }

    /// The emulator's monitor, where the guest is to be saved.
    pub fn monitor(&self) -> PathBuf {
        self.folder.join("monitor")
    }

    /// What the emulator itself said.
    pub fn emulator_log(&self) -> PathBuf {
        self.folder.join("emulator")
    }

    /// All that a saved guest depends on besides its files: one is continued by a machine of the same description only.
    pub fn description(&self) -> String {
        let mut command = Command::new(&self.emulator);
        self.arguments(&mut command, 0, 0);
        format!("{command:?}").replace(&self.folder.display().to_string(), "")
    }

    /// Starts it. Call from a thread that lives as long as the guest may: the emulator dies with it.
    pub fn start(&self) -> Result<Qemu> {
        let mut command = Command::new(&self.emulator);
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
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}: run `cargo xtask setup`", self.emulator.display()))?;
        drop((stdout, stderr));
        let streams = match (child.stdin.take(), child.stdout.take()) {
            (Some(keyboard), Some(screen)) => Streams::Terminal { keyboard, screen, sizes: self.sizes() },
            _ => Streams::Pipes { stdout: stdout_reader, stderr: stderr_reader },
        };
        Ok(Qemu { child, streams: Some(streams) })
    }

    fn arguments(&self, command: &mut Command, stdout: RawFd, stderr: RawFd) {
        let file = |id: &str, path: &Path| format!("file,id={id},path={}", path.display());
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        // Instructions are counted by one thread for all processors.
        let emulation = match self.clock {
            Clock::Host => "tcg,thread=multi",
            Clock::Instructions => "tcg,thread=single",
        };
        command.args(match (self.arch, self.accelerator) {
            (Arch::Amd64, Accelerator::Kvm) if self.clock == Clock::Host => {
                ["-M", "q35", "-accel", "kvm", "-cpu", "host"]
            }
            (Arch::Amd64, _) => ["-M", "q35", "-accel", emulation, "-cpu", "max"],
            // The architecture's own way to authenticate pointers takes most of the time where it is emulated.
            (Arch::Arm64, _) => ["-M", "virt,gic-version=3", "-accel", emulation, "-cpu", "max,pauth-impdef=on"],
        });
        if self.clock == Clock::Instructions {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        command.args(["-m", &self.memory_mib.to_string(), "-smp", &self.smp.to_string()]);
        command.args(["-chardev", &file("console", &self.console()), "-chardev", &file("results", &self.results())]);
        if self.start != Start::Boot {
            command.args(["-drive", &format!("if=none,id=disk,format=raw,file={}", self.disk().display())]);
        }
        match self.wiring {
            Wiring::Pipes => {
                for (set, fd, id) in [(1, stdout, "stdout"), (2, stderr, "stderr")] {
                    command.args(["-add-fd", &format!("fd={fd},set={set}")]);
                    command.args(["-chardev", &format!("file,id={id},path=/dev/fdset/{set},append=on")]);
                }
            }
            Wiring::Terminal => {
                let sizes = format!("socket,id=sizes,path={},server=on,wait=off", self.sizes().display());
                command.args(["-chardev", "stdio,id=terminal,signal=off", "-chardev", &sizes]);
            }
        }
        self.ports(command);
        match &self.start {
            Start::Boot => {}
            Start::ToBeSaved => {
                command.args(["-device", "virtio-blk-pci,drive=disk"]);
                command.args(["-monitor", &format!("unix:{},server=on,wait=off", self.monitor().display())]);
            }
            Start::Continue(state) => {
                command.args(["-device", "virtio-blk-pci,drive=disk"]);
                command.args(["-incoming", &format!("exec:cat {}", state.display())]);
            }
        }
        command.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(&self.initrd);
        let append = [self.console_argument(), &append(self.arch), &self.append.join(" ")].join(" ");
        command.args(["-append", &append]);
    }

    /// The serial ports, in the order in which the kernel numbers them.
    fn ports(&self, command: &mut Command) {
        match self.arch {
            Arch::Amd64 => {
                let ports = match self.wiring {
                    Wiring::Pipes => ["console", "stdout", "stderr", "results"],
                    Wiring::Terminal => ["terminal", "console", "sizes", "results"],
                };
                // Each port has an interrupt line of its own; the usual two lines for four ports lose interrupts.
                for (index, (port, line)) in ports.iter().zip([4, 3, 5, 7]).enumerate() {
                    command.args(["-device", &format!("isa-serial,index={index},irq={line},chardev={port}")]);
                }
            }
            Arch::Arm64 => {
                // The machine has one port of its own, which speaks from the start; the others are on its bus.
                command.args(["-serial", "chardev:console"]);
                let ports = match self.wiring {
                    Wiring::Pipes => ["stdout", "stderr", "results"],
                    Wiring::Terminal => ["terminal", "sizes", "results"],
                };
                for port in ports {
                    command.args(["-device", &format!("pci-serial,chardev={port}")]);
                }
            }
        }
    }

    fn console_argument(&self) -> &'static str {
        match (self.arch, self.wiring) {
            (Arch::Amd64, Wiring::Pipes) => "console=ttyS0",
            (Arch::Amd64, Wiring::Terminal) => "console=ttyS1",
            (Arch::Arm64, _) => "console=ttyAMA0",
        }
    }

    /// What the guest calls its ports, as settings of its init.
    pub fn port_settings(&self) -> String {
        let ports = match self.arch {
            Arch::Amd64 => [("TERMINAL", 0), ("STDOUT", 1), ("STDERR", 2), ("SIZES", 2), ("RESULTS", 3)],
            Arch::Arm64 => [("TERMINAL", 0), ("STDOUT", 0), ("STDERR", 1), ("SIZES", 1), ("RESULTS", 2)],
        };
        ports.map(|(name, index)| format!("{name}=/dev/ttyS{index}\n")).concat()
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
        /// The socket by which the guest hears of its size.
        sizes: PathBuf,
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

    /// The processor time that it has taken so far; nothing once its end was seen.
    pub fn processor_time(&self) -> Option<Duration> {
        used::processor_time(self.child.id())
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
