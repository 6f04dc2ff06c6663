//! The memory of an interner: each string behind its symbol, its length and its tag, in an arena.
//!
//! ```text
//!  first                                           first + 4 * place
//!   | symbol | length | tag | bytes ...   | padding | symbol | length | tag | bytes ...
//!   |  u32   |  u32   | u32 |             |  0 ..= 3  bytes
//! ```
//!
//! So 32 bits say where a string is, and a search that follows them has all that it needs in one place, mostly in one
//! cache line.

use super::Symbol;
use crate::error::{Cause, Operation};
use crate::stable_map::index::Tag;
use crate::typed::{Blocks, copying};
use crate::{Arena, ReserveError};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

/// Where a string is: behind the first one, in units of [`Head`]'s alignment.
pub(super) type Place = u32;

/// What lies before the bytes of a string.
#[repr(C)]
struct Head {
    symbol: Symbol,
    len: u32,
    /// By which the index finds it: no string is hashed a second time when the index grows.
    tag: Tag,
}

/// All strings of an interner. Nothing moves, and nothing is given up but by [`clear`](Self::clear).
pub(super) struct Strings {
    arena: Arena,
    /// The first string's head; dangling while there is none.
    first: Cell<NonNull<Head>>,
    /// The bytes of all together, without heads and padding.
    bytes: Cell<usize>,
}

// SAFETY: the address is one of the arena's memory, which moves with it.
unsafe impl Send for Strings {}

impl Strings {
    pub(super) const fn new(arena: Arena) -> Self {
        Self { arena, first: Cell::new(NonNull::dangling()), bytes: Cell::new(0) }
    }

    /// Memory with room for so many strings of so many bytes together.
    pub(super) fn reserved(strings: usize, bytes: usize) -> Result<Self, ReserveError> {
        let each = size_of::<Head>() + align_of::<Head>() - 1;
        Ok(Self::new(Arena::with_reservation(strings.saturating_mul(each).saturating_add(bytes))?))
    }

    /// The bytes of all strings together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(super) fn committed_bytes(&self) -> usize {
        self.arena.committed_bytes()
    }

    /// Copies a string behind all others.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no room or no memory; nothing has changed then.
    pub(super) fn add(&self, symbol: Symbol, tag: Tag, bytes: &[u8]) -> Result<Place, ReserveError> {
        let too_large = ReserveError::new(Operation::Commit, bytes.len(), Cause::TooLarge);
        let len = u32::try_from(bytes.len()).map_err(|_| too_large)?;
        let padded = bytes.len().checked_next_multiple_of(FOUR).ok_or(too_large)?;
        let size = size_of::<Head>().checked_add(padded).ok_or(too_large)?;
        let layout = Layout::from_size_align(size, align_of::<Head>()).map_err(|_| too_large)?;
        let block = self.arena.try_alloc_layout(layout);
        let block = block.map_err(|_| self.arena.last_error().unwrap_or(too_large))?;
        let head = block.cast::<Head>();
        if symbol.index() == 0 {
            self.first.set(head);
        }
        let place = head.addr().get().checked_sub(self.first.get().addr().get());
        let Some(place) = place.and_then(|bytes| Place::try_from(bytes / align_of::<Head>()).ok()) else {
            // SAFETY: nobody else knows of the block.
            unsafe { self.arena.shrink_block(block, size, 0) };
            return Err(too_large);
        };
        // SAFETY: the block has room for the head and behind it for the bytes as whole words, and is new, so it lies apart from them.
        unsafe {
            head.write(Head { symbol, len, tag });
            if (1..FOUR).contains(&bytes.len()) {
                head.add(1).cast().write(few(bytes));
            }
            copying::copy(NonNull::from(bytes).cast(), head.add(1).cast(), bytes.len());
        }
        self.bytes.set(self.bytes.get() + bytes.len());
        Ok(place)
    }

    /// The same strings at the same places.
    ///
    /// # Errors
    /// [`ReserveError`] if there is no memory.
    ///
    /// # Safety
    /// `last` is the last place that [`add`](Self::add) returned since all was last cleared.
    pub(super) unsafe fn copy(&self, last: Place) -> Result<Self, ReserveError> {
        // SAFETY: forwarded from the caller.
        let end = unsafe { self.at(last) }.as_ptr_range().end;
        let size = (end.addr() - self.first.get().addr().get()).next_multiple_of(FOUR); // with its padding
        let too_large = ReserveError::new(Operation::Commit, size, Cause::TooLarge);
        let copy = Self::new(Arena::new());
        let layout = Layout::from_size_align(size, align_of::<Head>()).map_err(|_| too_large)?;
        let block = copy.arena.try_alloc_layout(layout);
        let block = block.map_err(|_| copy.arena.last_error().unwrap_or(too_large))?;
        // SAFETY: the strings lie in one piece, from the first head to the last one's padding; the block is new.
        unsafe { block.copy_from_nonoverlapping(self.first.get().cast(), size) };
        copy.first.set(block.cast());
        copy.bytes.set(self.bytes.get());
        Ok(copy)
    }

    /// Forgets all strings. The memory stays.
    pub(super) fn clear(&mut self) {
        self.arena.reset();
        self.bytes.set(0);
    }

    /// The head of a string.
    ///
    /// # Safety
    /// The place is one that [`add`](Self::add) returned since all was last cleared.
    #[inline(always)]
    unsafe fn head(&self, place: Place) -> NonNull<Head> {
        // SAFETY: forwarded from the caller: it lies that far behind the first, in the arena's one range.
        unsafe { self.first.get().byte_add(place as usize * align_of::<Head>()) }
    }

    /// The bytes of a string.
    ///
    /// # Safety
    /// As for [`head`](Self::head).
    #[inline(always)]
    pub(super) unsafe fn at(&self, place: Place) -> &[u8] {
        // SAFETY: `add` wrote the head and behind it so many bytes, to which nobody writes; the arena gives them up only
        // when it is cleared or dropped, which needs `self` exclusively.
        unsafe {
            let head = self.head(place);
            core::slice::from_raw_parts(head.add(1).cast().as_ptr(), head.as_ref().len as usize)
        }
    }

    /// The tag of a string.
    ///
    /// # Safety
    /// As for [`head`](Self::head).
    #[inline(always)]
    pub(super) unsafe fn tag(&self, place: Place) -> Tag {
        // SAFETY: forwarded from the caller; `add` wrote the head.
        unsafe { self.head(place).as_ref().tag }
    }

    /// The symbol of a string, if it is equal to this one.
    ///
    /// # Safety
    /// As for [`head`](Self::head).
    #[inline(always)]
    pub(super) unsafe fn symbol_if(&self, place: Place, bytes: &[u8]) -> Option<Symbol> {
        // SAFETY: forwarded from the caller.
        let (symbol, string) = unsafe { (self.head(place).as_ref().symbol, self.at(place)) };
        (string == bytes).then_some(symbol)
    }

    /// The symbol of a string, if it is equal to this one.
    ///
    /// # Safety
    /// As for [`head`](Self::head).
    #[inline(always)]
    pub(super) unsafe fn symbol_if_short(&self, place: Place, short: Short) -> Option<Symbol> {
        // SAFETY: forwarded from the caller; `add` wrote the head and behind it whole words, as many as have the length.
        unsafe {
            let head = self.head(place);
            let &Head { symbol, len, .. } = head.as_ref();
            (len as usize == short.len && words(head.add(1).cast(), short.len) == short.words)
                .then_some(symbol)
        }
    }
}

/// A string of 1 to 16 bytes in four words: two of one length are equal if these are. Made and compared without a branch, because
/// nobody can foresee the lengths of names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Short {
    len: usize,
    words: u128,
}

impl Short {
    const MOST: usize = 16;

    /// `None` if it is longer, or empty.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let len = bytes.len();
        if !(1..=Self::MOST).contains(&len) {
            return None;
        }
        // SAFETY: there is a byte.
        let few = unsafe { few(bytes) };
        let four_or_more = if len < FOUR { NonNull::from(&few).cast() } else { NonNull::from(bytes).cast() };
        // SAFETY: there are so many bytes, or four.
        let words = unsafe { words(four_or_more, len) };
        Some(Self { len, words })
    }

    /// What depends on the length and all bytes.
    #[inline(always)]
    pub(super) fn all(self) -> u128 {
        self.words ^ self.len as u128
    }
}

/// Strings with fewer bytes take as many, of which they may have some twice.
const FOUR: usize = size_of::<u32>();

/// What is stored of one to three bytes: the first, that in the middle, the last. They begin with all that there are.
///
/// ```text
///  a:   | a | a | a | 0 |     ab:   | a | b | b | 0 |     abc:   | a | b | c | 0 |
/// ```
///
/// # Safety
/// There is at least one.
#[inline(always)]
unsafe fn few(bytes: &[u8]) -> u32 {
    // SAFETY: `at` is 0 or below the length.
    let at = |at: usize| unsafe { u32::from(*bytes.get_unchecked(at)) };
    (at(0) | at(bytes.len() / 2) << 8 | at(bytes.len() - 1) << 16).to_le()
}

/// All of up to 16 bytes, some of them twice.
///
/// ```text
///  up to 7:   | first 4 | first 4 | last 4 | last 4  |
///  8 ..= 15:  | first 8           | last 4 | those 4 before |
///  16:        | first 4 | third 4 | last 4 | second 4 |
/// ```
///
/// # Safety
/// There are so many bytes, and at least four. They may be read.
#[inline(always)]
unsafe fn words(bytes: NonNull<u8>, len: usize) -> u128 {
    let (middle, last) = (len / 8 * 4, len.max(FOUR) - FOUR);
    // SAFETY: `middle` is 0 or at most half of the length, so each of the four ends at the length or before.
    let four = |at: usize| unsafe { bytes.add(at).cast::<u32>().read_unaligned() };
    let [first, second, third, fourth] = [0, middle, last, last - middle].map(|at| u128::from(four(at)));
    first | second << 32 | third << 64 | fourth << 96
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_strings_are_equal_only_if_all_bytes_are() {
        let bytes: [u8; Short::MOST] = *b"0123456789abcdef";
        for len in 1..=bytes.len() {
            let one = Short::of(&bytes[..len]).unwrap();
            for differing in 0..bytes.len() {
                let mut other = bytes;
                other[differing] ^= 0x80;
                let differs = Short::of(&other[..len]).unwrap() != one;
                assert_eq!(differs, differing < len, "{len} bytes, of which {differing} differs");
            }
        }
        assert_eq!((Short::of(&[]), Short::of(&[0; Short::MOST + 1])), (None, None));
    }

    #[test]
    fn a_short_string_finds_the_one_that_is_equal_and_no_other() {
        let strings = Strings::new(Arena::new());
        let symbol = |number| Symbol::from_index(number).unwrap();
        // Zeroes tell a string from one with padding.
        let all: std::vec::Vec<&[u8]> = (0..=20)
            .flat_map(|len| [&b"abcdefghijklmnopqrstuvwxyz"[..len], &[0; 20][..len], &[0xFF; 20][..len]])
            .collect();
        let places: std::vec::Vec<Place> =
            (0..).zip(&all).map(|(number, bytes)| strings.add(symbol(number), 7, bytes).unwrap()).collect();
        for short in &all {
            let Some(found) = Short::of(short) else { continue };
            for (number, (string, &place)) in all.iter().zip(&places).enumerate() {
                let equal = (string == short).then_some(symbol(number));
                // SAFETY: the places are all those that were returned, of which a copy has the first up to the last.
                unsafe {
                    assert_eq!(strings.symbol_if_short(place, found), equal, "{short:?} {string:?}");
                    assert_eq!(strings.symbol_if(place, short), equal);
                    assert_eq!(strings.copy(place).unwrap().symbol_if_short(place, found), equal);
                }
            }
        }
    }
}
