//! The only file that knows colours. Everything else names a [`Tone`].
//!
//! In: what the person chose, and what the environment says about the terminal, as values. Out: styles. A tone never
//! carries a meaning that the text beside it does not have too, so the theme without colours loses nothing.
//!
//! Themes with a background of their own use the part of the 256 colours that is the same on every terminal, so that
//! their contrast is known. The one of 16 colours is the terminal's own palette, whatever that is.

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
    /// Light text on a dark background.
    Dark,
    /// Dark text on a light background.
    Light,
    /// White on black, and little else.
    HighContrast,
    /// Colours that can be distinguished without red and green.
    ColourBlind,
    /// The terminal's own 16 colours and background.
    Sixteen,
    /// No colours: only bold, dim and reversed.
    Monochrome,
}

/// The names of themes, as a person types them; `auto` is none of them.
pub const NAMES: [(&str, Theme); 6] = [
    ("dark", Theme::Dark),
    ("light", Theme::Light),
    ("high-contrast", Theme::HighContrast),
    ("colour-blind", Theme::ColourBlind),
    ("16", Theme::Sixteen),
    ("none", Theme::Monochrome),
];

/// Colours of a theme with a background of its own, by their numbers among the 256.
#[derive(Clone, Copy, Debug)]
struct Palette {
    background: u8,
    plain: u8,
    dim: u8,
    accent: u8,
    good: u8,
    warn: u8,
    bad: u8,
    busy: u8,
    /// Text and background of what is selected.
    selected: (u8, u8),
}

const DARK: Palette = Palette {
    background: 234,
    plain: 252,
    dim: 246,
    accent: 80,
    good: 114,
    warn: 221,
    bad: 210,
    busy: 111,
    selected: (231, 24),
};
const LIGHT: Palette = Palette {
    background: 231,
    plain: 235,
    dim: 241,
    accent: 24,
    good: 22,
    warn: 94,
    bad: 124,
    busy: 55,
    selected: (231, 25),
};
const HIGH_CONTRAST: Palette = Palette {
    background: 16,
    plain: 231,
    dim: 251,
    accent: 123,
    good: 120,
    warn: 227,
    bad: 217,
    busy: 153,
    selected: (16, 231),
};
// After Okabe and Ito: sky blue, yellow and vermilion, which differ in brightness too.
const COLOUR_BLIND: Palette = Palette {
    background: 234,
    plain: 252,
    dim: 246,
    accent: 152,
    good: 75,
    warn: 227,
    bad: 208,
    busy: 182,
    selected: (16, 250),
};

impl Theme {
    /// The theme for a terminal, from the values of `NO_COLOR`, `TERM` and `COLORTERM`: no colours if the user wants
    /// none (`NO_COLOR` set and not empty) or the terminal is not known to have any.
    #[must_use]
    pub fn from_env(no_color: Option<&str>, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let wanted = no_color.is_none_or(str::is_empty);
        let said = colorterm.is_some_and(|colorterm| !colorterm.is_empty());
        let term = term.unwrap_or_default();
        let plain = term.is_empty() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2");
        if wanted && (said || !plain) { Self::Sixteen } else { Self::Monochrome }
    }

    /// The theme with this name; `None` for `auto`: the one that fits the terminal.
    ///
    /// # Errors
    /// There is none: which there are, as a sentence.
    pub fn named(name: &str) -> Result<Option<Self>, String> {
        if name == "auto" {
            return Ok(None);
        }
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, theme)| Some(*theme));
        found.ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("unknown theme {name}: use auto {}", names.join(" "))
        })
    }

    /// The tone's style.
    #[must_use]
    pub fn style(self, tone: Tone) -> Style {
        match self {
            Self::Dark => painted(DARK, tone),
            Self::Light => painted(LIGHT, tone),
            Self::HighContrast => painted(HIGH_CONTRAST, tone),
            Self::ColourBlind => painted(COLOUR_BLIND, tone),
            Self::Sixteen => coloured(tone),
            Self::Monochrome => monochrome(tone),
        }
    }
}

/// Every cell has the background, so that the contrast is that of the theme.
fn painted(palette: Palette, tone: Tone) -> Style {
    let of = |colour| Style::new().fg(Color::Indexed(colour)).bg(Color::Indexed(palette.background));
    match tone {
        Tone::Plain => of(palette.plain),
        Tone::Dim => of(palette.dim),
        Tone::Title => of(palette.plain).add_modifier(Modifier::BOLD),
        Tone::Accent => of(palette.accent),
        Tone::Good => of(palette.good),
        Tone::Warn => of(palette.warn),
        Tone::Bad => of(palette.bad).add_modifier(Modifier::BOLD),
        Tone::Busy => of(palette.busy),
        Tone::Link => of(palette.accent).add_modifier(Modifier::UNDERLINED),
        Tone::Selected => {
            let (text, background) = palette.selected;
            Style::new().fg(Color::Indexed(text)).bg(Color::Indexed(background))
        }
    }
}

fn coloured(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain => style,
        // Some palettes have bright black for the background.
        Tone::Dim => style.add_modifier(Modifier::DIM),
        Tone::Title => style.add_modifier(Modifier::BOLD),
        Tone::Accent => style.fg(Color::Cyan),
        Tone::Good => style.fg(Color::Green),
        Tone::Warn => style.fg(Color::Yellow),
        Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        // Blue is hard to read on black in the palettes of xterm and of the console.
        Tone::Busy => style.fg(Color::Magenta),
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

    const TONES: [Tone; 10] = [
        Tone::Plain,
        Tone::Dim,
        Tone::Title,
        Tone::Accent,
        Tone::Good,
        Tone::Warn,
        Tone::Bad,
        Tone::Busy,
        Tone::Link,
        Tone::Selected,
    ];

    /// The colour of a number, as xterm defines it and others follow: a cube and a ramp of greys.
    fn rgb(colour: Option<Color>) -> [f64; 3] {
        let Some(Color::Indexed(number @ 16..)) = colour else {
            panic!("{colour:?} is not the same on every terminal")
        };
        if number >= 232 {
            return [f64::from(number - 232) * 10.0 + 8.0; 3];
        }
        let cube = number - 16;
        let level = |part: u8| if part == 0 { 0.0 } else { f64::from(part) * 40.0 + 55.0 };
        [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
    }

    fn linear(channel: f64) -> f64 {
        let share = channel / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    }

    /// The contrast of two colours after WCAG 2, from 1 to 21.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance =
            |[red, green, blue]: [f64; 3]| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_tone_of_every_painted_theme_can_be_read() {
        for (theme, least) in
            [(Theme::Dark, 4.5), (Theme::Light, 4.5), (Theme::HighContrast, 7.0), (Theme::ColourBlind, 4.5)]
        {
            for tone in TONES {
                let style = theme.style(tone);
                let found = contrast(rgb(style.fg), rgb(style.bg));
                assert!(found >= least, "{theme:?} {tone:?}: {found:.1}");
            }
            let (selected, plain) = (theme.style(Tone::Selected).bg, theme.style(Tone::Plain).bg);
            assert!(contrast(rgb(selected), rgb(plain)) >= 1.5, "{theme:?}: the selected row stands out");
        }
    }

    /// How a colour is seen without the cones for red, or for green (Viénot, Brettel, Mollon 1999).
    fn seen(colour: [f64; 3], lacks_red: bool) -> [f64; 3] {
        let [red, green, blue] = colour.map(linear);
        let long = 17.8824 * red + 43.5161 * green + 4.11935 * blue;
        let medium = 3.45565 * red + 27.1554 * green + 3.86714 * blue;
        let short = 0.0299566 * red + 0.184309 * green + 1.46709 * blue;
        let (long, medium) = if lacks_red {
            (2.02344 * medium - 2.52581 * short, medium)
        } else {
            (long, 0.494207 * long + 1.24827 * short)
        };
        [
            0.0809444479 * long - 0.130504409 * medium + 0.116721066 * short,
            -0.0102485335 * long + 0.0540193266 * medium - 0.113614708 * short,
            -0.000365296938 * long - 0.00412161469 * medium + 0.693511405 * short,
        ]
    }

    #[test]
    fn good_and_bad_are_told_apart_without_red_or_green() {
        let theme = Theme::ColourBlind;
        let told = [Tone::Good, Tone::Warn, Tone::Bad];
        for lacks_red in [true, false] {
            for (place, one) in told.iter().enumerate() {
                for other in told.iter().skip(place + 1) {
                    let [first, second] = [one, other].map(|tone| seen(rgb(theme.style(*tone).fg), lacks_red));
                    let far: f64 = first.iter().zip(second).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(far > 0.25, "{one:?} and {other:?} are {far:.2} apart");
                }
            }
        }
    }

    #[test]
    fn a_theme_is_known_by_its_name() {
        assert_eq!(Theme::named("auto"), Ok(None));
        assert!(NAMES.iter().all(|(name, theme)| Theme::named(name) == Ok(Some(*theme))));
        assert!(Theme::named("pink").is_err_and(|sentence| sentence.contains("high-contrast")));
    }

    #[test]
    fn colours_are_used_where_they_are_wanted_and_known() {
        assert_eq!(Theme::from_env(None, Some("xterm-256color"), None), Theme::Sixteen);
        assert_eq!(Theme::from_env(Some(""), Some("linux"), None), Theme::Sixteen);
        assert_eq!(Theme::from_env(Some("1"), Some("xterm"), Some("truecolor")), Theme::Monochrome);
        assert_eq!(Theme::from_env(None, Some("dumb"), None), Theme::Monochrome);
        assert_eq!(Theme::from_env(None, None, None), Theme::Monochrome);
    }
}
