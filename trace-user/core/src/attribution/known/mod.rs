//! The name that engineers know, beside an alias that the kernel asks for by number: `AF_CAN` for `net-pf-29`.
//!
//! In: the alias. Out: the name; `None` if the alias has no such name, is not well formed, or holds the name already
//! (`crypto-sha256`). A part that has no name is left out: `net-pf-2-proto-253` is `AF_INET`. Sources: the callers of
//! `request_module` and the headers named beside each table, Linux 5.10 to 7.x. Pure.

mod tables;

use crate::event::Captured;
use std::borrow::Cow;
use tables::{
    AF, BLOCK_MAJORS, BLUETOOTH, CAN, CHARACTER_MAJORS, CHARACTER_MINORS, EMATCHES, GSS, GSS_OBJECT, L2TP,
    LINE_DISCIPLINES, LOGGERS, MD_LEVELS, MISC, NETFILTER, NETLINK_PROTOCOLS, NFNETLINK, NFS_LAYOUTS, NFT_OBJECTS,
    NVME_TARGETS, Names, OSS, PPP_COMPRESSION, PROGRAMS, PROTOCOLS, RAID, RDMA, RPC, SEQUENCER_CLIENTS, SOCKET_TYPES,
    SOUND_TIMERS, VPORTS, XTABLES,
};

/// What reads the part of an alias after its prefix.
type Reader = fn(&str) -> Option<Cow<'static, str>>;

/// `AF_NETLINK`, whose aliases have protocols of their own.
const NETLINK: u32 = 16;
/// `NETLINK_SOCK_DIAG`, whose aliases name the family that is asked about.
const SOCK_DIAG: u32 = 4;
/// `NETLINK_GENERIC`, whose aliases name a family of generic netlink.
const GENERIC: u32 = 16;

/// Aliases that are a prefix and one number.
const NUMBERED: &[(&str, Names)] = &[
    ("can-proto-", CAN),
    ("bt-proto-", BLUETOOTH),
    ("tty-ldisc-", LINE_DISCIPLINES),
    ("nfnetlink-subsys-", NFNETLINK),
    ("nf-flowtable-", NETFILTER),
    ("nf-nat-", NETFILTER),
    ("nft-obj-", NFT_OBJECTS),
    ("ematch-kind-", EMATCHES),
    ("net-l2tp-type-", L2TP),
    ("vport-type-", VPORTS),
    ("nvmet-transport-", NVME_TARGETS),
    ("rdma-netlink-subsys-", RDMA),
    ("rpc-auth-", RPC),
    ("rpc-auth-gss-", GSS),
    ("nfs-layouttype4-", NFS_LAYOUTS),
    ("ppp-compress-", PPP_COMPRESSION),
    ("snd-seq-client-", SEQUENCER_CLIENTS),
    ("snd-timer-", SOUND_TIMERS),
];

/// Aliases of other forms: the prefix, and what reads the rest.
const OTHERS: &[(&str, Reader)] = &[
    ("net-pf-", socket),
    ("pppox-proto-", |rest| with_protocol(24, rest, None)),
    ("xfrm-type-", transform),
    ("xfrm-offload-", transform),
    ("char-major-", character_device),
    ("block-major-", |rest| in_runs(BLOCK_MAJORS, device(rest)?.0).map(Cow::Borrowed)),
    ("binfmt-", |rest| by_text(PROGRAMS, rest)),
    ("netdev-", interface),
    ("nft-chain-", netfilter_part),
    ("nft-expr-", netfilter_part),
    ("nf-logger-", logger),
    ("rpc-auth-gss-", |rest| by_text(&[GSS_OBJECT], rest)),
    ("md-", md_level),
    ("snd-card-", |rest| Some(format!("sound card {}", number(rest)?).into())),
    ("sound-slot-", |rest| Some(format!("OSS sound card {}", number(rest)?).into())),
    ("sound-service-", sound_service),
];

/// The name that engineers know, for an alias that the kernel makes from numbers: `AF_CAN` for `net-pf-29`. `None` if
/// it has no such name, if the alias is not well formed, or if the name stands in the alias already. Names and numbers
/// are the kernel's: see the tables of this file for the header of each.
#[must_use]
pub fn known_as(alias: &str) -> Option<Cow<'static, str>> {
    let numbered = NUMBERED.iter().find_map(|(prefix, names)| named(names, alias.strip_prefix(prefix)?));
    let other = || OTHERS.iter().find_map(|(prefix, read)| read(alias.strip_prefix(prefix)?));
    numbered.map(Cow::Borrowed).or_else(other).or_else(|| xtables(alias))
}

/// The alias as a person reads it: `net-pf-29 (AF_CAN)`, or the alias alone.
#[must_use]
pub fn with_name(alias: &Captured) -> String {
    match alias.text().and_then(|alias| known_as(alias)) {
        Some(name) => format!("{alias} ({name})"),
        None => alias.to_string(),
    }
}

/// A number as the kernel prints it: digits, without a sign and without zeros before it.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// The name of a number.
fn name(names: &[(u32, &'static str)], number: u32) -> Option<&'static str> {
    names.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The name of a number that is still text.
fn named(names: &[(u32, &'static str)], text: &str) -> Option<&'static str> {
    name(names, number(text)?)
}

/// The name of a number, from runs of numbers.
fn in_runs(runs: &[(u32, u32, &'static str)], number: u32) -> Option<&'static str> {
    runs.iter().find(|(first, last, _)| (*first..=*last).contains(&number)).map(|(_, _, name)| *name)
}

/// The name of a text.
fn by_text(names: &[(&str, &'static str)], text: &str) -> Option<Cow<'static, str>> {
    names.iter().find(|(known, _)| *known == text).map(|(_, name)| Cow::Borrowed(*name))
}

/// After `net-pf-`: `net/socket.c` asks for a family, and families ask for a protocol, or a protocol and a type.
fn socket(rest: &str) -> Option<Cow<'static, str>> {
    let Some((family, rest)) = rest.split_once("-proto-") else {
        return named(AF, rest).map(Cow::Borrowed);
    };
    let family = number(family)?;
    if family == NETLINK {
        return netlink(rest);
    }
    match rest.split_once("-type-") {
        Some((protocol, kind)) => with_protocol(family, protocol, Some(kind)),
        None => with_protocol(family, rest, None),
    }
}

/// A family, its protocol and a type of socket, in the names that they have.
fn with_protocol(family: u32, protocol: &str, kind: Option<&str>) -> Option<Cow<'static, str>> {
    let protocol = number(protocol)?;
    let protocols = PROTOCOLS.iter().find(|(of, _)| *of == family);
    let mut words = vec![name(AF, family)?];
    words.extend(protocols.and_then(|(_, names)| name(names, protocol)));
    if let Some(kind) = kind {
        words.extend(name(SOCKET_TYPES, number(kind)?));
    }
    Some(words.join(", ").into())
}

/// After `net-pf-16-proto-`: `net/netlink/af_netlink.c` asks for a protocol, `genetlink.c` for a family of generic
/// netlink, `net/core/sock.c` for what answers questions about sockets of a family or of a family and a protocol.
fn netlink(rest: &str) -> Option<Cow<'static, str>> {
    if let Some((protocol, family)) = rest.split_once("-family-") {
        let known = number(protocol)? == GENERIC && !family.is_empty();
        return known.then(|| format!("NETLINK_GENERIC, family {family}").into());
    }
    if let Some((protocol, asked)) = rest.split_once("-type-") {
        return if number(protocol)? == SOCK_DIAG { socket_diagnosis(asked) } else { None };
    }
    let protocol = number(rest)?;
    name(NETLINK_PROTOCOLS, protocol).or(name(AF, NETLINK)).map(Cow::Borrowed)
}

/// After `net-pf-16-proto-4-type-`: a family, or a family and a protocol.
fn socket_diagnosis(asked: &str) -> Option<Cow<'static, str>> {
    let (family, protocol) = match asked.split_once('-') {
        Some((family, protocol)) => (number(family)?, protocol),
        None => (number(asked)?, "0"),
    };
    let of = with_protocol(family, protocol, None);
    of.map(|of| format!("NETLINK_SOCK_DIAG of {of}").into())
}

/// After `xfrm-type-` or `xfrm-offload-`: a family and a protocol of `IPsec`, `net/xfrm/xfrm_state.c`.
fn transform(rest: &str) -> Option<Cow<'static, str>> {
    let (family, protocol) = rest.split_once('-')?;
    with_protocol(number(family)?, protocol, None)
}

/// A major number, and a minor number if one follows. A minor number has 20 bits.
fn device(rest: &str) -> Option<(u32, Option<u32>)> {
    let Some((major, minor)) = rest.split_once('-') else {
        return Some((number(rest)?, None));
    };
    let minor = number(minor).filter(|minor| *minor < 1 << 20)?;
    Some((number(major)?, Some(minor)))
}

/// After `char-major-`: `fs/char_dev.c` asks for a major and a minor number, then for the major number alone.
fn character_device(rest: &str) -> Option<Cow<'static, str>> {
    let (major, minor) = device(rest)?;
    let by_minor = minor.and_then(|minor| match major {
        10 => name(MISC, minor).map(Cow::Borrowed),
        14 => oss(minor >> 4, minor & 15),
        _ => {
            let runs = CHARACTER_MINORS.iter().find(|(of, _)| *of == major)?.1;
            in_runs(runs, minor).map(Cow::Borrowed)
        }
    });
    by_minor.or_else(|| in_runs(CHARACTER_MAJORS, major).map(Cow::Borrowed))
}

/// After `sound-service-`: a card and one of its devices, `sound/sound_core.c`.
fn sound_service(rest: &str) -> Option<Cow<'static, str>> {
    let (card, device) = rest.split_once('-')?;
    oss(number(card)?, number(device)?)
}

/// A device of an OSS sound card.
fn oss(card: u32, device: u32) -> Option<Cow<'static, str>> {
    Some(format!("OSS {}, sound card {card}", name(OSS, device)?).into())
}

/// After `netdev-`: a name of at most 15 bytes, as `dev_valid_name` in `net/core/dev.c` accepts it.
fn interface(rest: &str) -> Option<Cow<'static, str>> {
    let length = (1..16).contains(&rest.len());
    let valid =
        length && rest != "." && rest != ".." && !rest.contains(|c: char| c == '/' || c == ':' || c.is_whitespace());
    valid.then(|| format!("network interface {rest}").into())
}

/// After `nft-chain-` or `nft-expr-`: a family and a name, `net/netfilter/nf_tables_api.c`.
fn netfilter_part(rest: &str) -> Option<Cow<'static, str>> {
    let (family, part) = rest.split_once('-')?;
    let family = named(NETFILTER, family)?;
    (!part.is_empty()).then(|| format!("{family} {part}").into())
}

/// After `nf-logger-`: a family and a kind of logger, `net/netfilter/nf_log.c`.
fn logger(rest: &str) -> Option<Cow<'static, str>> {
    let (family, kind) = rest.split_once('-')?;
    Some(format!("{} {}", named(NETFILTER, family)?, named(LOGGERS, kind)?).into())
}

/// After `md-`: a level, as a number or with `raid` before it, `drivers/md/md.c`.
fn md_level(rest: &str) -> Option<Cow<'static, str>> {
    let level = rest.strip_prefix("level-").unwrap_or(rest);
    match level.strip_prefix("raid") {
        Some(raid) => named(RAID, raid).map(Cow::Borrowed),
        None => named(RAID, level).map(Cow::Borrowed).or_else(|| by_text(MD_LEVELS, level)),
    }
}

/// A match, target or table of xtables.
fn xtables(alias: &str) -> Option<Cow<'static, str>> {
    let part = |(prefix, words): &(&str, &'static str)| {
        let part = alias.strip_prefix(prefix)?;
        (!part.is_empty()).then(|| format!("{words} {part}").into())
    };
    XTABLES.iter().find_map(part)
}

#[cfg(test)]
mod tests {
    use super::tables::{
        AF, BLOCK_MAJORS, CHARACTER_MAJORS, CHARACTER_MINORS, LOGGERS, MD_LEVELS, MISC, NETLINK_PROTOCOLS, OSS,
        PROGRAMS, PROTOCOLS, RAID, SOCKET_TYPES, XTABLES,
    };
    use super::{NUMBERED, OTHERS, known_as};
    use std::collections::BTreeSet;

    #[test]
    fn an_alias_of_numbers_has_the_name_that_engineers_know() {
        let expected = [
            ("net-pf-29", "AF_CAN"),
            ("net-pf-1", "AF_UNIX"),
            ("net-pf-45", "AF_MCTP"),
            ("net-pf-2-proto-132", "AF_INET, SCTP"),
            ("net-pf-2-proto-132-type-1", "AF_INET, SCTP, SOCK_STREAM"),
            ("net-pf-10-proto-262-type-1", "AF_INET6, MPTCP, SOCK_STREAM"),
            ("net-pf-2-proto-0-type-5", "AF_INET, SOCK_SEQPACKET"),
            ("net-pf-2-proto-253-type-9", "AF_INET"),
            ("net-pf-24-proto-0", "AF_PPPOX, PPPoE"),
            ("net-pf-35-proto-2", "AF_PHONET, PIPE"),
            ("net-pf-16-proto-12", "NETLINK_NETFILTER"),
            ("net-pf-16-proto-17", "AF_NETLINK"),
            ("net-pf-16-proto-16-family-nl80211", "NETLINK_GENERIC, family nl80211"),
            ("net-pf-16-proto-4-type-1", "NETLINK_SOCK_DIAG of AF_UNIX"),
            ("net-pf-16-proto-4-type-2-6", "NETLINK_SOCK_DIAG of AF_INET, TCP"),
            ("net-pf-16-proto-4-type-10-255", "NETLINK_SOCK_DIAG of AF_INET6, RAW"),
            ("can-proto-1", "CAN_RAW"),
            ("can-proto-7", "CAN_J1939"),
            ("bt-proto-8", "BTPROTO_ISO"),
            ("pppox-proto-2", "AF_PPPOX, PPTP"),
            ("xfrm-type-2-50", "AF_INET, ESP"),
            ("tty-ldisc-21", "N_GSM0710"),
            ("nfnetlink-subsys-10", "NFNL_SUBSYS_NFTABLES"),
            ("char-major-10-200", "/dev/net/tun"),
            ("char-major-10-229", "/dev/fuse"),
            ("char-major-10-232", "/dev/kvm"),
            ("char-major-10-236", "/dev/mapper/control"),
            ("char-major-10-60", "misc device"),
            ("char-major-10", "misc device"),
            ("char-major-4-65", "/dev/ttyS*"),
            ("char-major-5-3", "/dev/ttyprintk"),
            ("char-major-13-64", "/dev/input/event*"),
            ("char-major-14-19", "OSS dsp, sound card 1"),
            ("char-major-14-7", "OSS sound"),
            ("char-major-116-1", "/dev/snd/seq"),
            ("char-major-116-2", "/dev/snd/* (ALSA)"),
            ("char-major-108-0", "/dev/ppp"),
            ("char-major-188-0", "/dev/ttyUSB*"),
            ("block-major-7-1048575", "/dev/loop*"),
            ("block-major-8", "/dev/sd*"),
            ("block-major-68-0", "/dev/sd*"),
            ("block-major-179-0", "/dev/mmcblk*"),
            ("binfmt-464c", "ELF"),
            ("netdev-eth9", "network interface eth9"),
            ("nft-chain-2-nat", "ip nat"),
            ("nft-expr-10-reject", "ip6 reject"),
            ("nf-flowtable-1", "inet"),
            ("nf-nat-2", "ip"),
            ("nf-logger-2-0", "ip LOG"),
            ("nft-obj-1", "NFT_OBJECT_COUNTER"),
            ("ipt_REJECT", "iptables REJECT"),
            ("ip6t_rt", "ip6tables rt"),
            ("iptable_nat", "iptables table nat"),
            ("rpc-auth-6", "RPCSEC_GSS"),
            ("rpc-auth-gss-390004", "krb5i"),
            ("rpc-auth-gss-1.2.840.113554.1.2.2", "Kerberos 5"),
            ("nfs-layouttype4-4", "LAYOUT_FLEX_FILES"),
            ("md-level-5", "RAID 5"),
            ("md-level--1", "linear"),
            ("md-level-raid6", "RAID 6"),
            ("md-raid10", "RAID 10"),
            ("ppp-compress-18", "MPPE"),
            ("snd-card-0", "sound card 0"),
            ("snd-seq-client-14", "MIDI through"),
            ("sound-slot-1", "OSS sound card 1"),
            ("sound-service-0-3", "OSS dsp, sound card 0"),
            ("vport-type-4", "OVS_VPORT_TYPE_VXLAN"),
        ];
        for (alias, name) in expected {
            assert_eq!(known_as(alias).as_deref(), Some(name), "{alias}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_well_formed_has_no_name() {
        let without = [
            "",
            "net-pf-",
            "net-pf-0",
            "net-pf-02",
            "net-pf-+2",
            "net-pf--1",
            "net-pf-2 ",
            "net-pf-46",
            "net-pf-99999999999",
            "net-pf-2-proto-",
            "net-pf-2-proto--1",
            "net-pf-2-proto-6-type-",
            "net-pf-2-proto-6-type-1-type-1",
            "net-pf-46-proto-6",
            "net-pf-16-proto-16-family-",
            "net-pf-16-proto-15-family-nl80211",
            "net-pf-16-proto-4-type-",
            "net-pf-16-proto-4-type-99",
            "net-pf-16-proto-4-type-2-",
            "net-pf-16-proto-9-type-1",
            "net-pf-٢",
            "can-proto-8",
            "char-major-",
            "char-major-10-",
            "char-major-10--1",
            "char-major-10-200-1",
            "char-major-10-1048576",
            "char-major-240-0",
            "char-major-010-200",
            "block-major-252-0",
            "block-major-253-0",
            "block-major-254",
            "block-major-240-1",
            "binfmt-",
            "binfmt-ffff",
            "netdev-",
            "netdev-a/b",
            "netdev-sixteen-bytes-xx",
            "nft-chain-2-",
            "nft-chain-99-nat",
            "nft-expr-reject",
            "ipt_",
            "xt_LOG",
            "md-",
            "md-raid",
            "md-raid-1",
            "md-raid456",
            "md-cluster",
            "sound-service-0-7",
            "sound-service-0",
            "snd-card-x",
            "snd-hda-intel",
            "rpc-auth-gss-krb5",
            "crypto-sha256",
            "fs-xfs",
            "rtnl-link-dummy",
            "net-sch-fq",
            "tcp_bbr",
            "dm-crypt",
            "mq-deadline-iosched",
            "devname:fuse",
            "usbcore",
        ];
        for alias in without {
            assert_eq!(known_as(alias), None, "{alias}");
        }
    }

    #[test]
    fn no_table_holds_a_number_twice() {
        let numbered = NUMBERED.iter().map(|(_, names)| *names);
        let protocols = PROTOCOLS.iter().map(|(_, names)| *names);
        for names in numbered.chain(protocols).chain([AF, SOCKET_TYPES, NETLINK_PROTOCOLS, LOGGERS, RAID, OSS, MISC]) {
            let numbers: BTreeSet<u32> = names.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers.len(), names.len(), "{names:?}");
        }
        let minors = CHARACTER_MINORS.iter().map(|(_, runs)| *runs);
        for runs in minors.chain([CHARACTER_MAJORS, BLOCK_MAJORS]) {
            assert!(runs.iter().all(|(first, last, _)| first <= last), "{runs:?}");
            for ((_, last, name), (first, ..)) in runs.iter().zip(runs.iter().skip(1)) {
                assert!(last < first, "what follows {name}");
            }
        }
        for numbers in [
            PROTOCOLS.iter().map(|(family, _)| *family).collect::<Vec<_>>(),
            CHARACTER_MINORS.iter().map(|(major, _)| *major).collect(),
        ] {
            assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "{numbers:?}");
        }
    }

    #[test]
    fn no_table_holds_a_text_twice() {
        let prefixes = NUMBERED.iter().map(|(prefix, _)| *prefix).collect::<Vec<_>>();
        let others = OTHERS.iter().map(|(prefix, _)| *prefix).collect();
        let texts = [MD_LEVELS, PROGRAMS, XTABLES].map(|table| table.iter().map(|(text, _)| *text).collect());
        for table in [prefixes, others].into_iter().chain(texts) {
            assert_eq!(table.iter().collect::<BTreeSet<_>>().len(), table.len(), "{table:?}");
        }
    }

    #[test]
    fn every_cut_of_a_known_alias_is_read_without_a_panic() {
        for alias in ["net-pf-16-proto-4-type-2-6", "net-pf-2-proto-132-type-1", "char-major-10-200", "md-level--1é"] {
            for (end, _) in alias.char_indices() {
                let cut: String = alias.chars().take(end).collect();
                assert_ne!(known_as(&cut).as_deref(), Some(""), "{cut}");
            }
        }
    }
}
