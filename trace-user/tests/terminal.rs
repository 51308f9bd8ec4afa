//! The real binary on a real terminal: the dashboard over a recording, driven by keys, read as a person sees it.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

struct Person {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// What came, as it came.
    raw: Vec<u8>,
    /// The folder of its states.
    _states: Option<tempfile::TempDir>,
}

impl Person {
    /// Starts `modtrail replay` over the recording of 6.12 on a terminal of this size.
    fn sits_down(rows: u16, cols: u16, environment: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
        command.env_remove("NO_COLOR");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        command.arg("replay");
        command.arg(recording());
        let mut person = Self::starts(command, rows, cols);
        if cols >= 40 && rows >= 10 {
            person.sees(&["overview"]);
            person.types("2");
        }
        person
    }

    /// Starts a shell with job control, on a terminal of 80 by 24, that runs the same. When its job stops, it says so,
    /// reads a line, and continues the job.
    fn sits_down_at_a_shell() -> Self {
        let script = r#"set -m; "$0" replay "$1"; echo "stopped: $?"; read line; fg; echo "ended: $?""#;
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_modtrail")]);
        command.arg(recording());
        Self::starts(command, 24, 80)
    }

    fn starts(mut command: CommandBuilder, rows: u16, cols: u16) -> Self {
        if command.get_env("XDG_CONFIG_HOME").is_none() {
            command.env("XDG_CONFIG_HOME", "/nonexistent");
        }
        let states = command.get_env("XDG_STATE_HOME").is_none().then(|| tempfile::tempdir().expect("a folder"));
        states.iter().for_each(|folder| command.env("XDG_STATE_HOME", folder.path()));
        let pair = native_pty_system().openpty(size(rows, cols)).expect("a pty");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("modtrail starts");
        let mut reader = pair.master.try_clone_reader().expect("the terminal's output");
        let keys = pair.master.take_writer().expect("the terminal's input");
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            screen: vt100::Parser::new(some(rows), some(cols), 0),
            output,
            keys,
            child,
            master: pair.master,
            raw: Vec::new(),
            _states: states,
        }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits until the screen shows all of `wanted`.
    fn sees(&mut self, wanted: &[&str]) {
        let shown = |screen: &vt100::Parser| {
            let text = screen.screen().contents();
            wanted.iter().all(|word| text.contains(word))
        };
        self.waits(|person| shown(&person.screen), &format!("{wanted:?}"));
    }

    /// Waits until the screen does not show `unwanted`.
    fn sees_no_longer(&mut self, unwanted: &str) {
        self.waits(|person| !person.screen.screen().contents().contains(unwanted), unwanted);
    }

    fn waits(&mut self, is_so: impl Fn(&mut Self) -> bool, what: &str) {
        let begun = Instant::now();
        while !is_so(self) {
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::yield_now(),
            }
            assert!(begun.elapsed() < LIMIT, "waiting for {what}, seeing:\n{}", self.screen.screen().contents());
        }
    }

    /// Something else writes on the terminal, and sets it as it likes it.
    fn finds_it_changed(&mut self) {
        self.screen.process(b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?25h\x1b[2J\x1b[Hsomebody else");
    }

    /// Waits until the dashboard has the terminal to itself, and all of it is drawn.
    fn sees_it_back(&mut self) {
        self.sees(&["modtrail", "REPLAY", "[requests]", "1/31", "net-pf", "? help"]);
        self.sees_no_longer("somebody else");
        let is_taken = |person: &mut Self| {
            let screen = person.screen.screen();
            screen.alternate_screen()
                && screen.hide_cursor()
                && screen.bracketed_paste()
                && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
        };
        self.waits(is_taken, "the terminal to be taken over");
    }

    /// Sends a signal to the process with this number.
    fn signals(signal: &str, process: u32) {
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Waits for the program's end: it must be in order, and the terminal as it was.
    fn sees_it_end(self) {
        self.sees_it_end_with(0);
    }

    /// The same, with this exit status.
    fn sees_it_end_with(mut self, status: u32) {
        self.waits(|person| person.child.try_wait().expect("a child").is_some(), "the end");
        assert_eq!(self.child.wait().expect("a child").exit_code(), status);
        self.waits(|person| !person.screen.screen().alternate_screen(), "the terminal to be given back");
        assert!(!self.screen.screen().hide_cursor());
        assert_eq!(self.screen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!self.screen.screen().bracketed_paste());
    }
}

fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/linux-6.12.mcap")
}

/// The only child of a process.
fn child_of(process: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).expect("its children");
    children.trim().parse().expect("one child")
}

/// A terminal has some rows and columns.
fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("some")
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

#[test]
fn a_recording_is_looked_through_and_left() {
    let mut person = Person::sits_down(24, 80, &[]);
    person.sees(&["REPLAY", "6.12", "[requests]", "1/31"]);
    person.types("/verdict:hollow\r");
    person.sees(&["net-pf-35", "modtrail-te", "2 match"]);
    person.types("\r");
    person.sees(&["HOLLOW", "where the time went", "user"]);
    person.types("\x1b");
    // Not before it is gone: an escape and a tab that come together are another key.
    person.sees_no_longer("where the time went");
    person.types("\t\t");
    person.sees(&["[loads]"]);
    person.types("?");
    person.sees(&["keys", "next screen"]);
    person.types("q");
    person.sees_no_longer("next screen");
    person.types("q");
    person.sees_it_end();
}

#[test]
fn a_recording_is_played_stepped_through_and_searched() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.args(["replay", "--from-start"]);
    command.arg(recording());
    let mut person = Person::starts(command, 30, 100);
    person.sees(&["REPLAY", "PAUSED", "linux-6.12.mcap", "event 0 of ", "(0%)", "●"]);
    person.types("..");
    person.sees(&["event 2 of "]);
    person.types(",");
    person.sees(&["event 1 of "]);
    person.types("2]]]");
    person.sees(&["[requests]", "4 rows"]);
    person.types("[");
    person.sees(&["3 rows"]);
    person.types("}");
    person.sees(&["foreign_helper: "]);
    person.types("8");
    person.sees(&["[findings]", "2 rows"]);
    person.types("@20:07:50\r");
    person.sees(&["20:07:50.000", "PAUSED"]);
    person.types("@-2s\r");
    person.sees(&["20:07:48.000"]);
    person.types("@late\r");
    person.sees(&["@late", "expected a time such as"]);
    person.types("\x1b");
    person.sees_no_longer("@late");
    person.types("+++++ ");
    person.sees(&["AT THE END", "(100%)"]);
    person.types(" ");
    person.sees(&["playing from the beginning"]);
    person.types("q");
    person.sees_it_end();
}

#[test]
fn a_recording_opens_at_a_time_and_one_from_a_pipe_is_shown_as_it_ended() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.args(["replay", "--at", "20:07:50"]);
    command.arg(recording());
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["PAUSED", "20:07:50.000"]);
    person.types("q");
    person.sees_it_end();
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", r#"cat "$1" | exec "$0" replay -"#, env!("CARGO_BIN_EXE_modtrail")]);
    command.arg(recording());
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["REPLAY standard input", "[overview]"]);
    person.types(".");
    person.sees(&["what came through a pipe is shown as it ended"]);
    person.types("q");
    person.sees_it_end();
}

/// A folder to run in, and a program in it.
fn folder_with(program: &str) -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pager");
    std::fs::write(&path, program).expect("a program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it can be executed");
    (folder, path)
}

#[test]
fn a_pager_gets_the_terminal_and_its_keys_and_the_dashboard_comes_back() {
    let (folder, pager) =
        folder_with("#!/bin/sh\ncat >shown\necho PAGING\nread answer </dev/tty\necho $answer >answer\n");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.env("PAGER", &pager);
    command.cwd(folder.path());
    command.arg("replay");
    command.arg(recording());
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["[overview]", "AT THE END"]);
    person.types("2");
    person.sees_it_back();
    person.types("v");
    person.sees(&["PAGING"]);
    let screen = person.screen.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor());
    // The pager reads the keys, q too, and a signal from the keyboard does not end the dashboard.
    person.types("quit\n");
    person.waits(|_| folder.path().join("answer").exists(), "the pager to read its keys");
    person.sees(&["REPLAY", "[requests]"]);
    let shown = std::fs::read_to_string(folder.path().join("shown")).expect("what was shown");
    assert_eq!(shown.lines().count(), 31, "{shown}");
    let answer = std::fs::read_to_string(folder.path().join("answer")).expect("what was typed");
    assert!(answer.ends_with("quit\n"), "{answer:?}");
    person.types("q");
    person.sees_it_end();
}

#[test]
fn a_pager_that_leaves_the_terminal_raw_does_not_leave_it_raw_for_good() {
    let mut command = CommandBuilder::new("sh");
    let script = "\"$0\" replay \"$1\"; stty -a | tr ' ' '\\n' | grep -x icanon && echo lines are edited";
    command.args(["-c", script, env!("CARGO_BIN_EXE_modtrail")]);
    command.arg(recording());
    command.env("PAGER", "stty -F /dev/tty raw -echo");
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["[overview]", "AT THE END"]);
    person.types("2v");
    person.sees_it_back();
    person.types("q");
    person.sees(&["lines are edited"]);
}

#[test]
fn a_pager_that_is_missing_is_named_and_the_dashboard_goes_on() {
    let mut person = Person::sits_down(24, 80, &[("PAGER", "/nonexistent/pager")]);
    person.sees_it_back();
    person.types("v");
    person.sees(&["the pager cannot be executed", "[requests]"]);
    person.types("q");
    person.sees_it_end();
}

#[test]
fn rows_are_written_to_a_new_file_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.cwd(folder.path());
    command.arg("replay");
    command.arg(recording());
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["[overview]", "AT THE END"]);
    person.types("2/verdict:hollow\r");
    person.sees(&["2 match"]);
    person.types("e");
    person.sees(&["wrote 2 rows to modtrail-requests.jsonl"]);
    let path = folder.path().join("modtrail-requests.jsonl");
    let text = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(text.matches(r#""verdict":"hollow""#).count(), 2);
    assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "mine").expect("the file");
    person.types("e");
    person.sees(&["wrote 2 rows to modtrail-requests-2.jsonl"]);
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");
    person.types("q");
    person.sees_it_end();
}

#[test]
fn where_nothing_can_be_created_rows_go_to_the_folder_for_temporary_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    // Nobody can create files there, root neither.
    command.cwd("/sys");
    command.env("TMPDIR", folder.path());
    command.arg("replay");
    command.arg(recording());
    let mut person = Person::starts(command, 24, 80);
    person.sees(&["[overview]", "AT THE END"]);
    person.types("2");
    person.sees_it_back();
    person.types("e");
    person.sees(&["wrote 31 rows to /"]);
    let text = std::fs::read_to_string(folder.path().join("modtrail-requests.jsonl")).expect("the file");
    assert_eq!(text.lines().count(), 31);
    person.types("q");
    person.sees_it_end();
}

#[test]
fn a_copied_row_is_given_to_the_terminal() {
    let mut person = Person::sits_down(24, 80, &[]);
    person.sees_it_back();
    person.raw.clear();
    person.types("y");
    person.sees(&["copied"]);
    let begin = b"\x1b]52;c;";
    let found = person.raw.windows(begin.len()).position(|bytes| bytes == begin);
    assert!(found.is_some(), "{:?}", String::from_utf8_lossy(&person.raw));
    person.types("q");
    person.sees_it_end();
}

#[test]
fn ctrl_c_gives_the_terminal_back() {
    let mut person = Person::sits_down(24, 80, &[]);
    person.sees(&["[requests]"]);
    person.types("\x03");
    person.sees_it_end();
}

#[test]
fn a_signal_gives_the_terminal_back_and_is_in_the_exit_status() {
    for (signal, status) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let mut person = Person::sits_down(24, 80, &[]);
        person.sees(&["[requests]"]);
        Person::signals(signal, person.child.process_id().expect("it runs"));
        person.sees_it_end_with(status);
    }
}

#[test]
fn a_job_that_is_stopped_gives_the_terminal_back_and_takes_it_again() {
    for from_outside in [false, true] {
        let mut person = Person::sits_down_at_a_shell();
        person.sees(&["[overview]", "AT THE END"]);
        person.types("2");
        person.sees_it_back();
        if from_outside {
            Person::signals("TSTP", child_of(person.child.process_id().expect("the shell runs")));
        } else {
            person.types("\x1a");
        }
        // What is typed is echoed: the terminal is not raw.
        person.sees(&["stopped: "]);
        person.types("typed at the shell");
        person.sees(&["typed at the shell"]);
        let screen = person.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        person.master.resize(size(30, 100)).expect("the terminal can be resized");
        person.screen.screen_mut().set_size(some(30), some(100));
        person.types("\n");
        person.sees_it_back();
        person.waits(|person| person.screen.screen().contents().lines().count() == 30, "all rows of it");
        person.types("q");
        person.sees(&["ended: 0"]);
        person.sees_it_end();
    }
}

#[test]
fn what_nobody_could_continue_is_not_stopped() {
    let mut person = Person::sits_down(24, 80, &[]);
    person.sees_it_back();
    person.types("\x1a?");
    person.sees(&["keys", "next screen"]);
    person.types("qq");
    person.sees_it_end();
}

#[test]
fn a_terminal_that_somebody_else_used_is_taken_again() {
    let mut person = Person::sits_down(24, 80, &[]);
    person.sees_it_back();
    person.finds_it_changed();
    let process = person.child.process_id().expect("it runs");
    Person::signals("STOP", process);
    Person::signals("CONT", process);
    person.sees_it_back();
    // Only its text is drawn again by a key.
    person.screen.process(b"\x1b[2J\x1b[Hsomebody else");
    person.types("\x0c");
    person.sees_it_back();
    person.types("/alias");
    person.sees(&["/alias"]);
    person.screen.process(b"\x1b[2J\x1b[Hsomebody else");
    person.types("\x0c");
    person.sees(&["REPLAY", "/alias"]);
    person.sees_no_longer("somebody else");
    person.types("\x03");
    person.sees_it_end();
}

#[test]
fn a_terminal_that_is_gone_ends_it() {
    let person = Person::sits_down(24, 80, &[]);
    let Person { mut child, keys, master, output, .. } = person;
    let first = output.recv_timeout(LIMIT).expect("it draws");
    assert!(!first.is_empty());
    drop((keys, master, output));
    let begun = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < LIMIT, "it goes on without a terminal");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_terminal_that_shrinks_and_grows_is_followed() {
    let mut person = Person::sits_down(5, 20, &[]);
    person.sees(&["too small"]);
    person.master.resize(size(40, 120)).expect("the terminal can be resized");
    person.screen.screen_mut().set_size(some(40), some(120));
    person.sees(&["[overview]", "AT THE END"]);
    person.types("2");
    person.sees(&["[requests]", "1/31"]);
    person.types("q");
    person.sees_it_end();
}

/// Starts `modtrail replay` with this folder of states.
fn sits_down_again(states: &Path) -> Person {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.env("XDG_STATE_HOME", states);
    command.arg("replay");
    command.arg(recording());
    let mut person = Person::starts(command, 24, 100);
    person.sees(&["[overview]"]);
    person
}

#[test]
fn a_filter_is_remembered_for_the_next_time() {
    use std::os::unix::fs::PermissionsExt as _;
    let states = tempfile::tempdir().expect("a folder");
    let file = states.path().join("modtrail/filters");
    let mut person = sits_down_again(states.path());
    person.types("2/verdict:hollow\r");
    person.sees(&["2 match"]);
    person.waits(|_| file.exists(), "the file");
    person.types("q");
    person.sees_it_end();
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    let mut person = sits_down_again(states.path());
    person.types("2/\x1b[A");
    person.sees(&["/verdict:hollow", "2 match"]);
    person.types("\r");
    // Nothing is kept in a folder of somebody else; only root can give one away.
    if std::os::unix::fs::chown(states.path(), Some(65_534), None).is_ok() {
        let before = std::fs::read(&file).expect("the file");
        let mut other = sits_down_again(states.path());
        other.types("2/can\r");
        other.sees(&["requests can"]);
        other.types("\x1b");
        other.sees_no_longer("requests can");
        other.types("/\x1b[A");
        other.sees(&["/can", "requests can"]);
        assert_eq!(std::fs::read(&file).expect("the file"), before);
        other.types("\x03");
        other.sees_it_end();
    }
    person.types("q");
    person.sees_it_end();
}

#[test]
fn headings_and_keys_are_clicked_rows_searched_marked_and_found_by_name() {
    let mut person = Person::sits_down(24, 100, &[]);
    person.sees(&["time UTC▾", "1/31"]);
    let at = |person: &Person, text: &str| {
        let lines: Vec<String> = person.screen.screen().rows(0, 100).collect();
        let row = lines.iter().position(|line| line.contains(text)).expect("the text");
        let before = lines.get(row).and_then(|line| line.split_once(text)).expect("what is before it").0;
        (before.chars().count() + 1, row + 1)
    };
    let click = |person: &mut Person, text: &str| {
        // All of it is drawn before it is clicked.
        person.sees(&[text]);
        let (column, row) = at(person, text);
        person.types(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    };
    click(&mut person, "alias");
    person.sees(&["alias▴"]);
    click(&mut person, "alias");
    person.sees(&["alias▾"]);
    person.types("<");
    person.sees(&["time UTC▾"]);
    click(&mut person, "? help");
    person.sees(&["keys", "next screen"]);
    click(&mut person, "esc back");
    person.sees_no_longer("next screen");
    person.types("fverdict:hollow");
    person.sees(&["search verdict:hollow"]);
    person.types("\r");
    let selected = |person: &Person| {
        let lines: Vec<String> = person.screen.screen().rows(0, 100).collect();
        lines.into_iter().find(|line| line.starts_with('▶')).unwrap_or_default()
    };
    person.waits(|person| selected(person).contains("hollow"), "a hollow request to be selected");
    let first = selected(&person);
    person.types("ma");
    person.sees(&["marked: ' a"]);
    person.types("n");
    person.waits(|person| selected(person).contains("hollow") && selected(person) != first, "the next one");
    person.sees(&["31"]);
    person.types("9");
    person.sees(&["[probes]"]);
    person.types("'a");
    person.sees(&["HOLLOW", "where the time went"]);
    person.types(":firm");
    person.sees(&["actions", "firmware"]);
    person.types("\r");
    person.sees(&["[firmware]"]);
    person.types(":#1\r");
    person.sees(&["#1 ", "where the time went"]);
    person.types("q");
    person.sees_it_end();
}

/// A folder of configurations with this file.
fn configured(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("modtrail")).expect("a folder");
    std::fs::write(folder.path().join("modtrail/config.toml"), text).expect("a file");
    folder
}

/// Starts `modtrail replay` with these options and this configuration.
fn sits_down_configured(options: &[&str], text: &str) -> (tempfile::TempDir, Person) {
    let folder = configured(text);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.env_remove("NO_COLOR");
    command.env("XDG_CONFIG_HOME", folder.path());
    command.arg("replay");
    command.args(options);
    command.arg(recording());
    let person = Person::starts(command, 24, 80);
    (folder, person)
}

#[test]
fn what_is_configured_holds_and_the_command_line_goes_first() {
    let background = |person: &Person| person.screen.screen().cell(23, 79).map(vt100::Cell::bgcolor);
    let text = "theme = \"light\"\ntime = \"local\"\nmouse = false\n[keys]\nscreen_2 = [\"R\"]\n";
    let (_folder, mut person) = sits_down_configured(&[], text);
    person.sees(&["[overview]", "REPLAY"]);
    person.waits(|person| background(person) == Some(vt100::Color::Idx(231)), "the light background");
    assert_eq!(person.screen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    person.types("2R");
    person.sees(&["[requests]", "1/31"]);
    person.types("q");
    person.sees_it_end();
    let (_folder, mut person) = sits_down_configured(&["--theme", "dark"], text);
    person.sees(&["[overview]", "AT THE END"]);
    person.waits(|person| background(person) == Some(vt100::Color::Idx(234)), "the dark background");
    person.types("q");
    person.sees_it_end();
    let (_folder, mut person) = sits_down_configured(&["--no-mouse"], "");
    person.sees(&["[overview]", "AT THE END"]);
    assert_eq!(person.screen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    person.types("q");
    person.sees_it_end();
}

#[test]
fn a_configuration_that_is_wrong_is_named_by_file_and_line() {
    let folder = configured("limit = \"10s\"\ncolour = \"pink\"\n");
    for command in ["replay", "log"] {
        let mut modtrail = std::process::Command::new(env!("CARGO_BIN_EXE_modtrail"));
        modtrail.env("XDG_CONFIG_HOME", folder.path()).arg(command);
        if command == "replay" {
            modtrail.arg(recording());
        }
        let output = modtrail.output().expect("modtrail runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("modtrail/config.toml:2: unknown field `colour`"), "{errors}");
    }
}

#[test]
fn a_configuration_is_begun_and_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let init = |options: &[&str]| {
        let mut modtrail = std::process::Command::new(env!("CARGO_BIN_EXE_modtrail"));
        modtrail.env("XDG_CONFIG_HOME", folder.path()).args(["config", "init"]).args(options);
        modtrail.output().expect("modtrail runs")
    };
    let printed = init(&[]);
    assert!(printed.status.success() && String::from_utf8_lossy(&printed.stdout).contains("#theme = \"auto\""));
    assert!(init(&["--write"]).status.success());
    let path = folder.path().join("modtrail/config.toml");
    assert_eq!(std::fs::read(&path).expect("the file"), printed.stdout);
    std::fs::write(&path, "mouse = false\n").expect("the file");
    assert_eq!(init(&["--write"]).status.code(), Some(4));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mouse = false\n");
}

#[test]
fn without_colour_nothing_is_coloured() {
    let coloured = |person: &Person| {
        let screen = person.screen.screen();
        let cells = (0..24).flat_map(|row| (0..80).filter_map(move |col| screen.cell(row, col)));
        cells.filter(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default).count()
    };
    let mut colour = Person::sits_down(24, 80, &[]);
    colour.sees(&["[requests]", "1/31"]);
    assert!(coloured(&colour) > 0);
    let mut plain = Person::sits_down(24, 80, &[("NO_COLOR", "1")]);
    plain.sees(&["[requests]", "1/31"]);
    assert_eq!(coloured(&plain), 0);
    for mut person in [colour, plain] {
        person.types("q");
        person.sees_it_end();
    }
}

/// A row of the table of questions: the question, its keys, what is seen then.
struct Question {
    text: String,
    keys: Vec<String>,
    answer: Vec<String>,
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn questions() -> Vec<Question> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dashboard.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let rows = page.lines().skip_while(|line| !line.starts_with("| question")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [text, keys, answer] = &*cells else { panic!("{line}") };
        Question { text: (*text).to_owned(), keys: quoted(keys), answer: quoted(answer) }
    });
    rows.collect()
}

/// The bytes that a terminal sends for a key.
fn bytes(key: &str) -> &str {
    match key {
        "enter" => "\r",
        "tab" => "\t",
        "left" => "\x1b[D",
        "right" => "\x1b[C",
        "end" => "\x1b[F",
        "pgup" => "\x1b[5~",
        "pgdn" => "\x1b[6~",
        _ if key.chars().count() == 1 => key,
        _ => panic!("{key}"),
    }
}

#[test]
fn every_question_of_the_documentation_is_answered_in_at_most_five_keys() {
    let questions = questions();
    assert_eq!(questions.len(), 20);
    for Question { text, keys, answer } in questions {
        assert!(keys.len() <= 5 && !answer.is_empty(), "{text}");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
        command.arg("replay");
        command.arg(recording());
        let mut person = Person::starts(command, 24, 80);
        person.sees(&["[overview]", "AT THE END", "? help"]);
        let typed: String = keys.iter().map(|key| bytes(key)).collect();
        person.types(&typed);
        println!("{text}");
        let wanted: Vec<&str> = answer.iter().map(String::as_str).collect();
        person.sees(&wanted);
        person.types("q");
        person.sees_it_end();
    }
}
