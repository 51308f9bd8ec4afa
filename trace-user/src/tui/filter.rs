//! What the user wants to see: terms that a row must all match.
//!
//! In: typed text and rows. Out: yes or no. A term is a part of any field (`modprobe`), or `key:part` of one
//! (`verdict:hollow`, `pid:413`). Case does not matter. Matching allocates nothing, since it runs over every row.

use super::row::Row;
use super::screen::Screen;
use modtrail_core::attribution::purpose::purpose;
use modtrail_core::entities::{Call, Cycle, Firmware, Load, Request};
use modtrail_core::event::{Captured, Comm, Stamp, Task};
use std::fmt;

/// A field that a term can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The alias asked for.
    Alias,
    /// The module: asked for, or loaded on the way.
    Module,
    /// The name of the requester, caller or loader.
    Comm,
    /// Its pid, its tid or its helper's pid, exactly.
    Pid,
    /// The verdict, as spelt in words or in JSON.
    Verdict,
    /// What a helper call executes.
    Path,
    /// Whether it holds one of the kernel's slots for requests, or waits for one: `held`, `waiting`.
    Slot,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    key: Option<Key>,
    text: String,
    number: Option<u32>,
}

/// Terms that must all match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// Why text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterFault {
    /// The screen's rows have no such field.
    #[error("unknown field {key}: use {known}")]
    UnknownKey {
        /// What stands before the colon.
        key: String,
        /// What may stand there.
        known: Known,
    },
    /// A pid is a number.
    #[error("{text:?} is not a pid: pid must be a number")]
    NoPid {
        /// What stands after the colon.
        text: String,
    },
}

/// The fields of a screen's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known(&'static [Key]);

impl Key {
    /// As typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Module => "module",
            Self::Comm => "comm",
            Self::Pid => "pid",
            Self::Verdict => "verdict",
            Self::Path => "path",
            Self::Slot => "slot",
        }
    }

    /// The fields of a screen's rows.
    #[must_use]
    pub const fn of(screen: Screen) -> Known {
        match screen {
            Screen::Requests => Known(&[Self::Alias, Self::Module, Self::Comm, Self::Pid, Self::Verdict, Self::Slot]),
            Screen::Helpers => Known(&[Self::Path, Self::Comm, Self::Pid]),
            Screen::Loads => Known(&[Self::Module, Self::Comm, Self::Pid]),
            Screen::Duplicates => Known(&[Self::Module]),
            Screen::Suspend => Known(&[Self::Alias, Self::Comm, Self::Pid, Self::Verdict]),
            Screen::Firmware => Known(&[Self::Path, Self::Comm, Self::Pid]),
            Screen::Probes => Known(&[]),
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(out, "words alone");
        }
        for (place, key) in self.0.iter().enumerate() {
            write!(out, "{}{}", if place == 0 { "" } else { " " }, key.as_str())?;
        }
        Ok(())
    }
}

impl Filter {
    /// Everything matches.
    #[must_use]
    pub const fn none() -> Self {
        Self { text: String::new(), terms: Vec::new() }
    }

    /// Reads typed text, for the rows of a screen.
    ///
    /// # Errors
    /// A term names a field that the rows do not have, or a pid is no number.
    pub fn parse(text: &str, screen: Screen) -> Result<Self, FilterFault> {
        let terms = text.split_whitespace().map(|word| term(word, Key::of(screen))).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every row matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the row matches every term at `now`.
    #[must_use]
    pub fn matches(&self, row: Row<'_>, now: Stamp) -> bool {
        self.terms.iter().all(|term| term.matches(row, now))
    }
}

fn term(word: &str, known: Known) -> Result<Term, FilterFault> {
    let Some((key, text)) = word.split_once(':') else {
        return Ok(Term { key: None, text: word.to_ascii_lowercase(), number: word.parse().ok() });
    };
    let Some(key) = known.0.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(key)) else {
        return Err(FilterFault::UnknownKey { key: super::format::cut(key, 12), known });
    };
    let number = text.parse().ok();
    if key == Key::Pid && number.is_none() && !text.is_empty() {
        return Err(FilterFault::NoPid { text: text.to_owned() });
    }
    Ok(Term { key: Some(key), text: text.to_ascii_lowercase(), number })
}

impl Term {
    fn matches(&self, row: Row<'_>, now: Stamp) -> bool {
        if self.text.is_empty() {
            return true;
        }
        match row {
            Row::Request(request) => self.request(request, now),
            Row::Call(call) => self.call(call),
            Row::Load(load) => self.load(load),
            Row::Cycle(cycle) => self.cycle(cycle),
            Row::Firmware(firmware) => self.firmware(firmware),
            Row::Group(group) => self.asks(Key::Module) && self.within(&group.name),
            Row::Hook(hook) => {
                self.within(hook.moment.name()) || hook.attached.as_ref().is_some_and(|attached| self.within(attached))
            }
        }
    }

    fn request(&self, request: &Request, now: Stamp) -> bool {
        let wanted = || request.resolution.iter().flat_map(|resolution| &resolution.modules);
        let loaded = || request.loads.iter().filter_map(|load| load.module.as_ref());
        let helper = || request.call.iter().filter_map(|call| call.helper).map(|(task, _)| task);
        (self.asks(Key::Alias) && self.captured(&request.alias))
            || (self.asks(Key::Verdict)
                && (self.within(request.verdict.words()) || self.within(request.verdict.as_str())))
            || (self.key == Some(Key::Slot) && request.slot(now).is_some_and(|slot| self.within(slot.as_str())))
            || (self.asks(Key::Comm) && self.comm(request.requester.task.comm))
            || (self.asks(Key::Module)
                && (wanted().any(|wanted| self.within(&wanted.name)) || loaded().any(|module| self.within(module))))
            || (self.asks(Key::Pid) && (self.pid(&request.requester.task) || helper().any(|task| self.pid(&task))))
    }

    fn call(&self, call: &Call) -> bool {
        (self.asks(Key::Path) && (self.captured(&call.path) || call.argv.iter().any(|word| self.captured(word))))
            || (self.key.is_none() && purpose(call).is_some_and(|purpose| self.within(purpose)))
            || (self.asks(Key::Comm) && self.comm(call.caller.comm))
            || (self.asks(Key::Pid) && (self.pid(&call.caller) || call.helper.is_some_and(|(task, _)| self.pid(&task))))
    }

    fn cycle(&self, cycle: &Cycle) -> bool {
        let alias = |call: &Call| call.alias().or(call.path.text()).is_some_and(|name| self.within(name));
        (self.asks(Key::Verdict) && self.within(cycle.verdict().as_str()))
            || (self.asks(Key::Comm) && self.comm(cycle.task.comm))
            || (self.asks(Key::Alias) && cycle.met().any(|(_, call)| alias(call)))
            || (self.asks(Key::Pid) && self.pid(&cycle.task))
    }

    fn firmware(&self, firmware: &Firmware) -> bool {
        (self.asks(Key::Path) && self.captured(&firmware.name))
            || (self.key.is_none() && self.captured(&firmware.device))
            || (self.asks(Key::Comm) && self.comm(firmware.task.comm))
            || (self.asks(Key::Pid) && self.pid(&firmware.task))
    }

    fn load(&self, load: &Load) -> bool {
        (self.asks(Key::Module) && load.module.as_ref().is_some_and(|module| self.within(module)))
            || (self.asks(Key::Comm) && self.comm(load.task.comm))
            || (self.asks(Key::Pid) && self.pid(&load.task))
    }

    fn asks(&self, key: Key) -> bool {
        self.key.is_none_or(|asked| asked == key)
    }

    fn captured(&self, captured: &Captured) -> bool {
        captured.text().is_some_and(|text| self.within(text))
    }

    fn comm(&self, comm: Comm) -> bool {
        contains(&comm.0, self.text.as_bytes())
    }

    fn pid(&self, task: &Task) -> bool {
        self.number.is_some_and(|number| number == task.key.tgid.0 || number == task.tid.0)
    }

    fn within(&self, text: &str) -> bool {
        contains(text.as_bytes(), self.text.as_bytes())
    }
}

/// Whether `part`, which is in small letters, stands in `text` in letters of any size.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    text.windows(part.len()).any(|window| {
        window
            .split_first()
            .is_some_and(|(begin, end)| begin.to_ascii_lowercase() == *first && end.eq_ignore_ascii_case(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_pids_are_said() {
        let fault = |text| Filter::parse(text, Screen::Requests).map_err(|fault| fault.to_string());
        assert_eq!(fault("colour:red"), Err("unknown field colour: use alias module comm pid verdict slot".to_owned()));
        assert_eq!(fault("pid:x"), Err("\"x\" is not a pid: pid must be a number".to_owned()));
        assert!(fault("alias:pci:v8086 pid:").is_ok());
    }

    #[test]
    fn letters_match_in_any_size() {
        assert!(contains(b"NET-pf-10", b"net"));
        assert!(!contains(b"net", b"net-pf"));
        assert!(contains(b"", b""));
    }
}
