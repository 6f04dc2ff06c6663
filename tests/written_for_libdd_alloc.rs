//! A program that was written for `libdd-alloc` 1.0 compiles with the crate's name changed, and does the same: the
//! same text is compiled against both crates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![cfg(all(feature = "allocator-api2", feature = "alloc", any(unix, windows), not(miri)))]

macro_rules! program {
    ($name:ident, $library:ident) => {
        mod $name {
            use std::alloc::Layout;
            use std::cell::Cell;
            use std::ptr::NonNull;
            use $library::{
                AllocError, Allocator, ChainAllocator, Global, LinearAllocator, VirtualAllocator, os,
            };

            /// An allocator of the program's own, of which clones share the quota.
            #[derive(Clone)]
            struct Quota<'a>(&'a Cell<usize>);

            // SAFETY: the blocks are those of the heap.
            unsafe impl Allocator for Quota<'_> {
                fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    self.0.set(self.0.get().checked_sub(layout.size()).ok_or(AllocError)?);
                    Global.allocate(layout)
                }

                unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
                    self.0.set(self.0.get() + layout.size());
                    // SAFETY: forwarded from the caller.
                    unsafe { Global.deallocate(block, layout) };
                }
            }

            /// What a profiler does: string tables and samples in arenas that are dropped as a whole.
            struct Samples<A: Allocator + Clone> {
                arena: ChainAllocator<A>,
                hint: usize,
            }

            impl<A: Allocator + Clone> Samples<A> {
                const fn new_in(hint: usize, allocator: A) -> Self {
                    Self { arena: ChainAllocator::new_in(hint, allocator), hint }
                }

                fn add(&self, name: &str) -> Result<&str, AllocError> {
                    let layout = Layout::for_value(name);
                    let block = self.arena.allocate(layout)?;
                    // SAFETY: the block is new, and has room for the name.
                    unsafe {
                        block.cast::<u8>().as_ptr().copy_from_nonoverlapping(name.as_ptr(), name.len());
                        let bytes = std::slice::from_raw_parts(block.cast::<u8>().as_ptr(), name.len());
                        Ok(std::str::from_utf8_unchecked(bytes))
                    }
                }
            }

            fn write_through<A: Allocator>(allocator: &A, layout: Layout) -> Result<usize, AllocError> {
                let block = allocator.allocate(layout)?;
                assert_eq!(block.cast::<u8>().as_ptr().addr() % layout.align(), 0);
                assert!(block.len() >= layout.size());
                // SAFETY: the block is ours, with that length, and is freed with its layout.
                unsafe {
                    block.cast::<u8>().as_ptr().write_bytes(1, block.len());
                    allocator.deallocate(block.cast(), layout);
                }
                Ok(block.len())
            }

            #[test]
            fn pages() {
                let page = os::page_size().unwrap();
                let allocator = VirtualAllocator {};
                for (size, expected) in [(1, page), (page - 1, page), (page, page), (page + 1, 2 * page)] {
                    let layout = Layout::from_size_align(size, 1).unwrap();
                    assert_eq!(write_through(&allocator, layout), Ok(expected));
                }
                let zeroed = Layout::array::<u64>(1 << 18).unwrap();
                let block = allocator.allocate_zeroed(zeroed).unwrap();
                // SAFETY: the block is ours and initialised, and freed with its layout.
                unsafe {
                    assert!(block.as_ref().iter().all(|&byte| byte == 0));
                    allocator.deallocate(block.cast(), zeroed);
                }
            }

            #[test]
            fn a_linear_allocator_is_filled_to_the_end() {
                let layout = Layout::from_size_align(24, 8).unwrap();
                let arena = LinearAllocator::new_in(layout, Global).unwrap();
                assert_eq!((arena.used_bytes(), arena.remaining_capacity()), (0, arena.reserved_bytes()));
                for layout in [Layout::new::<u8>(), Layout::new::<u16>(), Layout::new::<u64>()] {
                    assert!(arena.has_capacity_for(layout));
                    assert_eq!(arena.allocate(layout).unwrap().len(), layout.size());
                }
                assert_eq!(arena.used_bytes(), 4_usize.next_multiple_of(align_of::<u64>()) + 8);
                let rest = Layout::array::<u8>(arena.remaining_capacity()).unwrap();
                arena.allocate(rest).unwrap();
                assert_eq!((arena.remaining_capacity(), arena.used_bytes()), (0, arena.reserved_bytes()));
                assert!(!arena.has_capacity_for(Layout::new::<u8>()));
                assert_eq!(arena.allocate(Layout::new::<u8>()), Err(AllocError));
            }

            #[test]
            fn a_chain_grows_when_it_is_full() {
                let page = os::page_size().unwrap();
                let arena = ChainAllocator::new_in(page, VirtualAllocator {});
                assert_eq!(
                    (arena.used_bytes(), arena.reserved_bytes(), arena.remaining_capacity()),
                    (0, 0, 0)
                );
                assert!(!arena.has_capacity_for(Layout::new::<u8>()));
                for _ in 0..5 {
                    arena.allocate(Layout::new::<u8>()).unwrap();
                    let rest = Layout::array::<u8>(arena.remaining_capacity()).unwrap();
                    assert!(arena.has_capacity_for(rest));
                    arena.allocate(rest).unwrap();
                    assert_eq!(arena.remaining_capacity(), 0);
                    assert_eq!(arena.used_bytes(), arena.reserved_bytes());
                }
                assert!(arena.reserved_bytes() >= 5 * page);
                // Larger than any chunk.
                let large = Layout::array::<u64>(1 << 20).unwrap();
                assert!(arena.allocate(large).unwrap().len() >= large.size());
            }

            #[test]
            fn a_hint_counts_the_overhead() {
                const OVERHEAD: usize = ChainAllocator::<VirtualAllocator>::CHAIN_NODE_OVERHEAD;
                let arena = ChainAllocator::new_in(4096, Global);
                arena
                    .allocate(
                        Layout::from_size_align(4096 - ChainAllocator::<Global>::CHAIN_NODE_OVERHEAD, 1)
                            .unwrap(),
                    )
                    .unwrap();
                assert_eq!((arena.reserved_bytes(), arena.remaining_capacity()), (4096, 0));
                assert!(OVERHEAD > 0 && OVERHEAD < 100);
            }

            #[test]
            fn samples_in_a_chain() {
                let samples = Samples::new_in(1000, VirtualAllocator {});
                let names: Vec<String> = (0..500).map(|number| format!("function {number}")).collect();
                let copies: Vec<&str> = names.iter().map(|name| samples.add(name).unwrap()).collect();
                assert_eq!(copies, names);
                assert!(samples.arena.used_bytes() > 5000 && samples.hint == 1000);
            }

            /// `shrink` by its full name: an arena of this crate has a method of its own with that name.
            #[test]
            fn a_vector_made_by_hand_grows_and_shrinks() {
                let arena = ChainAllocator::new_in(1000, VirtualAllocator {});
                let layout = |len: usize| Layout::array::<u32>(len).unwrap();
                let mut block: NonNull<u32> = arena.allocate_zeroed(layout(4)).unwrap().cast();
                // SAFETY: the block is live, has the layout that the length says, and is written before it is read.
                unsafe {
                    for len in [4, 40, 400, 4000] {
                        block.add(len - 1).write(len as u32);
                        block =
                            arena.by_ref().grow(block.cast(), layout(len), layout(len * 5)).unwrap().cast();
                        block = arena
                            .grow_zeroed(block.cast(), layout(len * 5), layout(len * 10))
                            .unwrap()
                            .cast();
                        assert_eq!(
                            (block.add(len - 1).read(), block.add(len * 10 - 1).read()),
                            (len as u32, 0)
                        );
                    }
                    block = arena.shrink(block.cast(), layout(40_000), layout(400)).unwrap().cast();
                    assert_eq!(block.add(399).read(), 400);
                    arena.deallocate(block.cast(), layout(400));
                }
            }

            #[test]
            fn a_quota_is_kept_and_given_back() {
                let quota = Cell::new(10_000);
                {
                    let samples = Samples::new_in(1000, Quota(&quota));
                    let mut added = 0;
                    while samples.add("a name of some length").is_ok() {
                        added += 1;
                    }
                    assert!(added > 200, "{added}");
                }
                assert_eq!(quota.get(), 10_000);
                let linear = LinearAllocator::new_in(Layout::new::<[u8; 10_001]>(), Quota(&quota));
                assert!(linear.is_err());
            }

            #[test]
            fn collections_in_a_borrowed_arena() {
                let arena = ChainAllocator::new_in(4096, VirtualAllocator {});
                let mut rows = allocator_api2::vec::Vec::new_in(&arena);
                for row in 0..100_usize {
                    let mut numbers = allocator_api2::vec::Vec::with_capacity_in(row, &arena);
                    numbers.extend(0..row);
                    rows.push(numbers);
                }
                assert!(rows.iter().enumerate().all(|(row, numbers)| numbers.iter().copied().eq(0..row)));
                let parent = LinearAllocator::new_in(Layout::new::<[u8; 65_536]>(), Global).unwrap();
                let nested = ChainAllocator::new_in(1024, &parent);
                let boxed = allocator_api2::boxed::Box::new_in([7_u64; 10], &nested);
                assert_eq!(boxed[9], 7);
                assert!(parent.used_bytes() >= nested.reserved_bytes());
            }

            #[test]
            fn an_arena_goes_to_another_thread() {
                let arena = ChainAllocator::new_in(4096, VirtualAllocator {});
                let layout = Layout::new::<u64>();
                std::thread::spawn(move || write_through(&arena, layout)).join().unwrap().unwrap();
            }
        }
    };
}

program!(as_it_was, libdd_alloc);
program!(as_it_is, v_alloc);
