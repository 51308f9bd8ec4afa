//! Replaces the numbers in an event's record by names: the task's executable and cgroup, its parent's executable, the
//! symbols of kernel stacks.
//!
//! In: a decoded event, and a source of names. Out: the event as it is recorded.

use modtrail_core::decode::{Decoded, Unnamed};
use modtrail_core::event::{Body, Event, FileId, Moment, Origin, Probe};
use std::sync::Arc;
use trace_common::ids::{CallAddress, ModuleAddress};

/// A frame whose symbol is not known.
const UNKNOWN: &str = "?";

/// Gives names to numbers. The edge asks the running system; tests invent them.
pub trait Names {
    /// A number for a kernel address: the same for the same address, and nothing of the address can be learned from it.
    fn number(&self, address: u64) -> u64;
    /// Whether it is modtrail's own process: its requests are followed but not shown, so nothing is looked up for them.
    fn is_own(&self, tgid: u32) -> bool;
    /// The symbol that contains the kernel address; `None` if unknown.
    fn symbol(&mut self, address: u64) -> Option<Arc<str>>;
    /// The path of the executable of the process `tgid` that started at `start` on the boot clock; `None` if it cannot
    /// be read, if the pid now belongs to another process, or if the process now executes another file than `exe`.
    fn exe(&mut self, tgid: u32, start: u64, exe: FileId) -> Option<Arc<str>>;
    /// The path of the cgroup with this id, which `tgid` is a member of; `None` if it cannot be read.
    fn cgroup(&mut self, id: u64, tgid: u32) -> Option<Arc<str>>;
}

/// The event with everything that `names` knows.
#[must_use]
pub fn enrich(decoded: Decoded, names: &mut impl Names) -> Event {
    let Decoded { mut event, unnamed } = decoded;
    if let Body::Probe(probe) = &mut event.body {
        number_addresses(&mut probe.moment, names);
    }
    if let (Some(unnamed), Body::Probe(probe)) = (unnamed, &mut event.body)
        && !names.is_own(probe.task.key.tgid.0)
    {
        fill_in(probe, &unnamed, names);
    }
    event
}

/// Kernel addresses tell helper calls and modules apart, and must not leave this process: who knows them gets past the
/// randomization of the kernel's memory.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these moments hold addresses")]
fn number_addresses(moment: &mut Moment, names: &impl Names) {
    match moment {
        Moment::CallEntered(entered) => {
            let entered = Arc::make_mut(entered);
            entered.call = CallAddress(names.number(entered.call.0));
        }
        Moment::CallPicked { call } | Moment::Born { call } | Moment::Completed { call: Some(call) } => {
            *call = CallAddress(names.number(call.0));
        }
        Moment::Coming(module)
        | Moment::InitBegun(module)
        | Moment::Live(module)
        | Moment::Going(module)
        | Moment::Freed(module) => module.address = ModuleAddress(names.number(module.address.0)),
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only these moments hold numbers")]
fn fill_in(probe: &mut Probe, unnamed: &Unnamed, names: &mut impl Names) {
    let (tgid, start) = (probe.task.key.tgid.0, probe.task.key.start.as_nanos());
    match &mut probe.moment {
        Moment::Requested(requested) | Moment::RefusedEarly { requested, .. } => {
            let requested = Arc::make_mut(requested);
            requested.exe = unnamed.exe.and_then(|exe| names.exe(tgid, start, exe));
            requested.cgroup = unnamed.cgroup.and_then(|id| names.cgroup(id, tgid));
            requested.stack = stack(&unnamed.stack, "__request_module", names);
        }
        Moment::LoadBegan { origin: Some(origin), .. } | Moment::UnloadBegan { origin: Some(origin), .. } => {
            fill_in_origin(Arc::make_mut(origin), (tgid, start), unnamed, names);
        }
        Moment::Executed { program: Some(program), .. } => {
            Arc::make_mut(program).path = unnamed.exe.and_then(|exe| names.exe(tgid, start, exe));
        }
        Moment::CallEntered(entered) => {
            Arc::make_mut(entered).stack = stack(&unnamed.stack, "call_usermodehelper_exec", names);
        }
        _ => {}
    }
}

fn fill_in_origin(origin: &mut Origin, (tgid, start): (u32, u64), unnamed: &Unnamed, names: &mut impl Names) {
    origin.exe = unnamed.exe.and_then(|exe| names.exe(tgid, start, exe));
    origin.cgroup = unnamed.cgroup.and_then(|id| names.cgroup(id, tgid));
    if let (Some(parent), Some((start, exe))) = (&mut origin.parent, unnamed.parent) {
        parent.exe = names.exe(parent.process.0, start, exe);
    }
}

/// The frames as symbols, from the function `from` outwards: the frames inside it are the probe's own. A frame without
/// a symbol is `?`; a stack without any symbol is empty.
fn stack(frames: &[u64], from: &str, names: &mut impl Names) -> Arc<[Arc<str>]> {
    let found: Vec<Option<Arc<str>>> = frames.iter().map(|address| names.symbol(*address)).collect();
    if found.iter().all(Option::is_none) {
        return [].into();
    }
    let symbols: Vec<Arc<str>> = found.into_iter().map(|symbol| symbol.unwrap_or_else(|| UNKNOWN.into())).collect();
    let begin = symbols.iter().position(|symbol| &**symbol == from).unwrap_or(0);
    symbols.into_iter().skip(begin).collect()
}

#[cfg(test)]
mod tests {
    use super::{Names, UNKNOWN, enrich, stack};
    use modtrail_core::decode::{Decoded, Unnamed};
    use modtrail_core::event::{
        Body, Captured, Comm, Event, FileId, Module, Moment, Origin, Parent, Probe, Requested, Stamp, Syscall, Task,
        Wait,
    };
    use modtrail_core::testing::entered;
    use std::sync::Arc;
    use trace_common::ids::{CallAddress, ModuleAddress, Tgid};

    const EXE: FileId = FileId { device: 1, inode: 11 };

    struct Made;

    impl Names for Made {
        fn number(&self, address: u64) -> u64 {
            address + 1
        }

        fn is_own(&self, tgid: u32) -> bool {
            tgid == 77
        }

        fn symbol(&mut self, address: u64) -> Option<Arc<str>> {
            ["bpf_trampoline", "__request_module", "__sock_create"]
                .get(usize::try_from(address).unwrap_or(0).wrapping_sub(1))
                .map(|symbol| (*symbol).into())
        }

        fn exe(&mut self, tgid: u32, start: u64, exe: FileId) -> Option<Arc<str>> {
            (tgid == 412 && start == 5 && exe.inode == 11).then(|| "/usr/bin/ping".into())
        }

        fn cgroup(&mut self, id: u64, _tgid: u32) -> Option<Arc<str>> {
            (id == 7).then(|| "/user.slice".into())
        }
    }

    fn request_of(tgid: u32) -> Arc<Requested> {
        let requested = Requested {
            alias: Captured::whole("net-pf-29"),
            uid: 1000,
            loginuid: None,
            exe: None,
            cgroup: None,
            stack: [].into(),
            privileges: None,
        };
        let task = Task::new(tgid, tgid, 5, "ping");
        let event = Event {
            at: Stamp::default(),
            body: Body::Probe(Probe { task, cpu: 0, of_command: false, moment: Moment::Requested(requested.into()) }),
        };
        let unnamed = Unnamed { cgroup: Some(7), exe: Some(EXE), parent: None, stack: vec![1, 2, 3, 0x99] };
        let event = enrich(Decoded { event, unnamed: Some(unnamed) }, &mut Made);
        let Body::Probe(Probe { moment: Moment::Requested(requested), .. }) = event.body else {
            panic!("{event:?}");
        };
        requested
    }

    #[test]
    fn a_request_gets_its_executable_its_cgroup_and_the_stack_outside_the_probe() {
        let requested = request_of(412);
        assert_eq!(requested.exe.as_deref(), Some("/usr/bin/ping"));
        assert_eq!(requested.cgroup.as_deref(), Some("/user.slice"));
        let frames: Vec<&str> = requested.stack.iter().map(|frame| &**frame).collect();
        assert_eq!(frames, ["__request_module", "__sock_create", UNKNOWN]);
    }

    #[test]
    fn a_load_gets_its_executable_and_its_parents() {
        let parent = Parent { process: Tgid(412), comm: Comm::from_text("sh"), exe: None };
        let origin = Some(Arc::new(Origin { parent: Some(parent), ..Origin::default() }));
        let moment = Moment::LoadBegan { syscall: Syscall::Finit, origin };
        let body = Body::Probe(Probe { task: Task::new(413, 413, 6, "insmod"), cpu: 0, of_command: false, moment });
        let unnamed = Unnamed { cgroup: Some(7), exe: Some(EXE), parent: Some((5, EXE)), stack: Vec::new() };
        let decoded = Decoded { event: Event { at: Stamp::default(), body }, unnamed: Some(unnamed) };
        let Body::Probe(Probe { moment: Moment::LoadBegan { origin: Some(origin), .. }, .. }) =
            enrich(decoded, &mut Made).body
        else {
            panic!("not a load");
        };
        assert_eq!((origin.exe.as_deref(), origin.cgroup.as_deref()), (None, Some("/user.slice")));
        assert_eq!(origin.parent.as_ref().and_then(|parent| parent.exe.as_deref()), Some("/usr/bin/ping"));
    }

    #[test]
    fn nothing_is_looked_up_for_modtrail_itself() {
        let own = request_of(77);
        assert_eq!((&own.exe, &own.cgroup, own.stack.len()), (&None, &None, 0));
    }

    #[test]
    fn no_kernel_address_is_passed_on() {
        let address = 0xffff_8880_0000_1000;
        let call = CallAddress(address);
        let module = || Module { address: ModuleAddress(address), name: Captured::whole("can") };
        let moments = [
            Moment::CallEntered(entered(call, Wait::Proc, &["/sbin/modprobe"]).into()),
            Moment::CallPicked { call },
            Moment::Born { call },
            Moment::Completed { call: Some(call) },
            Moment::Coming(module()),
            Moment::InitBegun(module()),
            Moment::Live(module()),
            Moment::Going(module()),
            Moment::Freed(module()),
        ];
        for moment in moments {
            let body = Body::Probe(Probe { task: Task::default(), cpu: 0, of_command: false, moment });
            let event = Event { at: Stamp::default(), body };
            let body = format!("{:?}", enrich(Decoded { event, unnamed: None }, &mut Made).body);
            assert!(body.contains(&(address + 1).to_string()) && !body.contains(&address.to_string()), "{body}");
        }
        assert_eq!(stack(&[0x99, 0x9a], "__request_module", &mut Made).len(), 0);
    }
}
