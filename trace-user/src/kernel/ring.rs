//! Reads the ring buffers and the counters of what did not get into them.
//!
//! In: the attached object's maps. Out: the bytes of each record, how much was lost since the last read, and by whom.

use super::attach::Attached;
use aya::Pod;
use aya::maps::{HashMap, Map, MapData, MapError, PerCpuArray, RingBuf};
use modtrail_core::event::{Comm, Fact, Lost};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use trace_common::blame::{Blame, Blamed};
use trace_common::kind::{Loss, Ring};
use trace_common::limits::USERS;

/// Why the rings cannot be read.
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

/// The kernel's side of the ring buffers.
pub struct Rings {
    rings: [AsyncFd<RingBuf<MapData>>; Ring::ALL.len()],
    drops: PerCpuArray<MapData, u64>,
    seen: [u64; Loss::ALL.len()],
    blamed: HashMap<MapData, Key, Value>,
    blamed_before: BTreeMap<(u32, u32), u64>,
}

/// Entries of the map of blame that are read at a time, at most.
const READ: usize = 2 * USERS as usize * Loss::ALL.len();

/// [`Blamed`], for aya.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Key(Blamed);

/// [`Blame`], for aya.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Value(Blame);

#[expect(unsafe_code, reason = "aya wants a promise about the layout of keys and values")]
// SAFETY: two integers of four bytes, without padding.
unsafe impl Pod for Key {}

#[expect(unsafe_code, reason = "aya wants a promise about the layout of keys and values")]
// SAFETY: an integer of eight bytes and sixteen bytes, without padding.
unsafe impl Pod for Value {}

impl Rings {
    /// Takes the maps out of the object.
    ///
    /// # Errors
    /// [`RingError`] if a map is missing or cannot be opened.
    pub fn open(attached: &mut Attached) -> Result<Self, RingError> {
        let [requests, loads, suspend, devices] = Ring::ALL.map(|ring| open_ring(attached, ring.map()));
        let drops = PerCpuArray::try_from(map(attached, "DROPS")?).map_err(|error| RingError::Map("DROPS", error))?;
        let blamed = HashMap::try_from(map(attached, "BLAMED")?).map_err(|error| RingError::Map("BLAMED", error))?;
        let rings = [requests?, loads?, suspend?, devices?];
        Ok(Self { rings, drops, seen: [0; Loss::ALL.len()], blamed, blamed_before: BTreeMap::new() })
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// What the system answers.
    pub async fn readable(&self) -> io::Result<()> {
        let [requests, loads, suspend, devices] = &self.rings;
        let mut ready = tokio::select! {
            ready = requests.readable() => ready?,
            ready = loads.readable() => ready?,
            ready = suspend.readable() => ready?,
            ready = devices.readable() => ready?,
        };
        ready.clear_ready();
        Ok(())
    }

    /// Passes on what is there now, up to `most` records of each ring, one ring after the other. Returns how many there
    /// were, and whether a ring may hold more.
    pub fn drain(&mut self, most: usize, mut each: impl FnMut(&[u8])) -> (usize, bool) {
        let (mut count, mut is_more) = (0, false);
        for ring in &mut self.rings {
            let mut of_ring = 0;
            while of_ring < most
                && let Some(record) = ring.get_mut().next()
            {
                each(&record);
                of_ring += 1;
            }
            count += of_ring;
            is_more |= of_ring == most;
        }
        (count, is_more)
    }

    /// Whether there was nothing left to read, not even a record that is being written. Whatever fires later then has a
    /// later instant: a probe reads the clock after it has reserved its record (kernel/bpf/ringbuf.c
    /// `ringbuf_map_poll`, 5.8 to 7.3).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut wanted = self.rings.each_ref().map(|ring| PollFd::new(ring.get_ref(), PollFlags::IN));
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

    /// Who caused what was lost since the last read, as far as the kernel side still knows.
    ///
    /// # Errors
    /// [`RingError::Drops`] if the counters cannot be read.
    pub fn blamed(&mut self) -> Result<Vec<Fact>, RingError> {
        // Of a map that forgets while it is read, an entry may come twice.
        let mut now: BTreeMap<(u32, u32), Blame> = BTreeMap::new();
        for entry in self.blamed.iter().take(READ) {
            let (Key(who), Value(blame)) = entry.map_err(RingError::Drops)?;
            now.insert((who.uid, who.loss), blame);
        }
        let mut facts = Vec::new();
        for ((uid, number), blame) in &now {
            // One that was forgotten and came again counts from zero.
            let before = self.blamed_before.get(&(*uid, *number)).copied().unwrap_or(0);
            let count = if blame.count >= before { blame.count - before } else { blame.count };
            let loss = Loss::ALL.into_iter().find(|loss| loss.index() == *number);
            let comm = Comm(blame.comm);
            let of_user = |loss| Fact::Blamed { uid: *uid, comm, loss: Lost::Kernel(loss), count };
            facts.extend(loss.filter(|_| count > 0).map(of_user));
        }
        self.blamed_before = now.into_iter().map(|(who, blame)| (who, blame.count)).collect();
        Ok(facts)
    }
}

fn open_ring(attached: &mut Attached, name: &'static str) -> Result<AsyncFd<RingBuf<MapData>>, RingError> {
    let ring = RingBuf::try_from(map(attached, name)?).map_err(|error| RingError::Map(name, error))?;
    watch(ring).map_err(RingError::Wait)
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
    // SAFETY: `inner` is an aya map or logger, or a descriptor itself: it owns its descriptor, always returns the same
    // one, and closes it only when it is dropped, which happens after the returned value has deregistered it.
    unsafe { AsyncFd::register_with_interest(inner, Interest::READABLE) }.map_err(Into::into)
}
