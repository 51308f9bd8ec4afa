//! One of modtrail's eBPF objects: its maps in the kernel, and its programs, ready to be loaded one by one.
//!
//! In: the bytes of an object file, the values of its constants and the sizes of its maps. Out: aya's maps, and the
//! instructions of each program, with the maps' descriptors in them. A program costs nothing until it is loaded.

use super::bpf::{self, Refused, Type};
use super::snapshot;
use aya::maps::{Map, MapData, MapError};
use aya_obj::generated::bpf_insn;
use aya_obj::relocation::EbpfRelocationError;
use aya_obj::{EbpfSectionKind, ParseError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

/// Why an object cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It is damaged, which is a fault of the build.
    #[error("the object file cannot be read")]
    Parse(#[from] ParseError),
    /// Its parts do not fit together, which is a fault of the build too.
    #[error("the object file cannot be put together")]
    Relocate(#[from] EbpfRelocationError),
    /// The kernel did not create a map.
    #[error("cannot make the map {name}")]
    Map {
        /// The map.
        name: String,
        /// What it answered.
        #[source]
        answer: Box<MapError>,
    },
    /// The kernel did not accept a map's constants.
    #[error("cannot fill the map {name}")]
    Fill {
        /// The map.
        name: String,
        /// What it answered.
        #[source]
        answer: io::Error,
    },
}

/// What the loader decides about an object.
#[derive(Debug, Default)]
pub struct Overrides<'data> {
    /// Constants by name, as bytes. The object has all of them.
    pub constants: Vec<(&'static str, &'data [u8])>,
    /// Sizes of maps by name.
    pub sizes: Vec<(&'static str, u32)>,
}

/// The object.
pub struct Object {
    maps: BTreeMap<String, MapData>,
    programs: BTreeMap<String, Vec<bpf_insn>>,
}

impl Object {
    /// Creates the maps and assembles the programs.
    ///
    /// # Errors
    /// [`ObjectError`] if the object is damaged or the kernel creates no map of ours.
    pub fn open(bytes: &[u8], overrides: &Overrides<'_>) -> Result<Self, ObjectError> {
        let mut object = aya_obj::Object::parse(bytes)?;
        let constants: HashMap<&str, (&[u8], bool)> =
            overrides.constants.iter().map(|(name, bytes)| (*name, (*bytes, true))).collect();
        object.patch_map_data(constants)?;
        raise_locked_memory();
        raise_descriptors();
        let mut maps = BTreeMap::new();
        let mut places = Vec::new();
        for (name, mut layout) in object.maps.drain() {
            if let Some((_, size)) = overrides.sizes.iter().find(|(of, _)| *of == name) {
                layout.set_max_entries(*size);
            }
            places.push((name.clone(), layout.clone()));
            let map = make(&name, layout)?;
            maps.insert(name, map);
        }
        let sections: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        let descriptor = |name: &str| maps.get(name).map_or(-1, |map: &MapData| map.fd().as_fd().as_raw_fd());
        object
            .relocate_maps(places.iter().map(|(name, layout)| (name.as_str(), descriptor(name), layout)), &sections)?;
        object.relocate_calls(&sections)?;
        let mut programs = BTreeMap::new();
        for (name, program) in &object.programs {
            let code = object.functions.remove(&program.function_key()).map(|function| function.instructions);
            programs.extend(code.map(|code| (name.clone(), code)));
        }
        Ok(Self { maps, programs })
    }

    /// Takes a map out. The programs keep using it.
    pub fn take_map(&mut self, name: &str) -> Option<Map> {
        let data = self.maps.remove(name)?;
        Map::from_map_data(data).ok()
    }

    /// Loads a program into the kernel; `None` if the object does not have it.
    #[must_use]
    pub fn load(&self, name: &str, kind: Type) -> Option<Result<OwnedFd, Refused>> {
        self.programs.get(name).map(|code| bpf::load(name, kind, code))
    }
}

fn make(name: &str, layout: aya_obj::Map) -> Result<MapData, ObjectError> {
    let is_constant = layout.section_kind() == EbpfSectionKind::Rodata;
    let (data, value_size) = (layout.data().to_vec(), layout.value_size());
    let answer = |answer| ObjectError::Map { name: name.to_owned(), answer: Box::new(answer) };
    let map = MapData::create(layout, name, None).map_err(answer)?;
    let fill = |answer| ObjectError::Fill { name: name.to_owned(), answer };
    if !data.is_empty() {
        bpf::fill(map.fd().as_fd(), &data, value_size).map_err(fill)?;
    }
    if is_constant {
        bpf::freeze(map.fd().as_fd()).map_err(fill)?;
    }
    Ok(map)
}

/// Before 5.11, the memory of programs and maps counts as locked memory, and the default limit is low. If the limit
/// cannot be raised, it may be enough. Later kernels do not need this, and a traced command would inherit it.
fn raise_locked_memory() {
    if snapshot::kernel_version(&rustix::system::uname().release().to_string_lossy()) >= (5, 11) {
        return;
    }
    let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
}

/// Descriptors that modtrail needs at most: a program, a link and a perf event for each hook, maps, and its own files.
const DESCRIPTORS: u64 = 512;

/// Allows itself as many descriptors as it needs, if a lower limit may be raised. What it needs beyond that, it is
/// refused with the system's answer.
fn raise_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < DESCRIPTORS) {
        let wanted = maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

/// Whether this process may not have as many descriptors as it can need.
#[must_use]
pub fn lacks_descriptors() -> bool {
    getrlimit(Resource::Nofile).current.is_some_and(|current| current < DESCRIPTORS)
}
