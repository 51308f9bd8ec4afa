//! The position in a recording, on a line from its beginning to its end, with its findings.
//!
//! In: how it is played. Out: `20:07:46 ━━━━━!━━●───!── 20:07:54`.

use crate::tui::format;
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::event::Stamp;
use modtrail_core::player::Playback;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use trace_common::time::Ktime;

/// Draws it.
pub fn draw(world: &World<'_>, playback: &Playback, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some((first, last)) = playback.span else { return };
    let ends = [first, last].map(|at| time(world, at));
    let [left, right] = [0, 1].map(|place| ends.get(place).map_or(0, |words| words.len() as u16 + 1));
    let [before, bar, after] =
        Layout::horizontal([Constraint::Length(left), Constraint::Fill(1), Constraint::Length(right)]).areas(area);
    let [begin, end] = ends;
    Span::styled(begin, theme.style(Tone::Dim)).render(before, buffer);
    Line::styled(end, theme.style(Tone::Dim)).right_aligned().render(after, buffer);
    let cells = cells(usize::from(bar.width), (first.boot, last.boot), playback.at.boot, &playback.findings);
    let spans = cells.into_iter().map(|(sign, tone)| Span::styled(sign, theme.style(tone)));
    Line::from_iter(spans).render(bar, buffer);
}

/// The time of day, to the second.
fn time(world: &World<'_>, at: Stamp) -> String {
    let time = format::instant(world, at);
    time.split_once('.').map_or(time.clone(), |(seconds, _)| seconds.to_owned())
}

/// The cells of the bar.
fn cells(width: usize, (first, last): (Ktime, Ktime), now: Ktime, findings: &[Ktime]) -> Vec<(&'static str, Tone)> {
    let span = u128::from(last.since(first).as_nanos()).max(1);
    let place = |at: Ktime| {
        let place = u128::from(at.since(first).as_nanos()) * width.saturating_sub(1) as u128 / span;
        usize::try_from(place).unwrap_or(usize::MAX).min(width.saturating_sub(1))
    };
    let here = place(now);
    let mut cells: Vec<_> =
        (0..width).map(|cell| if cell < here { ("━", Tone::Accent) } else { ("─", Tone::Dim) }).collect();
    let marks = findings.iter().map(|at| (place(*at), ("!", Tone::Warn))).chain([(here, ("●", Tone::Accent))]);
    for (place, mark) in marks {
        if let Some(cell) = cells.get_mut(place) {
            *cell = mark;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::cells;
    use trace_common::time::Ktime;

    fn bar(width: usize, now: u64, findings: &[u64]) -> String {
        let at = Ktime::from_nanos;
        let findings: Vec<Ktime> = findings.iter().copied().map(at).collect();
        cells(width, (at(100), at(200)), at(now), &findings).into_iter().map(|(sign, _)| sign).collect()
    }

    #[test]
    fn the_position_and_the_findings_are_where_they_are_in_time() {
        assert_eq!(bar(11, 100, &[]), "●──────────");
        assert_eq!(bar(11, 150, &[120, 180]), "━━!━━●──!──");
        assert_eq!(bar(11, 200, &[200]), "━━━━━━━━━━●");
        assert_eq!((bar(11, 900, &[50]), bar(0, 150, &[150])), ("!━━━━━━━━━●".to_owned(), String::new()));
    }
}
