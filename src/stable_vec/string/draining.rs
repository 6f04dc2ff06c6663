//! Characters that leave a `StableString` together.

use super::StableString;
use core::iter::FusedIterator;
use core::ops::{Range, RangeBounds};

impl StableString {
    /// Removes a range of bytes, over whose characters the iterator goes; the text behind it moves when the iterator is
    /// dropped, in O(its length).
    ///
    /// # Panics
    /// If the range is not within the length, or begins or ends within a character.
    ///
    /// ```
    /// let mut text = v_alloc::StableString::from("never moves");
    /// assert!(text.drain(..6).eq("never ".chars()));
    /// assert_eq!(text, "moves");
    /// ```
    #[track_caller]
    pub fn drain(
        &mut self,
        range: impl RangeBounds<usize>,
    ) -> impl DoubleEndedIterator<Item = char> + FusedIterator {
        let range = self.of_whole_characters(&range);
        Drain { left: range.clone(), range, text: self }
    }
}

struct Drain<'a> {
    text: &'a mut StableString,
    /// What is removed in the end.
    range: Range<usize>,
    /// What the iterator has not come to.
    left: Range<usize>,
}

impl Iterator for Drain<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let first = self.text[self.left.clone()].chars().next()?;
        self.left.start += first.len_utf8();
        Some(first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.text[self.left.clone()].chars().size_hint()
    }
}

impl DoubleEndedIterator for Drain<'_> {
    fn next_back(&mut self) -> Option<char> {
        let last = self.text[self.left.clone()].chars().next_back()?;
        self.left.end -= last.len_utf8();
        Some(last)
    }
}

impl FusedIterator for Drain<'_> {}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.text.replace_range(self.range.clone(), "");
    }
}
