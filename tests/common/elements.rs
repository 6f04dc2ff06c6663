//! Elements whose drops are counted, and of which one may panic when it is cloned or dropped.

use std::cell::{Cell, RefCell};

/// How often each element that was ever made was dropped.
#[derive(Debug, Default)]
pub struct Drops {
    pub of: RefCell<Vec<u32>>,
    /// Elements with this number panic when they are dropped, or cloned.
    pub fatal_drop: Cell<Option<u64>>,
    pub fatal_clone: Cell<Option<u64>>,
}

impl Drops {
    pub fn make<const BYTES: usize>(&self, number: u64) -> Element<'_, BYTES> {
        let mut of = self.of.borrow_mut();
        of.push(0);
        Element { number, id: of.len() - 1, drops: self, _bytes: [number.to_le_bytes()[0]; BYTES] }
    }

    pub fn alive(&self) -> usize {
        let of = self.of.borrow();
        assert!(of.iter().all(|&drops| drops <= 1), "dropped twice: {of:?}");
        of.iter().filter(|&&drops| drops == 0).count()
    }
}

/// An element of some size that its clones and drops are counted of.
#[derive(Debug)]
pub struct Element<'a, const BYTES: usize> {
    pub number: u64,
    pub id: usize,
    pub drops: &'a Drops,
    _bytes: [u8; BYTES],
}

impl<const BYTES: usize> Clone for Element<'_, BYTES> {
    fn clone(&self) -> Self {
        assert_ne!(self.drops.fatal_clone.get(), Some(self.number), "a fatal clone");
        self.drops.make(self.number)
    }
}

impl<const BYTES: usize> PartialEq for Element<'_, BYTES> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<const BYTES: usize> Drop for Element<'_, BYTES> {
    fn drop(&mut self) {
        self.drops.of.borrow_mut()[self.id] += 1;
        let fatal = self.drops.fatal_drop.get() == Some(self.number);
        assert!(!fatal || std::thread::panicking(), "a fatal drop");
    }
}

pub fn numbers<const BYTES: usize>(elements: &[Element<'_, BYTES>]) -> Vec<u64> {
    elements.iter().map(|element| element.number).collect()
}
