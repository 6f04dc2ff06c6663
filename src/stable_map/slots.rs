//! The entries of a map by number, with holes where some were removed; and what says which are there.
//!
//! ```text
//!  words:    | taken, tag | hole, the next one | taken, tag | ...     4 bytes each, for the table and for iteration
//!  entries:  | key, value | (uninitialised)    | key, value | ...     nothing else between them, for searches
//! ```
//!
//! Here is all that is unsafe about a map. An entry is initialised exactly if its word says that it is taken.

use super::index::{MOST_ENTRIES, Number, TAG_BITS, Tag};
use super::{StableMap, StableMapOptions};
use crate::error::{Cause, Operation};
use crate::{ReserveError, StableVec};
use core::borrow::Borrow;
use core::mem::{self, MaybeUninit};
use core::ops::Range;
use core::slice;

pub(super) struct Slots<K, V> {
    words: StableVec<Word>,
    entries: StableVec<MaybeUninit<(K, V)>>,
    len: usize,
    /// The last hole, if there is one: they are a list.
    hole: Option<Number>,
}

// SAFETY: through a shared borrow nothing is written: only what takes `&mut self` pushes to the vectors or makes room in them, and
// they are not lent out.
unsafe impl<K: Sync, V: Sync> Sync for Slots<K, V> {}

/// Whether a slot is taken, and its tag or the next hole.
#[derive(Clone, Copy)]
pub(super) struct Word(u32);

impl Word {
    const TAKEN: u32 = 1 << TAG_BITS;

    #[inline]
    fn taken(tag: Tag) -> Self {
        Self(Self::TAKEN | tag)
    }

    /// Numbers have a bit less than words.
    #[inline]
    fn hole(next: Option<Number>) -> Self {
        Self(next.map_or(0, |next| next + 1))
    }

    #[inline]
    fn is_taken(self) -> bool {
        self.0 & Self::TAKEN != 0
    }

    #[inline]
    fn tag(self) -> Option<Tag> {
        self.is_taken().then_some(self.0 & !Self::TAKEN)
    }

    #[inline]
    fn next_hole(self) -> Option<Number> {
        self.0.checked_sub(1)
    }
}

const _: () = assert!(MOST_ENTRIES < 1 << TAG_BITS, "the words of holes have room for their numbers");

impl<K, V> Slots<K, V> {
    pub(super) const fn new(options: StableMapOptions<K, V>) -> Self {
        Self { words: options.words.build(), entries: options.entries.build(), len: 0, hole: None }
    }

    /// No slots, with the same options.
    pub(super) fn empty(&self) -> Self {
        Self { words: self.words.empty(), entries: self.entries.empty(), len: 0, hole: None }
    }

    /// How many entries there can be.
    pub(super) fn reserved(&self) -> usize {
        self.words.reserved().min(self.entries.reserved()).min(MOST_ENTRIES)
    }

    /// How many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// All numbers are below this.
    #[inline]
    pub(super) fn numbers(&self) -> Number {
        Number::try_from(self.words.len()).unwrap_or(Number::MAX) // there are no more than `MOST_ENTRIES`
    }

    pub(super) fn capacity(&self) -> usize {
        self.words.capacity().min(self.entries.capacity()).min(MOST_ENTRIES)
    }

    /// How many slots there are, holes as well.
    pub(super) fn count(&self) -> usize {
        self.words.len()
    }

    /// How many slots are not taken.
    fn holes(&self) -> usize {
        self.words.len() - self.len
    }

    /// Room for so many entries more.
    ///
    /// # Errors
    /// [`ReserveError`] if there are no addresses or no memory, or too many entries for numbers.
    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        let pushed = additional.saturating_sub(self.holes());
        if pushed > MOST_ENTRIES - self.words.len() {
            let bytes = additional.saturating_mul(size_of::<(K, V)>());
            return Err(ReserveError::new(Operation::Commit, bytes, Cause::BeyondReservation));
        }
        self.words.try_reserve(pushed)?;
        self.entries.try_reserve(pushed)
    }

    /// Gives back what lies behind the last entry, holes as well, but for room for so many entries.
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        let end = self.words.iter().rposition(|word| word.is_taken()).map_or(0, |last| last + 1);
        self.words.truncate(end);
        self.entries.truncate(end); // what lies there is initialised no more
        self.hole = None;
        for (number, word) in (0..).zip(self.words.iter_mut()).filter(|(_, word)| !word.is_taken()) {
            *word = Word::hole(self.hole.replace(number));
        }
        self.words.shrink_to(capacity);
        self.entries.shrink_to(capacity);
    }

    /// The tag of an entry, if it is there.
    pub(super) fn tag(&self, number: Number) -> Option<Tag> {
        self.words.get(number as usize)?.tag()
    }

    /// The tags of slots that are taken: the index asks about no others.
    pub(super) fn tags(&self) -> impl Fn(Number) -> Tag {
        let words = self.words.as_slice();
        |number| words.get(number as usize).map_or(0, |word| word.0 & !Word::TAKEN)
    }

    pub(super) fn get(&self, index: usize) -> Option<&(K, V)> {
        let taken = self.words.get(index)?.is_taken();
        // SAFETY: there are as many entries as words, and that of a taken slot is initialised.
        taken.then(|| unsafe { self.entries.get_unchecked(index).assume_init_ref() })
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut (K, V)> {
        // SAFETY: as above.
        self.words.get(index)?.is_taken().then(|| unsafe { self.entries[index].assume_init_mut() })
    }

    /// The entry with this index.
    ///
    /// # Safety
    /// Its slot is taken.
    #[inline(always)]
    pub(super) unsafe fn taken_mut(&mut self, index: usize) -> &mut (K, V) {
        // SAFETY: there are as many entries as words, and that of a taken slot is initialised.
        unsafe { self.entries.as_mut_slice().get_unchecked_mut(index).assume_init_mut() }
    }

    /// The entries with these indices, all at once. Panics if two are the same.
    #[track_caller]
    pub(super) fn get_disjoint_mut<const N: usize>(
        &mut self,
        indices: [Option<usize>; N],
    ) -> [Option<&mut (K, V)>; N] {
        for (nth, index) in indices.iter().enumerate() {
            assert!(index.is_none() || !indices[..nth].contains(index), "duplicate keys found");
        }
        let Self { words, entries, .. } = self;
        let entries = entries.as_mut_ptr();
        indices.map(|index| {
            let index = index.filter(|&index| words.get(index).is_some_and(|word| word.is_taken()))?;
            // SAFETY: there are as many entries as words, and that of a taken slot is initialised. The indices differ, so each
            // entry is borrowed once.
            Some(unsafe { (*entries.add(index)).assume_init_mut() })
        })
    }

    /// What `found` makes of an entry if that has this key.
    ///
    /// # Safety
    /// Only numbers of taken slots are asked about.
    #[inline(always)]
    pub(super) unsafe fn compare<'a, Q: Eq + ?Sized, R>(
        &'a self,
        key: &Q,
        found: impl Fn(Number, &'a (K, V)) -> R,
    ) -> impl Fn(Number) -> Option<R>
    where
        K: Borrow<Q>,
    {
        let entries = self.entries.as_slice();
        move |number| {
            // SAFETY: there are as many entries as words, and that of a taken slot is initialised.
            let entry = unsafe { entries.get_unchecked(number as usize).assume_init_ref() };
            (entry.0.borrow() == key).then(|| found(number, entry))
        }
    }

    /// The first index, from one on, of an entry for which `wanted` is true.
    pub(super) fn position_from(
        &mut self,
        from: usize,
        mut wanted: impl FnMut(&K, &mut V) -> bool,
    ) -> Option<usize> {
        let (words, entries) = (self.words.get(from..)?, self.entries.get_mut(from..)?);
        let position = words.iter().zip(entries).position(|(word, entry)| {
            word.is_taken() && {
                // SAFETY: it is taken.
                let (key, value) = unsafe { entry.assume_init_mut() };
                wanted(key, value)
            }
        })?;
        Some(from + position)
    }

    /// The number that the next entry gets.
    #[inline]
    pub(super) fn next(&self) -> Number {
        self.hole.unwrap_or(self.numbers())
    }

    /// How many entries more can be inserted without [`try_reserve`](Self::try_reserve).
    pub(super) fn ready(&self) -> usize {
        self.capacity() - self.len
    }

    /// Puts an entry in its slot: into the last hole, or behind all.
    ///
    /// # Safety
    /// There is room, and there are fewer than `MOST_ENTRIES`.
    #[inline]
    pub(super) unsafe fn insert(&mut self, tag: Tag, key: K, value: V) -> Number {
        let number = if let Some(hole) = self.hole {
            self.entries[hole as usize].write((key, value));
            let word = &mut self.words[hole as usize];
            self.hole = word.next_hole();
            *word = Word::taken(tag);
            hole
        } else {
            let number = self.numbers();
            // SAFETY: there is no hole, so there is room for one more.
            unsafe {
                self.entries.push_within_capacity(MaybeUninit::new((key, value)));
                self.words.push_within_capacity(Word::taken(tag));
            }
            number
        };
        self.len += 1;
        number
    }

    /// Clones of all entries, each with its number; holes as well. `self` has none, and room for them.
    pub(super) fn clone_from(&mut self, source: &Self)
    where
        K: Clone,
        V: Clone,
    {
        /// Says of the entries that were cloned which are there, also if one could not be.
        struct Words<'a, K, V>(&'a mut Slots<K, V>, &'a [Word]);
        impl<K, V> Drop for Words<'_, K, V> {
            fn drop(&mut self) {
                let Self(slots, words) = self;
                let cloned = &words[..slots.entries.len()];
                slots.words.extend_from_slice(cloned);
                slots.len = cloned.iter().filter(|word| word.is_taken()).count();
            }
        }
        let Words(slots, words) = &mut Words(self, &source.words);
        // SAFETY: only entries that are taken come here.
        let clone =
            |entry: &MaybeUninit<(K, V)>| MaybeUninit::new(unsafe { entry.assume_init_ref() }.clone());
        if source.holes() == 0 {
            slots.entries.extend(source.entries.iter().map(clone));
        } else {
            let entries = words.iter().zip(source.entries.iter());
            slots.entries.extend(
                entries.map(
                    |(word, entry)| {
                        if word.is_taken() { clone(entry) } else { MaybeUninit::uninit() }
                    },
                ),
            );
        }
        slots.hole = source.hole;
    }

    /// Takes an entry out, if there is one.
    #[inline]
    pub(super) fn remove(&mut self, number: Number) -> Option<(K, V)> {
        let word = self.words.get_mut(number as usize).filter(|word| word.is_taken())?;
        *word = Word::hole(self.hole.replace(number));
        self.len -= 1;
        // SAFETY: it was taken; from now on it is not.
        Some(unsafe { self.entries.get_unchecked(number as usize).assume_init_read() })
    }

    /// Drops all entries, in place. The memory stays.
    pub(super) fn clear(&mut self) {
        self.clear_but_for_what_left(0..self.words.len());
    }

    /// As [`clear`](Self::clear), where only the entries in a range are still there.
    fn clear_but_for_what_left(&mut self, still_there: Range<usize>) {
        let mut rest = Rest { left: still_there, slots: self };
        rest.drop_entries();
    }

    /// The entries in the order of their numbers.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        Iter { words: self.words.iter(), entries: self.entries.iter(), holes: self.holes() }
    }

    /// As [`iter`](Self::iter), to be changed.
    pub(super) fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        let holes = self.holes();
        IterMut { words: self.words.iter(), entries: self.entries.iter_mut(), holes }
    }

    /// All entries, by value.
    pub(super) fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { left: 0..self.words.len(), slots: self }
    }
}

impl<K, V> Drop for Slots<K, V> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Slots that are being cleared. Goes on with the next entry where dropping one panics.
struct Rest<'a, K, V> {
    slots: &'a mut Slots<K, V>,
    left: Range<usize>,
}

impl<K, V> Rest<'_, K, V> {
    fn drop_entries(&mut self) {
        if mem::needs_drop::<(K, V)>() {
            let Slots { words, entries, .. } = &mut *self.slots;
            for index in self.left.by_ref() {
                if mem::replace(&mut words[index], Word::hole(None)).is_taken() {
                    // SAFETY: it was taken; from now on it is not.
                    unsafe { entries[index].assume_init_drop() };
                }
            }
        }
    }
}

impl<K, V> Drop for Rest<'_, K, V> {
    fn drop(&mut self) {
        self.drop_entries();
        self.slots.words.clear();
        self.slots.entries.clear();
        self.slots.len = 0;
        self.slots.hole = None;
    }
}

/// What a borrowed iterator goes over. As long as there are holes there is a word for each entry.
pub(super) struct Iter<'a, K, V> {
    words: slice::Iter<'a, Word>,
    entries: slice::Iter<'a, MaybeUninit<(K, V)>>,
    holes: usize,
}

/// As [`Iter`], with entries that may be changed.
pub(super) struct IterMut<'a, K, V> {
    words: slice::Iter<'a, Word>,
    entries: slice::IterMut<'a, MaybeUninit<(K, V)>>,
    holes: usize,
}

/// Slots whose entries leave them, from both ends; the rest is dropped with them. No word is changed: the entries in `left` are
/// there, the others are not, whatever their words say.
pub(super) struct IntoIter<K, V> {
    slots: Slots<K, V>,
    left: Range<usize>,
}

impl<K, V> Default for Iter<'_, K, V> {
    fn default() -> Self {
        Self { words: [].iter(), entries: [].iter(), holes: 0 }
    }
}

impl<K, V> Default for IterMut<'_, K, V> {
    fn default() -> Self {
        Self { words: [].iter(), entries: [].iter_mut(), holes: 0 }
    }
}

impl<K, V> Default for IntoIter<K, V> {
    fn default() -> Self {
        Slots::new(StableMap::options()).into_iter()
    }
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), entries: self.entries.clone(), holes: self.holes }
    }
}

impl<K, V> IntoIter<K, V> {
    /// The entries that are left.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        let Slots { words, entries, len, .. } = &self.slots;
        let (words, entries) = (&words[self.left.clone()], &entries[self.left.clone()]);
        Iter { words: words.iter(), entries: entries.iter(), holes: words.len() - len }
    }

    /// Drops the entries that are left; the slots, empty, with their memory.
    pub(super) fn into_empty(mut self) -> Slots<K, V> {
        self.slots.clear_but_for_what_left(mem::take(&mut self.left));
        let nothing = self.slots.empty();
        mem::replace(&mut self.slots, nothing)
    }

    /// Takes out the entry that was found next, from either end.
    fn take(&mut self, index: usize) -> (K, V) {
        self.slots.len -= 1;
        // SAFETY: its slot is taken, and it is not in `left` any more.
        unsafe { self.slots.entries.get_unchecked(index).assume_init_read() }
    }

    /// Whether all that is left is taken.
    fn is_dense(&self) -> bool {
        self.slots.len == self.left.len()
    }
}

impl<K, V> Drop for IntoIter<K, V> {
    fn drop(&mut self) {
        self.slots.clear_but_for_what_left(mem::take(&mut self.left));
    }
}

macro_rules! borrowed_iterator {
    ($name:ident, $item:ty, $assume_init:ident) => {
        impl<'a, K, V> Iterator for $name<'a, K, V> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                if self.holes > 0 && !self.words.next()?.is_taken() {
                    let others = self.words.position(|word| word.is_taken())?;
                    self.holes -= 1 + others;
                    self.entries.nth(others);
                }
                // SAFETY: its word says that it is taken, or there are no holes.
                self.entries.next().map(|entry| unsafe { entry.$assume_init() })
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                let left = self.entries.len() - self.holes;
                (left, Some(left))
            }

            #[inline]
            fn fold<B, F: FnMut(B, $item) -> B>(self, first: B, mut add: F) -> B {
                if self.holes == 0 {
                    // SAFETY: there are no holes.
                    self.entries.fold(first, |sum, entry| add(sum, unsafe { entry.$assume_init() }))
                } else {
                    let taken = self.words.zip(self.entries).filter(|(word, _)| word.is_taken());
                    // SAFETY: its word says so.
                    taken.fold(first, |sum, (_, entry)| add(sum, unsafe { entry.$assume_init() }))
                }
            }
        }

        impl<'a, K, V> DoubleEndedIterator for $name<'a, K, V> {
            fn next_back(&mut self) -> Option<$item> {
                if self.holes > 0 && !self.words.next_back()?.is_taken() {
                    let others = self.words.by_ref().rev().position(|word| word.is_taken())?;
                    self.holes -= 1 + others;
                    self.entries.nth_back(others);
                }
                // SAFETY: its word says that it is taken, or there are no holes.
                self.entries.next_back().map(|entry| unsafe { entry.$assume_init() })
            }
        }
    };
}

borrowed_iterator!(Iter, &'a (K, V), assume_init_ref);
borrowed_iterator!(IterMut, &'a mut (K, V), assume_init_mut);

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let is_dense = self.is_dense();
        let index = self.left.find(|&index| is_dense || self.slots.words[index].is_taken())?;
        Some(self.take(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.slots.len, Some(self.slots.len))
    }
}

impl<K, V> DoubleEndedIterator for IntoIter<K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        let is_dense = self.is_dense();
        let index = self.left.rfind(|&index| is_dense || self.slots.words[index].is_taken())?;
        Some(self.take(index))
    }
}
