//! `modtrail config`, and what is configured for the other commands.
//!
//! In: the environment and the files. Out: what is configured; for the command, a file to begin with.

use super::failure::Failure;
use super::output;
use crate::cli::{ConfigCommand, ViewArgs};
use crate::config::{self, Config, Zone};
use crate::files;
use crate::stderr;
use crate::tui::Theme;
use crate::tui::state::Settings;
use modtrail_core::stall;
use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use trace_common::time::Nanos;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the file cannot be written, or is there already.
pub fn run(command: &ConfigCommand) -> Result<ExitCode, Failure> {
    let ConfigCommand::Init { write } = command;
    if !write {
        let _ = output::line(config::template().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(path) = of_person() else {
        return Err(Failure::usage("there is no folder for a configuration: set HOME or XDG_CONFIG_HOME"));
    };
    let failed = |error: &std::io::Error| Failure::input_output(&format!("cannot write {}", path.display()), error);
    if let Some(folder) = path.parent() {
        files::create_folder(folder).map_err(|error| failed(&error))?;
    }
    let mut file = files::create(&path).map_err(|error| failed(&error))?;
    file.write_all(config::template().as_bytes()).map_err(|error| failed(&error))?;
    stderr::say(format_args!("wrote {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// What is configured.
///
/// # Errors
/// [`Failure`] with the file and the line that is wrong.
pub fn configured() -> Result<Config, Failure> {
    config::read(of_person().as_deref()).map_err(|error| Failure::configuration(&error))
}

/// What has been open for this long is reported: as the command line says, else as is configured, else as usual.
///
/// # Errors
/// [`Failure`] if the configuration is wrong.
pub fn limit(typed: Option<Nanos>) -> Result<Nanos, Failure> {
    let config = configured()?;
    Ok(typed.or(config.limit).unwrap_or(stall::LIMIT))
}

fn of_person() -> Option<PathBuf> {
    config::of_person(variable("XDG_CONFIG_HOME").as_deref(), variable("HOME").as_deref())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// How the dashboard looks and behaves.
pub struct Look {
    /// Its colours.
    pub theme: Theme,
    /// Whether it takes the mouse.
    pub mouse: bool,
    /// The rest.
    pub settings: Settings,
}

impl Look {
    /// As the command line says, else as is configured, else as usual.
    ///
    /// # Errors
    /// [`Failure`] if the configuration is wrong.
    pub fn of(args: &ViewArgs) -> Result<Self, Failure> {
        let config = configured()?;
        let fitting = || {
            let [no_color, term, colorterm] = ["NO_COLOR", "TERM", "COLORTERM"].map(variable);
            Theme::from_env(no_color.as_deref(), term.as_deref(), colorterm.as_deref())
        };
        let zone = if args.utc { Zone::Utc } else { config.zone.unwrap_or(Zone::Utc) };
        Ok(Self {
            theme: args.theme.map(|chosen| chosen.0).or(config.theme).flatten().unwrap_or_else(fitting),
            mouse: !args.no_mouse && config.mouse.unwrap_or(true),
            settings: Settings {
                zone: zone.time_zone(),
                limit: config.limit.unwrap_or(stall::LIMIT),
                keymap: config.keymap,
                filters: config.filters,
            },
        })
    }
}
