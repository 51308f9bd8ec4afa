//! The bpf(2) calls that modtrail makes itself. A program is loaded for a type that is known by number, attached
//! without another search of the kernel's types, run once, and asked for its counters.
//!
//! In: instructions, descriptors, names. Out: descriptors and numbers, or what the system answered. Layouts are those
//! of `union bpf_attr` and `struct perf_event_attr` (include/uapi/linux/bpf.h, perf_event.h, 5.8 to 7.3): each call
//! passes the part that it uses, and the kernel treats the rest as zero.

use aya_obj::generated::bpf_insn;
use std::ffi::{CString, c_int, c_long};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

const MAP_UPDATE_ELEM: c_int = 2;
const PROG_LOAD: c_int = 5;
const PROG_TEST_RUN: c_int = 10;
const OBJ_GET_INFO_BY_FD: c_int = 15;
const RAW_TRACEPOINT_OPEN: c_int = 17;
const MAP_FREEZE: c_int = 22;
const LINK_CREATE: c_int = 28;
const ENABLE_STATS: c_int = 32;
const ITER_CREATE: c_int = 33;

/// `BPF_F_SLEEPABLE`
const SLEEPABLE: u32 = 1 << 4;
/// `BPF_TRACE_ITER`
const TRACE_ITERATOR: u32 = 28;
/// `BPF_PERF_EVENT`
const PERF_EVENT: u32 = 41;
/// Room for the verifier's log: newer kernels keep its end, which has the reason.
const LOG_BYTES: usize = 256 * 1024;
/// How often a load is tried that a signal interrupted.
const TRIES: u32 = 5;

/// What a program is loaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Runs at a kprobe or a return probe.
    Kprobe,
    /// Runs at a tracepoint, with untyped arguments.
    RawTracepoint,
    /// Runs at a tracepoint with typed arguments, named by its `btf_trace_` typedef in the kernel's types.
    BtfTracepoint {
        /// The BTF type ID of the typedef.
        of: u32,
    },
    /// Runs at the entry of a function of the kernel's types.
    Fentry {
        /// The BTF type ID of the function.
        of: u32,
    },
    /// Runs at the return of a function of the kernel's types.
    Fexit {
        /// The BTF type ID of the function.
        of: u32,
    },
    /// Runs for each thing that an iterator, described by a function of the kernel's types, goes through.
    Iterator {
        /// The BTF type ID of the function.
        of: u32,
    },
    /// Runs when [`run`] runs it.
    Syscall,
}

impl Type {
    /// `enum bpf_prog_type`, `enum bpf_attach_type`, the BTF type ID, flags.
    const fn numbers(self) -> (u32, u32, u32, u32) {
        match self {
            Self::Kprobe => (2, 0, 0, 0),
            Self::RawTracepoint => (17, 0, 0, 0),
            Self::BtfTracepoint { of } => (26, 23, of, 0),
            Self::Fentry { of } => (26, 24, of, 0),
            Self::Fexit { of } => (26, 25, of, 0),
            Self::Iterator { of } => (26, TRACE_ITERATOR, of, 0),
            Self::Syscall => (31, 0, 0, SLEEPABLE),
        }
    }
}

/// Why the kernel did not accept a program.
#[derive(Debug, thiserror::Error)]
#[error("the kernel refused the program: {answer}{}", .verifier.as_deref().map(|line| format!(": verifier: {line}")).unwrap_or_default())]
pub struct Refused {
    /// What it answered.
    #[source]
    pub answer: io::Error,
    /// The last line of the verifier's log that is neither empty nor a statistic; `None` if there is no log.
    pub verifier: Option<String>,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}

/// Loads a program.
///
/// # Errors
/// [`Refused`], with the end of the verifier's log.
pub fn load(name: &str, kind: Type, code: &[bpf_insn]) -> Result<OwnedFd, Refused> {
    let (prog_type, expected_attach_type, attach_btf_id, prog_flags) = kind.numbers();
    let mut attributes = ProgLoad {
        prog_type,
        insn_cnt: u32::try_from(code.len()).unwrap_or(u32::MAX),
        insns: code.as_ptr() as u64,
        license: c"Dual MIT/GPL".as_ptr() as u64,
        prog_flags,
        expected_attach_type,
        attach_btf_id,
        ..ProgLoad::default()
    };
    // The last byte stays zero; the kernel allows letters, digits, `_` and `.`.
    attributes.prog_name.iter_mut().take(15).zip(name.bytes()).for_each(|(to, from)| *to = from);
    let answer = match again(|| descriptor(PROG_LOAD, &mut attributes)) {
        Ok(program) => return Ok(program),
        Err(answer) => answer,
    };
    let mut log = vec![0_u8; LOG_BYTES];
    attributes.log_level = 1;
    attributes.log_size = u32::try_from(log.len()).unwrap_or(0);
    attributes.log_buf = log.as_mut_ptr() as u64;
    match again(|| descriptor(PROG_LOAD, &mut attributes)) {
        Ok(program) => Ok(program),
        Err(_) => Err(Refused { answer, verifier: last_words(&log) }),
    }
}

/// The kernel gives a load up if a signal is pending; it may be tried again (kernel/bpf/verifier.c, `signal_pending`).
fn again(mut call: impl FnMut() -> io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    for _ in 1..TRIES {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            answer => return answer,
        }
    }
    call()
}

/// The last line of a verifier's log that is not a statistic.
fn last_words(log: &[u8]) -> Option<String> {
    let text = log.split(|byte| *byte == 0).next().map(String::from_utf8_lossy)?;
    let is_figure =
        |line: &str| ["processed", "stack depth", "verification time"].iter().any(|word| line.starts_with(word));
    text.lines().rev().find(|line| !line.trim().is_empty() && !is_figure(line)).map(str::to_owned)
}

#[repr(C)]
struct RawTracepointOpen {
    name: u64,
    prog_fd: u32,
    reserved: u32,
}

/// Attaches a program of a trampoline or a typed tracepoint to what it was loaded for, and any other to the tracepoint
/// `name`.
///
/// # Errors
/// What the system answers.
pub fn attach(program: BorrowedFd<'_>, name: Option<&str>) -> io::Result<OwnedFd> {
    let name = name.map(CString::new).transpose()?;
    let mut attributes = RawTracepointOpen {
        name: name.as_ref().map_or(0, |name| name.as_ptr() as u64),
        prog_fd: number(program),
        reserved: 0,
    };
    descriptor(RAW_TRACEPOINT_OPEN, &mut attributes)
}

/// How kprobes are attached, as this kernel numbers it.
#[derive(Clone, Copy, Debug)]
pub struct Kprobes {
    event_type: u32,
    return_bit: u32,
}

impl Kprobes {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The system's answer if the description of kprobes cannot be read: a kernel without kprobes has no such file.
    pub fn find() -> io::Result<Self> {
        const FOLDER: &str = "/sys/bus/event_source/devices/kprobe";
        let odd = || io::Error::other(format!("{FOLDER} holds something unexpected"));
        let event_type = fs::read_to_string(format!("{FOLDER}/type"))?.trim().parse().map_err(|_| odd())?;
        let format = fs::read_to_string(format!("{FOLDER}/format/retprobe"))?;
        let return_bit = format.trim().strip_prefix("config:").and_then(|bit| bit.parse().ok()).ok_or_else(odd)?;
        Ok(Self { event_type, return_bit })
    }
}

#[repr(C)]
#[derive(Default)]
struct PerfEvent {
    kind: u32,
    size: u32,
    config: u64,
    sample: [u64; 4],
    wakeup_and_breakpoint: [u32; 2],
    /// The function's name. If zero, `place` is its address; otherwise, `place` is an offset in the function.
    name: u64,
    place: u64,
}

#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    cookie: u64,
}

/// A function of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Function<'name> {
    /// Its name.
    pub name: &'name str,
    /// Its address; zero if it is not known. Before 6.2 the kernel takes longer to find a function by its name than to
    /// attach to it.
    pub address: u64,
}

/// Attaches a program to the entry of a function, or to its returns. The returned value keeps it attached.
///
/// # Errors
/// What the system answers.
#[expect(unsafe_code, reason = "no library wraps these calls for a program that it did not load")]
pub fn attach_kprobe(
    program: BorrowedFd<'_>,
    kprobes: Kprobes,
    function: Function<'_>,
    on_return: bool,
) -> io::Result<OwnedFd> {
    /// `PERF_EVENT_IOC_SET_BPF`, `PERF_EVENT_IOC_ENABLE`
    const SET_BPF: u32 = 0x4004_2408;
    const ENABLE: u32 = 0x2400;
    /// `PERF_FLAG_FD_CLOEXEC`
    const CLOSE_ON_EXEC: c_long = 8;
    let name = CString::new(function.name)?;
    let (name, place) = if function.address == 0 { (name.as_ptr() as u64, 0) } else { (0, function.address) };
    let attributes = PerfEvent {
        kind: kprobes.event_type,
        size: u32::try_from(size_of::<PerfEvent>()).unwrap_or(0),
        config: if on_return { 1 << kprobes.return_bit } else { 0 },
        name,
        place,
        ..PerfEvent::default()
    };
    let (every_process, first_cpu, no_group): (c_long, c_long, c_long) = (-1, 0, -1);
    // SAFETY: the kernel reads `size` bytes of `attributes` and the string that it names; both live through the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            every_process,
            first_cpu,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    let event = owned(answer)?;
    let mut link = LinkCreate {
        prog_fd: number(program),
        target_fd: number(event.as_fd()),
        attach_type: PERF_EVENT,
        flags: 0,
        cookie: 0,
    };
    match descriptor(LINK_CREATE, &mut link) {
        // The link keeps the event.
        Ok(link) => return Ok(link),
        // Before 5.15 an event has no link.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
        Err(error) => return Err(error),
    }
    // SAFETY: the requests take a descriptor and nothing, as numbers.
    let set = unsafe { libc::ioctl(event.as_raw_fd(), SET_BPF.into(), program.as_raw_fd()) };
    // SAFETY: as above.
    if set == -1 || unsafe { libc::ioctl(event.as_raw_fd(), ENABLE.into(), 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(event)
}

/// Attaches an iterator's program to its iterator.
///
/// # Errors
/// What the system answers.
pub fn attach_iterator(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut link =
        LinkCreate { prog_fd: number(program), target_fd: 0, attach_type: TRACE_ITERATOR, flags: 0, cookie: 0 };
    descriptor(LINK_CREATE, &mut link)
}

/// A file that holds what an iterator's program writes: it runs while the file is read.
///
/// # Errors
/// What the system answers.
pub fn iterate(link: BorrowedFd<'_>) -> io::Result<File> {
    descriptor(ITER_CREATE, &mut [number(link), 0]).map(File::from)
}

#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
}

/// Runs a [`Type::Syscall`] program once, with `word` as its context, and returns what the program wrote there.
///
/// # Errors
/// What the system answers.
pub fn run(program: BorrowedFd<'_>, mut word: u64) -> io::Result<u64> {
    let mut attributes = TestRun {
        prog_fd: number(program),
        ctx_size_in: u32::try_from(size_of::<u64>()).unwrap_or(0),
        ctx_in: &raw mut word as u64,
        ..TestRun::default()
    };
    bpf(PROG_TEST_RUN, &mut attributes)?;
    Ok(word)
}

#[repr(C)]
struct Update {
    map: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Fills the only element of a map of one element of `value_size` bytes.
///
/// # Errors
/// What the system answers, or that `data` has another size.
pub fn fill(map: BorrowedFd<'_>, data: &[u8], value_size: u32) -> io::Result<()> {
    if u32::try_from(data.len()) != Ok(value_size) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let key = 0_u32;
    let (key, value) = (&raw const key as u64, data.as_ptr() as u64);
    bpf(MAP_UPDATE_ELEM, &mut Update { map: number(map), reserved: 0, key, value, flags: 0 }).map(drop)
}

/// Makes a map read-only for user space, so that programs treat its content as constant.
///
/// # Errors
/// What the system answers.
pub fn freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    bpf(MAP_FREEZE, &mut number(map)).map(drop)
}

#[repr(C)]
struct InfoByFd {
    descriptor: u32,
    length: u32,
    info: u64,
}

/// Words of eight bytes of `struct bpf_prog_info`; a kernel that knows fewer leaves the last ones zero.
const PROGRAM_WORDS: usize = 28;

/// What the kernel counts of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Its number.
    pub id: u32,
    /// Nanoseconds that it ran, while statistics were kept.
    pub run_ns: u64,
    /// How often it ran, while statistics were kept.
    pub runs: u64,
    /// Runs that were skipped because the same program was running on that CPU in a task that was preempted; from 5.12
    /// on.
    pub skipped: u64,
}

/// Asks for a program's counters.
///
/// # Errors
/// What the system answers.
pub fn counters(program: BorrowedFd<'_>) -> io::Result<Counters> {
    let words: [u64; PROGRAM_WORDS] = info(program)?;
    let [first, .., run_ns, runs, skipped, _] = words;
    Ok(Counters { id: u32::try_from(first >> 32).unwrap_or(0), run_ns, runs, skipped })
}

/// Words of eight bytes of `struct bpf_link_info` for a perf event's link that is a kprobe, from 6.7 on: type and id,
/// program, type of the event, name, length and offset, address, `missed`, cookie.
const LINK_WORDS: usize = 8;

/// How many calls a kprobe's link did not see: zero before 6.7, which does not count them; `None` if it cannot be read,
/// as before 5.15, which has no such links.
#[must_use]
pub fn missed(link: BorrowedFd<'_>) -> Option<u64> {
    let words: [u64; LINK_WORDS] = info(link).ok()?;
    let [.., missed, _] = words;
    Some(missed)
}

fn info<const N: usize>(of: BorrowedFd<'_>) -> io::Result<[u64; N]> {
    let mut words = [0_u64; N];
    let mut attributes = InfoByFd {
        descriptor: number(of),
        length: u32::try_from(size_of::<[u64; N]>()).unwrap_or(0),
        info: words.as_mut_ptr() as u64,
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes)?;
    Ok(words)
}

/// Makes the kernel keep statistics of all programs' runs for as long as the returned value lives.
///
/// # Errors
/// What the system answers: CAP_SYS_ADMIN is required.
pub fn enable_stats() -> io::Result<OwnedFd> {
    // `BPF_STATS_RUN_TIME`
    descriptor(ENABLE_STATS, &mut 0_u32)
}

fn number(descriptor: BorrowedFd<'_>) -> u32 {
    u32::try_from(descriptor.as_raw_fd()).unwrap_or(u32::MAX)
}

fn descriptor<T>(command: c_int, attributes: &mut T) -> io::Result<OwnedFd> {
    owned(bpf(command, attributes)?)
}

#[expect(unsafe_code, reason = "no library wraps this call as it is needed here")]
fn bpf<T>(command: c_int, attributes: &mut T) -> io::Result<c_long> {
    // SAFETY: every `T` in this file is an integer, or `repr(C)` of integers without padding, laid out as the command's
    // part of `union bpf_attr`. The addresses in it point to memory that lives through the call, for as many bytes as
    // the lengths beside them say or, for a map's key and value, as the map's own sizes, which `fill` compares.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<T>()) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[expect(unsafe_code, reason = "a descriptor comes back as a number")]
fn owned(answer: c_long) -> io::Result<OwnedFd> {
    match c_int::try_from(answer) {
        // SAFETY: the kernel has just opened this descriptor for the caller, which owns it from here on.
        Ok(descriptor @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        Ok(_) | Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_where_the_kernel_looks_for_them() {
        assert_eq!(std::mem::offset_of!(ProgLoad, attach_btf_id), 108);
        assert_eq!(std::mem::offset_of!(ProgLoad, expected_attach_type), 68);
        assert_eq!((std::mem::offset_of!(PerfEvent, name), std::mem::offset_of!(PerfEvent, place)), (56, 64));
        assert_eq!((std::mem::offset_of!(TestRun, ctx_in), std::mem::offset_of!(LinkCreate, cookie)), (48, 16));
    }

    #[test]
    fn the_verifiers_last_words_are_not_its_figures() {
        let log = b"0: R1=ctx\ninvalid access\nprocessed 3 insns\nstack depth 8\n\0garbage\n";
        assert_eq!(last_words(log).as_deref(), Some("invalid access"));
        assert_eq!(last_words(b"\0"), None);
    }

    #[test]
    fn what_is_not_a_program_has_no_counters() {
        let file = File::open("/dev/null").unwrap();
        assert!(counters(file.as_fd()).is_err() && missed(file.as_fd()).is_none());
    }
}
