//! Events without what tells who somebody is, so that a recording can be shared.
//!
//! In: an event. Out: the same without names of threads, executables, arguments, cgroups (with their units and
//! containers), the name of the host, and users, of whom only root stays. What modules were asked for, what became of
//! it and when, the kernel's own lines, and paths of helpers and of modprobe's configuration stay.

use crate::event::{
    Body, CallEntered, Captured, Comm, Event, Fact, Moment, Origin, Parent, Privileges, Program, Requested, Task,
    UserNs,
};
use std::sync::Arc;

/// Stands for every user but root: what the kernel shows for a user that it may not name (`overflowuid`).
pub const SOMEBODY: u32 = 65_534;
/// Stands for the name of the host.
const HOST: &str = "redacted";

/// The event without it.
#[must_use]
pub fn redacted(event: Event) -> Event {
    let body = match event.body {
        Body::Probe(mut probe) => {
            probe.task.comm = Comm::default();
            probe.moment = moment(probe.moment);
            Body::Probe(probe)
        }
        Body::Fact(fact) => Body::Fact(redacted_fact(fact)),
    };
    Event { at: event.at, body }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other moment says who somebody is")]
fn moment(moment: Moment) -> Moment {
    match moment {
        Moment::Requested(asked) => Moment::Requested(requested(&asked).into()),
        Moment::RefusedEarly { requested: asked, result } => {
            Moment::RefusedEarly { requested: requested(&asked).into(), result }
        }
        Moment::CallEntered(call) => Moment::CallEntered(called(&call).into()),
        Moment::Executed { result, program } => {
            let program = program.map(|program| Program { file: program.file, path: None }.into());
            Moment::Executed { result, program }
        }
        Moment::LoadBegan { syscall, origin: of } => {
            Moment::LoadBegan { syscall, origin: of.map(|of| origin(&of).into()) }
        }
        Moment::UnloadBegan { name, origin: of } => {
            Moment::UnloadBegan { name, origin: of.map(|of| origin(&of).into()) }
        }
        other => other,
    }
}

fn redacted_fact(fact: Fact) -> Fact {
    match fact {
        Fact::Machine(mut machine) => {
            HOST.clone_into(&mut machine.hostname);
            Fact::Machine(machine)
        }
        Fact::Gone { thread } => Fact::Gone { thread: Task { comm: Comm::default(), ..thread } },
        Fact::Blamed { uid, loss, count, .. } => Fact::Blamed { uid: user(uid), comm: Comm::default(), loss, count },
        Fact::ClockSet { .. }
        | Fact::Hooks(_)
        | Fact::Tracer(_)
        | Fact::Rights(_)
        | Fact::Policy(_)
        | Fact::SelfTest(_)
        | Fact::Stuck { .. }
        | Fact::LiveModules(_)
        | Fact::Resolved { .. }
        | Fact::Lost { .. }
        | Fact::Costs(_)
        | Fact::Tick
        | Fact::Drained
        | Fact::End => fact,
    }
}

const fn user(uid: u32) -> u32 {
    if uid == 0 { 0 } else { SOMEBODY }
}

fn requested(asked: &Requested) -> Requested {
    let privileges = asked.privileges.map(|privileges| Privileges {
        userns: privileges.userns.map(|userns| UserNs { owner: user(userns.owner), ..userns }),
        ..privileges
    });
    Requested {
        alias: asked.alias.clone(),
        uid: user(asked.uid),
        loginuid: None,
        exe: None,
        cgroup: None,
        stack: asked.stack.clone(),
        privileges,
    }
}

/// The arguments that the kernel passes to modprobe say no more than the request does; those of other helpers can.
fn called(call: &CallEntered) -> CallEntered {
    let is_modprobe = call.argv.get(1..3).is_some_and(|words| {
        let words: Vec<Option<&str>> = words.iter().map(|word| word.text().map(|text| &**text)).collect();
        words == [Some("-q"), Some("--")]
    });
    let argv: Arc<[Captured]> = if is_modprobe { call.argv.clone() } else { Arc::new([]) };
    let argv_more = call.argv_more || argv.len() < call.argv.len();
    CallEntered { argv, argv_more, ..call.clone() }
}

fn origin(of: &Origin) -> Origin {
    let parent = of.parent.as_ref().map(|parent| Parent { process: parent.process, comm: Comm::default(), exe: None });
    Origin { uid: user(of.uid), loginuid: None, capable: of.capable, exe: None, cgroup: None, parent }
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use crate::event::Event;
    use crate::model::Model;
    use crate::record::read::read;
    use crate::record::write::Recorder;
    use crate::replay::replay;

    const RECORDING: &[u8] = include_bytes!("../../../tests/recordings/linux-6.12.mcap");

    fn recorded(change: impl Fn(Event) -> Event) -> (Vec<u8>, Model) {
        let mut bytes = Vec::new();
        let mut recorder = Recorder::begin(&mut bytes).expect("bytes can be written");
        let mut last = None;
        read(RECORDING, |event| {
            last = Some(event.at);
            recorder.write(&change(event)).expect("bytes can be written");
        })
        .expect("a recording");
        recorder.finish(last.expect("events")).expect("bytes can be written");
        let (model, _) = replay(&bytes[..], |_, _| {}).expect("a recording");
        (bytes, model)
    }

    #[test]
    fn nobody_is_named_and_every_verdict_stays() {
        let [(_, before), (_, after)] = [recorded(|event| event), recorded(redacted)];
        let verdicts = |model: &Model| -> Vec<_> {
            let facts = model.requests().map(|one| (one.asked, one.verdict, one.module().cloned(), one.call.is_some()));
            facts.collect()
        };
        assert_eq!(verdicts(&before), verdicts(&after));
        assert!(verdicts(&after).len() > 10);
        let mut texts = String::new();
        read(&recorded(redacted).0[..], |event| texts += &format!("{event:?}")).expect("a recording");
        let mut plain = String::new();
        read(RECORDING, |event| plain += &format!("{event:?}")).expect("a recording");
        let host = before.machine().map(|machine| machine.hostname.clone()).expect("a machine");
        for secret in [&format!("hostname: {host:?}"), "provoke", "/usr/bin/", "systemd-udevd", "cgroup: Some"] {
            let was_there = plain.contains(secret);
            assert!(!texts.contains(secret), "{secret} (was there: {was_there})");
        }
        assert!(plain.contains("provoke") && plain.contains("cgroup: Some"), "there was something to leave out");
    }
}
