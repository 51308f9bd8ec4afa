//! Running one command in a fresh guest.
//!
//! In: [`VmOptions`]. Out: [`VmOutcome`]: how the command ended and what it wrote. The guest is gone when
//! [`run`] returns, whatever happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::accelerator;
use crate::arch::Arch;
use crate::artifact::{self, Programs};
use crate::cpio::Archive;
use crate::guest::Guest;
use crate::initramfs;
use crate::interrupt;
use crate::kernels::{self, Kernel};
use crate::paths;
use crate::process;
use crate::qemu::{self, Accelerator, Clock, Machine, Qemu, Start, Wiring};
use crate::relay::Relay;
use crate::results::{self, Results};
use crate::rundir::RunFolder;
use crate::snapshot::{self, Snapshot};
use crate::spent;
use crate::streams::Streams;
use crate::terminal;

/// The exit status of a guest that ran out of time.
pub const TIMED_OUT: i32 = 124;
/// The exit status of a guest that ended without saying how its command did.
pub const DIED: i32 = 125;

/// How often the emulator and the clock are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Which file of the kernel is booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootFile {
    /// The unpacked one where there is one: faster.
    Fastest,
    /// The compressed one: needed to resume from real suspend.
    BzImage,
}

/// A file or folder of the host and the place it has in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// On the host.
    pub host: PathBuf,
    /// In the guest.
    pub guest: String,
}

/// What to run, and in what.
#[derive(Clone, Debug)]
pub struct VmOptions {
    /// The kernel and the machine type.
    pub guest: Guest,
    /// Processors.
    pub smp: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// From the start of the guest; `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// Modules to ship, by name.
    pub modules: Vec<String>,
    /// Files to ship; modes are kept.
    pub files: Vec<Shipped>,
    /// Where the guest's /out comes back to.
    pub out: Option<PathBuf>,
    /// Arguments for the kernel.
    pub append: Vec<String>,
    /// Which file of the kernel is booted.
    pub boot: BootFile,
    /// By what time passes in the guest.
    pub clock: Clock,
    /// Boot it, even where one that was saved could go on.
    pub afresh: bool,
    /// Where the output goes.
    pub streams: Streams,
    /// The command and its arguments.
    pub command: Vec<String>,
}

impl VmOptions {
    /// A captured run of `command` with the defaults of `cargo xtask vm`.
    pub fn new(guest: Guest, command: &[&str]) -> VmOptions {
        VmOptions {
            guest,
            smp: 2,
            memory_mib: 1024,
            timeout: Some(Duration::from_secs(120)),
            modules: Vec::new(),
            files: Vec::new(),
            out: None,
            append: Vec::new(),
            boot: BootFile::Fastest,
            clock: Clock::Host,
            afresh: false,
            streams: Streams::Capture,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The command ended with this status.
    Exited(i32),
    /// The time was up; the guest was killed.
    TimedOut,
    /// The guest ended without a status: why, as far as its console tells.
    Died(String),
    /// We were asked to stop by this signal.
    Interrupted(i32),
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct VmOutcome {
    /// How it ended.
    pub end: End,
    /// What the command wrote to standard output, where captured.
    pub stdout: Vec<u8>,
    /// What the command wrote to standard error, where captured.
    pub stderr: Vec<u8>,
    /// What the kernel said.
    pub console: String,
    /// From the start of the guest to its end.
    pub took: Duration,
    /// The processor time that its emulator took.
    pub processor_time: Duration,
    /// The release of the kernel.
    pub release: String,
}

impl VmOutcome {
    /// The exit status that stands for the end.
    pub fn status(&self) -> i32 {
        match self.end {
            End::Exited(status) => status,
            End::TimedOut => TIMED_OUT,
            End::Died(_) => DIED,
            End::Interrupted(signal) => 128 + signal,
        }
    }
}

/// Runs the command in a fresh guest and waits for it.
pub fn run(options: &VmOptions) -> Result<VmOutcome> {
    if options.command.is_empty() {
        bail!("no command to run in the guest");
    }
    if options.streams == Streams::Interactive && !terminal::present() {
        bail!("--interactive needs a terminal on standard input and output");
    }
    let folder = RunFolder::new()?;
    let arch = options.guest.arch;
    let programs = artifact::build(arch)?;
    let lock = paths::lock_cache()?;
    let kernel = kernels::provide(options.guest)?;
    let accelerator = match arch {
        Arch::Amd64 => accelerator::decide(|| can_boot_by_kvm(&kernel, &programs))?,
        Arch::Arm64 => Accelerator::Tcg,
    };
    // A saved guest is in use until the emulator that continues it has ended.
    let (machine, _saved) = if can_continue(options) {
        // Other runs need the cache while this one may boot a guest to be saved.
        drop(lock);
        let snapshot = snapshot(options, &kernel, &programs, accelerator)?;
        let _lock = paths::lock_cache()?;
        (continued(options, &kernel, &snapshot, folder.path(), accelerator)?, Some(snapshot))
    } else {
        let machine = machine(options, &kernel, &programs, folder.path(), accelerator)?;
        drop(lock);
        (machine, None)
    };
    let outcome = drive(options, &machine, &kernel)?;
    spent::note_guest(&kernel.guest.to_string(), outcome.processor_time);
    Ok(outcome)
}

/// Whether the guest may continue from where another was saved: it is like most, and so is worth saving.
fn can_continue(options: &VmOptions) -> bool {
    let usual = VmOptions::new(options.guest, &[]);
    snapshot::is_enabled()
        && !options.afresh
        && options.streams != Streams::Interactive
        && (options.memory_mib, options.boot) == (usual.memory_mib, usual.boot)
        && options.append.is_empty()
}

/// Such a guest, saved where it waits. Takes the cache lock, but not while the guest boots.
fn snapshot(options: &VmOptions, kernel: &Kernel, programs: &Programs, accelerator: Accelerator) -> Result<Snapshot> {
    let lock = paths::lock_cache()?;
    // Modules are brought by each run.
    let pieces = pieces(kernel, programs, &[])?;
    let clock = match options.clock {
        Clock::Host => "",
        Clock::Instructions => "-by-instructions",
    };
    let name = format!("{}-{}{clock}", kernel.guest, options.smp);
    let (smp, clock) = (options.smp, options.clock);
    let mut options = VmOptions { smp, clock, ..VmOptions::new(options.guest, &["true"]) };
    options.modules = snapshot::MODULES.map(str::to_owned).to_vec();
    let mut described = machine_of(&options, kernel, Path::new("/saved"), accelerator)?;
    described.start = Start::ToBeSaved;
    let emulator = paths::stamp(&process::found(&described.emulator))?;
    let key = paths::key((&pieces, &kernel.release, described.description(), emulator));
    drop(lock);
    let check = |saved: &Snapshot| {
        let folder = RunFolder::new()?;
        let options = VmOptions { modules: Vec::new(), ..options.clone() };
        let lock = paths::lock_cache()?;
        let machine = continued(&options, kernel, saved, folder.path(), accelerator)?;
        drop(lock);
        match drive(&options, &machine, kernel)?.end {
            End::Exited(0) => Ok(()),
            End::Died(_) => bail!("it died"),
            other @ (End::Exited(_) | End::TimedOut | End::Interrupted(_)) => bail!("{other:?}"),
        }
    };
    let make = |folder: &Path| {
        let _lock = paths::lock_cache()?;
        let machine = Machine {
            folder: folder.to_path_buf(),
            kernel: folder.join("kernel"),
            initrd: folder.join("initrd"),
            ..described.clone()
        };
        let file = kernel.vmlinux().unwrap_or_else(|| kernel.bzimage());
        fs::copy(&file, &machine.kernel).context("cannot copy the kernel")?;
        initramfs::assemble(&machine.initrd, &pieces, |archive| {
            initramfs::add_modules(archive, kernel, &options.modules)?;
            let settings = format!("WAIT=1\n{}", settings(&options, &machine));
            archive.file("run/modtrail/settings", 0o600, settings.as_bytes())
        })?;
        snapshot::write_empty_disk(&machine.disk())?;
        Ok(machine)
    };
    Snapshot::provide(&name, &key, make, check)
}

/// A guest that continues, with what this run brings on its disk.
fn continued(
    options: &VmOptions,
    kernel: &Kernel,
    snapshot: &Snapshot,
    folder: &Path,
    accelerator: Accelerator,
) -> Result<Machine> {
    let mut machine = machine_of(options, kernel, folder, accelerator)?;
    machine.start = Start::Continue(snapshot.state());
    (machine.kernel, machine.initrd) = (snapshot.kernel(), snapshot.initrd());
    let mut archive = Archive::new(Vec::new());
    initramfs::add_what_is_missing(&mut archive, kernel, &options.modules)?;
    own_files(options, &machine, &mut archive)?;
    snapshot::write_disk(&machine.disk(), &archive.finish()?)?;
    Ok(machine)
}

/// What a guest boots from, but for what a run brings. Needs the cache lock.
fn pieces(kernel: &Kernel, programs: &Programs, modules: &[String]) -> Result<Vec<PathBuf>> {
    let arch = kernel.guest.arch;
    let mut pieces = vec![initramfs::base(arch)?];
    pieces.extend(initramfs::modules(kernel, modules)?);
    pieces.push(initramfs::programs(programs, arch)?);
    Ok(pieces)
}

fn machine(
    options: &VmOptions,
    kernel: &Kernel,
    programs: &Programs,
    folder: &Path,
    accelerator: Accelerator,
) -> Result<Machine> {
    let file = match options.boot {
        BootFile::Fastest => kernel.vmlinux().unwrap_or_else(|| kernel.bzimage()),
        BootFile::BzImage => kernel.bzimage(),
    };
    let machine = machine_of(options, kernel, folder, accelerator)?;
    // A name of our own: the cache may replace the kernel while we run.
    fs::hard_link(&file, &machine.kernel).or_else(|_| fs::copy(&file, &machine.kernel).map(drop))?;
    let pieces = pieces(kernel, programs, &options.modules)?;
    initramfs::assemble(&machine.initrd, &pieces, |archive| own_files(options, &machine, archive))?;
    Ok(machine)
}

/// The machine, whose files are still to be written.
fn machine_of(options: &VmOptions, kernel: &Kernel, folder: &Path, accelerator: Accelerator) -> Result<Machine> {
    let wiring = match options.streams {
        Streams::PassThrough | Streams::Capture => Wiring::Pipes,
        Streams::Interactive => Wiring::Terminal,
    };
    let append = [kernel.guest.series.arguments()].map(str::to_owned).into_iter().chain(options.append.clone());
    Ok(Machine {
        emulator: qemu::emulator(kernel.guest.arch)?,
        arch: kernel.guest.arch,
        kernel: folder.join("kernel"),
        initrd: folder.join("initrd"),
        smp: options.smp,
        memory_mib: options.memory_mib,
        append: append.collect(),
        accelerator,
        clock: options.clock,
        wiring,
        start: Start::Boot,
        folder: folder.to_path_buf(),
    })
}

/// What only this run brings.
fn own_files(options: &VmOptions, machine: &Machine, archive: &mut Archive<Vec<u8>>) -> Result<()> {
    archive.file("run/modtrail/settings", 0o600, settings(options, machine).as_bytes())?;
    archive.file("run/modtrail/command", 0o600, script(&options.command).as_bytes())?;
    options.files.iter().try_for_each(|shipped| archive.copy(&shipped.host, &shipped.guest))
}

/// What the guest's init reads about this run.
fn settings(options: &VmOptions, machine: &Machine) -> String {
    let wiring = machine.wiring;
    let (rows, columns) = terminal::size();
    let term = std::env::var("TERM").unwrap_or_else(|_| "linux".to_owned());
    let interactive = u8::from(wiring == Wiring::Terminal);
    let mut text = format!("INTERACTIVE={interactive}\nROWS={rows}\nCOLS={columns}\n");
    text.push_str(&format!("WANT_OUT={}\n", u8::from(options.out.is_some())));
    // For a guest that continues, whose clock stood still.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    text.push_str(&format!("NOW={}\n", now.as_secs()));
    text.push_str(&machine.port_settings());
    if wiring == Wiring::Terminal {
        text.push_str(&format!("export TERM={}\n", quoted(&term)));
        for name in ["COLORTERM", "NO_COLOR"] {
            if let Ok(value) = std::env::var(name) {
                text.push_str(&format!("export {name}={}\n", quoted(&value)));
            }
        }
    }
    text
}

/// A shell script that becomes the command.
fn script(command: &[String]) -> String {
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    format!("exec {}\n", words.join(" "))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a guest comes up and ends by KVM, in a time that emulation would need at most.
fn can_boot_by_kvm(kernel: &Kernel, programs: &Programs) -> Result<bool> {
    let mut options = VmOptions::new(kernel.guest, &["true"]);
    options.timeout = Some(Duration::from_secs(10));
    let folder = RunFolder::new()?;
    let machine = machine(&options, kernel, programs, folder.path(), Accelerator::Kvm)?;
    let outcome = drive(&options, &machine, kernel)?;
    Ok(outcome.end == End::Exited(0))
}

fn drive(options: &VmOptions, machine: &Machine, kernel: &Kernel) -> Result<VmOutcome> {
    let started = Instant::now();
    let mut qemu = machine.start()?;
    let streams = Relay::start(qemu.streams().context("no streams")?, options.streams);
    let mut processor_time = Duration::ZERO;
    let cut = wait(&mut qemu, options.timeout, started, &mut processor_time)?;
    let took = started.elapsed();
    let (stdout, stderr) = streams.finish();
    let console = fs::read(machine.console()).unwrap_or_default();
    let console = String::from_utf8_lossy(&console).replace('\r', "");
    let results = results::read(&machine.results())?;
    let end = match (&results, cut) {
        (Some(Results { status, .. }), _) => End::Exited(*status),
        (None, Some(cut)) => cut,
        (None, None) => End::Died(results::reason(&console, &machine.emulator_log())),
    };
    if let (Some(results), Some(out)) = (&results, &options.out) {
        if results.tar_bytes > 0 {
            results::cut_tar(&machine.results(), results)?;
            initramfs::unpack_out(&machine.results(), out)?;
        } else {
            paths::make_dir(out)?;
        }
    }
    Ok(VmOutcome { end, stdout, stderr, console, took, processor_time, release: kernel.release.clone() })
}

/// Waits for the emulator's end; ends it itself when the time is up or we are asked to stop.
fn wait(
    qemu: &mut Qemu,
    timeout: Option<Duration>,
    started: Instant,
    processor_time: &mut Duration,
) -> Result<Option<End>> {
    loop {
        *processor_time = qemu.processor_time().unwrap_or(*processor_time);
        if qemu.ended()?.is_some() {
            return Ok(None);
        }
        let cut = match interrupt::asked() {
            Some(signal) => Some(End::Interrupted(signal)),
            None => timeout.filter(|limit| started.elapsed() >= *limit).map(|_| End::TimedOut),
        };
        if cut.is_some() {
            qemu.kill();
            return Ok(cut);
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, script};

    #[test]
    fn words_reach_the_guest_as_they_were() {
        assert_eq!(
            script(&["sh".to_owned(), "-c".to_owned(), "a 'b' $c".to_owned()]),
            "exec 'sh' '-c' 'a '\\''b'\\'' $c'\n"
        );
        assert_eq!(quoted(""), "''");
    }
}
