//! What a signal handler may call of `SyncArena`, `SyncVec` and `SwapVec`, and no more.
//!
//! The panic handler calls a function that does not exist: if a panic is reachable, the linker reports
//! `a_panic_is_reachable`.
#![no_std]
#![no_main]

use core::alloc::Layout;
use core::ffi::{c_char, c_int};
use v_alloc::{AllocError, CommitPolicy, SwapVec, SyncArena, SyncVec};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_is_reachable() -> !;
    }
    a_panic_is_reachable()
}

#[link(name = "c")]
unsafe extern "C" {}

static ARENA: SyncArena = SyncArena::new();
static REPORT: SyncArena =
    SyncArena::options().reservation(1 << 24).name(c"report").core_dumps(false).build_sync();
static LATENCY: SyncArena = SyncArena::options().commit_policy(CommitPolicy::Latency).build_sync();
static EVENTS: SyncVec<(usize, u8)> = SyncVec::new();
static FEW: SyncVec<u64> = SyncVec::with_capacity_limit(1000);
static SAMPLES: SwapVec<[usize; 16]> = SwapVec::new();

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, _arguments: *const *const c_char) -> c_int {
    // A number that the optimiser does not know.
    let number = count.unsigned_abs() as usize;
    seeds(number);
    let work = || {
        use_arena(&ARENA, number)?;
        use_arena(&REPORT, number)?;
        use_arena(&LATENCY, number)?;
        use_vec(&EVENTS, (number, 1))?;
        use_vec(&FEW, 7)?;
        use_swap(&SAMPLES, [number; 16])
    };
    c_int::from(work() != Ok(()))
}

fn use_arena(arena: &SyncArena, number: usize) -> Result<(), AllocError> {
    arena.prepare(number << 16).map_err(|_| AllocError)?;
    *arena.try_alloc(number)? += 1;
    arena.try_alloc_with(|| [number; 9])?;
    arena.try_alloc_slice_copy(&[number, 2, 3])?;
    arena.try_alloc_slice_fill_with(number, |index| index)?;
    arena.try_alloc_slice_fill_copy(number, b' ')?;
    arena.try_alloc_slice_fill_default::<u64>(number)?;
    arena.try_alloc_slice_fill_iter((0..number).filter(|n| n % 3 == 0))?;
    arena.try_alloc_slice_zeroed::<u32>(number)?;
    arena.try_alloc_str("signal")?;
    arena.try_alloc_fmt(format_args!("{number} is a number, {} is a word", "signal"))?;
    let layout = Layout::from_size_align(number << 4, 64).map_err(|_| AllocError)?;
    let block = arena.try_alloc_layout(layout)?;
    // SAFETY: the block is live, and has the size that it has by then; at the end it is not used again.
    unsafe {
        if arena.try_grow(block, number << 4, number << 5).is_ok() {
            arena.try_shrink(block, number << 5, 0)?;
        }
    }
    let claim = arena.try_claim().ok_or(AllocError)?;
    claim.arena().try_alloc(number)?;
    let local = arena.local();
    local.reserve(number)?;
    local.try_alloc([number; 3])?;
    local.try_alloc_slice_copy(&[number])?;
    local.try_alloc_fmt(format_args!("{number}"))?;
    if arena.peak_bytes() < arena.used_bytes() + local.used_bytes().min(1) - 1 {
        return Err(AllocError);
    }
    Ok(())
}

fn use_vec<T: Copy + PartialEq>(vec: &SyncVec<T>, value: T) -> Result<(), AllocError> {
    vec.prepare(100).map_err(|_| AllocError)?;
    let (index, _) = vec.try_push(value).map_err(|_| AllocError)?;
    let found = vec.get(index) == Some(&value) && vec.as_slice().last() == Some(&value);
    if found && vec.len() <= vec.claimed() { Ok(()) } else { Err(AllocError) }
}

fn use_swap<T: PartialEq>(buffer: &SwapVec<T>, value: T) -> Result<(), AllocError> {
    buffer.prepare(100).map_err(|_| AllocError)?;
    buffer.try_push(value).map_err(|_| AllocError)?;
    let drained = buffer.try_drain().ok_or(AllocError)?;
    if drained.len() == 1 { Ok(()) } else { Err(AllocError) }
}

#[allow(unused_variables, reason = "without seeds there is nothing to do")]
fn seeds(number: usize) {
    #[cfg(feature = "seed_panic")]
    assert!(number != 7);
    #[cfg(feature = "seed_malloc")]
    {
        unsafe extern "C" {
            fn malloc(size: usize) -> *mut u8;
        }
        // SAFETY: it returns a block, or null.
        core::hint::black_box(unsafe { malloc(number) });
    }
    #[cfg(feature = "seed_thread_local")]
    // SAFETY: it reads the address of the thread's own block.
    unsafe {
        let own: usize;
        core::arch::asm!("mov {}, qword ptr fs:[0]", out(reg) own);
        core::hint::black_box(own);
    }
}
