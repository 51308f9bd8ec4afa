//! Models for tests, made by sending events through the pipeline.
//!
//! In: what happened, in microseconds since tracing began. Out: the model that the pipeline makes of it.

use crate::answer::{CallResult, ReturnCode, WaitStatus};
use crate::entities::{Request, RequestId};
use crate::event::{
    Action, Body, CallEntered, Captured, DeviceMoment, DriverTried, Event, Fact, Hook, Lost, Machine, Module, Moment,
    Probe, Requested, Resolution, Server, Stamp, Syscall, Task, Uevent, Wait, Wanted,
};
use crate::model::Model;
use crate::pipeline::Pipeline;
use std::sync::Arc;
use trace_common::ids::{CallAddress, ModuleAddress};
use trace_common::kind::{Kind, Loss};

/// 2026-11-23 10:00:00 UTC.
const WALL_NS: u64 = 1_795_428_000_000_000_000;
/// When tracing began: nanoseconds since boot.
const BEGAN_NS: u64 = 41_700_000_000;

/// Events on their way into a model; instants are microseconds since tracing began.
#[derive(Default)]
pub struct Scenario {
    pipeline: Pipeline,
    /// Everything that was sent, as it was sent.
    pub events: Vec<Event>,
}

/// A helper that a request's call started.
#[derive(Clone, Copy)]
pub struct Helped<'t> {
    /// What was asked for.
    pub alias: &'t str,
    /// Who asked.
    pub requester: Task,
    /// The helper's program.
    pub path: &'t str,
    /// The helper's process.
    pub pid: u32,
    /// When it was asked for, in microseconds since tracing began.
    pub at: u64,
}

impl Scenario {
    /// Something that the edge knows.
    pub fn fact(&mut self, at: u64, fact: Fact) {
        self.send(Event { at: stamp(at), body: Body::Fact(fact) });
    }

    /// Something that a probe saw.
    pub fn probe(&mut self, at: u64, task: Task, moment: Moment) {
        let probe = Probe { task, cpu: 0, of_command: false, moment };
        self.send(Event { at: stamp(at), body: Body::Probe(probe) });
    }

    /// Any event.
    pub fn send(&mut self, event: Event) {
        self.events.push(event.clone());
        self.pipeline.push(event, |_, _| {});
    }

    /// The request with this number.
    pub fn request(&self, number: u64) -> Arc<Request> {
        self.model().request(RequestId(number)).expect("the request is kept").clone()
    }

    /// Everything up to `at` is final, and the model knows that it is `at`.
    pub fn until(&mut self, at: u64) {
        self.fact(at + 100_000, Fact::Tick);
    }

    /// insmod, process `pid`, loads a module that asks for itself: its helper, `pid` + 20, begins a load, which is not
    /// named yet. Returns the helper.
    pub fn asks_for_itself(&mut self, at: u64, pid: u32) -> Task {
        let first = Task::new(pid, pid, 1, "insmod");
        self.load(at, first, "slow");
        let request =
            Helped { alias: "slow-alias", requester: first, path: "/sbin/modprobe", pid: pid + 20, at: at + 10_000 };
        self.helped(request, 0);
        let second = self.helper(request);
        self.probe(at + 20_000, second, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
        second
    }

    /// The model, as it is now.
    pub fn model(&self) -> &Model {
        self.pipeline.model()
    }

    /// A machine, its hooks, and one module that is live.
    pub fn machine(&mut self) {
        let machine = Machine {
            boot_id: "c1f0".into(),
            release: "6.12.48+deb13-amd64".into(),
            arch: "x86_64".into(),
            hostname: "testhost".into(),
            cpus: 4,
            version: "0.1.0".into(),
            wall_ns: WALL_NS,
        };
        self.fact(0, Fact::Machine(machine));
        self.fact(0, Fact::Hooks(hooks()));
        self.fact(0, Fact::LiveModules(["vfat".into()].into()));
    }

    /// What an alias resolves to: modules, each with what it depends on.
    pub fn resolves(&mut self, alias: &str, modules: &[(&str, &[&str])]) {
        let modules = modules
            .iter()
            .map(|(name, dependencies)| Wanted {
                name: (*name).into(),
                dependencies: dependencies.iter().map(|name| (*name).into()).collect(),
                ..Wanted::default()
            })
            .collect();
        let resolution = Arc::new(Resolution { known: true, modules, ..Resolution::default() });
        self.fact(1, Fact::Resolved { alias: alias.into(), resolution });
    }

    /// Asked, admitted, called, picked, born and executed, within two milliseconds.
    pub fn helped(&mut self, helped: Helped<'_>, executed: i32) {
        let Helped { alias, requester, path, pid, at } = helped;
        let call = CallAddress(u64::from(pid));
        let helper = Task::new(pid, pid, at + 900, "modprobe");
        let stack = ["__request_module", server(alias).as_str(), "__x64_sys_call", "do_syscall_64"];
        self.probe(
            at,
            requester,
            Moment::Requested(Arc::new(Requested {
                alias: Captured::whole(alias),
                uid: 1000,
                loginuid: Some(1000),
                exe: Some("/usr/bin/ping".into()),
                cgroup: Some("/user.slice/user-1000.slice/session-3.scope".into()),
                stack: stack.map(Arc::from).into(),
                privileges: None,
            })),
        );
        self.probe(at + 40, requester, Moment::Admitted { alias: Captured::whole(alias), wait: true });
        let entered = entered(call, Wait::Proc, &[path, "-q", "--", alias]);
        self.probe(at + 60, requester, Moment::CallEntered(entered.into()));
        self.probe(at + 300, worker(pid), Moment::CallPicked { call });
        self.probe(at + 900, helper, Moment::Born { call });
        self.probe(at + 2_000, helper, Moment::Executed { result: ReturnCode(executed), program: None });
    }

    /// The helper exited, was reaped, and the requester returned. If the helper succeeded, the requester got what it
    /// asked for.
    pub fn ended(&mut self, helped: Helped<'_>, at: u64, status: i32) {
        let helper = self.helper(helped);
        let call = CallAddress(u64::from(helped.pid));
        self.probe(at, helper, Moment::Exited { status: Some(WaitStatus(status)) });
        self.probe(at + 200, worker(helped.pid), Moment::Completed { call: Some(call) });
        self.probe(at + 300, helped.requester, Moment::CallReturned { result: CallResult::from_return(status) });
        let result = if status == 0 { ReturnCode::OK } else { ReturnCode(-97) };
        self.probe(at + 320, helped.requester, Moment::Served { by: server(helped.alias), result });
    }

    /// The helper's task.
    pub fn helper(&self, helped: Helped<'_>) -> Task {
        Task::new(helped.pid, helped.pid, helped.at + 900, "modprobe")
    }

    /// A load from its entry to its init.
    pub fn load(&mut self, at: u64, task: Task, name: &str) {
        self.probe(at, task, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
        self.probe(at + 700, task, Moment::ImageRead { bytes: Some(53_248) });
        self.probe(at + 2_000, task, Moment::Coming(module(name)));
        self.probe(at + 2_100, task, Moment::InitBegun(module(name)));
    }

    /// The load's module went live `init` after its init began.
    pub fn went_live(&mut self, at: u64, task: Task, name: &str) {
        self.probe(at, task, Moment::Live(module(name)));
        self.probe(at + 400, task, Moment::InitEnded { result: ReturnCode::OK });
        self.probe(at + 500, task, Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None });
    }
}

/// A driver of a module that is tried on a device of a bus.
pub fn tried(bus: &str, device: &str, driver: &str, module: Option<&str>) -> Arc<DriverTried> {
    Arc::new(DriverTried {
        device: Captured::whole(device),
        bus: Captured::whole(bus),
        driver: Captured::whole(driver),
        module: module.map(Captured::whole),
    })
}

/// The uevent of a device that has an alias.
pub fn uevent(bus: &str, device: &str, alias: &str) -> Moment {
    Moment::Device(DeviceMoment::Uevent(Arc::new(Uevent {
        action: Action::Add,
        is_synthetic: false,
        device: Captured::whole(device),
        subsystem: Captured::whole(bus),
        driver: None,
        alias: Captured::whole(alias),
    })))
}

/// The kernel function that requests such an alias.
fn server(alias: &str) -> Server {
    let by_beginning = [
        ("fs-", Server::FileSystem),
        ("crypto-", Server::Algorithm),
        ("char-major-", Server::CharDevice),
        ("block-major-", Server::BlockDevice),
        ("netdev-", Server::NetDevice),
    ];
    let found = by_beginning.into_iter().find(|(beginning, _)| alias.starts_with(beginning));
    found.map_or(Server::Socket, |(_, server)| server)
}

/// Somebody asks for an alias; who it is does not matter.
pub fn asked(alias: &str) -> Requested {
    let alias = Captured::whole(alias);
    Requested { alias, uid: 0, loginuid: None, exe: None, cgroup: None, stack: [].into(), privileges: None }
}

/// A helper call is entered that executes the first of these words.
pub fn entered(call: CallAddress, wait: Wait, words: &[&str]) -> CallEntered {
    let path = Captured::whole(words.first().copied().unwrap_or_default());
    let argv = words.iter().map(|word| Captured::whole(word)).collect();
    CallEntered { call, wait, path, argv, argv_more: false, stack: [].into() }
}

/// A kernel worker waits for the one helper that it started.
pub fn worker(pid: u32) -> Task {
    Task::new(100_000 + pid, 100_000 + pid, 1, "kworker/u8:2")
}

/// An instant, in microseconds since tracing began.
pub fn stamp(at: u64) -> Stamp {
    Stamp::awake(BEGAN_NS + at * 1_000)
}

/// A module of this name.
pub fn module(name: &str) -> Module {
    Module { address: ModuleAddress(name.len() as u64), name: Captured::whole(name) }
}

fn hooks() -> Arc<[Hook]> {
    let hook = |moment, attached: Option<&str>, loses: &str, refused: &str| Hook {
        moment,
        attached: attached.map(Arc::from),
        may_miss: moment == Kind::CallReturned,
        loses: loses.into(),
        refused: refused.into(),
    };
    let hooks = Kind::ALL.into_iter().map(|kind| {
        if kind == Kind::Requested {
            hook(kind, Some("fexit security_kernel_module_request"), "", "")
        } else if kind == Kind::CallReturned {
            let loses = "returns, where more callers wait at once than the probe has places";
            let refused = "fexit call_usermodehelper_exec: ENOTSUPP (not supported)";
            hook(kind, Some("kretprobe call_usermodehelper_exec"), loses, refused)
        } else if kind == Kind::Deduplicated {
            hook(kind, None, "", "this kernel has no kmod_dup_request_exists_wait: it does not happen here")
        } else if kind == Kind::Freed {
            hook(kind, None, "when the memory of a module is given back", "raw tracepoint: EPERM")
        } else {
            hook(kind, Some("kprobe do_init_module"), "", "")
        }
    });
    hooks.collect()
}

/// Every verdict that a screen must distinguish, helpers of other kinds, loads by others, an open request, and a loss.
pub fn busy() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("can-proto-1", &[("can_raw", &["can"])]);
    scenario.resolves("crypto-hmac(sha256)", &[]);
    scenario.resolves("net-pf-99", &[]);
    scenario.resolves("fs-xfs", &[("xfs", &[])]);
    scenario.resolves("fs-vfat", &[("vfat", &[])]);
    scenario.resolves("block-major-2", &[("floppy", &[])]);
    scenario.resolves("char-major-10-200", &[("tun", &[])]);
    went_live(&mut scenario);
    went_wrong(&mut scenario);
    others(&mut scenario);
    let open = Helped {
        alias: "char-major-10-200",
        requester: Task::new(7801, 7803, 9, "openvpn"),
        path: "/sbin/modprobe",
        pid: 7810,
        at: 900_000,
    };
    scenario.helped(open, 0);
    let helper = scenario.helper(open);
    scenario.load(910_000, helper, "tun");
    let stack = ["msleep", "tun_init", "do_one_initcall", "do_init_module"].map(Arc::from);
    scenario.fact(930_000, Fact::Stuck { thread: helper.tid, stack: stack.into() });
    scenario.fact(940_000, Fact::Gone { thread: Task::new(34, 34, 3, "stray") });
    scenario.fact(955_000, Fact::Lost { loss: Lost::Kernel(Loss::RingFull), count: 12, until: stamp(960_000).mono });
    scenario.probe(970_000, Task::new(33, 33, 3, "stray"), Moment::CallReturned { result: CallResult::OK });
    scenario.until(3_400_000);
    scenario
}

/// A dependency and a nested request on the way to the wanted module, and a module that was live before.
fn went_live(scenario: &mut Scenario) {
    let requester = Task::new(412, 412, 5, "ping");
    let first = Helped { alias: "can-proto-1", requester, path: "/sbin/modprobe", pid: 413, at: 123_000 };
    scenario.helped(first, 0);
    let helper = scenario.helper(first);
    scenario.load(130_000, helper, "can");
    let nested =
        Helped { alias: "crypto-hmac(sha256)", requester: helper, path: "/sbin/modprobe", pid: 414, at: 140_000 };
    scenario.helped(nested, 0);
    scenario.ended(nested, 147_000, 256);
    scenario.went_live(150_000, helper, "can");
    scenario.load(152_000, helper, "can_raw");
    scenario.went_live(221_100, helper, "can_raw");
    scenario.ended(first, 230_000, 0);
    let vfat = Helped {
        alias: "fs-vfat",
        requester: Task::new(600, 600, 5, "mount"),
        path: "/sbin/modprobe",
        pid: 601,
        at: 250_000,
    };
    scenario.helped(vfat, 0);
    scenario.ended(vfat, 255_000, 0);
}

fn went_wrong(scenario: &mut Scenario) {
    let mount = Task::new(500, 500, 6, "mount");
    let path = "/sbin/modprobe";
    let hollow = Helped { alias: "fs-xfs", requester: mount, path, pid: 501, at: 300_000 };
    scenario.helped(hollow, 0);
    scenario.ended(hollow, 306_000, 0);
    let missing = Helped {
        alias: "net-pf-44",
        requester: Task::new(510, 510, 6, "socat"),
        path: "/nonexistent",
        pid: 511,
        at: 320_000,
    };
    scenario.helped(missing, -2);
    scenario.probe(322_200, scenario.helper(missing), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.probe(322_500, missing.requester, Moment::CallReturned { result: CallResult::from_return(-2) });
    scenario.probe(322_520, missing.requester, Moment::Served { by: Server::Socket, result: ReturnCode(-97) });
    let failed =
        Helped { alias: "block-major-2", requester: Task::new(520, 520, 6, "blkid"), path, pid: 521, at: 340_000 };
    scenario.helped(failed, 0);
    let helper = scenario.helper(failed);
    scenario.load(345_000, helper, "floppy");
    scenario.probe(360_000, helper, Moment::InitEnded { result: ReturnCode(-19) });
    scenario.probe(
        360_100,
        helper,
        Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode(-19), ending: None },
    );
    scenario.ended(failed, 362_000, 256);
    let twice = [(531, 540), (532, 541)].map(|(tid, pid)| Helped {
        alias: "net-pf-99",
        requester: Task::new(530, tid, 6, "a-long-commname"),
        path,
        pid,
        at: 380_000 + u64::from(tid),
    });
    for one in twice {
        scenario.helped(one, 0);
    }
    scenario.ended(twice[0], 390_000, 256);
    scenario.ended(twice[1], 391_000, 9);
}

/// Helper calls that serve no request, and loads by others.
fn others(scenario: &mut Scenario) {
    let udev = Task::new(300, 300, 3, "(udev-worker)");
    scenario.load(400_000, udev, "snd_hda_codec_hdmi");
    scenario.went_live(420_000, udev, "snd_hda_codec_hdmi");
    let crashed = Task::new(700, 700, 8, "crashed");
    let call = CallAddress(0x77);
    let words = ["/usr/lib/systemd/systemd-coredump", "700", "1000", "1000", "11", "1795428000"];
    let stack = ["call_usermodehelper_exec", "do_coredump", "get_signal"].map(Arc::from).into();
    let entered = CallEntered { argv_more: true, stack, ..entered(call, Wait::Exec, &words) };
    let helper = Task::new(701, 701, 450_500, "kworker/u8:1");
    scenario.probe(450_000, crashed, Moment::CallEntered(entered.into()));
    scenario.probe(450_300, Task::new(91, 91, 1, "kworker/u8:1"), Moment::CallPicked { call });
    scenario.probe(450_500, helper, Moment::Born { call });
    scenario.probe(451_000, helper, Moment::Executed { result: ReturnCode::OK, program: None });
    scenario.probe(451_100, crashed, Moment::CallReturned { result: CallResult::OK });
    scenario.probe(520_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
}
