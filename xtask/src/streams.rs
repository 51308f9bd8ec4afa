//! Where a guest's output goes.

/// Where the command's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// To our own standard output and error, as it comes.
    PassThrough,
    /// Into the outcome.
    Capture,
    /// The command has this terminal.
    Interactive,
}
