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
fn what_differs_from_6_1_to_6_12() {
    let [before, after] = ["6.1", "6.12"].map(|kernel| folder().join(format!("linux-{kernel}.mcap")));
    let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
    let output = modtrail.arg("diff").args([&before, &after]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let found = String::from_utf8(output.stdout).expect("text");
    let path = folder().join("linux-6.1-6.12.diff.txt");
    if std::env::var_os("MODTRAIL_BLESS").is_some() {
        fs::write(&path, &found).expect("the file can be written");
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
    let itself = Command::new(env!("CARGO_BIN_EXE_modtrail")).arg("diff").args([&before, &before]).output();
    let itself = String::from_utf8(itself.expect("it runs").stdout).expect("text");
    assert!(itself.contains("nothing differs beyond chance; 19 names in both"), "{itself}");
}

#[test]
fn a_report_never_replaces_what_it_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let [file, page] = ["it.mcap", "it.html"].map(|name| folder.path().join(name));
    let recorded = fs::read(self::folder().join("linux-6.12.mcap")).expect("a recording");
    fs::write(&file, &recorded).expect("it can be written");
    let run = |arguments: &[&str], output: &Path| {
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        modtrail.args(arguments).arg("-o").arg(output).arg(&file).output().expect("it runs").status.code()
    };
    assert_eq!([run(&["report", "--html"], &file), run(&["diff", "--a-until", "-5s"], &file)], [Some(2), Some(2)]);
    assert_eq!(fs::read(&file).expect("it is there"), recorded);
    assert_eq!(run(&["report", "--html"], &page), Some(0));
    assert!(fs::read_to_string(&page).is_ok_and(|page| page.starts_with("<!DOCTYPE html>")));
}

#[test]
fn one_recording_is_compared_by_its_spans_or_not_at_all() {
    let file = folder().join("linux-6.12.mcap");
    let diff = |arguments: &[&str]| {
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        let output = modtrail.args(["diff", "--json"]).arg(&file).args(arguments).output().expect("it runs");
        (output.status.code(), serde_json::from_slice::<serde_json::Value>(&output.stdout).ok())
    };
    assert_eq!(diff(&[]), (Some(2), None));
    let (status, spans) = diff(&["--a-until", "20:07:50", "--b-since", "20:07:50"]);
    let spans = spans.expect("JSON");
    assert_eq!((status, &spans["a"]["requests_seen"], &spans["b"]["requests_seen"]), (Some(0), &13.into(), &18.into()));
    assert_eq!(spans["a"]["name"], "linux-6.12.mcap (at<=\"20:07:50\")");
    let names = |list: &serde_json::Value| {
        let all: Vec<String> = list.as_array().into_iter().flatten().map(|one| one["name"].to_string()).collect();
        all.join(" ")
    };
    assert!(names(&spans["new"]).contains("can-proto-0") && names(&spans["gone"]).contains("fs-nosuchfs"), "{spans}");
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
