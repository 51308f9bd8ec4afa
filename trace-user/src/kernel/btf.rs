//! The kernel's own description of its types: the offsets of fields in its structs, and the type IDs of its functions
//! and tracepoints.
//!
//! In: the bytes of `/sys/kernel/btf/vmlinux`, and the names that are wanted. Out: byte offsets by struct and field,
//! type IDs by name. One pass over the types finds everything. The format: Documentation/bpf/btf.rst, 6.12.

use super::hooks::{LADDERS, Mechanism};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use trace_common::settings::{DeviceOffsets, Offsets, UNKNOWN};

/// The file in which the kernel exposes it.
const FILE: &str = "/sys/kernel/btf/vmlinux";
const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const TYPEDEF: u32 = 8;
const FUNC: u32 = 12;
/// The deepest nesting of anonymous members in structs; deeper is damage.
const DEPTH: u32 = 8;
/// The function that describes the iterator over tasks (kernel/bpf/task_iter.c, 5.8 to 7.3).
pub const TASK_ITERATOR: &str = "bpf_iter_task";
/// The structs whose fields are read.
const STRUCTS: [&str; 24] = [
    "task_struct",
    "signal_struct",
    "subprocess_info",
    "module",
    "load_info",
    "file",
    "path",
    "dentry",
    "qstr",
    "device",
    "kobject",
    "cred",
    "user_namespace",
    "mm_struct",
    "inode",
    "super_block",
    "ns_common",
    "seccomp",
    "net",
    "net_device",
    "device_driver",
    "device_private",
    "bus_type",
    "kobj_uevent_env",
];

/// Why BTF could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfFault {
    /// Not BTF of this machine's byte order.
    #[error("the bytes are not BTF")]
    Magic,
    /// It ends in the middle, or an offset points outside of it.
    #[error("the BTF is cut short")]
    Short,
    /// A kind of type that is newer than this program: the types after it cannot be found.
    #[error("the BTF holds a type of unknown kind {0}")]
    Kind(u32),
}

/// What modtrail needs to know about the running kernel's types.
#[derive(Debug)]
pub struct Types {
    /// The offsets of fields: from the kernel's BTF or, if it has none, those that have never changed.
    pub offsets: Offsets,
    /// Those of devices; unknown if the kernel has no BTF.
    pub device_offsets: DeviceOffsets,
    /// The functions and tracepoints that the ladders name, by kind of BTF and name, with their type IDs; or why there
    /// are none, in words.
    ids: Result<Vec<(u32, String, u32)>, String>,
}

impl Types {
    /// Reads the running kernel's.
    #[must_use]
    pub fn read() -> Self {
        let mut wanted: BTreeSet<String> = STRUCTS.map(str::to_owned).into();
        for program in LADDERS.iter().flat_map(|ladder| ladder.rungs).flat_map(|rung| rung.programs) {
            match program.mechanism {
                Mechanism::Fentry | Mechanism::Fexit => wanted.insert(program.target.to_owned()),
                Mechanism::BtfTracepoint => wanted.insert(typedef_of(program.target)),
                Mechanism::Kprobe | Mechanism::Kretprobe | Mechanism::RawTracepoint => false,
            };
        }
        wanted.insert(TASK_ITERATOR.to_owned());
        let without =
            |why: String| Self { offsets: Offsets::WITHOUT_BTF, device_offsets: DeviceOffsets::UNKNOWN, ids: Err(why) };
        let bytes = match fs::read(FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return without(format!("the kernel carries no BTF ({FILE})"));
            }
            Err(error) => return without(format!("the kernel's BTF cannot be read ({FILE}: {error})")),
        };
        match Btf::parse(&bytes, &wanted) {
            Ok(btf) => Self { offsets: btf.offsets(), device_offsets: btf.device_offsets(), ids: Ok(btf.ids()) },
            Err(fault) => without(format!("the kernel's BTF cannot be read ({FILE}: {fault})")),
        }
    }

    /// The type ID of a function.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn function(&self, name: &str) -> Result<u32, String> {
        self.id(FUNC, name, "function", name)
    }

    /// Whether the kernel is known not to have a function: its BTF can be read and does not describe it.
    #[must_use]
    pub fn has_no_function(&self, name: &str) -> bool {
        self.ids.as_ref().is_ok_and(|ids| !ids.iter().any(|(of, known, _)| *of == FUNC && known == name))
    }

    /// The type ID of the description of a tracepoint.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn tracepoint(&self, name: &str) -> Result<u32, String> {
        self.id(TYPEDEF, &typedef_of(name), "tracepoint", name)
    }

    /// `what` is called `known_as` by those who hook it.
    fn id(&self, kind: u32, name: &str, what: &str, known_as: &str) -> Result<u32, String> {
        let ids = self.ids.as_ref();
        let ids = ids.map_err(|why| format!("{why}, which would describe the {what} {known_as}"))?;
        let found = ids.iter().find(|(of, known, _)| *of == kind && known == name);
        found.map(|(_, _, id)| *id).ok_or_else(|| format!("the kernel's BTF has no {what} {known_as}"))
    }
}

/// The name of the typedef that describes a tracepoint (include/trace/bpf_probe.h, 5.5 to 7.3).
fn typedef_of(tracepoint: &str) -> String {
    format!("btf_trace_{tracepoint}")
}

/// Parsed far enough to look up the wanted names.
struct Btf<'data> {
    types: &'data [u8],
    strings: &'data [u8],
    /// The offset of each type in `types`, by type ID from 1.
    starts: Vec<u32>,
    /// The type IDs of the types that have a wanted name.
    found: Vec<u32>,
}

impl<'data> Btf<'data> {
    /// Takes in the bytes.
    ///
    /// # Errors
    /// A [`BtfFault`] if they are not complete BTF.
    fn parse(bytes: &'data [u8], wanted: &BTreeSet<String>) -> Result<Self, BtfFault> {
        if bytes.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err(BtfFault::Magic);
        }
        let header = word(bytes, 4)?;
        let types = section(bytes, header, word(bytes, 8)?, word(bytes, 12)?)?;
        let strings = section(bytes, header, word(bytes, 16)?, word(bytes, 20)?)?;
        let mut btf = Self { types, strings, starts: Vec::with_capacity(types.len() / 24), found: Vec::new() };
        // There are some hundred thousand names. The first two letters show for nearly all of them that they are not
        // wanted.
        let mut begins = vec![false; 1 << 16];
        for pair in wanted.iter().filter_map(|name| name.as_bytes().first_chunk()) {
            if let Some(mark) = begins.get_mut(usize::from(u16::from_ne_bytes(*pair))) {
                *mark = true;
            }
        }
        let mut at = 0;
        while (at as usize) < types.len() {
            btf.starts.push(at);
            let info = word(types, at + 4)?;
            if matches!(kind(info), STRUCT | FUNC | TYPEDEF) {
                let name = btf.text(word(types, at)?);
                let pair = name.first_chunk().map_or(0, |pair| usize::from(u16::from_ne_bytes(*pair)));
                if begins.get(pair) == Some(&true) && wanted.contains(&*until_nul(name)) {
                    btf.found.push(u32::try_from(btf.starts.len()).unwrap_or(0));
                }
            }
            at += 12 + trailing(info)?;
        }
        Ok(btf)
    }

    /// The string section from an offset on.
    fn text(&self, at: u32) -> &'data [u8] {
        self.strings.get(at as usize..).unwrap_or_default()
    }

    fn start(&self, number: u32) -> Option<u32> {
        self.starts.get((number as usize).checked_sub(1)?).copied()
    }

    /// The wanted functions and typedefs, with their kinds and type IDs.
    fn ids(&self) -> Vec<(u32, String, u32)> {
        let described = |number: &u32| {
            let start = self.start(*number)?;
            let kind = kind(word(self.types, start + 4).ok()?);
            let name = until_nul(self.text(word(self.types, start).ok()?)).into_owned();
            (kind != STRUCT).then_some((kind, name, *number))
        };
        self.found.iter().filter_map(described).collect()
    }

    /// The byte offset of `field` in `struct name`, through anonymous structs and unions; [`UNKNOWN`] if there is no
    /// such field, or if it is a bit field.
    fn offset(&self, name: &str, field: &str) -> u32 {
        let starts = self.found.iter().filter_map(|number| self.start(*number));
        let found = starts.filter(|start| self.is_struct(*start, name));
        found.filter_map(|start| self.member(start, field, 0)).map(|bits| bits / 8).next().unwrap_or(UNKNOWN)
    }

    /// The offsets of everything that the probes read.
    fn offsets(&self) -> Offsets {
        let offset = |name: &str, field| {
            debug_assert!(STRUCTS.contains(&name), "{name} is not looked for");
            self.offset(name, field)
        };
        Offsets {
            task_group_leader: offset("task_struct", "group_leader"),
            task_start_boottime: offset("task_struct", "start_boottime"),
            task_tgid: offset("task_struct", "tgid"),
            task_exit_code: offset("task_struct", "exit_code"),
            task_signal: offset("task_struct", "signal"),
            signal_live: offset("signal_struct", "live"),
            signal_flags: offset("signal_struct", "flags"),
            signal_exit_code: offset("signal_struct", "group_exit_code"),
            call_work: offset("subprocess_info", "work"),
            call_path: offset("subprocess_info", "path"),
            call_argv: offset("subprocess_info", "argv"),
            module_name: offset("module", "name"),
            load_info_len: offset("load_info", "len"),
            call_wait: offset("subprocess_info", "wait"),
            call_retval: offset("subprocess_info", "retval"),
            file_dentry: within(offset("file", "f_path"), offset("path", "dentry")),
            dentry_name: within(offset("dentry", "d_name"), offset("qstr", "name")),
            task_loginuid: offset("task_struct", "loginuid"),
            device_name: within(offset("device", "kobj"), offset("kobject", "name")),
            task_cred: offset("task_struct", "cred"),
            cred_caps: offset("cred", "cap_effective"),
            cred_user_ns: offset("cred", "user_ns"),
            user_ns_level: offset("user_namespace", "level"),
            user_ns_owner: offset("user_namespace", "owner"),
            user_ns_parent: offset("user_namespace", "parent"),
            task_pid: offset("task_struct", "pid"),
            task_mm: offset("task_struct", "mm"),
            mm_exe_file: offset("mm_struct", "exe_file"),
            file_inode: offset("file", "f_inode"),
            inode_number: offset("inode", "i_ino"),
            inode_super: offset("inode", "i_sb"),
            super_device: offset("super_block", "s_dev"),
            task_parent: offset("task_struct", "real_parent"),
            task_comm: offset("task_struct", "comm"),
            user_ns_number: within(offset("user_namespace", "ns"), offset("ns_common", "inum")),
            task_seccomp: within(offset("task_struct", "seccomp"), offset("seccomp", "mode")),
            task_flags: offset("task_struct", "atomic_flags"),
            net_devices: offset("net", "dev_base_head"),
            net_device_list: offset("net_device", "dev_list"),
            net_device_name: offset("net_device", "name"),
        }
    }

    /// The offsets of what the probes about devices read.
    fn device_offsets(&self) -> DeviceOffsets {
        DeviceOffsets {
            device_bus: self.offset("device", "bus"),
            device_driver: self.offset("device", "driver"),
            device_private: self.offset("device", "p"),
            deferred_probe: self.offset("device_private", "deferred_probe"),
            driver_name: self.offset("device_driver", "name"),
            driver_owner: self.offset("device_driver", "owner"),
            bus_name: self.offset("bus_type", "name"),
            uevent_strings: self.offset("kobj_uevent_env", "envp"),
        }
    }

    fn is_struct(&self, start: u32, name: &str) -> bool {
        word(self.types, start + 4).is_ok_and(|info| kind(info) == STRUCT && info & 0xffff != 0)
            && word(self.types, start).is_ok_and(|at| self.string_is(at, name))
    }

    fn string_is(&self, at: u32, name: &str) -> bool {
        self.text(at).strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
    }

    /// The offset in bits of `field` in the struct or union at `start`.
    fn member(&self, start: u32, field: &str, depth: u32) -> Option<u32> {
        let info = word(self.types, start + 4).ok()?;
        if !matches!(kind(info), STRUCT | UNION) || depth > DEPTH {
            return None;
        }
        let bit_fields = info >> 31 != 0;
        for index in 0..info & 0xffff {
            let at = start + 12 + index * 12;
            let (name, type_id, raw) =
                (word(self.types, at).ok()?, word(self.types, at + 4).ok()?, word(self.types, at + 8).ok()?);
            let (bits, width) = if bit_fields { (raw & 0x00ff_ffff, raw >> 24) } else { (raw, 0) };
            if name != 0 && self.string_is(name, field) {
                return (width == 0).then_some(bits);
            }
            let inner = self.start(type_id).filter(|_| name == 0);
            if let Some(offset) = inner.and_then(|inner| self.member(inner, field, depth + 1)) {
                return Some(bits + offset);
            }
        }
        None
    }
}

/// A string of the string section: up to its NUL.
fn until_nul(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// The offset of a field of a struct that is itself a field.
const fn within(outer: u32, inner: u32) -> u32 {
    if outer == UNKNOWN || inner == UNKNOWN { UNKNOWN } else { outer + inner }
}

const fn kind(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// Bytes after the twelve that every type has.
fn trailing(info: u32) -> Result<u32, BtfFault> {
    let entries = info & 0xffff;
    Ok(match kind(info) {
        1 | 14 | 17 => 4,
        2 | 7 | 8 | 9 | 10 | 11 | 12 | 16 | 18 => 0,
        3 => 12,
        STRUCT | UNION | 15 | 19 => entries * 12,
        6 | 13 => entries * 8,
        other => return Err(BtfFault::Kind(other)),
    })
}

fn word(bytes: &[u8], at: u32) -> Result<u32, BtfFault> {
    let at = at as usize;
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).ok_or(BtfFault::Short)?;
    Ok(u32::from_ne_bytes(four))
}

fn section(bytes: &[u8], header: u32, offset: u32, length: u32) -> Result<&[u8], BtfFault> {
    let begin = header as usize + offset as usize;
    bytes.get(begin..begin + length as usize).ok_or(BtfFault::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> BTreeSet<String> {
        ["pair", "none", "act", "btf_trace_fork"].map(str::to_owned).into()
    }

    /// BTF of `struct pair { int one; struct { int two; union { int three; }; }; }`, an unrelated `struct none`, a
    /// function `act`, one that is not wanted, and the typedef of a tracepoint `fork`.
    fn sample() -> Vec<u8> {
        let strings = b"\0int\0pair\0one\0two\0three\0none\0act\0actor\0btf_trace_fork\0";
        let at = |text: &str| {
            let wanted = [text.as_bytes(), b"\0"].concat();
            strings.windows(wanted.len()).position(|window| window == wanted).unwrap() as u32
        };
        let types: Vec<u32> = [
            vec![at("int"), 1 << 24, 4, 32],                                   // 1
            vec![0, UNION << 24 | 1, 4, at("three"), 1, 0],                    // 2
            vec![0, STRUCT << 24 | 2, 8, at("two"), 1, 0, 0, 2, 32],           // 3
            vec![at("pair"), STRUCT << 24 | 2, 12, at("one"), 1, 0, 0, 3, 32], // 4
            vec![at("none"), STRUCT << 24, 0],                                 // 5
            vec![at("actor"), FUNC << 24, 0],                                  // 6
            vec![at("act"), FUNC << 24, 0],                                    // 7
            vec![at("btf_trace_fork"), TYPEDEF << 24, 0],                      // 8
        ]
        .concat();
        let type_bytes: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let header = [24, 0, type_bytes.len() as u32, type_bytes.len() as u32, strings.len() as u32];
        bytes.extend(header.iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(type_bytes);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn fields_are_found_through_anonymous_members() {
        let bytes = sample();
        let btf = Btf::parse(&bytes, &wanted()).unwrap();
        let offsets = ["one", "two", "three", "four"].map(|field| btf.offset("pair", field));
        assert_eq!(offsets, [0, 4, 8, UNKNOWN]);
        assert_eq!(btf.offset("none", "one"), UNKNOWN);
        assert_eq!(btf.offset("nosuch", "one"), UNKNOWN);
        let types = Types { offsets: Offsets::UNKNOWN, device_offsets: DeviceOffsets::UNKNOWN, ids: Ok(btf.ids()) };
        assert_eq!((types.function("act"), types.tracepoint("fork")), (Ok(7), Ok(8)));
        assert_eq!(types.function("actor"), Err("the kernel's BTF has no function actor".to_owned()));
        assert!(types.function("pair").is_err() && types.tracepoint("act").is_err());
    }

    #[test]
    fn what_is_cut_or_foreign_is_refused() {
        let bytes = sample();
        let fault = |bytes| Btf::parse(bytes, &wanted()).err();
        assert_eq!(fault(b"ELF!"), Some(BtfFault::Magic));
        for end in 2..bytes.len() {
            assert_eq!(fault(&bytes[..end]), Some(BtfFault::Short), "cut at {end}");
        }
    }
}
