//! What kind of thing was requested, in words: the family of the call that requested the module.
//!
//! In: the alias, which most callers of `request_module` make from a fixed pattern, and the requester's kernel stack,
//! which names the caller if the alias does not. Out: words; `None` if neither does. Sources: the callers of
//! `request_module` in Linux 5.10 to 7.2.

use crate::event::on_stack;
use std::sync::Arc;

/// Patterns of aliases, the most specific first: the prefix, and the family.
const BY_BEGINNING: [(&str, &str); 75] = [
    ("net-pf-16-proto-16-family-", "generic netlink family"),
    ("net-pf-16-proto-", "netlink protocol"),
    ("can-proto-", "socket protocol"),
    ("bt-proto-", "socket protocol"),
    ("vsock", "socket family"),
    ("fs-", "file system"),
    ("nls_", "character set"),
    ("crypto-", "crypto algorithm"),
    ("algif-", "crypto interface"),
    ("cryptomgr", "crypto algorithm"),
    ("char-major-", "character device"),
    ("block-major-", "block device"),
    ("netdev-", "network device"),
    ("rtnl-link-", "network link kind"),
    ("rtnl-af-", "network link address family"),
    ("binfmt-", "binary format"),
    ("nft-", "nftables expression"),
    ("nfnetlink-subsys-", "netfilter netlink"),
    ("nf-logger-", "netfilter log"),
    ("nf_", "netfilter"),
    ("nfct-helper-", "netfilter helper"),
    ("ip_nat_", "netfilter helper"),
    ("ip_conntrack", "netfilter helper"),
    ("ip_set_", "netfilter set"),
    ("ip_set", "netfilter set"),
    ("ip_vs_", "IPVS scheduler"),
    ("ipt_", "netfilter match or target"),
    ("ip6t_", "netfilter match or target"),
    ("arpt_", "netfilter match or target"),
    ("ebt_", "netfilter match or target"),
    ("xt_", "netfilter match or target"),
    ("iptable_", "netfilter table"),
    ("ip6table_", "netfilter table"),
    ("arptable_", "netfilter table"),
    ("ebtable_", "netfilter table"),
    ("net-sch-", "traffic control queue"),
    ("sch_", "traffic control queue"),
    ("net-cls-", "traffic control filter"),
    ("cls_", "traffic control filter"),
    ("net-act-", "traffic control action"),
    ("act_", "traffic control action"),
    ("em_", "traffic control match"),
    ("tcp-ulp-", "TCP upper layer protocol"),
    ("tcp_", "TCP congestion control"),
    ("inet_diag", "socket diagnosis"),
    ("unix_diag", "socket diagnosis"),
    ("rpc-auth-", "RPC security"),
    ("svc-", "RPC transport"),
    ("xprt", "RPC transport"),
    ("nfs-layouttype4-", "NFS layout"),
    ("nfsv", "NFS version"),
    ("rpcrdma", "RPC transport"),
    ("ppp-compress-", "PPP compression"),
    ("pppox-proto-", "socket protocol"),
    ("tty-ldisc-", "line discipline"),
    ("sound-slot-", "sound device"),
    ("sound-service-", "sound device"),
    ("snd-", "sound device"),
    ("dm-", "device-mapper target"),
    ("md-", "RAID personality"),
    ("scsi:", "device by its identity"),
    ("pci:", "device by its identity"),
    ("usb:", "device by its identity"),
    ("of:", "device by its identity"),
    ("acpi", "device by its identity"),
    ("i2c:", "device by its identity"),
    ("spi:", "device by its identity"),
    ("hid:", "device by its identity"),
    ("platform:", "device by its identity"),
    ("virtio:", "device by its identity"),
    ("cpu:", "device by its identity"),
    ("cpufreq_", "CPU frequency governor"),
    ("devname:", "device by its name"),
    ("lsm", "security module"),
    ("bpf_preload", "BPF preload"),
];

/// Functions that request modules, and the family: for aliases that follow no pattern.
const BY_FUNCTION: [(&[&str], &str); 16] = [
    (&["genl_rcv_msg", "genl_family_rcv_msg"], "generic netlink family"),
    (&["netlink_create"], "netlink protocol"),
    (&["__sock_create"], "socket family"),
    (&["get_fs_type"], "file system"),
    (&["crypto_larval_lookup", "crypto_alg_mod_lookup"], "crypto algorithm"),
    (&["chrdev_open", "base_probe"], "character device"),
    (&["blk_request_module", "blkdev_get_no_open"], "block device"),
    (&["dev_load"], "network device"),
    (&["rtnl_newlink", "__rtnl_newlink"], "network link kind"),
    (&["search_binary_handler", "bprm_execve"], "binary format"),
    (&["xt_request_find_match", "xt_find_match", "xt_request_find_target"], "netfilter match or target"),
    (&["nf_tables_newrule", "nfnetlink_rcv_batch"], "nftables expression"),
    (&["tty_ldisc_get"], "line discipline"),
    (&["dm_get_target_type"], "device-mapper target"),
    (&["tcp_set_congestion_control", "tcp_ca_find_autoload"], "TCP congestion control"),
    (&["elevator_get", "elv_iosched_store"], "I/O scheduler"),
];

/// What kind of thing was requested; `None` if neither alias nor stack shows it.
#[must_use]
pub fn family(alias: &str, stack: &[Arc<str>]) -> Option<&'static str> {
    if let Some(rest) = alias.strip_prefix("net-pf-")
        && !rest.starts_with("16-proto-")
    {
        return Some(if rest.contains("-proto-") { "socket protocol" } else { "socket family" });
    }
    if alias.ends_with("-iosched") {
        return Some("I/O scheduler");
    }
    let by_beginning = BY_BEGINNING.iter().find(|(beginning, _)| alias.starts_with(beginning));
    let by_function = || BY_FUNCTION.iter().find(|(functions, _)| on_stack(stack, functions));
    by_beginning.map(|(_, family)| *family).or_else(|| by_function().map(|(_, family)| *family))
}

#[cfg(test)]
mod tests {
    use super::{BY_BEGINNING, family};
    use std::sync::Arc;

    #[test]
    fn the_pattern_of_the_alias_names_the_family() {
        let expected = [
            ("net-pf-29", "socket family"),
            ("net-pf-2-proto-132-type-1", "socket protocol"),
            ("net-pf-16-proto-9", "netlink protocol"),
            ("net-pf-16-proto-16-family-nl80211", "generic netlink family"),
            ("fs-xfs", "file system"),
            ("crypto-hmac(sha256)", "crypto algorithm"),
            ("char-major-10-200", "character device"),
            ("netdev-eth9", "network device"),
            ("rtnl-link-dummy", "network link kind"),
            ("binfmt-0a0d", "binary format"),
            ("mq-deadline-iosched", "I/O scheduler"),
            ("tcp_bbr", "TCP congestion control"),
        ];
        for (alias, words) in expected {
            assert_eq!(family(alias, &[]), Some(words), "{alias}");
        }
    }

    #[test]
    fn the_stack_names_the_family_of_a_plain_name_and_nothing_is_guessed() {
        let stack = ["__request_module", "dev_load", "dev_ioctl"].map(Arc::from);
        assert_eq!(family("eth9", &stack), Some("network device"));
        assert_eq!(family("eth9", &[]), None);
    }

    #[test]
    fn no_pattern_hides_a_later_one() {
        for (place, (beginning, _)) in BY_BEGINNING.iter().enumerate() {
            let earlier = BY_BEGINNING.iter().take(place).find(|(earlier, _)| beginning.starts_with(earlier));
            assert_eq!(earlier, None, "{beginning} is never reached");
        }
    }
}
