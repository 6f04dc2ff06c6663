//! The window as its owner has it: three words, and how a block is taken from it.
//!
//! ```text
//!  cursor        limit          word_limit: the limit, or 0
//!    |    free     |
//! ```
//!
//! Most values are whole words, and lie behind their like. So the window remembers, in the limit for words, that its cursor
//! is a multiple of a word: then such a value needs no alignment, and *one* comparison says that it fits and is aligned.
//! Whatever leaves the cursor elsewhere sets that limit to 0, in which no word fits.

use super::source::{LARGEST_MIN_ALIGN, Source, Window};
use crate::bump::{self, Fit};
use crate::traps;
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

const WORD: usize = size_of::<usize>();

/// A window that changes through a shared borrow. If it has no address of its own, as in a handle on the stack, it is in
/// registers.
///
/// `word_limit` is 0, or the address of the limit if the cursor is a multiple of [`WORD`]. It is not looked at where
/// `MIN_ALIGN` makes every cursor one.
pub(super) struct WindowCell<const MIN_ALIGN: usize> {
    cursor: Cell<*mut u8>,
    limit: Cell<*mut u8>,
    word_limit: Cell<usize>,
}

impl<const MIN_ALIGN: usize> WindowCell<MIN_ALIGN> {
    const ALL_WORDS: bool = MIN_ALIGN >= WORD;

    /// The limit for words is found by the first of them.
    pub(super) const fn new(window: Window) -> Self {
        Self { cursor: Cell::new(window.cursor), limit: Cell::new(window.limit), word_limit: Cell::new(0) }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Window {
        Window { cursor: self.cursor.get(), limit: self.limit.get() }
    }

    #[inline(always)]
    pub(super) fn set(&self, window: Window) {
        self.limit.set(window.limit);
        self.set_cursor_of(window);
    }

    /// As [`set`](Self::set), for a window in memory, whose limit is mostly the one that it has: then the next who reads that need not
    /// wait until it is stored.
    #[inline(always)]
    pub(super) fn update(&self, window: Window) {
        if window.limit != self.limit.get() {
            self.limit.set(window.limit);
        }
        self.set_cursor_of(window);
    }

    #[inline(always)]
    fn set_cursor_of(&self, Window { cursor, limit }: Window) {
        self.cursor.set(cursor);
        if !Self::ALL_WORDS {
            self.word_limit.set(if cursor.addr() % WORD == 0 { limit.addr() } else { 0 });
        }
    }

    #[inline(always)]
    pub(super) fn cursor(&self) -> *mut u8 {
        self.cursor.get()
    }

    #[inline(always)]
    pub(super) fn limit(&self) -> *mut u8 {
        self.limit.get()
    }

    #[inline(always)]
    pub(super) fn set_cursor(&self, cursor: *mut u8) {
        self.cursor.set(cursor);
        self.forget_words();
    }

    /// The cursor may lie anywhere now; the next word finds out.
    #[inline(always)]
    fn forget_words(&self) {
        if !Self::ALL_WORDS {
            self.word_limit.set(0);
        }
    }

    /// Hands out the block of a fit: moves the cursor behind it.
    #[inline(always)]
    fn take(&self, fit: Fit) -> NonNull<u8> {
        let before = self.cursor.get();
        self.cursor.set(before.with_addr(fit.end));
        traps::handed_out(before.with_addr(fit.start), fit.end - fit.start);
        // SAFETY: the start of a fit is at or above the cursor, which is never null.
        unsafe { NonNull::new_unchecked(before.with_addr(fit.start)) }
    }

    /// A block of this layout, if it fits.
    #[inline(always)]
    pub(super) fn allocate<S: Source>(&self, layout: Layout) -> Option<NonNull<u8>> {
        let (cursor, limit) = (self.cursor.get().addr(), self.limit.get().addr());
        let fit = if S::LOW_ADDRESSES {
            bump::fit_low::<MIN_ALIGN>(cursor, limit, layout.size(), layout.align())
        } else {
            bump::fit_any::<MIN_ALIGN>(cursor, limit, layout.size(), layout.align())
        }?;
        let block = self.take(fit);
        self.forget_words();
        Some(block)
    }

    /// A place for a value, if it fits. What the compiler knows of the type is left out of the arithmetic.
    #[inline(always)]
    pub(super) fn allocate_for<S: Source, T>(&self) -> Option<NonNull<T>> {
        let whole = const { bump::round_up_wrapping(size_of::<T>(), MIN_ALIGN) % WORD == 0 };
        let words = const { align_of::<T>() <= WORD && Self::cannot_wrap::<S, T>() };
        let fit = if whole && words { self.fit_words::<T>()? } else { self.fit::<S, T>()? };
        let place = self.take(fit);
        // What begins and ends at a word leaves the next cursor there.
        if !(whole && (words || align_of::<T>() > WORD)) {
            self.forget_words();
        }
        Some(place.cast())
    }

    /// Whether a padding and a size can be added to any address in the window.
    const fn cannot_wrap<S: Source, T>() -> bool {
        S::LOW_ADDRESSES || size_of::<T>() + align_of::<T>() + LARGEST_MIN_ALIGN <= 1 << 16
    }

    /// Where a value lies, if it fits.
    #[inline(always)]
    fn fit<S: Source, T>(&self) -> Option<Fit> {
        let align = const { if align_of::<T>() <= MIN_ALIGN { 1 } else { align_of::<T>() } };
        let (cursor, limit) = (self.cursor.get().addr(), self.limit.get().addr());
        if const { Self::cannot_wrap::<S, T>() } {
            bump::fit_type::<MIN_ALIGN>(cursor, limit, size_of::<T>(), align)
        } else {
            bump::fit_any::<MIN_ALIGN>(cursor, limit, size_of::<T>(), align)
        }
    }

    /// As [`fit`](Self::fit), for whole words.
    #[inline(always)]
    fn fit_words<T>(&self) -> Option<Fit> {
        let limit = if Self::ALL_WORDS { self.limit.get().addr() } else { self.word_limit.get() };
        let size = const { bump::round_up_wrapping(size_of::<T>(), MIN_ALIGN) };
        let fit = bump::fit_aligned(self.cursor.get().addr(), limit, size);
        if Self::ALL_WORDS || fit.is_some() {
            return fit;
        }
        let (cursor, limit) = (self.cursor.get().addr(), self.limit.get().addr());
        let fit = bump::fit_multiple::<MIN_ALIGN>(cursor, limit, size_of::<T>(), align_of::<T>())?;
        if fit.end % WORD == 0 {
            self.word_limit.set(limit);
        }
        Some(fit)
    }
}

#[cfg(test)]
#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
#[allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
mod tests {
    use super::*;
    use crate::Reserved;
    use crate::arena::{buffer::Borrowed, fixed::Fixed};
    use proptest::prelude::*;

    /// A source whose windows may lie anywhere.
    type Anywhere = Fixed<Borrowed<'static>>;

    /// What is asked of a window.
    #[derive(Clone, Copy, Debug)]
    enum Request {
        Word,
        Words,
        HalfWords,
        Byte,
        OddBytes,
        DoubleWord,
        Layout(usize, usize),
        Move(usize),
    }
    use Request::*;

    #[repr(align(16))]
    struct Wide {
        _bytes: [u8; 48],
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            4 => Just(Word),
            2 => Just(Words),
            1 => Just(HalfWords),
            1 => Just(Byte),
            1 => Just(OddBytes),
            1 => Just(DoubleWord),
            2 => (0..40_usize, 0..6_u32).prop_map(|(size, bits)| Layout(size, 1_usize << bits)),
            1 => (0..0x400_usize).prop_map(Move),
        ]
    }

    /// The block, as an address, and the layout that was asked for.
    fn place<S: Source, T, const MIN_ALIGN: usize>(
        window: &WindowCell<MIN_ALIGN>,
    ) -> (Option<usize>, usize, usize) {
        let place = window.allocate_for::<S, T>().map(|place| place.addr().get());
        (place, size_of::<T>(), align_of::<T>())
    }

    fn check<S: Source, const MIN_ALIGN: usize>(requests: &[Request]) {
        const START: usize = 0x10_000;
        let pointer = core::ptr::without_provenance_mut;
        let limit = START + 0x400;
        let window = WindowCell::<MIN_ALIGN>::new(Window { cursor: pointer(START), limit: pointer(limit) });
        for &request in requests {
            let before = window.get().cursor.addr();
            let (place, size, align) = match request {
                Word => place::<S, usize, MIN_ALIGN>(&window),
                Words => place::<S, [usize; 3], MIN_ALIGN>(&window),
                HalfWords => place::<S, [[u8; 4]; 4], MIN_ALIGN>(&window),
                Byte => place::<S, u8, MIN_ALIGN>(&window),
                OddBytes => place::<S, [u16; 7], MIN_ALIGN>(&window),
                DoubleWord => place::<S, Wide, MIN_ALIGN>(&window),
                Layout(size, align) => {
                    let layout = core::alloc::Layout::from_size_align(size, align).unwrap();
                    (window.allocate::<S>(layout).map(|block| block.addr().get()), size, align)
                }
                Move(by) => {
                    window.set_cursor(pointer(bump::round_down(START + by, MIN_ALIGN)));
                    continue;
                }
            };
            let expected = bump::fit_any::<MIN_ALIGN>(before, limit, size, align);
            assert_eq!(place, expected.map(|fit| fit.start), "{request:?} at {before:#x}");
            assert_eq!(window.get().cursor.addr(), expected.map_or(before, |fit| fit.end), "{request:?}");
            let (words, cursor) = (window.word_limit.get(), window.get().cursor.addr());
            assert!(
                words == 0 || (words, cursor % WORD) == (limit, 0),
                "{request:?}: {words:#x} at {cursor:#x}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_came_before_a_block_lies_where_the_arithmetic_says(
            requests in prop::collection::vec(request(), 0..120),
        ) {
            check::<Reserved, 1>(&requests);
            check::<Reserved, 4>(&requests);
            check::<Reserved, 16>(&requests);
            check::<Anywhere, 1>(&requests);
        }
    }

    #[test]
    fn words_behind_each_other_are_found_by_the_limit_for_words() {
        let window = WindowCell::<1>::new(Window {
            cursor: core::ptr::without_provenance_mut(0x10_001),
            limit: core::ptr::without_provenance_mut(0x10_100),
        });
        assert!(window.allocate_for::<Reserved, usize>().is_some());
        assert_eq!(window.word_limit.get(), 0x10_100, "one comparison will do");
        assert!(window.allocate_for::<Reserved, [usize; 2]>().is_some());
        assert_eq!(window.word_limit.get(), 0x10_100);
        assert!(window.allocate_for::<Reserved, Wide>().is_some());
        assert_eq!(window.word_limit.get(), 0x10_100, "it begins and ends at a word");
        assert!(window.allocate_for::<Reserved, u8>().is_some());
        assert_eq!(window.word_limit.get(), 0, "the cursor is no multiple of a word");
    }

    #[test]
    fn sums_cannot_wrap_at_low_addresses_or_below_64_kib() {
        const PADDING: usize = 1 + LARGEST_MIN_ALIGN;
        assert!(WindowCell::<1>::cannot_wrap::<Reserved, [u8; 1 << 20]>() == Reserved::LOW_ADDRESSES);
        assert!(WindowCell::<1>::cannot_wrap::<Anywhere, [u8; (1 << 16) - PADDING]>());
        assert!(!WindowCell::<1>::cannot_wrap::<Anywhere, [u8; (1 << 16) - PADDING + 1]>());
        assert!(!WindowCell::<1>::cannot_wrap::<Anywhere, [u64; (1 << 13) - 2]>(), "with its alignment");
    }
}
