//! With a lock around it, or one for each thread, an arena fits into a static: it is lazily reserved.
use std::sync::Mutex;
use v_alloc::{Arena, CommitPolicy, Reserved};

static SHARED: Mutex<Arena> = Mutex::new(Arena::new());
static ALIGNED: Mutex<Arena<Reserved, 16>> = Mutex::new(Arena::with_min_align());
static CHOSEN: Mutex<Arena> = Mutex::new(
    Arena::options().name(c"chosen").reservation(1 << 20).commit_policy(CommitPolicy::Latency).build_lazily(),
);
const FRESH: Arena = Arena::new();

thread_local! {
    static OWN: Arena = const { Arena::new() };
}

fn main() {
    assert_eq!(*SHARED.lock().unwrap().alloc(1), 1);
    assert_eq!(*ALIGNED.lock().unwrap().alloc(2), 2);
    assert_eq!(*CHOSEN.lock().unwrap().alloc(3), 3);
    assert_eq!(CHOSEN.lock().unwrap().reserved_bytes(), 1 << 20);
    assert_eq!(OWN.with(|arena| *arena.alloc(4)), 4);
    let fresh = FRESH;
    assert_eq!(*fresh.alloc(5), 5);
    std::thread::spawn(|| SHARED.lock().unwrap().reset()).join().unwrap();
}
