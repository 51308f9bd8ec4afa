//! A security module that says no: a BPF program on the hook `kernel_module_request`, while this process lives.
//!
//! In: how the names of the file systems that may not be asked for begin. Out: `denying` on stdout once they are
//! denied. A dozen instructions written out, so that no compiler for BPF is needed: -EPERM where the eight bytes behind
//! `fs-` in the alias are those of the name.

use std::fs;
use std::io;

use anyhow::{Context, Result, bail};

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_RAW_TRACEPOINT_OPEN: libc::c_int = 17;
const BPF_PROG_TYPE_LSM: u32 = 29;
const BPF_LSM_MAC: u32 = 27;
const HOOK: &str = "bpf_lsm_kernel_module_request";

/// Denies until killed.
pub fn deny(name: &str) -> Result<()> {
    let Some(Ok(begin)) = name.as_bytes().get(..8).map(<[u8; 8]>::try_from) else {
        bail!("the name needs eight bytes at least");
    };
    let types = fs::read("/sys/kernel/btf/vmlinux").context("cannot read the kernel's BTF")?;
    let hook = function(&types, HOOK).context("the kernel has no hook for BPF security modules on module requests")?;
    let program = load(&instructions(u64::from_ne_bytes(begin)), hook)?;
    let mut attributes = [0_u32; 4];
    attributes[2] = program;
    bpf(BPF_RAW_TRACEPOINT_OPEN, &mut attributes).context("cannot attach the program")?;
    println!("denying");
    loop {
        std::thread::park();
    }
}

/// The program, an instruction a word: code, registers, offset, immediate value.
fn instructions(name: u64) -> [u64; 13] {
    let one = |code: u8, to: u8, from: u8, offset: i16, value: i32| {
        let [low, high] = offset.to_le_bytes();
        let [a, b, c, d] = value.to_le_bytes();
        u64::from_le_bytes([code, to | from << 4, low, high, a, b, c, d])
    };
    let [low, high] = [name as u32, (name >> 32) as u32].map(u32::cast_signed);
    [
        one(0x79, 3, 1, 0, 0),   // r3 = the alias
        one(0x07, 3, 0, 0, 3),   // r3 += length of "fs-"
        one(0xbf, 1, 10, 0, 0),  // r1 = r10
        one(0x07, 1, 0, 0, -8),  // r1 += -8: eight bytes of stack
        one(0xb7, 2, 0, 0, 8),   // r2 = 8
        one(0x85, 0, 0, 0, 113), // bpf_probe_read_kernel(r1, r2, r3)
        one(0xb7, 0, 0, 0, 0),   // r0 = 0
        one(0x79, 1, 10, -8, 0), // r1 = what was read
        one(0x18, 2, 0, 0, low), // r2 = the name
        one(0, 0, 0, 0, high),
        one(0x5d, 1, 2, 1, 0),  // if r1 != r2 skip one
        one(0xb7, 0, 0, 0, -1), // r0 = -EPERM
        one(0x95, 0, 0, 0, 0),  // return r0
    ]
}

fn load(program: &[u64], hook: u32) -> Result<u32> {
    let halves = |address: u64| [address as u32, (address >> 32) as u32];
    let mut attributes = [0_u32; 32];
    attributes[0] = BPF_PROG_TYPE_LSM;
    attributes[1] = u32::try_from(program.len())?;
    attributes[2..4].copy_from_slice(&halves(program.as_ptr() as u64));
    attributes[4..6].copy_from_slice(&halves(c"GPL".as_ptr() as u64));
    attributes[17] = BPF_LSM_MAC;
    attributes[27] = hook;
    bpf(BPF_PROG_LOAD, &mut attributes).context("cannot load the program")
}

fn bpf(command: libc::c_int, attributes: &mut [u32]) -> io::Result<u32> {
    // SAFETY: the kernel reads the attributes, and what they point to, which lives through the call.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size_of_val(attributes)) };
    u32::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// The id of a function in BTF (Documentation/bpf/btf.rst, 6.12).
fn function(types: &[u8], name: &str) -> Option<u32> {
    let word = |at: usize| Some(u32::from_ne_bytes(types.get(at..at + 4)?.try_into().ok()?));
    let header = word(4)? as usize;
    let (mut at, end) = (header + word(8)? as usize, header + word(8)? as usize + word(12)? as usize);
    let strings = header + word(16)? as usize;
    let mut id = 0;
    while at < end {
        id += 1;
        let info = word(at + 4)?;
        let (kind, entries) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        let text = types.get(strings + word(at)? as usize..)?;
        if kind == 12 && text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0)) {
            return Some(id);
        }
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => entries * 12,
                6 | 13 => entries * 8,
                _ => 0,
            };
    }
    None
}
