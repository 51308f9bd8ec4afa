//! Kernel stacks as symbols, innermost first. Pure.

use std::sync::Arc;

pub use trace_common::limits::STACK_FRAMES;

/// Whether a function with one of these names is on the stack. Variants that the compiler makes have a suffix:
/// `function.part.0`.
#[must_use]
pub fn on_stack(stack: &[Arc<str>], names: &[&str]) -> bool {
    stack.iter().any(|frame| frame.split('.').next().is_some_and(|name| names.contains(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_function_are_the_function() {
        let stack = ["do_nanosleep", "do_coredump.isra.0"].map(Arc::from);
        assert!(on_stack(&stack, &["vfs_coredump", "do_coredump"]));
        assert!(!on_stack(&stack, &["do_core", "isra"]));
    }
}
