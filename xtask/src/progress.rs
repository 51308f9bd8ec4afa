//! Progress of what takes long: one line per step, on standard error.
//!
//! In: a sentence. Out: that sentence on stderr. Never on stdout, which belongs to the command being run.

/// Says one thing that is being done or that the developer should know.
pub fn say(message: impl AsRef<str>) {
    eprintln!("xtask: {}", message.as_ref());
}
