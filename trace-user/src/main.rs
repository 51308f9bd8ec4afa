//! The `modtrail` binary: parses the command line, runs it, and turns the outcome into an exit status.

use clap::Parser as _;
use modtrail::app;
use modtrail::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => app::run(cli),
        Err(error) => {
            // Help and version go to stdout with status 0, the rest to stderr with 2; a closed pipe is not a failure.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}
