//! The pictures of the documentation: what the dashboard shows over a real recording. A picture that is stale fails.
//!
//! `MODTRAIL_BLESS=1 cargo test -p modtrail --test pictures` draws them again; look at them before committing them.

use modtrail::tui::picture::svg;
use modtrail::tui::{Mode, Msg, Theme, UiState, draw, update};
use modtrail_core::model::Model;
use modtrail_core::replay::replay;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use std::fs;
use std::path::Path;

const RECORDING: &str = "linux-6.12.mcap";

/// A picture: its name, its size, what it shows, and the keys that lead there.
struct Picture {
    name: &'static str,
    size: (u16, u16),
    title: &'static str,
    keys: &'static str,
}

const PICTURES: [Picture; 4] = [
    Picture { name: "overview", size: (100, 30), title: "the overview", keys: "1" },
    Picture {
        name: "requests",
        size: (100, 20),
        title: "the requests that failed",
        keys: "2/verdict:hollow,not_found\nj",
    },
    Picture { name: "request", size: (100, 30), title: "the page of a request", keys: "2/verdict:live\n\n" },
    Picture { name: "findings", size: (100, 16), title: "the findings", keys: "8" },
];

fn model() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(RECORDING);
    let file = fs::File::open(path).expect("the recording");
    replay(file, |_, _| {}).expect("a recording").0
}

fn drawn(model: &Model, picture: &Picture) -> String {
    let (width, height) = picture.size;
    let mut state =
        UiState::new(Mode::Replay { name: RECORDING.to_owned(), damage: None, playback: None, today: None });
    update(&mut state, model, Msg::Resize(width, height));
    for key in picture.keys.chars() {
        let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
        update(&mut state, model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(model, &state, &Theme::Dark, area, &mut buffer);
    svg(&buffer, picture.title)
}

#[test]
fn the_pictures_show_what_the_dashboard_draws_and_the_readme_shows_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let model = model();
    for picture in PICTURES {
        let path = format!("docs/pictures/{}.svg", picture.name);
        let found = drawn(&model, &picture);
        if std::env::var_os("MODTRAIL_BLESS").is_some() {
            fs::write(root.join(&path), &found).expect("the picture can be written");
        }
        let kept = fs::read_to_string(root.join(&path)).unwrap_or_default();
        assert!(found == kept, "{path} is stale: MODTRAIL_BLESS=1 draws it again");
        assert!(readme.contains(&path), "{path} is not in the README");
        assert!(found.len() < 64 * 1024, "{path} has {} bytes", found.len());
    }
    let kept = fs::read_dir(root.join("docs/pictures")).expect("the pictures").count();
    assert_eq!(kept, PICTURES.len(), "a picture that nobody draws");
}
