//! Every output of JSON is as its schema in `docs/schema` says: of the kept recordings, of a made-up trace with a bit
//! of everything, and of damaged files.
//!
//! No schema allows a field that it does not name, so a new field without a place in its schema fails here.

use jsonschema::{Retrieve, Uri, Validator};
use modtrail_core::alert::losses::LossAlerts;
use modtrail_core::alert::rules::{Alerts, Limits};
use modtrail_core::alert::text;
use modtrail_core::alert::urgent::FindingAlerts;
use modtrail_core::event::{Body, Event, Fact, Lost};
use modtrail_core::query::Query;
use modtrail_core::record::read::{Integrity, read};
use modtrail_core::report::{json, whole};
use modtrail_core::testing::busy;
use modtrail_core::{Model, Pipeline};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use trace_common::kind::Loss;
use trace_common::time::Nanos;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

fn content(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(name)).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// Schemas beside the one that names them.
struct Beside;

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Ok(content(uri.as_str().rsplit('/').next().unwrap_or_default()))
    }
}

/// A schema by its name, with those that it refers to.
struct Schema(Validator);

impl Schema {
    fn of(name: &str) -> Self {
        let name = format!("{name}.json");
        let options = jsonschema::options().with_base_uri(format!("file:///schema/{name}")).with_retriever(Beside);
        Self(options.build(&content(&name)).expect("a schema"))
    }

    /// Holds each line against the schema, and returns the lines.
    fn holds(&self, text: &str) -> Vec<Value> {
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let lines: Vec<Value> = lines.collect();
        for line in &lines {
            let faults: Vec<String> =
                self.0.iter_errors(line).map(|fault| format!("{}: {fault}", fault.instance_path())).take(5).collect();
            assert!(faults.is_empty(), "{faults:#?}");
        }
        lines
    }
}

fn recording(kernel: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recordings/linux-{kernel}.mcap"))
}

fn modtrail(arguments: &[&str], files: &[&Path]) -> String {
    let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
    let output = modtrail.args(arguments).args(files).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_outputs_of_kept_recordings_are_as_their_schemas_say() {
    let [log, report, diff, who] = ["log", "report", "diff", "who"].map(Schema::of);
    let [old, new] = ["6.1", "6.12"].map(recording);
    for file in [&old, &new] {
        let lines = log.holds(&modtrail(&["log", "--json"], &[file]));
        let whole = report.holds(&modtrail(&["report", "--json"], &[file]));
        assert_eq!(whole[0]["requests"].as_array().map(Vec::len), Some(lines.len()));
        assert_eq!(whole[0]["requests"][0], lines[0], "a request is the same everywhere");
        assert_eq!(log.holds(&modtrail(&["report", "--json", "--of", "1"], &[file])), lines[..1]);
        who.holds(&modtrail(&["who", "--json", "can"], &[file]));
    }
    assert_eq!(diff.holds(&modtrail(&["diff", "--json"], &[&old, &new]))[0]["in_both"], 19);
    let spans = ["diff", "--json", "--a-until", "20:07:50", "--b-since", "20:07:50"];
    assert_eq!(diff.holds(&modtrail(&spans, &[&new]))[0]["differs"], true);
    // Whatever can be traced here.
    let doctor = Command::new(env!("CARGO_BIN_EXE_modtrail")).args(["doctor", "--json"]).output().expect("it runs");
    assert_eq!(Schema::of("doctor").holds(&String::from_utf8_lossy(&doctor.stdout)).len(), 1);
}

#[test]
fn damaged_recordings_are_reported_in_the_same_form() {
    let [log, report, diff] = ["log", "report", "diff"].map(Schema::of);
    let bytes = fs::read(recording("6.12")).expect("a recording");
    let file = tempfile::NamedTempFile::new().expect("a file");
    for share in [3, 5, 7] {
        let mut changed = bytes.clone();
        changed.truncate(bytes.len() * share / 8);
        if let Some(byte) = changed.get_mut(bytes.len() / 4) {
            *byte ^= 0x40;
        }
        fs::write(file.path(), &changed).expect("it can be written");
        log.holds(&modtrail(&["log", "--json"], &[file.path()]));
        let whole = report.holds(&modtrail(&["report", "--json"], &[file.path()]));
        assert_eq!(whole[0]["at_least"], true, "share {share}");
        let compared = diff.holds(&modtrail(&["diff", "--json"], &[file.path(), &recording("6.12")]));
        assert_eq!((&compared[0]["a"]["at_least"], &compared[0]["b"]["at_least"]), (&true.into(), &false.into()));
    }
}

/// Loads and unloads without a request, other helpers, an open request, losses.
#[test]
fn a_trace_of_everything_is_as_the_schemas_say() {
    let mut scenario = busy();
    let blamed = Fact::Blamed { uid: 1000, comm: Default::default(), loss: Lost::Kernel(Loss::RingFull), count: 12 };
    scenario.fact(3_600_000, blamed);
    scenario.until(3_700_000);
    let model = scenario.model();
    let text = whole::summary(model, &Integrity::default(), &Query::default());
    let whole = Schema::of("report").holds(&text);
    for list in ["requests", "loads", "helper_calls", "findings", "lost", "lost_by_user", "helpers", "units", "modules"]
    {
        assert!(whole[0][list].as_array().is_some_and(|list| !list.is_empty()), "{list}");
    }
    let loads: Vec<String> = model.loads().map(|load| json::load_line(load, model)).collect();
    assert_eq!(Schema::of("log").holds(&loads.join("\n")).len(), model.loads().len());
}

/// Alerts of everything that takes longer than 50 ms, of findings and of losses.
fn alerts(events: Vec<Event>) -> Vec<String> {
    let limits = Limits { default: Nanos::from_millis(50), named: BTreeMap::new() };
    let (mut stalled, mut findings, mut losses) =
        (Alerts::new(limits), FindingAlerts::about(Query::default()), LossAlerts::default());
    let mut lines = Vec::new();
    let mut pipeline = Pipeline::default();
    let mut step = |model: &Model| {
        lines.extend(stalled.step(model).iter().map(|notice| text::json_line(notice, model)));
        lines.extend(findings.step(model).iter().map(|notice| text::finding_json_line(notice, model)));
        lines.extend(losses.step(model).iter().map(|notice| text::loss_json_line(notice, model)));
    };
    for event in events {
        pipeline.push(event, |_, _| {});
        step(pipeline.model());
    }
    lines
}

#[test]
fn alerts_are_as_their_schema_says() {
    let schema = Schema::of("alert");
    let mut recorded = Vec::new();
    read(&*fs::read(recording("6.12")).expect("a recording"), |event| recorded.push(event)).expect("it is read");
    let middle = recorded.len() / 2;
    let blamed = Fact::Blamed { uid: 1000, comm: Default::default(), loss: Lost::Kernel(Loss::RingFull), count: 40 };
    recorded.insert(middle, Event { at: recorded[middle].at, body: Body::Fact(blamed) });
    let lines = schema.holds(&alerts(recorded).join("\n"));
    let kinds = |name: &str| lines.iter().filter(|line| line["alert"] == name).count();
    assert!(kinds("stalled") > 5 && kinds("foreign_helper") > 0 && kinds("lost") > 0, "{lines:?}");
}

#[test]
fn a_field_that_no_schema_names_is_a_fault() {
    let schema = Schema::of("log");
    let mut line: Value =
        serde_json::from_str(modtrail(&["log", "--json"], &[&recording("6.12")]).lines().next().expect("a line"))
            .expect("JSON");
    assert!(schema.0.is_valid(&line));
    line["surprise"] = 1.into();
    assert!(!schema.0.is_valid(&line));
}
