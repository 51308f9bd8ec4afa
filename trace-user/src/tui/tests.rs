//! Snapshots and behaviour of the whole dashboard.

use super::list::{Direction, Position};
use super::row::Form;
use super::state::Overlay;
use super::table::Target;
use super::test_utils::{drawn, text};
use super::{Mode, Msg, Outcome, Theme, UiState, update};
use modtrail_core::answer::{CallResult, ReturnCode, WaitStatus};
use modtrail_core::entities::{Change, CycleId, LoadId, Request, RequestId, Verdict};
use modtrail_core::event::{
    Body, Captured, Costs, Depth, Event, Fact, FirmwareAsked, FirmwareMoment, Moment, PmTest, Probe, ProbeCost, Right,
    Stamp, SuspendMoment, SuspendState, Syscall, Task, Wait, Way,
};
use modtrail_core::model::Model;
use modtrail_core::player::{Command, Playback, Speed, Status, When};
use modtrail_core::record::read::{Damage, read};
use modtrail_core::record::write::Recorder;
use modtrail_core::testing::{Helped, Scenario, busy, entered, module, stamp, worker};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trace_common::ids::CallAddress;
use trace_common::kind::Kind;
use trace_common::time::Nanos;

const SIZES: [(u16, u16); 6] = [(80, 24), (120, 30), (200, 60), (60, 12), (40, 10), (20, 5)];

fn live(model: &Model, width: u16, height: u16) -> UiState {
    let mut state = UiState::new(Mode::Live);
    update(&mut state, model, Msg::Resize(width, height));
    typed(&mut state, model, "2");
    tick(&mut state, model);
    state
}

/// The same, at the overview.
fn first_screen(model: &Model, width: u16, height: u16) -> UiState {
    let mut state = live(model, width, height);
    typed(&mut state, model, "1");
    state
}

/// A recording that is shown.
fn replay_of(name: &str, damage: Option<Damage>, playback: Option<Playback>) -> Mode {
    Mode::Replay { name: name.to_owned(), damage, playback, today: None }
}

fn tick(state: &mut UiState, model: &Model) {
    let events = model.counts().events;
    update(state, model, Msg::Tick { events });
}

fn press(state: &mut UiState, model: &Model, code: KeyCode) -> Outcome {
    update(state, model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn typed(state: &mut UiState, model: &Model, keys: &str) {
    for key in keys.chars() {
        press(state, model, if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) });
    }
}

fn shown(model: &Model, state: &UiState) -> String {
    text(&drawn(model, state, Theme::Sixteen, state.area.width, state.area.height))
}

/// The id of the selected row.
fn selected(state: &UiState) -> Option<String> {
    state.screen().and_then(|screen| screen.selected_id())
}

fn position(state: &UiState) -> Position {
    state.screen().expect("a screen").position()
}

fn title(state: &UiState) -> &'static str {
    state.screen().expect("a screen").title()
}

fn open(state: &mut UiState, model: &Model, alias: &str) {
    typed(state, model, &format!("/alias:{alias}\n\n"));
    assert!(state.opened.is_some(), "{alias}");
}

/// Snapshots of what `prepare` leads to, at every size.
fn check(name: &str, prepare: impl Fn(&mut UiState, &Model)) {
    check_of(&busy(), name, prepare);
}

/// The same, for another scenario.
fn check_of(scenario: &Scenario, name: &str, prepare: impl Fn(&mut UiState, &Model)) {
    let model = scenario.model();
    for (width, height) in SIZES {
        let mut state = live(model, width, height);
        prepare(&mut state, model);
        let coloured = drawn(model, &state, Theme::Sixteen, width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text(&coloured));
        assert_eq!(coloured, drawn(model, &state, Theme::Sixteen, width, height), "drawing twice");
        for (name, theme) in super::theme::NAMES {
            let other = drawn(model, &state, theme, width, height);
            assert_eq!(text(&coloured), text(&other), "{name} changes no text");
        }
    }
}

#[test]
fn overview() {
    check("overview", |state, model| typed(state, model, "1"));
}

#[test]
fn overview_of_trouble_with_a_bin_chosen() {
    check_of(&troubled(), "overview_bin", |state, model| {
        typed(state, model, "1");
        let screen = state.screen().expect("a screen").ids();
        let charts = screen.iter().position(|id| id == "Charts total");
        assert_eq!(charts.is_some(), state.area.height >= 10, "{screen:?}");
        for _ in 0..charts.unwrap_or(0) {
            typed(state, model, "j");
        }
        typed(state, model, "hhh");
    });
}

#[test]
fn overview_of_an_idle_machine() {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.until(90_000_000);
    check_of(&scenario, "overview_idle", |state, model| typed(state, model, "1"));
}

#[test]
fn requests() {
    check("requests", |_, _| {});
}

#[test]
fn helpers() {
    check("helpers", |state, model| typed_tabs(state, model, 1));
}

#[test]
fn loads() {
    check("loads", |state, model| typed_tabs(state, model, 2));
}

#[test]
fn duplicates() {
    check_of(&crowds(), "duplicates", |state, model| typed_tabs(state, model, 3));
}

#[test]
fn probes() {
    check("probes", |state, model| {
        typed_tabs(state, model, 7);
        typed(state, model, "jjj");
    });
}

#[test]
fn help() {
    check("help", |state, model| typed(state, model, "?"));
}

#[test]
fn request_that_went_live() {
    check("request_live", |state, model| open(state, model, "can-proto-1"));
}

#[test]
fn request_in_flight() {
    check("request_in_flight", |state, model| open(state, model, "char-major"));
}

#[test]
fn filter_with_a_fault() {
    check("filter_fault", |state, model| typed(state, model, "/verdict:hollow colour:red"));
}

#[test]
fn replay_without_its_end() {
    let scenario = busy();
    let mut state = UiState::new(replay_of("boot.mcap", None, None));
    typed(&mut state, scenario.model(), "2");
    tick(&mut state, scenario.model());
    insta::assert_snapshot!("replay_80x24", shown(scenario.model(), &state));
}

#[test]
fn a_damaged_recording_says_where_and_that_its_losses_are_not_all_counted() {
    let scenario = busy();
    for (is_counted, lost) in [(true, "!! LOST 12"), (false, "!! LOST at least 12")] {
        let damage = Some(Damage { at: 12_345, is_counted });
        let mut state = UiState::new(replay_of("boot.mcap", damage, None));
        tick(&mut state, scenario.model());
        let screen = shown(scenario.model(), &state);
        assert!(screen.contains("damaged at byte 12345") && screen.contains(lost), "{screen}");
    }
}

#[test]
fn nothing_yet() {
    let scenario = Scenario::default();
    let state = live(scenario.model(), 80, 24);
    insta::assert_snapshot!("nothing_80x24", shown(scenario.model(), &state));
}

#[test]
fn probes_with_their_costs() {
    let mut scenario = busy();
    let probes = [ProbeCost { moment: Kind::Requested, runs: 1_200, time: Nanos::new(1_440_000) }];
    let rights = [Right { capability: "CAP_BPF".into(), why: "to attach probes again".into() }];
    let (processor, resident) = (Some(Nanos::from_millis(310)), Some(9_437_184));
    let costs = Costs { probes: probes.into(), processor, resident };
    let at = stamp(4_000_000);
    scenario.send(Event { at, body: Body::Fact(Fact::Costs(costs)) });
    scenario.send(Event { at, body: Body::Fact(Fact::Rights(rights.into())) });
    scenario.send(Event { at, body: Body::Fact(Fact::Drained) });
    let mut state = live(scenario.model(), 100, 24);
    assert!(!state.shows_costs());
    typed_tabs(&mut state, scenario.model(), 7);
    assert!(state.shows_costs());
    let shown = shown(scenario.model(), &state);
    assert!(shown.contains("1,200   1.20us"), "{shown}");
    assert!(shown.contains("modtrail itself: 310ms of processor time, 9.0MiB of memory"), "{shown}");
    assert!(shown.contains("privileges in force: CAP_BPF"), "{shown}");
    assert!(shown.contains("runs are counted while this screen is open"), "{shown}");
}

#[test]
fn attaching() {
    let scenario = Scenario::default();
    let mut state = live(scenario.model(), 80, 24);
    state.set_mode(Mode::Attaching { done: 12, of: 38 });
    insta::assert_snapshot!("attaching_80x24", shown(scenario.model(), &state));
}

fn typed_tabs(state: &mut UiState, model: &Model, tabs: usize) {
    for _ in 0..tabs {
        press(state, model, KeyCode::Tab);
    }
}

#[test]
fn every_request_says_what_became_of_it() {
    let scenario = busy();
    let sentences: Vec<String> = scenario
        .model()
        .requests()
        .map(|request| {
            format!(
                "{} {}: {}",
                request.requested.alias,
                request.verdict.as_str(),
                modtrail_core::explain::explain(request)
            )
        })
        .collect();
    insta::assert_snapshot!("sentences", sentences.join("\n"));
}

#[test]
fn filters_narrow_and_escape_clears_them() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    let all = position(&state).rows;
    typed(&mut state, model, "/HOLLOW");
    assert_eq!(position(&state).rows, 1);
    press(&mut state, model, KeyCode::Esc);
    assert_eq!(position(&state).rows, all);
    for (filter, rows) in [
        ("alias:fs-", 2),
        ("module:can", 1),
        ("comm:mount", 2),
        ("comm:mount verdict:already_live", 1),
        ("pid:413", 2),
        ("pid:41", 0),
        ("verdict:not_found", 2),
        ("socat", 1),
        ("slot:held", 1),
        ("slot:waiting", 0),
        ("   ", all),
        ("pid:x", all),
    ] {
        typed(&mut state, model, &format!("/{filter}"));
        assert_eq!(position(&state).rows, rows, "{filter}");
        press(&mut state, model, KeyCode::Esc);
    }
}

#[test]
fn pasted_text_becomes_one_line_of_the_filter() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    update(&mut state, model, Msg::Paste("q".into()));
    assert!(state.input.is_none(), "pasted text is no key");
    typed(&mut state, model, "/");
    update(&mut state, model, Msg::Paste("fs\n\t\u{1b}[31m\u{0}ünï🦀 ".repeat(100)));
    let input = state.input.as_ref().map(|input| input.text()).unwrap_or_default();
    assert!(!input.chars().any(char::is_control));
    assert_eq!(input.chars().count(), 200);
    let _ = shown(model, &state);
}

#[test]
fn sorting_goes_through_the_columns_and_reverses() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    let newest = selected(&state);
    typed(&mut state, model, "S");
    assert_eq!(state.screen().map(|screen| screen.direction()), Some(Direction::Up));
    assert_eq!(selected(&state).as_deref(), Some("RequestId(1)"));
    typed(&mut state, model, "Ssssss");
    assert!(shown(model, &state).contains("total▾"));
    let longest = selected(&state);
    assert_eq!(longest, newest, "the open one is the oldest by age");
    typed(&mut state, model, "ssss");
    assert!(shown(model, &state).contains("time UTC▾"));
}

#[test]
fn the_sort_column_moves_both_ways() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    let heading = |state: &UiState| sorted_heading(&shown(model, state)).expect("an arrow");
    let first = heading(&state);
    typed(&mut state, model, ">");
    let second = heading(&state);
    typed(&mut state, model, ">");
    assert!(heading(&state) != second && second != first);
    typed(&mut state, model, "<<");
    assert_eq!(heading(&state), first);
    typed(&mut state, model, "<");
    let last = heading(&state);
    typed(&mut state, model, ">");
    assert_eq!(heading(&state), first, "it goes round");
    typed(&mut state, model, "<");
    assert_eq!(heading(&state), last);
}

/// The left button, at a place of the screen.
fn click(state: &mut UiState, model: &Model, column: u16, row: u16) -> Outcome {
    let kind = MouseEventKind::Down(MouseButton::Left);
    update(state, model, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

/// Where text is drawn first.
fn place_of(screen: &str, text: &str) -> (u16, u16) {
    let found = screen.lines().enumerate().find_map(|(row, line)| Some((row, line.find(text)?)));
    let (row, at) = found.unwrap_or_else(|| panic!("{text} is not on\n{screen}"));
    let line = screen.lines().nth(row).and_then(|line| line.get(..at)).expect("what is before it");
    (line.chars().count() as u16, row as u16)
}

#[test]
fn a_click_on_a_heading_sorts_by_it_and_another_reverses() {
    let scenario = drowsy();
    let model = scenario.model();
    for width in [80, 200] {
        let mut state = live(model, width, 24);
        for _ in 0..8 {
            for heading in state.screen().expect("a screen").headings() {
                // Where it is drawn now: what a list is sorted by moves the columns.
                let column = |state: &UiState| {
                    let screen = shown(model, state);
                    let headings = screen.lines().nth(3).expect("headings");
                    let before = headings.split_once(&format!(" {heading}"))?.0;
                    Some(before.chars().count() as u16 + 1)
                };
                let Some(at) = column(&state).filter(|_| !["#", "time"].contains(&heading)) else { continue };
                click(&mut state, model, at, 3);
                let sorted = sorted_heading(&shown(model, &state)).unwrap_or_default();
                if state.notice.is_some() {
                    assert!(!sorted.ends_with(heading), "{heading} cannot be sorted by");
                    continue;
                }
                assert!(
                    sorted.ends_with(heading) || (heading == "time" && sorted == "boot s"),
                    "{sorted} at {heading}"
                );
                let before = state.screen().map(|screen| screen.direction());
                let at = column(&state).expect("it is still there");
                click(&mut state, model, at, 3);
                assert_ne!(state.screen().map(|screen| screen.direction()), before, "{heading} at {width}");
            }
            typed_tabs(&mut state, model, 1);
        }
    }
}

#[test]
fn a_click_on_a_key_of_the_last_line_acts_like_the_key() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 24);
    let on = |state: &UiState, hint: &str| place_of(&shown(model, state), hint);
    let (column, row) = on(&state, "? help");
    click(&mut state, model, column + 3, row);
    assert_eq!(state.overlay, Overlay::Help(0));
    let (column, row) = on(&state, "esc back");
    click(&mut state, model, column, row);
    assert_eq!(state.overlay, Overlay::None);
    let (column, row) = on(&state, "enter open");
    assert_eq!(click(&mut state, model, column - 1, row), Outcome::Continue);
    assert!(state.opened.is_none(), "between two keys is nothing");
    click(&mut state, model, column, row);
    assert!(state.opened.is_some());
    let (column, row) = on(&state, "q quit");
    assert_eq!(click(&mut state, model, column, row), Outcome::Continue);
    assert!(shown(model, &state).contains("not saved"));
    // A click takes the question away, and the next one on the key leaves.
    click(&mut state, model, column, 10);
    let (column, row) = on(&state, "q quit");
    assert_eq!(click(&mut state, model, column, row), Outcome::Quit);
}

/// The cells that stand out as found, as text.
fn found_cells(model: &Model, state: &UiState) -> Vec<String> {
    use ratatui::style::Modifier;
    let buffer = drawn(model, state, Theme::Monochrome, state.area.width, state.area.height);
    let mut found = vec![String::new()];
    for cell in buffer.content() {
        match found.last_mut() {
            Some(last) if cell.modifier.contains(Modifier::UNDERLINED) => last.push_str(cell.symbol()),
            Some(last) if last.is_empty() => {}
            Some(_) | None => found.push(String::new()),
        }
    }
    found.retain(|text| !text.is_empty());
    found
}

#[test]
fn what_a_filter_asks_for_stands_out_in_the_rows() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    assert_eq!(found_cells(model, &state), [""; 0]);
    typed(&mut state, model, "/alias:FS- comm:mount\n");
    assert_eq!(found_cells(model, &state), ["fs-", "mount", "fs-", "mount"]);
}

#[test]
fn a_search_moves_the_selection_and_hides_no_row() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    let all = position(&state).rows;
    typed(&mut state, model, "n");
    assert!(shown(model, &state).contains("f starts a search"));
    typed(&mut state, model, "fcomm:mount");
    let first = position(&state).index;
    assert!(first > 0 && position(&state).rows == all);
    assert_eq!(found_cells(model, &state), ["mount", "mount"]);
    typed(&mut state, model, "\nn");
    let second = position(&state).index;
    assert!(second > first);
    typed(&mut state, model, "n");
    assert_eq!(position(&state).index, first, "after the last comes the first");
    assert!(shown(model, &state).contains("went on from the first row"));
    typed(&mut state, model, "N");
    assert_eq!(position(&state).index, second);
    typed(&mut state, model, "N");
    assert_eq!((position(&state).index, state.notice.as_deref()), (first, None));
    typed(&mut state, model, "fnosuch");
    assert!(shown(model, &state).contains("no row matches"));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((position(&state).index, state.search.is_empty()), (first, true), "it is as before");
}

#[test]
fn typed_lines_come_back_in_the_next_prompt() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30).remembering(super::history::History::of("comm:blkid\n"));
    typed(&mut state, model, "/comm:mount");
    assert_eq!(press(&mut state, model, KeyCode::Enter), Outcome::Remember("comm:mount".into()));
    press(&mut state, model, KeyCode::Esc);
    typed(&mut state, model, "/x");
    let rows = |state: &UiState| position(state).rows;
    press(&mut state, model, KeyCode::Up);
    assert_eq!(rows(&state), 2, "comm:mount is in force at once");
    press(&mut state, model, KeyCode::Up);
    assert_eq!(rows(&state), 1, "comm:blkid");
    press(&mut state, model, KeyCode::Down);
    press(&mut state, model, KeyCode::Down);
    assert_eq!(state.input.as_ref().map(|input| input.text()).as_deref(), Some("x"));
    assert_eq!(press(&mut state, model, KeyCode::Enter), Outcome::Remember("x".into()));
}

#[test]
fn a_saved_filter_is_used_by_its_name() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    assert_eq!(state.settings.filters.add("mounts", "comm:mount"), Ok(()));
    typed(&mut state, model, "/@m");
    assert!(shown(model, &state).contains("no filter is saved as @m"));
    press(&mut state, model, KeyCode::Tab);
    typed(&mut state, model, "\n");
    assert_eq!(position(&state).rows, 2);
    assert!(shown(model, &state).contains("requests comm:mount"), "what it stands for is shown");
    press(&mut state, model, KeyCode::Esc);
    typed(&mut state, model, "1:@mounts\n");
    assert_eq!((title(&state), position(&state).rows), ("requests", 2));
    // Another screen has no such field.
    typed(&mut state, model, "9:@mounts\n");
    assert!(shown(model, &state).contains("unknown field comm"), "{}", shown(model, &state));
}

#[test]
fn a_filter_is_carried_to_the_next_screen_that_has_its_fields() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    typed(&mut state, model, "c");
    assert!(shown(model, &state).contains("no filter here"));
    typed(&mut state, model, "/module:can\nc");
    assert_eq!((title(&state), position(&state).rows), ("loads", 2));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((title(&state), position(&state).rows), ("requests", 1));
    typed(&mut state, model, "9/hook:kprobe\nc");
    assert!(shown(model, &state).contains("no other screen has the fields"));
}

#[test]
fn the_palette_does_everything_by_name() {
    check("palette", |state, model| typed(state, model, ":sort"));
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed(&mut state, model, ":loads\n");
    assert_eq!((title(&state), state.overlay), ("loads", Overlay::None));
    typed(&mut state, model, ":#4");
    assert!(shown(model, &state).contains("go to request #4"), "{}", shown(model, &state));
    typed(&mut state, model, "\n");
    assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Request(RequestId(4))));
    typed(&mut state, model, ":explain hollow\n");
    let screen = shown(model, &state);
    assert!(
        screen.lines().nth(3).is_some_and(|line| line.starts_with(" hollow")) || screen.contains(" hollow  "),
        "{screen}"
    );
    press(&mut state, model, KeyCode::Esc);
    // Every action is there, the palette itself is not.
    typed(&mut state, model, ":");
    let entries = super::palette::entries(&state, model);
    let actions = entries.iter().filter(|entry| matches!(entry.command, super::palette::Command::Do(_))).count();
    assert_eq!(actions, super::keymap::BINDINGS.len() - 1);
    press(&mut state, model, KeyCode::Down);
    assert_eq!(state.overlay, Overlay::Palette(1));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((state.overlay, state.input.is_none()), (Overlay::None, true));
    typed(&mut state, model, ":zzzz\n");
    assert!(shown(model, &state).contains("nothing has such a name"));
    press(&mut state, model, KeyCode::Esc);
    typed(&mut state, model, ":suspend");
    let (column, row) = place_of(&shown(model, &state), " suspend ");
    click(&mut state, model, column + 2, row);
    assert_eq!((state.overlay, state.input.is_none()), (Overlay::None, true));
    typed(&mut state, model, ":");
    click(&mut state, model, 0, 23);
    assert_eq!((state.overlay, state.input.is_none()), (Overlay::None, true), "a click beside it closes it");
}

#[test]
fn a_marked_row_is_returned_to_from_anywhere() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed(&mut state, model, "'");
    assert!(shown(model, &state).contains("nothing is marked"));
    typed(&mut state, model, "jma");
    let marked = selected(&state);
    typed(&mut state, model, "j");
    assert!(shown(model, &state).lines().any(|line| line.starts_with('a')), "{}", shown(model, &state));
    typed(&mut state, model, "9m");
    assert!(shown(model, &state).contains("nothing here to mark"));
    typed(&mut state, model, "'");
    assert!(shown(model, &state).contains("go to which mark? a #8"), "{}", shown(model, &state));
    typed(&mut state, model, "b");
    assert!(shown(model, &state).contains("nothing is marked with b"));
    typed(&mut state, model, "'a");
    assert_eq!(state.opened.map(|opened| format!("{:?}", opened.target)), marked.map(|id| format!("Request({id})")));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!(title(&state), "probes");
    typed(&mut state, model, "2m/");
    assert!(state.input.is_none() && shown(model, &state).contains("a letter or a digit"));
    // What is no longer kept cannot be returned to.
    typed(&mut state, &Model::default(), "'a");
    assert!(shown(&Model::default(), &state).contains("no longer kept"));
}

#[test]
fn leaving_asks_once_while_something_is_not_saved() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    let q = |state: &mut UiState| press(state, model, KeyCode::Char('q'));
    assert_eq!(q(&mut state), Outcome::Continue);
    assert!(shown(model, &state).contains("not saved: q leaves, w saves"));
    typed(&mut state, model, "j");
    assert_eq!(q(&mut state), Outcome::Continue, "another key is no answer");
    assert_eq!(q(&mut state), Outcome::Quit);
    update(&mut state, model, Msg::Saved("it is in a file".into()));
    typed(&mut state, model, "j");
    assert_eq!(q(&mut state), Outcome::Quit, "it is saved");
    let mut replay = UiState::new(Mode::Replay { name: "x".into(), damage: None, playback: None, today: None });
    assert_eq!(q(&mut replay), Outcome::Quit, "a recording is saved already");
    let quiet = Model::default();
    let mut state = live(&quiet, 80, 24);
    assert_eq!(press(&mut state, &quiet, KeyCode::Char('q')), Outcome::Quit, "nothing was seen");
}

/// The heading that has the arrow, if there is one.
fn sorted_heading(screen: &str) -> Option<String> {
    let headings = screen.lines().nth(3)?;
    let before = headings.split(['▴', '▾']).next().filter(|before| before.len() < headings.len())?;
    before.trim_end().rsplit("  ").next().map(|heading| heading.trim().to_owned())
}

#[test]
fn every_press_sorts_by_the_next_column_that_is_shown_and_says_which() {
    let scenario = drowsy();
    let model = scenario.model();
    for (width, height) in [(60, 12), (80, 24), (120, 30), (200, 60)] {
        let mut state = live(model, width, height);
        for screen in state.titles().collect::<Vec<_>>() {
            let mut seen = Vec::new();
            for _ in 0..24 {
                seen.push(sorted_heading(&shown(model, &state)));
                typed(&mut state, model, "s");
            }
            let round = 1 + seen.iter().skip(1).position(|heading| *heading == seen[0]).expect("it goes round");
            assert_eq!(seen[..24 - round], seen[round..], "{screen} at {width}");
            // The initial order may have no arrow: the column of time has no room on small terminals.
            assert!(seen[1..round].iter().all(Option::is_some), "{screen} at {width}: {seen:?}");
            typed_tabs(&mut state, model, 1);
        }
    }
}

/// Groups of two and of three requests, the smaller one first; the first cost more.
fn crowds() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.machine();
    let mut group = |alias, first: u32, count: u32, at: u64, took: u64| {
        let members = (0..count).map(|member| {
            let requester = Task::new(first + member, first + member, 5, if first == 400 { "zeta" } else { "alpha" });
            Helped { alias, requester, path: "/sbin/modprobe", pid: first + 50 + member, at: at + u64::from(member) }
        });
        let members: Vec<Helped<'_>> = members.collect();
        members.iter().for_each(|member| scenario.helped(*member, 0));
        members.iter().for_each(|member| scenario.ended(*member, at + took, 256));
    };
    group("net-pf-29", 400, 2, 10_000, 900_000);
    group("net-pf-27", 500, 3, 2_000_000, 20_000);
    scenario.until(4_000_000);
    scenario
}

#[test]
fn duplicates_are_sorted_by_what_each_column_shows() {
    let scenario = crowds();
    let model = scenario.model();
    let mut state = live(model, 200, 30);
    typed_tabs(&mut state, model, 3);
    let first = |state: &UiState| {
        let ids = state.screen().expect("a screen").ids();
        assert_eq!(ids.len(), 2);
        ids[0].clone()
    };
    let (older, newer) = ("(1, Alias)", "(3, Alias)");
    // Among equal ones the older comes first, or last if the largest come first.
    let expected = [
        ("time UTC", newer),
        ("same", older),
        ("name", newer),
        ("times", newer),
        ("first", newer),
        ("live by", older),
        ("helpers", newer),
        ("wasted", newer),
        ("in vain", older),
    ];
    for (heading, id) in expected {
        let shown = sorted_heading(&shown(model, &state)).expect("an arrow");
        assert!(shown.ends_with(heading), "{shown} is not {heading}");
        assert_eq!(first(&state), id, "{heading}");
        typed(&mut state, model, "s");
    }
}

#[test]
fn the_selection_stays_on_its_row_while_others_come() {
    let mut scenario = busy();
    let mut state = live(scenario.model(), 60, 12);
    let first = selected(&state);
    typed(&mut state, scenario.model(), "jj");
    let chosen = selected(&state);
    let line = position(&state).index - position(&state).top;
    for pid in 0..40 {
        let requester = Task::new(9_000 + pid, 9_000 + pid, 9, "storm");
        scenario.helped(
            Helped {
                alias: "net-pf-9",
                requester,
                path: "/sbin/modprobe",
                pid: 8_000 + pid,
                at: 3_500_000 + u64::from(pid),
            },
            0,
        );
    }
    scenario.until(3_600_000);
    tick(&mut state, scenario.model());
    assert_eq!(selected(&state), chosen);
    let list = position(&state);
    assert_eq!(list.index - list.top, line, "the screen holds still");
    press(&mut state, scenario.model(), KeyCode::Home);
    assert_ne!(selected(&state), first, "the first row is followed");
}

#[test]
fn a_pause_holds_the_screen_and_counts_what_comes() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed(&mut state, model, " ");
    assert!(state.is_paused());
    update(&mut state, model, Msg::Tick { events: model.counts().events + 1_234 });
    assert!(shown(model, &state).contains("PAUSED, 1,234 events since"));
    typed(&mut state, model, " ");
    assert!(!state.is_paused());
    let mut replay = UiState::new(replay_of("x", None, None));
    typed(&mut replay, model, " ");
    assert!(!replay.is_paused(), "a replay stands still by itself");
}

/// A kernel thread calls a helper that runs on; the caller, the helper, and the call.
fn agent(scenario: &mut Scenario) -> (Task, Task, CallAddress) {
    let (caller, helper) = (Task::new(70, 70, 5, "kworker/1:2"), Task::new(413, 413, 9, "agent"));
    let call = CallAddress(0x413);
    scenario.probe(1_000, caller, Moment::CallEntered(entered(call, Wait::Proc, &["/usr/bin/agent"]).into()));
    scenario.probe(1_100, worker(70), Moment::CallPicked { call });
    scenario.probe(1_200, helper, Moment::Born { call });
    scenario.probe(1_900, helper, Moment::Executed { result: ReturnCode::OK, program: None });
    (caller, helper, call)
}

/// A helper makes one attempt to suspend fail, and the next one wait.
fn drowsy() -> Scenario {
    let mut scenario = Scenario::default();
    let (caller, helper, call) = agent(&mut scenario);
    let sleeper = Task::new(900, 900, 3, "systemd-sleep");
    let began = || SuspendMoment::Began { way: Way::Suspend { state: SuspendState::Mem }, pm_test: Some(PmTest::NONE) };
    let mut at = |at, moment| scenario.probe(at, sleeper, Moment::Suspend(moment));
    at(1_000_000, began());
    at(1_010_000, SuspendMoment::FreezeBegan);
    at(1_010_100, SuspendMoment::DisableBegan { depth: Depth::FREEZING });
    at(6_050_000, SuspendMoment::DisableEnded { result: ReturnCode(-11) });
    at(6_050_100, SuspendMoment::FreezeEnded { result: ReturnCode(-11) });
    at(6_060_000, SuspendMoment::Ended { result: ReturnCode(-11) });
    at(8_000_000, began());
    at(8_010_000, SuspendMoment::FreezeBegan);
    at(8_010_100, SuspendMoment::DisableBegan { depth: Depth::FREEZING });
    scenario.probe(9_500_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.probe(9_500_200, worker(70), Moment::Completed { call: Some(call) });
    scenario.probe(9_500_300, caller, Moment::CallReturned { result: CallResult::OK });
    let mut at = |at, moment| scenario.probe(at, sleeper, Moment::Suspend(moment));
    at(9_500_400, SuspendMoment::DisableEnded { result: ReturnCode::OK });
    at(9_700_000, SuspendMoment::FreezeEnded { result: ReturnCode::OK });
    let phase = |begins| SuspendMoment::Phase { action: Captured::whole("machine_suspend"), value: 3, begins };
    at(9_800_000, phase(true));
    at(9_900_000, phase(false));
    at(10_000_000, SuspendMoment::ThawBegan);
    at(10_100_000, SuspendMoment::DepthSet { depth: Depth::ENABLED });
    at(10_200_000, SuspendMoment::Ended { result: ReturnCode::OK });
    scenario.until(11_000_000);
    scenario
}

#[test]
fn suspend_cycles_are_listed() {
    check_of(&drowsy(), "suspend", |state, model| typed_tabs(state, model, 4));
}

#[test]
fn a_suspend_cycle_has_a_timeline() {
    check_of(&drowsy(), "cycle", |state, model| {
        typed_tabs(state, model, 4);
        typed(state, model, "G\n");
        assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Cycle(CycleId(1))));
    });
}

/// A killed requester's helper is frozen half way, the machine sleeps for an hour, and the module goes live after the
/// thaw; a firmware fallback held the suspend up.
fn slept() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("net-pf-29", &[("can", &[])]);
    let requester = Task::new(412, 412, 5, "ping");
    let request = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
    scenario.helped(request, 0);
    scenario.probe(500_000, requester, Moment::CallReturned { result: CallResult::from_return(-512) });
    let (sleeper, udev) = (Task::new(900, 900, 3, "systemd-sleep"), Task::new(300, 300, 4, "(udev-worker)"));
    let asked = || FirmwareAsked { name: Captured::whole("held.bin"), device: Captured::whole("0000:00:14.3") };
    let firmware = [
        (600_000, FirmwareMoment::Began(asked().into())),
        (600_100, FirmwareMoment::FallbackBegan(asked().into())),
        (600_200, FirmwareMoment::LockBegan { waits: false }),
        (600_300, FirmwareMoment::LockEnded { held: true }),
        (1_800_000, FirmwareMoment::Unlocked),
        (1_800_100, FirmwareMoment::FallbackEnded { result: ReturnCode::OK }),
        (1_800_200, FirmwareMoment::Ended { result: ReturnCode::OK }),
    ];
    firmware.into_iter().for_each(|(at, moment)| scenario.probe(at, udev, Moment::Firmware(moment)));
    let hour = Nanos::from_secs(3_600);
    let later = |at| Stamp { mono: stamp(at).mono, boot: stamp(at).boot.plus(hour) };
    let mut at = |at, moment| scenario.probe(at, sleeper, Moment::Suspend(moment));
    at(1_000_000, SuspendMoment::Began { way: Way::Suspend { state: SuspendState::Mem }, pm_test: Some(PmTest::NONE) });
    at(1_010_000, SuspendMoment::FreezeBegan);
    at(1_010_100, SuspendMoment::DisableBegan { depth: Depth::FREEZING });
    at(1_800_300, SuspendMoment::DisableEnded { result: ReturnCode::OK });
    at(1_900_000, SuspendMoment::FreezeEnded { result: ReturnCode::OK });
    let phase = |begins| SuspendMoment::Phase { action: Captured::whole("machine_suspend"), value: 3, begins };
    at(1_950_000, phase(true));
    let after = [
        (2_000_000, phase(false)),
        (2_100_000, SuspendMoment::ThawBegan),
        (2_110_000, SuspendMoment::DepthSet { depth: Depth::ENABLED }),
        (2_200_000, SuspendMoment::Ended { result: ReturnCode::OK }),
    ];
    let mut send = |at, task, moment| {
        let probe = Probe { task, cpu: 0, of_command: false, moment };
        scenario.send(Event { at: later(at), body: Body::Probe(probe) });
    };
    after.into_iter().for_each(|(at, moment)| send(at, sleeper, Moment::Suspend(moment)));
    let helper = Task::new(413, 413, 10_900, "modprobe");
    send(2_150_000, helper, Moment::LoadBegan { syscall: Syscall::Finit, origin: None });
    send(2_160_000, helper, Moment::InitBegun(module("can")));
    send(2_300_000, helper, Moment::Live(module("can")));
    send(2_300_100, helper, Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None });
    send(2_400_000, helper, Moment::Exited { status: Some(WaitStatus::SUCCESS) });
    scenario.send(Event { at: later(3_000_000), body: Body::Fact(Fact::Tick) });
    scenario
}

#[test]
fn a_cycle_that_slept_shows_what_was_frozen_and_what_held_it_up() {
    check_of(&slept(), "slept", |state, model| {
        typed_tabs(state, model, 4);
        typed(state, model, "\n");
    });
}

#[test]
fn firmware_requests_are_listed() {
    check_of(&slept(), "firmware", |state, model| typed_tabs(state, model, 5));
}

/// A deadlock, requests that were answered and got nothing, and a module that comes and goes without any request.
fn troubled() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.machine();
    for round in 0..3_u32 {
        let at = 10_000 + u64::from(round) * 100_000;
        let (loader, unloader) =
            (Task::new(100 + round, 100 + round, 1, "insmod"), Task::new(200 + round, 200 + round, 1, "rmmod"));
        scenario.load(at, loader, "vcan");
        scenario.went_live(at + 5_000, loader, "vcan");
        scenario.probe(at + 20_000, unloader, Moment::UnloadBegan { name: Captured::whole("vcan"), origin: None });
        scenario.probe(at + 21_000, unloader, Moment::Going(module("vcan")));
        scenario.probe(at + 22_000, unloader, Moment::UnloadEnded { result: ReturnCode::OK });
    }
    scenario.resolves("fs-xfs", &[("xfs", &[])]);
    for pid in [500, 501] {
        let requester = Task::new(pid, pid, 9, "mount");
        let at = 400_000 + u64::from(pid);
        let helped = Helped { alias: "fs-xfs", requester, path: "/sbin/modprobe", pid: pid + 50, at };
        scenario.helped(helped, 0);
        scenario.ended(helped, 450_000, 0);
    }
    let second = scenario.asks_for_itself(500_000, 700);
    scenario.probe(520_100, second, Moment::Named { name: Captured::whole("slow") });
    scenario.until(3_000_000);
    scenario
}

#[test]
fn findings() {
    check_of(&troubled(), "findings", |state, model| typed_tabs(state, model, 6));
}

#[test]
fn findings_open_the_request_that_shows_them() {
    let scenario = troubled();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    assert!(shown(model, &state).contains("findings 4"), "the header counts them on every screen");
    typed_tabs(&mut state, model, 6);
    assert_eq!(title(&state), "findings");
    for (name, request) in [("deadlock", 3), ("failed_yet_served", 1), ("hollow_requests", 1)] {
        let screen = shown(model, &state);
        assert!(screen.lines().any(|line| line.starts_with('▶') && line.contains(name)), "{name}: {screen}");
        // Its page, and the first piece of evidence.
        typed(&mut state, model, "\n");
        let page = shown(model, &state);
        assert!(page.contains("what it means") && page.contains(name), "{page}");
        typed(&mut state, model, "\n");
        assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Request(RequestId(request))), "{name}");
        press(&mut state, model, KeyCode::Esc);
        press(&mut state, model, KeyCode::Esc);
        typed(&mut state, model, "j");
    }
    typed(&mut state, model, "/finding:hollow_requests");
    assert_eq!(position(&state).rows, 1);
    assert!(shown(model, &state).contains("findings 4"), "the header counts those that are filtered out too");
    let quiet = Scenario::default();
    assert!(!shown(quiet.model(), &live(quiet.model(), 120, 30)).contains("findings 0"));
}

#[test]
fn every_tab_has_room_whichever_is_shown() {
    let scenario = busy();
    let model = scenario.model();
    for width in [40, 60, 66, 80, 120, 200] {
        let mut state = first_screen(model, width, 12);
        for title in state.titles().collect::<Vec<_>>() {
            let screen = shown(model, &state);
            let tabs = screen.lines().nth(2).unwrap_or_default();
            assert!(tabs.contains(&format!("[{title}]")), "{width}: {tabs}");
            let is_there = |name, number| tabs.contains(name) || (width < 60 && tabs.contains(number));
            assert!(is_there("ove", "1") && is_there("pro", "9"), "{width}: {tabs}");
            press(&mut state, model, KeyCode::Tab);
        }
    }
}

#[test]
fn what_is_stuck_shows_while_it_is() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let requester = Task::new(412, 412, 5, "ping");
    scenario.helped(Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 }, 0);
    scenario.until(10_009_000);
    assert!(!shown(scenario.model(), &live(scenario.model(), 120, 30)).contains("STALLED"));
    scenario.until(10_011_000);
    check_of(&scenario, "stalled", |_, _| {});
    assert!(shown(scenario.model(), &live(scenario.model(), 120, 30)).contains("STALLED 1"));
}

#[test]
fn a_helper_call_that_is_stuck_says_where_under_its_list() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let (_, helper, _) = agent(&mut scenario);
    let stack = ["do_nanosleep", "do_syscall_64"].map(Arc::from);
    scenario.fact(11_000_000, Fact::Stuck { thread: helper.tid, stack: stack.into() });
    scenario.until(12_000_000);
    let mut state = live(scenario.model(), 120, 30);
    typed_tabs(&mut state, scenario.model(), 1);
    let shown = shown(scenario.model(), &state);
    for expected in
        ["in the helper /usr/bin/agent[413]", "no timeout applies", "inside do_nanosleep < do_sys", "STALLED 1"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn a_change_without_an_event_is_seen_by_a_filter() {
    let scenario = busy();
    let mut model = scenario.model().clone();
    let mut state = live(&model, 120, 30);
    typed(&mut state, &model, "/verdict:live\n");
    let live_before = position(&state).rows;
    let waiting = model.requests().find(|request| request.is_open()).cloned().expect("an open request");
    let verdict = Verdict::Live;
    model.apply(&Change::Request(Arc::new(Request { verdict, closed: true, ..(*waiting).clone() })));
    tick(&mut state, &model);
    assert_eq!(position(&state).rows, live_before + 1);
}

#[test]
fn a_page_whose_request_is_no_longer_kept_closes() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    open(&mut state, model, "can-proto-1");
    tick(&mut state, &Model::default());
    assert_eq!(state.opened, None);
}

#[test]
fn keys_quit_open_and_go_back() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    press(&mut state, model, KeyCode::Enter);
    assert!(state.opened.is_some());
    press(&mut state, model, KeyCode::Esc);
    assert!(state.opened.is_none());
    typed(&mut state, model, "?");
    assert_eq!(state.overlay, Overlay::Help(0));
    assert_eq!(press(&mut state, model, KeyCode::Char('q')), Outcome::Continue, "q leaves the help");
    assert_eq!(state.overlay, Overlay::None);
    assert_eq!(press(&mut state, model, KeyCode::Char('q')), Outcome::Continue, "nothing is saved");
    assert_eq!(press(&mut state, model, KeyCode::Char('q')), Outcome::Quit);
    typed(&mut state, model, "??/q");
    assert_eq!(state.overlay, Overlay::None);
    assert_eq!(state.input.as_ref().map(|input| input.text()), Some("q".to_owned()));
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(update(&mut state, model, Msg::Key(interrupt)), Outcome::Quit);
}

#[test]
fn clicks_select_open_and_change_screens() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    click(&mut state, model, 10, 6);
    assert_eq!(position(&state).index, 2);
    click(&mut state, model, 10, 6);
    let opened = state.opened.map(|opened| opened.target);
    assert_eq!(opened.map(|target| format!("{target:?}")), selected(&state).map(|id| format!("Request({id})")));
    click(&mut state, model, 22, 2);
    assert_eq!((title(&state), state.opened), ("helpers", None));
    click(&mut state, model, 10, 23);
    assert_eq!(position(&state).index, 0);
}

#[test]
fn loads_lead_to_the_request_they_serve_and_back() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed_tabs(&mut state, model, 2);
    typed(&mut state, model, "G\n");
    assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Load(LoadId(1))));
    typed(&mut state, model, "\n");
    assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Request(RequestId(1))));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!(state.opened.map(|opened| opened.target), Some(Target::Load(LoadId(1))));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((title(&state), state.opened), ("loads", None));
}

#[test]
fn enter_is_offered_where_the_selected_row_opens_something() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 100, 24);
    // The requests, the helpers, the loads, the duplicates; no suspend, no firmware; the findings, but no moment.
    for opens in [true, true, true, true, false, false, true, false] {
        let screen = shown(model, &state);
        assert_eq!(screen.contains("enter open"), opens, "{screen}");
        press(&mut state, model, KeyCode::Enter);
        assert_eq!(state.opened.is_some(), opens, "{screen}");
        press(&mut state, model, KeyCode::Esc);
        press(&mut state, model, KeyCode::Tab);
    }
}

#[test]
fn a_load_whose_beginning_was_not_seen_took_an_unknown_time_to_go_live() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let (half, whole) = (Task::new(500, 500, 6, "insmod"), Task::new(501, 501, 6, "insmod"));
    scenario.probe(10_000, half, Moment::Live(module("half")));
    let ended = Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None };
    scenario.probe(11_000, half, ended);
    scenario.load(20_000, whole, "whole");
    scenario.went_live(30_000, whole, "whole");
    scenario.until(1_000_000);
    let model = scenario.model();
    let to_live = |name: &str| {
        let load = model.loads().find(|load| load.module.as_deref() == Some(name)).expect(name);
        load.to_live()
    };
    assert!(to_live("half").is_none() && to_live("whole").is_some());
    let mut state = live(model, 120, 30);
    typed_tabs(&mut state, model, 2);
    let screen = shown(model, &state);
    assert!(!screen.contains(" 0ns"), "{screen}");
}

#[test]
fn the_end_of_a_long_page_is_reached_and_not_passed() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 60, 12);
    open(&mut state, model, "can-proto-1");
    press(&mut state, model, KeyCode::End);
    assert!(shown(model, &state).contains("do_syscall_64"));
    let end = state.opened;
    press(&mut state, model, KeyCode::PageDown);
    assert_eq!(state.opened, end);
}

/// Selects the line of the overview with this name.
fn choose(state: &mut UiState, model: &Model, name: &str) {
    let ids = state.screen().expect("a screen").ids();
    let place = ids.iter().position(|id| id == name).unwrap_or_else(|| panic!("{name} is not among {ids:?}"));
    press(state, model, KeyCode::Home);
    for _ in 0..place {
        typed(state, model, "j");
    }
    assert_eq!(selected(state).as_deref(), Some(name));
}

#[test]
fn a_verdict_of_the_overview_leads_to_its_requests_and_the_way_back_keeps_every_place() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    typed(&mut state, model, "/comm:mount\nj");
    let before = (selected(&state), position(&state));
    typed(&mut state, model, "1");
    choose(&mut state, model, "Verdicts not_found");
    typed(&mut state, model, "\n");
    assert_eq!((title(&state), position(&state).rows), ("requests", 2));
    assert!(shown(model, &state).contains("overview › requests verdict:not_found"), "{}", shown(model, &state));
    typed(&mut state, model, "\n");
    assert!(state.opened.is_some());
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((title(&state), position(&state).rows, state.opened), ("requests", 2, None));
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((title(&state), selected(&state).as_deref()), ("overview", Some("Verdicts not_found")));
    typed(&mut state, model, "2");
    assert_eq!((selected(&state), position(&state)), before, "the filter of before is back");
}

#[test]
fn a_bin_of_a_chart_opens_the_rows_that_are_counted_in_it() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = first_screen(model, 120, 30);
    choose(&mut state, model, "Charts requests");
    let mut counted = 0;
    for _ in 0..300 {
        press(&mut state, model, KeyCode::Left);
        let screen = shown(model, &state);
        let Some((_, of_bin)) = screen.split_once("▶requests").filter(|_| screen.contains('▲')) else { break };
        let count: usize = of_bin
            .split_once(", ")
            .and_then(|(_, rest)| rest.split(' ').next())
            .and_then(|count| count.parse().ok())
            .unwrap_or_else(|| panic!("{screen}"));
        typed(&mut state, model, "\n");
        assert_eq!((title(&state), position(&state).rows), ("requests", count), "{screen}");
        press(&mut state, model, KeyCode::Esc);
        assert_eq!(selected(&state).as_deref(), Some("Charts requests"));
        counted += count;
    }
    assert_eq!(counted, model.requests().len(), "every request is in one bin");
}

#[test]
fn what_needs_attention_is_gone_through_with_one_key_and_left_with_one() {
    let scenario = troubled();
    let model = scenario.model();
    let mut state = live(model, 120, 30);
    let all = state.derived.concerns().len();
    assert!(all >= 3);
    let mut targets = Vec::new();
    for _ in 0..all {
        typed(&mut state, model, "!");
        targets.push(state.opened.expect("a page").target);
    }
    typed(&mut state, model, "!");
    assert_eq!(state.opened.map(|opened| opened.target), targets.first().copied(), "it begins again");
    targets.dedup();
    assert_eq!(targets.len(), all);
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((title(&state), state.opened), ("requests", None));
    let quiet = Scenario::default();
    let mut state = live(quiet.model(), 80, 24);
    typed(&mut state, quiet.model(), "!");
    assert!(shown(quiet.model(), &state).contains("nothing needs attention"));
}

#[test]
fn the_next_row_and_the_one_before_open_from_a_page() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    let target = |state: &UiState| state.opened.map(|opened| opened.target);
    typed(&mut state, model, "g\n");
    let newest = target(&state);
    typed(&mut state, model, "p");
    assert_eq!(target(&state), newest, "there is none before");
    assert!(shown(model, &state).contains("this is the first row"));
    typed(&mut state, model, "nn");
    let third = target(&state);
    typed(&mut state, model, "np");
    assert_eq!(target(&state), third);
    press(&mut state, model, KeyCode::Esc);
    assert_eq!(position(&state).index, 2, "the row of the last page is selected");
    // A page that a page led to has no neighbours.
    typed(&mut state, model, "4G\n\n");
    let before = target(&state);
    typed(&mut state, model, "n");
    assert_eq!(target(&state), before);
}

#[test]
fn everything_that_a_page_names_is_led_to() {
    let scenario = busy();
    let model = scenario.model();
    for (width, height) in [(80, 24), (200, 60)] {
        let mut state = live(model, width, height);
        open(&mut state, model, "can-proto-1");
        let (area, opened) = (state.area, state.opened.expect("a page"));
        let links = super::view::page(&state, model, opened.target, area).expect("a page");
        let count = links.links().len();
        assert!(count >= 8, "two loads, a request, the requester, its program and unit, the helper, the module");
        press(&mut state, model, KeyCode::Home);
        let mut reached = Vec::new();
        for _ in 0..200 {
            reached.push(state.opened.expect("a page").link);
            let back = state.clone();
            typed(&mut state, model, "\n");
            assert!(state.opened != back.opened || position(&state).rows > 0, "{}", shown(model, &state));
            press(&mut state, model, KeyCode::Esc);
            assert_eq!(state.opened, back.opened);
            press(&mut state, model, KeyCode::Down);
        }
        reached.dedup();
        assert_eq!(reached, (0..count).collect::<Vec<_>>(), "{width}x{height}");
    }
}

#[test]
fn a_row_is_copied_as_its_line_of_the_log_or_as_json() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed(&mut state, model, "/alias:fs-xfs\n");
    let copied = |state: &mut UiState, key| {
        let outcome = press(state, model, KeyCode::Char(key));
        let Outcome::Copy(text) = outcome else { panic!("{outcome:?}") };
        text
    };
    let line = copied(&mut state, 'y');
    assert!(line.starts_with("10:00:00.300 fs-xfs") && line.contains("nothing that was wanted is live"), "{line}");
    assert!(shown(model, &state).contains("copied"));
    let json = copied(&mut state, 'Y');
    assert!(json.starts_with(r#"{"schema":2,"kind":"request","id":4,"alias":"fs-xfs""#), "{json}");
    typed(&mut state, model, "\n");
    assert_eq!(copied(&mut state, 'Y'), json, "what is open is copied");
    // Every screen has something to copy, and it is JSON.
    let mut state = live(model, 80, 24);
    for screen in ["requests", "helpers", "loads", "duplicates"] {
        assert_eq!(title(&state), screen);
        let object: serde_json::Value = serde_json::from_str(&copied(&mut state, 'Y')).expect("JSON");
        assert!(object.get("kind").is_some(), "{object}");
        typed_tabs(&mut state, model, 1);
    }
    assert_eq!(press(&mut state, model, KeyCode::Char('y')), Outcome::Continue);
    assert!(shown(model, &state).contains("nothing here to copy"));
}

#[test]
fn attention_goes_through_everything_and_its_neighbours_are_not_those_of_a_list() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    let stop = |state: &mut UiState| {
        press(state, model, KeyCode::Char('!'));
        state.notice.clone().expect("a notice")
    };
    let first = stop(&mut state);
    let of: usize = first.strip_prefix("1 of ").and_then(|count| count.parse().ok()).expect("a count");
    assert!(of >= 4, "{first}");
    // The rows of the list below are not what comes next.
    let opened = state.opened.map(|opened| opened.target);
    press(&mut state, model, KeyCode::Char('n'));
    assert_eq!(state.opened.map(|opened| opened.target), opened);
    // Whoever looks at the evidence goes on from there.
    press(&mut state, model, KeyCode::Enter);
    assert_ne!(state.opened.map(|opened| opened.target), opened);
    let others: Vec<String> = (1..of).map(|_| stop(&mut state)).collect();
    assert_eq!(others, (2..=of).map(|place| format!("{place} of {of}")).collect::<Vec<_>>());
    assert_eq!(title(&state), "probes", "what was lost is the last stop");
    assert_eq!(stop(&mut state), first);
    press(&mut state, model, KeyCode::Esc);
    press(&mut state, model, KeyCode::Esc);
    press(&mut state, model, KeyCode::Esc);
    assert_eq!((state.opened, title(&state)), (None, "requests"), "the way back stays short");
}

#[test]
fn the_rows_that_match_are_written_and_a_page_is_viewed_as_text() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    typed(&mut state, model, "/comm:mount\n");
    assert_eq!(press(&mut state, model, KeyCode::Char('w')), Outcome::Save);
    assert_eq!(press(&mut state, model, KeyCode::Char('e')), Outcome::Export("requests"));
    let mut lines = Vec::new();
    super::export::each(&state, model, Form::Json, &mut |line| {
        lines.push(line.to_owned());
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.contains(r#""comm":"mount""#)), "{lines:?}");
    assert_eq!(press(&mut state, model, KeyCode::Char('v')), Outcome::View);
    assert_eq!(super::export::page(&state, model), None, "the rows are viewed");
    typed(&mut state, model, "\n");
    assert_eq!(press(&mut state, model, KeyCode::Char('v')), Outcome::View);
    let page = super::export::page(&state, model).expect("a page");
    assert!(page.contains("where the time went") && page.contains("kernel stack"), "{page}");
    typed(&mut state, model, "1");
    assert_eq!(press(&mut state, model, KeyCode::Char('e')), Outcome::Continue);
    assert!(shown(model, &state).contains("no rows here"));
}

#[test]
fn columns_are_chosen_and_the_choice_is_kept() {
    let scenario = busy();
    let model = scenario.model();
    let mut state = live(model, 80, 24);
    let headings = |state: &UiState| shown(model, state).lines().nth(3).expect("headings").to_owned();
    assert!(!headings(&state).contains("module") && headings(&state).contains("requester"));
    typed(&mut state, model, "o");
    insta::assert_snapshot!("columns_80x24", shown(model, &state));
    // The module always; then the requester never.
    typed(&mut state, model, "jjjj\n");
    press(&mut state, model, KeyCode::Esc);
    assert!(headings(&state).contains("module"), "{}", headings(&state));
    typed(&mut state, model, "ojjjjj\n\n");
    press(&mut state, model, KeyCode::Esc);
    assert_eq!(state.overlay, Overlay::None);
    let chosen = headings(&state);
    assert!(chosen.contains("module") && !chosen.contains("requester"), "{chosen}");
    typed(&mut state, model, "32");
    assert_eq!(headings(&state), chosen, "it is kept");
    typed(&mut state, model, "o");
    for _ in 0..10 {
        typed(&mut state, model, "\n\nj");
    }
    press(&mut state, model, KeyCode::Esc);
    assert!(headings(&state).contains("module") && !headings(&state).contains("alias"), "{}", headings(&state));
    // Of these two, the first was always shown and the second never.
    typed(&mut state, model, "ojjjj\n\nj\n");
    press(&mut state, model, KeyCode::Esc);
    assert!(headings(&state).contains("alias"), "if nothing is wanted, all is shown: {}", headings(&state));
}

#[test]
fn no_verdict_is_cut_on_eighty_columns() {
    for verdict in Verdict::ALL {
        let words = super::format::verdict(verdict);
        assert!(words.len() <= 14, "{words}");
    }
    let scenario = busy();
    let model = scenario.model();
    for width in [60, 80] {
        let state = live(model, width, 24);
        let screen = shown(model, &state);
        for verdict in ["helper failed", "helper missing", "already live", "init failed", "in flight"] {
            assert!(screen.contains(verdict), "{verdict} at {width}: {screen}");
        }
    }
}

#[test]
fn a_stalled_row_says_so_and_what_it_waits_for() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let requester = Task::new(412, 412, 5, "ping");
    let helped = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
    scenario.helped(helped, 0);
    scenario.load(20_000, scenario.helper(helped), "can");
    scenario.until(9_000_000);
    let row = |scenario: &Scenario| {
        let screen = shown(scenario.model(), &live(scenario.model(), 80, 24));
        screen.lines().nth(4).expect("a row").to_owned()
    };
    assert!(row(&scenario).contains("in flight") && row(&scenario).contains("in init"), "{}", row(&scenario));
    scenario.until(12_000_000);
    let stalled = row(&scenario);
    assert!(stalled.contains("stalled") && stalled.contains("!11.9s+") && stalled.contains("in init"), "{stalled}");
    // A limit of the person's own.
    let mut state = UiState::new(Mode::Live);
    state.settings.limit = Nanos::from_secs(60);
    typed(&mut state, scenario.model(), "2");
    assert!(shown(scenario.model(), &state).contains("in flight"));
}

#[test]
fn the_help_scrolls_through_keys_columns_verdicts_and_findings() {
    let scenario = busy();
    let model = scenario.model();
    for (width, height) in [(80, 24), (60, 12)] {
        let mut state = live(model, width, height);
        typed(&mut state, model, "?");
        let mut seen = shown(model, &state);
        for _ in 0..600 {
            press(&mut state, model, KeyCode::Down);
            seen.push_str(&shown(model, &state));
        }
        for word in ["ctrl-z", "in vain", "slot wait", "satisfied by another", "foreign_helper"] {
            assert!(seen.contains(word), "{word} at {width}x{height}");
        }
        let end = state.overlay;
        press(&mut state, model, KeyCode::PageDown);
        assert_eq!(state.overlay, end, "the end is not passed");
        press(&mut state, model, KeyCode::Esc);
        assert_eq!(state.overlay, Overlay::None);
    }
}

#[test]
fn no_keys_in_any_order_break_it() {
    let scenario = busy();
    let model = scenario.model();
    let mut seed = 0x5eed_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let codes = [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::F(1),
        KeyCode::Delete,
    ];
    let characters: Vec<char> = "/?sS gGjkq:alispdvert0é🦀nohyY123456789!<>rfcm'N:".chars().collect();
    let mut state = live(model, 80, 24);
    for step in 0..6_000 {
        let msg = match random(20) {
            0 => Msg::Resize(random(220) as u16, random(70) as u16),
            1 => Msg::Paste("alias:can pid:".into()),
            2 => Msg::Tick { events: random(1_000) },
            3..6 => Msg::Mouse(MouseEvent {
                kind: [MouseEventKind::ScrollUp, MouseEventKind::ScrollDown, MouseEventKind::Down(MouseButton::Left)]
                    [random(3) as usize],
                column: random(230) as u16,
                row: random(80) as u16,
                modifiers: KeyModifiers::NONE,
            }),
            6..12 => Msg::Key(KeyEvent::new(codes[random(codes.len() as u64) as usize], KeyModifiers::NONE)),
            _ => {
                let code = KeyCode::Char(characters[random(characters.len() as u64) as usize]);
                Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
            }
        };
        update(&mut state, model, msg);
        if step % 10 == 0 {
            let _ = shown(model, &state);
        }
    }
}

/// The budgets of a frame and of a tick apply to an optimised build; this one draws either way.
#[test]
fn a_hundred_thousand_requests_are_drawn_in_time() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let count: u32 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
    for pid in 0..count {
        let at = 1_000 + u64::from(pid) * 10;
        let requester = Task::new(5, pid, 1, "storm");
        let one = Helped { alias: "net-pf-9", requester, path: "/x", pid: 200_000 + pid, at };
        scenario.helped(one, -2);
        scenario.probe(at + 3_000, scenario.helper(one), Moment::Exited { status: Some(WaitStatus::SUCCESS) });
        scenario.probe(at + 3_100, one.requester, Moment::CallReturned { result: CallResult::from_return(-2) });
        if pid.is_multiple_of(1_000) {
            scenario.until(at - 1_000);
        }
    }
    scenario.until(9_000_000);
    let model = scenario.model();
    let mut state = live(model, 200, 60);
    assert_eq!(position(&state).rows, count as usize);
    let ways =
        [("newest first", ""), ("the end", "G"), ("filter", "/verdict:helper_missing net-pf\n"), ("by total", "sssss")];
    for (what, keys) in ways {
        typed(&mut state, model, keys);
        let frame = best(|| drop(drawn(model, &state, Theme::Sixteen, 200, 60)));
        let idle = best(|| tick(&mut state.clone(), model));
        let afresh = best(|| {
            // Sorting the other way round and back builds the rows twice.
            typed(&mut state, model, "rr");
        });
        println!("{what}: frame {frame:?}, tick without news {idle:?}, rows afresh {afresh:?}");
        assert!(cfg!(debug_assertions) || frame.as_millis() < 5, "{what}: {frame:?}");
    }
}

/// The shortest of five runs: what the work takes, without what else the machine does.
fn best(mut work: impl FnMut()) -> Duration {
    let runs = (0..5).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    runs.min().unwrap_or_default()
}

#[test]
fn what_turns_text_round_is_spelt_out_on_every_screen() {
    let mut scenario = Scenario::default();
    scenario.machine();
    let alias = "can\u{202e}live\u{1b}[2J";
    let requester = Task::new(412, 412, 5, "pi\u{202e}ng");
    let helped = Helped { alias, requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
    scenario.helped(helped, 0);
    scenario.ended(helped, 20_000, 256);
    scenario.until(2_000_000);
    let model = scenario.model();
    for keys in ["", "\n"] {
        let mut state = live(model, 200, 40);
        typed(&mut state, model, keys);
        let shown = shown(model, &state);
        assert!(shown.contains(r"can\u{202e}live\u{1b}[2J"), "{shown}");
        // The title of a page, too: one name for one thing.
        assert_eq!(shown.matches("[2J").count(), shown.matches(r"can\u{202e}live\u{1b}[2J").count(), "{shown}");
        assert_eq!(shown.matches('?').count(), 1, "only the key for help: {shown}");
        let is_deceptive =
            |character: &char| *character != '\n' && modtrail_core::report::plain::is_deceptive(*character);
        assert_eq!(shown.chars().find(is_deceptive), None, "{shown}");
    }
}

#[test]
fn wide_characters_push_no_column() {
    let mut scenario = Scenario::default();
    scenario.machine();
    for (pid, comm) in [(412, "日本語プロ"), (413, "ping")] {
        let requester = Task::new(pid, pid, 5, comm);
        let alias = if pid == 412 { "模块-模块-模块-模块" } else { "net-pf-29" };
        let helped = Helped { alias, requester, path: "/sbin/modprobe", pid: pid + 100, at: u64::from(pid) * 1_000 };
        scenario.helped(helped, 0);
        scenario.ended(helped, 600_000, 256);
    }
    scenario.until(2_000_000);
    let model = scenario.model();
    let state = live(model, 80, 24);
    let buffer = drawn(model, &state, Theme::Sixteen, 80, 24);
    let screen = text(&buffer);
    let cell = |column: u16, row: u16| buffer.cell((column, row)).map(|cell| cell.symbol().to_owned());
    // Both rows have their requester where the heading has it; the wide one is cut before its pid.
    let heading = screen.lines().nth(3).and_then(|line| line.find("requester")).expect("a heading");
    let column = heading as u16 - 2;
    assert_eq!([cell(column, 4), cell(column, 5)], [Some("p".into()), Some("日".into())], "{screen}");
    assert!(screen.contains("[412]") && screen.contains('…'), "{screen}");
}

#[test]
fn live_and_replay_draw_the_same_screens() {
    let live = busy();
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes).expect("bytes can be written");
    live.events.iter().for_each(|event| recorder.write(event).expect("bytes can be written"));
    recorder.finish(Stamp::awake(u64::MAX)).expect("bytes can be written");
    let mut replayed = Scenario::default();
    read(bytes.as_slice(), |event| {
        // Live goes on where the recording ended.
        if !matches!(event.body, Body::Fact(Fact::End)) {
            replayed.send(event);
        }
    })
    .expect("a recording");
    for keys in [vec![], vec![KeyCode::Enter], vec![KeyCode::Tab], vec![KeyCode::Tab; 2], vec![KeyCode::Tab; 3]] {
        assert_eq!(after(live.model(), &keys), after(replayed.model(), &keys), "{keys:?}");
    }
    assert_ne!(after(live.model(), &[]), after(&Model::default(), &[]));
}

/// The screen after these keys.
fn after(model: &Model, keys: &[KeyCode]) -> Buffer {
    let mut state = live(model, 120, 40);
    for key in keys {
        press(&mut state, model, *key);
        tick(&mut state, model);
    }
    drawn(model, &state, Theme::from_env(None, Some("xterm"), None), 120, 40)
}

/// A recording that is being played, in each state.
fn played() -> [(&'static str, Playback); 5] {
    let scenario = busy();
    let model = scenario.model();
    let span = Some((model.first().expect("events"), model.now()));
    let events = model.counts().events;
    let findings = [stamp(120_000).boot, stamp(900_000).boot].into();
    let playback = Playback {
        status: Status::Paused,
        at: model.now(),
        speed: Speed::default(),
        event: events,
        events,
        indexed: None,
        span,
        findings,
    };
    [
        ("paused", Playback { event: events / 3, ..playback.clone() }),
        (
            "playing",
            Playback {
                status: Status::Playing,
                speed: Speed::default().faster(),
                event: events / 3,
                ..playback.clone()
            },
        ),
        ("indexing", Playback { status: Status::Waiting, indexed: Some(34), ..playback.clone() }),
        ("seeking", Playback { status: Status::Seeking, indexed: Some(71), ..playback.clone() }),
        ("end", Playback { status: Status::AtEnd, ..playback }),
    ]
}

#[test]
fn a_recording_that_is_played_shows_how_and_where() {
    let scenario = busy();
    let model = scenario.model();
    let mut screens = String::new();
    for (name, playback) in played() {
        for (width, height) in SIZES {
            let mut state = UiState::new(replay_of("linux-6.12.mcap", None, Some(playback.clone())));
            update(&mut state, model, Msg::Resize(width, height));
            tick(&mut state, model);
            let lines: Vec<String> =
                shown(model, &state).lines().take(4).map(|line| line.trim_end().to_owned()).collect();
            screens.push_str(&format!("{name} {width}x{height}\n{}\n\n", lines.join("\n")));
        }
    }
    insta::assert_snapshot!("replay_headers", screens);
}

#[test]
fn a_date_is_shown_if_it_is_not_todays() {
    let scenario = busy();
    let model = scenario.model();
    let [.., (_, playback)] = played();
    let mut dates = Vec::new();
    for today in ["2026-11-23", "2026-11-24"] {
        let today = today.parse().ok();
        let playback = Some(playback.clone());
        let mut state = UiState::new(Mode::Replay { name: "x".into(), damage: None, playback, today });
        tick(&mut state, model);
        dates.push(shown(model, &state).contains("2026-11-23 10:00:0"));
    }
    assert_eq!(dates, [false, true]);
}

#[test]
fn keys_play_a_recording_and_nothing_else() {
    let scenario = busy();
    let model = scenario.model();
    let [(_, playback), ..] = played();
    let mut state = UiState::new(replay_of("x", None, Some(playback)));
    let keys = [
        (' ', Command::Toggle),
        ('.', Command::NextEvent),
        (',', Command::PreviousEvent),
        (']', Command::NextRequest),
        ('[', Command::PreviousRequest),
        ('}', Command::NextFinding),
        ('{', Command::PreviousFinding),
        ('+', Command::Faster),
        ('-', Command::Slower),
        ('(', Command::Time(When::Start)),
        (')', Command::Time(When::End)),
    ];
    for (key, command) in keys {
        assert_eq!(press(&mut state, model, KeyCode::Char(key)), Outcome::Play(command), "{key}");
        for mode in [Mode::Live, replay_of("x", None, None)] {
            let mut other = UiState::new(mode);
            assert_eq!(press(&mut other, model, KeyCode::Char(key)), Outcome::Continue, "{key}");
            assert!(other.notice.is_some() || other.is_paused(), "{key}");
        }
    }
    assert!(shown(model, &state).contains("space play"));
}

#[test]
fn a_time_is_typed_and_a_wrong_one_is_not_taken() {
    let scenario = busy();
    let model = scenario.model();
    let [(_, playback), ..] = played();
    let mut state = UiState::new(replay_of("x", None, Some(playback)));
    typed(&mut state, model, "@14;03\n");
    let screen = shown(model, &state);
    assert!(screen.contains("@14;03") && screen.contains("! expected a time such as"), "{screen}");
    update(&mut state, model, Msg::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
    update(&mut state, model, Msg::Paste("-5m".to_owned()));
    let expected = When::Before(Nanos::from_secs(300));
    assert_eq!(press(&mut state, model, KeyCode::Enter), Outcome::Play(Command::Time(expected)));
    typed(&mut state, model, "@");
    assert_eq!(press(&mut state, model, KeyCode::Esc), Outcome::Continue);
    assert_eq!(press(&mut state, model, KeyCode::Char('.')), Outcome::Play(Command::NextEvent));
}
