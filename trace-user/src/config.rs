//! The configuration: a file of the machine and one of the person, in TOML.
//!
//! In: the text of the files; later ones go before earlier ones, key by key. Out: [`Config`], or which line of which
//! file is wrong. What is given on the command line overrides all of it.

use crate::files;
use crate::tui::filters::Filters;
use crate::tui::keymap::{BINDINGS, Keymap, parse, words};
use crate::tui::theme::{NAMES, Theme};
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use trace_common::time::Nanos;

/// The file of the machine.
const OF_MACHINE: &str = "/etc/modtrail/config.toml";
/// The file of a person, below the folder of configurations.
const OF_PERSON: &str = "modtrail/config.toml";

/// What is configured; `None` where nothing is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// What has been open for this long is stalled.
    pub limit: Option<Nanos>,
    /// The theme; `Some(None)` is the one that fits the terminal.
    pub theme: Option<Option<Theme>>,
    /// The zone in which the dashboard shows instants.
    pub zone: Option<Zone>,
    /// Whether the dashboard takes the mouse.
    pub mouse: Option<bool>,
    /// The keys.
    pub keymap: Keymap,
    /// The filters that have names.
    pub filters: Filters,
}

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// The machine's.
    Local,
}

impl Zone {
    /// Its offsets.
    #[must_use]
    pub fn time_zone(self) -> TimeZone {
        match self {
            Self::Utc => TimeZone::UTC,
            // Without one, it is UTC.
            Self::Local => TimeZone::try_system().unwrap_or(TimeZone::UTC),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is there and cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A file says something that has no meaning.
    #[error("{}:{line}: {reason}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// A file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    limit: Option<Spanned<String>>,
    theme: Option<Spanned<String>>,
    time: Option<Spanned<String>>,
    mouse: Option<bool>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Spanned<Vec<String>>>,
    #[serde(default)]
    filters: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// The folder of a person's configurations, from the values of `XDG_CONFIG_HOME` and `HOME`.
#[must_use]
pub fn of_person(config_home: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    // A relative one is to be ignored (XDG Base Directory Specification 0.8).
    let folder = config_home.map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| home.filter(|home| !home.is_empty()).map(|home| Path::new(home).join(".config")));
    folder.map(|folder| folder.join(OF_PERSON))
}

/// Reads the files that are there.
///
/// # Errors
/// [`ConfigError`] if one of them cannot be read or is wrong.
pub fn read(of_person: Option<&Path>) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    for path in [Some(Path::new(OF_MACHINE)), of_person].into_iter().flatten() {
        if let Some(text) = text(path)? {
            config.take(&text, path)?;
        }
    }
    Ok(config)
}

/// The text of a file; `None` if there is no such file.
fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    match files::read_small(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        // HOME is still another user's, whose folder this one may not look into: nothing there is this one's.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_hidden(path) => Ok(None),
        Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
    }
}

/// Whether this user may not even know that the file is there.
fn is_hidden(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

impl Config {
    /// Takes over what a file says.
    fn take(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let wrong = |span: Option<Range<usize>>, reason: String| {
            let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or_default();
            ConfigError::Wrong { path: path.to_owned(), line: before.matches('\n').count() + 1, reason }
        };
        let written: Written =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim().replace('\n', "; ")))?;
        if let Some(limit) = written.limit {
            self.limit = Some(duration(limit.get_ref()).map_err(|reason| wrong(Some(limit.span()), reason))?);
        }
        if let Some(theme) = written.theme {
            self.theme = Some(Theme::named(theme.get_ref()).map_err(|reason| wrong(Some(theme.span()), reason))?);
        }
        if let Some(zone) = written.time {
            self.zone = Some(match zone.get_ref().as_str() {
                "utc" => Zone::Utc,
                "local" => Zone::Local,
                other => return Err(wrong(Some(zone.span()), format!("unknown time {other}: use utc or local"))),
            });
        }
        self.mouse = written.mouse.or(self.mouse);
        for (name, query) in &written.filters {
            let added = self.filters.add(name.get_ref(), query.get_ref());
            added.map_err(|reason| wrong(Some(name.span()), reason))?;
        }
        let mut given = Vec::new();
        for (name, keys) in &written.keys {
            for key in keys.get_ref() {
                let parsed = parse(key).map_err(|reason| wrong(Some(name.span()), reason))?;
                if let Some((_, other)) = given.iter().find(|(known, _)| *known == parsed) {
                    let reason = format!("{key} is the key of {other} already");
                    return Err(wrong(Some(name.span()), reason));
                }
                given.push((parsed, name.get_ref()));
            }
            let bound = self.keymap.bind(name.get_ref(), keys.get_ref());
            bound.map_err(|reason| wrong(Some(name.span()), reason))?;
        }
        let all_keys = written.keys.first_key_value().map(|(name, _)| name.span());
        self.keymap.check().map_err(|reason| wrong(all_keys, reason))
    }
}

/// A length of time as it is typed.
///
/// # Errors
/// What was expected, as a sentence.
pub fn duration(text: &str) -> Result<Nanos, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a duration such as 500ms, 10s, 5m or 1h".to_owned())?;
    match u64::try_from(parsed.as_nanos()) {
        Ok(nanoseconds) if nanoseconds > 0 => Ok(Nanos::new(nanoseconds)),
        Ok(_) | Err(_) => Err("must be greater than zero and less than 584 years".to_owned()),
    }
}

/// A file with every key and its usual value, commented out.
#[must_use]
pub fn template() -> String {
    let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    let mut text = format!(
        "# The configuration of modtrail. The machine's file is {OF_MACHINE}; yours is\n\
         # $XDG_CONFIG_HOME/{OF_PERSON} (or ~/.config/{OF_PERSON}), which overrides it.\n\
         # Options of the command line override both.\n\n\
         # What has been open for this long is stalled: 500ms, 10s, 5m, 1h.\n\
         #limit = \"10s\"\n\n\
         # Colours of the dashboard: auto {}.\n\
         # auto is 16, or none if the terminal has no colours or NO_COLOR is set.\n\
         #theme = \"auto\"\n\n\
         # The zone in which the dashboard shows times: utc or local. Filters always take UTC.\n\
         #time = \"utc\"\n\n\
         # Whether the dashboard takes the mouse. Without, the terminal selects text with it.\n\
         #mouse = true\n\n\
         # The keys of the dashboard. A key is a character, ctrl-x, f1 to f12, or one of enter esc tab\n\
         # shift-tab space up down left right pgup pgdn home end delete. [] binds none.\n\
         #[keys]\n",
        names.join(" ")
    );
    for binding in BINDINGS {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("{:?}", words(*key))).collect();
        let line = format!("#{} = [{}]", binding.name, keys.join(", "));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line:<44} # {}", binding.says);
    }
    text.push_str(
        "\n# Filters with names: @failed in a filter of the dashboard stands for the query.\n\
         #[filters]\n\
         #failed = \"verdict:hollow,init_failed,helper_failed,helper_missing\"\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(texts: &[&str]) -> Result<Config, String> {
        let mut config = Config::default();
        for text in texts {
            config.take(text, Path::new("a.toml")).map_err(|error| error.to_string())?;
        }
        Ok(config)
    }

    #[test]
    fn the_template_says_nothing_and_without_its_marks_what_holds_anyway() {
        assert_eq!(take(&[&template()]), Ok(Config::default()));
        let template = template();
        let said = template.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            Some(_) | None => format!("{line}\n"),
        });
        let said = take(&[&said.collect::<String>()]).expect("every line is right");
        assert_eq!(said.limit, Some(modtrail_core::stall::LIMIT));
        assert_eq!((said.theme, said.zone, said.mouse), (Some(None), Some(Zone::Utc), Some(true)));
        assert_eq!(said.keymap, Keymap::default());
    }

    #[test]
    fn the_persons_file_overrides_the_machines_key_by_key() {
        let config = take(&["limit = \"5s\"\ntheme = \"dark\"", "theme = \"none\"\n[keys]\nsort = [\"x\"]"]);
        let config = config.expect("both are right");
        assert_eq!((config.limit, config.theme), (Some(Nanos::from_secs(5)), Some(Some(Theme::Monochrome))));
        assert_ne!(config.keymap, Keymap::default());
    }

    #[test]
    fn filters_have_names() {
        let config = take(&["[filters]\nslow = \"total>1s\"", "[filters]\nslow = \"total>2s\"\nx = \"can\""]);
        let filters = config.expect("both are right").filters;
        assert_eq!(filters.all().collect::<Vec<_>>(), [("slow", "total>2s"), ("x", "can")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("limit = \"10s\"\nlimt = 1", "a.toml:2: unknown field `limt`"),
            ("\n\ntheme = \"pink\"", "a.toml:3: unknown theme pink"),
            ("time = \"here\"", "a.toml:1: unknown time here"),
            ("limit = \"0s\"", "a.toml:1: must be greater"),
            ("limit = 10", "a.toml:1: invalid type"),
            ("[keys]\nhelp = [\"?\"]\nflip = [\"x\"]", "a.toml:3: unknown action flip"),
            ("[keys]\nhelp = [\"q\", \"ctrl-c\"]", "a.toml:2: no key is left for quit"),
            ("[keys]\ncolumns = [\"o\"]\nsort = [\"o\"]", "a.toml:3: o is the key of columns already"),
            ("mouse = true\n= 3", "a.toml:2: "),
            ("[filters]\na = \"can\"\nb = \"colour:red\"", "a.toml:3: unknown field colour"),
            ("[filters]\n\"a b\" = \"can\"", "a.toml:2: \"a b\" is not a name of a filter"),
        ] {
            let error = take(&[text]).expect_err(text);
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_person_has_a_file_where_the_environment_says() {
        let found = |config, home| of_person(config, home).map(|path| path.display().to_string());
        assert_eq!(found(Some("/c"), Some("/h")).as_deref(), Some("/c/modtrail/config.toml"));
        assert_eq!(found(Some("c"), Some("/h")).as_deref(), Some("/h/.config/modtrail/config.toml"));
        assert_eq!(found(Some(""), Some("")), None);
        assert_eq!(found(None, None), None);
    }

    #[test]
    fn a_file_that_is_missing_says_nothing_and_one_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        assert_eq!(text(&path).expect("no file is no error"), None);
        assert_eq!(text(&path.join("below")).expect("no folder is no error"), None);
        fs::write(&path, [0xff]).expect("a file");
        assert!(text(&path).expect_err("it is not text").to_string().contains("config.toml"));
        fs::write(&path, " ".repeat((1 << 20) + 1)).expect("a file");
        assert!(text(&path).is_err());
    }
}
