//! The probes' own debug messages, for debugging modtrail itself.
//!
//! In: the loaded object's log ring. Out: lines on stderr, for as long as the runtime runs.

use super::attach::Attached;
use super::bpf;
use super::ring;
use crate::stderr;
use aya_log::EbpfLogger;
use std::os::fd::AsFd as _;

/// Sends the probes' messages to stderr from now on. If it cannot, it reports why; tracing goes on without them.
pub fn forward(attached: &Attached) {
    // They all write to one map, which any of them can be used to find.
    let id = attached.programs().next().and_then(|held| bpf::counters(held.program.as_fd()).ok());
    let id = id.map_or(0, |counters| counters.id);
    let logger = EbpfLogger::init_from_id_with_logger(id, Stderr).map_err(|error| error.to_string());
    match logger.and_then(|logger| ring::watch(logger).map_err(|error| error.to_string())) {
        Ok(mut logger) => {
            tokio::spawn(async move {
                while let Ok(mut ready) = logger.readable_mut().await {
                    ready.get_inner_mut().flush();
                    ready.clear_ready();
                }
            });
        }
        Err(error) => stderr::say(format_args!("the probes' messages cannot be read: {error}")),
    }
}

/// A logger that writes to stderr.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        stderr::line(format_args!("probe: {}", record.args()));
    }

    fn flush(&self) {}
}
