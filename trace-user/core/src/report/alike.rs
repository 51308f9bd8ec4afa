//! Whether two sentences say the same of different tasks: names count, the numbers of one occurrence do not.
//!
//! In: a sentence. Out: the same without process numbers, numbers of requests, durations and counts.

/// The sentence with `…` for what differs from one occurrence to the next: `modprobe[147] waits for #12 (for 2.3s)` is
/// `modprobe[…] waits for #… (for …)`. Numbers within names (`net-pf-29`) stay.
#[must_use]
pub fn alike(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len());
    let (mut token, mut before) = (String::new(), String::new());
    for character in sentence.chars().chain(Some(' ')) {
        if character.is_whitespace() || "[]()#,;:'\"".contains(character) {
            // How something exited is not chance.
            let counts = matches!(before.as_str(), "exit" | "exited" | "status" | "signal");
            out.push_str(if is_number(&token) && !counts { "…" } else { &token });
            before = std::mem::take(&mut token);
            out.push(character);
        } else {
            token.push(character);
        }
    }
    out.pop();
    out
}

/// Digits, perhaps with a point, a sign and a unit.
fn is_number(token: &str) -> bool {
    const UNITS: [&str; 11] = ["", "ns", "us", "ms", "s", "B", "KiB", "MiB", "GiB", "%", "x"];
    let token = token.trim_start_matches(['+', '-']).trim_end_matches('.');
    let unit = token.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
    token.starts_with(|character: char| character.is_ascii_digit()) && UNITS.contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn numbers_of_one_occurrence_do_not_count_and_names_do() {
        let one = "deadlock: modprobe[147] waits 2.30s for #12 (net-pf-29), 13 deep";
        let other = "deadlock: modprobe[9] waits 950ms for #7 (net-pf-29), 2 deep";
        assert_eq!(alike(one), alike(other));
        assert_eq!(alike(one), "deadlock: modprobe[…] waits … for #… (net-pf-29), … deep");
        assert_ne!(alike("asked for net-pf-29"), alike("asked for net-pf-30"));
        assert_ne!(alike("modprobe exited 1"), alike("modprobe exited 7"));
        assert_eq!(alike(""), "");
    }
}
