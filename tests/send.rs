//! An arena is `Send` exactly when its memory may be used in another thread. What is not `Send`, and that no arena
//! is `Sync`, is shown by `compile_fail_sources`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "allocator-api2", feature = "alloc"))]

use std::alloc::{Layout, System};
use std::mem::MaybeUninit;
use v_alloc::{
    Arena, BufferArena, ChainAllocator, Global, LinearAllocator, Reserved, ScopeGuard, VirtualAllocator,
};

const fn send<T: Send>() {}

const _: () = {
    send::<Arena>();
    send::<Arena<Reserved, 16>>();
    send::<LinearAllocator<Global>>();
    send::<LinearAllocator<VirtualAllocator>>();
    send::<BufferArena<'_>>();
    send::<ChainAllocator<Global>>();
    send::<ChainAllocator<System>>();
    send::<ChainAllocator<VirtualAllocator>>();
    // A parent that is owned goes along; a shared one must be `Sync`.
    send::<ChainAllocator<LinearAllocator<Global>>>();
    send::<ChainAllocator<ChainAllocator<Global>>>();
    send::<LinearAllocator<Arena>>();
    send::<ChainAllocator<BufferArena<'_>>>();
    send::<ChainAllocator<&Global>>();
    send::<LinearAllocator<&VirtualAllocator>>();
    send::<ScopeGuard<'_>>();
};

#[test]
fn an_arena_goes_to_another_thread_with_all_its_blocks() {
    let text = "made here, read there";
    let linear = LinearAllocator::new_in(Layout::new::<[u8; 1000]>(), Global).unwrap();
    let chain = ChainAllocator::new_in(0, linear);
    let mut bytes = allocator_api2::vec::Vec::new_in(chain);
    bytes.extend_from_slice(text.as_bytes());
    let bytes = std::thread::spawn(move || {
        bytes.extend_from_slice(text.as_bytes());
        bytes
    })
    .join()
    .unwrap();
    assert_eq!(bytes, text.repeat(2).as_bytes());
}

#[test]
fn threads_take_turns_with_a_buffer() {
    let mut buffer = [MaybeUninit::uninit(); 1000];
    let mut arena = BufferArena::from_buffer(&mut buffer);
    for _ in 0..3 {
        let arena = &mut arena;
        std::thread::scope(|threads| {
            threads.spawn(move || arena.alloc_slice_fill_copy(100, 1_u8).len());
        });
    }
    assert_eq!(arena.used_bytes(), 300);
    std::thread::scope(|threads| {
        threads.spawn(|| arena.reset());
    });
    assert_eq!(arena.used_bytes(), 0);
}
