//! The guest's file system: archives made once and kept, put one after another for each run.
//!
//! In: a kernel, the modules to ship, programs, files of the run. Out: one initramfs. The pieces: the base
//! (busybox, kmod, init), one kernel's module indexes, the module files, our programs, the run's own files.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::artifact::Programs;
use crate::cpio::Archive;
use crate::cross::Compiler;
use crate::kernels::Kernel;
use crate::modules::Indexes;
use crate::paths;
use crate::process;
use crate::testmodule;
use crate::tools;

const INIT: &[u8] = include_bytes!("../guest/init");

/// A piece that has not been used for this long is deleted.
const PIECE_KEPT_SECONDS: u64 = 7 * 24 * 3600;

/// The base piece. Needs the cache lock.
pub fn base(arch: Arch) -> Result<PathBuf> {
    let tools::Base { busybox, kmod, libraries } = tools::base(arch)?;
    let stamps: Result<Vec<_>> = libraries.values().map(|path| paths::stamp(path)).collect();
    let key = paths::key((INIT, paths::stamp(&busybox)?, paths::stamp(&kmod)?, stamps?));
    piece(&pieces()?.join(format!("base-{key}.cpio")), |archive| {
        for folder in ["dev", "proc", "sys", "run", "mnt", "out", "etc/modprobe.d", "var/log", "usr/bin", "usr/sbin"] {
            archive.folder(folder)?;
        }
        archive.folder_with_mode("root", 0o700)?;
        archive.folder_with_mode("tmp", 0o1777)?;
        archive.folder_with_mode("var/tmp", 0o1777)?;
        archive.file("init", 0o755, INIT)?;
        archive.copy(&busybox, "bin/busybox")?;
        for applet in tools::applets()? {
            let name = applet.rsplit('/').next().unwrap_or(&applet);
            if !tools::KMOD_NAMES.contains(&name) && name != "busybox" && name != "init" {
                archive.link(&applet, "/bin/busybox")?;
            }
        }
        archive.copy(&kmod, "bin/kmod")?;
        for name in tools::KMOD_NAMES {
            archive.link(&format!("sbin/{name}"), "/bin/kmod")?;
        }
        libraries.iter().try_for_each(|(place, library)| archive.copy(library, place))?;
        archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")?;
        archive.file("etc/group", 0o644, b"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")?;
        archive.file("etc/hosts", 0o644, b"127.0.0.1 localhost guest\n::1 localhost\n")?;
        archive.file("etc/hostname", 0o644, b"guest\n")
    })
}

/// The pieces with a kernel's module indexes and with the files of `wanted` modules, some of which may be
/// the project's own. Needs the cache lock.
pub fn modules(kernel: &Kernel, wanted: &[String]) -> Result<Vec<PathBuf>> {
    let tree = tree(kernel, wanted)?;
    let stamp = paths::stamp(&tree.join("modules.dep"))?;
    let pieces = pieces()?;
    let key = paths::key((&kernel.release, &stamp));
    let mut made =
        vec![piece(&pieces.join(format!("indexes-{key}.cpio")), |archive| add_indexes(archive, kernel, &tree))?];
    if !wanted.is_empty() {
        let mut sorted = wanted.to_vec();
        sorted.sort();
        let key = paths::key((&kernel.release, &stamp, &sorted));
        made.push(piece(&pieces.join(format!("modules-{key}.cpio")), |archive| add_modules(archive, kernel, wanted))?);
    }
    Ok(made)
}

/// The tree of the kernel's modules: with the project's own, and indexes in which they are, where one of them is
/// wanted.
fn tree(kernel: &Kernel, wanted: &[String]) -> Result<PathBuf> {
    if wanted.iter().any(|name| testmodule::is_ours(name)) { testmodule::tree(kernel) } else { Ok(kernel.modules()) }
}

fn add_indexes<W: io::Write>(archive: &mut Archive<W>, kernel: &Kernel, tree: &Path) -> Result<()> {
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("modules.") {
            archive.copy(&entry.path(), &format!("lib/modules/{}/{name}", kernel.release))?;
        }
    }
    Ok(())
}

/// Adds what a guest that continues lacks of these modules: their files, and their indexes where those are of their
/// own. Needs the cache lock.
pub fn add_what_is_missing<W: io::Write>(archive: &mut Archive<W>, kernel: &Kernel, wanted: &[String]) -> Result<()> {
    let tree = tree(kernel, wanted)?;
    if tree != kernel.modules() {
        add_indexes(archive, kernel, &tree)?;
    }
    add_modules(archive, kernel, wanted)
}

/// Adds the files of modules and of all they depend on. Needs the cache lock.
pub fn add_modules<W: io::Write>(archive: &mut Archive<W>, kernel: &Kernel, wanted: &[String]) -> Result<()> {
    let (ours, theirs): (Vec<String>, Vec<String>) = wanted.iter().cloned().partition(|name| testmodule::is_ours(name));
    let tree = tree(kernel, wanted)?;
    let place = format!("lib/modules/{}", kernel.release);
    let mut files = Indexes::of(&tree)?.closure(&theirs)?;
    files.extend(ours.iter().map(|name| testmodule::file_name(name)));
    files.iter().try_for_each(|file| archive.copy(&tree.join(file), &format!("{place}/{file}")))
}

/// The piece with our own programs and their libraries. Needs the cache lock.
pub fn programs(programs: &Programs, arch: Arch) -> Result<PathBuf> {
    let all: Vec<PathBuf> = programs.modtrail.iter().chain([&programs.provoke]).cloned().collect();
    let stamps: Result<Vec<_>> = all.iter().map(|path| paths::stamp(path)).collect();
    let key = paths::key(stamps?);
    piece(&pieces()?.join(format!("programs-{key}.cpio")), |archive| {
        let mut copy = |program: &Path, place: &str| -> Result<()> {
            let stripped = paths::temporary_beside(&paths::cache()?.join("stripped"));
            // Line tables are most of the file, and nobody reads them in a guest.
            let strip = strip(arch)?.arg("-g").arg("-o").arg(&stripped).arg(program).output();
            let from = if strip.is_ok_and(|done| done.status.success()) { &stripped } else { program };
            let copied = archive.copy(from, place);
            fs::remove_file(&stripped).ok();
            copied
        };
        if let Some(modtrail) = &programs.modtrail {
            copy(modtrail, "bin/modtrail")?;
        }
        copy(&programs.provoke, "bin/provoke")?;
        for library in tools::libraries(&all)? {
            archive.copy(&library, library.to_str().context("a library whose path is not UTF-8")?)?;
        }
        Ok(())
    })
}

/// Writes `pieces` and then what `own` adds to one file that a guest boots from.
pub fn assemble(
    target: &Path,
    pieces: &[PathBuf],
    own: impl FnOnce(&mut Archive<Vec<u8>>) -> Result<()>,
) -> Result<()> {
    let mut file = File::create(target).with_context(|| format!("cannot write {}", target.display()))?;
    for path in pieces {
        let mut piece = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Marks it as in use, so that it is not thrown away.
        piece.set_modified(std::time::SystemTime::now()).ok();
        io::copy(&mut piece, &mut file).context("cannot write the initramfs")?;
    }
    let mut archive = Archive::new(Vec::new());
    own(&mut archive)?;
    io::Write::write_all(&mut file, &archive.finish()?).context("cannot write the initramfs")
}

/// The program that takes line tables out of programs for the machine type.
fn strip(arch: Arch) -> Result<Command> {
    match arch {
        Arch::Amd64 => Ok(Command::new("strip")),
        Arch::Arm64 => {
            let compiler = Compiler::provide()?;
            let mut strip = Command::new(compiler.program("strip"));
            compiler.lend(&mut strip);
            Ok(strip)
        }
    }
}

fn pieces() -> Result<PathBuf> {
    let folder = paths::cache()?.join("pieces");
    paths::make_dir(&folder)?;
    Ok(folder)
}

fn piece(path: &Path, fill: impl FnOnce(&mut Archive<BufWriter<File>>) -> Result<()>) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    discard_unused(path.parent().context("a piece without a folder")?);
    let part = paths::temporary_beside(path);
    let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let mut archive = Archive::new(BufWriter::new(file));
    let filled = fill(&mut archive).and_then(|()| archive.finish().map(drop));
    if let Err(error) = filled {
        fs::remove_file(&part).ok();
        return Err(error);
    }
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_path_buf())
}

fn discard_unused(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if paths::age(&entry.path()).is_some_and(|age| age.as_secs() > PIECE_KEPT_SECONDS) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// Unpacks a tar of what a guest left into `folder`.
pub fn unpack_out(tar: &Path, folder: &Path) -> Result<()> {
    paths::make_dir(folder)?;
    process::run(Command::new("tar").arg("-xf").arg(tar).arg("-C").arg(folder).arg("--no-same-owner"))
}
