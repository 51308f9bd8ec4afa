//! The terminal itself: the only code of the dashboard that does I/O.
//!
//! [`Terminal::open`] takes over the terminal (raw mode, alternate screen, mouse, bracketed paste). It is restored when
//! the value is dropped or when the program panics, whichever comes first, and only once. While the program is stopped,
//! it is restored too: [`Terminal::close`], then [`Terminal::take_again`].

use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The terminal of the process, whatever its standard streams are.
const TTY: &str = "/dev/tty";

/// Why there is no terminal to draw on.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Standard output is not a terminal, and the process has none of its own.
    #[error("standard output is not a terminal, and {TTY} cannot be opened")]
    None(#[source] io::Error),
    /// The terminal does not do what it is asked to do.
    #[error("cannot take the terminal over")]
    Enter(#[source] io::Error),
    /// The terminal is gone.
    #[error("cannot draw on the terminal")]
    Draw(#[source] io::Error),
}

/// The terminal, taken over.
pub struct Terminal {
    inner: Inner,
    guard: Guard,
}

type Inner = ratatui::Terminal<CrosstermBackend<BufWriter<Output>>>;

/// What is written to.
#[derive(Debug)]
enum Output {
    Stdout(io::Stdout),
    Tty(File),
}

/// Restores the terminal.
#[derive(Clone, Debug)]
struct Guard {
    taken: Arc<AtomicBool>,
    target: Target,
    /// The mouse was taken too.
    mouse: bool,
    /// Its modes before it was taken over; `None` if they could not be read.
    modes: Option<Termios>,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Stdout,
    Tty,
}

impl Terminal {
    /// Takes over standard output if it is a terminal, otherwise the process's own terminal; with the `mouse` or
    /// without.
    ///
    /// # Errors
    /// There is no terminal, or it cannot be taken over; it is then unchanged.
    pub fn open(mouse: bool) -> Result<Self, TerminalError> {
        let target = if io::stdout().is_terminal() { Target::Stdout } else { Target::Tty };
        let mut output = target.open().map_err(TerminalError::None)?;
        let modes = tcgetattr(&output).ok();
        let guard = Guard { taken: Arc::new(AtomicBool::new(true)), target, mouse, modes };
        let entered = enter(&mut output, mouse).and_then(|()| blank(output));
        match entered {
            Ok(inner) => {
                guard.hook_panics();
                Ok(Self { inner, guard })
            }
            Err(error) => {
                guard.give_back();
                Err(TerminalError::Enter(error))
            }
        }
    }

    /// Draws one frame; what did not change is not sent.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, frame: impl FnOnce(Rect, &mut Buffer)) -> Result<(), TerminalError> {
        let drawn = self.inner.draw(|target| {
            let area = target.area();
            frame(area, target.buffer_mut());
        });
        drawn.map(|_| ()).map_err(TerminalError::Draw)
    }

    /// Whether nobody is at its other end any more. One that is not the process's own does not send a signal then.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let Ok(output) = self.guard.target.open() else { return true };
        let mut wanted = [PollFd::new(&output, PollFlags::empty())];
        let polled = poll(&mut wanted, Some(&Timespec::default()));
        let [answer] = &wanted;
        polled.is_ok_and(|ready| ready > 0) && answer.revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }

    /// Empties it, so that the next frame is drawn whole.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn clear(&mut self) -> Result<(), TerminalError> {
        let emptied = self.guard.target.open().and_then(|mut output| {
            execute!(output, Clear(ClearType::All))?;
            blank(output)
        });
        self.inner = emptied.map_err(TerminalError::Draw)?;
        Ok(())
    }

    /// Takes it over again, whatever was done to it since: the next frame is drawn whole.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn take_again(&mut self) -> Result<(), TerminalError> {
        // Raw mode may have been ended by somebody else; whoever sets it twice has no effect.
        drop(disable_raw_mode());
        self.guard.restore_modes();
        self.guard.taken.store(true, Ordering::SeqCst);
        let entered = self.guard.target.open().and_then(|mut output| enter(&mut output, self.guard.mouse));
        entered.map_err(TerminalError::Enter)?;
        self.clear()
    }

    /// Restores it. Nothing is drawn on it after this, unless it is taken again.
    pub fn close(&mut self) {
        self.guard.give_back();
    }

    /// Asks it to keep `text` as what was copied, to be pasted elsewhere. Whether it does is up to the terminal.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> Result<(), TerminalError> {
        let copied =
            self.guard.target.open().and_then(|mut output| execute!(output, CopyToClipboard::to_clipboard_from(text)));
        copied.map_err(TerminalError::Draw)
    }

    /// It, as the output of another program; `None` if that is standard output.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn for_program(&self) -> Result<Option<File>, TerminalError> {
        match self.guard.target.open().map_err(TerminalError::Draw)? {
            Output::Stdout(_) => Ok(None),
            Output::Tty(file) => Ok(Some(file)),
        }
    }

    /// Its size: columns, rows.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn size(&self) -> Result<(u16, u16), TerminalError> {
        let size = self.inner.size().map_err(TerminalError::Draw)?;
        Ok((size.width, size.height))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.close();
    }
}

/// A terminal that shows nothing, for drawing on.
fn blank(output: Output) -> io::Result<Inner> {
    ratatui::Terminal::new(CrosstermBackend::new(BufWriter::new(output)))
}

fn enter(output: &mut Output, mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(output, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if mouse { execute!(output, EnableMouseCapture) } else { Ok(()) }
}

impl Guard {
    /// A panic's message is written to a restored terminal.
    fn hook_panics(&self) {
        let guard = self.clone();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            guard.give_back();
            before(panicked);
        }));
    }

    /// A terminal that is gone needs nothing: errors are ignored here.
    fn give_back(&self) {
        if !self.taken.swap(false, Ordering::SeqCst) {
            return;
        }
        if let Ok(mut output) = self.target.open() {
            if self.mouse {
                let _ = execute!(output, DisableMouseCapture);
            }
            let left = execute!(output, DisableBracketedPaste, LeaveAlternateScreen, Show);
            drop(left);
        }
        drop(disable_raw_mode());
        self.restore_modes();
    }

    /// The modes are as they were before it was taken over, whatever another program left: what is restored in the end
    /// is what is found here.
    fn restore_modes(&self) {
        if let Some(modes) = &self.modes
            && let Ok(output) = self.target.open()
        {
            let _ = tcsetattr(&output, OptionalActions::Now, modes);
        }
    }
}

impl Target {
    fn open(self) -> io::Result<Output> {
        match self {
            Self::Stdout => Ok(Output::Stdout(io::stdout())),
            Self::Tty => OpenOptions::new().read(true).write(true).open(TTY).map(Output::Tty),
        }
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout(stdout) => stdout.as_fd(),
            Self::Tty(file) => file.as_fd(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::Tty(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::Tty(file) => file.flush(),
        }
    }
}
