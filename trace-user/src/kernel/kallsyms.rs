//! Names for kernel addresses, from `/proc/kallsyms`: for kernels that cannot be asked for one at a time.
//!
//! In: its text. Out: the symbol that contains an address, and the address of a symbol. Functions are kept, and the
//! data that hooks need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::Arc;

/// The data whose addresses are kept.
const DATA: [&str; 3] = ["module_notify_list", "pm_test_level", "modprobe_path"];

/// The kernel's functions by address, and the data that hooks need.
#[derive(Debug, Default)]
pub struct Symbols {
    addresses: Vec<u64>,
    /// The offset of each name in `names`.
    places: Vec<u32>,
    names: String,
    /// The addresses of data; only a few are needed.
    data: Vec<(&'static str, u64)>,
    core_begin: u64,
    core_end: u64,
}

impl Symbols {
    /// Reads the running kernel's.
    ///
    /// # Errors
    /// What the system answers.
    pub fn read() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/kallsyms")?))
    }

    /// Takes in the text: `address type name [module]` per line. Addresses are zero for a reader without permission to
    /// see them; such lines are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut found: Vec<(u64, &str)> = Vec::new();
        let mut symbols = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(address), Some(class), Some(name)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Ok(address) = u64::from_str_radix(address, 16) else { continue };
            match class {
                "t" | "T" | "w" | "W" if address != 0 => found.push((address, name)),
                _ => symbols.data.extend(DATA.iter().find(|known| **known == name).map(|known| (*known, address))),
            }
            match name {
                "_text" => symbols.core_begin = address,
                "_etext" => symbols.core_end = address,
                _ => {}
            }
        }
        found.sort_by_key(|(address, _)| *address);
        for (address, name) in found {
            symbols.addresses.push(address);
            symbols.places.push(u32::try_from(symbols.names.len()).unwrap_or(u32::MAX));
            symbols.names.push_str(name);
            symbols.names.push('\n');
        }
        symbols
    }

    /// The function that `address` lies in or after.
    #[must_use]
    pub fn name(&self, address: u64) -> Option<Arc<str>> {
        let index = self.addresses.partition_point(|begin| *begin <= address).checked_sub(1)?;
        let begin = usize::try_from(*self.places.get(index)?).ok()?;
        self.names.get(begin..)?.lines().next().map(Into::into)
    }

    /// The addresses of those of these kernel functions whose name is unique.
    #[must_use]
    pub fn functions(&self, wanted: BTreeSet<&'static str>) -> BTreeMap<&'static str, u64> {
        let mut found: BTreeMap<&'static str, Option<u64>> = BTreeMap::new();
        for (name, address) in self.names.lines().zip(&self.addresses).filter(|(_, address)| self.is_core(**address)) {
            if let Some(wanted) = wanted.get(name) {
                found.entry(wanted).and_modify(|only| *only = None).or_insert(Some(*address));
            }
        }
        found.into_iter().filter_map(|(name, address)| Some((name, address?))).collect()
    }

    /// Whether the address is in the kernel proper, whose functions do not come and go. Modules come after it on x86-64
    /// and before it on arm64.
    #[must_use]
    pub const fn is_core(&self, address: u64) -> bool {
        self.core_begin <= address && address < self.core_end
    }

    /// The address of one of `DATA`; zero if not shown.
    #[must_use]
    pub fn address(&self, name: &str) -> u64 {
        self.data.iter().find(|(known, _)| *known == name).map_or(0, |(_, address)| *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_by_the_function_it_lies_in() {
        let text = "0000000000000000 A fixed\n0000000000001000 T _text\n0000000000001000 T first\n0000000000003000 t third\n\
                    0000000000002000 T second\n0000000000004000 T _etext\n0000000000009000 d module_notify_list\n\
                    0000000000008000 t own\t[can]\nbroken\n";
        let symbols = Symbols::parse(text);
        let names = [0xfff, 0x1000, 0x1fff, 0x2001, 0x3abc, 0x8004].map(|address| symbols.name(address));
        let shown: Vec<&str> = names.iter().map(|name| name.as_deref().unwrap_or("-")).collect();
        assert_eq!(shown, ["-", "first", "first", "second", "third", "own"]);
        assert_eq!(symbols.address("module_notify_list"), 0x9000);
        let functions = symbols.functions(["second", "third", "own"].into());
        assert_eq!(functions.into_iter().collect::<Vec<_>>(), [("second", 0x2000), ("third", 0x3000)]);
        assert!(symbols.is_core(0x1000) && !symbols.is_core(0x8004) && !symbols.is_core(0xfff));
    }
}
