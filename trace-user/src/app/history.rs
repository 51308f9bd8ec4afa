//! What was typed in the dashboard before: a file in the person's folder of states, a line each.
//!
//! In: the environment, a line that was typed. Out: the lines of before; the file with that line. Nothing is written
//! into a folder of somebody else, as root would with `HOME` of the person who runs sudo.

use super::keys::Input;
use crate::files;
use crate::tui::Msg;
use crate::tui::history::History;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use tokio::sync::mpsc::Sender;

/// The file, below the folder of states.
const FILE: &str = "modtrail/filters";

/// The file of this person; `None` if there is no folder of theirs.
#[must_use]
pub fn file() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    let path = folder.join(FILE);
    files::is_own(&path).then_some(path)
}

/// The lines of before. If they cannot be read, there are none.
#[must_use]
pub fn load(path: &Path) -> History {
    files::read_small(path).map(|text| History::of(&text)).unwrap_or_default()
}

/// Adds a line to the file, in a thread of its own. If that fails, it is reported.
pub fn remember(path: PathBuf, line: String, sender: Sender<Input>) {
    thread::spawn(move || {
        if let Err(error) = add(&path, &line) {
            let words = format!("the filter is not kept in {}: {error}", path.display());
            let _ = sender.blocking_send(Input::Msg(Msg::Notice(words)));
        }
    });
}

/// Another dashboard may have added lines meanwhile: they stay.
fn add(path: &Path, line: &str) -> io::Result<()> {
    files::create_folder(files::folder(path))?;
    let mut history = load(path);
    history.add(line);
    files::write(path, |out| out.write_all(history.text().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn lines_are_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state").join(FILE);
        assert_eq!(load(&path), History::default());
        ["one", "two", "one"].into_iter().for_each(|line| add(&path, line).expect("it is written"));
        assert_eq!(load(&path).text(), "two\none\n");
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        fs::write(&path, [0xff, b'\n']).expect("a file");
        assert_eq!(load(&path), History::default());
        assert!(add(Path::new("/proc/nothing/filters"), "one").is_err());
    }
}
