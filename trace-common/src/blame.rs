//! Who caused what was lost: what the kernel side counts by user.

use crate::kind::Loss;

/// The key of the map `BLAMED`: one user, one kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Blamed {
    /// The user, in the initial namespace: for what a share left out, who answers for it (`read.rs`,
    /// `responsible_user`); else the task's own.
    pub uid: u32,
    /// A [`Loss`]'s number.
    pub loss: u32,
}

/// The value of the map `BLAMED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Blame {
    /// How many.
    pub count: u64,
    /// The name of the thread that caused the latest one, padded with NUL.
    pub comm: [u8; 16],
}

impl Blamed {
    /// A user's losses of one kind.
    #[must_use]
    pub const fn new(uid: u32, loss: Loss) -> Self {
        Self { uid, loss: loss.index() }
    }
}
