//! The kernels guests run: Debian's newest of a series, fetched and unpacked into the cache.
//!
//! In: a [`Guest`]. Out: a [`Kernel`]: its release, the files to boot, its modules with fresh indexes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt::{self, PrivateApt};
use crate::arch::Arch;
use crate::guest::Guest;
use crate::paths;
use crate::process;
use crate::progress::say;
use crate::series::Release;
use crate::vmlinux;

/// How many point releases are tried where the mirror lacks the newest.
const POINT_RELEASES_TRIED: usize = 12;

/// The releases of a series among package names, newest first.
fn releases(packages: &[String], guest: Guest) -> Vec<Release> {
    let read = |name: &String| Release::of_package(name, guest.arch);
    let mut found: Vec<Release> = packages.iter().filter_map(read).collect();
    found.retain(|release| guest.series.owns(release));
    found.sort();
    found.reverse();
    found
}

/// A kernel, ready to boot.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What it was asked for by.
    pub guest: Guest,
    /// What `uname -r` will say.
    pub release: String,
    /// The folder it is unpacked in: `vmlinuz`, perhaps `vmlinux`, `lib/modules/RELEASE`.
    pub folder: PathBuf,
}

impl Kernel {
    /// The compressed kernel.
    pub fn bzimage(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// The unpacked kernel, which boots faster; `None` where it could not be unpacked.
    pub fn vmlinux(&self) -> Option<PathBuf> {
        Some(self.folder.join("vmlinux")).filter(|path| path.exists())
    }

    /// The folder of its modules and their indexes.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("lib/modules").join(&self.release)
    }
}

/// The newest kernel of a series. Needs the cache lock; fetches at most once a day, and falls back to what
/// the cache has where the network fails.
pub fn provide(guest: Guest) -> Result<Kernel> {
    let kernels = paths::cache()?.join("kernels");
    paths::make_dir(&kernels)?;
    if guest.series.is_own() {
        let folder = own_folder(guest)?;
        return own(guest).with_context(|| {
            format!("there is no {guest} kernel in {}: CONTRIBUTING.md says how to make one", folder.display())
        });
    }
    let chosen = kernels.join(format!("{guest}.chosen"));
    let kept = fs::read_to_string(&chosen).ok().and_then(|release| unpacked(&kernels, guest, &release));
    let fresh = paths::age(&chosen).is_some_and(|age| age < apt::INDEX_KEPT);
    if let (Some(kernel), true) = (&kept, fresh) {
        return Ok(kernel.clone());
    }
    match fetch_newest(&kernels, guest) {
        Ok(kernel) => {
            paths::write_whole(&chosen, kernel.release.as_bytes())?;
            if let Some(old) = kept.filter(|old| old.release != kernel.release) {
                fs::remove_dir_all(&old.folder).ok();
            }
            Ok(kernel)
        }
        Err(error) => {
            let kernel = kept.ok_or(error)?;
            say(format!("cannot look for a newer {guest} kernel, using {}", kernel.release));
            Ok(kernel)
        }
    }
}

/// A kernel that Debian does not have, if somebody put it into the cache.
pub fn own(guest: Guest) -> Option<Kernel> {
    let folder = own_folder(guest).ok()?;
    let release = fs::read_dir(folder.join("lib/modules")).ok()?.flatten().next()?;
    let kernel = Kernel { guest, release: release.file_name().into_string().ok()?, folder };
    kernel.bzimage().exists().then_some(kernel)
}

/// Where it is looked for: `vmlinuz`, perhaps `vmlinux`, `lib/modules/RELEASE` with its indexes.
fn own_folder(guest: Guest) -> Result<PathBuf> {
    Ok(paths::cache()?.join("kernels").join(guest.to_string()))
}

fn unpacked(kernels: &Path, guest: Guest, release: &str) -> Option<Kernel> {
    let folder = kernels.join(release);
    let kernel = Kernel { guest, release: release.to_owned(), folder };
    (!release.is_empty() && kernel.bzimage().exists()).then_some(kernel)
}

fn fetch_newest(kernels: &Path, guest: Guest) -> Result<Kernel> {
    let archive = PrivateApt::open(guest.arch)?;
    archive.refresh(apt::INDEX_KEPT)?;
    let packages = archive.names("linux-")?;
    let mut last = None;
    for release in releases(&packages, guest).into_iter().take(POINT_RELEASES_TRIED) {
        if let Some(kernel) = unpacked(kernels, guest, &release.name) {
            return Ok(kernel);
        }
        let wanted = parts(&archive, &packages, &release.name)?;
        let folder = kernels.join(&release.name);
        match paths::fill_folder(&folder, |part| install(&archive, &wanted, guest.arch, &release.name, part)) {
            Ok(()) => {
                return Ok(Kernel { guest, release: release.name, folder });
            }
            Err(error) => last = Some(error),
        }
        say(format!("no complete {} from this mirror, trying the one before", release.name));
    }
    match last {
        Some(error) => Err(error.context(format!("cannot get a {guest} kernel"))),
        None => bail!("Debian's index has no {guest} kernel"),
    }
}

/// The image package and, since 6.19, those it is split into.
fn parts(archive: &PrivateApt, packages: &[String], release: &str) -> Result<Vec<String>> {
    let image = format!("linux-image-{release}");
    let mut wanted = vec![image.clone()];
    let split = archive.dependencies(&image)?;
    let ours = split.into_iter().filter(|name| name.ends_with(release) && packages.contains(name));
    wanted.extend(ours);
    Ok(wanted)
}

fn install(archive: &PrivateApt, wanted: &[String], arch: Arch, release: &str, folder: &Path) -> Result<()> {
    let root = folder.join("root");
    paths::make_dir(&root)?;
    archive.unpack(wanted, &root)?;
    let modules = ["lib/modules", "usr/lib/modules"].map(|place| root.join(place).join(release));
    let modules = modules.iter().find(|place| place.join("kernel").is_dir());
    let modules = modules.with_context(|| format!("{release} comes without its modules"))?;
    let images = [root.join("boot").join(format!("vmlinuz-{release}")), modules.join("vmlinuz")];
    let image = images.iter().find(|path| path.is_file());
    let image = image.with_context(|| format!("{release} comes without its image"))?;
    fs::rename(image, folder.join("vmlinuz"))?;
    paths::make_dir(&folder.join("lib/modules"))?;
    fs::rename(modules, folder.join("lib/modules").join(release))?;
    fs::remove_dir_all(&root)?;
    depmod(folder, release)?;
    if arch == Arch::Arm64 {
        return Ok(()); // its image is not compressed
    }
    if let Err(error) = vmlinux::extract(&folder.join("vmlinuz"), &folder.join("vmlinux")) {
        say(format!("{release} boots from its compressed image: {error:#}"));
    }
    Ok(())
}

/// Makes the indexes of `base/lib/modules/RELEASE` anew.
pub fn depmod(base: &Path, release: &str) -> Result<()> {
    let kmod = crate::tools::kmod()?;
    use std::os::unix::process::CommandExt;
    process::run(Command::new(kmod).arg0("depmod").arg("-b").arg(base).arg(release))
}

#[cfg(test)]
mod tests {
    use super::releases;
    use crate::guest::Guest;
    use crate::series::Series;

    fn newest(series: Series, packages: &[&str]) -> Vec<String> {
        newest_for(Guest::amd64(series), packages)
    }

    fn newest_for(guest: Guest, packages: &[&str]) -> Vec<String> {
        let packages: Vec<String> = packages.iter().map(|name| format!("linux-image-{name}")).collect();
        releases(&packages, guest).into_iter().map(|release| release.name).collect()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let found = newest(Series::V6_1, &["6.1.0-9-amd64", "6.1.0-56-amd64", "6.1.0-47-amd64"]);
        assert_eq!(found, ["6.1.0-56-amd64", "6.1.0-47-amd64", "6.1.0-9-amd64"]);
    }

    #[test]
    fn other_flavours_and_rebuilds_are_left_out() {
        let found = newest(
            Series::V6_12,
            &[
                "6.12.117+deb12-amd64",
                "6.12.118+deb13-amd64",
                "6.12.117+deb12-cloud-amd64",
                "6.12.117+deb12-rt-amd64",
                "6.12.117+deb12-amd64-unsigned",
                "6.12.115+deb12.1-amd64",
                "6.12.115+deb12-amd64",
                "6.12-amd64",
                "amd64",
            ],
        );
        assert_eq!(found, ["6.12.117+deb12-amd64", "6.12.115+deb12.1-amd64", "6.12.115+deb12-amd64"]);
        assert!(newest(Series::V6_1, &["6.1.0-0.deb11.52-amd64"]).is_empty());
    }

    #[test]
    fn each_machine_type_has_its_own() {
        let all = ["6.1.0-56-amd64", "6.1.0-55-arm64", "6.1.0-56-cloud-arm64", "6.1.0-56-arm64-16k"];
        assert_eq!(newest_for(Guest::arm64(Series::V6_1), &all), ["6.1.0-55-arm64"]);
        assert_eq!(newest_for(Guest::amd64(Series::V6_1), &all), ["6.1.0-56-amd64"]);
    }

    #[test]
    fn newest_is_the_highest_of_all() {
        let all = ["6.12.117+deb12-amd64", "7.2.13+deb14-amd64", "7.2.13+deb14-rt-amd64", "5.10.0-46-amd64"];
        assert_eq!(newest(Series::Newest, &all).first().map(String::as_str), Some("7.2.13+deb14-amd64"));
    }

    #[test]
    fn series_are_read_as_typed() {
        assert_eq!("6.12".parse(), Ok(Series::V6_12));
        assert!("6.13".parse::<Series>().is_err());
    }
}
