//! The numbers that distinguish records. A number is never reused or given a new meaning: recordings and prebuilt probe
//! objects outlive a release.

/// What a record reports. Each is one *moment*; `docs/hooks.md` lists the hooks that can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Kind {
    /// `__request_module` asked the security hook, before the wait for a slot.
    Requested = 1,
    /// The request got its slot.
    Admitted = 2,
    /// The request waited for a slot in vain and was turned away.
    Throttled = 3,
    /// A security module denied the request.
    Denied = 4,
    /// `__request_module` returned an error before it asked the security hook: no helper is set, or the name is too
    /// long.
    RefusedEarly = 5,
    /// `__sock_create` returned to a thread that requested a module.
    SocketServed = 6,
    /// `get_fs_type` returned to a thread that requested a module.
    FileSystemServed = 7,
    /// `crypto_alg_mod_lookup` returned to a thread that requested a module.
    AlgorithmServed = 8,
    /// `chrdev_open` returned to a thread that requested a module.
    CharDeviceServed = 9,
    /// `blkdev_get_no_open` returned to a thread that requested a module.
    BlockDeviceServed = 10,
    /// `dev_load` returned to a thread that requested a module.
    NetDeviceServed = 11,
    /// `rtnl_newlink` returned to a thread that requested a module.
    LinkServed = 12,
    /// `tcp_set_congestion_control` returned to a thread that requested a module.
    CongestionServed = 13,
    /// The kernel answered the request with the result of an earlier one for the same name.
    Deduplicated = 14,
    /// `call_usermodehelper_exec` was entered.
    CallEntered = 16,
    /// `call_usermodehelper_exec` returned.
    CallReturned = 17,
    /// A kernel worker picked the call up.
    CallPicked = 18,
    /// The helper's task exists: pointer meets pid.
    Born = 19,
    /// The helper's `kernel_execve` returned.
    Executed = 20,
    /// The kernel is done with the helper: `umh_complete`, or the worker's function returned.
    Completed = 21,
    /// A thread exits and its helper call was not seen to return: it was killed while it waited, or a return probe
    /// missed the return.
    CallerGone = 22,
    /// A helper, or a descendant of one, forked.
    Forked = 32,
    /// A helper, or a descendant of one, is gone: its last thread exited.
    Exited = 33,
    /// `init_module` or `finit_module` was entered.
    LoadBegan = 48,
    /// `init_module` or `finit_module` returned.
    LoadEnded = 49,
    /// `load_module` was entered: the file is read and decompressed.
    ImageRead = 50,
    /// The module is `MODULE_STATE_COMING`.
    Coming = 51,
    /// `do_init_module` was entered.
    InitBegun = 52,
    /// `do_init_module` returned.
    InitEnded = 53,
    /// The module is `MODULE_STATE_LIVE`.
    Live = 54,
    /// The module is `MODULE_STATE_GOING`.
    Going = 55,
    /// The module's memory is being freed.
    Freed = 56,
    /// The loading thread learns which module it loads.
    Named = 57,
    /// The loading thread learns which file it loads.
    FileNamed = 58,
    /// The kernel printed a line in a thread that loads a module.
    Printed = 59,
    /// `delete_module` was entered.
    UnloadBegan = 60,
    /// `delete_module` returned.
    UnloadEnded = 61,
    /// A task asks the kernel to suspend or hibernate.
    SuspendBegan = 64,
    /// The request to suspend or hibernate is over: the kernel has resumed, or did not suspend.
    SuspendEnded = 65,
    /// A phase of suspend or resume begins or ends.
    PhaseSeen = 66,
    /// `freeze_processes` was entered.
    FreezeBegan = 67,
    /// `freeze_processes` returned.
    FreezeEnded = 68,
    /// `thaw_processes` was entered.
    ThawBegan = 69,
    /// `__usermodehelper_disable` was entered: helper calls are refused from here on, and those that wait are drained.
    DisableBegan = 70,
    /// `__usermodehelper_disable` returned.
    DisableEnded = 71,
    /// How far helpers are disabled was set.
    DepthSet = 72,
    /// A driver asks for a firmware file.
    FirmwareBegan = 80,
    /// A driver's request for a firmware file returns.
    FirmwareEnded = 81,
    /// The file was not found, and user space is asked for it.
    FallbackBegan = 82,
    /// The wait for user space is over.
    FallbackEnded = 83,
    /// A task asks that helpers stay enabled.
    LockBegan = 84,
    /// The kernel grants that, or refuses.
    LockEnded = 85,
    /// It no longer needs them.
    Unlocked = 86,
    /// A driver is bound to a device.
    DeviceBound = 96,
    /// A driver was tried on a device and is not bound to it.
    DriverFailed = 97,
    /// The kernel announces a device that has a module alias to user space, with a uevent.
    Uevent = 98,
}

impl Kind {
    /// Every kind, in order of number.
    pub const ALL: [Self; 56] = [
        Self::Requested,
        Self::Admitted,
        Self::Throttled,
        Self::Denied,
        Self::RefusedEarly,
        Self::SocketServed,
        Self::FileSystemServed,
        Self::AlgorithmServed,
        Self::CharDeviceServed,
        Self::BlockDeviceServed,
        Self::NetDeviceServed,
        Self::LinkServed,
        Self::CongestionServed,
        Self::Deduplicated,
        Self::CallEntered,
        Self::CallReturned,
        Self::CallPicked,
        Self::Born,
        Self::Executed,
        Self::Completed,
        Self::CallerGone,
        Self::Forked,
        Self::Exited,
        Self::LoadBegan,
        Self::LoadEnded,
        Self::ImageRead,
        Self::Coming,
        Self::InitBegun,
        Self::InitEnded,
        Self::Live,
        Self::Going,
        Self::Freed,
        Self::Named,
        Self::FileNamed,
        Self::Printed,
        Self::UnloadBegan,
        Self::UnloadEnded,
        Self::SuspendBegan,
        Self::SuspendEnded,
        Self::PhaseSeen,
        Self::FreezeBegan,
        Self::FreezeEnded,
        Self::ThawBegan,
        Self::DisableBegan,
        Self::DisableEnded,
        Self::DepthSet,
        Self::FirmwareBegan,
        Self::FirmwareEnded,
        Self::FallbackBegan,
        Self::FallbackEnded,
        Self::LockBegan,
        Self::LockEnded,
        Self::Unlocked,
        Self::DeviceBound,
        Self::DriverFailed,
        Self::Uevent,
    ];

    /// The number in a record.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The moment's name, as shown to a person.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Admitted => "admitted",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::RefusedEarly => "refused early",
            Self::SocketServed => "socket served",
            Self::FileSystemServed => "file system served",
            Self::AlgorithmServed => "algorithm served",
            Self::CharDeviceServed => "char device served",
            Self::BlockDeviceServed => "block device served",
            Self::NetDeviceServed => "network device served",
            Self::LinkServed => "network link served",
            Self::CongestionServed => "congestion served",
            Self::Deduplicated => "deduplicated",
            Self::CallEntered => "helper call entered",
            Self::CallReturned => "helper call returned",
            Self::CallPicked => "helper call picked up",
            Self::Born => "helper born",
            Self::Executed => "helper executed",
            Self::Completed => "helper completed",
            Self::CallerGone => "caller gone",
            Self::Forked => "helper forked",
            Self::Exited => "helper exited",
            Self::LoadBegan => "load began",
            Self::LoadEnded => "load ended",
            Self::ImageRead => "image read",
            Self::Coming => "coming",
            Self::InitBegun => "init begun",
            Self::InitEnded => "init ended",
            Self::Live => "live",
            Self::Going => "going",
            Self::Freed => "freed",
            Self::Named => "named",
            Self::FileNamed => "file named",
            Self::Printed => "printed",
            Self::UnloadBegan => "unload began",
            Self::UnloadEnded => "unload ended",
            Self::SuspendBegan => "suspend began",
            Self::SuspendEnded => "suspend ended",
            Self::PhaseSeen => "suspend phase",
            Self::FreezeBegan => "freeze began",
            Self::FreezeEnded => "freeze ended",
            Self::ThawBegan => "thaw began",
            Self::DisableBegan => "disable began",
            Self::DisableEnded => "disable ended",
            Self::DepthSet => "disable depth set",
            Self::FirmwareBegan => "firmware began",
            Self::FirmwareEnded => "firmware ended",
            Self::FallbackBegan => "fallback began",
            Self::FallbackEnded => "fallback ended",
            Self::LockBegan => "lock began",
            Self::LockEnded => "lock ended",
            Self::Unlocked => "unlocked",
            Self::DeviceBound => "device bound",
            Self::DriverFailed => "driver failed",
            Self::Uevent => "uevent",
        }
    }

    /// The kind with this number; `None` if there is none.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// A ring buffer. Each class of records has its own, so that a flood of one class costs that class alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ring {
    /// Requests, helper calls, and the life of helpers.
    Requests,
    /// Loads, and the states of modules.
    Loads,
    /// Suspend, and firmware, which suspend waits for.
    Suspend,
    /// Devices and their drivers.
    Devices,
}

impl Ring {
    /// Every ring.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Loads, Self::Suspend, Self::Devices];

    /// The ring of the records of this kind, by the kind's number.
    #[must_use]
    pub const fn of(kind: u16) -> Self {
        match kind {
            ..48 => Self::Requests,
            48..64 => Self::Loads,
            64..96 => Self::Suspend,
            96.. => Self::Devices,
        }
    }

    /// Its map's name.
    #[must_use]
    pub const fn map(self) -> &'static str {
        match self {
            Self::Requests => "REQUESTS",
            Self::Loads => "LOADS",
            Self::Suspend => "SUSPEND",
            Self::Devices => "DEVICES",
        }
    }

    /// What is counted if it has no room.
    #[must_use]
    pub const fn full(self) -> Loss {
        match self {
            Self::Requests => Loss::RingFull,
            Self::Loads => Loss::LoadsFull,
            Self::Suspend => Loss::SuspendFull,
            Self::Devices => Loss::DevicesFull,
        }
    }
}

/// Why the kernel side lost something. The number is the index into the per-CPU `DROPS` map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Loss {
    /// The ring buffer of requests and helpers had no room for the record.
    RingFull = 0,
    /// A helper process or a waiting caller could not be recorded: its map had no room, or the kernel's types do not
    /// show where its pid is. What it does cannot be tied to its request.
    Untracked = 1,
    /// The ring buffer of loads and modules had no room for the record.
    LoadsFull = 2,
    /// The ring buffer of suspend and firmware had no room for the record.
    SuspendFull = 3,
    /// Requests that were left out: their user had had its share while the ring buffer was more than half full.
    RequestsLeftOut = 4,
    /// Loads that were left out for the same reason.
    LoadsLeftOut = 5,
    /// Loads that the kernel refuses for want of rights, beyond a few per user and second.
    RefusedLeftOut = 6,
    /// Helper calls that serve no request, left out for the same reason as requests.
    CallsLeftOut = 7,
    /// Lines that the kernel printed during loads, beyond those that are kept of each.
    LinesLeftOut = 8,
    /// A process of the traced command could not be recorded: its map had no room.
    CommandUntracked = 9,
    /// The ring buffer of devices had no room for the record.
    DevicesFull = 10,
    /// Uevents of devices that were left out: their user had had its share while the ring buffer was more than half
    /// full.
    UeventsLeftOut = 11,
}

impl Loss {
    /// Every reason, in order of number.
    pub const ALL: [Self; 12] = [
        Self::RingFull,
        Self::Untracked,
        Self::LoadsFull,
        Self::SuspendFull,
        Self::RequestsLeftOut,
        Self::LoadsLeftOut,
        Self::RefusedLeftOut,
        Self::CallsLeftOut,
        Self::LinesLeftOut,
        Self::CommandUntracked,
        Self::DevicesFull,
        Self::UeventsLeftOut,
    ];

    /// The index into the map of counters.
    #[must_use]
    pub const fn index(self) -> u32 {
        self as u32
    }

    /// What was lost, as a phrase for a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "events dropped because the ring buffer was full",
            Self::Untracked => "helper processes or callers that could not be followed",
            Self::LoadsFull => "events of loads dropped because their ring buffer was full",
            Self::SuspendFull => "events of suspend and firmware dropped because their ring buffer was full",
            Self::RequestsLeftOut => {
                "requests left out because their user had had its share of a ring buffer that filled up"
            }
            Self::LoadsLeftOut => {
                "loads and unloads left out because their user had had its share of a ring buffer that filled up"
            }
            Self::RefusedLeftOut => "loads and unloads left out that the kernel refuses for want of rights",
            Self::CallsLeftOut => {
                "helper calls left out because their user had had its share of a ring buffer that filled up"
            }
            Self::CommandUntracked => "processes of the traced command that could not be followed",
            Self::DevicesFull => "events of devices dropped because their ring buffer was full",
            Self::UeventsLeftOut => {
                "uevents of devices left out because their user had had its share of a ring buffer that filled up"
            }
            Self::LinesLeftOut => "lines of the kernel's log, printed during loads, that were not kept",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_subjects_ring() {
        let ring = |kind: Kind| Ring::of(kind.number());
        assert_eq!([Kind::Requested, Kind::Exited].map(ring), [Ring::Requests; 2]);
        assert_eq!([Kind::LoadBegan, Kind::UnloadEnded].map(ring), [Ring::Loads; 2]);
        assert_eq!([Kind::SuspendBegan, Kind::Unlocked].map(ring), [Ring::Suspend; 2]);
        assert_eq!([Kind::DeviceBound, Kind::Uevent].map(ring), [Ring::Devices; 2]);
    }

    #[test]
    fn every_number_gives_its_kind_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::from_number(0), None);
        assert_eq!(Kind::from_number(15), None);
    }
}
