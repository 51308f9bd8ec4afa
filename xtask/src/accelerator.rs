//! Whether guests can run on the host's own processor: found out by trying, once per boot of the host.
//!
//! In: a trial. Out: the [`Accelerator`]. `/dev/kvm` being there proves nothing: some hypervisors offer it and
//! then fail in the guest.

use std::fs::{self, File};

use anyhow::Result;

use crate::paths;
use crate::progress::say;
use crate::qemu::Accelerator;

/// Decides, by `trial` where this boot of the host has not seen one. Needs the cache lock.
pub fn decide(trial: impl FnOnce() -> Result<bool>) -> Result<Accelerator> {
    if File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(Accelerator::Tcg);
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let kept = paths::cache()?.join("accelerator");
    let (kvm, tcg) = (format!("{} kvm", boot.trim()), format!("{} tcg", boot.trim()));
    match fs::read_to_string(&kept) {
        Ok(text) if text == kvm => return Ok(Accelerator::Kvm),
        Ok(text) if text == tcg => return Ok(Accelerator::Tcg),
        Ok(_) | Err(_) => say("trying whether guests can run by KVM"),
    }
    let works = trial()?;
    paths::write_whole(&kept, if works { &kvm } else { &tcg }.as_bytes())?;
    if !works {
        say("KVM does not work here: guests are emulated");
    }
    Ok(if works { Accelerator::Kvm } else { Accelerator::Tcg })
}
