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
fn log_of_6_1() {
    check("6.1", &["log", "--json"], "log.jsonl");
}

#[test]
fn log_of_6_12() {
    check("6.12", &["log", "--json"], "log.jsonl");
}
