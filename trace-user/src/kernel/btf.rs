//! Finds where fields lie in this kernel's structs, from the BTF that the kernel carries.
//!
//! In: the bytes of `/sys/kernel/btf/vmlinux`. Out: byte offsets by struct and field name. Only what is asked for is
//! read: one pass finds where types begin, and members of the few wanted structs are looked at. The format:
//! Documentation/bpf/btf.rst, 6.12.

use std::fs;
use trace_common::settings::{Offsets, UNKNOWN};

const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
/// Structs nest this deep at most in anonymous members; deeper is damage.
const DEPTH: u32 = 8;

/// Why BTF could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfFault {
    /// Not BTF of this machine's byte order.
    #[error("this is no BTF")]
    Magic,
    /// It ends in the middle, or an offset points outside.
    #[error("the BTF is cut short")]
    Short,
    /// A kind of type that is newer than this program: what follows cannot be found.
    #[error("the BTF holds a type of unknown kind {0}")]
    Kind(u32),
}

/// The offsets in the running kernel: from its BTF, or, where it carries none, those that have never changed.
#[must_use]
pub fn running() -> Offsets {
    let bytes = fs::read("/sys/kernel/btf/vmlinux").unwrap_or_default();
    Btf::parse(&bytes).map_or(Offsets::WITHOUT_BTF, |types| types.offsets())
}

/// Parsed far enough to look structs up.
pub struct Btf<'data> {
    types: &'data [u8],
    strings: &'data [u8],
    /// Where each type begins in `types`, by id from 1.
    starts: Vec<u32>,
}

impl<'data> Btf<'data> {
    /// Takes the bytes in.
    ///
    /// # Errors
    /// A [`BtfFault`] where they are not whole BTF.
    pub fn parse(bytes: &'data [u8]) -> Result<Self, BtfFault> {
        if bytes.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err(BtfFault::Magic);
        }
        let header = word(bytes, 4)?;
        let types = section(bytes, header, word(bytes, 8)?, word(bytes, 12)?)?;
        let strings = section(bytes, header, word(bytes, 16)?, word(bytes, 20)?)?;
        let mut starts = Vec::new();
        let mut at = 0;
        while (at as usize) < types.len() {
            starts.push(at);
            at += 12 + trailing(word(types, at + 4)?)?;
        }
        Ok(Self { types, strings, starts })
    }

    /// The byte offset of `field` in `struct name`, through anonymous structs and unions; [`UNKNOWN`] where there is
    /// no such field, or it is a bit field.
    #[must_use]
    pub fn offset(&self, name: &str, field: &str) -> u32 {
        let found = self.starts.iter().filter(|start| self.is_struct(**start, name));
        found.filter_map(|start| self.member(*start, field, 0)).map(|bits| bits / 8).next().unwrap_or(UNKNOWN)
    }

    /// The offsets of everything that the probes read.
    #[must_use]
    pub fn offsets(&self) -> Offsets {
        Offsets {
            task_group_leader: self.offset("task_struct", "group_leader"),
            task_start_boottime: self.offset("task_struct", "start_boottime"),
            task_tgid: self.offset("task_struct", "tgid"),
            task_exit_code: self.offset("task_struct", "exit_code"),
            task_signal: self.offset("task_struct", "signal"),
            signal_live: self.offset("signal_struct", "live"),
            call_work: self.offset("subprocess_info", "work"),
            call_path: self.offset("subprocess_info", "path"),
            call_argv: self.offset("subprocess_info", "argv"),
            module_name: self.offset("module", "name"),
            load_info_len: self.offset("load_info", "len"),
            call_wait: self.offset("subprocess_info", "wait"),
            call_retval: self.offset("subprocess_info", "retval"),
            file_dentry: within(self.offset("file", "f_path"), self.offset("path", "dentry")),
            dentry_name: within(self.offset("dentry", "d_name"), self.offset("qstr", "name")),
            task_loginuid: self.offset("task_struct", "loginuid"),
            device_name: within(self.offset("device", "kobj"), self.offset("kobject", "name")),
            reserved: 0,
        }
    }

    fn is_struct(&self, start: u32, name: &str) -> bool {
        word(self.types, start + 4).is_ok_and(|info| kind(info) == STRUCT && info & 0xffff != 0)
            && word(self.types, start).is_ok_and(|at| self.string_is(at, name))
    }

    fn string_is(&self, at: u32, name: &str) -> bool {
        let text = self.strings.get(at as usize..).unwrap_or_default();
        text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
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
            let inner = self.starts.get((type_id as usize).wrapping_sub(1)).filter(|_| name == 0);
            if let Some(offset) = inner.and_then(|inner| self.member(*inner, field, depth + 1)) {
                return Some(bits + offset);
            }
        }
        None
    }
}

/// The offset of a field of a struct that is a field itself.
const fn within(outer: u32, inner: u32) -> u32 {
    if outer == UNKNOWN || inner == UNKNOWN { UNKNOWN } else { outer + inner }
}

const fn kind(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// Bytes behind the twelve that every type has.
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

    /// BTF of `struct pair { int one; struct { int two; union { int three; }; }; }`, and an unrelated `struct none`.
    fn sample() -> Vec<u8> {
        let strings = b"\0int\0pair\0one\0two\0three\0none\0";
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
        let btf = Btf::parse(&bytes).unwrap();
        let offsets = ["one", "two", "three", "four"].map(|field| btf.offset("pair", field));
        assert_eq!(offsets, [0, 4, 8, UNKNOWN]);
        assert_eq!(btf.offset("none", "one"), UNKNOWN);
        assert_eq!(btf.offset("nosuch", "one"), UNKNOWN);
    }

    #[test]
    fn what_is_cut_or_foreign_is_refused() {
        let bytes = sample();
        assert_eq!(Btf::parse(b"ELF!").err(), Some(BtfFault::Magic));
        for end in 2..bytes.len() {
            assert_eq!(Btf::parse(&bytes[..end]).err(), Some(BtfFault::Short), "cut at {end}");
        }
    }
}
