//! The project's own test modules, built for a guest's kernel.
//!
//! In: `module/`, a kernel, Debian's headers for it and, for arm64, a compiler from the archive. Out: a module tree of
//! that kernel with our modules in `extra/` and indexes that know their aliases. Nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{self, PrivateApt};
use crate::arch::Arch;
use crate::cross::{self, Compiler};
use crate::kernels::{self, Kernel};
use crate::paths;
use crate::process;
use crate::progress::say;
use crate::series::Series;

const SOURCE: &str = include_str!("../module/modtrail_test.c");
const MAKEFILE: &str = include_str!("../module/Makefile");

/// The modules that `module/Makefile` makes.
pub const NAMES: [&str; 6] =
    ["modtrail_test", "modtrail_slow", "modtrail_fail", "modtrail_nested", "modtrail_exist", "modtrail_async"];

/// The compiler Debian 12 builds its kernels with; headers of older ones name one that is not there.
const COMPILER: &str = "gcc-12";

/// Whether a module of this name is the project's own.
pub fn is_ours(name: &str) -> bool {
    NAMES.contains(&name.replace('-', "_").as_str())
}

/// Where a module of ours stands below `lib/modules/RELEASE`.
pub fn file_name(name: &str) -> String {
    format!("extra/{}.ko", name.replace('-', "_"))
}

/// `lib/modules/RELEASE` with all modules of the kernel and ours. Needs the cache lock.
pub fn tree(kernel: &Kernel) -> Result<PathBuf> {
    let key = paths::key((SOURCE, MAKEFILE));
    let base = paths::cache()?.join("testmodule").join(format!("{}-{key}", kernel.release));
    let place = Path::new("lib/modules").join(&kernel.release);
    if !base.exists() {
        let headers = headers(kernel)?;
        paths::fill_folder(&base, |part| {
            let built = part.join("build");
            build(&headers, &built, kernel.guest.arch)?;
            paths::make_dir(&part.join("lib/modules"))?;
            // Hard links: the files are the kernel's own, only the indexes are ours.
            process::run(Command::new("cp").arg("-al").arg(kernel.modules()).arg(part.join("lib/modules")))?;
            let target = part.join(&place);
            unlink_indexes(&target)?;
            paths::make_dir(&target.join("extra"))?;
            for name in NAMES {
                let file = built.join(format!("{name}.ko"));
                fs::copy(&file, target.join(file_name(name)))
                    .with_context(|| format!("{} was not built", file.display()))?;
            }
            fs::remove_dir_all(&built)?;
            kernels::depmod(part, &kernel.release)
        })?;
    }
    Ok(base.join(place))
}

/// Makes copies of what depmod will write, so that it cannot write through a hard link.
fn unlink_indexes(tree: &Path) -> Result<()> {
    for entry in fs::read_dir(tree)? {
        let path = entry?.path();
        if path.is_file() {
            let content = fs::read(&path)?;
            paths::write_whole(&path, &content)?;
        }
    }
    Ok(())
}

fn build(headers: &Path, folder: &Path, arch: Arch) -> Result<()> {
    paths::make_dir(folder)?;
    fs::write(folder.join("modtrail_test.c"), SOURCE)?;
    fs::write(folder.join("Makefile"), MAKEFILE)?;
    let mut make = Command::new("make");
    // An outer make or cargo may have left settings of its own.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CC", "CFLAGS", "LDFLAGS", "ARCH", "CROSS_COMPILE"] {
        make.env_remove(name);
    }
    make.arg("-s").arg("-C").arg(headers).arg(format!("M={}", folder.display()));
    // Type information of our modules would need another tool, and nobody reads it.
    make.args(["CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]);
    match arch {
        Arch::Amd64 => {
            make.arg(format!("CC={COMPILER}"));
        }
        Arch::Arm64 => {
            make.args(["ARCH=arm64", &format!("CROSS_COMPILE={}", cross::PREFIX)]);
            make.arg(format!("CC={}{COMPILER}", cross::PREFIX));
            Compiler::provide()?.lend(&mut make);
        }
    }
    process::output(&mut make).map(drop).context("cannot build the test modules")
}

/// The folder to build modules for a kernel in, fetched and unpacked where it is not there.
fn headers(kernel: &Kernel) -> Result<PathBuf> {
    if kernel.guest.series == Series::Newest {
        bail!("the test modules are built for 5.10, 6.1 and 6.12: newer headers need a newer compiler");
    }
    let package = format!("linux-headers-{}", kernel.release);
    let folder = kernel.folder.join("headers");
    let place = folder.join("usr/src").join(&package);
    if !place.exists() {
        let archive = PrivateApt::open(kernel.guest.arch)?;
        archive.refresh(apt::INDEX_KEPT)?;
        let needed = archive.dependencies(&package)?;
        let named = |prefix: &'static str| needed.iter().filter(move |name| name.starts_with(prefix)).cloned();
        let wanted: Vec<String> = named("linux-headers-").chain([package.clone()]).collect();
        say(format!("headers of {}", kernel.release));
        paths::fill_folder(&folder, |part| {
            archive.unpack(&wanted, part)?;
            // The build's own tools run on this machine, whatever the kernel is for.
            let tools = PrivateApt::open(Arch::Amd64)?;
            tools.refresh(apt::INDEX_KEPT)?;
            tools.unpack(&named("linux-kbuild-").collect::<Vec<_>>(), part)?;
            let makefile = part.join("usr/src").join(&package).join("Makefile");
            let text = fs::read_to_string(&makefile)?;
            let moved = text.replace("/usr/src/", &format!("{}/usr/src/", folder.display()));
            fs::write(&makefile, moved).context("cannot write the headers' Makefile")
        })?;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::{MAKEFILE, NAMES, file_name, is_ours};

    #[test]
    fn names_are_those_the_makefile_makes() {
        let roles = MAKEFILE.lines().find_map(|line| line.strip_prefix("roles := ")).unwrap();
        let mut made: Vec<String> = roles.split(' ').map(|role| format!("modtrail_{role}")).collect();
        made.insert(0, "modtrail_test".to_owned());
        assert_eq!(made, NAMES);
    }

    #[test]
    fn dashes_are_underscores() {
        assert!(is_ours("modtrail-slow") && !is_ours("xfs"));
        assert_eq!(file_name("modtrail-slow"), "extra/modtrail_slow.ko");
    }
}
