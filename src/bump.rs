//! The arithmetic of bump allocation and of rounding: numbers in, numbers out.
//!
//! This room knows no memory and no operating system. Addresses are `usize`; whoever calls turns the results
//! into pointers. That makes it the part that can be checked exhaustively (see the tests at the end).
//!
//! ```text
//!   cursor        start            end          limit
//!     |  padding    |     size      |   free      |
//!     +-------------+---------------+-------------+
//! ```
#![forbid(unsafe_code)]

/// Where a block lies, and where the cursor goes: a block is `start .. start + size`, and `end` is
/// `start + size` rounded up to the minimum alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// No window ends above this address, so that a padding plus a size below 64 KiB never wraps.
pub(crate) const HIGHEST_LIMIT: usize = usize::MAX - 0xFFFF;

/// Windows of a source with low addresses end at or below this address (2^62 on 64-bit machines).
///
/// A valid layout has `size <= isize::MAX - (align - 1)`. From a cursor below 2^62, aligning up cannot pass
/// 2^63, and adding the size cannot pass 2^64: nothing in [`fit_low`] can wrap.
pub(crate) const LOW_ADDRESSES_END: usize = 1 << (usize::BITS - 2);

/// Fits a block into a window that ends at or below [`LOW_ADDRESSES_END`].
///
/// Also right for any window that ends at or below [`HIGHEST_LIMIT`] if `size + align + MIN_ALIGN` is at most 64 KiB.
#[inline(always)]
pub(crate) const fn fit_low<const MIN_ALIGN: usize>(
    cursor: usize,
    limit: usize,
    size: usize,
    align: usize,
) -> Option<Fit> {
    let start = cursor.wrapping_add(align - 1) & align.wrapping_neg();
    let end = start.wrapping_add(round_up_wrapping(size, MIN_ALIGN));
    if end > limit { None } else { Some(Fit { start, end }) }
}

/// As [`fit_low`], for a type: `size` is a multiple of `align`, and the compiler knows both.
///
/// What takes time is the way from one cursor to the next, through memory. A value mostly lies behind its like: a branch
/// that is predicted keeps alignment out of the way.
#[inline(always)]
pub(crate) const fn fit_type<const MIN_ALIGN: usize>(
    cursor: usize,
    limit: usize,
    size: usize,
    align: usize,
) -> Option<Fit> {
    if cursor & (align - 1) != 0 {
        seldom();
        return fit_multiple::<MIN_ALIGN>(cursor, limit, size, align);
    }
    let end = cursor.wrapping_add(round_up_wrapping(size, MIN_ALIGN));
    if end > limit { None } else { Some(Fit { start: cursor, end }) }
}

/// As [`fit_low`], for a `size` that is a multiple of `align`: then the end can be aligned instead of the start, which takes one
/// step less from this cursor to the next.
#[inline(always)]
pub(crate) const fn fit_multiple<const MIN_ALIGN: usize>(
    cursor: usize,
    limit: usize,
    size: usize,
    align: usize,
) -> Option<Fit> {
    let size = round_up_wrapping(size, MIN_ALIGN);
    let end = round_up_wrapping(cursor.wrapping_add(size), align);
    if end > limit { None } else { Some(Fit { start: end.wrapping_sub(size), end }) }
}

/// As [`fit_type`], where the cursor is known to be aligned. `size` is a multiple of the minimum alignment.
#[inline(always)]
pub(crate) const fn fit_aligned(cursor: usize, limit: usize, size: usize) -> Option<Fit> {
    let end = cursor.wrapping_add(size);
    if end > limit {
        seldom();
        return None;
    }
    Some(Fit { start: cursor, end })
}

/// Makes the compiler put the branch that calls it out of the way.
#[cold]
#[inline] // not `always`: what is inlined before branches are weighed says nothing
pub(crate) const fn seldom() {}

/// Fits a block into any window, at any address and word size.
///
/// Heap windows can carry a tag in the top byte or lie in the upper half of the address space, so this form
/// only adds what cannot overflow: `padding + size` stays within `isize::MAX` for every valid layout.
#[inline(always)]
pub(crate) const fn fit_any<const MIN_ALIGN: usize>(
    cursor: usize,
    limit: usize,
    size: usize,
    align: usize,
) -> Option<Fit> {
    let padding = cursor.wrapping_neg() & (align - 1);
    let needed = padding.wrapping_add(round_up_wrapping(size, MIN_ALIGN));
    if needed > limit.wrapping_sub(cursor) {
        None
    } else {
        Some(Fit { start: cursor.wrapping_add(padding), end: cursor.wrapping_add(needed) })
    }
}

/// Rounds up to a power of two; for numbers that a layout bounds, where it cannot wrap.
#[inline(always)]
pub(crate) const fn round_up_wrapping(number: usize, power_of_two: usize) -> usize {
    number.wrapping_add(power_of_two - 1) & power_of_two.wrapping_neg()
}

/// Rounds up to a power of two, or `None` if the result does not fit.
#[inline]
pub(crate) const fn round_up(number: usize, power_of_two: usize) -> Option<usize> {
    match number.checked_add(power_of_two - 1) {
        Some(sum) => Some(sum & power_of_two.wrapping_neg()),
        None => None,
    }
}

/// Rounds down to a power of two.
#[inline]
pub(crate) const fn round_down(number: usize, power_of_two: usize) -> usize {
    number & power_of_two.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The specification, in numbers wide enough that nothing wraps.
    fn model(min_align: u128, cursor: usize, limit: usize, size: usize, align: usize) -> Option<Fit> {
        let start = (cursor as u128).next_multiple_of(align as u128);
        let end = start + (size as u128).next_multiple_of(min_align);
        (end <= limit as u128).then_some(Fit { start: start as usize, end: end as usize })
    }

    fn check<const MIN_ALIGN: usize>(cursor: usize, limit: usize, size: usize, align: usize) {
        let expected = model(MIN_ALIGN as u128, cursor, limit, size, align);
        assert_eq!(
            fit_any::<MIN_ALIGN>(cursor, limit, size, align),
            expected,
            "fit_any {cursor:#x} {limit:#x} {size:#x} {align:#x}"
        );
        let small = size.saturating_add(align).saturating_add(MIN_ALIGN) <= 1 << 16;
        if limit <= LOW_ADDRESSES_END || (limit <= HIGHEST_LIMIT && small) {
            assert_eq!(
                fit_low::<MIN_ALIGN>(cursor, limit, size, align),
                expected,
                "fit_low {cursor:#x} {limit:#x} {size:#x} {align:#x}"
            );
            if size % align == 0 {
                assert_eq!(
                    fit_type::<MIN_ALIGN>(cursor, limit, size, align),
                    expected,
                    "fit_type {cursor:#x} {limit:#x} {size:#x} {align:#x}"
                );
                assert_eq!(
                    fit_multiple::<MIN_ALIGN>(cursor, limit, size, align),
                    expected,
                    "fit_multiple {cursor:#x} {limit:#x} {size:#x} {align:#x}"
                );
                if cursor % align == 0 {
                    assert_eq!(
                        fit_aligned(cursor, limit, round_up_wrapping(size, MIN_ALIGN)),
                        expected,
                        "fit_aligned {cursor:#x} {limit:#x} {size:#x}"
                    );
                }
            }
        }
    }

    #[test]
    fn windows_may_lie_anywhere_but_at_the_very_end_and_low_ones_in_the_lowest_quarter() {
        assert_eq!(
            LOW_ADDRESSES_END,
            usize::MAX / 4 + 1,
            "not less: kernels hand out what the arithmetic bears"
        );
        assert_eq!(HIGHEST_LIMIT, usize::MAX - 0xFFFF, "all but the last 64 KiB");
    }

    #[test]
    fn every_small_case_matches_the_model() {
        for window_start in 0..48 {
            for window in 0..24 {
                for size in 0..40 {
                    for align in [1, 2, 4, 8, 16, 32] {
                        check::<1>(window_start, window_start + window, size, align);
                        if window_start % 8 == 0 {
                            check::<8>(window_start, window_start + window, size, align);
                        }
                        if window_start % 16 == 0 {
                            check::<16>(window_start, window_start + window, size, align);
                        }
                    }
                }
            }
        }
    }

    /// The same cases moved to every place where an address can wrap: the ends of the address space, the sign
    /// bit, a tagged pointer's top byte.
    #[test]
    fn every_small_case_at_the_edges_of_the_address_space_matches_the_model() {
        let edges = [LOW_ADDRESSES_END, 1 << (usize::BITS - 1), HIGHEST_LIMIT, 0xB4 << (usize::BITS - 8)];
        for edge in edges {
            for below in 0..48 {
                for window in 0..=below {
                    for size in [0, 1, 2, 7, 8, 15, 16, 17, 47, 48] {
                        for align in [1, 2, 8, 16, 32] {
                            let cursor = edge - below;
                            check::<1>(cursor, cursor + window, size, align);
                            if cursor % 16 == 0 {
                                check::<16>(cursor, cursor + window, size, align);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Sizes and alignments at their extremes, from every cursor class: nothing may wrap into a fit.
    #[test]
    fn the_largest_layouts_never_wrap() {
        let half = isize::MAX as usize;
        for align_bits in 0..usize::BITS {
            let align = 1 << align_bits;
            let largest = half - (align - 1).min(half);
            for size in [0, 1, largest / 2, largest.saturating_sub(16), largest.saturating_sub(1), largest] {
                if core::alloc::Layout::from_size_align(size, align).is_err() {
                    continue;
                }
                for cursor in
                    [0, 16, 4096, LOW_ADDRESSES_END - 16, LOW_ADDRESSES_END, half - 15, HIGHEST_LIMIT - 15]
                {
                    let cursor = round_down(cursor, 16);
                    for limit in [cursor, cursor.saturating_add(64), LOW_ADDRESSES_END, HIGHEST_LIMIT] {
                        if limit >= cursor {
                            check::<1>(cursor, limit, size, align);
                            check::<16>(cursor, limit, size, align);
                        }
                    }
                }
            }
        }
    }

    fn any_layout() -> impl Strategy<Value = (usize, usize)> {
        (0..usize::BITS, any::<usize>(), 0..usize::BITS).prop_map(|(align_bits, size, shift)| {
            let align = 1_usize << align_bits;
            let largest = (isize::MAX as usize + 1).saturating_sub(align);
            ((size >> shift).min(largest), align)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_window_and_layout_match_the_model(
            (size, align) in any_layout(),
            ends in any::<[usize; 2]>(),
            shift in 0..usize::BITS,
        ) {
            let (low, high) = (ends[0] >> shift, ends[1] >> shift);
            let (cursor, limit) = (low.min(high), low.max(high).min(HIGHEST_LIMIT));
            prop_assume!(cursor <= limit);
            check::<1>(cursor, limit, size, align);
            check::<8>(round_down(cursor, 8), limit, size, align);
            check::<16>(round_down(cursor, 16), limit, size, align);
        }

        #[test]
        fn rounding_matches_the_model(number in any::<usize>(), bits in 0..usize::BITS) {
            let power = 1_usize << bits;
            let up = (number as u128).next_multiple_of(power as u128);
            prop_assert_eq!(round_up(number, power), usize::try_from(up).ok());
            prop_assert_eq!(round_down(number, power), number / power * power);
        }
    }
}
