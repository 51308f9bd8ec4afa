//! The kernel's own numbers and what engineers call them: address families, protocols, devices, subsystems.
//!
//! In: nothing. Out: tables, each with the header or driver of Linux 5.10 to 7.x that it is taken from.

/// Names by number.
pub(super) type Names = &'static [(u32, &'static str)];

/// Names by number, for runs of numbers: the first, the last, and the name.
pub(super) type Runs = &'static [(u32, u32, &'static str)];

/// Address families: `AF_*` in `include/linux/socket.h`.
pub(super) const AF: Names = &[
    (1, "AF_UNIX"),
    (2, "AF_INET"),
    (3, "AF_AX25"),
    (4, "AF_IPX"),
    (5, "AF_APPLETALK"),
    (6, "AF_NETROM"),
    (7, "AF_BRIDGE"),
    (8, "AF_ATMPVC"),
    (9, "AF_X25"),
    (10, "AF_INET6"),
    (11, "AF_ROSE"),
    (12, "AF_DECnet"),
    (13, "AF_NETBEUI"),
    (14, "AF_SECURITY"),
    (15, "AF_KEY"),
    (16, "AF_NETLINK"),
    (17, "AF_PACKET"),
    (18, "AF_ASH"),
    (19, "AF_ECONET"),
    (20, "AF_ATMSVC"),
    (21, "AF_RDS"),
    (22, "AF_SNA"),
    (23, "AF_IRDA"),
    (24, "AF_PPPOX"),
    (25, "AF_WANPIPE"),
    (26, "AF_LLC"),
    (27, "AF_IB"),
    (28, "AF_MPLS"),
    (29, "AF_CAN"),
    (30, "AF_TIPC"),
    (31, "AF_BLUETOOTH"),
    (32, "AF_IUCV"),
    (33, "AF_RXRPC"),
    (34, "AF_ISDN"),
    (35, "AF_PHONET"),
    (36, "AF_IEEE802154"),
    (37, "AF_CAIF"),
    (38, "AF_ALG"),
    (39, "AF_NFC"),
    (40, "AF_VSOCK"),
    (41, "AF_KCM"),
    (42, "AF_QIPCRTR"),
    (43, "AF_SMC"),
    (44, "AF_XDP"),
    (45, "AF_MCTP"),
];

/// Protocols of IPv4 and IPv6: `IPPROTO_*` in `include/uapi/linux/in.h` and `in6.h`. 0 is not here: in a socket it
/// means any protocol.
pub(super) const IP: Names = &[
    (1, "ICMP"),
    (2, "IGMP"),
    (4, "IPIP"),
    (6, "TCP"),
    (8, "EGP"),
    (12, "PUP"),
    (17, "UDP"),
    (22, "IDP"),
    (29, "TP"),
    (33, "DCCP"),
    (41, "IPV6"),
    (43, "ROUTING"),
    (44, "FRAGMENT"),
    (46, "RSVP"),
    (47, "GRE"),
    (50, "ESP"),
    (51, "AH"),
    (58, "ICMPV6"),
    (60, "DSTOPTS"),
    (92, "MTP"),
    (94, "BEETPH"),
    (98, "ENCAP"),
    (103, "PIM"),
    (108, "COMP"),
    (115, "L2TP"),
    (132, "SCTP"),
    (135, "MH"),
    (136, "UDPLITE"),
    (137, "MPLS"),
    (143, "ETHERNET"),
    (144, "AGGFRAG"),
    (255, "RAW"),
    (256, "SMC"),
    (262, "MPTCP"),
];

/// Protocols of `AF_PPPOX`: `PX_PROTO_*` in `include/uapi/linux/if_pppox.h`.
pub(super) const PPPOX: Names = &[(0, "PPPoE"), (1, "L2TP"), (2, "PPTP")];

/// Protocols of `AF_PHONET`: `PN_PROTO_*` in `include/uapi/linux/phonet.h`.
pub(super) const PHONET: Names = &[(1, "PHONET"), (2, "PIPE")];

/// Protocols, by the family whose sockets are asked for with one: `net/ipv4/af_inet.c`, `net/ipv6/af_inet6.c`,
/// `drivers/net/ppp/pppox.c`, `net/phonet/af_phonet.c`.
pub(super) const PROTOCOLS: &[(u32, Names)] = &[(2, IP), (10, IP), (24, PPPOX), (35, PHONET)];

/// Types of sockets: `enum sock_type` in `include/linux/net.h`.
pub(super) const SOCKET_TYPES: Names = &[
    (1, "SOCK_STREAM"),
    (2, "SOCK_DGRAM"),
    (3, "SOCK_RAW"),
    (4, "SOCK_RDM"),
    (5, "SOCK_SEQPACKET"),
    (6, "SOCK_DCCP"),
    (10, "SOCK_PACKET"),
];

/// Protocols of `AF_NETLINK`: `include/uapi/linux/netlink.h`.
pub(super) const NETLINK_PROTOCOLS: Names = &[
    (0, "NETLINK_ROUTE"),
    (2, "NETLINK_USERSOCK"),
    (3, "NETLINK_FIREWALL"),
    (4, "NETLINK_SOCK_DIAG"),
    (5, "NETLINK_NFLOG"),
    (6, "NETLINK_XFRM"),
    (7, "NETLINK_SELINUX"),
    (8, "NETLINK_ISCSI"),
    (9, "NETLINK_AUDIT"),
    (10, "NETLINK_FIB_LOOKUP"),
    (11, "NETLINK_CONNECTOR"),
    (12, "NETLINK_NETFILTER"),
    (13, "NETLINK_IP6_FW"),
    (14, "NETLINK_DNRTMSG"),
    (15, "NETLINK_KOBJECT_UEVENT"),
    (16, "NETLINK_GENERIC"),
    (18, "NETLINK_SCSITRANSPORT"),
    (19, "NETLINK_ECRYPTFS"),
    (20, "NETLINK_RDMA"),
    (21, "NETLINK_CRYPTO"),
    (22, "NETLINK_SMC"),
];

/// Protocols of `AF_CAN`: `include/uapi/linux/can.h`.
pub(super) const CAN: Names = &[
    (1, "CAN_RAW"),
    (2, "CAN_BCM"),
    (3, "CAN_TP16"),
    (4, "CAN_TP20"),
    (5, "CAN_MCNET"),
    (6, "CAN_ISOTP"),
    (7, "CAN_J1939"),
];

/// Protocols of `AF_BLUETOOTH`: `include/net/bluetooth/bluetooth.h`.
pub(super) const BLUETOOTH: Names = &[
    (0, "BTPROTO_L2CAP"),
    (1, "BTPROTO_HCI"),
    (2, "BTPROTO_SCO"),
    (3, "BTPROTO_RFCOMM"),
    (4, "BTPROTO_BNEP"),
    (5, "BTPROTO_CMTP"),
    (6, "BTPROTO_HIDP"),
    (7, "BTPROTO_AVDTP"),
    (8, "BTPROTO_ISO"),
];

/// Line disciplines: `include/uapi/linux/tty.h`.
pub(super) const LINE_DISCIPLINES: Names = &[
    (0, "N_TTY"),
    (1, "N_SLIP"),
    (2, "N_MOUSE"),
    (3, "N_PPP"),
    (4, "N_STRIP"),
    (5, "N_AX25"),
    (6, "N_X25"),
    (7, "N_6PACK"),
    (8, "N_MASC"),
    (9, "N_R3964"),
    (10, "N_PROFIBUS_FDL"),
    (11, "N_IRDA"),
    (12, "N_SMSBLOCK"),
    (13, "N_HDLC"),
    (14, "N_SYNC_PPP"),
    (15, "N_HCI"),
    (16, "N_GIGASET_M101"),
    (17, "N_SLCAN"),
    (18, "N_PPS"),
    (19, "N_V253"),
    (20, "N_CAIF"),
    (21, "N_GSM0710"),
    (22, "N_TI_WL"),
    (23, "N_TRACESINK"),
    (24, "N_TRACEROUTER"),
    (25, "N_NCI"),
    (26, "N_SPEAKUP"),
    (27, "N_NULL"),
    (28, "N_MCTP"),
    (29, "N_DEVELOPMENT"),
    (30, "N_CAN327"),
];

/// Subsystems of `NETLINK_NETFILTER`: `include/uapi/linux/netfilter/nfnetlink.h`.
pub(super) const NFNETLINK: Names = &[
    (1, "NFNL_SUBSYS_CTNETLINK"),
    (2, "NFNL_SUBSYS_CTNETLINK_EXP"),
    (3, "NFNL_SUBSYS_QUEUE"),
    (4, "NFNL_SUBSYS_ULOG"),
    (5, "NFNL_SUBSYS_OSF"),
    (6, "NFNL_SUBSYS_IPSET"),
    (7, "NFNL_SUBSYS_ACCT"),
    (8, "NFNL_SUBSYS_CTNETLINK_TIMEOUT"),
    (9, "NFNL_SUBSYS_CTHELPER"),
    (10, "NFNL_SUBSYS_NFTABLES"),
    (11, "NFNL_SUBSYS_NFT_COMPAT"),
    (12, "NFNL_SUBSYS_HOOK"),
];

/// Families of netfilter, as `nft` writes them: `NFPROTO_*` in `include/uapi/linux/netfilter.h`.
pub(super) const NETFILTER: Names = &[(1, "inet"), (2, "ip"), (3, "arp"), (5, "netdev"), (7, "bridge"), (10, "ip6")];

/// Kinds of loggers: `enum nf_log_type` in `include/net/netfilter/nf_log.h`.
pub(super) const LOGGERS: Names = &[(0, "LOG"), (1, "ULOG")];

/// Stateful objects of nftables: `include/uapi/linux/netfilter/nf_tables.h`.
pub(super) const NFT_OBJECTS: Names = &[
    (1, "NFT_OBJECT_COUNTER"),
    (2, "NFT_OBJECT_QUOTA"),
    (3, "NFT_OBJECT_CT_HELPER"),
    (4, "NFT_OBJECT_LIMIT"),
    (5, "NFT_OBJECT_CONNLIMIT"),
    (6, "NFT_OBJECT_TUNNEL"),
    (7, "NFT_OBJECT_CT_TIMEOUT"),
    (8, "NFT_OBJECT_SECMARK"),
    (9, "NFT_OBJECT_CT_EXPECT"),
    (10, "NFT_OBJECT_SYNPROXY"),
];

/// Extended matches of traffic control: `include/uapi/linux/pkt_cls.h`.
pub(super) const EMATCHES: Names = &[
    (1, "TCF_EM_CMP"),
    (2, "TCF_EM_NBYTE"),
    (3, "TCF_EM_U32"),
    (4, "TCF_EM_META"),
    (5, "TCF_EM_TEXT"),
    (6, "TCF_EM_VLAN"),
    (7, "TCF_EM_CANID"),
    (8, "TCF_EM_IPSET"),
    (9, "TCF_EM_IPT"),
];

/// Pseudowires of L2TP: `enum l2tp_pwtype` in `include/uapi/linux/l2tp.h`.
pub(super) const L2TP: Names = &[
    (4, "L2TP_PWTYPE_ETH_VLAN"),
    (5, "L2TP_PWTYPE_ETH"),
    (7, "L2TP_PWTYPE_PPP"),
    (8, "L2TP_PWTYPE_PPP_AC"),
    (11, "L2TP_PWTYPE_IP"),
];

/// Ports of Open vSwitch: `enum ovs_vport_type` in `include/uapi/linux/openvswitch.h`.
pub(super) const VPORTS: Names = &[
    (1, "OVS_VPORT_TYPE_NETDEV"),
    (2, "OVS_VPORT_TYPE_INTERNAL"),
    (3, "OVS_VPORT_TYPE_GRE"),
    (4, "OVS_VPORT_TYPE_VXLAN"),
    (5, "OVS_VPORT_TYPE_GENEVE"),
];

/// Transports of an `NVMe` target: `NVMF_TRTYPE_*` in `include/linux/nvme.h`.
pub(super) const NVME_TARGETS: Names =
    &[(1, "NVMF_TRTYPE_RDMA"), (2, "NVMF_TRTYPE_FC"), (3, "NVMF_TRTYPE_TCP"), (254, "NVMF_TRTYPE_LOOP")];

/// Clients of `NETLINK_RDMA`: `include/uapi/rdma/rdma_netlink.h`.
pub(super) const RDMA: Names = &[(2, "RDMA_NL_IWCM"), (4, "RDMA_NL_LS"), (5, "RDMA_NL_NLDEV")];

/// Security of RPC: `enum rpc_auth_flavors` in `include/linux/sunrpc/msg_prot.h`.
pub(super) const RPC: Names = &[
    (0, "AUTH_NULL"),
    (1, "AUTH_UNIX"),
    (2, "AUTH_SHORT"),
    (3, "AUTH_DES"),
    (4, "AUTH_KRB"),
    (6, "RPCSEC_GSS"),
    (7, "AUTH_TLS"),
];

/// Pseudoflavors of `RPCSEC_GSS`, as the mount option `sec=` writes them: `net/sunrpc/auth_gss/gss_krb5_mech.c`.
pub(super) const GSS: Names = &[(390_003, "krb5"), (390_004, "krb5i"), (390_005, "krb5p")];

/// The object identifier by which `net/sunrpc/auth_gss/gss_krb5_mech.c` is asked for, and its name.
pub(super) const GSS_OBJECT: (&str, &str) = ("1.2.840.113554.1.2.2", "Kerberos 5");

/// Layouts of pNFS: `enum pnfs_layouttype` in `include/linux/nfs4.h`.
pub(super) const NFS_LAYOUTS: Names = &[
    (1, "LAYOUT_NFSV4_1_FILES"),
    (2, "LAYOUT_OSD2_OBJECTS"),
    (3, "LAYOUT_BLOCK_VOLUME"),
    (4, "LAYOUT_FLEX_FILES"),
    (5, "LAYOUT_SCSI"),
];

/// Compression in PPP: `CI_*` in `include/uapi/linux/ppp-comp.h`.
pub(super) const PPP_COMPRESSION: Names = &[
    (1, "Predictor-1"),
    (2, "Predictor-2"),
    (18, "MPPE"),
    (21, "BSD-Compress"),
    (24, "Deflate (draft)"),
    (26, "Deflate"),
];

/// Levels of RAID: the aliases in `drivers/md/raid0.c`, `raid1.c`, `raid5.c` and `raid10.c`.
pub(super) const RAID: Names =
    &[(0, "RAID 0"), (1, "RAID 1"), (4, "RAID 4"), (5, "RAID 5"), (6, "RAID 6"), (10, "RAID 10")];

/// Levels of md that are not RAID: `LEVEL_*` in `include/uapi/linux/raid/md_u.h`, as the alias writes them.
pub(super) const MD_LEVELS: &[(&str, &str)] = &[("-1", "linear"), ("-4", "multipath"), ("-5", "faulty")];

/// Clients of the ALSA sequencer: `include/uapi/sound/asequencer.h`.
pub(super) const SEQUENCER_CLIENTS: Names = &[(0, "system"), (14, "MIDI through"), (15, "OSS sequencer emulation")];

/// Global timers of ALSA: `SNDRV_TIMER_GLOBAL_*` in `include/uapi/sound/asound.h`.
pub(super) const SOUND_TIMERS: Names =
    &[(0, "system timer"), (1, "RTC"), (2, "HPET"), (3, "high-resolution timer"), (4, "user-driven timer")];

/// Devices of an OSS sound card: `SNDRV_MINOR_OSS_*` in `include/sound/minors.h`.
pub(super) const OSS: Names = &[
    (0, "mixer"),
    (1, "sequencer"),
    (2, "midi"),
    (3, "dsp"),
    (4, "audio"),
    (5, "dsp16"),
    (6, "sndstat"),
    (8, "music"),
    (9, "dmmidi"),
    (10, "dmfm"),
    (11, "alternate mixer"),
    (12, "alternate dsp"),
    (13, "alternate midi"),
    (14, "alternate dmmidi"),
];

/// Bytes 2 and 3 of a program file, as a number of a little-endian machine: `fs/exec.c`. Two bytes prove little, so
/// only those that one format is known by are here.
pub(super) const PROGRAMS: &[(&str, &str)] = &[("464c", "ELF"), ("0a0d", "CR LF, as in Python byte code")];

/// What modules of xtables are for, by the prefix: `xt_prefix` in `net/netfilter/x_tables.c`, and
/// `net/bridge/netfilter/ebtables.c`.
pub(super) const XTABLES: &[(&str, &str)] = &[
    ("ipt_", "iptables"),
    ("ip6t_", "ip6tables"),
    ("arpt_", "arptables"),
    ("ebt_", "ebtables"),
    ("iptable_", "iptables table"),
    ("ip6table_", "ip6tables table"),
    ("arptable_", "arptables table"),
    ("ebtable_", "ebtables table"),
];

/// Minor numbers of character major 10: `include/linux/miscdevice.h`, and `Documentation/admin-guide/devices.txt` for
/// those that it lacks. A driver's own name is preferred to that in `devices.txt`; where the two sources give a number
/// to different devices and no driver decides, it is left out.
pub(super) const MISC: Names = &[
    (0, "/dev/logibm"),
    (1, "/dev/psaux"),
    (2, "/dev/inportbm"),
    (3, "/dev/atibm"),
    (5, "/dev/atarimouse"),
    (6, "/dev/sunmouse"),
    (7, "/dev/amigamouse1"),
    (8, "/dev/smouse"),
    (9, "/dev/pc110pad"),
    (10, "/dev/adbmouse"),
    (11, "/dev/vrtpanel"),
    (13, "/dev/vpcmouse"),
    (14, "/dev/touchscreen/ucb1x00"),
    (15, "/dev/touchscreen/mk712"),
    (128, "/dev/beep"),
    (130, "/dev/watchdog"),
    (131, "/dev/temperature"),
    (132, "/dev/hwtrap"),
    (133, "/dev/exttrp"),
    (134, "/dev/apm_bios"),
    (135, "/dev/rtc"),
    (137, "/dev/vhci"),
    (139, "/dev/openprom"),
    (141, "/dev/relay16"),
    (143, "/dev/pciconf"),
    (144, "/dev/nvram"),
    (145, "/dev/hfmodem"),
    (151, "/dev/led"),
    (152, "/dev/flash"),
    (154, "/dev/pmu"),
    (156, "/dev/lcd"),
    (157, "/dev/ac"),
    (158, "/dev/nwbutton"),
    (159, "/dev/nwdebug"),
    (160, "/dev/nwflash"),
    (161, "/dev/userdma"),
    (162, "/dev/envctrl"),
    (165, "/dev/vmmon"),
    (166, "/dev/i2o/ctl"),
    (174, "/dev/uctrl"),
    (175, "/dev/agpgart"),
    (178, "/dev/jsflash"),
    (181, "/dev/toshiba"),
    (182, "/dev/perfctr"),
    (183, "/dev/hwrng"),
    (184, "/dev/cpu/microcode"),
    (185, "/dev/keypad"),
    (187, "/dev/irnet"),
    (193, "/dev/d7s"),
    (196, "/dev/vfio/vfio"),
    (197, "/dev/pxa3xx-gcu"),
    (200, "/dev/net/tun"),
    (203, "/dev/cuse"),
    (219, "/dev/mwave"),
    (220, "/dev/mptctl"),
    (221, "/dev/mpt2ctl"),
    (222, "/dev/mpt3ctl"),
    (223, "/dev/uinput"),
    (224, "/dev/tpm0"),
    (227, "/dev/mcelog"),
    (228, "/dev/hpet"),
    (229, "/dev/fuse"),
    (231, "/dev/snapshot"),
    (232, "/dev/kvm"),
    (234, "/dev/btrfs-control"),
    (235, "/dev/autofs"),
    (236, "/dev/mapper/control"),
    (237, "/dev/loop-control"),
    (238, "/dev/vhost-net"),
    (239, "/dev/uhid"),
    (240, "/dev/userio"),
    (241, "/dev/vhost-vsock"),
    (242, "/dev/rfkill"),
];

/// Character devices, by major number and a run of minor numbers: `Documentation/admin-guide/devices.txt`, and
/// `include/sound/minors.h` for major 116.
pub(super) const CHARACTER_MINORS: &[(u32, Runs)] = &[
    (
        1,
        &[
            (1, 1, "/dev/mem"),
            (2, 2, "/dev/kmem"),
            (3, 3, "/dev/null"),
            (4, 4, "/dev/port"),
            (5, 5, "/dev/zero"),
            (7, 7, "/dev/full"),
            (8, 8, "/dev/random"),
            (9, 9, "/dev/urandom"),
            (11, 11, "/dev/kmsg"),
        ],
    ),
    (4, &[(0, 63, "/dev/tty*"), (64, 255, "/dev/ttyS*")]),
    (5, &[(0, 0, "/dev/tty"), (1, 1, "/dev/console"), (2, 2, "/dev/ptmx"), (3, 3, "/dev/ttyprintk")]),
    (7, &[(0, 63, "/dev/vcs*"), (64, 127, "/dev/vcsu*"), (128, 191, "/dev/vcsa*")]),
    (
        13,
        &[
            (0, 31, "/dev/input/js*"),
            (32, 62, "/dev/input/mouse*"),
            (63, 63, "/dev/input/mice"),
            (64, 95, "/dev/input/event*"),
        ],
    ),
    (116, &[(1, 1, "/dev/snd/seq"), (33, 33, "/dev/snd/timer")]),
];

/// Character devices by major number: `Documentation/admin-guide/devices.txt` and `include/uapi/linux/major.h`, for
/// 153 `drivers/spi/spidev.c` and for 189 `include/linux/usb.h`. Numbers that are given out when a driver loads have no
/// name; nor have those that stand for different devices on different machines, such as 11 and 207.
pub(super) const CHARACTER_MAJORS: Runs = &[
    (1, 1, "memory device"),
    (2, 2, "BSD PTY master"),
    (3, 3, "BSD PTY slave"),
    (4, 4, "virtual console or serial port"),
    (5, 5, "TTY"),
    (6, 6, "/dev/lp*"),
    (7, 7, "/dev/vcs*"),
    (9, 9, "/dev/st* (SCSI tape)"),
    (10, 10, "misc device"),
    (13, 13, "/dev/input/*"),
    (14, 14, "OSS sound"),
    (21, 21, "/dev/sg* (generic SCSI)"),
    (29, 29, "/dev/fb*"),
    (37, 37, "/dev/ht* (IDE tape)"),
    (43, 43, "/dev/ttyI* (ISDN)"),
    (45, 45, "/dev/isdn*"),
    (46, 46, "/dev/ttyR* (Rocketport)"),
    (56, 56, "/dev/adb (Apple Desktop Bus)"),
    (67, 67, "/dev/cfs* (Coda)"),
    (68, 68, "/dev/capi20"),
    (81, 81, "/dev/video* (video4linux)"),
    (82, 82, "/dev/winradio*"),
    (86, 86, "/dev/sch* (SCSI media changer)"),
    (89, 89, "/dev/i2c-*"),
    (90, 90, "/dev/mtd*"),
    (91, 91, "/dev/can*"),
    (96, 96, "/dev/pt* (parallel port tape)"),
    (97, 97, "/dev/pg* (parallel port ATAPI)"),
    (98, 98, "/dev/comedi*"),
    (99, 99, "/dev/parport*"),
    (100, 100, "/dev/phone*"),
    (108, 108, "/dev/ppp"),
    (116, 116, "/dev/snd/* (ALSA)"),
    (128, 135, "Unix98 PTY master"),
    (136, 143, "/dev/pts/*"),
    (152, 152, "/dev/etherd/* (control)"),
    (153, 153, "/dev/spidev*"),
    (160, 160, "/dev/gpib*"),
    (161, 161, "/dev/ircomm*"),
    (162, 162, "/dev/raw/*"),
    (166, 166, "/dev/ttyACM*"),
    (171, 171, "IEEE 1394 (FireWire)"),
    (172, 172, "/dev/ttyMX* (Moxa)"),
    (180, 180, "/dev/usb/*"),
    (188, 188, "/dev/ttyUSB*"),
    (189, 189, "/dev/bus/usb/*"),
    (195, 195, "/dev/nvidia*"),
    (202, 202, "/dev/cpu/*/msr"),
    (203, 203, "/dev/cpu/*/cpuid"),
    (204, 204, "low-density serial port"),
    (205, 205, "low-density serial port (callout)"),
    (206, 206, "/dev/osst* (OnStream tape)"),
    (208, 208, "/dev/ttyU*"),
    (212, 212, "/dev/dvb/*"),
    (216, 216, "/dev/rfcomm*"),
    (221, 221, "/dev/bus/vme/*"),
    (226, 226, "/dev/dri/*"),
    (227, 227, "/dev/3270/tty*"),
    (228, 228, "/dev/3270/tub*"),
    (229, 229, "/dev/hvc*"),
    (231, 231, "/dev/infiniband/*"),
    (256, 256, "/dev/ttyEQ*"),
    (259, 259, "/dev/icap*"),
    (260, 260, "/dev/osd*"),
    (261, 261, "/dev/accel/*"),
];

/// Block devices by major number: `Documentation/admin-guide/devices.txt` and `include/uapi/linux/major.h`. Numbers
/// that are given out when a driver loads (240 to 254) have no name.
pub(super) const BLOCK_MAJORS: Runs = &[
    (1, 1, "/dev/ram*"),
    (2, 2, "/dev/fd*"),
    (3, 3, "/dev/hd* (IDE)"),
    (7, 7, "/dev/loop*"),
    (8, 8, "/dev/sd*"),
    (9, 9, "/dev/md*"),
    (11, 11, "/dev/sr*"),
    (22, 22, "/dev/hd* (IDE)"),
    (31, 31, "/dev/mtdblock*"),
    (33, 34, "/dev/hd* (IDE)"),
    (37, 37, "/dev/z2ram"),
    (43, 43, "/dev/nbd*"),
    (44, 44, "/dev/ftl*"),
    (45, 45, "/dev/pd*"),
    (46, 46, "/dev/pcd*"),
    (47, 47, "/dev/pf*"),
    (48, 55, "/dev/rd/* (DAC960)"),
    (56, 57, "/dev/hd* (IDE)"),
    (65, 71, "/dev/sd*"),
    (72, 79, "/dev/ida/* (Compaq Smart Array)"),
    (80, 87, "/dev/i2o/*"),
    (88, 91, "/dev/hd* (IDE)"),
    (93, 93, "/dev/nftl*"),
    (94, 94, "/dev/dasd*"),
    (96, 96, "/dev/inftl*"),
    (98, 98, "/dev/ubd*"),
    (104, 111, "/dev/cciss/*"),
    (114, 114, "IDE BIOS RAID (ataraid)"),
    (128, 135, "/dev/sd*"),
    (136, 143, "/dev/rd/* (DAC960)"),
    (147, 147, "/dev/drbd*"),
    (152, 152, "/dev/etherd/*"),
    (160, 161, "/dev/carmel/*"),
    (179, 179, "/dev/mmcblk*"),
    (180, 180, "/dev/ub*"),
    (199, 199, "/dev/vx/dsk/*"),
    (201, 201, "/dev/vx/dmp/*"),
    (202, 202, "/dev/xvd*"),
    (256, 256, "/dev/rfd*"),
    (257, 257, "/dev/ssfdc*"),
    (258, 258, "/dev/blockrom*"),
    (259, 259, "blkext (numbers beyond a driver's own)"),
];
