//! Every allocator of the crate, through every version of the trait: one macro has the list of allocators, one
//! the list of checks.

use crate::subject::Subject;
use std::mem::MaybeUninit;

/// Bytes that the bounded allocators below are made with, and that they surely have for requests.
const CAPACITY: usize = 64 << 20;
const ROOM: usize = 24 << 20;

/// A check of the suite.
pub trait Check {
    fn run(self, subject: impl Subject, room: usize);
}

/// Memory for a `BufferArena`, never touched but by the arena.
fn heap_buffer(bytes: usize) -> Box<[MaybeUninit<u8>]> {
    Box::new_uninit_slice(bytes)
}

/// The first version, for the tests that are about the arenas and not about the trait.
pub mod plain {
    through!(allocator_api2::alloc);
}

macro_rules! tests {
    ($($allocator:ident: [$($check:ident)*])*) => {
        $(
            mod $allocator {
                $(
                    #[test]
                    fn $check() {
                        struct Run;
                        impl $crate::versions::Check for Run {
                            fn run(self, subject: impl $crate::subject::Subject, room: usize) {
                                $crate::suite::$check(subject, room);
                            }
                        }
                        super::subjects::$allocator(Run);
                    }
                )*
            }
        )*
    };
}

macro_rules! every_check {
    ($($allocator:ident)*) => {
        tests! {
            $($allocator: [
                any_alignment_is_honoured
                any_size_is_served
                no_bytes_succeed_whatever_the_alignment
                a_block_of_no_bytes_owns_nothing
                blocks_lie_apart_and_keep_their_contents
                growing_keeps_and_zeroes
                shrinking_keeps
                resizing_changes_the_alignment
                a_failure_leaves_the_allocator_usable
                an_exhausted_allocator_serves_what_is_given_back
                moving_the_allocator_moves_no_block
                giving_back_what_came_last_makes_room
            ])*
        }
    };
}

/// The whole suite through one version of the trait.
macro_rules! version {
    ($name:ident, $version:path) => {
        mod $name {
            mod subjects {
                use std::alloc::System;
                use std::mem::MaybeUninit;
                use v_alloc::{
                    Arena, BufferArena, ChainAllocator, CommitPolicy, Global, LinearAllocator, Reserved,
                    VirtualAllocator,
                };
                use $crate::versions::{CAPACITY, Check, ROOM, heap_buffer};

                through!($version);

                fn arena<const MIN_ALIGN: usize>(policy: CommitPolicy, check: impl Check) {
                    let options = Arena::options().reservation(CAPACITY).commit_policy(policy);
                    check.run(Through(options.build_with_min_align::<MIN_ALIGN>().unwrap()), ROOM);
                }

                pub fn arena_with_min_align_1(check: impl Check) {
                    arena::<1>(CommitPolicy::Throughput, check);
                }

                pub fn arena_with_min_align_8(check: impl Check) {
                    arena::<8>(CommitPolicy::Throughput, check);
                }

                pub fn arena_with_min_align_16(check: impl Check) {
                    arena::<16>(CommitPolicy::Throughput, check);
                }

                pub fn arena_for_latency_with_min_align_1(check: impl Check) {
                    arena::<1>(CommitPolicy::Latency, check);
                }

                pub fn arena_for_latency_with_min_align_8(check: impl Check) {
                    arena::<8>(CommitPolicy::Latency, check);
                }

                pub fn arena_for_latency_with_min_align_16(check: impl Check) {
                    arena::<16>(CommitPolicy::Latency, check);
                }

                pub fn lazy_arena(check: impl Check) {
                    check.run(Through(Arena::new()), ROOM);
                }

                pub fn lazy_arena_with_min_align_16(check: impl Check) {
                    check.run(Through(Arena::<Reserved, 16>::with_min_align()), ROOM);
                }

                pub fn borrowed_arena(check: impl Check) {
                    check.run(Through(&Arena::new()), ROOM);
                }

                pub fn scope(check: impl Check) {
                    Arena::new().scoped(|scope| check.run(Through(&*scope), ROOM));
                }

                pub fn scope_in_a_scope_of_a_chain(check: impl Check) {
                    ChainAllocator::new_in(1000, Global).scoped(|outer| {
                        let outside = outer.alloc_slice_fill_copy(300, 0xA5_u8);
                        outer.scoped(|scope| check.run(Through(&*scope), ROOM));
                        assert!(crate::ledger::all_are(outside, 0xA5));
                    });
                }

                pub fn scope_of_a_linear_allocator(check: impl Check) {
                    let layout = Layout::from_size_align(CAPACITY, 1).unwrap();
                    LinearAllocator::new_in(layout, Global)
                        .unwrap()
                        .scoped(|scope| check.run(Through(&*scope), ROOM));
                }

                pub fn linear_over_global(check: impl Check) {
                    let layout = Layout::from_size_align(CAPACITY, 1).unwrap();
                    check.run(Through(LinearAllocator::new_in(layout, Global).unwrap()), ROOM);
                }

                pub fn linear_over_virtual(check: impl Check) {
                    let layout = Layout::from_size_align(CAPACITY, 64).unwrap();
                    check.run(Through(LinearAllocator::new_in(layout, VirtualAllocator {}).unwrap()), ROOM);
                }

                pub fn linear_over_a_linear(check: impl Check) {
                    let layout = Layout::from_size_align(2 * CAPACITY, 1).unwrap();
                    let parent = LinearAllocator::new_in(layout, VirtualAllocator {}).unwrap();
                    parent.alloc(1_u8); // an odd place
                    let layout = Layout::from_size_align(CAPACITY, 1).unwrap();
                    check.run(Through(LinearAllocator::new_in(layout, &parent).unwrap()), ROOM);
                }

                pub fn buffer_on_the_heap(check: impl Check) {
                    check.run(Through(BufferArena::from_buffer(&mut heap_buffer(CAPACITY))), ROOM);
                }

                pub fn buffer_on_the_stack(check: impl Check) {
                    #[allow(clippy::large_stack_arrays, reason = "it is about memory on the stack")]
                    let mut buffer = [MaybeUninit::uninit(); 64 << 10];
                    // From an odd place on.
                    check.run(Through(BufferArena::from_buffer(&mut buffer[1..])), 40 << 10);
                }

                pub fn chain_over_global(check: impl Check) {
                    check.run(Through(ChainAllocator::new_in(0, Global)), ROOM);
                }

                pub fn chain_over_system(check: impl Check) {
                    check.run(Through(ChainAllocator::new_in(4096, System)), ROOM);
                }

                pub fn chain_over_virtual(check: impl Check) {
                    check.run(Through(ChainAllocator::new_in(64 << 10, VirtualAllocator {})), ROOM);
                }

                pub fn chain_over_a_linear(check: impl Check) {
                    let layout = Layout::from_size_align(CAPACITY, 1).unwrap();
                    let parent = LinearAllocator::new_in(layout, VirtualAllocator {}).unwrap();
                    check.run(Through(ChainAllocator::new_in(1 << 10, &parent)), ROOM / 3);
                }

                pub fn chain_over_a_chain(check: impl Check) {
                    let parent = ChainAllocator::new_in(64 << 10, Global);
                    check.run(Through(ChainAllocator::new_in(1 << 10, &parent)), ROOM);
                }

                pub fn chain_over_an_arena(check: impl Check) {
                    let parent = Arena::with_reservation(CAPACITY).unwrap();
                    check.run(Through(ChainAllocator::new_in(64 << 10, &parent)), ROOM / 3);
                }

                pub fn borrowed_chain(check: impl Check) {
                    check.run(Through(&ChainAllocator::new_in(64 << 10, Global)), ROOM);
                }

                pub fn virtual_allocator(check: impl Check) {
                    check.run(Through(VirtualAllocator {}), ROOM);
                }
            }

            every_check! {
                arena_with_min_align_1
                arena_with_min_align_8
                arena_with_min_align_16
                arena_for_latency_with_min_align_1
                arena_for_latency_with_min_align_8
                arena_for_latency_with_min_align_16
                lazy_arena
                lazy_arena_with_min_align_16
                borrowed_arena
                scope
                scope_in_a_scope_of_a_chain
                scope_of_a_linear_allocator
                linear_over_global
                linear_over_virtual
                linear_over_a_linear
                buffer_on_the_heap
                buffer_on_the_stack
                chain_over_global
                chain_over_system
                chain_over_virtual
                chain_over_a_linear
                chain_over_a_chain
                chain_over_an_arena
                borrowed_chain
                virtual_allocator
            }
        }
    };
}

version!(by_allocator_api2_02, allocator_api2::alloc);
#[cfg(feature = "allocator-api2-04")]
version!(by_allocator_api2_04, allocator_api2_04::alloc);
#[cfg(feature = "nightly")]
version!(by_the_compiler, std::alloc);
