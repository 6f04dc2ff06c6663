//! An entry that is looked at stays.
use v_alloc::StableMap;

fn main() {
    let mut ages = StableMap::from([("Ada", 36)]);
    let age = &ages["Ada"];
    ages.remove("Ada");
    println!("{age}");
}
