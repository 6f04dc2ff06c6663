//! Spaces: ranges of addresses, each divided into slots of one size, and the tables that find them.
//!
//! ```text
//!  a space:   | slot 0 | slot 1 | slot 2 |   ...   | slot n |     one size, a power of two; large ones 2 MiB apart
//!  elsewhere: |Slot|Slot|Slot|  ...  |Slot|                       what is known of each
//! ```
//!
//! A block too large for that, or made when addresses are short, has a space of its own with one slot; only such a
//! space is ever released. All tables are static and only grow, so looking an address up follows no pointer that
//! could be dangling, whatever the address.

use super::slot::Slot;
use crate::error::{Cause, Operation, ReserveError};
use crate::os::{self, GAP, LARGE_RANGE, Pages};
use crate::reservation::{budget, shared::SharedRange};
use core::ptr::{self, NonNull};
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// Spaces in all. 128 TiB are 2,048 spaces of 64 GiB.
const SPACES: usize = 2048;
/// Twice as many entries keep the ways short.
const ENTRIES: usize = 2 * SPACES;
/// Slots of a space, at most: 2 MiB of `Slot`s.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 16;
/// Sizes of slots: from 2^16 bytes, a multiple of every page size.
pub(super) const SMALLEST_CLASS: u32 = 16;

static TABLE: [Space; SPACES] = [const { Space::new() }; SPACES];
/// Records of `TABLE` that were ever used.
static USED: AtomicUsize = AtomicUsize::new(0);
/// Number of a space plus one, by hash of its addresses.
static BY_ADDRESS: [AtomicU32; ENTRIES] = [const { AtomicU32::new(0) }; ENTRIES];
/// Generations of blocks with a space of their own. The next block at the same address may have another record, so
/// these count for the process; and from so far up that no slot of a shared space comes there.
static GENERATION: AtomicU64 = AtomicU64::new(1 << 61);
/// Spaces with one slot.
static SINGLE: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Space {
    /// Null: the record is free. Written last.
    base: AtomicPtr<u8>,
    size: AtomicUsize,
    accessible: AtomicBool,
    /// The class: slots have `1 << class` bytes. In a space with one slot, as many bits as an address has.
    class: AtomicU32,
    slots: AtomicPtr<Slot>,
    /// Slots that were ever handed out.
    next: AtomicU32,
    /// Whether `BY_ADDRESS` has it.
    registered: AtomicBool,
    /// Bytes that count against the budget for default reservations, to be given back with the space.
    from_budget: AtomicUsize,
    /// The slot of a space with only one.
    own: Slot,
}

/// A slot that someone holds, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) space: &'static Space,
    pub(super) slot: &'static Slot,
    pub(super) base: NonNull<u8>,
}

/// What a record holds while it is made.
fn reserved_record() -> *mut u8 {
    ptr::dangling_mut()
}

impl Space {
    const fn new() -> Self {
        Self {
            base: AtomicPtr::new(ptr::null_mut()),
            size: AtomicUsize::new(0),
            accessible: AtomicBool::new(false),
            class: AtomicU32::new(0),
            slots: AtomicPtr::new(ptr::null_mut()),
            next: AtomicU32::new(0),
            registered: AtomicBool::new(false),
            from_budget: AtomicUsize::new(0),
            own: Slot::new(),
        }
    }

    fn has_one_slot(&self) -> bool {
        self.class.load(Relaxed) == usize::BITS
    }

    pub(super) fn class(&self) -> u32 {
        self.class.load(Relaxed)
    }

    /// Bytes of a slot.
    pub(super) fn slot_size(&self) -> usize {
        if self.has_one_slot() { self.size.load(Relaxed) } else { 1 << self.class() }
    }

    fn slot_count(&self) -> usize {
        if self.has_one_slot() { 1 } else { slots_in(self.size.load(Relaxed), self.class()) }
    }

    /// The range; only for whoever holds a slot of it, or has just made it.
    pub(super) fn range(&self) -> Option<SharedRange> {
        let base = NonNull::new(self.base.load(Acquire))?;
        let size = Pages::round_down(self.size.load(Relaxed));
        Some(SharedRange { base, size, accessible: self.accessible.load(Relaxed) })
    }

    fn budgeted(&self) -> Pages {
        Pages::round_down(self.from_budget.load(Relaxed))
    }

    /// The slot of this index, which is below `slot_count`.
    fn place(&'static self, index: usize) -> Option<Place> {
        let base = NonNull::new(self.base.load(Acquire))?;
        let slots = NonNull::new(self.slots.load(Relaxed))?;
        let offset = if self.has_one_slot() { 0 } else { index * pitch(self.class()) };
        // SAFETY: the index is that of a slot, so both lie in their ranges. Slots are never given back, and zeroed
        // memory is a free slot.
        Some(unsafe { Place { space: self, slot: slots.add(index).as_ref(), base: base.add(offset) } })
    }

    /// The slot that starts at `address`, if one does that was ever handed out.
    fn place_at(&'static self, address: usize) -> Option<Place> {
        let offset = address.checked_sub(self.base.load(Acquire).addr())?;
        let index = self.index_at(offset);
        let handed_out = index < self.next.load(Acquire) as usize;
        let place = if handed_out { self.place(index)? } else { return None };
        (place.base.addr().get() == address).then_some(place)
    }

    /// Which slot lies, or would lie, so many bytes from the base.
    fn index_at(&self, offset: usize) -> usize {
        if self.has_one_slot() { 0 } else { offset / pitch(self.class()) }
    }

    fn contains(&self, address: usize) -> bool {
        let base = self.base.load(Acquire).addr();
        address.wrapping_sub(base) < self.size.load(Relaxed)
    }

    /// A slot that was never handed out before; `None` if all were.
    pub(super) fn fresh_slot(&'static self) -> Option<Place> {
        self.register();
        let count = self.slot_count();
        let next = |next: u32| ((next as usize) < count).then_some(next + 1);
        let index = self.next.fetch_update(Release, Relaxed, next).ok()?;
        self.place(index as usize)
    }

    /// Makes the space known to [`find`]. Every user of a shared space comes by here before the first slot is handed
    /// out, and all take the same way through the table, which nothing leaves: so it is entered once.
    fn register(&self) {
        if self.registered.load(Acquire) {
            return;
        }
        let Some(number) = self.number() else { return };
        for entry in ways(self.base.load(Relaxed).addr()) {
            let found = entry.compare_exchange(0, number + 1, AcqRel, Acquire);
            if found.is_ok() || found == Err(number + 1) {
                break;
            }
        }
        self.registered.store(true, Release);
    }

    fn number(&self) -> Option<u32> {
        let offset = ptr::from_ref(self).addr().wrapping_sub(TABLE.as_ptr().addr());
        u32::try_from(offset / size_of::<Self>()).ok()
    }
}

impl Place {
    /// A number for the slot, for links between free ones: never 0.
    pub(super) fn number(self) -> Option<u32> {
        let offset = ptr::from_ref(self.slot).addr() - self.space.slots.load(Relaxed).addr();
        let index = offset / size_of::<Slot>(); // by a constant: faster than from the base
        Some((self.space.number()? << SLOT_BITS | u32::try_from(index).ok()?) + 1)
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        let number = number.checked_sub(1)?;
        let space = TABLE.get((number >> SLOT_BITS) as usize)?;
        space.place(number as usize % SLOTS)
    }

    /// Whether the slot is still at this base. Only a space with one slot ever becomes another.
    pub(super) fn is_current(self) -> bool {
        !self.is_single() || self.space.base.load(Acquire) == self.base.as_ptr()
    }

    /// Whether it has its space for itself.
    pub(super) fn is_single(self) -> bool {
        self.space.has_one_slot()
    }
}

/// The slot that starts at `address`, if it was ever handed out. The address may be any number.
pub(super) fn find(address: usize) -> Option<Place> {
    for entry in ways(address) {
        let Some(number) = entry.load(Acquire).checked_sub(1) else { break };
        let space = TABLE.get(number as usize)?;
        if space.contains(address) {
            return space.place_at(address);
        }
    }
    if SINGLE.load(Acquire) == 0 {
        return None;
    }
    let single = |space: &&Space| space.has_one_slot() && space.base.load(Acquire).addr() == address;
    TABLE.iter().take(USED.load(Acquire)).find(single)?.place_at(address)
}

crate::traps::in_force! {
    /// The slot that an address lies in, if it was ever handed out.
    pub(super) fn around(address: usize) -> Option<Place> {
        let space = TABLE.iter().take(USED.load(Acquire)).find(|space| space.contains(address))?;
        let offset = address.wrapping_sub(space.base.load(Acquire).addr());
        let index = space.index_at(offset);
        if index < space.next.load(Acquire) as usize { space.place(index) } else { None }
    }
}

/// The entries that may have the space of an address, in the order in which they are filled.
fn ways(address: usize) -> impl Iterator<Item = &'static AtomicU32> {
    let first = address.checked_shr(largest_space().trailing_zeros()).unwrap_or(0) % ENTRIES;
    let (before, after) = BY_ADDRESS.split_at_checked(first).unwrap_or((&[], &BY_ADDRESS));
    after.iter().chain(before)
}

/// The most bytes of a shared space: a power of two, so that 16 fit into what default reservations may take.
pub(super) fn largest_space() -> usize {
    static CACHED: AtomicUsize = AtomicUsize::new(0);
    let cached = CACHED.load(Relaxed);
    if cached != 0 {
        return cached;
    }
    let sixteenth = budget::share(os::address_space()) / 16;
    let power_of_two = 1 << (usize::BITS - 1 - sixteenth.max(1).leading_zeros());
    let size = usize::clamp(power_of_two, 1 << 20, os::LARGEST_SPACE);
    // All must go by the same size.
    match CACHED.compare_exchange(0, size, Relaxed, Relaxed) {
        Ok(_) => size,
        Err(first) => first,
    }
}

/// Bytes from one slot of this class to the next: large ones leave a [`GAP`] between them, as far as that is a small part of
/// the space.
fn pitch(class: u32) -> usize {
    let slot = 1 << class;
    if slot >= LARGE_RANGE && slot <= largest_space() / 8 { slot + GAP } else { slot }
}

fn slots_in(size: usize, class: u32) -> usize {
    size / pitch(class)
}

/// The size of a shared space with slots of this class, if there are any so large.
pub(super) fn shared_size(class: u32) -> Option<usize> {
    let slot = 1_usize.checked_shl(class)?;
    (slot <= largest_space()).then(|| slot.saturating_mul(SLOTS).min(largest_space()))
}

/// Makes a space for slots of this class. `from_budget` bytes are on the account of default reservations for it.
pub(super) fn make_shared(class: u32, from_budget: Pages) -> Result<&'static Space, ReserveError> {
    let error = ReserveError::new(Operation::Reserve, usize::MAX, Cause::TooLarge);
    let size = shared_size(class).ok_or(error)?;
    let range = SharedRange::new(Pages::round_up(size).ok_or(error)?, size)?;
    let slots = make_slots(slots_in(size, class)).inspect_err(|_| give_up(range, Pages::ZERO))?;
    make_record(range, class, slots.base.cast().as_ptr(), from_budget).inspect_err(|_| {
        give_up(slots, slots.size);
        give_up(range, Pages::ZERO);
    })
}

/// Takes a space back that was made, but lost the race to be of use.
pub(super) fn unmake(space: &'static Space) {
    let count = space.slot_count();
    if let (Some(range), Some(slots)) = (space.range(), NonNull::new(space.slots.load(Relaxed))) {
        budget::give_back(space.budgeted());
        free_record(space);
        let size = Pages::round_up(count * size_of::<Slot>()).unwrap_or(Pages::ZERO);
        give_up(SharedRange { base: slots.cast(), size, accessible: false }, size);
        give_up(range, Pages::ZERO);
    }
}

/// Makes a space of exactly `size` with one slot.
pub(super) fn make_single(size: Pages, from_budget: Pages) -> Result<Place, ReserveError> {
    let huge_page = os::huge_page_size().filter(|&huge_page| size > huge_page);
    let range = SharedRange::new(size, huge_page.map_or(1, Pages::bytes))?;
    let space = make_record(range, usize::BITS, ptr::null_mut(), from_budget)
        .inspect_err(|_| give_up(range, Pages::ZERO))?;
    space.own.number_from(GENERATION.fetch_add(1, Relaxed));
    space.next.store(1, Release);
    SINGLE.fetch_add(1, AcqRel);
    let error = ReserveError::new(Operation::Reserve, size.bytes(), Cause::TooManyRanges);
    space.place(0).ok_or(error)
}

/// Gives back the addresses of a block that had a space for itself, and makes the record free. If the system keeps
/// the addresses, they are lost, and stay on the account. (A reference, because a copy of what was written in parts a moment ago
/// takes a tenth of a block's short life.)
pub(super) fn release_single(place: &Place) {
    let (range, budgeted) = (place.space.range(), place.space.budgeted());
    // First: from the moment the addresses are free, another thread's space may have them.
    free_record(place.space);
    SINGLE.fetch_sub(1, AcqRel);
    // SAFETY: the slot is the only one and nobody's any more, and nothing in it is committed.
    if range.is_some_and(|range| unsafe { range.release(Pages::ZERO) }.is_ok()) {
        budget::give_back(budgeted);
    }
}

/// Frees the record of a space, which may be made into another one at once.
fn free_record(space: &Space) {
    space.base.store(ptr::null_mut(), Release);
}

/// Memory for the slots of a space. It is never given back while the space is there.
fn make_slots(count: usize) -> Result<SharedRange, ReserveError> {
    let bytes = count.saturating_mul(size_of::<Slot>());
    let error = ReserveError::new(Operation::Reserve, bytes, Cause::TooLarge);
    let range = SharedRange::inaccessible(Pages::round_up(bytes).ok_or(error)?, 1)?;
    // SAFETY: just reserved.
    unsafe { range.commit(range.base, range.size) }.inspect_err(|_| give_up(range, Pages::ZERO))?;
    Ok(range)
}

/// Releases a range that nobody has seen. If that fails its addresses are lost, and stay on the account.
fn give_up(range: SharedRange, committed: Pages) {
    // SAFETY: nobody knows of it.
    let _ = unsafe { range.release(committed) };
}

fn make_record(
    range: SharedRange,
    class: u32,
    slots: *mut Slot,
    from_budget: Pages,
) -> Result<&'static Space, ReserveError> {
    let unused = |space: &Space| {
        space.base.load(Relaxed).is_null()
            && space.base.compare_exchange(ptr::null_mut(), reserved_record(), Acquire, Relaxed).is_ok()
    };
    let error = ReserveError::new(Operation::Reserve, range.size.bytes(), Cause::TooManyRanges);
    let (number, space) = TABLE.iter().enumerate().find(|&(_, space)| unused(space)).ok_or(error)?;
    USED.fetch_max(number + 1, AcqRel);
    let own = ptr::from_ref(&space.own).cast_mut();
    space.size.store(range.size.bytes(), Relaxed);
    space.accessible.store(range.accessible, Relaxed);
    space.class.store(class, Relaxed);
    space.slots.store(if slots.is_null() { own } else { slots }, Relaxed);
    space.next.store(0, Relaxed);
    space.registered.store(false, Relaxed);
    space.from_budget.store(from_budget.bytes(), Relaxed);
    space.base.store(range.base.as_ptr(), Release);
    Ok(space)
}
