//! `cargo xtask`: reads the command line, does one task, and says in one line what went wrong.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    xtask::interrupt::watch();
    match xtask::cli::Arguments::parse().run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
