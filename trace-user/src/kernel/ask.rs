//! The kernel's own answers about its symbols, one at a time. Nothing is read that was not asked for, modules that come
//! and go are known at once, and names need no permission to see addresses.
//!
//! In: an address, or a symbol's name. Out: the symbol's name, or its address. Needs Linux 5.16; for older kernels,
//! there is [`super::kallsyms`].

use super::bpf::{self, Type};
use super::object::{Object, Overrides};
use aya::maps::{Array, Map, MapData};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use trace_common::limits::SYMBOL;

/// The programs, built for this architecture.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/ask"));

/// The loaded programs.
pub struct Ask {
    name: Array<MapData, [u8; SYMBOL]>,
    name_of: OwnedFd,
    address_of: OwnedFd,
}

/// A function that contains an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: Arc<str>,
    /// It belongs to a module: it may be gone by the next time.
    pub is_of_module: bool,
}

impl Ask {
    /// Loads the programs; `None` if this kernel does not accept them.
    #[must_use]
    pub fn load() -> Option<Self> {
        let mut object = Object::open(OBJECT, &Overrides::default()).ok()?;
        let load = |object: &Object, name| object.load(name, Type::Syscall)?.ok();
        let (name_of, address_of) = (load(&object, "name_of")?, load(&object, "address_of")?);
        let Map::Array(name) = object.take_map("NAME")? else { return None };
        let name = Array::try_from(Map::Array(name)).ok()?;
        Some(Self { name, name_of, address_of })
    }

    /// The function that contains `address`; `None` if there is none.
    #[must_use]
    pub fn name(&self, address: u64) -> Option<Symbol> {
        let length = bpf::run(self.name_of.as_fd(), address).ok()?;
        // A negative errno, read as a length, is longer than any name.
        let length = u32::try_from(length).ok().and_then(|length| usize::try_from(length).ok())?;
        let bytes = self.name.get(&0, 0).ok()?;
        // A name that does not fit is cut.
        parse(bytes.get(..length.checked_sub(1)?.min(SYMBOL - 1))?)
    }

    /// The address of a symbol; zero if there is no symbol of this name, or if addresses are hidden from us.
    #[must_use]
    pub fn address(&mut self, symbol: &str) -> u64 {
        let mut bytes = [0; SYMBOL];
        let Some(room) = bytes.get_mut(..symbol.len()).filter(|room| room.len() < SYMBOL) else { return 0 };
        room.copy_from_slice(symbol.as_bytes());
        let asked = self.name.set(0, bytes, 0).is_ok();
        if asked { bpf::run(self.address_of.as_fd(), 0).unwrap_or(0) } else { 0 }
    }
}

/// `name` or `name [module]`; a number if the address is not in a symbol.
fn parse(bytes: &[u8]) -> Option<Symbol> {
    let text = String::from_utf8_lossy(bytes);
    let (name, module) = text.split_once(' ').map_or((&*text, None), |(name, module)| (name, Some(module)));
    let is_number = name.starts_with("0x") || name.is_empty();
    (!is_number).then(|| Symbol { name: name.into(), is_of_module: module.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_function_is_known_by_its_brackets() {
        let symbol = |name: &str, is_of_module| Some(Symbol { name: name.into(), is_of_module });
        assert_eq!(parse(b"do_init_module"), symbol("do_init_module", false));
        assert_eq!(parse(b"can_init [can]"), symbol("can_init", true));
        assert_eq!((parse(b"0xffffffffc0000000"), parse(b"")), (None, None));
    }
}
