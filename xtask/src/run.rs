//! `cargo xtask run`: modtrail on this machine where its kernel can be traced, else in a guest with a demo load.
//!
//! In: nothing. Out: modtrail's screen on a terminal; without one, the report over twenty seconds of the demo.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::artifact;
use crate::guest::Guest;
use crate::paths;
use crate::progress::say;
use crate::series::Series;
use crate::setup;
use crate::streams::Streams;
use crate::terminal;
use crate::vm::{Shipped, VmOptions};

/// What `guest/demo.sh` asks for.
const DEMO_MODULES: [&str; 5] = ["can", "can_raw", "af_key", "llc2", "phonet"];
const DEMO: &str = "/opt/demo.sh";

/// What there is left to do: a guest to run. Where this machine can be traced, this does not return.
pub fn prepare() -> Result<VmOptions> {
    setup::run()?;
    let modtrail = artifact::modtrail()?;
    if can_trace(&modtrail)? {
        let error = privileged(&modtrail).exec();
        return Err(error).context("cannot start modtrail");
    }
    say("this machine's kernel cannot be traced: a 6.12 guest with a demo load instead");
    Ok(demo())
}

fn demo() -> VmOptions {
    let screen = terminal::present();
    let load = format!("{DEMO} >/dev/null 2>&1 </dev/null &");
    let script = if screen {
        format!("{load} exec modtrail")
    } else {
        let file = "/tmp/demo.mtrail";
        format!("{load} modtrail record -o {file} --for 20s >&2 && exec modtrail report {file}")
    };
    let mut options = VmOptions::new(Guest::amd64(Series::V6_12), &["sh", "-c", &script]);
    options.modules = DEMO_MODULES.map(str::to_owned).to_vec();
    options.files = vec![Shipped { host: paths::workspace().join("xtask/guest/demo.sh"), guest: DEMO.to_owned() }];
    if screen {
        options.streams = Streams::Interactive;
        options.timeout = None;
    } else {
        options.streams = Streams::PassThrough;
    }
    options
}

/// `modtrail doctor` decides: 0 it can, 3 it cannot.
fn can_trace(modtrail: &Path) -> Result<bool> {
    let answer = privileged(modtrail).arg("doctor").output().context("cannot start modtrail doctor")?;
    match answer.status.code() {
        Some(0) => Ok(true),
        Some(3) => Ok(false),
        _ => bail!("modtrail doctor: {}\n{}", answer.status, String::from_utf8_lossy(&answer.stderr).trim_end()),
    }
}

fn privileged(program: &Path) -> Command {
    if setup::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}
