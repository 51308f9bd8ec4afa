//! Kernel strings of bounded length that record whether they are complete.

use crate::limits::{DEVICE_ALIAS, LONG_TEXT, SHORT_TEXT};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A string of up to 55 bytes: an alias, a module's name, an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Text64 {
    /// Bytes of text without the NUL, or a negative errno if the kernel could not read it.
    pub length: i32,
    /// Not zero: the string is longer than what was kept.
    pub truncated: u32,
    /// The text; bytes from `length` on are meaningless.
    pub bytes: [u8; SHORT_TEXT],
}

/// A string of up to 119 bytes: a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Text128 {
    /// Bytes of text without the NUL, or a negative errno if the kernel could not read it.
    pub length: i32,
    /// Not zero: the string is longer than what was kept.
    pub truncated: u32,
    /// The text; bytes from `length` on are meaningless.
    pub bytes: [u8; LONG_TEXT],
}

/// A string of up to 247 bytes: a device's module alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Text256 {
    /// Bytes of text without the NUL, or a negative errno if the kernel could not read it.
    pub length: i32,
    /// Not zero: the string is longer than what was kept.
    pub truncated: u32,
    /// The text; bytes from `length` on are meaningless.
    pub bytes: [u8; DEVICE_ALIAS],
}

const _: () = assert!(size_of::<Text64>() == 64 && size_of::<Text128>() == 128 && size_of::<Text256>() == 256);
