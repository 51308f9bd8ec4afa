//! Which file a process executes, if it is still the one that a probe saw.
//!
//! In: a process, the device and the inode that the probe read in the kernel. Out: the file's path. A process that has
//! executed something else since could otherwise be shown under a name of its choice.

use modtrail_core::decode::FileId;
use rustix::fs::{Mode, OFlags, fstat, major, minor, open};
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

/// The path of the file that `process` executes now; `None` if that cannot be read, or if it is not `exe`.
pub fn path(process: u32, exe: FileId) -> Option<Arc<str>> {
    // The descriptor holds one file: what is asked of it cannot be answered by two.
    let file = open(format!("/proc/{process}/exe"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let is_it = stat(&file) == Some(exe) || seen_by_the_kernel(&file, process) == Some(exe);
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    is_it.then(|| path.to_string_lossy().into())
}

/// The file as programs see it. Some file systems (btrfs, overlayfs over several others) give programs other numbers
/// than the kernel has.
fn stat(file: &OwnedFd) -> Option<FileId> {
    let stat = fstat(file).ok()?;
    Some(FileId { device: major(stat.st_dev) << 20 | minor(stat.st_dev), inode: stat.st_ino })
}

/// The file as the kernel sees it: the inode in `/proc/self/fdinfo` (from 5.14 on), the device in the table of mounts
/// of a process that has it mounted.
fn seen_by_the_kernel(file: &OwnedFd, process: u32) -> Option<FileId> {
    let facts = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let fact = |name: &str| facts.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (inode, mount) = (fact("ino:")?.parse().ok()?, fact("mnt_id:")?);
    let mounts = fs::read_to_string(format!("/proc/{process}/mountinfo")).ok()?;
    Some(FileId { device: device_of(&mounts, mount)?, inode })
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
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn only_the_file_that_was_seen_has_a_path() {
        let own = fs::metadata("/proc/self/exe").unwrap();
        let exe = FileId { device: major(own.dev()) << 20 | minor(own.dev()), inode: own.ino() };
        let name = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        assert_eq!(path(std::process::id(), exe).as_deref(), Some(&*name));
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
        let file = open("/proc/self/exe", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let seen = seen_by_the_kernel(&file, std::process::id()).expect("a mount");
        assert_eq!(seen.inode, stat(&file).unwrap().inode);
    }
}
