//! As for a linear allocator: the parent decides.
use std::alloc::Layout;
use std::ptr::NonNull;
use std::rc::Rc;
use v_alloc::{AllocError, Allocator, ChainAllocator, Global};

struct Counting(#[allow(dead_code)] Rc<()>);

unsafe impl Allocator for Counting {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Global.allocate(layout)
    }
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe { Global.deallocate(block, layout) }
    }
}

fn main() {
    let chain = ChainAllocator::new_in(64, Counting(Rc::new(())));
    std::thread::spawn(move || *chain.alloc(1));
}
