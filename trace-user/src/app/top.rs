//! `modtrail top`: placeholder until the dashboard's room is wired.

use super::failure::Failure;
use crate::cli::TraceArgs;
use crate::model::Model;
use std::process::ExitCode;

/// x
pub fn run(_trace: &TraceArgs) -> Result<ExitCode, Failure> {
    Err(Failure::no_terminal())
}

/// x
pub fn replay(_model: Model, _name: String) -> Result<(), Failure> {
    Err(Failure::no_terminal())
}
