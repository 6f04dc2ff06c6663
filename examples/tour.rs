//! What an arena can do, a few lines each. Run it: `cargo run --example tour`.

use allocator_api2::{boxed::Box as BoxIn, vec::Vec as VecIn};
use hashbrown::{DefaultHashBuilder, HashMap};
use std::alloc::Layout;
use std::error::Error;
use v_alloc::{Arena, CommitPolicy, Reserved, VirtualAllocator};

fn main() -> Result<(), Box<dyn Error>> {
    println!("-- values that never move");
    let arena = Arena::new(); // costs nothing until it is used
    let answer = arena.alloc(42);
    let name = arena.alloc_str("v_alloc");
    let squares = arena.alloc_slice_fill_iter((1..).map(|n| n * n).take_while(|&square| square < 50));
    let label = arena.alloc_fmt(format_args!("{name} says {answer}"));
    println!("{label}; {squares:?}");

    println!("-- 64 GiB reserved, a few kibibytes committed");
    println!("{arena:?}");

    println!("-- fresh pages are zero already");
    let table = arena.alloc_slice_zeroed::<u64>(1_000_000);
    println!("{} zeroes, no memset", table.iter().filter(|&&number| number == 0).count());

    println!("-- scopes take memory back, and see what is outside");
    let mut arena = Arena::new();
    let longest = arena.scoped(|outer| {
        let words = outer.alloc_slice_copy(&["reserve", "commit", "decommit"]);
        outer.scoped(|inner| {
            let upper = inner.alloc_slice_fill_iter(words.iter().map(|word| word.to_uppercase().len()));
            upper.iter().max().copied()
        })
    });
    println!("longest word: {longest:?} letters; in use after the scope: {} bytes", arena.used_bytes());

    println!("-- reset keeps the memory warm, trim gives it back");
    arena.alloc_slice_fill_copy(1_000_000, 1_u8);
    arena.reset();
    println!("committed after reset: {}, given back by trim: {}", arena.committed_bytes(), arena.trim(0)?);

    println!("-- collections in an arena");
    let arena = Arena::new();
    let mut list = VecIn::new_in(&arena);
    list.extend(0..100_000); // grows in place: nothing is copied
    let mut map = HashMap::with_hasher_in(DefaultHashBuilder::default(), &arena);
    map.insert("list", list.len());
    println!("{map:?} in {} bytes", arena.used_bytes());

    println!("-- what must be dropped lives in a Box");
    drop(BoxIn::new_in(Noisy, &arena));

    println!("-- errors say what happened, and cost nothing");
    let small = Arena::with_reservation(64 << 10)?;
    if small.try_alloc_slice_fill_copy(1 << 20, 0_u8).is_err() {
        println!("{}", small.last_error().ok_or("an arena knows why it failed")?);
    }
    println!("{}", Arena::with_reservation(usize::MAX / 2).err().ok_or("nobody has that much")?);

    println!("-- options");
    let frame = Arena::options()
        .reservation(16 << 20)
        .name(c"frame")
        .commit_policy(CommitPolicy::Latency)
        .core_dumps(false)
        .build()?;
    frame.prepare(1 << 20)?; // the next mebibyte makes no system call
    println!("{} bytes are ready", frame.committed_bytes());

    println!("-- a minimum alignment saves instructions for small values");
    let aligned = Arena::<Reserved, 8>::with_min_align();
    aligned.alloc(1_u8);
    println!("one byte takes {}", aligned.used_bytes());

    println!("-- whole pages, any alignment");
    let mut pages = VecIn::with_capacity_in(10_000, VirtualAllocator {});
    pages.push(1_u8);
    println!("capacity {} at {:p}", pages.capacity(), pages.as_ptr());
    let layout = Layout::from_size_align(100, 1 << 21)?;
    println!("100 bytes at a multiple of 2 MiB: {:p}", Arena::new().try_alloc_layout(layout)?);
    Ok(())
}

struct Noisy;

impl Drop for Noisy {
    fn drop(&mut self) {
        println!("dropped");
    }
}
