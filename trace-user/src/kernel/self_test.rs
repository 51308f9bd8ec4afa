//! Proves that the probes fire: modtrail makes a request of its own, for an alias that no module has.
//!
//! In: nothing; any user may ask for that. Out: a request in the kernel and, from the events that come back, whether
//! the request, its helper call and its helper were seen. It does not wait for the end, which can take as long as the
//! helper does.

use crate::kernel::snapshot;
use modtrail_core::event::{Body, Event, Moment, SELF_TEST_THREAD, SelfTest};
use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with};
use std::fs;
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use trace_common::ids::{CallAddress, Tgid};
use trace_common::kind::Kind;

/// The protocol of netlink that is asked for: `NETLINK_UNUSED` (include/uapi/linux/netlink.h), which nothing in 5.10 to
/// 7.3 uses. The kernel requests a module for it whoever asks (net/netlink/af_netlink.c `netlink_create`, 5.10 to 7.3).
const PROTOCOL: Protocol = Protocol::from_raw(NonZeroU32::MIN);

/// A test under way.
#[derive(Debug)]
pub struct Proof {
    process: Tgid,
    answer: Receiver<Result<(), Errno>>,
    requested: bool,
    call: Option<CallAddress>,
    born: bool,
    /// What the kernel answered before there was a helper, in words.
    turned_away: Option<String>,
}

/// Makes the request, in a separate thread that nobody waits for.
///
/// # Errors
/// Why no request can be made.
pub fn begin() -> Result<Proof, String> {
    let process = snapshot::own_process().ok_or_else(|| {
        "modtrail runs in a pid or time namespace and cannot recognize its own request: run it in the host's".to_owned()
    })?;
    let path = fs::read_to_string("/proc/sys/kernel/modprobe").unwrap_or_default();
    if path.trim().is_empty() {
        return Err("kernel.modprobe is empty, so the kernel starts no helper".to_owned());
    }
    let (sender, answer) = channel();
    let ask = move || {
        // The receiver may be gone.
        let _ = sender
            .send(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(PROTOCOL)).map(drop));
    };
    thread::Builder::new()
        .name(SELF_TEST_THREAD.to_owned())
        .spawn(ask)
        .map_err(|error| format!("cannot start a thread for it: {error}"))?;
    Ok(Proof { process, answer, requested: false, call: None, born: false, turned_away: None })
}

impl Proof {
    /// Looks at an event.
    pub fn see(&mut self, event: &Event) {
        let Body::Probe(probe) = &event.body else { return };
        let own = probe.task.key.tgid == self.process;
        if let (true, Moment::Requested(_)) = (own, &probe.moment) {
            self.requested = true;
        }
        if let (true, Moment::CallEntered(entered)) = (own, &probe.moment) {
            self.call = Some(entered.call);
        }
        if let Moment::Born { call } = &probe.moment {
            self.born |= self.call == Some(*call);
        }
        let answer = if let Moment::Denied { result } | Moment::Throttled { result } | Moment::Deduplicated { result } =
            &probe.moment
        {
            Some(result.0)
        } else if let Moment::CallReturned { result } = &probe.moment {
            Some(result.as_return()).filter(|result| *result <= 0 && !self.born)
        } else {
            None
        };
        if let Some(result) = answer.filter(|_| own) {
            self.turned_away =
                Some(format!("the kernel started no helper for modtrail's request: it answered {result}"));
        }
    }

    /// Whether the kernel has answered that there is no helper for it.
    #[must_use]
    pub const fn is_turned_away(&self) -> bool {
        self.turned_away.is_some()
    }

    /// Whether all was seen.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.requested && self.call.is_some() && self.born
    }

    /// Why the request was not made, if the system has reported it.
    #[must_use]
    pub fn refusal(&self) -> Option<SelfTest> {
        let why = match self.answer.try_recv().ok()? {
            Err(Errno::PROTONOSUPPORT) => return None,
            Err(answer) => format!("modtrail may not ask for a netlink protocol: {answer}"),
            Ok(()) => "a module serves the netlink protocol that modtrail asks for".to_owned(),
        };
        Some(SelfTest::Unproven(why.into()))
    }

    /// What came of it.
    #[must_use]
    pub fn outcome(&self) -> SelfTest {
        if let Some(why) = self.turned_away.as_deref().filter(|_| !self.is_complete()) {
            return SelfTest::Unproven(why.into());
        }
        // A probe is only called deaf if everything has happened and it did not fire. An answer that has not come may
        // be waiting for a slot, a worker, or a processor for the thread that asks.
        if !self.is_complete() && self.answer.try_recv() == Err(TryRecvError::Empty) {
            return SelfTest::Unproven("modtrail's request was not answered yet".into());
        }
        let seen =
            [(Kind::Requested, self.requested), (Kind::CallEntered, self.call.is_some()), (Kind::Born, self.born)];
        let deaf: Vec<Kind> = seen.into_iter().filter(|(_, seen)| !seen).map(|(moment, _)| moment).collect();
        if deaf.is_empty() { SelfTest::Proven } else { SelfTest::Deaf(deaf) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modtrail_core::event::{CallEntered, Captured, Probe, Stamp, Task, Wait};
    use std::sync::mpsc::channel;

    fn event(task: Task, moment: Moment) -> Event {
        Event { at: Stamp::awake(1), body: Body::Probe(Probe { task, cpu: 0, of_command: false, moment }) }
    }

    #[test]
    fn another_modtrail_knows_its_alias() {
        let family = AddressFamily::NETLINK.as_raw();
        assert_eq!(format!("net-pf-{family}-proto-{}", PROTOCOL.as_raw()), modtrail_core::event::SELF_TEST_ALIAS);
    }

    #[test]
    fn only_its_own_request_and_its_own_helper_prove_it() {
        let (own, other) = (Task::new(7, 8, 1, "modtrail"), Task::new(9, 9, 1, "ping"));
        let (sender, answer) = channel();
        let mut proof =
            Proof { process: own.key.tgid, answer, requested: false, call: None, born: false, turned_away: None };
        let entered = |call| {
            let (path, argv) = (Captured::whole("/sbin/modprobe"), [].into());
            let call = CallAddress(call);
            Moment::CallEntered(
                CallEntered { call, wait: Wait::Proc, path, argv, argv_more: false, stack: [].into() }.into(),
            )
        };
        proof.see(&event(other, entered(1)));
        proof.see(&event(other, Moment::Born { call: CallAddress(1) }));
        assert!(matches!(proof.outcome(), SelfTest::Unproven(_)), "it was not answered yet");
        sender.send(Err(Errno::PROTONOSUPPORT)).unwrap();
        assert_eq!(proof.outcome(), SelfTest::Deaf(vec![Kind::Requested, Kind::CallEntered, Kind::Born]));
        drop(sender);
        proof.see(&event(own, entered(2)));
        proof.see(&event(other, Moment::Born { call: CallAddress(2) }));
        assert_eq!(proof.outcome(), SelfTest::Deaf(vec![Kind::Requested]));
        assert!(!proof.is_complete());
    }
}
