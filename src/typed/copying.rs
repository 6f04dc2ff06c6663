//! Copying a few bytes inline: for the short strings that names are, calling `memcpy` takes longer than copying.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// Copies up to so many bytes are made inline.
const SHORT: usize = 32;

/// As `copy_nonoverlapping`.
///
/// A copy of `4 ..= 7` bytes is two of four bytes that overlap in the middle, and so on:
///
/// ```text
///   a b c d e f
///   [first ]
///       [last  ]
/// ```
///
/// # Safety
/// `from` is valid for reads of `bytes`, `to` for writes, and they are apart.
#[inline(always)]
pub(crate) unsafe fn copy(from: NonNull<u8>, to: NonNull<u8>, bytes: usize) {
    // SAFETY: forwarded from the caller; each branch knows that there are as many bytes as its ends have.
    unsafe {
        // First, so that what is not short does not go by all the others.
        if bytes > SHORT {
            return to.copy_from_nonoverlapping(from, bytes);
        }
        match bytes {
            16.. => ends::<16>(from, to, bytes),
            8.. => ends::<8>(from, to, bytes),
            4.. => ends::<4>(from, to, bytes),
            2.. => ends::<2>(from, to, bytes),
            1 => ends::<1>(from, to, bytes),
            0 => {}
        }
    }
}

/// Copies the first and the last `N` bytes.
///
/// # Safety
/// As for [`copy`], and there are `N ..= 2 * N` bytes.
#[inline(always)]
unsafe fn ends<const N: usize>(from: NonNull<u8>, to: NonNull<u8>, bytes: usize) {
    // May be anything that can be copied, padding too.
    type End<const N: usize> = MaybeUninit<[u8; N]>;
    let last = bytes - N;
    // SAFETY: both ends lie within the bytes. An end needs no alignment.
    unsafe {
        let (first, second) = (from.cast::<End<N>>().read(), from.add(last).cast::<End<N>>().read());
        to.cast::<End<N>>().write(first);
        to.add(last).cast::<End<N>>().write(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole_and_nothing_beyond() {
        let mut source = [0_u8; 80];
        source.iter_mut().zip(1..).for_each(|(byte, number)| *byte = number);
        for bytes in 0..=70 {
            for start in 0..8 {
                let mut target = [0; 90];
                let (from, to) = (NonNull::from(&source[start..]), NonNull::from(&mut target[8..]));
                // SAFETY: both have 72 bytes or more.
                unsafe { copy(from.cast(), to.cast(), bytes) };
                assert_eq!(target[8..][..bytes], source[start..][..bytes], "{bytes} bytes from {start}");
                assert!(target[..8].iter().chain(&target[8 + bytes..]).all(|&byte| byte == 0), "{bytes}");
            }
        }
    }
}
