//! How much memory what an event holds takes, roughly: caps in bytes hold for files that were made to fill the memory,
//! too.
//!
//! In: values. Out: bytes. Shared text counts at each of its places.

use super::{Body, CallEntered, Captured, Event, Fact, FirmwareAsked, FirmwareMoment, Moment, Requested, Resolution};
use std::sync::Arc;

/// What a text costs besides its bytes: a pointer, a length, two counters.
const TEXT: usize = 32;

/// Bytes.
pub(crate) fn text(text: &Arc<str>) -> usize {
    text.len() + TEXT
}

/// Bytes.
pub(crate) fn texts(texts: &[Arc<str>]) -> usize {
    texts.iter().map(text).sum()
}

impl Captured {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.text().map_or(TEXT, text)
    }
}

impl Requested {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let paths: usize = [&self.exe, &self.cgroup].into_iter().flatten().map(text).sum();
        size_of::<Self>() + self.alias.weight() + paths + texts(&self.stack)
    }
}

impl CallEntered {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let words: usize = self.argv.iter().map(Captured::weight).sum();
        size_of::<Self>() + self.path.weight() + words + texts(&self.stack)
    }
}

impl FirmwareAsked {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.name.weight() + self.device.weight()
    }
}

impl Resolution {
    /// Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of = |wanted: &super::Wanted| {
            let replaced: usize =
                wanted.replaced.iter().map(|one| text(&one.module) + text(&one.install.command)).sum();
            let install = wanted.install.as_ref().map_or(0, |install| text(&install.command));
            let options = wanted.options.as_ref().map_or(0, text);
            let others = texts(&wanted.dependencies) + texts(&wanted.after);
            size_of_val(wanted) + text(&wanted.name) + others + replaced + install + options
        };
        size_of::<Self>() + self.modules.iter().map(of).sum::<usize>()
    }
}

impl Event {
    /// Bytes.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else has a fixed size, or little text")]
    pub fn weight(&self) -> usize {
        let more = match &self.body {
            Body::Probe(probe) => match &probe.moment {
                Moment::Requested(requested) => requested.weight(),
                Moment::CallEntered(entered) => entered.weight(),
                Moment::Firmware(FirmwareMoment::Began(asked) | FirmwareMoment::FallbackBegan(asked)) => asked.weight(),
                Moment::Admitted { alias, .. } => alias.weight(),
                Moment::Coming(module)
                | Moment::InitBegun(module)
                | Moment::Live(module)
                | Moment::Going(module)
                | Moment::Freed(module) => module.name.weight(),
                Moment::Named { name } => name.weight(),
                _ => 0,
            },
            Body::Fact(Fact::LiveModules(names)) => texts(names),
            Body::Fact(Fact::Stuck { stack, .. }) => texts(stack),
            Body::Fact(Fact::Hooks(hooks)) => {
                let of = |hook: &super::Hook| {
                    hook.attached.as_ref().map_or(0, text) + text(&hook.loses) + text(&hook.refused)
                };
                hooks.iter().map(of).sum()
            }
            Body::Fact(Fact::Resolved { resolution, .. }) => resolution.weight(),
            Body::Fact(_) => TEXT,
        };
        size_of::<Self>() + more
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{asked, busy};

    #[test]
    fn what_holds_more_text_weighs_more() {
        let long = asked(&"x".repeat(1_000));
        assert!(long.weight() >= asked("x").weight() + 999);
        let lightest = busy().events.iter().map(|event| event.weight()).min();
        assert!(lightest >= Some(size_of::<crate::event::Event>()));
    }
}
