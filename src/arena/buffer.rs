//! `BufferArena`: an arena over memory that the caller brings.

use super::Arena;
use super::fixed::Fixed;
use super::source::Window;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// An arena over memory that the caller brings: a buffer on the stack, or a `static` array. It needs neither an
/// operating system nor an allocator.
///
/// It makes no system call, takes no lock, and is as safe in a signal handler as its owner is alone with it. The
/// memory is uninitialised afterwards, whatever it held: that is why the buffer is one of `MaybeUninit`.
///
/// ```
/// use core::mem::MaybeUninit;
/// use v_alloc::BufferArena;
///
/// let mut buffer = [MaybeUninit::uninit(); 1024];
/// let arena = BufferArena::from_buffer(&mut buffer);
/// assert_eq!(arena.alloc_str("on the stack"), "on the stack");
/// assert_eq!(arena.remaining_capacity(), 1024 - 12);
/// ```
///
/// A crash handler's arena can lie in the program's zero-filled memory, ready before `main`:
///
/// ```
/// use core::mem::MaybeUninit;
/// use std::sync::Mutex;
/// use v_alloc::BufferArena;
///
/// static mut MEMORY: [MaybeUninit<u8>; 65_536] = [MaybeUninit::uninit(); 65_536];
/// // SAFETY: nothing else names `MEMORY`.
/// static REPORT: Mutex<BufferArena<'static>> =
///     Mutex::new(unsafe { BufferArena::from_raw_parts((&raw mut MEMORY).cast(), 65_536) });
///
/// assert_eq!(REPORT.lock().unwrap().alloc_fmt(format_args!("signal {}", 11)), "signal 11");
/// ```
pub type BufferArena<'a> = Arena<Fixed<Borrowed<'a>>>;

/// A buffer that is lent for `'a`.
#[derive(Debug)]
pub struct Borrowed<'a>(PhantomData<&'a mut [MaybeUninit<u8>]>);

impl<'a> BufferArena<'a> {
    /// An arena over this buffer. O(1).
    ///
    /// ```
    /// let mut buffer = [core::mem::MaybeUninit::uninit(); 256];
    /// let arena = v_alloc::BufferArena::from_buffer(&mut buffer);
    /// assert_eq!(arena.alloc_fmt(format_args!("{} bytes", 256)), "256 bytes");
    /// ```
    #[must_use]
    pub const fn from_buffer(buffer: &'a mut [MaybeUninit<u8>]) -> Self {
        // SAFETY: the buffer is valid and lent exclusively for `'a`.
        unsafe { Self::from_raw_parts(buffer.as_mut_ptr().cast(), buffer.len()) }
    }

    /// An arena over `bytes` bytes at `start`, which may be a `static mut`. O(1).
    ///
    /// # Safety
    /// `start` is not null. The memory is valid for reads and writes, and nothing else uses it, for `'a`.
    ///
    /// ```
    /// let mut memory = [0_u64; 32];
    /// // SAFETY: the memory is valid, and nothing else uses it while the arena lives.
    /// let arena = unsafe { v_alloc::BufferArena::from_raw_parts(memory.as_mut_ptr().cast(), 256) };
    /// assert_eq!(arena.alloc_slice_fill_copy(256, 7_u8).len(), 256);
    /// assert!(arena.try_alloc(1_u8).is_err());
    /// ```
    #[must_use]
    pub const unsafe fn from_raw_parts(start: *mut u8, bytes: usize) -> Self {
        // SAFETY: forwarded from the caller.
        let source = unsafe { Fixed::new(start, bytes, Borrowed(PhantomData)) };
        Self::from_parts(Window::nowhere(), source)
    }
}
