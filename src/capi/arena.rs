//! Arenas: what the inline functions of the header leave to the library.

use super::error::Misuse;
use super::{LATENCY, VAllocError, VAllocOptions};
use crate::error::{Cause, Operation};
use crate::os;
use crate::reservation::growth::LARGEST_STEP;
use crate::stable::block::{Block, Room, Wanted, no_block};
use crate::{ReserveError, bump, traps};
use core::ffi::{c_uint, c_void};
use core::ptr;

/// `AllocInfo`
///
/// ```text
///  base          ptr             end                     base + reserved_size
///   |   in use    |   committed   |   addresses, no memory yet   |
/// ```
#[repr(C)]
#[derive(Debug)]
pub struct AllocInfo {
    pub(super) base: *mut u8,
    pub(super) ptr: *mut u8,
    pub(super) end: *mut u8,
    pub(super) reserved_size: usize,
    pub(super) page_size: usize,
    pub(super) generation: u64,
    pub(super) flags: c_uint,
    pub(super) error: VAllocError,
}

/// The memory is the caller's.
const BUFFER: c_uint = 1 << 31;
/// In the place of a generation, over the base.
const BUFFER_SEAL: u64 = 0x6275_6666_6572_2121;
/// The most that `V_ALLOC_ALIGNMENT` may be: `ptr` is a multiple of it after what is not a push.
const LARGEST_ALIGNMENT: usize = 64;
/// A push commits as much more, at least and at most; where latency counts, the least.
const STEPS: (usize, usize) = (64 << 10, LARGEST_STEP);

const NOTHING: AllocInfo = AllocInfo {
    base: ptr::null_mut(),
    ptr: ptr::null_mut(),
    end: ptr::null_mut(),
    reserved_size: 0,
    page_size: 0,
    generation: 0,
    flags: 0,
    error: VAllocError { operation: 0, cause: 0, os_code: 0, bytes: 0 },
};

/// What an `AllocInfo` stands for.
enum Memory {
    Nothing,
    Buffer,
    Block(Block),
}

type Outcome<T> = Result<T, VAllocError>;

impl AllocInfo {
    /// What is behind it now. An error if it is a copy that outlived its memory, or spoiled.
    fn memory(&self, operation: Operation, bytes: usize) -> Outcome<Memory> {
        if self.base.is_null() {
            return Ok(Memory::Nothing);
        }
        let memory = if self.is_buffer() {
            Some(Memory::Buffer)
        } else {
            let block = Block::at(self.base.addr()).filter(|block| block.generation() == self.generation);
            block.map(Memory::Block)
        };
        let fits = self.used() <= self.reserved_size && self.ptr <= self.end;
        let error = || VAllocError::from(no_block(operation, bytes));
        memory.filter(|_| fits).ok_or_else(|| error().about(self.base.addr(), Some(self.generation)))
    }

    /// Bytes before `ptr`; more than `reserved_size` if `ptr` lies before `base`.
    fn used(&self) -> usize {
        self.ptr.addr().wrapping_sub(self.base.addr())
    }

    /// Whether it has memory that must be freed before it may have other. What it holds may be anything: a program
    /// for the original may reserve without having zeroed it.
    fn is_live(&self) -> bool {
        let block = Block::at(self.base.addr());
        block.is_some_and(|block| block.generation() == self.generation && block.is_live())
            || self.is_buffer()
    }

    /// Whether the memory is the caller's: the seal tells it from a struct that was never zeroed.
    fn is_buffer(&self) -> bool {
        self.flags == BUFFER && self.generation == self.base.addr() as u64 ^ BUFFER_SEAL
    }

    /// Whatever a failure must not leave behind.
    fn forget_unless_live(&mut self) {
        if !self.is_live() {
            *self = NOTHING;
        }
    }

    fn set_block(&mut self, block: Block, flags: c_uint) {
        let base = block.base().as_ptr();
        let end = base.wrapping_add(block.committed());
        *self = Self {
            base,
            ptr: base,
            end,
            reserved_size: block.reserved(),
            page_size: os::page_bytes(),
            generation: block.generation(),
            flags,
            error: self.error,
        };
    }

    /// A block of `size`, which must be able to grow to `least` bytes.
    fn reserve(&mut self, size: usize, least: usize, room: Room, options: &VAllocOptions) -> Outcome<Block> {
        // SAFETY: the name is the caller's for the time of the call.
        let wanted = unsafe { options.wanted(room) };
        let block = Block::new(size, Wanted { least, ..wanted })?;
        self.set_block(block, options.flags & LATENCY);
        Ok(block)
    }

    /// Moves `end` to what is committed by now, and `ptr` to the multiple of the largest alignment after `used`.
    fn set_window(&mut self, block: Block, used: usize) {
        self.end = self.base.wrapping_add(block.committed());
        let used = bump::round_up_wrapping(used, LARGEST_ALIGNMENT);
        self.ptr = self.base.wrapping_add(used).min(self.end);
    }

    /// A block of the arena, and how much of its start is not known to be zero.
    fn push(&mut self, size: usize, alignment: usize, reservation: usize) -> Outcome<(*mut u8, usize)> {
        let misuse = |misuse| VAllocError::misuse(Operation::Commit, misuse, size);
        if size == 0 {
            return Err(misuse(Misuse::ZeroSize));
        }
        if !alignment.is_power_of_two() {
            return Err(misuse(Misuse::Argument));
        }
        let memory = self.memory(Operation::Commit, size)?;
        let full = ReserveError::new(Operation::Commit, size, Cause::BeyondReservation);
        let rounded = bump::round_up(size, alignment.min(LARGEST_ALIGNMENT)).ok_or(full)?;
        let block = match memory {
            Memory::Nothing => {
                // Alignment beyond a page may take as much again.
                let needed = rounded.checked_add(alignment.saturating_sub(os::page_bytes())).ok_or(full)?;
                Some(self.reserve(0, needed, Room::UpTo(reservation), &VAllocOptions::DEFAULT)?)
            }
            Memory::Block(block) => Some(block),
            Memory::Buffer => None,
        };
        if rounded > self.reserved_size {
            return Err(full.into()); // so that no sum below can wrap
        }
        let limit = self.base.addr().wrapping_add(self.reserved_size);
        let fit = bump::fit_any::<1>(self.ptr.addr(), limit, rounded, alignment).ok_or(full)?;
        let (start, end) = (self.base.with_addr(fit.start), fit.end - self.base.addr());
        let dirty = match block {
            None => size,
            Some(block) => {
                let committed = block.committed();
                if end > committed {
                    let (least, most) = STEPS;
                    let most = if self.flags & LATENCY == 0 { most } else { least };
                    block.commit_to(end, committed.saturating_add((committed / 4).clamp(least, most)))?;
                }
                self.end = self.base.wrapping_add(block.committed());
                (self.base.addr() + committed).saturating_sub(fit.start).min(size)
            }
        };
        self.ptr = self.base.with_addr(fit.end);
        Ok((start, dirty))
    }

    fn resize(&mut self, size: usize, reservation: usize) -> Outcome<*mut u8> {
        let memory = self.memory(Operation::Resize, size)?;
        match memory {
            Memory::Nothing => {
                let block = self.reserve(size, size, Room::UpTo(reservation), &VAllocOptions::DEFAULT)?;
                self.set_window(block, size);
            }
            Memory::Block(block) => {
                // SAFETY: the caller gives up what is beyond `size`.
                unsafe { block.resize(size) }?;
                self.set_window(block, size);
            }
            Memory::Buffer if size <= self.reserved_size => {
                let used = bump::round_up_wrapping(size, LARGEST_ALIGNMENT);
                self.ptr = self.base.wrapping_add(used).min(self.end);
            }
            Memory::Buffer => {
                let cause = Cause::BeyondReservation;
                return Err(ReserveError::new(Operation::Commit, size, cause).into());
            }
        }
        Ok(self.base)
    }

    traps::in_force! {
        /// Takes back all: goes on in another block, so that the memory of this one is inaccessible. If there is none, it
        /// is inaccessible until it is handed out again.
        fn move_on(&mut self, block: Block) -> Outcome<()> {
            let (committed, likeness) = (block.committed(), block.likeness());
            if committed == 0 {
                return Ok(());
            }
            let Ok(next) = Block::new(0, likeness.wanted()) else {
                return self.give_back_from(block, 0);
            };
            // SAFETY: the caller gives all of it up.
            if let Err(error) = unsafe { block.free() } {
                // SAFETY: nobody knows of it.
                let _ = unsafe { next.free() };
                return Err(error.into());
            }
            // As much as there was, if it can be had.
            let _ = next.commit_to(committed, committed);
            // SAFETY: nothing there is in use.
            let _ = unsafe { next.give_back_from(committed) };
            self.set_block(next, self.flags);
            Ok(())
        }
    }

    fn free(&mut self) -> Outcome<()> {
        match self.memory(Operation::Free, self.reserved_size)? {
            Memory::Nothing => return Err(no_block(Operation::Free, 0).into()),
            Memory::Buffer => {}
            // SAFETY: the caller gives all of it up.
            Memory::Block(block) => unsafe { block.free()? },
        }
        *self = NOTHING;
        Ok(())
    }

    fn decommit(&mut self, extra: usize) -> Outcome<()> {
        let in_use = VAllocError::misuse(Operation::Decommit, Misuse::InUse, extra);
        let block = match self.memory(Operation::Decommit, extra)? {
            Memory::Block(block) => block,
            Memory::Buffer => return Err(in_use), // none of it is the library's to give back
            Memory::Nothing => return Err(no_block(Operation::Decommit, extra).into()),
        };
        if extra == 0 {
            return Err(VAllocError::misuse(Operation::Decommit, Misuse::ZeroSize, 0));
        }
        let start = bump::round_up(extra, os::page_bytes())
            .and_then(|less| block.committed().checked_sub(less))
            .filter(|&start| start >= self.used())
            .ok_or(in_use)?;
        self.give_back_from(block, start)
    }

    fn trim(&mut self, keep: usize) -> Outcome<usize> {
        let Memory::Block(block) = self.memory(Operation::Decommit, keep)? else { return Ok(0) };
        let before = block.committed();
        self.give_back_from(block, keep.max(self.used()))?;
        Ok(before - block.committed())
    }

    fn give_back_from(&mut self, block: Block, start: usize) -> Outcome<()> {
        // SAFETY: the caller has checked that it lies beyond all that is in use.
        unsafe { block.give_back_from(start) }?;
        self.end = self.base.wrapping_add(block.committed());
        Ok(())
    }

    /// The result of a call with this size; an error is kept.
    fn done<T>(&mut self, size: usize, outcome: Outcome<T>) -> Option<T> {
        outcome.inspect_err(|&error| self.error = error.for_size(size)).ok()
    }
}

/// `v_alloc_reserve`
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_reserve(info: *mut AllocInfo, reserve_size: usize) -> bool {
    let options = VAllocOptions { reservation: reserve_size, ..VAllocOptions::DEFAULT };
    if reserve_size > 0 {
        // SAFETY: forwarded from the caller.
        return unsafe { v_alloc_reserve_with(info, &raw const options) };
    }
    // SAFETY: forwarded from the caller.
    if let Some(info) = unsafe { info.as_mut() } {
        info.forget_unless_live();
        info.error = VAllocError::misuse(Operation::Reserve, Misuse::ZeroSize, 0);
    }
    false
}

/// `v_alloc_reserve_with`
///
/// # Safety
/// `info` is null or valid; `options` is null or valid, and its name is null or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_reserve_with(info: *mut AllocInfo, options: *const VAllocOptions) -> bool {
    // SAFETY: forwarded from the caller.
    let (info, options) = unsafe { (info.as_mut(), options.as_ref().copied()) };
    let (Some(info), options) = (info, options.unwrap_or(VAllocOptions::DEFAULT)) else { return false };
    if info.is_live() {
        let misuse = Misuse::ReservedAlready;
        info.error = VAllocError::misuse(Operation::Reserve, misuse, options.reservation);
        return false;
    }
    info.forget_unless_live();
    let outcome = info.reserve(0, 0, Room::default(), &options);
    info.done(options.reservation, outcome).is_some()
}

/// `v_alloc_from_buffer_aligned`
///
/// # Safety
/// `info` is null or valid; `buffer` is null or has `size` bytes, which are the arena's from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_from_buffer_aligned(
    info: *mut AllocInfo,
    buffer: *mut c_void,
    size: usize,
    alignment: usize,
) -> bool {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return false };
    if info.is_live() {
        info.error = VAllocError::misuse(Operation::Reserve, Misuse::ReservedAlready, size);
        return false;
    }
    *info = NOTHING;
    let window = || {
        let end =
            buffer.addr().checked_add(size).filter(|_| alignment.is_power_of_two() && !buffer.is_null())?;
        let (start, end) = (bump::round_up(buffer.addr(), alignment)?, bump::round_down(end, alignment));
        (start < end).then_some((start, end))
    };
    let Some((start, end)) = window() else {
        let misuse = if size == 0 { Misuse::ZeroSize } else { Misuse::Argument };
        info.error = VAllocError::misuse(Operation::Reserve, misuse, size);
        return false;
    };
    info.base = buffer.cast::<u8>().with_addr(start);
    info.ptr = info.base;
    info.end = info.base.with_addr(end);
    info.reserved_size = end - start;
    info.page_size = os::page_bytes();
    info.flags = BUFFER;
    info.generation = start as u64 ^ BUFFER_SEAL;
    true
}

/// `v_alloc_free`
///
/// # Safety
/// `info` is null or valid, and nothing of the arena is in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_free(info: *mut AllocInfo) -> bool {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return false };
    let size = info.reserved_size;
    let outcome = info.free();
    info.done(size, outcome).is_some()
}

/// `v_alloc_reset`
///
/// # Safety
/// `info` is null or valid, and nothing of the arena is in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_reset(info: *mut AllocInfo) {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return };
    info.ptr = info.base;
    let outcome = info.memory(Operation::Resize, 0);
    traps::in_force! {
        let outcome = match outcome {
            Ok(Memory::Block(block)) => info.move_on(block).map(|()| Memory::Block(block)),
            outcome => outcome,
        };
    }
    if info.done(0, outcome).is_none() {
        info.end = info.base; // so that the next push comes here, and fails
    }
}

/// `v_alloc_decommit`
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_decommit(info: *mut AllocInfo, extra_size: usize) -> bool {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return false };
    let outcome = info.decommit(extra_size);
    info.done(extra_size, outcome).is_some()
}

/// `v_alloc_trim`
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_trim(info: *mut AllocInfo, keep: usize) -> usize {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return 0 };
    let outcome = info.trim(keep);
    info.done(keep, outcome).unwrap_or(0)
}

/// `v_alloc_resize_within`
///
/// # Safety
/// `info` is null or valid, and nothing of the arena beyond the size is in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_resize_within(
    info: *mut AllocInfo,
    size_in_bytes: usize,
    reservation: usize,
) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    let Some(info) = (unsafe { info.as_mut() }) else { return ptr::null_mut() };
    let outcome = if size_in_bytes > 0 {
        info.resize(size_in_bytes, reservation)
    } else if info.base.is_null() {
        Ok(ptr::null_mut())
    } else {
        info.free().map(|()| ptr::null_mut())
    };
    info.done(size_in_bytes, outcome).unwrap_or(ptr::null_mut()).cast()
}

/// A block, and how much of its start is not known to be zero.
///
/// # Safety
/// `info` is null or valid.
unsafe fn push(
    info: *mut AllocInfo,
    size: usize,
    alignment: usize,
    reservation: usize,
) -> Option<(*mut u8, usize)> {
    // SAFETY: forwarded from the caller.
    let info = unsafe { info.as_mut() }?;
    let outcome = info.push(size, alignment, reservation);
    info.done(size, outcome)
}

/// `v_alloc_push_slow`
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_push_slow(
    info: *mut AllocInfo,
    size: usize,
    alignment: usize,
    reservation: usize,
) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    let pushed = unsafe { push(info, size, alignment, reservation) };
    pushed.map_or(ptr::null_mut(), |(block, _)| block.cast())
}

/// `v_alloc_push_zeroed_slow`
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_push_zeroed_slow(
    info: *mut AllocInfo,
    size: usize,
    alignment: usize,
    reservation: usize,
) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    let pushed = unsafe { push(info, size, alignment, reservation) };
    pushed.map_or(ptr::null_mut(), |(block, dirty)| {
        // SAFETY: the block was just handed out, and has at least as many bytes.
        unsafe { block.write_bytes(0, dirty) };
        block.cast()
    })
}

/// What the header's inline `v_alloc_committ` does, for those who cannot include it.
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_committ(info: *mut AllocInfo, additional_bytes: usize) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc_push_slow(info, additional_bytes, DEFAULT_ALIGNMENT, DEFAULT_CAPACITY) }
}

/// As [`v_alloc_committ`], under its other name.
///
/// # Safety
/// `info` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_push(info: *mut AllocInfo, size: usize) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc_committ(info, size) }
}

/// What the header's inline `v_alloc_resize` does, for those who cannot include it.
///
/// # Safety
/// As for [`v_alloc_resize_within`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_resize(info: *mut AllocInfo, size_in_bytes: usize) -> *mut c_void {
    // SAFETY: forwarded from the caller.
    unsafe { v_alloc_resize_within(info, size_in_bytes, DEFAULT_CAPACITY) }
}

/// The header's `V_ALLOC_ALIGNMENT`.
const DEFAULT_ALIGNMENT: usize = 16;
/// The header's `MAX_ARENA_CAPACITY`.
const DEFAULT_CAPACITY: usize = 1 << 30;
