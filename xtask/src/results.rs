//! What a guest hands back at its end: a tar of its /out, and the exit status of its command.
//!
//! In: the bytes of its results port, its console. Out: the status and where the tar ends; or why there is
//! none.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};

const MARK: &str = "\nmodtrail-guest-status ";
/// More than the last line can be long.
const TAIL: u64 = 64;
/// Console lines shown when a guest died.
const LINES_SHOWN: usize = 40;

/// A guest's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    /// The exit status of the command.
    pub status: i32,
    /// How many bytes of tar stand before it.
    pub tar_bytes: u64,
}

/// Reads the results file; `None` where the guest ended before it had written its status.
pub fn read(path: &Path) -> Result<Option<Results>> {
    let Ok(mut file) = File::open(path) else {
        return Ok(None);
    };
    let length = file.metadata().context("cannot read the results")?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).context("cannot read the results")?;
    Ok(parse(&tail, start))
}

fn parse(tail: &[u8], start: u64) -> Option<Results> {
    let at = tail.windows(MARK.len()).rposition(|window| window == MARK.as_bytes())?;
    let rest = std::str::from_utf8(tail.get(at + MARK.len()..)?).ok()?;
    let status = rest.strip_suffix('\n')?.parse().ok()?;
    Some(Results { status, tar_bytes: start + u64::try_from(at).ok()? })
}

/// Leaves only the tar in the file.
pub fn cut_tar(path: &Path, results: &Results) -> Result<()> {
    let file = File::options().write(true).open(path).context("cannot read the results")?;
    file.set_len(results.tar_bytes).context("cannot cut the results")
}

/// Why a guest died: what the emulator said, else the kernel's panic, with the last lines of its console.
pub fn reason(console: &str, emulator_log: &Path) -> String {
    let emulator = fs::read_to_string(emulator_log).unwrap_or_default();
    let lines: Vec<&str> = console.lines().collect();
    let panic = lines.iter().find(|line| line.contains("Kernel panic"));
    let mut reason = match (panic, emulator.trim()) {
        (Some(line), _) => (*line).to_owned(),
        (None, "") => "it ended without a status (reset, powered off, or its init was stopped)".to_owned(),
        (None, said) => format!("the emulator said: {said}"),
    };
    let last = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
    if !last.is_empty() {
        reason.push_str("\nend of its console:\n");
        reason.push_str(&last.join("\n"));
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::{Results, parse, reason};
    use std::path::Path;

    #[test]
    fn the_status_stands_last_and_whole() {
        assert_eq!(parse(b"tar\nmodtrail-guest-status 7\n", 100), Some(Results { status: 7, tar_bytes: 103 }));
        assert_eq!(parse(b"\nmodtrail-guest-status 1", 0), None);
        assert_eq!(parse(b"\nmodtrail-guest-status 1\nmore", 0), None);
        assert_eq!(parse(b"", 0), None);
    }

    #[test]
    fn a_panic_is_the_reason() {
        let text = reason("booting\nKernel panic - not syncing: sysrq\n", Path::new("/nonexistent"));
        assert!(text.starts_with("Kernel panic - not syncing: sysrq"));
    }
}
