//! The threads between a guest's streams and ours.
//!
//! In: the streams of an emulator. Out: what was captured; or our own streams, or our terminal, in its place.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::qemu;
use crate::streams::Streams;
use crate::terminal::{self, Raw};

/// How often the keyboard is asked whether the guest is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often the guest hears of a size that has not changed.
const AGAIN: Duration = Duration::from_secs(1);

/// The running threads; the terminal is given back by [`Relay::finish`] or by dropping it.
pub struct Relay {
    stdout: JoinHandle<Vec<u8>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    ended: Arc<AtomicBool>,
    _terminal: Option<Raw>,
}

impl Relay {
    /// Starts to pass on, or to capture, what comes.
    pub fn start(from: qemu::Streams, to: Streams) -> Relay {
        let ended = Arc::new(AtomicBool::new(false));
        match from {
            qemu::Streams::Pipes { stdout, stderr } => {
                let capture = to == Streams::Capture;
                let stdout = thread::spawn(move || if capture { collect(stdout) } else { pass(stdout, io::stdout()) });
                let stderr = thread::spawn(move || if capture { collect(stderr) } else { pass(stderr, io::stderr()) });
                Relay { stdout, stderr: Some(stderr), ended, _terminal: None }
            }
            qemu::Streams::Terminal { keyboard, screen, sizes } => {
                let raw = terminal::raw();
                let stdout = thread::spawn(move || pass(screen, io::stdout()));
                let seen = Arc::clone(&ended);
                thread::spawn(move || type_in(keyboard, Sizes::to(sizes), &seen));
                Relay { stdout, stderr: None, ended, _terminal: Some(raw) }
            }
        }
    }

    /// Waits for the end of the streams, which end with the emulator; what was captured of output and error.
    pub fn finish(self) -> (Vec<u8>, Vec<u8>) {
        let stdout = self.stdout.join().unwrap_or_default();
        let stderr = self.stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
        self.ended.store(true, Ordering::Relaxed);
        (stdout, stderr)
    }
}

fn collect(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    bytes
}

/// Copies as it comes. Where nobody reads us any more the guest still runs to its end.
fn pass(mut stream: impl Read, mut sink: impl Write) -> Vec<u8> {
    let mut buffer = [0_u8; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let chunk = buffer.get(..count).unwrap_or_default();
        sink.write_all(chunk).and_then(|()| sink.flush()).ok();
    }
    Vec::new()
}

/// Copies keys, and the size of our terminal, until the guest has ended or there are no more keys.
fn type_in(mut keyboard: ChildStdin, mut sizes: Sizes, ended: &AtomicBool) {
    let mut buffer = [0_u8; 4096];
    while !ended.load(Ordering::Relaxed) {
        sizes.report();
        if !terminal::key_waits(LOOK_EVERY) {
            continue;
        }
        let Ok(count @ 1..) = io::stdin().lock().read(&mut buffer) else {
            return;
        };
        let sent = keyboard.write_all(buffer.get(..count).unwrap_or_default());
        if sent.and_then(|()| keyboard.flush()).is_err() {
            return;
        }
    }
}

/// Reports the size of our terminal to the guest, by a serial port, which has no sizes of its own.
struct Sizes {
    socket: PathBuf,
    port: Option<UnixStream>,
    last: Option<((u16, u16), Instant)>,
}

impl Sizes {
    fn to(socket: PathBuf) -> Self {
        Self { socket, port: None, last: None }
    }

    /// Writes a line with rows and columns: if they changed, and once in a while, since a guest that boots misses what
    /// comes before it reads.
    fn report(&mut self) {
        let size = terminal::size();
        if self.last.is_some_and(|(known, at)| known == size && at.elapsed() < AGAIN) {
            return;
        }
        if self.port.is_none() {
            self.port = UnixStream::connect(&self.socket).ok().filter(|port| port.set_nonblocking(true).is_ok());
        }
        let Some(port) = &mut self.port else { return };
        // A guest that does not read its port keeps its size.
        if port.write_all(format!("{} {}\n", size.0, size.1).as_bytes()).is_ok() {
            self.last = Some((size, Instant::now()));
        }
    }
}
