//! `modtrail cut` and `modtrail merge`: what they write can be read alone, and says the same of what is in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/linux-6.12.mcap");

fn modtrail(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modtrail")).args(arguments).output().expect("modtrail runs")
}

/// The lines of the log, each as JSON without the numbers that are counted from the recording's beginning.
fn log(path: &Path, query: &str) -> Vec<serde_json::Value> {
    let output = modtrail(&["log", "--json", "--where", query, path.to_str().expect("text")]);
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    lines.map(without_numbers).collect()
}

fn without_numbers(mut value: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("id");
        fields.remove("parent");
    }
    value
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_part_holds_what_matches_whole_and_what_is_read_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part.mcap");
    let path = part.to_str().expect("text");
    let query = "alias=net-pf-35";
    let cut = modtrail(&["cut", RECORDING, "--where", query, "-o", path]);
    assert_eq!(cut.status.code(), Some(0), "{}", error(&cut));
    let whole = log(Path::new(RECORDING), query);
    assert!(!whole.is_empty());
    assert_eq!(log(&part, query), whole);
    let all = |path: &Path| log(path, "pid>0").len();
    assert!(all(&part) < all(Path::new(RECORDING)), "the rest is left out");
    let own = modtrail(&["cut", path, "--redact", "-o", path]);
    assert!(own.status.code() == Some(2) && error(&own).contains("name another file"), "{}", error(&own));
    let redacted = folder.path().join("redacted.mcap");
    let again = modtrail(&["cut", path, "--where", query, "--redact", "-o", redacted.to_str().expect("text")]);
    assert_eq!(again.status.code(), Some(0), "{}", error(&again));
    let size = |path: &Path| fs::metadata(path).expect("it is there").len();
    assert!(size(&redacted) < size(&part), "names are gone");
    assert!(log(&redacted, "comm:provoke").is_empty() && !log(&part, "comm:provoke").is_empty());
    assert_eq!(log(&redacted, query).len(), whole.len());
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2, "nothing is left beside it");
}

#[test]
fn what_is_not_there_or_not_a_recording_is_an_error_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "dear").expect("a file");
    let none = folder.path().join("none.mcap");
    let [letter_path, none_path] = [&letter, &none].map(|path| path.to_str().expect("text"));
    let cut = modtrail(&["cut", RECORDING, "--where", "alias=no-such", "-o", none_path]);
    assert_eq!((cut.status.code(), none.exists()), (Some(2), false), "{}", error(&cut));
    assert!(error(&cut).contains("nothing in the recording matches"), "{}", error(&cut));
    let cut = modtrail(&["cut", RECORDING, "-o", letter_path]);
    assert_eq!(cut.status.code(), Some(4), "{}", error(&cut));
    assert_eq!(fs::read_to_string(&letter).expect("it is there"), "dear");
}

#[test]
fn parts_merge_into_the_whole_with_the_gap_between_them_as_a_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let [first, last, merged] = ["1.mcap", "3.mcap", "all.mcap"].map(|name| folder.path().join(name));
    let paths = [&first, &last, &merged].map(|path| path.to_str().expect("text"));
    let [first_path, last_path, merged_path] = paths;
    // The first request and the last one that is far behind it.
    let ids = |path: &Path| -> Vec<u64> {
        let output = modtrail(&["log", "--json", path.to_str().expect("text")]);
        let text = String::from_utf8(output.stdout).expect("text");
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let mut ids: Vec<u64> =
            lines.filter(|line| line["kind"] == "request").filter_map(|line| line["id"].as_u64()).collect();
        ids.sort_unstable();
        ids
    };
    let all = ids(Path::new(RECORDING));
    let (Some(begin), Some(end)) = (all.first(), all.last()) else { panic!("a recording with requests") };
    for (id, path) in [(begin, first_path), (end, last_path)] {
        let cut = modtrail(&["cut", RECORDING, "--where", &format!("id={id}"), "-o", path]);
        assert_eq!(cut.status.code(), Some(0), "{}", error(&cut));
    }
    let merge = modtrail(&["merge", last_path, first_path, "-o", merged_path]);
    assert_eq!(merge.status.code(), Some(0), "{}", error(&merge));
    let count = ids(&merged).len();
    assert!(count >= 2 && count == ids(&first).len() + ids(&last).len(), "{count}");
    let report = modtrail(&["report", merged_path]);
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains("parts of the recording that are not there"), "{text}");
    let overlap = modtrail(&["merge", RECORDING, first_path, "-o", merged_path]);
    assert_eq!(overlap.status.code(), Some(2));
    assert!(error(&overlap).contains("overlap"), "{}", error(&overlap));
    let other = RECORDING.replace("6.12", "6.1");
    let boots = modtrail(&["merge", RECORDING, &other, "-o", merged_path]);
    assert!(error(&boots).contains("two boots"), "{}", error(&boots));
}
