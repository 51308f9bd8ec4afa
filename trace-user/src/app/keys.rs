//! What the person does, from a separate thread: reading the terminal cannot be awaited together with the rest.
//!
//! In: the terminal's events. Out: messages for the dashboard. While another program has the terminal, it is not read.

use crate::rights;
use crate::tui::Msg;
use ratatui::crossterm::event;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;

/// The most messages that wait.
const WAITING: usize = 256;
/// How long the terminal is read at once: the longest that a pager waits for it.
const TURN: Duration = Duration::from_millis(100);

/// Something for the dashboard.
#[derive(Debug)]
pub enum Input {
    /// What the person did, or what became of what was asked for.
    Msg(Msg),
    /// The pager has ended; what is to be said about it, if anything.
    PagerEnded(Option<String>),
}

/// The thread that reads the terminal.
#[derive(Clone, Debug)]
pub struct Keyboard {
    turn: Arc<Turn>,
    sender: mpsc::Sender<Input>,
}

/// Whose turn it is to read the terminal.
#[derive(Debug, Default)]
struct Turn {
    is_held: AtomicBool,
    reading: Mutex<()>,
    released: Condvar,
}

impl Keyboard {
    /// Starts to read the terminal. Returns the other end of what it sends, too.
    #[must_use]
    pub fn listen() -> (Self, mpsc::Receiver<Input>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let keyboard = Self { turn: Arc::default(), sender };
        let (turn, sender) = (keyboard.turn.clone(), keyboard.sender.downgrade());
        thread::spawn(move || {
            // It needs none.
            if rights::keep_only(&[]).is_err() {
                return;
            }
            while let Some(sender) = sender.upgrade() {
                let message = match turn.read() {
                    Ok(None) => continue,
                    Ok(Some(message)) => message,
                    Err(_) => Msg::Gone,
                };
                let is_last = message == Msg::Gone;
                if sender.blocking_send(Input::Msg(message)).is_err() || is_last {
                    break;
                }
            }
        });
        (keyboard, receiver)
    }

    /// For what other threads have to say.
    #[must_use]
    pub const fn sender(&self) -> &mpsc::Sender<Input> {
        &self.sender
    }

    /// Does not read the terminal any more, until [`Keyboard::release`].
    pub fn hold(&self) {
        self.turn.is_held.store(true, Ordering::SeqCst);
        // Whoever reads is waited for.
        drop(self.turn.reading.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads the terminal again.
    pub fn release(&self) {
        self.turn.is_held.store(false, Ordering::SeqCst);
        self.turn.released.notify_all();
    }
}

impl Turn {
    /// The next message, if one comes soon.
    fn read(&self) -> std::io::Result<Option<Msg>> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = |(): &mut ()| self.is_held.load(Ordering::SeqCst);
        let _reading = self.released.wait_while(reading, is_held).unwrap_or_else(PoisonError::into_inner);
        if event::poll(TURN)? { event::read().map(Msg::from_terminal) } else { Ok(None) }
    }
}
