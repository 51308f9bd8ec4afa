//! Files that are written whole or not at all, and new ones that replace nothing.
//!
//! In: a path, and what writes the content. Out: the file with all of it, for its owner alone; or the file as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A file that takes the place of another when it is done; until then, it is beside it, and gone if it is dropped.
#[derive(Debug)]
pub struct Beside {
    file: NamedTempFile,
    path: PathBuf,
}

impl Beside {
    /// Begins one that takes the place of `path`, for its owner alone.
    ///
    /// # Errors
    /// What the system answered.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let folder = folder(path);
        let file = Builder::new().prefix(".modtrail-").tempfile_in(folder)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// The file to write.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// It is written: it goes to disk, and takes its place. Returns where that is.
    ///
    /// # Errors
    /// What the system answered.
    pub fn done(self) -> io::Result<PathBuf> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map(drop).map_err(|failed| failed.error)?;
        Ok(self.path)
    }
}

/// Writes a file: beside it first, then in its place. What is not a plain file (a device, a pipe) is written to as it
/// is. A symbolic link is refused: whoever made it would choose the file.
///
/// # Errors
/// What the system answered, or why the file is not written to.
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && !is_link_of_system(path) => {
            return Err(io::Error::other("it is a symbolic link; name the file itself"));
        }
        Ok(found) if !found.is_file() => return write_through(path, content),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let beside = Beside::begin(path)?;
    filled(&mut beside.file(), content)?;
    beside.done().map(drop)
}

/// A file that was not there before, for its owner alone. Nothing that is there is replaced, and a symbolic link is not
/// followed.
///
/// # Errors
/// What the system answered.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A folder and those above it, if they are not there.
///
/// # Errors
/// What the system answered.
pub fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// How large a file may be that is read whole, in bytes.
const SMALL: u64 = 1 << 20;

/// The text of a small file.
///
/// # Errors
/// What the system answered, or that it is too large or not text.
pub fn read_small(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(SMALL + 1).read_to_string(&mut text)?;
    if read as u64 > SMALL { Err(io::Error::other("it is larger than 1 MiB")) } else { Ok(text) }
}

/// Whether nobody but this user and root can have made the path: every part of it that is there, links too, belongs to
/// one of them.
#[must_use]
pub fn is_own(path: &Path) -> bool {
    let own = [0, rustix::process::geteuid().as_raw()];
    path.ancestors().all(|part| match fs::symlink_metadata(part) {
        Ok(found) => own.contains(&found.uid()),
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    })
}

/// Whether both are names of one file.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    id(one).is_some_and(|one| Some(one) == id(other))
}

fn write_through(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    filled(&mut OpenOptions::new().write(true).open(path)?, content)
}

fn filled(file: &mut impl Write, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.flush()
}

/// Folders whose links are the system's own: `/dev/stdout`, and `/dev/fd/63` of a shell's `>(command)`.
pub const SYSTEM_LINKS: [&str; 3] = ["/dev", "/dev/fd", "/proc/self/fd"];

/// Whether the path is a link of the system's own, to what is open already.
#[must_use]
pub fn is_link_of_system(path: &Path) -> bool {
    path.parent().is_some_and(|folder| SYSTEM_LINKS.iter().any(|links| folder == Path::new(links)))
}

/// Whether something is there that is written to as it is: a device, a pipe, or a link of the system's own.
#[must_use]
pub fn is_written_through(path: &Path) -> bool {
    is_link_of_system(path) || fs::symlink_metadata(path).is_ok_and(|found| !found.is_file() && !found.is_symlink())
}

/// Whether nothing can be made in a folder: root without its capabilities cannot write to the folders of others.
#[must_use]
pub fn is_forbidden(answer: &io::Error) -> bool {
    matches!(answer.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The folder that the path is in.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_file_is_replaced_whole_or_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.html");
        fs::write(&path, "old").expect("it can be written");
        let half = |out: &mut dyn Write| {
            out.write_all(&[b'x'; 100_000])?;
            Err(io::Error::other("the content fails"))
        };
        assert_eq!(write(&path, half).expect_err("it fails").to_string(), "the content fails");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        write(&path, |out| out.write_all(b"new")).expect("it is written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_path_through_a_folder_of_somebody_else_is_not_ones_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("theirs/state/file");
        assert!(is_own(&path) && is_own(Path::new("/nonexistent/x")));
        let theirs = folder.path().join("theirs");
        fs::create_dir(&theirs).expect("a folder");
        assert!(is_own(&path));
        // Only root can give a folder away.
        if std::os::unix::fs::chown(&theirs, Some(65_534), None).is_ok() {
            assert!(!is_own(&path));
        }
    }

    #[test]
    fn a_link_and_a_missing_folder_are_refused_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, link] = ["there", "link"].map(|name| folder.path().join(name));
        fs::write(&path, "old").expect("it can be written");
        symlink(&path, &link).expect("a link");
        let empty = |out: &mut dyn Write| out.write_all(b"new");
        assert!(is_same(&path, &link) && !is_same(&path, folder.path()) && !is_same(&path, Path::new("/nonexistent")));
        assert!(write(&link, empty).expect_err("a link").to_string().contains("symbolic link"));
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        assert!(write(&folder.path().join("no/such/folder"), empty).is_err());
        assert!(write(folder.path(), empty).is_err(), "a folder is not a file");
        write(Path::new("/dev/null"), empty).expect("it takes all");
        assert!(write(Path::new("/dev/full"), empty).is_err());
    }
}
