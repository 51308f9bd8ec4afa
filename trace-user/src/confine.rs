//! A process that only reads recordings, confined by the kernel: whatever a hostile recording made it do, it could not
//! write files, run programs or reach the network.
//!
//! In: the folders that it writes to. Out: whether the kernel confines it. Tracing does not use this: a confined
//! process may not see what other processes execute.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use std::path::Path;

/// The latest version of Landlock that is known here; an older kernel confines as far as it can.
const VERSION: ABI = ABI::V6;

/// How far the kernel confines the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confined {
    /// As far as is known here, or as far as it can.
    Yes,
    /// Not at all: it is older than 5.13, or was started without Landlock.
    No,
}

/// Confines this thread and those that it starts, for good. It writes only beneath `folders`, and to what is open
/// already.
///
/// # Errors
/// [`RulesetError`] with what the system answered, if it has Landlock and refuses.
pub fn to_reading(folders: &[&Path]) -> Result<Confined, RulesetError> {
    let denied = AccessFs::from_write(VERSION) | AccessFs::Execute;
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(denied)?
        .handle_access(AccessNet::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?;
    let mut created = ruleset.create()?;
    for folder in folders {
        // One that is not there is reported by whoever writes to it.
        if let Ok(folder) = PathFd::new(folder) {
            created = created.add_rule(PathBeneath::new(folder, AccessFs::from_write(VERSION)))?;
        }
    }
    let status = created.restrict_self()?;
    Ok(if status.ruleset == RulesetStatus::NotEnforced { Confined::No } else { Confined::Yes })
}

#[cfg(test)]
mod tests {
    use super::{Confined, to_reading};
    use std::fs;
    use std::io::ErrorKind;
    use std::net::TcpStream;
    use std::process::Command;

    #[test]
    fn only_the_named_folders_are_written_to_and_nothing_is_run() {
        let [open, closed] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        // For good: a thread of its own.
        let attempts = std::thread::scope(|scope| {
            let confined = scope.spawn(|| {
                let confined = to_reading(&[open.path()]).expect("it is confined, or there is no Landlock");
                let refused = |answer: Result<(), std::io::Error>| answer.err().map(|error| error.kind());
                let wrote = fs::write(open.path().join("new"), "x");
                let read = fs::read("/proc/self/status").map(drop);
                let written = fs::write(closed.path().join("new"), "x");
                let run = Command::new("/bin/true").status().map(drop);
                let connected = TcpStream::connect("127.0.0.1:9").map(drop);
                (confined, [wrote, read, written, run, connected].map(refused))
            });
            confined.join().expect("it ends")
        });
        let (confined, [wrote, read, written, run, connected]) = attempts;
        assert_eq!((wrote, read), (None, None));
        if confined == Confined::Yes {
            assert_eq!((written, run), (Some(ErrorKind::PermissionDenied), Some(ErrorKind::PermissionDenied)));
            // The network came with 6.7; before that, nobody listens there.
            assert!(matches!(connected, Some(ErrorKind::PermissionDenied | ErrorKind::ConnectionRefused)));
        }
    }
}
