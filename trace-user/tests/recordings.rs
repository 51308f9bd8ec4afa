//! Recordings of real kernels, kept small: the binary's report and lines over each are as they were reviewed.
//!
//! `MODTRAIL_BLESS=1 cargo test --test recordings` writes what it finds; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// Runs modtrail over the recording and compares its output with the reviewed file.
fn check(kernel: &str, arguments: &[&str], reviewed: &str) {
    let recording = folder().join(format!("linux-{kernel}.mcap"));
    let output =
        Command::new(env!("CARGO_BIN_EXE_modtrail")).args(arguments).arg(&recording).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    let found = String::from_utf8(output.stdout).expect("text");
    let path = folder().join(format!("linux-{kernel}.{reviewed}"));
    if std::env::var_os("MODTRAIL_BLESS").is_some() {
        fs::write(&path, &found).expect("the file can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

#[test]
fn report_of_6_1() {
    check("6.1", &["report"], "report.txt");
}

#[test]
fn report_of_6_12() {
    check("6.12", &["report"], "report.txt");
}

#[test]
fn markdown_of_one_request() {
    check("6.12", &["report", "--markdown", "--of", "10"], "request.md");
}

#[test]
fn log_of_6_1() {
    check("6.1", &["log", "--json"], "log.jsonl");
}

#[test]
fn log_of_6_12() {
    check("6.12", &["log", "--json"], "log.jsonl");
}

/// Every object in a value of JSON.
fn objects(value: &serde_json::Value) -> Vec<&serde_json::Map<String, serde_json::Value>> {
    let of_fields = value.as_object().into_iter().flat_map(serde_json::Map::values);
    let inner = of_fields.chain(value.as_array().into_iter().flatten());
    value.as_object().into_iter().chain(inner.flat_map(objects)).collect()
}

#[test]
fn what_includes_time_asleep_is_never_less_than_what_does_not() {
    let mut compared = 0;
    for (kernel, command) in [("6.1", "log"), ("6.1", "report"), ("6.12", "log"), ("6.12", "report")] {
        let recording = folder().join(format!("linux-{kernel}.mcap"));
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        let output = modtrail.args([command, "--json"]).arg(recording).output().expect("it runs");
        for line in String::from_utf8(output.stdout).expect("text").lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            for object in objects(&line) {
                for (with, without) in
                    [("total_boot_ns", "total_ns"), ("request_to_live_boot_ns", "request_to_live_ns")]
                {
                    let number = |name| object.get(name).and_then(serde_json::Value::as_u64);
                    if let (Some(with), Some(without)) = (number(with), number(without)) {
                        assert!(with >= without, "{with} < {without}: {object:?}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 60, "{compared}");
}

/// The place of the record after which half of the file is read, as the format says: an opcode, a length, the content.
fn half(bytes: &[u8]) -> usize {
    let mut at = 8;
    while at < bytes.len() / 2 {
        let length = u64::from_le_bytes(bytes[at + 1..at + 9].try_into().expect("eight bytes"));
        at += 9 + usize::try_from(length).expect("a length in memory");
    }
    at
}

#[test]
fn a_damaged_length_is_reported_with_its_place_and_without_a_count() {
    let mut bytes = fs::read(folder().join("linux-6.12.mcap")).expect("a recording");
    let at = half(&bytes);
    bytes[at + 7] ^= 0x40;
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), &bytes).expect("it can be written");
    for (arguments, on_stdout) in [(&["report"][..], true), (&["log"], false), (&["report", "--json"], false)] {
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        let output = modtrail.args(arguments).arg(file.path()).output().expect("it runs");
        assert!(output.status.success());
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let place = format!("is damaged at byte {at}: at least 1 event could not be read");
        assert!(stderr.contains(&place), "{stderr}");
        let lost = "at least 1 events that could not be read from the damaged recording";
        let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!on_stdout || (words.contains(lost) && words.contains(&place)), "{stdout}");
        assert!(arguments != ["log"] || stderr.contains(lost), "{stderr}");
        let json = format!("\"damaged_at\":{at},\"lost_at_least\":true");
        assert!(arguments.len() < 2 || stdout.contains(&json), "{stdout}");
    }
}
