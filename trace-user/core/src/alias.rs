//! Formats the alias of a request that was refused before the kernel had formatted it for good.
//!
//! In: the format of `request_module`, the words that it may use, and the strings at those words. Out: the alias, or
//! nothing if the format has a conversion that is not known. The kernel's own formats use `%s`, `%.*s`, `%d`, `%u`,
//! `%i`, `%x` and `%02x`, with a length before them (5.10 to 7.3).

use crate::event::Captured;

/// The alias that `format` makes of `words`; `strings` are those at the words, if they are addresses. It is cut if one
/// of them is.
#[must_use]
pub fn formatted(format: &str, words: &[u64], strings: &[Captured]) -> Option<Captured> {
    let mut alias = String::new();
    let mut is_cut = false;
    let mut place = 0;
    let mut rest = format;
    while let Some((text, conversion)) = rest.split_once('%') {
        alias.push_str(text);
        if let Some(after) = conversion.strip_prefix('%') {
            alias.push('%');
            rest = after;
            continue;
        }
        let end = conversion.find(|letter: char| letter.is_ascii_alphabetic() && !matches!(letter, 'h' | 'l' | 'z'))?;
        let (flags, letter) = (conversion.get(..end)?, conversion.get(end..=end)?);
        rest = conversion.get(end + 1..)?;
        let mut next = || {
            place += 1;
            Some((*words.get(place - 1)?, strings.get(place - 1)?))
        };
        let most = if flags.contains(".*") { Some(usize::try_from(next()?.0 & 0xffff_ffff).ok()?) } else { None };
        let (word, string) = next()?;
        is_cut |= letter == "s" && most.is_none() && matches!(string, Captured::Truncated(_));
        alias.push_str(&converted(flags, letter, word, string, most)?);
    }
    alias.push_str(rest);
    Some(if is_cut { Captured::Truncated(alias.into()) } else { Captured::Whole(alias.into()) })
}

/// One conversion: `%`, flags, letter.
fn converted(flags: &str, letter: &str, word: u64, string: &Captured, most: Option<usize>) -> Option<String> {
    let is_long = flags.contains('l') || flags.contains('z');
    #[expect(clippy::cast_possible_truncation, reason = "a conversion without a length takes 32 bits")]
    let (signed, unsigned) = if is_long {
        (word.cast_signed(), word)
    } else {
        (i64::from((word as u32).cast_signed()), u64::from(word as u32))
    };
    let width =
        flags.trim_matches(|letter: char| !letter.is_ascii_digit()).trim_start_matches('0').parse().unwrap_or(0);
    let padded = |digits: String| {
        let fill = if flags.starts_with('0') { "0" } else { " " };
        fill.repeat(usize::min(width, 16).saturating_sub(digits.len())) + &digits
    };
    match letter {
        "s" => Some(string.text()?.chars().take(most.unwrap_or(usize::MAX)).collect()),
        "d" | "i" => Some(padded(signed.to_string())),
        "u" => Some(padded(unsigned.to_string())),
        "x" => Some(padded(format!("{unsigned:x}"))),
        "X" => Some(padded(format!("{unsigned:X}"))),
        "c" => char::from_u32(u32::try_from(unsigned).ok()?).map(String::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Errno;

    fn check(format: &str, words: &[u64], alias: Option<&str>) {
        let strings = [Captured::whole("xfs"), Captured::whole("second"), Captured::Unreadable(Errno::EINVAL)];
        assert_eq!(formatted(format, words, &strings), alias.map(Captured::whole), "{format}");
    }

    #[test]
    fn the_kernels_formats_are_known() {
        check("fs-%s", &[1, 0, 0], Some("fs-xfs"));
        check("fs-%.*s", &[2, 2, 0], Some("fs-se"));
        check("net-pf-%d-proto-%d-type-%d", &[16, 15, 0xffff_ffff], Some("net-pf-16-proto-15-type--1"));
        check("net-pf-%d-proto-%d%s", &[16, 15, 0], None);
        check("binfmt-%04x", &[0x46c, 0, 0], Some("binfmt-046c"));
        check("i2c:%lu %llx", &[5, 0xffff_ffff_ffff, 0], Some("i2c:5 ffffffffffff"));
        check("100%% %u", &[7, 0, 0], Some("100% 7"));
        check("plain", &[], Some("plain"));
    }

    #[test]
    fn what_is_made_of_a_cut_string_is_cut() {
        let strings = [Captured::Truncated("xfs".into())];
        assert_eq!(formatted("fs-%s", &[1], &strings), Some(Captured::Truncated("fs-xfs".into())));
        assert_eq!(formatted("fs-%d", &[1], &strings), Some(Captured::whole("fs-1")));
    }

    #[test]
    fn an_odd_format_gives_nothing() {
        check("fs-%pV", &[1, 0, 0], None);
        check("fs-%s%s%s%s", &[1, 2, 3], None);
        check("fs-%", &[1, 2, 3], None);
        check("%5", &[1, 2, 3], None);
    }
}
