//! Where alerts go, beside standard output.

pub mod exec;
