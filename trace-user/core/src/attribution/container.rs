//! The container or systemd unit that a cgroup path belongs to.
//!
//! In: a cgroup v2 path. Out: the container's engine and id, and the innermost unit. The names are those that the
//! engines use: docker, podman (`libpod`), containerd and cri-o under Kubernetes, LXC, systemd-nspawn.

/// A container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    /// Which engine runs it, by the name of its cgroup; `kubernetes` if the name of the pod's engine is missing.
    pub engine: &'static str,
    /// Its id, or its name if the engine has no ids.
    pub id: &'a str,
}

/// What the names of an engine's scopes begin with, and the engine's name.
const SCOPES: [(&str, &str); 8] = [
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
    ("lxc.payload.", "lxc"),
    ("machine-", "systemd-nspawn"),
    ("systemd-nspawn@", "systemd-nspawn"),
];

/// The innermost container on the path; `None` if there is none.
#[must_use]
pub fn container(cgroup: &str) -> Option<Container<'_>> {
    let parts: Vec<&str> = cgroup.split('/').filter(|part| !part.is_empty()).collect();
    (0..parts.len()).rev().find_map(|place| at(&parts, place))
}

/// The container whose cgroup this part of the path is.
fn at<'a>(parts: &[&'a str], place: usize) -> Option<Container<'a>> {
    let part = *parts.get(place)?;
    let parent = place.checked_sub(1).and_then(|before| parts.get(before)).copied().unwrap_or_default();
    let name = part.strip_suffix(".scope").or_else(|| part.strip_suffix(".service"));
    for (beginning, engine) in SCOPES {
        // podman under cgroupfs and LXC use no suffix; the other engines' scopes have one.
        let bare = matches!(engine, "podman" | "lxc").then_some(part);
        let id = name.or(bare).and_then(|name| name.strip_prefix(beginning));
        if let Some(id) = id.filter(|id| is_name(engine, id)) {
            return Some(Container { engine, id });
        }
    }
    let engine = match parent {
        "docker" => "docker",
        "lxc" => "lxc",
        "libpod_parent" => "podman",
        _ if parent.starts_with("pod") || parent.contains("-pod") => "kubernetes",
        _ => return None,
    };
    is_name(engine, part).then_some(Container { engine, id: part })
}

/// Ids have 64 hexadecimal digits if the engine has ids.
fn is_name(engine: &str, id: &str) -> bool {
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id || (matches!(engine, "lxc" | "systemd-nspawn") && !id.is_empty())
}

/// The innermost systemd unit on the path that is not a slice: a service or a scope; `None` if there is none.
#[must_use]
pub fn unit(cgroup: &str) -> Option<&str> {
    let is_unit =
        |part: &&str| [".service", ".scope", ".mount", ".socket", ".swap"].iter().any(|suffix| part.ends_with(suffix));
    cgroup.split('/').rev().find(is_unit)
}

#[cfg(test)]
mod tests {
    use super::{Container, container, unit};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn each_engine_is_known_by_its_names() {
        let paths = [
            (format!("/system.slice/docker-{ID}.scope"), "docker"),
            (format!("/docker/{ID}"), "docker"),
            (format!("/docker/{ID}/init.scope"), "docker"),
            (format!("/machine.slice/libpod-{ID}.scope/container"), "podman"),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"), "podman"),
            (format!("/libpod_parent/libpod-{ID}"), "podman"),
            (format!("/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-{ID}.scope"), "containerd"),
            (
                format!("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/crio-{ID}.scope"),
                "cri-o",
            ),
            (format!("/kubepods/besteffort/pod1234-5678/{ID}"), "kubernetes"),
        ];
        for (path, engine) in &paths {
            assert_eq!(container(path), Some(Container { engine, id: ID }), "{path}");
        }
        assert_eq!(container("/lxc.payload.web/init.scope"), Some(Container { engine: "lxc", id: "web" }));
        let nspawn = container("/machine.slice/machine-deb.scope/payload");
        assert_eq!(nspawn, Some(Container { engine: "systemd-nspawn", id: "deb" }));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for path in
            ["/", "/user.slice/user-1000.slice/session-3.scope", "/docker/short", "/system.slice/docker.service"]
        {
            assert_eq!(container(path), None, "{path}");
        }
        assert_eq!(container(&format!("/system.slice/docker-{ID}x.scope")), None);
    }

    #[test]
    fn the_innermost_unit_counts() {
        assert_eq!(unit("/user.slice/user-1000.slice/user@1000.service/app.slice/app.scope"), Some("app.scope"));
        assert_eq!(unit("/system.slice/ssh.service/child"), Some("ssh.service"));
        assert_eq!(unit("/user.slice"), None);
    }
}
