//! The overview, the first screen: what needs attention, what became of requests, how much happens and how long it
//! takes, what is open now, and who and what most often. Every line leads to its evidence or its rows.
//!
//! In: what is computed from the model (`derived.rs`). Out: panels of lines, one of which is selected; the same panels
//! answer where the mouse is.

use crate::tui::derived::Derived;
use crate::tui::format;
use crate::tui::list::{Direction, Position};
use crate::tui::mode::Mode;
use crate::tui::row::Form;
use crate::tui::scene::Scene;
use crate::tui::screen::Screen;
use crate::tui::table::Go;
use crate::tui::theme::{Theme, Tone};
use crate::tui::view::chart;
use crate::tui::view::list::MARK;
use crate::tui::world::World;
use modtrail_core::entities::{SLOTS, Verdict};
use modtrail_core::event::{SelfTest, Stamp};
use modtrail_core::model::Model;
use modtrail_core::overview::{Histogram, Names, Span};
use modtrail_core::player::Status;
use modtrail_core::query::{Field, Query, QueryFault, exactly};
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use modtrail_core::stall;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position as Cell, Rect};
use ratatui::text::{Line, Span as Piece};
use ratatui::widgets::Widget;
use std::fmt::Debug;
use std::ops::ControlFlow;
use trace_common::time::{Ktime, Nanos};

/// The overview.
#[derive(Clone, Debug, Default)]
pub struct OverviewScreen {
    /// What is selected: its panel and its name.
    focus: Option<(Panel, String)>,
    index: usize,
    /// An instant of the selected bin; `None` while all of the time is.
    bin: Option<Ktime>,
    /// The lines that can be selected, as last laid out.
    entries: Vec<Entry>,
    everything: Query,
}

/// The parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    Attention,
    Now,
    Verdicts,
    Charts,
    /// The lists of the most frequent names, from the left.
    Top(u8),
    Watching,
}

impl Panel {
    /// Its place in the order of the panels; all lists of names are one.
    const fn group(self) -> u8 {
        match self {
            Self::Attention => 0,
            Self::Now => 1,
            Self::Verdicts => 2,
            Self::Charts => 3,
            Self::Top(_) => 4,
            Self::Watching => 5,
        }
    }
}

/// A line that can be selected.
#[derive(Clone, Debug)]
struct Entry {
    panel: Panel,
    name: String,
    area: Rect,
    parts: Vec<(String, Tone)>,
    go: Option<Go>,
}

/// Everything on the screen.
#[derive(Default)]
struct Laid {
    entries: Vec<Entry>,
    /// Text that cannot be selected.
    texts: Vec<(Rect, String, Tone)>,
}

impl Laid {
    fn text(&mut self, area: Rect, text: impl Into<String>, tone: Tone) {
        self.texts.push((area, text.into(), tone));
    }

    fn entry(&mut self, panel: Panel, name: impl Into<String>, area: Rect, parts: Vec<(String, Tone)>, go: Option<Go>) {
        if area.height > 0 && area.width > 0 {
            self.entries.push(Entry { panel, name: name.into(), area, parts, go });
        }
    }
}

/// The panels' areas: what matters less gives up its room first.
struct Areas {
    attention: Rect,
    left: Rect,
    charts: Rect,
    tops: Rect,
    watching: Rect,
}

/// Cells before the sentence of what needs attention: its time and its name.
const BEFORE: usize = 34;
/// From this height on, what is watched has lines of its own.
const WATCHING: u16 = 10;
/// Rows of a chart, at most.
const GRAPH: u16 = 6;
/// The least rows for which the most frequent names are shown.
const TOPS: u16 = 10;

fn areas(body: Rect, concerns: usize) -> Areas {
    let watching = match body.height {
        0..WATCHING => 0,
        WATCHING..18 => 1,
        _ => 2,
    };
    let rows = u16::try_from(concerns).unwrap_or(u16::MAX).clamp(1, (body.height / 4).max(1));
    let next = u16::from(concerns > 0 && body.height >= WATCHING);
    let rest = body.height.saturating_sub(watching + 1 + rows + next);
    let middle = (rest - rest * 2 / 5).min(4 + 3 * GRAPH);
    let tops = if rest >= TOPS { rest - middle } else { 0 };
    let parts = [1 + rows + next, rest - tops, tops, watching].map(Constraint::Length);
    let [attention, middle, tops, watching] = Layout::vertical(parts).areas(body);
    let [left, charts] = Layout::horizontal([Constraint::Length((body.width * 2 / 5).min(38)), Constraint::Fill(1)])
        .spacing(2)
        .areas(middle);
    Areas { attention, left, charts, tops, watching }
}

fn lay_out(scene: &Scene<'_>, bin: Option<Ktime>, has_moved: bool, selected: Option<usize>, body: Rect) -> Laid {
    let mut laid = Laid::default();
    if body.height < 4 {
        return laid;
    }
    if let Mode::Attaching { .. } = scene.mode {
        laid.text(line(body, 0), " the probes are being attached: nothing is seen until then", Tone::Dim);
        return laid;
    }
    let areas = areas(body, scene.derived.concerns().len());
    attention(&mut laid, scene, selected, areas.attention);
    let verdicts = now(&mut laid, scene, areas.left);
    self::verdicts(&mut laid, scene.world.model, verdicts);
    charts(&mut laid, scene, bin, areas.charts);
    if scene.derived.overview().aliases.is_empty() {
        hooks(&mut laid, scene.world.model, areas.tops);
    } else {
        tops(&mut laid, scene.derived, areas.tops);
    }
    watching(&mut laid, scene, has_moved, areas.watching);
    laid
}

/// A line of an area, counted from its top.
fn line(area: Rect, place: u16) -> Rect {
    let y = area.y.saturating_add(place).min(area.bottom());
    Rect::new(area.x, y, area.width, u16::from(place < area.height))
}

/// Everything below a line of an area.
fn below(area: Rect, place: u16) -> Rect {
    let place = place.min(area.height);
    Rect::new(area.x, area.y + place, area.width, area.height - place)
}

fn attention(laid: &mut Laid, scene: &Scene<'_>, selected: Option<usize>, area: Rect) {
    let (derived, world) = (scene.derived, scene.world);
    let concerns = derived.concerns();
    let title = match concerns.len() {
        0 => "needs attention".to_owned(),
        count => format!("needs attention  {}", format::count(count as u64)),
    };
    laid.text(line(area, 0), title, Tone::Title);
    if concerns.is_empty() {
        let quiet = match scene.mode {
            Mode::Live | Mode::Attaching { .. } => " nothing so far",
            Mode::Replay { playback, .. } => match playback.as_ref().map(|playback| playback.status) {
                Some(Status::Waiting) => " the recording is being indexed",
                Some(Status::Seeking | Status::Playing | Status::Paused) => " nothing up to here",
                Some(Status::AtEnd) | None => " nothing in this recording",
            },
        };
        laid.text(line(area, 1), quiet, Tone::Good);
        return;
    }
    // The line below the rows says what to do about the selected one.
    let has_next = area.height > 2;
    let rows = usize::from(area.height - 1 - u16::from(has_next)).max(1);
    let chosen = selected.filter(|place| *place < concerns.len()).unwrap_or(0);
    let top = chosen.saturating_sub(rows - 1);
    // Those out of sight stand on lines of no height before and after, so that the selection reaches them.
    for (place, concern) in concerns.iter().enumerate() {
        let line = match place.checked_sub(top).filter(|line| *line < rows) {
            Some(at) => line(area, 1 + u16::try_from(at).unwrap_or_default()),
            None => Rect::new(area.x, area.y, area.width, 0),
        };
        let when = concern.at.map_or_else(|| "throughout".to_owned(), |at| format::instant(&world, at));
        let parts = vec![
            (format!(" {} ", cells::column(&when, 12)), Tone::Dim),
            (format!("{} ", cells::column(concern.name, 19)), Tone::Bad),
            (format::cut(&plain(&concern.sentence), usize::from(area.width).saturating_sub(BEFORE)), Tone::Plain),
        ];
        let go = Some(derived.go(concern.lead));
        let name = format!("{} {:?} {:?}", concern.name, concern.at, concern.lead);
        laid.entries.push(Entry { panel: Panel::Attention, name, area: line, parts, go });
    }
    if let Some(concern) = concerns.get(chosen).filter(|_| has_next) {
        laid.text(line(area, area.height - 1), format!("   next: {}", plain(&concern.next)), Tone::Accent);
    }
}

/// What is open now; returns the room that is left.
fn now(laid: &mut Laid, scene: &Scene<'_>, area: Rect) -> Rect {
    let world = scene.world;
    let open = world.open_requests().count() as u64;
    let stalled = stall::count(&world, world.limit) as u64;
    let slots = world.slots().count();
    // What is stalled is of the first kind that has any; needs attention lists all of it.
    let stuck_on = stall::open(&world, world.limit).next().map_or("requests", |(_, open)| match open {
        stall::Open::Request(_) => "requests",
        stall::Open::Load(_) => "loads",
        stall::Open::Call(_) => "helpers",
        stall::Open::Firmware(_) => "firmware",
    });
    let most = world.most_slots().holders.len();
    let held = if area.width >= 36 { format!("{slots}/{SLOTS}, most {most}") } else { format!("{slots}/{SLOTS}") };
    let over = format!("state:open total>={}ms", world.limit.as_nanos() / 1_000_000);
    let tone = |is_so: bool, tone| if is_so { tone } else { Tone::Plain };
    let figures = [
        ("open", open.to_string(), tone(open > 0, Tone::Busy), Go::rows("requests", "state:open".to_owned())),
        ("stalled", stalled.to_string(), tone(stalled > 0, Tone::Bad), Go::rows(stuck_on, over)),
        ("slots", held, tone(most >= SLOTS * 4 / 5, Tone::Warn), Go::rows("requests", "slot:held".to_owned())),
    ];
    laid.text(line(area, 0), "now", Tone::Title);
    let mut rest = line(area, 1);
    for (name, value, tone, to) in figures {
        let width = u16::try_from(name.len() + value.len() + 2).unwrap_or(u16::MAX).min(rest.width);
        let [own, after] = Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(rest);
        let parts = vec![(format!(" {name} "), Tone::Dim), (value, tone)];
        laid.entry(Panel::Now, name, own, parts, Some(to));
        rest = after;
    }
    below(area, 2)
}

/// How many requests have each verdict, the bad ones first.
fn verdicts(laid: &mut Laid, model: &Model, area: Rect) {
    let open = model.open_requests().count() as u64;
    let mut counts: Vec<(Verdict, u64)> = model.verdicts().iter().map(|(verdict, count)| (*verdict, *count)).collect();
    counts.extend((open > 0).then_some((Verdict::InFlight, open)));
    counts.sort_by_key(|(verdict, count)| (rank(*verdict), std::cmp::Reverse(*count)));
    let total = format::count(model.counts().requests);
    laid.text(line(area, 0), format!("verdicts of {total} requests"), Tone::Title);
    let area = below(area, 1);
    if counts.is_empty() {
        laid.text(line(area, 0), " none yet", Tone::Dim);
    }
    let room = usize::from(area.height);
    let shown = if counts.len() > room { room.saturating_sub(1) } else { counts.len() };
    for (place, (verdict, count)) in counts.iter().take(shown).enumerate() {
        let words = cells::padded(verdict.words(), usize::from(area.width).saturating_sub(10).min(22));
        let parts = vec![
            (format!(" {words}"), format::verdict_tone(*verdict)),
            (format!("{:>8}", format::count(*count)), Tone::Plain),
        ];
        let go = Go::rows("requests", format!("verdict:{}", verdict.as_str()));
        let at = line(area, u16::try_from(place).unwrap_or(u16::MAX));
        laid.entry(Panel::Verdicts, verdict.as_str(), at, parts, Some(go));
    }
    if shown < counts.len() && room > 0 {
        let rest: u64 = counts.iter().skip(shown).map(|(_, count)| count).sum();
        let words = format!(" {} other verdicts: {}", counts.len() - shown, format::count(rest));
        let go = Go::rows("requests", String::new());
        laid.entry(Panel::Verdicts, "others", line(area, area.height - 1), vec![(words, Tone::Dim)], Some(go));
    }
}

const fn rank(verdict: Verdict) -> u8 {
    match format::verdict_tone(verdict) {
        Tone::Bad => 0,
        Tone::Busy => 1,
        Tone::Warn => 2,
        Tone::Plain | Tone::Dim | Tone::Title | Tone::Accent | Tone::Good | Tone::Link | Tone::Selected => 3,
    }
}

/// A chart: its name, where its bins lead to.
struct Chart {
    name: &'static str,
    screen: &'static str,
    /// What its rows are sorted by.
    sort: Option<&'static str>,
}

const CHARTS: [Chart; 3] = [
    Chart { name: "requests", screen: "requests", sort: None },
    Chart { name: "total", screen: "requests", sort: Some("total") },
    Chart { name: "init", screen: "loads", sort: Some("init") },
];

fn charts(laid: &mut Laid, scene: &Scene<'_>, bin: Option<Ktime>, area: Rect) {
    let overview = scene.derived.overview();
    let spans = overview.timeline.spans(usize::from(area.width.saturating_sub(1)));
    let chosen = bin.and_then(|at| spans.iter().position(|span| span.from <= at && at < span.to));
    let span = chosen.and_then(|place| spans.get(place));
    // A title for each, an axis for all; what is left is shared by the charts that have room.
    let graphs = (area.height.saturating_sub(4) / 3).min(GRAPH);
    let mut y = 0;
    for (place, chart) in CHARTS.iter().enumerate() {
        let graph = if area.height >= 7 { graphs } else { u16::from(place == 0 && area.height >= 5) };
        let (numbers, rows) = match chart.name {
            "requests" => rate(&spans, span, overview.timeline.spans(1).first(), graph),
            "total" => latency(&spans, span, &overview.total, |span| &span.bin.total, graph),
            _ => latency(&spans, span, &overview.init, |span| &span.bin.init, graph),
        };
        let parts = vec![(format!(" {:<9}", chart.name), Tone::Accent), (numbers, Tone::Plain)];
        let filter = span.map_or_else(|| Some(String::new()), |span| within(&scene.world, span));
        let go = filter.map(|filter| Go::Rows { screen: chart.screen, filter, sort: chart.sort });
        laid.entry(Panel::Charts, chart.name, line(area, y), parts, go);
        let width = usize::from(area.width.saturating_sub(1));
        for (below, row) in (1..).zip(rows) {
            laid.text(line(area, y + below), format!(" {}", stretched(&row, width)), Tone::Good);
        }
        y += 1 + graph;
    }
    axis(laid, &scene.world, &spans, chosen, line(area, y));
}

/// A row of a chart over the whole width.
fn stretched(row: &str, width: usize) -> String {
    let columns: Vec<char> = row.chars().collect();
    let count = columns.len().max(1);
    (0..width).map(|column| columns.get(column * count / width.max(1)).copied().unwrap_or(' ')).collect()
}

fn rate(spans: &[Span], chosen: Option<&Span>, all: Option<&Span>, rows: u16) -> (String, Vec<String>) {
    let rates: Vec<u64> = spans.iter().map(Span::rate_hundredths).collect();
    let most = rates.iter().copied().max().unwrap_or_default();
    let numbers = match (chosen, all) {
        (Some(span), _) => {
            format!("{}, {} in {}", per_second(span.rate_hundredths()), span.bin.requests, span.length())
        }
        (None, Some(all)) => format!("{} on average, {} at most", per_second(all.rate_hundredths()), per_second(most)),
        (None, None) => "none".to_owned(),
    };
    (numbers, chart::bars(&rates, most, usize::from(rows)))
}

fn per_second(hundredths: u64) -> String {
    match hundredths {
        0 => "0/s".to_owned(),
        1..1_000 => format!("{}.{:02}/s", hundredths / 100, hundredths % 100),
        _ => format!("{}/s", format::count(hundredths / 100)),
    }
}

fn latency(
    spans: &[Span],
    chosen: Option<&Span>,
    all: &Histogram,
    of: fn(&Span) -> &Histogram,
    rows: u16,
) -> (String, Vec<String>) {
    let of_span = |span: &Span| {
        let found = of(span).percentiles()?;
        Some([found.p50, found.p90, found.p99].map(Nanos::as_nanos))
    };
    let numbers = match chosen.map_or(all, of).percentiles() {
        Some(found) => format!("p50 {}  p90 {}  p99 {}", found.p50, found.p90, found.p99),
        None => "none".to_owned(),
    };
    let values: Vec<Option<[u64; 3]>> = spans.iter().map(of_span).collect();
    let least = values.iter().flatten().map(|[first, ..]| *first).min().unwrap_or_default();
    let most = values.iter().flatten().map(|[.., third]| *third).max().unwrap_or_default();
    (numbers, chart::shades(&values, least, most, usize::from(rows)))
}

/// The time below the charts, with a mark at the selected bin.
fn axis(laid: &mut Laid, world: &World<'_>, spans: &[Span], chosen: Option<usize>, area: Rect) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let width = usize::from(area.width.saturating_sub(1));
    let at = |at: Ktime| format::instant(world, stamp(at));
    let text = match chosen.and_then(|place| Some((place, spans.get(place)?))) {
        Some((place, span)) => {
            let column = (place * width + width / 2) / spans.len().max(1);
            let label = format!("▲ {} … {}", at(span.from), at(span.to));
            let before = column.min(width.saturating_sub(cells::width(&label)));
            let label = if before < column { format!("{} … {} ▲", at(span.from), at(span.to)) } else { label };
            let before =
                if label.ends_with('▲') { (column + 1).saturating_sub(cells::width(&label)) } else { before };
            format!("{}{label}", " ".repeat(before))
        }
        None => {
            let (from, to) = (at(first.from), at(last.to.min(world.now().boot.max(first.from))));
            let gap = width.saturating_sub(cells::width(&from) + cells::width(&to));
            format!("{from}{}{to}", " ".repeat(gap))
        }
    };
    laid.text(area, format!(" {text}"), Tone::Dim);
}

/// An instant on the clock that charts run on.
fn stamp(boot: Ktime) -> Stamp {
    Stamp { mono: boot, boot }
}

/// A filter for what began in a span of time; `None` if the source did not report what time it was.
fn within(world: &World<'_>, span: &Span) -> Option<String> {
    let wall = |at: Ktime| {
        let at = jiff::Timestamp::from_nanosecond(i128::from(world.wall_ns(stamp(at))?)).ok()?;
        Some(at.to_string())
    };
    Some(format!("at>={} at<{}", wall(span.from)?, wall(span.to)?))
}

fn tops(laid: &mut Laid, derived: &Derived, area: Rect) {
    const COLUMN: u16 = 25;
    if area.height < 2 {
        return;
    }
    let overview = derived.overview();
    let all: [(&str, &Names, Field); 5] = [
        ("aliases", &overview.aliases, Field::Alias),
        ("requesters", &overview.requesters, Field::Comm),
        ("modules", &overview.modules, Field::Module),
        ("units", &overview.units, Field::Unit),
        ("containers", &overview.containers, Field::Container),
    ];
    let some: Vec<_> = all.into_iter().filter(|(_, names, _)| !names.is_empty()).collect();
    let columns = usize::from((area.width / COLUMN).max(1)).min(some.len());
    let parts = Layout::horizontal(vec![Constraint::Fill(1); columns]).spacing(1).split(area);
    for (number, ((title, names, field), area)) in (0..).zip(some.into_iter().zip(parts.iter())) {
        let more = match names.others() {
            0 => String::new(),
            others => format!(" (and {} of others)", format::count(others)),
        };
        laid.text(line(*area, 0), format!("{title}  {}{more}", format::count(names.len() as u64)), Tone::Title);
        for (place, (name, count)) in (1..).zip(names.top(usize::from(area.height - 1))) {
            let width = usize::from(area.width).saturating_sub(9);
            let short = if field == Field::Container { name.get(..12).unwrap_or(name) } else { name };
            let parts = vec![
                (format!(" {}", cells::column(short, width)), Tone::Plain),
                (format!("{:>7}", format::count(count)), Tone::Accent),
            ];
            let go = Go::rows("requests", exactly(field, name));
            laid.entry(Panel::Top(number), format!("{title} {name}"), line(*area, place), parts, Some(go));
        }
    }
}

/// What each moment is seen by, as long as nothing else is known.
fn hooks(laid: &mut Laid, model: &Model, area: Rect) {
    const COLUMN: u16 = 60;
    let hooks = model.hooks();
    if area.height < 2 || hooks.is_empty() {
        return;
    }
    laid.text(line(area, 0), "what is watched, and by which hook", Tone::Title);
    let rows = below(area, 1);
    let columns = usize::from((area.width / COLUMN).max(1));
    let parts = Layout::horizontal(vec![Constraint::Fill(1); columns]).spacing(1).split(rows);
    let room = usize::from(rows.height);
    // What is not seen matters most.
    let mut sorted: Vec<_> = hooks.iter().filter(|hook| hook.can_happen()).collect();
    sorted.sort_by_key(|hook| hook.attached.is_some());
    for (column, area) in sorted.chunks(room.max(1)).zip(parts.iter()) {
        for (place, hook) in (0..).zip(column) {
            let (attached, tone) = match &hook.attached {
                Some(attached) => (&**attached, Tone::Dim),
                None => ("not seen", Tone::Bad),
            };
            let parts =
                vec![(format!(" {}", cells::column(hook.moment.name(), 22)), Tone::Plain), (attached.to_owned(), tone)];
            let go = Go::rows("probes", exactly(Field::Moment, hook.moment.name()));
            laid.entry(Panel::Top(0), hook.moment.name(), line(*area, place), parts, Some(go));
        }
    }
}

/// What is watched, since when, and how far that can be relied on.
fn watching(laid: &mut Laid, scene: &Scene<'_>, has_moved: bool, area: Rect) {
    let world = scene.world;
    let seen = world.hooks().iter().filter(|hook| hook.attached.is_some()).count();
    let since = world.first().map_or_else(|| "-".to_owned(), |at| format::instant_with_unit(&world, at));
    let proven = match world.self_test() {
        Some(SelfTest::Proven) => ", probes proven to fire",
        Some(SelfTest::Deaf(_)) => ", SOME PROBES DO NOT FIRE",
        Some(SelfTest::Unproven(_)) | None => "",
    };
    let words = format!(
        " watching {seen} of {} moments since {since}, {} covered{proven}",
        world.hooks().iter().filter(|hook| hook.can_happen()).count(),
        world.coverage().words()
    );
    let go = Go::rows("probes", String::new());
    laid.entry(Panel::Watching, "watching", line(area, 0), vec![(words, Tone::Plain)], Some(go));
    let missed = scene.derived.overview().missed;
    let hint = if missed > 0 {
        format!(" {} requests were no longer kept when this was counted", format::count(missed))
    } else if has_moved {
        " enter opens what is selected; left and right choose a bin of a chart; ! goes to what needs attention"
            .to_owned()
    } else {
        " new here? press ? for the keys and for what each verdict and column means".to_owned()
    };
    laid.text(line(area, 1), hint, Tone::Dim);
}

impl Screen for OverviewScreen {
    fn title(&self) -> &'static str {
        "overview"
    }

    fn is_list(&self) -> bool {
        false
    }

    fn sorts(&self) -> bool {
        false
    }

    fn shows_costs(&self) -> bool {
        false
    }

    fn is_in_header(&self) -> bool {
        false
    }

    fn count(&self, _model: &Model) -> usize {
        self.entries.len()
    }

    fn position(&self) -> Position {
        Position { rows: self.entries.len(), index: self.index, top: 0 }
    }

    fn height(&self, body: Rect) -> usize {
        usize::from(body.height)
    }

    fn row_at(&self, _body: Rect, at: Cell) -> Option<usize> {
        self.entries.iter().position(|entry| entry.area.contains(at))
    }

    fn follows(&self) -> bool {
        self.focus.is_none()
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn filter(&self) -> &Query {
        &self.everything
    }

    fn direction(&self) -> Direction {
        Direction::Down
    }

    fn open(&self, _model: &Model) -> Option<Go> {
        self.entries.get(self.index).and_then(|entry| entry.go.clone())
    }

    fn selected_line(&self, _world: &World<'_>, form: Form) -> Option<String> {
        let entry = self.entries.get(self.index).filter(|_| form == Form::Text)?;
        Some(entry.parts.iter().map(|(text, _)| plain(text)).collect::<String>().trim().to_owned())
    }

    fn each_line(&self, _world: &World<'_>, _form: Form, _each: &mut dyn FnMut(&str) -> ControlFlow<()>) {}

    fn draw(&self, scene: &Scene<'_>, theme: Theme, body: Rect, buffer: &mut Buffer) {
        let laid = lay_out(scene, self.bin, self.focus.is_some(), Some(self.index), body);
        for (area, text, tone) in &laid.texts {
            let text = format::cut(text, usize::from(area.width));
            Line::styled(text, theme.style(*tone)).render(*area, buffer);
        }
        for (place, entry) in laid.entries.iter().enumerate().filter(|(_, entry)| entry.area.height > 0) {
            let pieces = entry.parts.iter().map(|(text, tone)| Piece::styled(plain(text), theme.style(*tone)));
            Line::from(pieces.collect::<Vec<_>>()).render(entry.area, buffer);
            if place == self.index {
                buffer.set_style(entry.area, theme.style(Tone::Selected));
                buffer.set_string(entry.area.x, entry.area.y, MARK, theme.style(Tone::Selected));
            }
        }
    }

    fn refresh(&mut self, scene: &Scene<'_>, body: Rect) {
        self.entries = lay_out(scene, self.bin, self.focus.is_some(), Some(self.index), body).entries;
        let is_it = |entry: &Entry| {
            self.focus.as_ref().is_some_and(|(panel, name)| entry.panel == *panel && entry.name == *name)
        };
        let place = self.entries.iter().position(is_it);
        let last = self.entries.len().saturating_sub(1);
        self.index = if self.focus.is_none() { 0 } else { place.unwrap_or(self.index) }.min(last);
    }

    fn select(&mut self, place: usize) {
        self.index = place.min(self.entries.len().saturating_sub(1));
        self.focus = self.entries.get(self.index).map(|entry| (entry.panel, entry.name.clone()));
    }

    /// In the charts, to the next bin in which something happened; elsewhere, to the next panel.
    fn move_sideways(&mut self, scene: &Scene<'_>, body: Rect, steps: isize) {
        let Some(panel) = self.entries.get(self.index).map(|entry| entry.panel) else { return };
        if panel == Panel::Charts {
            let charts = areas(body, scene.derived.concerns().len()).charts;
            let spans = scene.derived.overview().timeline.spans(usize::from(charts.width.saturating_sub(1)));
            let chart =
                CHARTS.iter().find(|chart| self.entries.get(self.index).is_some_and(|own| own.name == chart.name));
            let is_empty = |span: &Span| match chart.map(|chart| chart.name) {
                Some("init") => span.bin.init.count() == 0,
                Some("total") => span.bin.total.count() == 0,
                Some(_) | None => span.bin.requests == 0,
            };
            // Where nothing happened, there is nothing to see.
            let full: Vec<&Span> = spans.iter().filter(|span| !is_empty(span)).collect();
            let place = match self.bin {
                Some(at) if steps < 0 => full.iter().rposition(|span| span.to <= at),
                Some(at) => full.iter().position(|span| span.from > at),
                None if steps < 0 => full.len().checked_sub(1),
                None => Some(0),
            };
            self.bin = place.and_then(|place| full.get(place)).map(|span| span.from);
            return;
        }
        let is_other = |(_, entry): &(usize, &Entry)| entry.panel != panel && entry.area.height > 0;
        let entries = self.entries.iter().enumerate();
        let other = if steps > 0 {
            entries.skip(self.index).find(is_other)
        } else {
            // To the beginning of the panel before.
            let before = entries.take(self.index).rfind(is_other).map(|(_, entry)| entry.panel);
            self.entries.iter().enumerate().find(|(_, entry)| Some(entry.panel) == before && entry.area.height > 0)
        };
        if let Some((place, _)) = other {
            self.select(place);
        }
    }

    fn page(&mut self, is_down: bool) -> bool {
        let visible = || self.entries.iter().enumerate().filter(|(_, entry)| entry.area.height > 0);
        let Some(group) = self.entries.get(self.index).map(|entry| entry.panel.group()) else { return true };
        let other = if is_down {
            visible().map(|(_, entry)| entry.panel.group()).find(|other| *other > group)
        } else {
            visible().map(|(_, entry)| entry.panel.group()).rfind(|other| *other < group)
        };
        // To its first line; in what needs attention, that may be out of sight.
        let first = self.entries.iter().position(|entry| Some(entry.panel.group()) == other);
        if let Some(place) = first {
            self.select(place);
        }
        true
    }

    fn follow(&mut self) {
        self.focus = None;
        self.index = 0;
    }

    fn set_filter(&mut self, _text: &str) -> Result<(), QueryFault> {
        Ok(())
    }

    fn push_filter(&mut self, _text: &str) -> Result<(), QueryFault> {
        Ok(())
    }

    fn pop_filter(&mut self) {}

    fn keep_filter(&mut self) {}

    fn sort_by_neighbour(&mut self, _body: Rect, _is_next: bool) {}

    fn sort_by(&mut self, _heading: &str) {}

    fn reverse(&mut self) {}

    fn boxed(&self) -> Box<dyn Screen> {
        Box::new(self.clone())
    }

    #[cfg(test)]
    fn selected_id(&self) -> Option<String> {
        self.entries.get(self.index).map(|entry| format!("{:?} {}", entry.panel, entry.name))
    }

    #[cfg(test)]
    fn ids(&self) -> Vec<String> {
        self.entries.iter().map(|entry| format!("{:?} {}", entry.panel, entry.name)).collect()
    }
}
