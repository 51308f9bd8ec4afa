//! What modtrail knows without a running kernel. It joins events into requests, helper calls, loads and suspend cycles,
//! decides what became of each, and words the answers.
//!
//! In: events, from the running kernel (the crate `modtrail`), a recording or a simulated kernel. Out: a [`Model`], and
//! reports of it. Nothing here does I/O of its own or reads a clock: the same events give the same bytes.
//!
//! ```
//! use modtrail_core::{explain, replay};
//!
//! # let recording: &[u8] = include_bytes!("../../tests/recordings/linux-6.12.mcap");
//! let (model, _) = replay(recording, |_change, _model| {})?;
//! for request in model.requests() {
//!     println!("{}: {}", request.verdict.words(), explain(request));
//! }
//! # assert!(model.requests().count() > 0);
//! # Ok::<(), modtrail_core::ReadError>(())
//! ```

#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod alert;
pub mod alias;
pub mod answer;
pub mod attribution;
pub mod comparison;
pub mod correlate;
pub mod decode;
pub mod entities;
pub mod event;
pub mod explain;
pub mod findings;
pub mod lives;
pub mod model;
pub mod order;
pub mod overview;
pub mod phases;
pub mod pipeline;
pub mod player;
pub mod printed;
pub mod query;
pub mod record;
pub mod repeats;
pub mod replay;
pub mod report;
pub mod stall;
pub mod statistics;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod verdict;

pub use entities::{Request, Verdict};
pub use event::Event;
pub use explain::explain;
pub use model::Model;
pub use phases::{Phase, phases};
pub use pipeline::Pipeline;
pub use player::Player;
pub use record::read::{Ending, Integrity, ReadError, read};
pub use record::write::Recorder;
pub use replay::replay;
