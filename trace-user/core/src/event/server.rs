//! The kernel functions that request modules for their callers, and know whether they got what they were called for.
//!
//! In: a stack, a moment. Out: which function. Values only.

use super::on_stack;
use std::sync::Arc;
use trace_common::kind::Kind;

/// A kernel function that requests modules for its callers. What it returns to the requester decides whether the
/// requester was *served*: a module that is live is not yet the service that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Server {
    /// `__sock_create` (net/socket.c, 5.10 to 7.3)
    Socket,
    /// `get_fs_type` (fs/filesystems.c, 5.10 to 7.3): a null pointer is `-ENODEV`, as for its callers.
    FileSystem,
    /// `crypto_alg_mod_lookup` (crypto/api.c, 5.10 to 7.3)
    Algorithm,
    /// `chrdev_open` (fs/char_dev.c, 5.10 to 7.3)
    CharDevice,
    /// `blkdev_get_no_open` (block/bdev.c, 6.1 to 7.3): a null pointer is `-ENXIO`, as for its callers.
    BlockDevice,
    /// `dev_load` (net/core/dev_ioctl.c, 5.10 to 7.3): `-ENODEV` if the network device does not exist when it returns.
    NetDevice,
    /// `rtnl_newlink` (net/core/rtnetlink.c, 5.10 to 7.3)
    Link,
    /// `tcp_set_congestion_control` (net/ipv4/tcp_cong.c, 5.10 to 7.3)
    Congestion,
}

impl Server {
    /// Every function.
    pub const ALL: [Self; 8] = [
        Self::Socket,
        Self::FileSystem,
        Self::Algorithm,
        Self::CharDevice,
        Self::BlockDevice,
        Self::NetDevice,
        Self::Link,
        Self::Congestion,
    ];

    /// The function's name in the kernel.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "__sock_create",
            Self::FileSystem => "get_fs_type",
            Self::Algorithm => "crypto_alg_mod_lookup",
            Self::CharDevice => "chrdev_open",
            Self::BlockDevice => "blkdev_get_no_open",
            Self::NetDevice => "dev_load",
            Self::Link => "rtnl_newlink",
            Self::Congestion => "tcp_set_congestion_control",
        }
    }

    /// What its callers get from it, for a person.
    #[must_use]
    pub const fn service(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::FileSystem => "file system",
            Self::Algorithm => "crypto algorithm",
            Self::CharDevice => "character device",
            Self::BlockDevice => "block device",
            Self::NetDevice => "network device",
            Self::Link => "network link",
            Self::Congestion => "congestion control",
        }
    }

    /// The moment of its return.
    #[must_use]
    pub const fn moment(self) -> Kind {
        match self {
            Self::Socket => Kind::SocketServed,
            Self::FileSystem => Kind::FileSystemServed,
            Self::Algorithm => Kind::AlgorithmServed,
            Self::CharDevice => Kind::CharDeviceServed,
            Self::BlockDevice => Kind::BlockDeviceServed,
            Self::NetDevice => Kind::NetDeviceServed,
            Self::Link => Kind::LinkServed,
            Self::Congestion => Kind::CongestionServed,
        }
    }

    /// The function whose return this moment is; `None` for other moments.
    #[must_use]
    pub fn of_moment(moment: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.moment() == moment)
    }

    /// The function with this name; `None` for others.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.as_str() == name)
    }

    /// The one that made a request with this stack, innermost first; `None` if none of them did, or if the stack could
    /// not be taken.
    #[must_use]
    pub fn of_stack(stack: &[Arc<str>]) -> Option<Self> {
        let mut frames = stack.chunks(1);
        frames.find_map(|frame| Self::ALL.into_iter().find(|server| on_stack(frame, &[server.as_str()])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_moments_lead_back_to_the_function() {
        for server in Server::ALL {
            assert_eq!(Server::of_moment(server.moment()), Some(server));
            assert_eq!(Server::from_name(server.as_str()), Some(server));
        }
        assert_eq!((Server::of_moment(Kind::Denied), Server::from_name("ksys_read")), (None, None));
    }

    #[test]
    fn the_innermost_function_made_the_request() {
        let stack = ["__request_module", "crypto_alg_mod_lookup.part.0", "chrdev_open", "do_open"].map(Arc::from);
        assert_eq!(Server::of_stack(&stack), Some(Server::Algorithm));
        assert_eq!(Server::of_stack(&stack[2..]), Some(Server::CharDevice));
        assert_eq!(Server::of_stack(&stack[3..]), None);
    }
}
