//! What modtrail does where nobody reads what it writes: it ends as it would, and does not panic.

use std::io;
use std::process::{Command, Stdio};

#[test]
fn nobody_reads_standard_error() {
    for (arguments, status) in [(["report", "/nonexistent.mcap"], 4), (["doctor", "--nonsense"], 2)] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        let ended = modtrail.args(arguments).stdout(Stdio::null()).stderr(writer).status().expect("modtrail runs");
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}
