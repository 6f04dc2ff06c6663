//! Every typed method once, through any handle.

/// Calls each typed method of `$arena` in both its forms. What they return is looked at when all have been called.
#[macro_export]
macro_rules! every_typed_method {
    ($arena:expr) => {{
        use std::alloc::Layout;
        use v_alloc::{AllocError, AllocOrInitError};
        let arena = $arena;
        let texts = || ["a", "bc", ""].map(str::to_owned);
        let values: [&mut u64; 6] = [
            arena.alloc(1),
            arena.try_alloc(1).unwrap(),
            arena.alloc_with(|| 1),
            arena.try_alloc_with(|| 1).unwrap(),
            arena.alloc_try_with(|| Ok::<_, ()>(1)).unwrap(),
            arena.try_alloc_try_with(|| Ok::<_, ()>(1)).unwrap(),
        ];
        let threes: [&mut [u64]; 14] = [
            arena.alloc_slice_copy(&[3; 3]),
            arena.try_alloc_slice_copy(&[3; 3]).unwrap(),
            arena.alloc_slice_fill_copy(3, 3),
            arena.try_alloc_slice_fill_copy(3, 3).unwrap(),
            arena.alloc_slice_fill_clone(3, &3),
            arena.try_alloc_slice_fill_clone(3, &3).unwrap(),
            arena.alloc_slice_fill_with(3, |_| 3),
            arena.try_alloc_slice_fill_with(3, |_| 3).unwrap(),
            arena.alloc_slice_try_fill_with(3, |_| Ok::<_, ()>(3)).unwrap(),
            arena.try_alloc_slice_try_fill_with(3, |_| Ok::<_, ()>(3)).unwrap(),
            arena.alloc_slice_fill_iter([3; 3]),
            arena.try_alloc_slice_fill_iter([3; 3]).unwrap(),
            arena.alloc_slice_try_fill_iter([Ok::<_, ()>(3); 3]).unwrap(),
            arena.try_alloc_slice_try_fill_iter([Ok::<_, ()>(3); 3]).unwrap(),
        ];
        let clones: [&mut [String]; 2] =
            [arena.alloc_slice_clone(&texts()), arena.try_alloc_slice_clone(&texts()).unwrap()];
        let nothings: [&mut [u64]; 4] = [
            arena.alloc_slice_fill_default(3),
            arena.try_alloc_slice_fill_default(3).unwrap(),
            arena.alloc_slice_zeroed(3),
            arena.try_alloc_slice_zeroed(3).unwrap(),
        ];
        let strings: [&mut str; 4] = [
            arena.alloc_str("text"),
            arena.try_alloc_str("text").unwrap(),
            arena.alloc_fmt(format_args!("{}{}", "te", "xt")),
            arena.try_alloc_fmt(format_args!("{}{}", "te", "xt")).unwrap(),
        ];
        let layout = Layout::from_size_align(100, 256).unwrap();
        let blocks = [arena.alloc_layout(layout), arena.try_alloc_layout(layout).unwrap()];
        for block in blocks {
            assert_eq!(block.addr().get() % 256, 0);
            // SAFETY: the block is new and has this size.
            unsafe { block.write_bytes(0xFF, 100) };
        }
        assert!(values.iter().all(|value| **value == 1));
        assert!(threes.iter().all(|slice| **slice == [3; 3]));
        assert!(nothings.iter().all(|slice| **slice == [0; 3]));
        assert!(strings.iter().all(|text| **text == *"text"));
        for slice in clones {
            assert_eq!(slice, texts());
            // SAFETY: an arena does not drop; nobody uses them after this.
            unsafe { std::ptr::drop_in_place(slice) };
        }
        // Failures of the caller's code, and of what cannot be.
        assert_eq!(arena.alloc_try_with(|| Err::<u8, _>("no")), Err("no"));
        assert_eq!(arena.try_alloc_try_with(|| Err::<u8, _>("no")), Err(AllocOrInitError::Init("no")));
        assert_eq!(arena.alloc_slice_try_fill_with(3, |_| Err::<u8, _>("no")), Err("no"));
        assert_eq!(arena.alloc_slice_try_fill_iter([Ok(1), Err("no")]), Err("no"));
        assert_eq!(arena.try_alloc_slice_zeroed::<u64>(usize::MAX / 4), Err(AllocError));
        assert_eq!(arena.try_alloc_slice_fill_copy(usize::MAX, 0_u64), Err(AllocError));
    }};
}
