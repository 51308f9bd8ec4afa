//! Errnos: the numbers by which the kernel reports why it did not do something, with their names and meanings.
//!
//! In: what a kernel function returned. Out: an [`Errno`], and text. The numbers are those of amd64 and arm64
//! (asm-generic), and those above 511, which never leave the kernel.

use std::fmt;

/// An errno, from a negative return value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(i32);

/// Number, name, meaning.
const ERRNOS: [(u32, &str, &str); 63] = [
    (1, "EPERM", "operation not permitted"),
    (2, "ENOENT", "no such file or directory"),
    (3, "ESRCH", "no such process"),
    (4, "EINTR", "interrupted"),
    (5, "EIO", "input/output error"),
    (6, "ENXIO", "no such device or address"),
    (7, "E2BIG", "argument list too long"),
    (8, "ENOEXEC", "not in an executable format"),
    (9, "EBADF", "bad file descriptor"),
    (10, "ECHILD", "no child processes"),
    (11, "EAGAIN", "try again"),
    (12, "ENOMEM", "out of memory"),
    (13, "EACCES", "permission denied"),
    (14, "EFAULT", "bad address"),
    (16, "EBUSY", "device or resource busy"),
    (17, "EEXIST", "exists already"),
    (18, "EXDEV", "link between file systems"),
    (19, "ENODEV", "no such device"),
    (20, "ENOTDIR", "not a directory"),
    (21, "EISDIR", "is a directory"),
    (22, "EINVAL", "invalid argument"),
    (23, "ENFILE", "too many open files in the system"),
    (24, "EMFILE", "too many open files"),
    (25, "ENOTTY", "inappropriate ioctl"),
    (26, "ETXTBSY", "file is being written"),
    (27, "EFBIG", "file too large"),
    (28, "ENOSPC", "no space left on device"),
    (30, "EROFS", "read-only file system"),
    (31, "EMLINK", "too many links"),
    (32, "EPIPE", "broken pipe"),
    (33, "EDOM", "argument out of domain"),
    (34, "ERANGE", "result out of range"),
    (35, "EDEADLK", "would deadlock"),
    (36, "ENAMETOOLONG", "name too long"),
    (38, "ENOSYS", "not implemented"),
    (39, "ENOTEMPTY", "directory not empty"),
    (40, "ELOOP", "too many symbolic links"),
    (61, "ENODATA", "no data available"),
    (62, "ETIME", "timer expired"),
    (71, "EPROTO", "protocol error"),
    (74, "EBADMSG", "bad message"),
    (75, "EOVERFLOW", "value too large"),
    (83, "ELIBBAD", "corrupted shared library"),
    (92, "ENOPROTOOPT", "protocol not available"),
    (93, "EPROTONOSUPPORT", "protocol not supported"),
    (95, "EOPNOTSUPP", "operation not supported"),
    (97, "EAFNOSUPPORT", "address family not supported"),
    (98, "EADDRINUSE", "address in use"),
    (105, "ENOBUFS", "no buffer space"),
    (110, "ETIMEDOUT", "timed out"),
    (111, "ECONNREFUSED", "connection refused"),
    (114, "EALREADY", "under way already"),
    (115, "EINPROGRESS", "in progress"),
    (116, "ESTALE", "stale file handle"),
    (123, "ENOMEDIUM", "no medium found"),
    (125, "ECANCELED", "cancelled"),
    (126, "ENOKEY", "required key not available"),
    (127, "EKEYEXPIRED", "key has expired"),
    (128, "EKEYREVOKED", "key has been revoked"),
    (129, "EKEYREJECTED", "key was rejected"),
    (512, "ERESTARTSYS", "interrupted by a signal"),
    (517, "EPROBE_DEFER", "probing deferred"),
    (524, "ENOTSUPP", "not supported"),
];

impl Errno {
    /// `EAGAIN`: disabling helpers fails with it (kernel/umh.c `__usermodehelper_disable`, 5.10 to 7.3).
    pub const EAGAIN: Self = Self(-11);
    /// `EINVAL`: invalid argument.
    pub const EINVAL: Self = Self(-22);
    /// `ENOENT`: no such file or directory; of a load, that it uses unknown symbols (kernel/module/main.c
    /// `simplify_symbols`, 5.10 to 7.3).
    pub const ENOENT: Self = Self(-2);
    /// `ENAMETOOLONG`: the name of a request is too long (kernel/module/kmod.c `__request_module`, 5.10 to 7.3).
    pub const ENAMETOOLONG: Self = Self(-36);
    /// `ENOMEM`: no memory.
    pub const ENOMEM: Self = Self(-12);
    /// `ENOEXEC`: of a load, that it is not a module, or not one of this kernel (kernel/module/main.c, 5.10 to 7.3).
    pub const ENOEXEC: Self = Self(-8);
    /// `EPERM`: not permitted.
    pub const EPERM: Self = Self(-1);
    /// `EBUSY`: a helper call fails with it while helpers are disabled (kernel/umh.c `call_usermodehelper_exec`, 5.10
    /// to 7.3).
    pub const EBUSY: Self = Self(-16);
    /// `EEXIST`: the module is live already (kernel/module/main.c `add_unformed_module`, 5.10 to 7.3), or its own init
    /// returned it.
    pub const EEXIST: Self = Self(-17);
    /// `ERESTARTSYS`: a helper call returns it to a caller that was killed while it waited (kernel/umh.c, 5.10 to 7.3).
    pub const ERESTARTSYS: Self = Self(-512);
    /// `EIO`
    pub const EIO: Self = Self(-5);
    /// `ENXIO`: a driver rejects a device with it (drivers/base/dd.c `call_driver_probe`, 5.10 to 7.3).
    pub const ENXIO: Self = Self(-6);
    /// `ENODEV`: a driver rejects a device with it.
    pub const ENODEV: Self = Self(-19);
    /// `EPROBE_DEFER`: a driver is to be tried on the device again later, when something that it needs is there.
    pub const EPROBE_DEFER: Self = Self(-517);

    /// The errno with this name, such as `ENOENT`; `None` if none is known by it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (number, _, _) = ERRNOS.iter().find(|(_, known, _)| *known == name)?;
        i32::try_from(*number).ok().map(|number| Self(-number))
    }

    /// The errno in a return value; `None` if the value is not negative.
    #[must_use]
    pub const fn from_return(value: i32) -> Option<Self> {
        if value < 0 { Some(Self(value)) } else { None }
    }

    /// The return value that it came from: negative.
    #[must_use]
    pub const fn as_return(self) -> i32 {
        self.0
    }

    /// Its name: `ENOENT`.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(_, name, _)| *name)
    }

    /// As short text: its name, or its number if it has no name.
    #[must_use]
    pub fn text(self) -> String {
        self.name().map_or_else(|| format!("errno {}", self.0.unsigned_abs()), str::to_owned)
    }

    /// With its meaning: `ENOENT (no such file or directory)`.
    #[must_use]
    pub fn words(self) -> String {
        match self.row() {
            Some((_, name, meaning)) => format!("{name} ({meaning})"),
            None => self.text(),
        }
    }

    fn row(self) -> Option<&'static (u32, &'static str, &'static str)> {
        let number = self.0.unsigned_abs();
        ERRNOS.binary_search_by_key(&number, |(number, _, _)| *number).ok().and_then(|place| ERRNOS.get(place))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_negative_return_values_are_errnos() {
        assert_eq!([Errno::from_return(0), Errno::from_return(256)], [None; 2]);
        assert_eq!(Errno::from_return(-16), Some(Errno::EBUSY));
    }

    #[test]
    fn errnos_have_names_and_meanings() {
        assert!(ERRNOS.is_sorted_by_key(|(number, _, _)| *number));
        assert_eq!(Errno(-2).words(), "ENOENT (no such file or directory)");
        assert_eq!(Errno::ERESTARTSYS.name(), Some("ERESTARTSYS"));
        assert_eq!((Errno(-4000).name(), Errno(-4000).words()), (None, "errno 4000".to_owned()));
        assert_eq!(Errno(i32::MIN).name(), None);
        assert_eq!((Errno::from_name("ENOENT"), Errno::from_name("ENONE")), (Some(Errno::ENOENT), None));
    }
}
