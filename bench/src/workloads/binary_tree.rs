//! The classic: a full binary tree, two million nodes of two pointers.

use super::free;
use crate::contenders::Contender;
use std::ptr::NonNull;

pub const DEPTH: u32 = 20;

/// Both are nodes, or none is.
pub struct Node {
    children: Option<(NonNull<Node>, NonNull<Node>)>,
}

/// A tree of this depth; `None` if there is no memory.
pub fn build(contender: &impl Contender, depth: u32) -> Option<NonNull<Node>> {
    let children = match depth {
        0 => None,
        _ => Some((build(contender, depth - 1)?, build(contender, depth - 1)?)),
    };
    contender.value(Node { children })
}

/// How many nodes it has.
///
/// # Safety
/// The tree is live.
pub unsafe fn walk(node: NonNull<Node>) -> u32 {
    // SAFETY: the caller promises it.
    match unsafe { node.as_ref() }.children {
        None => 1,
        // SAFETY: the children of a live node are live.
        Some((left, right)) => unsafe { 1 + walk(left) + walk(right) },
    }
}

/// Gives back each node.
///
/// # Safety
/// The tree was built on this contender, and is not used again.
pub unsafe fn free_all(contender: &impl Contender, node: NonNull<Node>) {
    // SAFETY: the node is live.
    if let Some((left, right)) = unsafe { node.as_ref() }.children {
        // SAFETY: forwarded from the caller.
        unsafe {
            free_all(contender, left);
            free_all(contender, right);
        }
    }
    // SAFETY: forwarded from the caller.
    unsafe { free(contender, node) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::MALLOC;

    #[test]
    fn a_tree_has_all_its_nodes() {
        let tree = build(&MALLOC, 6).unwrap();
        // SAFETY: the tree is live until it is freed.
        unsafe {
            assert_eq!(walk(tree), 127);
            free_all(&MALLOC, tree);
        }
    }
}
