//! What a requester may do. Values only.

/// What a requester may do, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Privileges {
    /// Its effective capabilities, a bit for each (include/uapi/linux/capability.h).
    pub caps: Option<u64>,
    /// Its user namespace.
    pub userns: Option<UserNs>,
    /// How its system calls are filtered.
    pub seccomp: Option<Seccomp>,
    /// It, and what it executes, cannot gain privileges.
    pub no_new_privs: Option<bool>,
}

/// A user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserNs {
    /// Its inode's number, as `/proc/PID/ns/user` shows it.
    pub inode: u32,
    /// How deep it lies; zero for the initial one.
    pub depth: u32,
    /// The user who made it, in the initial namespace.
    pub owner: u32,
}

/// How system calls are filtered (include/uapi/linux/seccomp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seccomp {
    /// They are not.
    None,
    /// Only four are allowed.
    Strict,
    /// By a program.
    Filter,
}

impl Seccomp {
    /// From the kernel's number; `None` for one that is not known.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Strict),
            2 => Some(Self::Filter),
            _ => None,
        }
    }

    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Strict => 1,
            Self::Filter => 2,
        }
    }

    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Strict => "strict",
            Self::Filter => "filter",
        }
    }
}

impl Privileges {
    /// Whether the task has no privileges in the initial user namespace: no capability, or those of another namespace.
    /// `None` if that could not be read.
    #[must_use]
    pub fn is_unprivileged(&self) -> Option<bool> {
        let is_inner = self.userns.map(|userns| userns.depth > 0);
        match (is_inner, self.caps) {
            (Some(true), _) => Some(true),
            (Some(false) | None, Some(caps)) => Some(caps == 0),
            (Some(false) | None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_count_in_the_initial_namespace_alone() {
        let is_unprivileged = |caps, depth| {
            let userns = Some(UserNs { inode: 1, depth, owner: 0 });
            Privileges { caps, userns, ..Privileges::default() }.is_unprivileged()
        };
        assert_eq!(is_unprivileged(Some(u64::MAX), 1), Some(true));
        assert_eq!(is_unprivileged(Some(1 << 12), 0), Some(false));
        assert_eq!(is_unprivileged(Some(0), 0), Some(true));
        assert_eq!((is_unprivileged(None, 0), Privileges::default().is_unprivileged()), (None, None));
    }
}
