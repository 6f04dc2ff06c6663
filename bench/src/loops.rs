//! The loops that are measured: the same source for every contender, each compiled by itself and not inlined,
//! so that an allocator's state is behind a pointer as in a program, and no loop profits from what surrounds it.

use crate::contenders::Contender;
use std::alloc::Layout;
use std::arch::asm;
use std::ptr::NonNull;

/// Layouts as they come in a program that knows them only at run time: sizes from 1 to 128 and alignments from
/// 1 to 16, in no order that a branch predictor could learn.
pub fn mixed_layouts(count: usize) -> Vec<Layout> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: u64| {
        // xorshift64: any source of numbers will do, if it is the same for all.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from((state >> 32) % below).unwrap_or(0)
    };
    std::iter::repeat_with(|| Layout::from_size_align(1 + random(128), 1 << random(5)))
        .flatten()
        .take(count)
        .collect()
}

/// Makes the compiler believe that the memory is used, at no instruction. `std::hint::black_box` would store the
/// pointer to the stack each time: an instruction in all counts and a store in all times that no allocator asked
/// for.
#[inline(always)]
pub fn keep<T>(memory: NonNull<T>) {
    // SAFETY: the code is a comment.
    unsafe { asm!("/* {} */", in(reg) memory.as_ptr(), options(nostack, preserves_flags)) };
}

/// Allocates `count` values of `WORDS` words, and writes each. `None` if the contender had no memory.
#[inline(never)]
pub fn values<const WORDS: usize>(contender: &impl Contender, count: u64) -> Option<()> {
    for index in 0..count {
        keep(contender.value([index; WORDS])?);
    }
    Some(())
}

/// Allocates a block for each layout. `None` if the contender had no memory.
#[inline(never)]
pub fn blocks(contender: &impl Contender, layouts: &[Layout]) -> Option<()> {
    for &layout in layouts {
        keep(contender.block(layout)?);
    }
    Some(())
}
