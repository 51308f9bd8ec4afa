//! Writing the archive an initramfs is made of: cpio in the "newc" form (kernel: buffer-format.rst).
//!
//! In: paths, modes, contents. Out: one archive, with every parent folder, that can be put after another.
//! All entries belong to root and carry no time.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

const TYPE_DIR: u32 = 0o040_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_LINK: u32 = 0o120_000;

/// One archive being written.
#[derive(Debug)]
pub struct Archive<W: Write> {
    sink: W,
    entries: u32,
    folders: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub fn new(sink: W) -> Archive<W> {
        Archive { sink, entries: 0, folders: BTreeSet::new() }
    }

    /// A folder with mode 0755 and its parents.
    pub fn folder(&mut self, path: &str) -> Result<()> {
        self.folder_with_mode(path, 0o755)
    }

    /// A folder with a mode of its own.
    pub fn folder_with_mode(&mut self, path: &str, mode: u32) -> Result<()> {
        let path = path.trim_matches('/');
        if path.is_empty() || self.folders.contains(path) {
            return Ok(());
        }
        self.parents(path)?;
        self.folders.insert(path.to_owned());
        self.entry(path, TYPE_DIR | (mode & 0o7777), &[])
    }

    /// A regular file from memory.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let path = path.trim_matches('/');
        self.parents(path)?;
        self.entry(path, TYPE_FILE | (mode & 0o7777), content)
    }

    /// A symbolic link at `path` that says `target`.
    pub fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let path = path.trim_matches('/');
        self.parents(path)?;
        self.entry(path, TYPE_LINK | 0o777, target.as_bytes())
    }

    /// A file of the host, or a folder with all that is in it; links in it are followed, modes are kept.
    pub fn copy(&mut self, host: &Path, path: &str) -> Result<()> {
        let meta = host.metadata().with_context(|| format!("cannot read {}", host.display()))?;
        let mode = meta.permissions().mode();
        if meta.is_file() {
            let content = fs::read(host).with_context(|| format!("cannot read {}", host.display()))?;
            return self.file(path, mode, &content);
        }
        if !meta.is_dir() {
            bail!("{} is neither a file nor a folder", host.display());
        }
        self.folder_with_mode(path, mode)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(host).with_context(|| format!("cannot read {}", host.display()))? {
            names.push(entry?.file_name());
        }
        names.sort();
        for name in names {
            let inner = name.to_str().context("a file name that is not UTF-8")?;
            self.copy(&host.join(&name), &format!("{path}/{inner}"))?;
        }
        Ok(())
    }

    /// Ends the archive and returns what it was written to.
    pub fn finish(mut self) -> Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.sink.flush().context("cannot write the archive")?;
        Ok(self.sink)
    }

    fn parents(&mut self, path: &str) -> Result<()> {
        match path.rsplit_once('/') {
            Some((parent, _)) => self.folder(parent),
            None => Ok(()),
        }
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let size = u32::try_from(content.len()).context("a file of 4 GiB or more")?;
        self.entries += 1;
        self.put(path, mode, content, size).with_context(|| format!("cannot write {path} to the archive"))
    }

    fn put(&mut self, path: &str, mode: u32, content: &[u8], size: u32) -> io::Result<()> {
        let name = path.len() + 1;
        write!(self.sink, "070701{:08x}{mode:08x}{:08x}{:08x}", self.entries, 0, 0)?;
        write!(self.sink, "{:08x}{:08x}{size:08x}{:08x}{:08x}", 1, 0, 0, 0)?;
        write!(self.sink, "{:08x}{:08x}{name:08x}{:08x}{path}\0", 0, 0, 0)?;
        self.pad(110 + name)?;
        self.sink.write_all(content)?;
        self.pad(content.len())
    }

    /// Both the header with its name and the content fill whole words of four bytes.
    fn pad(&mut self, written: usize) -> io::Result<()> {
        let zeroes = [0_u8; 3];
        self.sink.write_all(zeroes.get(..written.wrapping_neg() % 4).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn entries_fill_whole_words_and_parents_come_first() {
        let mut archive = Archive::new(Vec::new());
        archive.file("/a/b/c", 0o600, b"12345").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        let at = |name: &str| text.find(name).unwrap();
        assert!(at("a\0") < at("a/b\0") && at("a/b\0") < at("a/b/c\0"));
        assert!(at("12345") < at("TRAILER!!!"));
    }
}
