//! An allocator for arenas to live on, which keeps accounts: every block that it gave, and with which layout.
//!
//! It can be told to fail at certain calls, to return more than asked for, and to run something in the middle of
//! a call, such as an allocation in the very arena that calls. New memory is filled with rubbish and freed memory
//! with other rubbish, so that nobody gets by with memory that is not theirs.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;
use v_alloc::{AllocError, Allocator, Global};

/// A method of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Allocate,
    Grow,
    Deallocate,
}

/// Whether the call of this number, for so many bytes, is to fail.
type Fails = dyn Fn(usize, usize) -> bool;

/// What runs in the middle of a call.
type During = dyn Fn(Call);

/// The accounts of a parent, shared by its clones.
#[derive(Default)]
pub struct Accounts {
    /// Address, then the layout asked for and the length returned.
    live: RefCell<BTreeMap<usize, (Layout, usize)>>,
    /// Sizes asked for by calls to `allocate` that succeeded, in order.
    pub asked: RefCell<Vec<usize>>,
    /// Calls that may fail, so far.
    pub calls: Cell<usize>,
    pub failures: Cell<usize>,
    fails: RefCell<Option<Box<Fails>>>,
    during: RefCell<Option<Box<During>>>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Accounts").field(&self.live.borrow()).finish()
    }
}

impl Accounts {
    /// Bytes that were given and not returned.
    pub fn outstanding(&self) -> usize {
        self.live.borrow().values().map(|&(_, len)| len).sum()
    }

    /// Blocks that were given and not returned.
    pub fn blocks(&self) -> usize {
        self.live.borrow().len()
    }

    /// Whether all of a range lies in a live block.
    pub fn owns(&self, start: usize, bytes: usize) -> bool {
        let live = self.live.borrow();
        let found = live.range(..=start).next_back();
        found.is_some_and(|(&block, &(_, len))| start + bytes <= block + len)
    }
}

/// The parent itself. Clones share the accounts.
#[derive(Clone, Debug, Default)]
pub struct Parent {
    pub accounts: Rc<Accounts>,
    /// Bytes that each block has beyond what was asked for.
    excess: usize,
}

impl Parent {
    pub fn with_excess(excess: usize) -> Self {
        Self { excess, ..Self::default() }
    }

    /// Calls for which this says so fail: it is given the number of the call and the bytes asked for.
    pub fn failing(self, fails: impl Fn(usize, usize) -> bool + 'static) -> Self {
        self.fail_if(fails);
        self
    }

    pub fn fail_if(&self, fails: impl Fn(usize, usize) -> bool + 'static) {
        *self.accounts.fails.borrow_mut() = Some(Box::new(fails));
    }

    /// Runs this in the middle of each call, but not of those that it makes itself.
    pub fn during_calls(&self, during: impl Fn(Call) + 'static) {
        *self.accounts.during.borrow_mut() = Some(Box::new(during));
    }

    fn run_during(&self, call: Call) {
        let taken = self.accounts.during.take();
        if let Some(during) = taken {
            during(call);
            *self.accounts.during.borrow_mut() = Some(during);
        }
    }

    fn may_fail(&self, bytes: usize) -> Result<(), AllocError> {
        let call = self.accounts.calls.get();
        self.accounts.calls.set(call + 1);
        let fails = self.accounts.fails.borrow().as_ref().is_some_and(|fails| fails(call, bytes));
        self.accounts.failures.set(self.accounts.failures.get() + usize::from(fails));
        if fails { Err(AllocError) } else { Ok(()) }
    }

    fn give(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let size = layout.size().checked_add(self.excess).ok_or(AllocError)?;
        let whole = Layout::from_size_align(size, layout.align()).map_err(|_| AllocError)?;
        let block = Global.allocate(whole)?;
        // SAFETY: the block is new and has `size` bytes.
        unsafe { block.cast::<u8>().write_bytes(0xA5, size) };
        let address = block.cast::<u8>().addr().get();
        let before = self.accounts.live.borrow_mut().insert(address, (layout, size));
        assert_eq!(before, None, "the heap gave a block twice");
        Ok(NonNull::slice_from_raw_parts(block.cast(), size))
    }

    /// # Safety
    /// `block` is live, from here, and fits `layout`; all of which is checked.
    unsafe fn take_back(&self, block: NonNull<u8>, layout: Layout) {
        let found = self.accounts.live.borrow_mut().remove(&block.addr().get());
        let (asked, len) = found.expect("a block that is not out: returned twice, or never given");
        assert_fits(layout, asked, len);
        let whole = Layout::from_size_align(len, asked.align()).unwrap();
        // SAFETY: `give` allocated it with that layout, and it is returned for the first time.
        unsafe {
            block.write_bytes(0xDD, len);
            Global.deallocate(block, whole);
        }
    }
}

#[track_caller]
fn assert_fits(layout: Layout, asked: Layout, len: usize) {
    let fits = layout.align() == asked.align() && (asked.size()..=len).contains(&layout.size());
    assert!(fits, "{layout:?} does not fit a block of {len} bytes asked for as {asked:?}");
}

// SAFETY: blocks are the heap's own, and live until they are returned.
unsafe impl Allocator for Parent {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.run_during(Call::Allocate);
        self.may_fail(layout.size())?;
        let block = self.give(layout)?;
        self.accounts.asked.borrow_mut().push(layout.size());
        self.run_during(Call::Allocate);
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        self.run_during(Call::Deallocate);
        // SAFETY: forwarded from the caller.
        unsafe { self.take_back(block, layout) };
        self.run_during(Call::Deallocate);
    }

    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let (asked, len) = *self.accounts.live.borrow().get(&block.addr().get()).expect("a live block");
        assert_fits(old, asked, len);
        assert!(new.size() >= old.size(), "{new:?} is not larger than {old:?}");
        self.run_during(Call::Grow);
        self.may_fail(new.size())?;
        let moved = self.give(new)?; // it always moves
        // SAFETY: both have that many bytes, and the new one is apart.
        unsafe {
            moved.cast::<u8>().copy_from_nonoverlapping(block, old.size());
            self.take_back(block, old);
        }
        self.run_during(Call::Grow);
        Ok(moved)
    }

    unsafe fn shrink(&self, _: NonNull<u8>, _: Layout, _: Layout) -> Result<NonNull<[u8]>, AllocError> {
        panic!("no arena gives back a part of a block")
    }
}
