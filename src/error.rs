//! What can go wrong, and the one place where the short forms give up.

use crate::text::Text;
use core::alloc::Layout;
use core::fmt;

/// An allocation failed: the memory is exhausted, or the layout does not fit.
///
/// Nothing is lost by it, and the allocator stays usable. Where an operating system said why,
/// [`Arena::last_error`](crate::Arena::last_error) knows.
///
/// With the feature `allocator-api2` this is that crate's type, so that implementations of its `Allocator` and
/// the `try_` methods here speak of the same error.
#[cfg(feature = "allocator-api2")]
pub use allocator_api2::alloc::AllocError;

/// An allocation failed: the memory is exhausted, or the layout does not fit.
///
/// Nothing is lost by it, and the allocator stays usable.
#[cfg(not(feature = "allocator-api2"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError;

#[cfg(not(feature = "allocator-api2"))]
impl fmt::Display for AllocError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("memory allocation failed")
    }
}

#[cfg(not(feature = "allocator-api2"))]
impl core::error::Error for AllocError {}

/// Why a value was not made in place: no memory for it, or the caller's function returned an error.
///
/// ```
/// use v_alloc::{AllocOrInitError, Arena};
/// let arena = Arena::new();
/// let made = arena.try_alloc_try_with(|| "many".parse::<u64>());
/// assert!(matches!(made, Err(AllocOrInitError::Init(_)))); // memory would have been there
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocOrInitError<E> {
    /// There was no memory.
    Alloc(AllocError),
    /// The function that makes the value returned this.
    Init(E),
}

impl<E> From<AllocError> for AllocOrInitError<E> {
    fn from(error: AllocError) -> Self {
        Self::Alloc(error)
    }
}

impl<E: fmt::Display> fmt::Display for AllocOrInitError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alloc(error) => error.fmt(formatter),
            Self::Init(error) => write!(formatter, "the value could not be made: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for AllocOrInitError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Alloc(_) => None,
            Self::Init(error) => Some(error),
        }
    }
}

/// What a [`ReserveError`] happened to.
///
/// ```
/// use v_alloc::{Arena, Operation};
/// let error = Arena::with_reservation(usize::MAX).unwrap_err();
/// assert_eq!(error.operation(), Operation::Reserve);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Reserving a range of addresses.
    Reserve,
    /// Committing pages, so that they can be used.
    Commit,
    /// Giving pages back and making them inaccessible.
    Decommit,
    /// Giving pages back and keeping them accessible.
    Discard,
    /// Finding the block that is to change its size.
    Resize,
    /// Finding the block that is to be freed, or giving back its addresses.
    Free,
}

/// Making, growing or trimming a reservation failed.
///
/// It says what was tried, with how many bytes, and why not. It owns nothing and is cheap to copy.
///
/// ```
/// let error = v_alloc::Arena::with_reservation(usize::MAX).unwrap_err();
/// let text = format!("cannot reserve {} bytes of address space: that is more than the address space", usize::MAX);
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveError {
    operation: Operation,
    bytes: usize,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The operating system refused.
    Os(i32),
    /// The number of bytes, rounded to pages, cannot be written as a `usize`.
    TooLarge,
    /// Default reservations have used up their share of the address space.
    BeyondBudget,
    /// The reservation has no room for it.
    BeyondReservation,
    /// The operating system placed it above `bump::LOW_ADDRESSES_END`.
    TooHigh,
    /// No live block starts there.
    NotABlock,
    /// Another thread is resizing or freeing the block, or somebody is draining the vector.
    Busy,
    /// The table of ranges is full.
    TooManyRanges,
    /// Blocks with a mapping of their own begin with a page, and this alignment is larger.
    #[allow(dead_code, reason = "only vectors ask for an alignment")]
    TooAligned,
}

impl ReserveError {
    pub(crate) const fn new(operation: Operation, bytes: usize, cause: Cause) -> Self {
        Self { operation, bytes, cause }
    }

    /// What was tried.
    ///
    /// ```
    /// let mut block = v_alloc::StableBlock::options().reservation(1 << 20).build();
    /// block.resize(1)?;
    /// let error = block.resize(2 << 20).unwrap_err();
    /// assert_eq!(error.operation(), v_alloc::Operation::Commit);
    /// # Ok::<(), v_alloc::ReserveError>(())
    /// ```
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    #[cfg(feature = "capi")]
    pub(crate) const fn cause(&self) -> Cause {
        self.cause
    }

    /// The error with what its user asked for: more or less may have been tried, in whole pages.
    #[cfg(any(unix, windows, miri, v_alloc_heap_os))]
    pub(crate) const fn for_size(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    #[cfg(any(unix, windows, miri, v_alloc_heap_os))]
    pub(crate) const fn is_beyond_budget(&self) -> bool {
        matches!(self.cause, Cause::BeyondBudget)
    }

    /// How many bytes it was tried with.
    ///
    /// ```
    /// let error = v_alloc::Arena::with_reservation(usize::MAX).unwrap_err();
    /// assert_eq!(error.bytes(), usize::MAX);
    /// ```
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The operating system's code (`errno`, or `GetLastError` on Windows), or `None` if it was not asked
    /// because the request could not be met.
    ///
    /// ```
    /// let error = v_alloc::Arena::with_reservation(usize::MAX).unwrap_err();
    /// assert_eq!(error.os_code(), None); // nobody had to ask the system
    /// ```
    #[must_use]
    pub const fn os_code(&self) -> Option<i32> {
        match self.cause {
            Cause::Os(code) => Some(code),
            _ => None,
        }
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.operation.in_words();
        write!(formatter, "cannot {before} {} bytes{after}: ", self.bytes)?;
        match self.cause {
            #[cfg(feature = "std")]
            Cause::Os(code) => write!(formatter, "{}", std::io::Error::from_raw_os_error(code)),
            #[cfg(not(feature = "std"))]
            Cause::Os(code) => write!(formatter, "{} (code {code})", self.cause.in_words()),
            cause => formatter.write_str(cause.in_words()),
        }
    }
}

impl Operation {
    /// The words before and after the number of bytes.
    pub(crate) fn in_words(self) -> (&'static str, &'static str) {
        match self {
            Self::Reserve => ("reserve", " of address space"),
            Self::Commit => ("commit", " of memory"),
            Self::Decommit => ("decommit", " of memory"),
            Self::Discard => ("discard", " of memory"),
            Self::Resize => ("resize a block to", ""),
            Self::Free => ("free a block of", ""),
        }
    }
}

impl Cause {
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Os(_) => "the operating system refused",
            Self::TooLarge => "that is more than the address space",
            Self::BeyondBudget => "default reservations have used up their share of the address space",
            Self::BeyondReservation => "that is more than is left of the reservation",
            Self::TooHigh => "the operating system placed it at addresses that are too high",
            Self::NotABlock => "no live block starts there",
            Self::Busy => "it is being resized, freed or drained by somebody else",
            Self::TooManyRanges => "there are too many large blocks",
            Self::TooAligned => "blocks that large are not aligned to more than a page",
        }
    }
}

impl core::error::Error for ReserveError {}

/// Where the short forms (`alloc` and its kin) end when their `try_` form fails: a line on standard error, and
/// an abort. Kept out of line, so that only programs that call a short form contain it.
#[cold]
#[inline(never)]
pub(crate) fn allocation_failed(layout: Layout) -> ! {
    let mut buffer = [0; 128];
    let mut text = Text::new(&mut buffer);
    text.push("v_alloc: allocation failed: ");
    text.push_number(layout.size());
    text.push(" bytes aligned to ");
    text.push_number(layout.align());
    abort(text)
}

/// As [`allocation_failed`], for a `Display` implementation that returned an error with memory left.
#[cold]
#[inline(never)]
pub(crate) fn formatting_failed() -> ! {
    let mut buffer = [0; 128];
    let mut text = Text::new(&mut buffer);
    text.push(
        "v_alloc: alloc_fmt: a formatting trait implementation returned an error, or memory is exhausted",
    );
    abort(text)
}

#[cfg(any(unix, windows, miri, v_alloc_heap_os))]
fn abort(mut text: Text<'_>) -> ! {
    text.push("\n");
    crate::os::abort(text.finish())
}

/// Without an operating system, the program's panic handler is the place where failures end.
#[cfg(not(any(unix, windows, miri, v_alloc_heap_os)))]
#[allow(clippy::panic, reason = "the only way to end a program there")]
fn abort(text: Text<'_>) -> ! {
    panic!("{}", core::str::from_utf8(text.finish()).unwrap_or_default())
}

/// An element that could not be pushed, and why.
///
/// ```
/// let page = v_alloc::os::page_size()?;
/// let vec = v_alloc::StableVec::<String>::options().reservation(1).build();
/// let full = (0..page).find_map(|_| vec.try_push("text".to_string()).err()).unwrap();
/// assert_eq!(full.value, "text"); // not lost
/// # Ok::<(), v_alloc::AllocError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PushError<T> {
    /// The element, untouched.
    pub value: T,
    /// What the vector has met.
    pub error: ReserveError,
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PushError").field(&self.error).finish()
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl<T> core::error::Error for PushError<T> {}
