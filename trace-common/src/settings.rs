//! What the loader sets in the probes before they are verified: the offsets of fields in this kernel's structs, and
//! what to leave out. The kernel sees constants.

use zerocopy::{Immutable, IntoBytes};

/// An offset that is not known on this kernel. The probe then leaves the field zero.
pub const UNKNOWN: u32 = u32::MAX;

/// What the probes read at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoBytes, Immutable)]
#[repr(C)]
pub struct Settings {
    /// The address of `module_notify_list`, or zero if it is not known (then no hook that needs it is attached).
    pub module_notify_list: u64,
    /// The address of `pm_test_level`, or zero if it is not known.
    pub pm_test_level: u64,
    /// The address of `modprobe_path`, or zero if it is not known.
    pub modprobe_path: u64,
    /// The process of the traced command, by the kernel's number; zero if there is none.
    pub command: u32,
    /// Zero.
    pub reserved: u32,
    /// The offsets of fields.
    pub offsets: Offsets,
}

/// Byte offsets of the fields that the programs read, in this kernel; [`UNKNOWN`] if not established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoBytes, Immutable)]
#[repr(C)]
pub struct Offsets {
    /// `task_struct.group_leader`
    pub task_group_leader: u32,
    /// `task_struct.start_boottime`
    pub task_start_boottime: u32,
    /// `task_struct.tgid`
    pub task_tgid: u32,
    /// `task_struct.exit_code`
    pub task_exit_code: u32,
    /// `task_struct.signal`
    pub task_signal: u32,
    /// `signal_struct.live`
    pub signal_live: u32,
    /// `signal_struct.flags`
    pub signal_flags: u32,
    /// `signal_struct.group_exit_code`
    pub signal_exit_code: u32,
    /// `subprocess_info.work`
    pub call_work: u32,
    /// `subprocess_info.path`
    pub call_path: u32,
    /// `subprocess_info.argv`
    pub call_argv: u32,
    /// `module.name`
    pub module_name: u32,
    /// `load_info.len`
    pub load_info_len: u32,
    /// `task_struct.loginuid`
    pub task_loginuid: u32,
    /// `subprocess_info.wait`
    pub call_wait: u32,
    /// `subprocess_info.retval`
    pub call_retval: u32,
    /// `file.f_path.dentry`
    pub file_dentry: u32,
    /// `dentry.d_name.name`
    pub dentry_name: u32,
    /// `device.kobj.name`
    pub device_name: u32,
    /// `task_struct.cred`
    pub task_cred: u32,
    /// `cred.cap_effective`
    pub cred_caps: u32,
    /// `cred.user_ns`
    pub cred_user_ns: u32,
    /// `user_namespace.level`
    pub user_ns_level: u32,
    /// `user_namespace.owner`
    pub user_ns_owner: u32,
    /// `user_namespace.parent`
    pub user_ns_parent: u32,
    /// `task_struct.pid`
    pub task_pid: u32,
    /// `task_struct.mm`
    pub task_mm: u32,
    /// `mm_struct.exe_file`
    pub mm_exe_file: u32,
    /// `file.f_inode`
    pub file_inode: u32,
    /// `inode.i_ino`
    pub inode_number: u32,
    /// `inode.i_sb`
    pub inode_super: u32,
    /// `super_block.s_dev`
    pub super_device: u32,
    /// `task_struct.real_parent`
    pub task_parent: u32,
    /// `task_struct.comm`
    pub task_comm: u32,
    /// `user_namespace.ns.inum`
    pub user_ns_number: u32,
    /// `task_struct.seccomp.mode`
    pub task_seccomp: u32,
    /// `task_struct.atomic_flags`
    pub task_flags: u32,
    /// `net.dev_base_head`
    pub net_devices: u32,
    /// `net_device.dev_list`
    pub net_device_list: u32,
    /// `net_device.name`
    pub net_device_name: u32,
}

/// The same for the fields that the programs about devices read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoBytes, Immutable)]
#[repr(C)]
pub struct DeviceOffsets {
    /// `device.bus`
    pub device_bus: u32,
    /// `device.driver`
    pub device_driver: u32,
    /// `device.p`
    pub device_private: u32,
    /// `device_private.deferred_probe`
    pub deferred_probe: u32,
    /// `device_driver.name`
    pub driver_name: u32,
    /// `device_driver.owner`
    pub driver_owner: u32,
    /// `bus_type.name`
    pub bus_name: u32,
    /// `kobj_uevent_env.envp`
    pub uevent_strings: u32,
}

impl DeviceOffsets {
    /// No field established.
    pub const UNKNOWN: Self = Self {
        device_bus: UNKNOWN,
        device_driver: UNKNOWN,
        device_private: UNKNOWN,
        deferred_probe: UNKNOWN,
        driver_name: UNKNOWN,
        driver_owner: UNKNOWN,
        bus_name: UNKNOWN,
        uevent_strings: UNKNOWN,
    };
}

impl Settings {
    /// Nothing known, nothing left out, no messages.
    pub const EMPTY: Self = Self {
        module_notify_list: 0,
        pm_test_level: 0,
        modprobe_path: 0,
        command: 0,
        reserved: 0,
        offsets: Offsets::UNKNOWN,
    };
}

impl Offsets {
    /// No field established.
    pub const UNKNOWN: Self = Self {
        task_group_leader: UNKNOWN,
        task_start_boottime: UNKNOWN,
        task_tgid: UNKNOWN,
        task_exit_code: UNKNOWN,
        task_signal: UNKNOWN,
        signal_live: UNKNOWN,
        signal_flags: UNKNOWN,
        signal_exit_code: UNKNOWN,
        call_work: UNKNOWN,
        call_path: UNKNOWN,
        call_argv: UNKNOWN,
        module_name: UNKNOWN,
        load_info_len: UNKNOWN,
        task_loginuid: UNKNOWN,
        call_wait: UNKNOWN,
        call_retval: UNKNOWN,
        file_dentry: UNKNOWN,
        dentry_name: UNKNOWN,
        device_name: UNKNOWN,
        task_cred: UNKNOWN,
        cred_caps: UNKNOWN,
        cred_user_ns: UNKNOWN,
        user_ns_level: UNKNOWN,
        user_ns_owner: UNKNOWN,
        user_ns_parent: UNKNOWN,
        task_pid: UNKNOWN,
        task_mm: UNKNOWN,
        mm_exe_file: UNKNOWN,
        file_inode: UNKNOWN,
        inode_number: UNKNOWN,
        inode_super: UNKNOWN,
        super_device: UNKNOWN,
        task_parent: UNKNOWN,
        task_comm: UNKNOWN,
        user_ns_number: UNKNOWN,
        task_seccomp: UNKNOWN,
        task_flags: UNKNOWN,
        net_devices: UNKNOWN,
        net_device_list: UNKNOWN,
        net_device_name: UNKNOWN,
    };

    /// What is the same on every 64-bit kernel from 5.10 to 7.3 without structure randomisation: the fields of
    /// `subprocess_info`, `module.name` and `load_info.len`. For kernels without BTF. Source: kernel/umh.c,
    /// include/linux/module.h and the BTF of Debian's 5.10, 6.1, 6.12 and 7.2 images.
    pub const WITHOUT_BTF: Self = Self {
        call_work: 0,
        call_path: 40,
        call_argv: 48,
        call_wait: 64,
        call_retval: 68,
        module_name: 24,
        load_info_len: 24,
        ..Self::UNKNOWN
    };
}

const _: () = assert!(size_of::<Settings>() == 192 && size_of::<DeviceOffsets>() == 32);
