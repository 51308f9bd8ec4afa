//! The only file that knows colours. Everything else names a [`Tone`].
//!
//! In: what the environment says about the terminal, as values. Out: styles. A tone never carries a meaning that the
//! text beside it does not have too, so the monochrome theme loses nothing.

use ratatui::style::{Color, Modifier, Style};

/// What kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary.
    Plain,
    /// Less important.
    Dim,
    /// A title or a column's head.
    Title,
    /// A key that can be pressed, or the name of something.
    Accent,
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Under way.
    Busy,
    /// What leads somewhere.
    Link,
    /// The row or tab that is selected.
    Selected,
}

/// Styles for tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's own 16 colours.
    Colours,
    /// No colours: only bold, dim and reversed.
    Monochrome,
}

impl Theme {
    /// The theme for a terminal, from the values of `NO_COLOR`, `TERM` and `COLORTERM`: no colours if the user wants
    /// none (`NO_COLOR` set and not empty) or the terminal is not known to have any.
    #[must_use]
    pub fn from_env(no_color: Option<&str>, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let wanted = no_color.is_none_or(str::is_empty);
        let said = colorterm.is_some_and(|colorterm| !colorterm.is_empty());
        let term = term.unwrap_or_default();
        let plain = term.is_empty() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2");
        if wanted && (said || !plain) { Self::Colours } else { Self::Monochrome }
    }

    /// The tone's style.
    #[must_use]
    pub fn style(self, tone: Tone) -> Style {
        match self {
            Self::Colours => coloured(tone),
            Self::Monochrome => monochrome(tone),
        }
    }
}

fn coloured(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain => style,
        Tone::Dim => style.fg(Color::DarkGray),
        Tone::Title => style.add_modifier(Modifier::BOLD),
        Tone::Accent => style.fg(Color::Cyan),
        Tone::Good => style.fg(Color::Green),
        Tone::Warn => style.fg(Color::Yellow),
        Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::Busy => style.fg(Color::Blue).add_modifier(Modifier::BOLD),
        Tone::Link => style.add_modifier(Modifier::UNDERLINED),
        Tone::Selected => style.add_modifier(Modifier::REVERSED),
    }
}

fn monochrome(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain | Tone::Good => style,
        Tone::Dim => style.add_modifier(Modifier::DIM),
        Tone::Title | Tone::Accent | Tone::Warn | Tone::Bad | Tone::Busy => style.add_modifier(Modifier::BOLD),
        Tone::Link => style.add_modifier(Modifier::UNDERLINED),
        Tone::Selected => style.add_modifier(Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_where_they_are_wanted_and_known() {
        assert_eq!(Theme::from_env(None, Some("xterm-256color"), None), Theme::Colours);
        assert_eq!(Theme::from_env(Some(""), Some("linux"), None), Theme::Colours);
        assert_eq!(Theme::from_env(Some("1"), Some("xterm"), Some("truecolor")), Theme::Monochrome);
        assert_eq!(Theme::from_env(None, Some("dumb"), None), Theme::Monochrome);
        assert_eq!(Theme::from_env(None, None, None), Theme::Monochrome);
    }
}
