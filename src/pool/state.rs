//! Who has an arena of a pool: one word each, which changes hands with it.

/// The same code over the atomics of `core` and over those of the model.
macro_rules! state {
    ($($path:ident)::+) => {
        use $($path)::+::{AtomicUsize, Ordering::{Acquire, Relaxed, Release}};

        /// What an idle arena has committed, in bytes; or [`OUT`].
        pub(super) struct State(pub(super) AtomicUsize);

        impl State {
            /// Whether the arena was idle; then it is the caller's, with all that was done to it before.
            #[inline]
            pub(super) fn take(&self) -> bool {
                let now = self.0.load(Relaxed);
                now != OUT && self.0.compare_exchange(now, OUT, Acquire, Relaxed).is_ok()
            }

            /// Ends what `take` began.
            #[inline]
            pub(super) fn put_back(&self, committed: usize) {
                self.0.store(committed, Release);
            }

            /// What the arena has committed, if it is idle.
            pub(super) fn retained(&self) -> Option<usize> {
                Some(self.0.load(Relaxed)).filter(|&bytes| bytes != OUT)
            }
        }
    };
}

const OUT: usize = usize::MAX;

state!(core::sync::atomic);

/// Every order of three threads: `RUSTFLAGS="--cfg loom" cargo test --release --lib pool`.
#[cfg(all(test, loom))]
mod model {
    use super::OUT;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    state!(loom::sync::atomic);

    #[test]
    fn an_arena_is_in_one_hand_at_a_time_and_nothing_done_to_it_is_lost() {
        loom::model(|| {
            // The arena is a cell: loom fails if two threads access it without an order between them.
            let shared = Arc::new((State(AtomicUsize::new(0)), UnsafeCell::new(0)));
            let lend = |shared: &(State, UnsafeCell<usize>)| {
                let taken = shared.0.take();
                if taken {
                    // SAFETY: it was taken.
                    let used = shared.1.with_mut(|uses| unsafe {
                        *uses += 1;
                        *uses
                    });
                    assert_eq!(shared.0.retained(), None);
                    shared.0.put_back(used);
                }
                usize::from(taken)
            };
            let threads = [(); 2].map(|()| {
                let other = shared.clone();
                thread::spawn(move || lend(&other))
            });
            let mine = lend(&shared);
            let taken = threads.into_iter().fold(mine, |sum, thread| sum + thread.join().unwrap());
            assert_eq!(shared.0.retained(), Some(taken));
            assert!(taken > 0, "whoever comes first finds it idle");
        });
    }
}
