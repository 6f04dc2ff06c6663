//! A dynamic map as C programs write it over a growing array: values lie in one array, found by key, addressed by
//! index or by pointer, and neither changes while the map grows. Here with `StableMap`.
//!
//! ```text
//! cargo run --release --example dmap
//! ```

use std::error::Error;
use std::ptr;
use v_alloc::StableMap;

fn main() -> Result<(), Box<dyn Error>> {
    let mut stock: StableMap<String, u32> = StableMap::new();

    // An insertion returns the index: from then on no key is needed, and nothing is hashed.
    let (bolts, _) = stock.insert_full("bolts".to_owned(), 144);
    let (nuts, _) = stock.insert_full("nuts".to_owned(), 12);
    println!("bolts: {} by key, {:?} by index {bolts}", stock["bolts"], stock.get_index(bolts));

    // The pointer is as good as the index, whatever the map grows to.
    let early = ptr::from_ref(&stock["bolts"]);
    for number in 0..1_000_000 {
        stock.insert(format!("part {number}"), number);
    }
    let now = ptr::from_ref(&stock["bolts"]);
    println!("\nbolts with 2 entries:       index {bolts} at {early:p}");
    println!("bolts with {} entries: index {bolts} at {now:p}", stock.len());
    if early != now {
        return Err("an entry has moved".into());
    }

    // Neighbours by index are neighbours in memory: one array.
    let address = |index| stock.get_index(index).map(|(_, count)| ptr::from_ref(count).addr());
    let (Some(first), Some(second)) = (address(bolts), address(nuts)) else {
        return Err("no such entry".into());
    };
    println!("nuts lie {} bytes further: a key and a value", second - first);

    // A value may be changed where it is.
    if let Some((_, count)) = stock.get_index_mut(bolts) {
        *count -= 100;
    }
    println!("\nbolts after a sale: {}", stock["bolts"]);

    // What is removed leaves a hole. No other entry moves into it, and iteration goes on behind it.
    stock.retain(|_, number| *number % 250_000 == 12);
    println!("\nwhat is left of {} places:", stock.index_end());
    for (key, count) in &stock {
        println!(
            "  {:>7}  {key}: {count}",
            stock.get_index_of(key).ok_or("a key that is there has an index")?
        );
    }

    // The next entry takes a hole, so that the array does not grow.
    let before = stock.index_end();
    let (washers, _) = stock.insert_full("washers".to_owned(), 1);
    println!("washers take the place {washers}; there are {} places, as before", stock.index_end());
    if stock.index_end() != before {
        return Err("a hole was left unused".into());
    }
    Ok(())
}
