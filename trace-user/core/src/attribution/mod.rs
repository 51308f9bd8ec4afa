//! Who asked, and for what kind of thing: what names and stacks tell a person.
//!
//! In: aliases, kernel stacks, cgroup paths. Out: words. Pure; what cannot be told is `None`.

pub mod container;
pub mod family;
pub mod purpose;

use crate::event::on_stack;
use std::sync::Arc;

/// Whether the stack is a kernel thread's: it begins there, and no program is executed by it.
#[must_use]
pub fn is_kernel_thread(stack: &[Arc<str>]) -> bool {
    on_stack(stack, &["kthread", "worker_thread", "kthreadd"])
}
