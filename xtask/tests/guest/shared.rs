//! Scenarios that share a trace: each has a part of one script, and gets the requests of that part alone. A guest and a
//! start of modtrail are most of what a scenario costs.
//!
//! In: the parts, and a kernel. Out: what modtrail reported for a part. The guest runs once, when the first of its
//! scenarios needs it.

use crate::lab::{Lab, Log, NOT_FOR_ITSELF};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use xtask::guest::Guest;

/// The status of the command that is traced, which modtrail passes on.
pub const STATUS: i32 = 3;

/// A trace, on each kernel.
pub struct Shared {
    /// The guest, before it is traced.
    pub lab: fn(Guest) -> Lab,
    /// What is unloaded after each part, users first.
    pub unloaded: &'static str,
    /// Names and scripts. `helper SCRIPT` makes a script the kernel's helper; after each part that is modprobe again.
    pub parts: &'static [(&'static str, &'static str)],
    /// What modtrail reported, by kernel.
    pub said: Said,
}

/// What modtrail reported for a whole trace, by kernel.
pub type Said = Mutex<BTreeMap<String, Arc<OnceLock<Log>>>>;

impl Shared {
    /// What modtrail reported for the part called `name`; its standard error is that of the whole trace.
    pub fn part(&self, kernel: Guest, name: &str) -> Log {
        let number = self.parts.iter().position(|(part, _)| *part == name).expect("a part of this trace");
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = Arc::clone(said.entry(kernel.to_string()).or_default());
        let whole = said.get_or_init(|| (self.lab)(kernel).log(&self.script()));
        let next = (number + 1 < self.parts.len()).then(|| mark(number + 1));
        whole.between(&mark(number), next.as_deref())
    }

    fn script(&self) -> String {
        let mut script = format!(
            "helper() {{ printf '#!/bin/sh\\n%s\\n%s\\n' '{NOT_FOR_ITSELF}' \"$1\" > /tmp/helper; chmod +x /tmp/helper\n\
             echo /tmp/helper > /proc/sys/kernel/modprobe; }}\n\
             clean_up() {{ echo /sbin/modprobe > /proc/sys/kernel/modprobe\n\
             for module in {}; do while grep -q \"^$module \" /proc/modules; do /sbin/rmmod $module; done; done; }}\n",
            self.unloaded
        );
        for (number, (_, part)) in self.parts.iter().enumerate() {
            script.push_str(&format!("provoke wave {}\n{part}\n", mark(number).replacen("fs-", "fs:", 1)));
            // The last part may leave anything open.
            if number + 1 < self.parts.len() {
                script.push_str("wait; clean_up\n");
            }
        }
        script.push_str(&format!("exit {STATUS}"));
        script
    }
}

/// The alias that is asked for before a part.
fn mark(number: usize) -> String {
    format!("fs-part-{number}")
}
