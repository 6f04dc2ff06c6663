//! Sizes in whole pages, as a type that cannot be misaligned.

use crate::bump;

/// A size in bytes that is a multiple of the page size.
///
/// ```
/// use v_alloc::Pages;
/// let page = v_alloc::os::page_size()?;
/// assert_eq!(Pages::round_up(1).map(Pages::bytes), Some(page));
/// assert_eq!(Pages::round_up(usize::MAX), None);
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pages(usize);

impl Pages {
    /// No pages.
    pub const ZERO: Self = Self(0);

    /// The least number of whole pages that holds `bytes`, or `None` if that many bytes cannot be written as a
    /// `usize`. O(1); safe in a signal handler.
    ///
    /// ```
    /// use v_alloc::Pages;
    /// let page = v_alloc::os::page_size()?;
    /// assert_eq!(Pages::round_up(page + 1).map(Pages::bytes), Some(2 * page));
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn round_up(bytes: usize) -> Option<Self> {
        bump::round_up(bytes, super::page_bytes()).map(Self)
    }

    /// The greatest number of whole pages that fits in `bytes`. O(1); safe in a signal handler.
    ///
    /// ```
    /// use v_alloc::Pages;
    /// let page = v_alloc::os::page_size()?;
    /// assert_eq!((Pages::round_down(page - 1), Pages::round_down(page + 1).bytes()), (Pages::ZERO, page));
    /// # Ok::<(), v_alloc::AllocError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn round_down(bytes: usize) -> Self {
        Self(bump::round_down(bytes, super::page_bytes()))
    }

    /// The size in bytes. O(1).
    ///
    /// ```
    /// assert_eq!(v_alloc::Pages::ZERO.bytes(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// The pages of `self` beyond `start`; none if `start` is larger.
    #[inline]
    #[must_use]
    pub(crate) const fn after(self, start: Self) -> Self {
        Self(self.0.saturating_sub(start.0))
    }

    /// Both together.
    #[inline]
    #[must_use]
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}
