//! What lines that the kernel printed during a load say about it.
//!
//! In: lines, as the kernel printed them (kernel/module/, 5.10 to 7.3). Out: the name of the module, and the line that
//! says why the load failed. A line of a kind that is not known says nothing: it is shown as it is.

/// What the kernel prints after a module's own name and a colon, before the load has looked the module up.
const AFTER_NAME: [&str; 8] = [
    "version magic \'",
    "disagrees about version of symbol ",
    "no symbol version for ",
    "Unknown symbol ",
    "module is already loaded",
    "module license ",
    "module verification failed",
    "loading out-of-tree module",
];

/// Words of lines about a load that failed, the more telling first.
const TELLING: [&str; 18] = [
    "version magic ",
    "disagrees about version of symbol ",
    "Unknown symbol ",
    " is blacklisted",
    " is rejected",
    "Lockdown: ",
    "LoadPin: ",
    "Only loading ",
    "invalid for parameter ",
    "Invalid ELF header ",
    "Invalid ",
    "verification failed",
    "exec format",
    "too large for parameter ",
    "Unknown rela relocation",
    "exports duplicate symbol ",
    "gave up waiting for init of module ",
    " from namespace ",
];

/// The module that a line is about, if the line names it in one of the ways known: by its own name.
#[must_use]
pub fn module(line: &str) -> Option<&str> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if let Some(name) = line.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is blacklisted")) {
        return is_name(name).then_some(name);
    }
    let (name, rest) = line.split_once(": ")?;
    (is_name(name) && AFTER_NAME.iter().any(|known| rest.starts_with(known))).then_some(name)
}

/// The lines that say why a load failed: all of the most telling kind. None if no line is of a known kind.
#[must_use]
pub fn telling<T: AsRef<str>>(lines: &[T]) -> Vec<&str> {
    let told = TELLING.iter().find_map(|words| {
        let telling: Vec<&str> = lines.iter().map(AsRef::as_ref).filter(|line| line.contains(words)).collect();
        (!telling.is_empty()).then_some(telling)
    });
    told.unwrap_or_default()
}

/// The last line that names the module. Others may be an interrupt's, which printed in the same thread.
#[must_use]
pub fn last<'l, T: AsRef<str>>(lines: &'l [T], module: &str) -> Option<&'l str> {
    lines.iter().map(AsRef::as_ref).rev().find(|line| line.contains(module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_the_module_that_it_refuses() {
        let line = "can: version magic '5.0 SMP ' should be '6.12.0 SMP preempt mod_unload '";
        assert_eq!(module(line), Some("can"));
        assert_eq!(module("af_key: Unknown symbol xfrm_count_pfkey_auth_supported (err -2)"), Some("af_key"));
        assert_eq!(module("Module can is blacklisted"), Some("can"));
        assert_eq!(module("Lockdown: modprobe: unsigned module loading is restricted; see man"), None);
        assert_eq!(module("can: controller area network core"), None);
        assert_eq!(module("a b: version magic '"), None);
    }

    #[test]
    fn the_most_telling_lines_count() {
        let lines = [
            "can: module verification failed: signature",
            "can: Unknown symbol a (err -2)",
            "can: Unknown symbol b (err -2)",
            "bye",
        ];
        assert_eq!(telling(&lines), ["can: Unknown symbol a (err -2)", "can: Unknown symbol b (err -2)"]);
        let lines = ["can: one", "can: two", "DROP IN=eth0"];
        assert_eq!((last(&lines, "can"), last(&lines, "vcan"), telling(&lines).len()), (Some("can: two"), None, 0));
    }
}
