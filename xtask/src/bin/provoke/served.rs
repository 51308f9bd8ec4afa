//! Asks the kernel functions that request modules for their services, and says what they answered.
//!
//! In: how many rounds. Out: a line for each attempt: the thread that asked, the kernel function that it asked, and
//! what that must have returned by what the system call said. Each attempt has a thread of its own.

use std::ffi::CString;
use std::mem::{size_of, zeroed};
use std::thread;

use anyhow::{Result, anyhow};

use crate::{closed, errno};

/// Something that asks one kernel function, and its name. It returns what the function must have: 0 or an errno.
type Attempt = (&'static str, fn(u32) -> i32);

const ATTEMPTS: [Attempt; 9] = [
    ("__sock_create", socket),
    ("__sock_create", protocol),
    ("get_fs_type", file_system),
    ("crypto_alg_mod_lookup", algorithm),
    ("chrdev_open", character_device),
    ("blkdev_get_no_open", block_device),
    ("dev_load", network_device),
    ("rtnl_newlink", link),
    ("tcp_set_congestion_control", congestion_control),
];

/// Makes so many rounds of all attempts.
pub fn run(rounds: u32) -> Result<()> {
    for round in 0..rounds {
        for (function, attempt) in ATTEMPTS {
            let asked = thread::spawn(move || {
                // SAFETY: the call takes nothing.
                let thread = unsafe { libc::gettid() };
                (thread, attempt(round))
            });
            let (thread, errno) = asked.join().map_err(|_| anyhow!("{function} panicked"))?;
            println!("{thread} {function} {}", -errno);
        }
    }
    Ok(())
}

/// Families that no kernel has; the first is one that a module provides.
fn socket(round: u32) -> i32 {
    if round == 0 {
        crate::socket(libc::AF_CAN, libc::SOCK_RAW, 1)
    } else {
        crate::socket(libc::AF_IPX, libc::SOCK_RAW, 0)
    }
}

fn protocol(round: u32) -> i32 {
    crate::socket(libc::AF_INET, libc::SOCK_SEQPACKET, 140 + i32::try_from(round % 100).unwrap_or(0))
}

fn named(round: u32, first: &str) -> CString {
    let name = if round == 0 { first.to_owned() } else { format!("nosuch{round}") };
    CString::new(name).unwrap_or_default()
}

/// The first is one that a module provides.
fn file_system(round: u32) -> i32 {
    crate::file_system(&named(round, "xfs"))
}

/// `AF_ALG`: the function looks up what `bind` names.
fn algorithm(round: u32) -> i32 {
    // SAFETY: the address is plain data, and lives through the call.
    unsafe {
        let mut address: libc::sockaddr_alg = zeroed();
        address.salg_family = libc::AF_ALG as libc::sa_family_t;
        copy(&mut address.salg_type, b"hash");
        copy(&mut address.salg_name, named(round, "sha1").as_bytes());
        let fd = libc::socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0);
        let size = size_of::<libc::sockaddr_alg>() as libc::socklen_t;
        let bound = libc::bind(fd, (&raw const address).cast(), size);
        let result = if bound == -1 { errno() } else { 0 };
        closed(fd);
        result
    }
}

fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Numbers that nobody has registered; the first is that of tun, which a module provides.
fn character_device(round: u32) -> i32 {
    opened(libc::S_IFCHR, if round == 0 { (10, 200) } else { (300 + round, 0) })
}

/// The first is that of loop0, which a module provides.
fn block_device(round: u32) -> i32 {
    opened(libc::S_IFBLK, if round == 0 { (7, 0) } else { (300 + round, 0) })
}

fn opened(kind: libc::mode_t, (major, minor): (u32, u32)) -> i32 {
    let path = CString::new(format!("/tmp/provoke-{kind:o}-{major}")).unwrap_or_default();
    // SAFETY: the path is NUL-terminated and lives through the calls.
    unsafe {
        libc::mknod(path.as_ptr(), kind | 0o600, libc::makedev(major, minor));
        let result = closed(libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_NONBLOCK));
        libc::unlink(path.as_ptr());
        result
    }
}

/// `SIOCGIFFLAGS` asks for the device by its name.
fn network_device(round: u32) -> i32 {
    // SAFETY: the request is plain data, and lives through the call.
    unsafe {
        let mut request: libc::ifreq = zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(named(round, "dummy0").as_bytes()) {
            *to = *from as libc::c_char;
        }
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        let result = if libc::ioctl(fd, libc::SIOCGIFFLAGS as _, &raw mut request) == -1 { errno() } else { 0 };
        closed(fd);
        result
    }
}

/// `RTM_NEWLINK` with a kind of link; the answer has the errno.
fn link(round: u32) -> i32 {
    let kind = named(round, "vcan");
    let mut info = attribute(1, kind.to_bytes());
    info = attribute(18 | 0x8000, &info);
    let mut message = Vec::new();
    let length = 16 + 16 + info.len();
    message.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
    message.extend(libc::RTM_NEWLINK.to_ne_bytes());
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    message.extend((flags as u16).to_ne_bytes());
    message.extend([0; 8 + 16]);
    message.extend(info);
    // SAFETY: both buffers live through the calls, with their own lengths.
    unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        libc::send(fd, message.as_ptr().cast(), message.len(), 0);
        let mut answer = [0_u8; 4_096];
        let got = libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), 0);
        closed(fd);
        // A header of 16 bytes, then the negative errno.
        match answer.get(16..20).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) if got >= 20 => -i32::from_ne_bytes(bytes),
            _ => libc::EIO,
        }
    }
}

/// An attribute of netlink: its length, its type, its data, padded to four bytes.
fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut attribute = u16::try_from(data.len() + 4).unwrap_or(0).to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(data);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn congestion_control(round: u32) -> i32 {
    let name = named(round, "bbr");
    // SAFETY: the name lives through the call, with its own length.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        let length = name.as_bytes().len() as libc::socklen_t;
        let set = libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_CONGESTION, name.as_ptr().cast(), length);
        let result = if set == -1 { errno() } else { 0 };
        closed(fd);
        result
    }
}
