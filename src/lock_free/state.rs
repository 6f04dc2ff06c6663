//! Who has a thing that many may take: one word, which changes hands with it.

/// The same code over the atomics of `core` and over those of the model.
macro_rules! state {
    ($($path:ident)::+) => {
        use $($path)::+::{AtomicUsize, Ordering::{Acquire, Relaxed, Release}};

        /// A number of bytes that is of interest while nobody has the thing; or [`OUT`].
        pub(crate) struct State(AtomicUsize);

        impl State {
            /// The bytes, if nobody had the thing and they are as `wanted`; then it is the caller's, with all that was done
            /// to it before.
            #[inline]
            pub(crate) fn take(&self, wanted: impl Fn(usize) -> bool) -> Option<usize> {
                let now = self.idle().filter(|&bytes| wanted(bytes))?;
                self.0.compare_exchange(now, OUT, Acquire, Relaxed).ok()
            }

            /// Ends what `take` began.
            #[inline]
            pub(crate) fn put_back(&self, bytes: usize) {
                self.0.store(bytes, Release);
            }

            /// The bytes, if nobody has the thing.
            pub(crate) fn idle(&self) -> Option<usize> {
                Some(self.0.load(Relaxed)).filter(|&bytes| bytes != OUT)
            }
        }
    };
}

const OUT: usize = usize::MAX;

state!(core::sync::atomic);

impl State {
    pub(crate) const fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }
}

/// Every order of three threads: `RUSTFLAGS="--cfg loom" cargo test --release --lib lock_free::state`.
#[cfg(all(test, loom))]
mod model {
    use super::OUT;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    state!(loom::sync::atomic);

    #[test]
    fn a_thing_is_in_one_hand_at_a_time_and_nothing_done_to_it_is_lost() {
        loom::model(|| {
            // The thing is a cell: loom fails if two threads access it without an order between them.
            let shared = Arc::new((State(AtomicUsize::new(0)), UnsafeCell::new(0)));
            let lend = |shared: &(State, UnsafeCell<usize>)| {
                let taken = shared.0.take(|_| true).is_some();
                if taken {
                    // SAFETY: it was taken.
                    let used = shared.1.with_mut(|uses| unsafe {
                        *uses += 1;
                        *uses
                    });
                    assert_eq!(shared.0.idle(), None);
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
            assert_eq!(shared.0.idle(), Some(taken));
            assert!(taken > 0, "whoever comes first finds it idle");
        });
    }
}
