//! The loops that are measured: the same source for every contender, each compiled by itself and not inlined,
//! so that an allocator's state is behind a pointer as in a program, and no loop profits from what surrounds it.
//!
//! Where a loop of ten instructions lies in its cache line can double its time, and chance puts it there: the
//! linker's, or whoever last changed another function. So every loop exists four times, 16 bytes further into a
//! line each, and every copy does a quarter of the work.

use crate::contenders::Contender;
use crate::random::Random;
use std::alloc::Layout;
use std::arch::asm;
use std::ops::Range;
use std::ptr::NonNull;
use v_alloc::{Arena, Reserved};

/// Layouts as they come in a program that knows them only at run time: sizes from 1 to 128 and alignments from
/// 1 to 16, in no order that a branch predictor could learn.
pub fn mixed_layouts(count: usize) -> Vec<Layout> {
    let mut random = Random::new();
    std::iter::repeat_with(|| Layout::from_size_align(1 + random.below(128), 1 << random.below(5)))
        .flatten()
        .take(count)
        .collect()
}

/// Texts as short as names, in no order either.
pub fn short_texts(count: usize) -> Vec<String> {
    let mut random = Random::new();
    let text = || {
        let length = random.short_length();
        random.word(length)
    };
    std::iter::repeat_with(text).take(count).collect()
}

/// Makes the compiler believe that the memory is used, at no instruction. `std::hint::black_box` would store the
/// pointer to the stack each time: an instruction in all counts and a store in all times that no allocator asked
/// for.
#[inline(always)]
pub fn keep<T: ?Sized>(memory: NonNull<T>) {
    // SAFETY: the code is a comment.
    unsafe { asm!("/* {} */", in(reg) memory.as_ptr().cast::<u8>(), options(nostack, preserves_flags)) };
}

/// Moves what follows to `PLACE` quarters of a cache line from where it would be. Executed once, before a loop.
#[inline(always)]
fn place<const PLACE: usize>() {
    // SAFETY: the code does nothing.
    unsafe { asm!(".p2align 6", ".rept {}", "nop", ".endr", const PLACE * 16, options(nomem, nostack)) };
}

fn quarters<T>(all: &[T]) -> [&[T]; 4] {
    let (half, other) = all.split_at(all.len() / 2);
    let ((first, second), (third, fourth)) = (half.split_at(half.len() / 2), other.split_at(other.len() / 2));
    [first, second, third, fourth]
}

/// Allocates `count` values of `WORDS` words, and writes each. `None` if the contender had no memory.
pub fn values<const WORDS: usize>(contender: &impl Contender, count: u64) -> Option<()> {
    let quarter = count / 4;
    values_at::<WORDS, 0>(contender, quarter)?;
    values_at::<WORDS, 1>(contender, quarter)?;
    values_at::<WORDS, 2>(contender, quarter)?;
    values_at::<WORDS, 3>(contender, count - 3 * quarter)
}

#[inline(never)]
fn values_at<const WORDS: usize, const PLACE: usize>(contender: &impl Contender, count: u64) -> Option<()> {
    place::<PLACE>();
    for index in 0..count {
        keep(contender.value([index; WORDS])?);
    }
    Some(())
}

/// As [`values`], with the arena's window in registers: each copy of the loop borrows the arena and gives it back.
pub fn values_in_bulk<const WORDS: usize, const MIN_ALIGN: usize>(
    arena: &mut Arena<Reserved, MIN_ALIGN>,
    count: u64,
) {
    let quarter = count / 4;
    values_in_bulk_at::<WORDS, MIN_ALIGN, 0>(arena, quarter);
    values_in_bulk_at::<WORDS, MIN_ALIGN, 1>(arena, quarter);
    values_in_bulk_at::<WORDS, MIN_ALIGN, 2>(arena, quarter);
    values_in_bulk_at::<WORDS, MIN_ALIGN, 3>(arena, count - 3 * quarter);
}

#[inline(never)]
fn values_in_bulk_at<const WORDS: usize, const MIN_ALIGN: usize, const PLACE: usize>(
    arena: &mut Arena<Reserved, MIN_ALIGN>,
    count: u64,
) {
    let bulk = arena.bulk();
    place::<PLACE>();
    for index in 0..count {
        keep(NonNull::from(bulk.alloc([index; WORDS])));
    }
}

/// Allocates a block for each layout. `None` if the contender had no memory.
pub fn blocks(contender: &impl Contender, layouts: &[Layout]) -> Option<()> {
    let quarters = quarters(layouts);
    blocks_at::<0>(contender, quarters[0])?;
    blocks_at::<1>(contender, quarters[1])?;
    blocks_at::<2>(contender, quarters[2])?;
    blocks_at::<3>(contender, quarters[3])
}

#[inline(never)]
fn blocks_at<const PLACE: usize>(contender: &impl Contender, layouts: &[Layout]) -> Option<()> {
    place::<PLACE>();
    for &layout in layouts {
        keep(contender.block(layout)?);
    }
    Some(())
}

/// Copies each text. `None` if the contender had no memory.
pub fn texts(contender: &impl Contender, texts: &[String]) -> Option<()> {
    let quarters = quarters(texts);
    texts_at::<0>(contender, quarters[0])?;
    texts_at::<1>(contender, quarters[1])?;
    texts_at::<2>(contender, quarters[2])?;
    texts_at::<3>(contender, quarters[3])
}

#[inline(never)]
fn texts_at<const PLACE: usize>(contender: &impl Contender, texts: &[String]) -> Option<()> {
    place::<PLACE>();
    for text in texts {
        keep(contender.text(text)?);
    }
    Some(())
}

/// Pushes the numbers below `count`, with a function that does so to a vector.
pub fn pushes<V>(vector: &mut V, count: u64, push: impl Fn(&mut V, u64) + Copy) {
    let quarter = count / 4;
    pushes_at::<0, V>(vector, 0..quarter, push);
    pushes_at::<1, V>(vector, quarter..2 * quarter, push);
    pushes_at::<2, V>(vector, 2 * quarter..3 * quarter, push);
    pushes_at::<3, V>(vector, 3 * quarter..count, push);
}

#[inline(never)]
fn pushes_at<const PLACE: usize, V>(vector: &mut V, numbers: Range<u64>, push: impl Fn(&mut V, u64)) {
    place::<PLACE>();
    for number in numbers {
        push(vector, number);
    }
}

/// What [`values`] does, in memory that is there, without an allocator.
pub fn stores<const WORDS: usize>(memory: &mut [[u64; WORDS]]) {
    let (first, second) = memory.split_at_mut(memory.len() / 2);
    let (quarters, others) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    stores_at::<WORDS, 0>(quarters.0);
    stores_at::<WORDS, 1>(quarters.1);
    stores_at::<WORDS, 2>(others.0);
    stores_at::<WORDS, 3>(others.1);
}

#[inline(never)]
fn stores_at<const WORDS: usize, const PLACE: usize>(memory: &mut [[u64; WORDS]]) {
    place::<PLACE>();
    for (index, value) in (0..).zip(memory) {
        *value = [index; WORDS];
        keep(value.into());
    }
}
