//! Who asked, and for what kind of thing: what names and stacks mean to a person.
//!
//! In: aliases, kernel stacks, cgroup paths. Out: words; `None` for what is not known. Pure.

pub mod container;
pub mod family;
pub mod known;
pub mod purpose;

use crate::event::on_stack;
use std::sync::Arc;

/// Whether the stack is a kernel thread's: it begins where kernel threads begin, and the thread does not execute a
/// program.
#[must_use]
pub fn is_kernel_thread(stack: &[Arc<str>]) -> bool {
    on_stack(stack, &["kthread", "worker_thread", "kthreadd"])
}
