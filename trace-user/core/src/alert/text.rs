//! Notices as a line for a person, or as a JSON object. Pure: the caller writes them.

use crate::alert::losses::LossNotice;
use crate::alert::rules::{Notice, Standing, Subject};
use crate::alert::urgent::FindingNotice;
use crate::model::Model;
use crate::report::json::SCHEMA;
use crate::report::plain::{grouped, plain, plain_json};
use crate::report::wall;
use crate::stall::{Timeout, timeout_words};
use serde_json::json;

/// The line of text.
#[must_use]
pub fn line(notice: &Notice, model: &Model) -> String {
    let when = model.wall_ns(notice.at).and_then(wall::iso).unwrap_or_default();
    let who = format!("{}[{}]", notice.task.0, notice.task.1);
    let what = what(notice);
    plain(&match notice.standing {
        Standing::Firing => format!(
            "{when} STALLED {what}, {who}: open for {}, over its limit of {}; stuck in {}{}; {}",
            notice.age,
            notice.limit,
            notice.stuck_in,
            stack(notice),
            timeout_words(notice.timeout)
        ),
        Standing::Resolved => {
            let verdict = notice.verdict.map(|verdict| format!(": {}", verdict.words())).unwrap_or_default();
            let outcome = notice.outcome.as_deref().map(|outcome| format!(": {outcome}")).unwrap_or_default();
            format!("{when} ENDED {what}, {who}: after {}{verdict}{outcome}", notice.age)
        }
    })
}

/// The line of text about losses.
#[must_use]
pub fn loss_line(notice: &LossNotice, model: &Model) -> String {
    let when = model.wall_ns(notice.at).and_then(wall::iso).unwrap_or_default();
    let LossNotice { uid, comm, .. } = notice;
    let count = grouped(notice.count);
    plain(&match notice.standing {
        Standing::Firing => format!("{when} LOST events of uid {uid} ({comm}) are being lost: {count} so far"),
        Standing::Resolved => format!("{when} ENDED loss of events of uid {uid} ({comm}): {count} were lost"),
    })
}

/// The JSON object about losses, without a newline.
#[must_use]
pub fn loss_json_line(notice: &LossNotice, model: &Model) -> String {
    let object = json!({
        "schema": SCHEMA,
        "alert": "lost",
        "state": state(notice.standing),
        "uid": notice.uid,
        "comm": notice.comm.to_text(),
        "count": notice.count,
        "boot_ns": notice.at.boot.as_nanos(),
        "wall": model.wall_ns(notice.at).and_then(wall::iso),
    });
    plain_json(&object.to_string())
}

/// The line of text about a finding.
#[must_use]
pub fn finding_line(notice: &FindingNotice, model: &Model) -> String {
    let when = model.wall_ns(notice.at).and_then(wall::iso).unwrap_or_default();
    let FindingNotice { finding, .. } = notice;
    plain(&match notice.standing {
        Standing::Firing => {
            format!("{when} FOUND {}: {}; next: {}", finding.kind.as_str(), finding.sentence, finding.next)
        }
        Standing::Resolved => format!("{when} ENDED {}: {}", finding.kind.as_str(), finding.sentence),
    })
}

/// The JSON object about a finding, without a newline.
#[must_use]
pub fn finding_json_line(notice: &FindingNotice, model: &Model) -> String {
    let FindingNotice { finding, .. } = notice;
    let evidence = finding.evidence.iter().map(|one| json!({"kind": one.kind(), "id": one.id()}));
    let object = json!({
        "schema": SCHEMA,
        "alert": finding.kind.as_str(),
        "state": state(notice.standing),
        "sentence": finding.sentence,
        "next": finding.next,
        "evidence": evidence.collect::<Vec<_>>(),
        "boot_ns": notice.at.boot.as_nanos(),
        "wall": model.wall_ns(notice.at).and_then(wall::iso),
    });
    plain_json(&object.to_string())
}

/// The JSON object, without a newline.
#[must_use]
pub fn json_line(notice: &Notice, model: &Model) -> String {
    let is_firing = notice.standing == Standing::Firing;
    let object = json!({
        "schema": SCHEMA,
        "alert": "stalled",
        "state": state(notice.standing),
        "kind": kind(notice.subject),
        "id": number(notice.subject),
        "alias": notice.alias.as_deref(),
        "module": notice.module.as_deref(),
        "comm": notice.task.0,
        "pid": notice.task.1,
        "age_ns": notice.age.as_nanos(),
        "limit_ns": notice.limit.as_nanos(),
        "stuck_in": (!notice.stuck_in.is_empty()).then_some(&notice.stuck_in),
        "ended_by": notice.timeout.and_then(Timeout::end),
        "timeout": is_firing.then(|| timeout_words(notice.timeout)),
        "stack": notice.stack.iter().map(|symbol| &**symbol).collect::<Vec<_>>(),
        "verdict": notice.verdict.map(|verdict| verdict.as_str()),
        "outcome": notice.outcome,
        "boot_ns": notice.at.boot.as_nanos(),
        "wall": model.wall_ns(notice.at).and_then(wall::iso),
    });
    plain_json(&object.to_string())
}

/// `firing` or `resolved`.
#[must_use]
pub const fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Firing => "firing",
        Standing::Resolved => "resolved",
    }
}

/// The innermost functions of the stuck thread.
fn stack(notice: &Notice) -> String {
    const SHOWN: usize = 4;
    let functions: Vec<&str> = notice.stack.iter().take(SHOWN).map(|symbol| &**symbol).collect();
    if functions.is_empty() { String::new() } else { format!(" (in the kernel: {})", functions.join(" < ")) }
}

/// `request`, `load`, `helper_call` or `firmware`.
#[must_use]
pub const fn kind(subject: Subject) -> &'static str {
    match subject {
        Subject::Request(_) => "request",
        Subject::Load(_) => "load",
        Subject::Call(_) => "helper_call",
        Subject::Firmware(_) => "firmware",
    }
}

/// Its number among its kind.
#[must_use]
pub const fn number(subject: Subject) -> u64 {
    match subject {
        Subject::Request(id) => id.0,
        Subject::Load(id) => id.0,
        Subject::Call(id) => id.0,
        Subject::Firmware(id) => id.0,
    }
}

fn what(notice: &Notice) -> String {
    let kind = kind(notice.subject).replace('_', " ");
    match (&notice.alias, &notice.module) {
        (Some(alias), Some(module)) if alias != module => format!("{kind} of {alias} ({module})"),
        (Some(name), _) | (None, Some(name)) => format!("{kind} of {name}"),
        (None, None) => kind,
    }
}
