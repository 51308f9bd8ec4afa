//! Which file a process executes, if it is still the one that a probe saw.
//!
//! In: a process, the device and the inode that the probe read in the kernel. Out: the file's path. A process that has
//! executed something else since could otherwise be shown under a name of its choice.

use modtrail_core::event::FileId;
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, statx};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

/// The most of a table of mounts that is read: its length is up to the process.
const MOUNTS: u64 = 1024 * 1024;

/// The path of the file that `process` executes now; `None` if that cannot be read, or if it is not `exe`.
pub fn path(process: u32, exe: FileId) -> Option<Arc<str>> {
    let link = format!("/proc/{process}/exe");
    // The descriptor holds one file: what is asked of it cannot be answered by two.
    let file = open_link(&link).filter(|file| is_same(file, process, exe))?;
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).or_else(|_| -> io::Result<PathBuf> {
        // With capabilities of its file's, modtrail may not read its own descriptors.
        let path = fs::read_link(&link)?;
        let is_still = open_link(&link).is_some_and(|file| is_same(&file, process, exe));
        if is_still { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
    });
    path.ok().map(|path| path.to_string_lossy().into())
}

/// The file at `path`; `None` if there is none.
pub fn at(path: &str) -> Option<FileId> {
    stat(&open_link(path)?)
}

fn open_link(link: &str) -> Option<OwnedFd> {
    open(link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()
}

fn is_same(file: &OwnedFd, process: u32, exe: FileId) -> bool {
    stat(file) == Some(exe) || is_same_to_the_kernel(file, process, exe)
}

/// The file as programs see it. Some file systems (btrfs, overlayfs over several others) give programs other numbers
/// than the kernel has. What is not known without asking a server or a daemon stays unknown: it may never answer.
fn stat(file: &OwnedFd) -> Option<FileId> {
    let stat = statx(file, "", AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some(FileId { device: stat.stx_dev_major << 20 | stat.stx_dev_minor, inode: stat.stx_ino })
}

/// Whether the kernel sees this file as `exe`: by the inode in `/proc/self/fdinfo` (from 5.14 on), and the device in
/// the table of mounts of a process that has it mounted.
fn is_same_to_the_kernel(file: &OwnedFd, process: u32, exe: FileId) -> bool {
    let Ok(facts) = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())) else { return false };
    let fact = |name: &str| facts.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (Some(inode), Some(mount)) = (fact("ino:").and_then(|number| number.parse::<u64>().ok()), fact("mnt_id:"))
    else {
        return false;
    };
    exe.inode == inode && mounts_of(process).is_some_and(|mounts| device_of(&mounts, mount) == Some(exe.device))
}

fn mounts_of(process: u32) -> Option<String> {
    let mut mounts = String::new();
    File::open(format!("/proc/{process}/mountinfo")).ok()?.take(MOUNTS).read_to_string(&mut mounts).ok()?;
    Some(mounts)
}

/// The device of a mount, by lines like `22 1 0:21 / / rw - ext4 /dev/vda rw`.
fn device_of(mounts: &str, mount: &str) -> Option<u32> {
    mounts.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let device = (words.next() == Some(mount)).then(|| words.nth(1)).flatten()?;
        let (major, minor) = device.split_once(':')?;
        Some(major.parse::<u32>().ok()? << 20 | minor.parse::<u32>().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_was_seen_has_a_path() {
        let exe = stat(&open_link("/proc/self/exe").unwrap()).unwrap();
        let name = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        assert_eq!(path(std::process::id(), exe).as_deref(), Some(&*name));
        assert_eq!((at(&name), at("/no/such/file")), (Some(exe), None));
        assert_eq!(path(std::process::id(), FileId { inode: exe.inode + 1, ..exe }), None);
        assert_eq!(path(std::process::id(), FileId { device: exe.device + 1, ..exe }), None);
    }

    #[test]
    fn the_table_of_mounts_has_the_kernels_numbers() {
        let mounts = "22 1 0:21 / / rw - ext4 /dev/vda rw\n122 22 8:17 /@ /home rw - btrfs /dev/vdb rw\nodd\n";
        assert_eq!((device_of(mounts, "122"), device_of(mounts, "2")), (Some(8 << 20 | 17), None));
        assert_eq!(device_of(mounts, "22"), Some(21));
    }

    #[test]
    fn the_kernels_view_is_found_for_any_file() {
        let (file, process) = (open_link("/proc/self/exe").unwrap(), std::process::id());
        let facts = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
        let mount = facts.lines().find_map(|line| line.strip_prefix("mnt_id:")).unwrap().trim();
        let device = device_of(&mounts_of(process).unwrap(), mount).expect("a mount");
        let exe = FileId { device, inode: stat(&file).unwrap().inode };
        assert!(is_same_to_the_kernel(&file, process, exe));
        assert!(!is_same_to_the_kernel(&file, process, FileId { device: device + 1, ..exe }));
        assert!(!is_same_to_the_kernel(&file, process, FileId { inode: exe.inode + 1, ..exe }));
    }
}
