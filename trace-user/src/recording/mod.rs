//! Recordings as files: opened for reading, and written so that a kill or a power cut only costs what was not flushed
//! to disk, and a full disk what did not fit into memory until there was room again.
//!
//! In: a path; events. Out: the bytes of a recording, for the library to read; files that events are appended to.

mod backlog;
pub mod file;
pub mod flight;
pub mod numbered;
pub mod read;
pub mod segments;
pub mod target;
pub mod track;

use file::{FileRecorder, Flow, Sync};
use flight::{FlightRecorder, Saved};
use modtrail_core::alert::rules::Limits as Stalled;
use modtrail_core::event::{Event, Stamp};
use modtrail_core::model::Model;
use modtrail_core::record::preface::Preface;
use numbered::Numbered;
use segments::{Limits, SegmentRecorder};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use target::{FileWriteError, Target};
use trace_common::time::Nanos;

/// `-------w-`
const ALL_WRITE: u32 = 0o002;

/// Where a recording goes, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file, or the name that numbers are put into; `None` is standard output.
    pub path: Option<PathBuf>,
    /// How often what was recorded is passed to the file.
    pub flush_every: Nanos,
    /// When it is flushed to disk.
    pub sync: Sync,
    /// How large and how old files may become.
    pub limits: Limits,
    /// Only the last of it is held, in memory, until something is found.
    pub keep: Option<Keep>,
}

/// What the flight recorder holds.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The events of this time.
    pub time: Nanos,
    /// In so much memory.
    pub bytes: usize,
    /// What is open past these is stalled, and makes it write, as findings do; without it, it only writes if somebody
    /// asks.
    pub stalled: Option<Stalled>,
}

/// A plan whose files can be written, but are unchanged.
pub struct Prepared {
    plan: Plan,
    place: Place,
}

enum Place {
    One(Target),
    Numbered(Numbered),
}

impl Plan {
    /// Opens what must be there before the kernel is touched: a wrong path is reported first.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn prepare(self) -> Result<Prepared, FileWriteError> {
        let place = match &self.path {
            None => Place::One(Target::stdout()?),
            Some(path) if self.keep.is_some() || self.limits.is_any() => Place::Numbered(usable(path)?),
            Some(path) => Place::One(Target::for_recording(path)?),
        };
        Ok(Prepared { plan: self, place })
    }
}

/// The numbered files that `path` stands for, if files can be made there.
fn usable(path: &Path) -> Result<Numbered, FileWriteError> {
    let names = Numbered::of(path)?;
    // It is removed again when it goes unused.
    names.create_next().map(drop)?;
    Ok(names)
}

impl Prepared {
    /// Whether files will be made in a folder that belongs to another user, so that root needs a capability for it.
    #[must_use]
    pub fn is_in_foreign_folder(&self) -> bool {
        match &self.place {
            Place::One(_) => false,
            Place::Numbered(names) => fs::metadata(names.folder()).is_ok_and(|folder| {
                folder.uid() != rustix::process::geteuid().as_raw() && folder.mode() & ALL_WRITE == 0
            }),
        }
    }

    /// Begins the recording.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn begin(self, at: Stamp) -> Result<Recording, FileWriteError> {
        let Plan { sync, limits, keep, .. } = self.plan;
        match (self.place, keep) {
            (Place::One(target), _) => FileRecorder::begin(target, sync, None, Preface::default(), at)
                .map(|recorder| Recording::One(Box::new(recorder))),
            (Place::Numbered(names), Some(keep)) => {
                let flight = FlightRecorder::new(names, sync, keep.time, keep.bytes, keep.stalled);
                Ok(Recording::Flight(Box::new(flight)))
            }
            (Place::Numbered(names), None) => {
                SegmentRecorder::begin(names, limits, sync, at).map(|recorder| Recording::Segments(Box::new(recorder)))
            }
        }
    }
}

/// A recording being made.
pub enum Recording {
    /// In one file.
    One(Box<FileRecorder>),
    /// In segments.
    Segments(Box<SegmentRecorder>),
    /// In memory, until something is found.
    Flight(Box<FlightRecorder>),
}

impl Recording {
    /// The last `keep` in about `bytes` of memory, written only if somebody asks: to a file named after `path` or, if
    /// none can be made there, to one in `or_in`.
    ///
    /// # Errors
    /// [`FileWriteError::Unfit`] if `path` names no file.
    pub fn held(path: &Path, or_in: &Path, keep: Nanos, bytes: usize) -> Result<Self, FileWriteError> {
        let names = |path: &Path| Numbered::of(path);
        let other = names(&or_in.join(path.file_name().unwrap_or_default()))?;
        let flight = FlightRecorder::new(names(path)?, Sync::default(), keep, bytes, None).or_in(other);
        Ok(Self::Flight(Box::new(flight)))
    }

    /// Takes one event.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be encoded.
    pub fn write(&mut self, event: &Event) -> Result<(), FileWriteError> {
        match self {
            Self::One(recorder) => recorder.write(event),
            Self::Segments(recorder) => recorder.write(event),
            Self::Flight(recorder) => {
                recorder.write(event.clone());
                Ok(())
            }
        }
    }

    /// Does what is due from time to time: flushes, begins a new segment, looks at the model for findings.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written, and there is no hope that it can be later.
    pub fn flush(&mut self, model: &Model) -> Result<Flow, FileWriteError> {
        match self {
            Self::One(recorder) => recorder.flush(),
            Self::Segments(recorder) => recorder.flush(),
            Self::Flight(recorder) => {
                recorder.look(model);
                Ok(Flow::On)
            }
        }
    }

    /// Writes what the flight recorder holds, since somebody asked for it; `None` if it is not one.
    ///
    /// # Errors
    /// [`FileWriteError`] if it cannot be written.
    pub fn save(&mut self, model: &Model) -> Result<Option<Saved>, FileWriteError> {
        match self {
            Self::Flight(recorder) => recorder.save(model.now()).map(Some),
            Self::One(_) | Self::Segments(_) => Ok(None),
        }
    }

    /// Ends the recording in order; `model`: what all of it led to. Returns what was written, in words.
    ///
    /// # Errors
    /// [`FileWriteError::Incomplete`] if events were lost, with how many.
    pub fn finish(self, at: Stamp, model: &Model) -> Result<String, FileWriteError> {
        match self {
            Self::One(recorder) => {
                let words = format!("wrote {}", recorder.path().display());
                recorder.finish(at).map(|()| words)
            }
            Self::Segments(recorder) => {
                let words = format!("wrote {}", recorder.words());
                recorder.finish(at).map(|()| words)
            }
            Self::Flight(recorder) => recorder.finish(at, model),
        }
    }
}
