//! An allocator that shares accounts with its clones stays in its thread, and so do arenas over it.
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;
use v_alloc::{AllocError, Allocator, Global, LinearAllocator};

struct Counting(Rc<Cell<usize>>);

unsafe impl Allocator for Counting {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.0.set(self.0.get() + 1);
        Global.allocate(layout)
    }
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) }
    }
}

fn main() {
    let count = Rc::new(Cell::new(0));
    let linear = LinearAllocator::new_in(Layout::new::<[u8; 1000]>(), Counting(count)).unwrap();
    std::thread::spawn(move || *linear.alloc(1));
}
