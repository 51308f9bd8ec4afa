//! Becomes a program of another user, with no rights of root's but those that are named; or gives a program such rights
//! for whoever runs it.

use std::ffi::CString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

/// `_LINUX_CAPABILITY_VERSION_3` (include/uapi/linux/capability.h).
const VERSION: u32 = 0x2008_0522;

/// Executes `program` as `user`, with these capabilities by number: 38 is CAP_PERFMON, 39 CAP_BPF.
pub fn become_user(user: u32, capabilities: &[u32], program: &str, arguments: &[&str]) -> Result<()> {
    let kept = capabilities.to_vec();
    let mut command = Command::new(program);
    command.args(arguments).uid(user).gid(user);
    if !kept.is_empty() {
        // SAFETY: it takes numbers. What is permitted then outlives the change of user.
        unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) };
        // SAFETY: it only makes system calls.
        unsafe { command.pre_exec(move || keep(&kept)) };
    }
    Err(command.exec()).with_context(|| format!("cannot run {program} as {user}"))
}

/// Gives a program's file these capabilities, permitted and effective (`struct vfs_cap_data`, revision 2).
pub fn give_file(path: &str, capabilities: &[u32]) -> Result<()> {
    const REVISION_2_EFFECTIVE: u32 = 0x0200_0001;
    let mask = capabilities.iter().fold(0_u64, |mask, number| mask | 1 << number);
    let words = [REVISION_2_EFFECTIVE, mask as u32, 0, (mask >> 32) as u32, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (path, name) = (CString::new(path)?, c"security.capability");
    // SAFETY: the texts end with a NUL, and `value` is as long as it says.
    let set = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if set == -1 { Err(io::Error::last_os_error()).context("cannot give it capabilities") } else { Ok(()) }
}

/// Keeps these capabilities, and lets the program have them that is executed next.
fn keep(capabilities: &[u32]) -> io::Result<()> {
    let mask = capabilities.iter().fold(0_u64, |mask, number| mask | 1 << number);
    let (low, high) = (mask as u32, (mask >> 32) as u32);
    // `struct __user_cap_header_struct`; effective, permitted and inheritable of each half.
    let (header, data) = ([VERSION, 0], [low, low, low, high, high, high]);
    // SAFETY: both have the layout and the size that this version asks for.
    if unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) } == -1 {
        return Err(io::Error::last_os_error());
    }
    for number in capabilities {
        // SAFETY: it takes numbers.
        if unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, *number, 0, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
