//! Patterns of aliases, as modprobe matches them: fnmatch(3) without flags, in the C locale.
//!
//! In: a pattern and a name. Out: whether they match. modprobe sets no locale, so a character is a byte.

/// Whether all of `name` matches `pattern`. `?` is any byte, `*` any number of them, `[…]` one of a set (with `!` or
/// `^` first, any byte that is not in the set), and `\` makes the next byte an ordinary one. A `[` that is never closed
/// is an ordinary byte.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut place, mut at) = (0, 0);
    // The place after the last `*`, and where in the name what follows it was last tried.
    let mut star = None;
    loop {
        if pattern.get(place) == Some(&b'*') {
            place += 1;
            star = Some((place, at));
            continue;
        }
        let Some(byte) = name.get(at) else {
            // Each remaining part of the pattern needs a byte.
            return place == pattern.len();
        };
        if let Some(next) = one(pattern, place, *byte) {
            place = next;
            at += 1;
        } else if let Some((behind, tried)) = star {
            place = behind;
            at = tried + 1;
            star = Some((behind, at));
        } else {
            return false;
        }
    }
}

/// Matches `byte` with the part of the pattern at `place`; returns where the pattern goes on.
fn one(pattern: &[u8], place: usize, byte: u8) -> Option<usize> {
    let literal = match *pattern.get(place)? {
        b'?' => return Some(place + 1),
        b'[' => match set(pattern, place + 1, byte) {
            Some((found, next)) => return found.then_some(next),
            None => b'[',
        },
        b'\\' => match pattern.get(place + 1) {
            Some(next) => return (*next == byte).then_some(place + 2),
            None => b'\\',
        },
        literal => literal,
    };
    (literal == byte).then_some(place + 1)
}

/// Whether `byte` is in the set that begins at `place`, after its bracket, and where the pattern goes on; `None` if the
/// set has no end.
fn set(pattern: &[u8], place: usize, byte: u8) -> Option<(bool, usize)> {
    let others = matches!(pattern.get(place), Some(b'!' | b'^'));
    let first = place + usize::from(others);
    let mut place = first;
    let mut found = false;
    loop {
        if place > first && pattern.get(place) == Some(&b']') {
            return Some((found != others, place + 1));
        }
        let (low, next) = member(pattern, place)?;
        let is_range = pattern.get(next) == Some(&b'-') && pattern.get(next + 1).is_some_and(|end| *end != b']');
        let (high, next) = if is_range { member(pattern, next + 1)? } else { (low, next) };
        found |= (low..=high).contains(&byte);
        place = next;
    }
}

/// A byte of a set, which `\` can precede, and what follows it.
fn member(pattern: &[u8], place: usize) -> Option<(u8, usize)> {
    match *pattern.get(place)? {
        b'\\' => pattern.get(place + 1).map(|byte| (*byte, place + 2)),
        byte => Some((byte, place + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        let fitting = [
            ("can", "can"),
            ("", ""),
            ("*", ""),
            ("*", "any/thing"),
            ("net_pf_?", "net_pf_9"),
            ("pci:v*d*sv*", "pci:v00008086d00001234sv00001"),
            ("a**b", "axxb"),
            ("*ab", "aab"),
            ("a*b*c", "a_b_b_c"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a-c]x", "dx"),
            ("[]]", "]"),
            ("[a-]", "-"),
            ("\\*", "*"),
            ("a[b", "a[b"),
            ("[\\]]", "]"),
            ("usb:v0[0-9]*", "usb:v07p1"),
        ];
        for (pattern, name) in fitting {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let others = [
            ("can", "can_raw"),
            ("can", "ca"),
            ("", "a"),
            ("?", ""),
            ("net_pf_?", "net_pf_10"),
            ("*b", "ba"),
            ("[a-c]x", "dx"),
            ("[!a-c]x", "bx"),
            ("\\*", "a"),
            ("a[b", "ab"),
            ("pci:v*d*", "pci:v1"),
        ];
        for (pattern, name) in others {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        assert!(!matches(&"a*".repeat(200), &"a".repeat(190)));
        assert!(matches(&"*a".repeat(200), &"a".repeat(2_000)));
    }
}
