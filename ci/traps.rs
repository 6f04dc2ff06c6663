//! Mistakes with arenas, for ci/traps.sh: one for each name that may be the argument, and `no_mistake`.

use std::alloc::Layout;
use std::hint::black_box;
use std::mem::MaybeUninit;
use v_alloc::{Arena, BufferArena, ChainAllocator, Global, LinearAllocator, StableVec, SyncArena};

fn main() {
    let mistake = std::env::args().nth(1).expect("the name of a mistake");
    match &*mistake {
        "after_reset" => after_reset(),
        "after_a_scope" => after_a_scope(),
        "after_a_rewind" => after_a_rewind(),
        "beyond_a_value" => beyond_a_value(),
        "in_a_buffer" => in_a_buffer(),
        "in_a_chain" => in_a_chain(),
        "in_a_linear_allocator" => in_a_linear_allocator(),
        "in_a_shared_arena" => in_a_shared_arena(),
        "after_shrinking" => after_shrinking(),
        "not_written" => not_written(),
        "pointer_in_an_arena" => pointer_in_an_arena(),
        "pointer_in_a_vector" => pointer_in_a_vector(),
        "pointer_in_a_reset_arena" => pointer_in_a_reset_arena(),
        "no_mistake" => no_mistake(),
        _ => panic!("no such mistake: {mistake}"),
    }
}

/// Uses what may be a stale pointer.
fn use_it(value: *const u64) {
    // SAFETY: where there is a mistake, there is none: that is the mistake.
    println!("{}", unsafe { black_box(value).read_volatile() });
}

fn after_reset() {
    let mut arena = Arena::new();
    let value: *const u64 = arena.alloc(7);
    use_it(value);
    arena.reset();
    use_it(value);
}

fn after_a_scope() {
    let mut arena = Arena::new();
    arena.alloc(1_u8);
    let value = arena.scoped(|scope| std::ptr::from_mut(scope.alloc(7_u64)));
    use_it(value);
}

fn after_a_rewind() {
    let arena = Arena::new();
    arena.alloc(1_u8);
    let here = arena.checkpoint();
    let value: *const u64 = arena.alloc(7);
    // SAFETY: there is none: that is the mistake.
    unsafe { arena.rewind(here) };
    arena.alloc(8_u64);
    use_it(value);
}

fn beyond_a_value() {
    let arena = Arena::new();
    let value: *const u64 = arena.alloc(7);
    use_it(value);
    use_it(value.wrapping_add(1));
}

fn in_a_buffer() {
    let mut buffer = [MaybeUninit::uninit(); 1000];
    let mut arena = BufferArena::from_buffer(&mut buffer);
    let value: *const u64 = arena.alloc(7);
    use_it(value);
    arena.reset();
    use_it(value);
}

fn in_a_chain() {
    let mut arena = ChainAllocator::new_in(4096, Global);
    for _ in 0..1000 {
        arena.alloc(7_u64);
    }
    let value = arena.scoped(|scope| std::ptr::from_mut(scope.alloc(7_u64)));
    use_it(value);
}

fn in_a_linear_allocator() {
    let arena = LinearAllocator::new_in(Layout::new::<[u64; 100]>(), Global).unwrap();
    let value: *const u64 = arena.alloc(7);
    use_it(value.wrapping_add(1));
}

fn in_a_shared_arena() {
    let mut arena = SyncArena::new();
    let value: *const u64 = arena.alloc(7);
    use_it(value);
    arena.reset();
    use_it(value);
}

fn after_shrinking() {
    let arena = Arena::new();
    let layout = Layout::new::<[u64; 4]>();
    let block = arena.alloc_layout(layout);
    // SAFETY: the block is live and has that size; its second half is used all the same: that is the mistake.
    unsafe {
        block.write_bytes(1, layout.size());
        arena.try_shrink(block, 32, 16).unwrap();
    }
    use_it(block.cast().as_ptr());
    use_it(block.cast::<u64>().as_ptr().wrapping_add(3));
}

fn not_written() {
    let arena = Arena::new();
    let block = arena.alloc_layout(Layout::new::<u64>());
    use_it(block.cast().as_ptr());
}

fn leak_unless_found() -> *mut u64 {
    Box::into_raw(Box::new(7))
}

/// Without what of the stack and the registers still shows where the block is.
#[inline(never)]
fn forget_what_is_on_the_stack() {
    black_box([0_u8; 16 << 10]);
}

fn pointer_in_an_arena() {
    static ARENA: std::sync::Mutex<Arena> = std::sync::Mutex::new(Arena::new());
    keep(|| {
        ARENA.lock().unwrap().alloc(leak_unless_found());
    });
}

fn pointer_in_a_vector() {
    static VECTOR: std::sync::Mutex<StableVec<usize>> = std::sync::Mutex::new(StableVec::new());
    keep(|| {
        VECTOR.lock().unwrap().push(leak_unless_found().expose_provenance());
    });
}

fn pointer_in_a_reset_arena() {
    static ARENA: std::sync::Mutex<Arena> = std::sync::Mutex::new(Arena::new());
    keep(|| {
        let mut arena = ARENA.lock().unwrap();
        arena.alloc(leak_unless_found());
        arena.reset();
    });
}

/// On another thread's stack, which is gone afterwards.
fn keep(work: fn()) {
    std::thread::spawn(move || {
        work();
        forget_what_is_on_the_stack();
    })
    .join()
    .unwrap();
    forget_what_is_on_the_stack();
}

/// What everyone does, with every kind of arena, and with the memory of an arena after its end.
fn no_mistake() {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 10_000];
    for _ in 0..3 {
        let mut arena = BufferArena::from_buffer(&mut buffer);
        arena.scoped(|scope| scope.alloc_fmt(format_args!("{}", 1)).len());
        arena.reset();
        arena.alloc_str("again");
        drop(arena);
        buffer.fill(MaybeUninit::new(7));
    }
    let mut parent = Arena::new();
    for _ in 0..3 {
        {
            let mut chain = ChainAllocator::new_in(256, &parent);
            for round in 0..20 {
                chain.alloc_slice_fill_copy(round * 37, 1_u8);
                chain.scoped(|scope| scope.alloc_slice_fill_copy(round * 101, 1_u8).len());
                let zeroed = chain.alloc_slice_zeroed::<u8>(50);
                assert!(zeroed.iter().all(|&byte| byte == 0));
                if round % 6 == 5 {
                    chain.reset();
                }
            }
            let linear = LinearAllocator::new_in(Layout::new::<[u64; 100]>(), &chain).unwrap();
            linear.alloc_str("text");
        }
        let block = parent.alloc_layout(Layout::new::<u64>());
        for len in 1..5000 {
            // SAFETY: the block is live, the last one, and has that size.
            unsafe {
                parent.try_grow(block, 8 * len, 8 * len + 8).unwrap();
                block.cast::<usize>().add(len).write(len);
            }
        }
        parent.prepare(100_000).unwrap();
        parent.alloc_slice_fill_iter(0..10_000_u64);
        let zeroed = parent.alloc_slice_zeroed::<u64>(10_000);
        assert!(zeroed.iter().all(|&number| number == 0));
        parent.reset();
        parent.trim(0).unwrap();
    }
    let mut shared = SyncArena::new();
    for _ in 0..3 {
        shared.prepare(1000).unwrap();
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    let local = shared.local();
                    for number in 0..3000_u64 {
                        local.alloc(number);
                        shared.alloc(number);
                    }
                    local.alloc_slice_zeroed::<u8>(100_000);
                });
            }
        });
        shared.reset();
    }
    // The addresses of what is gone may be anyone's.
    drop((parent, shared));
    let blocks: Vec<Vec<u8>> = (0..100).map(|number| vec![number; 1 << 20]).collect();
    let others: Vec<Arena> = (0..20).map(|_| Arena::with_reservation(1 << 20).unwrap()).collect();
    assert_eq!(others.iter().map(|arena| arena.alloc_slice_copy(&blocks[7]).len()).sum::<usize>(), 20 << 20);
}
