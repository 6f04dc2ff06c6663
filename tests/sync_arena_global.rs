//! The whole test harness, with its threads, runs on a shared arena: a `static` as the program's allocator.
// There the arena's memory would be the program's heap, which is the arena: to reserve, it would ask itself, some hundred calls
// deep until the budget ends, and then each of them for the next tier, which comes to no end.
#![cfg(not(any(miri, v_alloc_heap_os)))]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test says by panicking what is wrong")]

use std::collections::HashMap;
use std::sync::mpsc::channel;
use v_alloc::SyncArena;

#[global_allocator]
static ARENA: SyncArena = SyncArena::new();

#[test]
fn a_program_runs_on_a_shared_arena() {
    let before = ARENA.used_bytes();
    assert!(before > 0, "the harness has its memory from there");
    let (sender, inbox) = channel();
    let threads = 8;
    for thread in 0..threads {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut words: HashMap<String, Vec<usize>> = HashMap::new();
            for number in 0..1000 {
                words.entry(format!("{}", number % 100)).or_default().push(number * thread);
            }
            let zeroes = vec![0_u64; 1000];
            assert!(zeroes.iter().all(|&zero| zero == 0));
            sender.send((thread, words)).unwrap();
        });
    }
    drop(sender);
    let mut arrived = 0;
    for (thread, words) in inbox {
        assert_eq!(words.len(), 100);
        assert!((0..10).all(|index| words["7"][index] == (7 + 100 * index) * thread));
        arrived += 1;
    }
    assert_eq!(arrived, threads);
    assert!(ARENA.used_bytes() > before);
    assert!(ARENA.peak_bytes() >= ARENA.used_bytes());
}

#[test]
fn a_vector_alone_on_the_arena_grows_and_all_blocks_stay_apart() {
    let mut lists: Vec<Vec<u8>> = (0..50).map(|_| Vec::new()).collect();
    for round in 0..100_usize {
        for (list, mark) in lists.iter_mut().zip(0_u8..) {
            list.extend(std::iter::repeat_n(mark, round % 7));
            if round % 10 == 9 {
                list.shrink_to_fit();
            }
        }
    }
    for (list, mark) in lists.iter().zip(0_u8..) {
        assert!(list.iter().all(|&byte| byte == mark) && list.len() == (0..100).map(|round| round % 7).sum());
    }
}
