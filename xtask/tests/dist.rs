//! The program as it is handed out: nothing of the machine that built it, and the same bytes from any folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::{dist, paths};

#[test]
#[ignore = "cargo xtask test --long runs it"]
fn two_builds_are_the_same_and_hold_no_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = ["one", "the-other"].map(|name| {
        let clone = folder.path().join(name);
        let git = Command::new("git").args(["clone", "-q"]).arg(paths::workspace()).arg(&clone).status();
        assert!(git.is_ok_and(|status| status.success()), "a clone");
        fs::read(dist::build(&clone, &clone.join("target")).expect("it builds")).expect("the program")
    });
    let [one, other] = &built;
    assert!(one == other, "{} and {} bytes", one.len(), other.len());
    let home = std::env::var("HOME").expect("HOME");
    for path in [folder.path(), Path::new(&home), paths::workspace()] {
        let text = path.to_str().expect("text").as_bytes();
        assert!(!one.windows(text.len()).any(|bytes| bytes == text), "{} is in it", path.display());
    }
}
