//! Where alerts go besides standard output.

pub mod exec;
