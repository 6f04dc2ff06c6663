//! A part of a table, as long as a cache line: a few numbers of entries, found by their controls, all at once.
//!
//! ```text
//!  | controls: u8 x 12 | passed: u32 | numbers: u32 x 12 |       64 bytes
//!
//!  control   0: the place is free; else the highest eight bits of the tag
//!  passed    how many entries found the chunk full and lie further on their way
//! ```

use super::{Number, TAG_BITS, Tag};

/// Places in a chunk.
pub(super) const PLACES: usize = 12;

/// A bit for each place of a chunk, that of the first lowest.
pub(super) type Places = u16;
pub(super) const ALL_PLACES: Places = (1 << PLACES) - 1;

#[repr(C, align(64))]
pub(super) struct Chunk {
    pub(super) controls: [u8; PLACES],
    pub(super) passed: u32,
    pub(super) numbers: [Number; PLACES],
}

/// The highest eight bits of a tag: the lowest say where its entry lies.
#[inline(always)]
fn highest(tag: Tag) -> u8 {
    let [highest, ..] = (tag >> (TAG_BITS - u8::BITS)).to_le_bytes();
    highest
}

/// The control of an entry with this tag. (All that have 0 there share 1 with others.)
#[inline(always)]
fn control_of(tag: Tag) -> u8 {
    highest(tag).max(1)
}

impl Chunk {
    /// All places are free: zeroes, like fresh pages.
    pub(super) const EMPTY: Self = Self { controls: [0; PLACES], passed: 0, numbers: [0; PLACES] };

    /// What `look` makes of the first place and number with this tag that it makes something of.
    #[inline(always)]
    pub(super) fn find<R>(&self, tag: Tag, look: impl Fn(usize, Number) -> Option<R>) -> Option<R> {
        let mut places = Pattern::of(tag).places(self);
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            // SAFETY: only the lowest bits of `places` are set, as many as there are places.
            let found = look(place, unsafe { *self.numbers.get_unchecked(place) });
            if found.is_some() {
                return found;
            }
            places &= places - 1;
        }
        None
    }

    /// The places that are not free.
    #[inline(always)]
    pub(super) fn taken(&self) -> Places {
        Pattern::FREE.places(self) ^ ALL_PLACES
    }

    /// Takes the entries out that have these places, whose tags are `tags`; how many there are in `out` now.
    #[inline(always)]
    pub(super) fn take_out(
        &mut self,
        mut places: Places,
        tags: &[Tag; PLACES],
        out: &mut [(Tag, Number); PLACES],
    ) -> usize {
        let mut count = 0;
        places &= ALL_PLACES;
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            // SAFETY: only the lowest bits of `places` are set, as many as there are places, and one less each time.
            unsafe {
                *self.controls.get_unchecked_mut(place) = 0;
                *out.get_unchecked_mut(count) =
                    (*tags.get_unchecked(place), *self.numbers.get_unchecked(place));
            }
            count += 1;
            places &= places - 1;
        }
        count
    }

    /// Enters as many as there are free places for; returns how many. (One by one they would take longer: a search right after a
    /// change waits for it.)
    #[inline(always)]
    pub(super) fn insert(&mut self, entries: &[(Tag, Number)]) -> usize {
        let mut free = Pattern::FREE.places(self);
        let mut count = 0;
        for &(tag, number) in entries {
            if free == 0 {
                break;
            }
            let place = free.trailing_zeros() as usize;
            (self.controls[place], self.numbers[place]) = (control_of(tag), number);
            free &= free - 1;
            count += 1;
        }
        count
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
use by_sse2::Pattern;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(miri))))]
use by_words::Pattern;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
mod by_sse2 {
    use super::{ALL_PLACES, Chunk, Places, Tag, highest};
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_load_si128, _mm_max_epu8, _mm_movemask_epi8, _mm_set1_epi8,
        _mm_set1_epi32,
    };

    /// A control, in each byte.
    pub(super) struct Pattern(__m128i);

    impl Pattern {
        // SAFETY: zeroes are a value of it.
        pub(super) const FREE: Self = unsafe { core::mem::zeroed() };

        /// That of a tag, as [`control_of`](super::control_of) says: a loop of searches makes the ones only once.
        #[inline(always)]
        pub(super) fn of(tag: Tag) -> Self {
            let repeated = i32::from(highest(tag)).wrapping_mul(0x0101_0101);
            // SAFETY: the target has SSE2.
            Self(unsafe { _mm_max_epu8(_mm_set1_epi32(repeated), _mm_set1_epi8(1)) })
        }

        /// A bit for each place that has it.
        #[inline(always)]
        pub(super) fn places(self, chunk: &Chunk) -> Places {
            // SAFETY: a chunk has more than 16 bytes, all of them integers, and is aligned to as many; the target has SSE2.
            let equal = unsafe {
                let controls = _mm_load_si128(core::ptr::from_ref(chunk).cast());
                _mm_movemask_epi8(_mm_cmpeq_epi8(controls, self.0))
            };
            let [low, high, ..] = equal.to_le_bytes();
            Places::from_le_bytes([low, high]) & ALL_PLACES
        }
    }
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))))]
mod by_words {
    use super::{Chunk, PLACES, Places, Tag, control_of};

    /// A control.
    pub(super) struct Pattern(u8);

    impl Pattern {
        pub(super) const FREE: Self = Self(0);

        /// That of a tag.
        #[inline(always)]
        pub(super) fn of(tag: Tag) -> Self {
            Self(control_of(tag))
        }

        /// A bit for each place that has it.
        #[inline(always)]
        pub(super) fn places(self, chunk: &Chunk) -> Places {
            let [first @ .., _, _, _, _] = chunk.controls;
            let [_, _, _, _, last @ ..] = chunk.controls;
            self.equal_bytes(first) | self.equal_bytes(last) << (PLACES - 8)
        }

        /// A bit for each byte that is equal, the first byte lowest.
        #[inline(always)]
        fn equal_bytes(&self, bytes: [u8; 8]) -> Places {
            const LOW_SEVEN: u64 = u64::from_ne_bytes([0x7f; 8]);
            let differing = u64::from_le_bytes(bytes) ^ u64::from_ne_bytes([self.0; 8]);
            // The high bit of each byte that is 0: the sum carries into it from any of the lower seven.
            let zero = !(((differing & LOW_SEVEN) + LOW_SEVEN) | differing | LOW_SEVEN);
            // The eight bits moved next to each other, into the highest byte.
            ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as Places
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_with_a_control_is_seen_and_no_other() {
        for tag in (0..0x100).map(|highest| highest << (TAG_BITS - u8::BITS) | 5) {
            for place in 0..PLACES {
                let mut chunk = Chunk { passed: u32::MAX, ..Chunk::EMPTY };
                chunk.controls[place] = control_of(tag);
                assert_eq!(Pattern::of(tag).places(&chunk), 1 << place);
                assert_eq!(by_words::Pattern::of(tag).places(&chunk), 1 << place);
                assert_eq!(Pattern::FREE.places(&chunk), ALL_PLACES & !(1 << place));
                assert_eq!(by_words::Pattern::FREE.places(&chunk), ALL_PLACES & !(1 << place));
                for other in [tag ^ 2 << (TAG_BITS - u8::BITS), tag ^ 1 << (TAG_BITS - 1)] {
                    assert_eq!(Pattern::of(other).places(&chunk), 0);
                    assert_eq!(by_words::Pattern::of(other).places(&chunk), 0);
                }
            }
        }
    }
}
