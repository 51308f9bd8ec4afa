//! Reads the ring buffer and the counters of the records that did not fit into it.
//!
//! In: the attached object's maps. Out: the bytes of each record, and how much was lost since the last read.

use super::attach::Attached;
use aya::maps::{Map, MapData, MapError, PerCpuArray, RingBuf};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use trace_common::kind::Loss;

/// Why the ring cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The object does not contain this map.
    #[error("the probes hold no map named {0}")]
    Missing(&'static str),
    /// The kernel refused.
    #[error("cannot open the map {0}")]
    Map(&'static str, #[source] MapError),
    /// The descriptor cannot be waited for.
    #[error("cannot wait for the ring buffer")]
    Wait(#[source] io::Error),
    /// A counter cannot be read.
    #[error("cannot read the counters of lost events")]
    Drops(#[source] MapError),
}

/// The kernel's side of the ring buffer.
pub struct Ring {
    records: AsyncFd<RingBuf<MapData>>,
    drops: PerCpuArray<MapData, u64>,
    seen: [u64; Loss::ALL.len()],
}

impl Ring {
    /// Takes the maps out of the object.
    ///
    /// # Errors
    /// [`RingError`] if a map is missing or cannot be opened.
    pub fn open(attached: &mut Attached) -> Result<Self, RingError> {
        let records = RingBuf::try_from(map(attached, "EVENTS")?).map_err(|error| RingError::Map("EVENTS", error))?;
        let drops = PerCpuArray::try_from(map(attached, "DROPS")?).map_err(|error| RingError::Map("DROPS", error))?;
        let records = watch(records).map_err(RingError::Wait)?;
        Ok(Self { records, drops, seen: [0; Loss::ALL.len()] })
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// What the system answers.
    pub async fn readable(&self) -> io::Result<()> {
        self.records.readable().await?.clear_ready();
        Ok(())
    }

    /// Passes on what is there now, up to `most` records, and returns how many there were.
    pub fn drain(&mut self, most: usize, mut each: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < most
            && let Some(record) = self.records.get_mut().next()
        {
            each(&record);
            count += 1;
        }
        count
    }

    /// Whether there was nothing left to read, not even a record that is being written. Whatever fires later then has a
    /// later instant: a probe reads the clock after it has reserved its record (kernel/bpf/ringbuf.c
    /// `ringbuf_map_poll`, 5.8 to 7.3).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut wanted = [PollFd::new(self.records.get_ref(), PollFlags::IN)];
        poll(&mut wanted, Some(&Timespec::default())).is_ok_and(|ready| ready == 0)
    }

    /// What was lost since the last read, by reason; nothing if nothing was lost.
    ///
    /// # Errors
    /// [`RingError::Drops`] if a counter cannot be read.
    pub fn lost(&mut self) -> Result<Vec<(Loss, u64)>, RingError> {
        let mut lost = Vec::new();
        for (loss, seen) in Loss::ALL.into_iter().zip(&mut self.seen) {
            let per_cpu = self.drops.get(&loss.index(), 0).map_err(RingError::Drops)?;
            let total: u64 = per_cpu.iter().sum();
            if total > *seen {
                lost.push((loss, total - *seen));
                *seen = total;
            }
        }
        Ok(lost)
    }
}

fn map(attached: &mut Attached, name: &'static str) -> Result<Map, RingError> {
    attached.take_map(name).ok_or(RingError::Missing(name))
}

/// Lets the runtime wait for a descriptor.
///
/// # Errors
/// What the system answers.
#[expect(unsafe_code, reason = "tokio wants a promise about the descriptor's owner")]
pub fn watch<T: std::os::fd::AsRawFd>(inner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: `inner` is an aya map or logger: it owns its descriptor, always returns the same one, and closes it only
    // when it is dropped, which happens after the returned value has deregistered it.
    unsafe { AsyncFd::register_with_interest(inner, Interest::READABLE) }.map_err(Into::into)
}
