//! A block that never moves, as a value that can be copied: it is looked up by where it is and which generation it
//! is, so a copy that outlived it is refused.

use super::slot::{HAS_HEADER, HUGE_PAGES, HUGE_PAGES_ADVISED, NAMED, TIGHT};
crate::traps::in_force! {
    use super::slot::FORBIDDEN;
}
use super::space::{self, Place};
use super::{DEFAULT_RESERVATION, pool};
use crate::bump;
use crate::error::{Cause, Operation, ReserveError};
use crate::os::{self, Advice, Pages};
use crate::registry::{self, Kind};
use crate::reservation::budget::{self, Tier};
use crate::reservation::growth::LARGEST_STEP;
use crate::reservation::shared::SharedRange;
use crate::traps;
use core::ffi::CStr;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

/// The pages of a block up to here are small ones: below, a huge page wastes more than it saves.
const HEAD: usize = 2 << 20;
/// The same for a block whose last page is hardly used half the time, and should be a small part of it: a huge one is
/// a tenth at most here, and a twentieth from 40 MiB on. Small pages up to there would take too long to come.
const TIGHT_HEAD: usize = 20 << 20;
/// From so many bytes on, small pages are populated ahead, if there are at most [`LARGEST_STEP`].
pub(crate) const POPULATED_FROM: usize = 128 << 10;
/// The most of it that is cleared beyond what is asked for: the zeroes of the system cost less.
const CLEARED: usize = 16 << 10;

/// What a block is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) reservation: Room,
    /// Bytes that it must be able to grow to, if the reservation is a default one.
    pub(crate) least: usize,
    pub(crate) huge_pages: HugePages,
    /// Whether what it has at first reads zero; else it may be anything.
    pub(crate) zeroed: bool,
    pub(crate) name: Option<&'a CStr>,
    /// Whether it is one of `realloc`.
    pub(crate) has_header: bool,
}

/// Whether huge pages may back a block, and from where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HugePages {
    Never,
    /// Beyond [`HEAD`].
    Early,
    /// Beyond [`TIGHT_HEAD`]: what is resident stays close to what is in use, as of a vector that grows element by element.
    Late,
}

/// How many addresses a block is to have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// A default reservation of at most so much; less if the process is short of addresses.
    UpTo(usize),
    /// So much, rounded up to pages, or an error.
    Exactly(usize),
}

impl Room {
    /// What a block gets if nobody says anything.
    pub(crate) fn default() -> Self {
        let chosen = DEFAULT_RESERVATION.load(Relaxed);
        let largest = os::BLOCK_TIERS.first().copied().unwrap_or_default();
        Self::UpTo(if chosen == 0 { largest } else { chosen })
    }
}

/// A block. Whether it is still live shows when something is done with it.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    place: Place,
    generation: u64,
}

/// What the owner of a busy block may do with it.
struct Busy {
    place: Place,
    generation: u64,
    range: SharedRange,
}

impl Block {
    /// A block with its first `size` bytes committed; more if that is cheap. What it has later reads zero; what it has now, if
    /// that is wanted.
    pub(crate) fn new(size: usize, wanted: Wanted<'_>) -> Result<Self, ReserveError> {
        let (place, limit) = find_place(size.max(wanted.least), wanted.reservation)?;
        let generation = place.slot.claim();
        let flag = |flag: u32, on: bool| if on { flag } else { 0 };
        let flags = flag(HUGE_PAGES, wanted.huge_pages != HugePages::Never)
            | flag(TIGHT, wanted.huge_pages == HugePages::Late)
            | flag(HAS_HEADER, wanted.has_header);
        crate::traps::in_force! {
            place.slot.label.set(wanted.name);
            let flags = flags | (place.slot.flags.load(Relaxed) & FORBIDDEN);
        }
        place.slot.flags.store(flags, Relaxed);
        place.slot.limit.store(limit.min(place.space.slot_size()), Relaxed);
        let range = place.space.range().ok_or(no_block(Operation::Resize, size))?;
        let busy = Busy { place, generation, range };
        match busy.clean(size, wanted.zeroed).and_then(|()| busy.commit_to(size, size)) {
            Ok(()) => {
                if wanted.name.is_some() {
                    busy.set_name(wanted.name);
                }
                busy.end();
                Ok(Self { place, generation })
            }
            Err(error) => {
                let _ = busy.free(); // little is committed, if anything: no system refuses to take that back
                Err(error)
            }
        }
    }

    /// The live block that starts at `address`, which may be any number.
    pub(crate) fn at(address: usize) -> Option<Self> {
        let place = space::find(address)?;
        let block = Self { place, generation: place.slot.generation()? };
        // A record of a space with one slot may have become another's since it was found.
        place.is_current().then_some(block)
    }

    /// Whether it is one of `realloc`.
    pub(crate) fn has_header(self) -> bool {
        self.place.slot.flags.load(Relaxed) & HAS_HEADER != 0
    }

    pub(crate) fn base(self) -> NonNull<u8> {
        self.place.base
    }

    pub(crate) fn is_live(self) -> bool {
        self.place.slot.is_live(self.generation)
    }

    /// Bytes that are committed: whole pages.
    pub(crate) fn committed(self) -> usize {
        self.place.slot.committed.load(Relaxed)
    }

    /// Bytes that it may grow to: whole pages.
    pub(crate) fn reserved(self) -> usize {
        self.place.slot.limit.load(Relaxed)
    }

    /// Makes `size` bytes the committed size, as nearly as is worth a system call: growing goes by a quarter, and
    /// pages are given back when there are more than twice as many as needed.
    ///
    /// # Safety
    /// Nothing beyond `size` is in use.
    pub(crate) unsafe fn resize(self, size: usize) -> Result<(), ReserveError> {
        let committed = self.committed();
        if size <= committed && committed <= Self::most_kept(size) {
            return if self.is_live() { Ok(()) } else { self.begin(Operation::Resize, size).map(Busy::end) };
        }
        let busy = self.begin(Operation::Resize, size)?;
        let committed = self.committed(); // for certain now
        let mut result = Ok(());
        if size > committed {
            result = busy.commit_to(size, committed + (committed / 4).min(HEAD));
        } else if committed > Self::most_kept(size) {
            // A block that keeps memory which the system does not take back is as good.
            let _ = busy.give_back_from(size);
        }
        busy.end();
        result
    }

    /// The most bytes that stay committed for a block of `size`.
    fn most_kept(size: usize) -> usize {
        size.saturating_mul(2).max(pool::KEPT)
    }

    /// Gives everything back, but for what the next block in its place may find: see [`pool::keep`].
    ///
    /// # Safety
    /// Nothing in the block is in use.
    pub(crate) unsafe fn free(self) -> Result<(), ReserveError> {
        self.begin(Operation::Free, self.committed())?.free()
    }

    fn begin(self, operation: Operation, bytes: usize) -> Result<Busy, ReserveError> {
        let Self { place, generation } = self;
        place.slot.begin(generation).map_err(|cause| ReserveError::new(operation, bytes, cause))?;
        match place.space.range() {
            // As in `at`.
            Some(range) if place.is_current() => Ok(Busy { place, generation, range }),
            _ => {
                place.slot.end(generation);
                Err(no_block(operation, bytes))
            }
        }
    }
}

/// What others than `StableBlock` do with a block.
#[allow(dead_code, reason = "which of them there are depends on features")]
impl Block {
    pub(crate) fn generation(self) -> u64 {
        self.generation
    }

    /// Commits at least `needed` bytes from the base, and up to `goal` if there is memory. What is new reads zero. The owner
    /// is about to fill it in order.
    pub(crate) fn commit_to(self, needed: usize, goal: usize) -> Result<(), ReserveError> {
        let busy = self.begin(Operation::Resize, needed)?;
        let before = busy.committed();
        let result = busy.commit_to(needed, goal);
        if result.is_ok() {
            busy.populate_next(before, needed);
        }
        busy.end();
        result
    }

    /// Gives back all whole pages from `start` on.
    ///
    /// # Safety
    /// Nothing there is in use.
    pub(crate) unsafe fn give_back_from(self, start: usize) -> Result<(), ReserveError> {
        let busy = self.begin(Operation::Decommit, self.committed().saturating_sub(start))?;
        let result = busy.give_back_from(start);
        busy.end();
        result
    }
}

impl Busy {
    fn end(self) {
        self.place.slot.end(self.generation);
    }

    fn committed(&self) -> Pages {
        Pages::round_down(self.place.slot.committed.load(Relaxed))
    }

    fn limit(&self) -> Pages {
        Pages::round_down(self.place.slot.limit.load(Relaxed))
    }

    fn flag(&self, flag: u32) -> bool {
        self.place.slot.flags.load(Relaxed) & flag != 0
    }

    fn set_flag(&self, flag: u32, on: bool) {
        let flags = self.place.slot.flags.load(Relaxed);
        self.place.slot.flags.store(if on { flags | flag } else { flags & !flag }, Relaxed);
    }

    fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: offsets are at most the limit, which lies in the range.
        unsafe { self.place.base.add(offset) }
    }

    fn commit_to(&self, needed: usize, goal: usize) -> Result<(), ReserveError> {
        let (committed, limit) = (self.committed(), self.limit());
        let error = ReserveError::new(Operation::Commit, needed, Cause::BeyondReservation);
        let needed = Pages::round_up(needed).filter(|&end| end <= limit).ok_or(error)?;
        if needed <= committed {
            return Ok(());
        }
        let goal = self.whole_huge_pages(needed.bytes().max(goal));
        let goal = Pages::round_up(goal).map_or(limit, |goal| goal.min(limit));
        let (start, mut end) = (self.at(committed.bytes()), goal);
        crate::traps::in_force! {
            self.permit(start, goal.after(committed))?;
        }
        // SAFETY: `committed .. goal` lies in the slot, which has this one owner.
        if let Err(error) = unsafe { self.range.commit(start, goal.after(committed)) } {
            if goal == needed {
                return Err(error);
            }
            // Less may still be had.
            // SAFETY: as above.
            unsafe { self.range.commit(start, needed.after(committed)) }?;
            end = needed;
        }
        self.place.slot.committed.store(end.bytes(), Relaxed);
        if self.flag(NAMED) {
            registry::committed(self.place.base, end);
        }
        if !self.range.accessible && !self.flag(HUGE_PAGES) {
            // SAFETY: the pages were committed just now.
            unsafe { os::advise(start, end.after(committed), Advice::SmallPages) };
        }
        self.advise_huge_pages(committed, end);
        Ok(())
    }

    /// Where its huge pages begin, in bytes from the base.
    fn head(&self) -> usize {
        if self.flag(TIGHT) { TIGHT_HEAD } else { HEAD }
    }

    /// Where huge pages are wanted, commits end at whole ones.
    fn whole_huge_pages(&self, end: usize) -> usize {
        match os::huge_page_size() {
            Some(huge_page) if self.flag(HUGE_PAGES) && end > self.head() => {
                bump::round_up(end, huge_page.bytes()).unwrap_or(end)
            }
            _ => end,
        }
    }

    /// Where all is accessible, a block is told once of all its addresses beyond the head; else of what is new.
    fn advise_huge_pages(&self, from: Pages, to: Pages) {
        // Those of a size that is not counted with would reach beyond what is committed, and stay there.
        if os::huge_page_size().is_none()
            || to.bytes() <= self.head()
            || !self.flag(HUGE_PAGES)
            || (self.range.accessible && self.flag(HUGE_PAGES_ADVISED))
        {
            return;
        }
        let head = Pages::round_down(self.head());
        let (start, end) = if self.range.accessible { (head, self.limit()) } else { (from.max(head), to) };
        // SAFETY: the pages lie in the slot and are committed; advice changes no contents.
        unsafe { os::advise(self.at(start.bytes()), end.after(start), Advice::HugePages) };
        self.set_flag(HUGE_PAGES_ADVISED, true);
    }

    /// The huge page that a growing block comes to next: to populate it takes less than half the time of a fault where it
    /// begins, see `os::populate`. Before that a few small ones, which saves a quarter of the time of faults. What grows by more is
    /// for its owner to touch, as much of it as wanted.
    fn populate_next(&self, before: Pages, needed: usize) {
        let (head, end) = (Pages::round_down(self.head()), self.committed());
        let are_few = before.bytes() >= POPULATED_FROM && end.bytes() - before.bytes() <= LARGEST_STEP;
        let most = os::huge_page_size().map_or(0, Pages::bytes);
        let is_huge = needed.saturating_sub(before.bytes()) <= most;
        let start = if are_few { before } else { before.max(head) };
        if (are_few || is_huge) && start < end && self.flag(HUGE_PAGES) {
            // SAFETY: the pages were committed just now.
            unsafe { os::populate(self.at(start.bytes()), end.after(start)) };
        }
    }

    fn give_back_from(&self, start: usize) -> Result<(), ReserveError> {
        let committed = self.committed();
        let Some(start) = Pages::round_up(start) else { return Ok(()) };
        if start >= committed {
            return Ok(());
        }
        // A huge page may reach beyond what is committed.
        let edge = Pages::round_down(self.whole_huge_pages(committed.bytes()));
        let beyond = edge.min(self.limit()).after(committed);
        // SAFETY: `start .. committed` is committed; the callers have no use for it.
        unsafe { self.range.give_back(self.at(start.bytes()), committed.after(start), beyond) }?;
        self.place.slot.committed.store(start.bytes(), Relaxed);
        crate::traps::in_force! {
            self.forbid_from(start);
        }
        if self.flag(NAMED) {
            registry::given_back(self.place.base, start);
        }
        if start.bytes() <= self.head() && self.flag(HUGE_PAGES_ADVISED) {
            if self.range.accessible {
                let head = Pages::round_down(self.head());
                // SAFETY: the pages lie in the slot, and nothing there is in use.
                unsafe { SharedRange::advise_as_new(self.at(head.bytes()), self.limit().after(head)) };
            }
            self.set_flag(HUGE_PAGES_ADVISED, false);
        }
        Ok(())
    }

    /// Names what is accessible of the block, or takes the name away, so that it is like its neighbours.
    fn set_name(&self, name: Option<&CStr>) {
        let size = if self.range.accessible { self.limit() } else { self.committed() };
        // SAFETY: the pages lie in the slot and are committed; a name changes no contents.
        unsafe { os::advise(self.place.base, size, Advice::Name(name)) };
        self.set_flag(NAMED, name.is_some());
        match name {
            Some(name) => {
                registry::enter(Kind::Block, self.place.base, name, self.limit());
                registry::committed(self.place.base, self.committed());
            }
            None => registry::leave(self.place.base),
        }
    }

    /// What the block before this one kept must lie within the limit, and read zero if that is wanted.
    fn clean(&self, size: usize, zeroed: bool) -> Result<(), ReserveError> {
        if self.committed() == Pages::ZERO {
            return Ok(());
        }
        SharedRange::take_up(self.committed());
        let most = match size {
            0 => 0,
            _ if zeroed => size.max(CLEARED),
            _ if self.committed().bytes() <= Block::most_kept(size) => usize::MAX,
            _ => pool::worth_keeping(self.place).max(Block::most_kept(size)),
        };
        if self.committed().bytes() > most.min(self.limit().bytes()) {
            self.give_back_from(most.min(self.limit().bytes()))?;
        }
        if zeroed {
            let words = self.place.base.cast::<usize>();
            for word in 0..self.committed().bytes() / size_of::<usize>() {
                // Not by `memset`: the thread sanitizer takes that for the program's own access, and knows of no order between
                // it and what another thread did to the block before, if this library is not instrumented as well.
                // SAFETY: so many bytes are committed, whole pages, and have no other owner.
                unsafe { words.add(word).write_volatile(0) };
            }
        }
        Ok(())
    }

    fn free(self) -> Result<(), ReserveError> {
        // Where traps are in force nothing of it may be accessible.
        let may_keep = !traps::ARE_IN_FORCE && !self.place.is_single() && self.committed() > Pages::ZERO;
        let keeps = if may_keep { pool::keep(self.place, self.committed().bytes()) } else { None };
        if let Err(error) = self.give_back_from(keeps.unwrap_or_default()) {
            if let Some(bytes) = keeps {
                pool::keep_no_more(self.place, bytes);
            }
            self.end(); // it is still there
            return Err(error);
        }
        if self.flag(NAMED) {
            self.set_name(None);
        }
        SharedRange::set_aside(self.committed());
        self.place.slot.retire(self.generation);
        if self.place.is_single() {
            space::release_single(&self.place);
        } else {
            pool::give_back(self.place);
        }
        Ok(())
    }
}

crate::traps::in_force! {
    mod forbidding;
}

/// A slot for a block, and how many bytes the block may grow to.
fn find_place(size: usize, room: Room) -> Result<(Place, usize), ReserveError> {
    let largest = match room {
        Room::UpTo(largest) => largest,
        Room::Exactly(bytes) => {
            let bytes = bytes.max(1);
            let too_large = ReserveError::new(Operation::Reserve, bytes, Cause::TooLarge);
            let limit = Pages::round_up(bytes).ok_or(too_large)?.bytes();
            return Ok((place_of(limit, Account::Caller)?, limit));
        }
    };
    // Mostly there is a slot of the first size that is free, or was never handed out.
    let free = || pool::take(pool::class_of(largest)?);
    if let Some(place) = (size <= largest).then(free).flatten() {
        return Ok((place, Pages::round_up(largest).map_or(largest, Pages::bytes)));
    }
    // Where addresses are few, a tier of which not even four fit would leave too little to all others.
    let tiers = || {
        let smaller = os::BLOCK_TIERS.iter().copied().filter(|&tier| tier <= largest / 2);
        core::iter::once(largest).chain(smaller).filter(|&tier| tier / 4 <= space::largest_space())
    };
    let count = tiers().count();
    let smallest = tiers().next_back().unwrap_or(largest);
    let mut result = Err(ReserveError::new(Operation::Reserve, smallest, Cause::BeyondBudget));
    for (index, tier) in tiers().enumerate() {
        if tier >= size {
            match place_of(tier, Account::Tier(Tier { index, count, first: 2 })) {
                Ok(place) => return Ok((place, Pages::round_up(tier).map_or(tier, Pages::bytes))),
                Err(error) if error.is_beyond_budget() => {}
                Err(error) => result = Err(error),
            }
        }
    }
    // A first size above the default, or above what the budget has left, reserves what it needs.
    if size > smallest { Ok((place_of(size, Account::Caller)?, usize::MAX)) } else { result }
}

/// Who answers for the addresses of a block.
#[derive(Clone, Copy)]
enum Account {
    /// The caller, who asked for so much.
    Caller,
    /// The budget of default reservations.
    Tier(Tier),
}

impl Account {
    /// Calls `reserve` with the bytes that count against the budget, if that allows for them.
    fn reserve<T>(
        self,
        size: Pages,
        reserve: impl FnOnce(Pages) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        match self {
            Self::Caller => reserve(Pages::ZERO),
            Self::Tier(tier) => budget::reserve_in_tier(tier, size, || reserve(size)),
        }
    }
}

/// A slot of `bytes` at least.
fn place_of(bytes: usize, account: Account) -> Result<Place, ReserveError> {
    let error = ReserveError::new(Operation::Reserve, bytes, Cause::TooLarge);
    let shared = pool::class_of(bytes).and_then(|class| Some((class, space::shared_size(class)?)));
    if let Some((class, size)) = shared {
        if let Some(place) = pool::take(class) {
            return Ok(place);
        }
        let size = Pages::round_up(size).ok_or(error)?;
        let make = || account.reserve(size, |budgeted| space::make_shared(class, budgeted));
        // Others may take all slots of a space that this thread has made; they have made progress then.
        while let Ok(taken) = pool::take_from_new_space(class, make) {
            if let Some(place) = taken {
                return Ok(place);
            }
        }
    }
    // Larger than a space, or there are no addresses for one.
    let size = Pages::round_up(bytes).ok_or(error)?;
    account.reserve(size, |budgeted| space::make_single(size, budgeted))
}

pub(crate) fn no_block(operation: Operation, bytes: usize) -> ReserveError {
    ReserveError::new(operation, bytes, Cause::NotABlock)
}
