//! Where a request's time went, as a waterfall: a bar for each phase, as long as its share, which begins where the one
//! before ends.

use crate::tui::format;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::entities::Request;
use modtrail_core::model::Model;
use modtrail_core::phases::{Phase, phases};
use ratatui::text::{Line, Span};
use trace_common::time::Nanos;

/// The most characters of a bar; wider ones are not easier to read.
const BAR: u16 = 80;
/// The name, the duration and the share, with their gaps.
const BESIDE: u16 = 26;
/// Blocks by eighths of a character.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The lines of the waterfall.
#[must_use]
pub fn lines(model: &Model, request: &Request, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let until = request.is_open().then(|| model.now());
    let shares = phases(request, until);
    let total = shares.sum();
    let seen: Vec<(Phase, Nanos)> =
        Phase::ALL.into_iter().filter_map(|phase| Some((phase, shares.get(phase)?))).collect();
    let bar = width.saturating_sub(BESIDE).clamp(8, BAR);
    let mut before = Nanos::ZERO;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (phase, share) in &seen {
        lines.push(phase_line(*phase, *share, before, total, bar, theme));
        before = before.plus(*share);
    }
    let unseen: Vec<&str> = Phase::ALL.into_iter().filter(|phase| shares.get(*phase).is_none()).map(words).collect();
    let note = match (seen.is_empty(), unseen.is_empty()) {
        (true, _) => Some("the time of its return was not seen".to_owned()),
        (false, false) => Some(format!("no data for: {}", unseen.join(", "))),
        (false, true) => None,
    };
    lines.extend(note.map(|note| Line::styled(format!(" {note}"), theme.style(Tone::Dim))));
    lines
}

fn phase_line(phase: Phase, share: Nanos, before: Nanos, total: Nanos, bar: u16, theme: Theme) -> Line<'static> {
    let begin = eighths(before, total, bar).min(u64::from(bar - 1) * 8);
    let end = if share > Nanos::ZERO { eighths(before.plus(share), total, bar).max(begin + 1) } else { begin };
    let (blank, filled) = blocks(begin, end);
    let drawn = blank + filled.chars().count();
    let rest = usize::from(bar).saturating_sub(drawn);
    Line::from(vec![
        Span::raw(format!(" {:<10} ", words(phase))),
        Span::raw(" ".repeat(blank)),
        Span::styled(filled, theme.style(tone(phase))),
        Span::raw(" ".repeat(rest)),
        Span::raw(format!(" {:>6}", share.to_string())),
        Span::styled(format!(" {:>5}", format::percent(share, total)), theme.style(Tone::Dim)),
    ])
}

/// A bar from `begin` to `end`, in eighths of a character: the blank characters before it and its blocks. It begins at
/// a whole character; a share above zero is always visible.
fn blocks(begin: u64, end: u64) -> (usize, String) {
    let blank = begin / 8;
    let length = end.saturating_sub(blank * 8);
    if end == begin {
        return (usize::try_from(blank).unwrap_or_default(), String::new());
    }
    let (whole, part) = (length / 8, length % 8);
    let mut text = "█".repeat(usize::try_from(whole).unwrap_or_default());
    text.push_str(usize::try_from(part).ok().and_then(|part| EIGHTHS.get(part)).copied().unwrap_or_default());
    (usize::try_from(blank).unwrap_or_default(), text)
}

/// How far along the bar `at` is, in eighths of a character.
fn eighths(at: Nanos, total: Nanos, bar: u16) -> u64 {
    let whole = u128::from(total.as_nanos().max(1));
    let far = u128::from(at.as_nanos()) * u128::from(bar) * 8 / whole;
    u64::try_from(far).unwrap_or_default()
}

/// The phase in words.
const fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::SlotWait => "slot wait",
        Phase::Queue => "queue",
        Phase::ForkExec => "fork, exec",
        Phase::User => "user",
        Phase::Load => "load",
        Phase::Init => "init",
        Phase::Settle => "settle",
        Phase::Wake => "wake",
    }
}

const fn tone(phase: Phase) -> Tone {
    match phase {
        Phase::SlotWait | Phase::Queue => Tone::Warn,
        Phase::ForkExec | Phase::Wake => Tone::Dim,
        Phase::User => Tone::Accent,
        Phase::Load | Phase::Settle => Tone::Busy,
        Phase::Init => Tone::Good,
    }
}
