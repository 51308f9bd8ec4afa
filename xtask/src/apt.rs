//! Debian's archive, read without touching this machine's own package state.
//!
//! In: the mirrors this machine's apt already uses, a machine type. Out: package names from an index of our own, and
//! packages unpacked into a folder. Nothing is installed; only the cache is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::arch::Arch;
use crate::paths;
use crate::process;
use crate::progress::say;

/// Kernels of a series come about once a week; looking once a day is enough.
pub const INDEX_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Where the kernels we run come from, beside the host's own release. The kernels of bullseye's security suite are gone
/// from some mirrors for arm64, where those of its last point release are still there.
const SUITES: [&str; 2] = ["bookworm", "sid"];
const SUITES_ARM64: [&str; 3] = ["bookworm", "sid", "bullseye"];
const SECURITY_SUITES: [&str; 2] = ["bullseye-security", "bookworm-security"];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Our own view of the archive, as a machine of one type has it.
#[derive(Debug)]
pub struct PrivateApt {
    arch: Arch,
    folder: PathBuf,
    release: String,
}

impl PrivateApt {
    /// The private view, its source list written from this machine's mirrors. Needs the cache lock.
    pub fn open(arch: Arch) -> Result<PrivateApt> {
        if !is_debian() {
            bail!("kernels for guests come from Debian's archive through apt, which this machine does not have");
        }
        let folder = paths::cache()?.join(match arch {
            Arch::Amd64 => "apt",
            Arch::Arm64 => "apt-arm64",
        });
        for name in ["lists/partial", "cache/archives/partial"] {
            paths::make_dir(&folder.join(name))?;
        }
        let release = host_release()?;
        let targets = process::text(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(SITE) $(RELEASE)",
            "Created-By: Packages",
        ]))?;
        let suites: &[&str] = match arch {
            Arch::Amd64 => &SUITES,
            Arch::Arm64 => &SUITES_ARM64,
        };
        let sources = sources(&targets, &release, suites)?;
        let list = folder.join("sources.list");
        if fs::read_to_string(&list).ok().as_deref() != Some(&sources) {
            paths::write_whole(&list, sources.as_bytes())?;
            fs::remove_file(folder.join("updated")).ok();
        }
        Ok(PrivateApt { arch, folder, release })
    }

    /// Brings the index up to date where it is older than `max_age`. A failing network is an error only
    /// where there is no index at all.
    pub fn refresh(&self, max_age: Duration) -> Result<()> {
        let mark = self.folder.join("updated");
        if paths::age(&mark).is_some_and(|age| age < max_age) {
            return Ok(());
        }
        say(format!("reading Debian's package index for {}", self.arch));
        let updated = process::run(self.command("apt-get").args(["-q", "update"]));
        if let Err(error) = updated {
            if !self.has_index() {
                return Err(error);
            }
            say(format!("could not refresh the package index, using what is there: {error:#}"));
            return Ok(());
        }
        paths::write_whole(&mark, b"")
    }

    /// Names of all packages that begin with `prefix`.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let text = process::text(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Names of the packages that `package` depends on directly.
    pub fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let text = process::text(self.command("apt-cache").args(["depends", "--important", package]))?;
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }

    /// The name by which a package of the host's own release is fetched, where several suites have one.
    pub fn of_host_release(&self, package: &str) -> String {
        format!("{package}/{}", self.release)
    }

    /// Fetches packages and unpacks them into `folder`, which exists.
    pub fn unpack(&self, packages: &[String], folder: &Path) -> Result<()> {
        let fetched = paths::temporary_beside(&folder.join("fetched"));
        paths::make_dir(&fetched)?;
        say(format!("fetching {}", packages.join(" ")));
        process::run(self.command("apt-get").args(["-q", "download"]).args(packages).current_dir(&fetched))?;
        for entry in fs::read_dir(&fetched)? {
            process::run(Command::new("dpkg-deb").arg("-x").arg(entry?.path()).arg(folder))?;
        }
        fs::remove_dir_all(&fetched).context("cannot remove the fetched packages")
    }

    fn has_index(&self) -> bool {
        let lists = fs::read_dir(self.folder.join("lists"));
        lists.is_ok_and(|mut all| {
            all.any(|entry| entry.is_ok_and(|e| e.file_name().to_string_lossy().contains("_Packages")))
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let own = |name: &str, value: &Path| format!("{name}={}", value.display());
        for option in [
            own("Dir::Etc::sourcelist", &self.folder.join("sources.list")),
            own("Dir::Etc::sourceparts", Path::new("/dev/null")),
            own("Dir::Etc::preferences", Path::new("/dev/null")),
            own("Dir::Etc::preferencesparts", Path::new("/dev/null")),
            own("Dir::State::lists", &self.folder.join("lists")),
            own("Dir::Cache", &self.folder.join("cache")),
            "Acquire::Languages=none".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "APT::Update::Post-Invoke-Success=".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        if self.arch == Arch::Arm64 {
            // What is installed here is of another type and no concern of that machine.
            for option in ["APT::Architecture=arm64", "APT::Architectures=arm64", "Dir::State::status=/dev/null"] {
                command.args(["-o", option]);
            }
        }
        command.env("LC_ALL", "C.UTF-8");
        command
    }
}

/// Whether this machine has Debian's tools.
pub fn is_debian() -> bool {
    process::in_path("apt-get") && process::in_path("dpkg-deb") && host_release().is_ok()
}

fn host_release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    if value("ID=").as_deref() != Some("debian") {
        bail!("this machine does not run Debian");
    }
    value("VERSION_CODENAME=").context("/etc/os-release names no release")
}

/// The source list: the sites of this machine's own releases, with `suites` and their security suites.
fn sources(targets: &str, release: &str, suites: &[&str]) -> Result<String> {
    let sites: Vec<(&str, &str)> = targets.lines().filter_map(|line| line.split_once(' ')).collect();
    let of = |wanted: &str| sites.iter().find(|(_, suite)| *suite == wanted).map(|(site, _)| *site);
    let main = of(release).or_else(|| of("stable")).or_else(|| of("sid")).or_else(|| of("unstable"));
    let main = main.with_context(|| format!("this machine's apt has no source for {release}"))?;
    let mut list = String::new();
    let signed = match Path::new(KEYRING).exists() {
        true => format!(" signed-by={KEYRING}"),
        false => String::new(),
    };
    let mut add = |site: &str, suite: &str| {
        list.push_str(&format!("deb [target=Packages{signed}] {site} {suite} main\n"));
    };
    if !suites.contains(&release) {
        add(main, release);
    }
    suites.iter().for_each(|suite| add(main, suite));
    let security = sites.iter().find(|(_, suite)| suite.ends_with("-security")).map(|(site, _)| *site);
    match security {
        Some(site) => SECURITY_SUITES.iter().for_each(|suite| add(site, suite)),
        None => say("this machine's apt has no security suite: only the kernels of the main suites are seen"),
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::{SUITES, sources};

    #[test]
    fn suites_stand_on_the_sites_of_this_machine() {
        let targets = "http://a/debian bookworm\nhttp://a/debian bookworm-updates\nhttp://b/sec bookworm-security\n";
        let list = sources(targets, "bookworm", &SUITES).unwrap();
        assert!(list.lines().any(|line| line.ends_with("http://a/debian sid main")));
        assert!(list.lines().any(|line| line.ends_with("http://b/sec bullseye-security main")));
        assert_eq!(list.lines().filter(|line| line.ends_with("bookworm main")).count(), 1);
    }

    #[test]
    fn a_machine_without_its_own_release_is_refused() {
        assert!(sources("http://a/other jammy\n", "bookworm", &SUITES).is_err());
    }
}
