//! Provokes module requests and loads, alone or many at the same instant.
//!
//! In: a command (see [`USAGE`]). Out: one line per attempt, `ok` or the name of the errno; status 0 whatever the
//! answer was, 2 for a command it does not know. Shipped into every guest as /bin/provoke.
#![expect(unsafe_code, reason = "it makes the system calls that provoke requests")]

mod again;
mod attached;
mod deny;
mod flood;
mod gone;
mod pty;
mod rights;
mod served;

use std::ffi::CString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
provoke socket FAMILY [TYPE [PROTOCOL]]   open one socket (net-pf-N, net-pf-N-proto-P, …)
provoke sockets N FAMILY|A-B …            N processes at once, the i-th opens the i-th family of the list, around
provoke chardevs N MAJOR                  N processes at once, the i-th opens the character device MAJOR,i
provoke finit N FILE                      N processes at once load one module file
provoke fs NAME                           mount a file system of that type on /mnt (fs-NAME)
provoke served ROUNDS                     ask each kernel function that requests modules, so many times; says which
                                          thread asked which function, and what that returned
provoke kill-after MS -- CMD…             start CMD, SIGKILL it after MS milliseconds, say how it ended
provoke forge FAMILY -- CMD…               open a socket, then execute CMD in the same process
provoke wave ACTION …                     one process per action, all at once: fs:NAME asks for a file system,
                                          socket:FAMILY[:TYPE[:PROTOCOL]] opens a socket, kill:NAME asks for a
                                          file system and is killed 300 ms later; says of each its pid, what it
                                          got, and from when to when on the boot clock, in nanoseconds
provoke suspend STATE                     write STATE to /sys/power/state; says what it got, and when it began and
                                          ended, each on the clock that stops in suspend and on the one that does not
provoke clock                             now, on both clocks
provoke took -- CMD…                      how many microseconds CMD took, on the clock that stops in suspend; CMD's own
                                          output goes to where it would
provoke again N fork|socket|open FILE     the same N times, one after another: a process that exits at once, a socket that is
                                          closed again, a file that is opened and closed again
provoke flood SECONDS load                load a module that is not there, over and over, for that long
provoke flood SECONDS socket FAMILY       open sockets of a family that is not there, one after another, for that long
provoke flood SECONDS sockets N FAMILY    the same by N processes
provoke gone PID                          wait until that process has ended, reaped or not
provoke attached                          how many eBPF programs and links the kernel has
provoke deny NAME                         deny requests for file systems whose names begin with NAME's first eight
                                          bytes, while this lives (a BPF security module)
provoke pty FILE -- CMD…                  CMD on a terminal of its own, 120 columns wide and 30 lines high; what it shows
                                          is appended to FILE, as it comes
provoke as UID [with N,N…] -- CMD…        become CMD as that user, without any rights of root's but the capabilities
                                          with these numbers
provoke setcap FILE N,N…                  give a program's file these capabilities";

/// More processes at once than any scenario needs.
const MOST: usize = 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match obey(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("provoke: {error:#}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn obey(words: &[&str]) -> Result<()> {
    match words {
        ["socket", family, rest @ ..] if rest.len() <= 2 => {
            let kind = rest.first().map_or(Ok(libc::SOCK_RAW), |word| socket_type(word))?;
            let protocol = rest.get(1).map_or(Ok(0), |word| number(word))?;
            println!("{}", errno_name(socket(number(family)?, kind, protocol)));
            Ok(())
        }
        ["sockets", count, families @ ..] if !families.is_empty() => sockets(number(count)?, families),
        ["chardevs", count, major] => chardevs(number(count)?, number(major)?),
        ["finit", count, file] => finit(number(count)?, file),
        ["fs", name] => mount(name),
        ["served", rounds] => served::run(number(rounds)?),
        ["wave", actions @ ..] => wave(actions),
        ["suspend", state] => suspend(state),
        ["clock"] => {
            println!("{} {}", now_ns(libc::CLOCK_MONOTONIC), now_ns(libc::CLOCK_BOOTTIME));
            Ok(())
        }
        ["took", "--", program, arguments @ ..] => took(program, arguments),
        ["again", count, what @ ..] => again::run(number(count)?, what),
        ["flood", seconds, "load"] => {
            flood::loads(number(seconds)?);
            Ok(())
        }
        ["flood", seconds, "socket", family] => {
            flood::socket(number(seconds)?, number(family)?);
            Ok(())
        }
        ["flood", seconds, "sockets", processes, family] => {
            flood::sockets(number(seconds)?, number(processes)?, family)
        }
        ["gone", process] => gone::wait_for(process),
        ["attached"] => {
            println!("programs {} links {}", attached::programs()?, attached::links()?);
            Ok(())
        }
        ["forge", family, "--", program, arguments @ ..] => {
            socket(number(family)?, libc::SOCK_RAW, 0);
            Err(Command::new(program).args(arguments).exec()).with_context(|| format!("cannot run {program}"))
        }
        ["deny", name] => deny::deny(name),
        ["pty", file, "--", program, arguments @ ..] => pty::run(file, program, arguments),
        ["as", user, "--", program, arguments @ ..] => rights::become_user(number(user)?, &[], program, arguments),
        ["setcap", file, capabilities] => {
            let capabilities = capabilities.split(',').map(number).collect::<Result<Vec<u32>>>()?;
            rights::give_file(file, &capabilities)
        }
        ["as", user, "with", capabilities, "--", program, arguments @ ..] => {
            let capabilities = capabilities.split(',').map(number).collect::<Result<Vec<u32>>>()?;
            rights::become_user(number(user)?, &capabilities, program, arguments)
        }
        ["kill-after", milliseconds, "--", program, arguments @ ..] => {
            kill_after(Duration::from_millis(number(milliseconds)?), program, arguments)
        }
        _ => bail!("not a command: {}", words.join(" ")),
    }
}

fn took(program: &str, arguments: &[&str]) -> Result<()> {
    let began = now_ns(libc::CLOCK_MONOTONIC);
    let status = Command::new(program).args(arguments).status().with_context(|| format!("cannot run {program}"))?;
    let ended = now_ns(libc::CLOCK_MONOTONIC);
    if !status.success() {
        bail!("{program} failed, and what it took says nothing: {status}");
    }
    eprintln!("took {}", (ended - began) / 1_000);
    Ok(())
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse().ok().with_context(|| format!("not a number: {word}"))
}

fn socket_type(word: &str) -> Result<i32> {
    match word.to_ascii_lowercase().as_str() {
        "stream" | "sock_stream" => Ok(libc::SOCK_STREAM),
        "dgram" | "sock_dgram" => Ok(libc::SOCK_DGRAM),
        "raw" | "sock_raw" => Ok(libc::SOCK_RAW),
        other => number(other),
    }
}

/// The families of `3 10-12`: 3, 10, 11, 12.
fn family_list(words: &[&str]) -> Result<Vec<i32>> {
    let mut families = Vec::new();
    for word in words {
        match word.split_once('-') {
            Some((first, last)) => families.extend(number::<i32>(first)?..=number::<i32>(last)?),
            None => families.push(number(word)?),
        }
    }
    if families.is_empty() {
        bail!("no family in the list");
    }
    Ok(families)
}

fn sockets(count: usize, words: &[&str]) -> Result<()> {
    let families = family_list(words)?;
    let family = |index: usize| families.get(index % families.len()).copied().unwrap_or_default();
    let results = together(count, |index| socket(family(index), libc::SOCK_RAW, 0))?;
    for (index, result) in results.iter().enumerate() {
        println!("{index} family {} {}", family(index), errno_name(*result));
    }
    Ok(())
}

/// Opens a socket and closes it; the errno, 0 for success.
fn socket(family: i32, kind: i32, protocol: i32) -> i32 {
    // SAFETY: the call takes three integers and touches no memory.
    let fd = unsafe { libc::socket(family, kind, protocol) };
    closed(fd)
}

fn chardevs(count: usize, major: u32) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("provoke-{}", std::process::id()));
    std::fs::create_dir(&folder).context("cannot make a folder for the devices")?;
    let mut paths = Vec::new();
    for index in 0..count {
        let path = CString::new(folder.join(index.to_string()).into_os_string().into_encoded_bytes())?;
        let device = libc::makedev(major, u32::try_from(index)?);
        // SAFETY: `path` is NUL-terminated and lives through the call.
        if unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o600, device) } == -1 {
            return Err(io::Error::last_os_error()).context("cannot make a device node");
        }
        paths.push(path);
    }
    let results = together(count, |index| {
        let Some(path) = paths.get(index) else {
            return libc::EINVAL;
        };
        // SAFETY: the path is NUL-terminated and lives through the call.
        closed(unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_NONBLOCK) })
    })?;
    for (index, result) in results.iter().enumerate() {
        println!("{index} chardev {major}:{index} {}", errno_name(*result));
    }
    std::fs::remove_dir_all(&folder).context("cannot remove the device nodes")
}

fn finit(count: usize, file: &str) -> Result<()> {
    let path = CString::new(file)?;
    let results = together(count, |_| {
        // SAFETY: `path` is NUL-terminated and lives through the call.
        let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        if fd == -1 {
            return errno();
        }
        // SAFETY: the parameters are an empty NUL-terminated string; `fd` is open.
        let loaded = unsafe { libc::syscall(libc::SYS_finit_module, fd, c"".as_ptr(), 0) };
        let result = if loaded == -1 { errno() } else { 0 };
        closed(fd);
        result
    })?;
    for (index, result) in results.iter().enumerate() {
        println!("{index} finit {}", errno_name(*result));
    }
    Ok(())
}

/// What one process of a wave does.
enum Action {
    FileSystem(CString),
    Socket(i32, i32, i32),
    Killed(CString),
}

/// How long after the start of a wave those are killed that are to be.
const KILLED_AFTER: Duration = Duration::from_millis(300);

fn action(word: &str) -> Result<Action> {
    let parts: Vec<&str> = word.split(':').collect();
    Ok(match parts.as_slice() {
        ["fs", name] => Action::FileSystem(CString::new(*name)?),
        ["kill", name] => Action::Killed(CString::new(*name)?),
        ["socket", family] => Action::Socket(number(family)?, libc::SOCK_RAW, 0),
        ["socket", family, kind] => Action::Socket(number(family)?, socket_type(kind)?, 0),
        ["socket", family, kind, protocol] => Action::Socket(number(family)?, socket_type(kind)?, number(protocol)?),
        _ => bail!("not an action: {word}"),
    })
}

fn wave(words: &[&str]) -> Result<()> {
    let actions = words.iter().map(|word| action(word)).collect::<Result<Vec<Action>>>()?;
    let is_killed = |index: usize| matches!(actions.get(index), Some(Action::Killed(_)));
    let outcomes = released(actions.len(), is_killed, |index| match actions.get(index) {
        Some(Action::FileSystem(name) | Action::Killed(name)) => file_system(name),
        Some(Action::Socket(family, kind, protocol)) => socket(*family, *kind, *protocol),
        None => libc::EINVAL,
    })?;
    for (word, outcome) in words.iter().zip(outcomes) {
        let got = if outcome.ended_ns == 0 { "killed".to_owned() } else { errno_name(outcome.errno) };
        println!("{word} {} {got} {} {}", outcome.pid, outcome.began_ns, outcome.ended_ns);
    }
    Ok(())
}

/// Asks for a file system of this name; the errno, 0 for success.
fn file_system(name: &CString) -> i32 {
    // SAFETY: the name is NUL-terminated and lives through the call.
    let fd = unsafe { libc::syscall(libc::SYS_fsopen, name.as_ptr(), 0) };
    closed(i32::try_from(fd).unwrap_or(-1))
}

fn mount(name: &str) -> Result<()> {
    let kind = CString::new(name)?;
    // SAFETY: all strings are NUL-terminated and live through the call; there is no data.
    let mounted = unsafe { libc::mount(c"none".as_ptr(), c"/mnt".as_ptr(), kind.as_ptr(), 0, std::ptr::null()) };
    println!("{}", errno_name(if mounted == -1 { errno() } else { 0 }));
    Ok(())
}

fn kill_after(delay: Duration, program: &str, arguments: &[&str]) -> Result<()> {
    let mut child = Command::new(program);
    // A group of its own, so that what it started is killed with it.
    let mut child =
        child.args(arguments).process_group(0).spawn().with_context(|| format!("cannot start {program}"))?;
    thread::sleep(delay);
    let group = i32::try_from(child.id())?;
    // SAFETY: the child has not been waited for, so its number is still its own.
    unsafe { libc::kill(-group, libc::SIGKILL) };
    println!("{}", child.wait().context("cannot wait")?);
    Ok(())
}

/// What the processes of [`together`] share.
struct Shared {
    ready: AtomicU32,
    go: AtomicU32,
    results: [AtomicI32; MOST],
    began_ns: [AtomicU64; MOST],
    ended_ns: [AtomicU64; MOST],
}

/// What became of one process of [`released`].
struct Outcome {
    pid: i32,
    errno: i32,
    began_ns: u64,
    /// Zero where it was killed.
    ended_ns: u64,
}

/// Runs `act(i)` in `count` processes, released at the same instant; their results by index.
fn together(count: usize, act: impl Fn(usize) -> i32) -> Result<Vec<i32>> {
    Ok(released(count, |_| false, act)?.into_iter().map(|outcome| outcome.errno).collect())
}

/// Runs `act(i)` in `count` processes, released at the same instant, and kills those that are to be killed.
fn released(count: usize, killed: impl Fn(usize) -> bool, act: impl Fn(usize) -> i32) -> Result<Vec<Outcome>> {
    if count == 0 || count > MOST {
        bail!("from 1 to {MOST} at once");
    }
    let shared = shared()?;
    let mut children = Vec::new();
    for index in 0..count {
        // SAFETY: this program has one thread, so the child may do all that we may.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()).context("cannot start a process"),
            0 => take_part(shared, index, &act),
            child => children.push(child),
        }
    }
    // Yields rather than spins, so that with few processors the children get to the line.
    while usize::try_from(shared.ready.load(Ordering::Acquire))? < count {
        thread::yield_now();
    }
    shared.go.store(1, Ordering::Release);
    // SAFETY: `go` is a live aligned u32 in memory that all processes share.
    unsafe { libc::syscall(libc::SYS_futex, shared.go.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    if (0..count).any(&killed) {
        thread::sleep(KILLED_AFTER);
    }
    for (_, child) in children.iter().enumerate().filter(|(index, _)| killed(*index)) {
        // SAFETY: the child has not been waited for, so its number is still its own.
        unsafe { libc::kill(*child, libc::SIGKILL) };
    }
    for child in &children {
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(*child, std::ptr::null_mut(), 0) };
    }
    let cells = shared.results.iter().zip(&shared.began_ns).zip(&shared.ended_ns);
    let outcomes = children.into_iter().zip(cells).map(|(pid, ((errno, began), ended))| Outcome {
        pid,
        errno: errno.load(Ordering::Acquire),
        began_ns: began.load(Ordering::Acquire),
        ended_ns: ended.load(Ordering::Acquire),
    });
    Ok(outcomes.collect())
}

/// A child's life: wait on the line, act, note the result, end.
fn take_part(shared: &Shared, index: usize, act: &impl Fn(usize) -> i32) -> ! {
    shared.ready.fetch_add(1, Ordering::AcqRel);
    while shared.go.load(Ordering::Acquire) == 0 {
        let no_limit = std::ptr::null::<libc::timespec>();
        // SAFETY: `go` is a live aligned u32 in memory that all processes share; there is no time limit.
        unsafe { libc::syscall(libc::SYS_futex, shared.go.as_ptr(), libc::FUTEX_WAIT, 0, no_limit) };
    }
    let note = |place: Option<&AtomicU64>| {
        if let Some(place) = place {
            place.store(boot_ns(), Ordering::Release);
        }
    };
    note(shared.began_ns.get(index));
    let result = act(index);
    note(shared.ended_ns.get(index));
    if let Some(place) = shared.results.get(index) {
        place.store(result, Ordering::Release);
    }
    // SAFETY: ends this process without running what belongs to the parent.
    unsafe { libc::_exit(0) }
}

/// Asks the kernel to sleep.
fn suspend(state: &str) -> Result<()> {
    let clocks = || (now_ns(libc::CLOCK_MONOTONIC), now_ns(libc::CLOCK_BOOTTIME));
    let mut file = std::fs::OpenOptions::new().write(true).open("/sys/power/state").context("cannot open it")?;
    let began = clocks();
    let answer = io::Write::write_all(&mut file, state.as_bytes());
    let ended = clocks();
    let errno = answer.err().and_then(|error| error.raw_os_error()).unwrap_or(0);
    println!("{state} {} {} {} {} {}", errno_name(errno), began.0, began.1, ended.0, ended.1);
    Ok(())
}

/// Now, on the clock that does not stop in suspend.
fn boot_ns() -> u64 {
    now_ns(libc::CLOCK_BOOTTIME)
}

/// Now, on a clock.
fn now_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable and lives through the call.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

fn shared() -> Result<&'static Shared> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Shared>(), protection, flags, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error()).context("cannot share memory");
    }
    // SAFETY: the mapping is page-aligned, large enough, zeroed (a valid value of every atomic in it), and stays
    // until the process ends.
    Ok(unsafe { &*memory.cast::<Shared>() })
}

/// Closes `fd` if it is open; the errno of the call that gave it, 0 for success.
fn closed(fd: i32) -> i32 {
    if fd == -1 {
        return errno();
    }
    // SAFETY: `fd` was just opened by us and nobody else has it.
    unsafe { libc::close(fd) };
    0
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or_default()
}

fn errno_name(errno: i32) -> String {
    let names = [
        (0, "ok"),
        (libc::EPERM, "EPERM"),
        (libc::ENOENT, "ENOENT"),
        (libc::EINTR, "EINTR"),
        (libc::EIO, "EIO"),
        (libc::ENXIO, "ENXIO"),
        (libc::ENOEXEC, "ENOEXEC"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::EACCES, "EACCES"),
        (libc::EBUSY, "EBUSY"),
        (libc::EEXIST, "EEXIST"),
        (libc::ENODEV, "ENODEV"),
        (libc::EINVAL, "EINVAL"),
        (libc::ETIME, "ETIME"),
        (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
        (libc::ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"),
        (libc::EPFNOSUPPORT, "EPFNOSUPPORT"),
        (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
        (libc::ETIMEDOUT, "ETIMEDOUT"),
    ];
    let known = names.iter().find(|(number, _)| *number == errno);
    known.map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{family_list, together};

    #[test]
    fn ranges_include_both_ends() {
        assert_eq!(family_list(&["3", "10-12"]).unwrap(), [3, 10, 11, 12]);
        assert!(family_list(&["x"]).is_err() && family_list(&["5-3"]).is_err());
    }

    #[test]
    fn each_process_hands_back_its_own_result() {
        let results = together(5, |index| i32::try_from(index).unwrap() * 10).unwrap();
        assert_eq!(results, [0, 10, 20, 30, 40]);
    }
}
