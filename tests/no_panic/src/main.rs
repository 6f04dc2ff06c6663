//! Every allocator by its `try_` methods, in a program that cannot be linked if a panic is reachable.
//!
//! The panic handler calls a function that does not exist. The optimiser removes the handler if nothing calls it;
//! if something does, the linker reports `a_panic_is_reachable`.
#![no_std]
#![no_main]

use core::alloc::Layout;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use v_alloc::{
    AllocError, Allocator, Arena, BufferArena, ChainAllocator, CommitPolicy, LinearAllocator, Reserved, Rewind,
    VirtualAllocator, registry::Image,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_is_reachable() -> !;
    }
    a_panic_is_reachable()
}

#[link(name = "c")]
unsafe extern "C" {}

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, _arguments: *const *const c_char) -> c_int {
    // A number that the optimiser does not know.
    let number = count.unsigned_abs() as usize;
    #[cfg(feature = "seed_panic")]
    assert!(number != 7);
    #[cfg(feature = "seed_abort")]
    Arena::new().alloc(number);
    match use_everything(number) {
        Ok(()) => 0,
        Err(AllocError) => 1,
    }
}

fn use_everything(number: usize) -> Result<(), AllocError> {
    v_alloc::registry::publish().map_err(|_| AllocError)?;
    use_arena(Arena::new(), number)?;
    use_arena(Arena::<Reserved, 16>::with_min_align(), number)?;
    let options = Arena::options().reservation(number << 24).name(c"no panic").core_dumps(false);
    let named = options.build().map_err(|_| AllocError)?;
    named.try_alloc(number)?;
    if !v_alloc::registry::entries().any(|entry| entry.name() == "no panic" && entry.committed > number) {
        return Err(AllocError);
    }
    use_arena(options.commit_policy(CommitPolicy::Latency).build().map_err(|_| AllocError)?, number)?;
    // Whatever it says: another process's bytes may be anything.
    let bytes = [number as u8; 1 << 10];
    if Image::new(&bytes, &bytes).is_some_and(|image| image.entries().count() > 0 && image.process() > 0) {
        return Err(AllocError);
    }

    let reserved = Arena::with_reservation(number << 22).map_err(|_| AllocError)?;
    reserved.prepare(number << 16).map_err(|_| AllocError)?;
    reserved.trim(number).map_err(|_| AllocError)?;
    if reserved.last_error().is_some() {
        return Err(AllocError);
    }

    let mut buffer = [MaybeUninit::uninit(); 64 << 10];
    use_arena(BufferArena::from_buffer(&mut buffer), number)?;
    let layout = Layout::from_size_align(number << 16, 1 << 12).map_err(|_| AllocError)?;
    use_arena(LinearAllocator::new_in(layout, VirtualAllocator::default())?, number)?;
    let parent = LinearAllocator::new_in(layout, VirtualAllocator::default())?;
    use_arena(ChainAllocator::new_in(number << 10, &parent), number)?;
    use_arena(ChainAllocator::new_in(number << 10, VirtualAllocator::default()), number)?;
    use_allocator(&VirtualAllocator::default(), number)
}

fn use_arena<S: Rewind, const MIN_ALIGN: usize>(
    mut arena: Arena<S, MIN_ALIGN>,
    number: usize,
) -> Result<(), AllocError> {
    *arena.try_alloc(number)? += 1;
    arena.try_alloc_with(|| [number; 9])?;
    arena.try_alloc_try_with(|| u8::try_from(number)).map_err(|_| AllocError)?;
    arena.try_alloc_slice_copy(&[number, 2, 3])?;
    arena.try_alloc_slice_clone(&[Some(number), None])?;
    arena.try_alloc_slice_fill_with(number, |index| index)?;
    arena.try_alloc_slice_fill_copy(number, 1_u8)?;
    arena.try_alloc_slice_fill_default::<u64>(number)?;
    arena.try_alloc_slice_fill_iter((0..number).filter(|n| n % 3 == 0))?;
    arena.try_alloc_slice_try_fill_iter((0..number).map(u16::try_from)).map_err(|_| AllocError)?;
    arena.try_alloc_slice_zeroed::<u32>(number)?;
    arena.try_alloc_str("no panic")?;
    arena.try_alloc_fmt(format_args!("{number} is a number, {} is a word", "panic"))?;
    arena.scoped(|scope| {
        let numbers = scope.try_alloc_slice_fill_copy(number, 7_u64)?;
        scope.scoped(|inner| inner.try_alloc_slice_copy(numbers).map(|_| ()))
    })?;
    arena.scope().try_alloc(number)?;
    let checkpoint = arena.checkpoint();
    arena.try_alloc(number)?;
    // SAFETY: the number is not used again.
    unsafe { arena.rewind(checkpoint) };
    if arena.used_bytes() > arena.peak_bytes() || !arena.has_capacity_for(Layout::new::<u8>()) {
        return Err(AllocError);
    }
    use_allocator(&arena, number)?;
    arena.reset();
    Ok(())
}

fn use_allocator(allocator: &impl Allocator, number: usize) -> Result<(), AllocError> {
    let layout = |size, align| Layout::from_size_align(size, align).map_err(|_| AllocError);
    let (small, large) = (layout(number, 8)?, layout(number << 13, 64)?);
    // SAFETY: each block is live, and passed with the layout that it has by then.
    unsafe {
        let block = allocator.allocate_zeroed(small)?;
        let block = allocator.grow(block.cast(), small, large)?;
        let block = allocator.shrink(block.cast(), large, small)?;
        let block = allocator.grow_zeroed(block.cast(), small, large)?;
        allocator.deallocate(block.cast(), large);
    }
    Ok(())
}
