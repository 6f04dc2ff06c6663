//! How far to commit when what is committed is full: pure arithmetic, no system calls.
//!
//! ```text
//!  committed:  0       16 KiB                    1 MiB (HEAD)                3 MiB     5 MiB
//!              | faults   |  populated steps of 25 %  |  a huge page  |  another  |  ...
//! ```
//!
//! A small arena costs what it touches. A growing one is populated ahead, at most a quarter of its size and
//! 128 KiB, which saves most page faults. Beyond the head, whole huge pages, one at a time: the base of a large reservation
//! is placed so that `base + HEAD` is aligned for them. To populate one takes less than half the time of a fault where it
//! begins (see `os::populate`), and next to it the system calls are nothing.

use crate::bump;

/// Which of two goods matters more when memory is committed.
///
/// ```
/// use v_alloc::{Arena, CommitPolicy};
/// let frame = Arena::options().commit_policy(CommitPolicy::Latency).build()?;
/// frame.alloc_slice_fill_copy(1000, 0_u8);
/// assert!(frame.committed_bytes() < 128 << 10, "small steps");
/// # Ok::<(), v_alloc::ReserveError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitPolicy {
    /// Least time in all: pages are made present ahead in growing steps, and huge pages are used beyond the first
    /// mebibyte or two (20 MiB in a vector). A single step can take some hundred microseconds; and milliseconds where Linux
    /// must first move other pages out of the way of a huge one, which it does unless
    /// `/sys/kernel/mm/transparent_hugepage/defrag` says `defer` or `never`.
    #[default]
    Throughput,
    /// No long step: commits that make nothing present, and one page fault of a few kibibytes at a time. No huge pages.
    Latency,
}

/// Bytes before the first huge page. More than this, a step of 2 MiB wastes less than the arena holds.
pub(crate) const HEAD: usize = 1 << 20;

/// Bytes of an arena that are worth keeping for the next task: what lies on small pages, which take ten times as long to come as
/// huge ones, and one of these. Half of a huge page would come back as small ones, each time.
pub(crate) const WORTH_KEEPING: usize = HEAD + (2 << 20);

/// Bytes that are left to page faults, for arenas that never grow beyond.
pub(crate) const FIRST: usize = 16 << 10;

/// What small pages are populated by, at least and at most.
pub(crate) const SMALLEST_STEP: usize = 16 << 10;
pub(crate) const LARGEST_STEP: usize = 128 << 10;
/// Where nothing is populated a step takes as long whatever its size, but twice as long where the memory that was written since the
/// last one has pushed the kernel's out of the caches: on an EPYC 1.6 us after 256 KiB, and 3.2 after 1 MiB.
const LARGEST_LATENCY_STEP: usize = 256 << 10;

/// One growth of the committed prefix. All figures are bytes counted from the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Commit up to here: a multiple of the page size.
    pub(crate) end: usize,
    /// Make what is committed new present at once, up to here.
    pub(crate) populate_to: Option<usize>,
    /// Back it by huge pages from here on.
    pub(crate) huge_from: Option<usize>,
}

/// What an arena knows when it must grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) policy: CommitPolicy,
    /// The size of a huge page, if the arena's place and options allow for them.
    pub(crate) huge_page: Option<usize>,
    pub(crate) page: usize,
    pub(crate) committed: usize,
    pub(crate) reserved: usize,
}

impl Growth {
    /// The step that makes `needed` bytes from the base usable. `committed < needed <= reserved`.
    pub(crate) fn step(self, needed: usize) -> Step {
        match (self.policy, self.huge_page) {
            (CommitPolicy::Throughput, Some(huge_page)) if needed > HEAD => {
                // HEAD is a quarter or half of a huge page, so whole ones are counted from there.
                let beyond = bump::round_up(needed - HEAD, huge_page).unwrap_or(needed);
                let end = self.within_reservation(HEAD.saturating_add(beyond));
                let huge_from = self.committed.max(HEAD);
                // Where the system has no huge pages to give, this makes small ones present ahead.
                // A single large block is for its owner to touch, as much of it as wanted.
                let populate_to = (needed - self.committed <= huge_page).then_some(end);
                Step { end, populate_to, huge_from: Some(huge_from) }
            }
            (CommitPolicy::Throughput, _) => {
                let step = (self.committed / 4).clamp(SMALLEST_STEP, LARGEST_STEP);
                let end =
                    self.at_least(needed, if self.committed == 0 { FIRST } else { self.committed + step });
                let populate = self.committed >= FIRST && end - self.committed <= LARGEST_STEP;
                Step { end, populate_to: populate.then_some(end), huge_from: None }
            }
            (CommitPolicy::Latency, _) => {
                let step = (self.committed / 4).clamp(SMALLEST_STEP, LARGEST_LATENCY_STEP);
                let end = self.at_least(needed, self.committed + step);
                Step { end, populate_to: None, huge_from: None }
            }
        }
    }

    /// The least step, for when memory is short.
    pub(crate) fn least(self, needed: usize) -> Step {
        Step { end: self.at_least(needed, 0), populate_to: None, huge_from: None }
    }

    /// `goal` in whole pages, but what is `needed` in any case, and never beyond the head by a small step.
    fn at_least(self, needed: usize, goal: usize) -> usize {
        let goal = if self.huge_page.is_some() && needed <= HEAD { goal.min(HEAD) } else { goal };
        let whole = bump::round_up(needed, self.page).unwrap_or(needed);
        self.within_reservation(whole.max(bump::round_down(goal, self.page)))
    }

    /// A reservation is whole pages, so cutting at its end keeps them whole.
    fn within_reservation(self, end: usize) -> usize {
        end.min(self.reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HUGE: usize = 2 << 20;

    fn arena(committed: usize) -> Growth {
        let policy = CommitPolicy::Throughput;
        Growth { policy, huge_page: Some(HUGE), page: 4096, committed, reserved: 66 << 20 }
    }

    #[test]
    fn the_first_step_is_left_to_page_faults() {
        assert_eq!(arena(0).step(1), Step { end: 16 << 10, populate_to: None, huge_from: None });
    }

    #[test]
    fn the_middle_is_populated_in_growing_steps() {
        let step = arena(16 << 10).step((16 << 10) + 1);
        assert_eq!(step, Step { end: 32 << 10, populate_to: Some(32 << 10), huge_from: None });
        let step = arena(800 << 10).step((800 << 10) + 1);
        assert_eq!(step, Step { end: 928 << 10, populate_to: Some(928 << 10), huge_from: None });
        let step = arena(1000 << 10).step((1000 << 10) + 1);
        assert_eq!(step.end, HEAD, "small steps end at the head");
    }

    #[test]
    fn beyond_the_head_whole_huge_pages_are_committed() {
        let first = HEAD + HUGE;
        let step = arena(HEAD).step(HEAD + 1);
        assert_eq!(step, Step { end: first, populate_to: Some(first), huge_from: Some(HEAD) });
        let step = arena(first).step(HEAD + 4 * HUGE);
        assert_eq!(step, Step { end: HEAD + 4 * HUGE, populate_to: None, huge_from: Some(first) });
    }

    #[test]
    fn large_arenas_commit_and_populate_one_huge_page_at_a_time() {
        let committed = HEAD + 8 * HUGE;
        let end = committed + HUGE;
        let step = arena(committed).step(committed + 1);
        assert_eq!(step, Step { end, populate_to: Some(end), huge_from: Some(committed) });
    }

    #[test]
    fn what_ends_at_the_head_takes_no_huge_page() {
        let step = arena(1000 << 10).step(HEAD);
        assert_eq!(step, Step { end: HEAD, populate_to: Some(HEAD), huge_from: None });
    }

    #[test]
    fn without_huge_pages_small_steps_go_on_beyond_the_head() {
        let step = Growth { huge_page: None, ..arena(1000 << 10) }.step((1000 << 10) + 1);
        assert_eq!(step, Step { end: 1128 << 10, populate_to: Some(1128 << 10), huge_from: None });
    }

    #[test]
    fn a_block_of_more_than_a_step_is_for_its_owner_to_touch() {
        let step = arena(16 << 10).step(300 << 10);
        assert_eq!(step, Step { end: 300 << 10, populate_to: None, huge_from: None });
    }

    #[test]
    fn for_latency_a_step_is_a_quarter_from_sixteen_to_256_kib() {
        let large = 64 << 20;
        for (committed, end) in [(0, 16 << 10), (128 << 10, 160 << 10), (large, large + (256 << 10))] {
            let growth = Growth { policy: CommitPolicy::Latency, huge_page: None, ..arena(committed) };
            assert_eq!(growth.step(committed + 1).end, end);
        }
    }

    fn any_growth() -> impl Strategy<Value = (Growth, usize)> {
        let page = prop_oneof![Just(4096_usize), Just(16 << 10), Just(64 << 10)];
        let policy = prop_oneof![Just(CommitPolicy::Throughput), Just(CommitPolicy::Latency)];
        (page, policy, any::<[usize; 3]>(), 0..usize::BITS - 24, any::<bool>()).prop_map(
            |(page, policy, mut numbers, shift, huge)| {
                numbers = numbers.map(|number| number >> shift >> usize::BITS.saturating_sub(46).max(2));
                numbers.sort_unstable();
                let committed = bump::round_down(numbers[0], page);
                let reserved = bump::round_down(numbers[2], page).max(committed + page);
                let needed = numbers[1].clamp(committed + 1, reserved);
                let huge_page = (huge && page == 4096).then_some(HUGE);
                (Growth { policy, huge_page, page, committed, reserved }, needed)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_step_always_reaches_what_is_needed_in_whole_pages_within_the_reservation(
            (growth, needed) in any_growth(),
        ) {
            for step in [growth.step(needed), growth.least(needed)] {
                prop_assert!(needed <= step.end && step.end <= growth.reserved, "{growth:?} {needed} {step:?}");
                prop_assert_eq!(step.end % growth.page, 0);
                prop_assert!(step.huge_from.is_none_or(|from| growth.committed <= from && from < step.end));
            }
        }

        /// The promise about small arenas: what is made present beyond need is bounded.
        #[test]
        fn populating_stays_within_a_quarter_or_sixteen_kib(needed in 1..HEAD, committed in 0..HEAD) {
            let committed = bump::round_down(committed.min(needed - 1), 4096);
            let step = arena(committed).step(needed);
            if let Some(end) = step.populate_to {
                prop_assert!(end <= needed + (needed / 4).max(16 << 10), "{committed} {needed} {step:?}");
            }
        }

        /// The promise about large ones: what is charged for beyond need, and what is present of it.
        #[test]
        fn beyond_the_head_a_step_ends_with_the_huge_page_that_is_needed(
            committed in 0..1_usize << 30,
            more in 1..1_usize << 28,
        ) {
            let committed = bump::round_down(committed, 4096);
            let needed = (committed + more).max(HEAD + 1);
            let growth = Growth { reserved: 2 << 30, ..arena(committed) };
            let step = growth.step(needed);
            prop_assert!(needed <= step.end && step.end < needed + HUGE, "{committed} {needed} {step:?}");
            prop_assert_eq!((step.end - HEAD) % HUGE, 0);
            prop_assert!(step.populate_to.is_none_or(|end| end == step.end && end <= committed + 2 * HUGE));
        }

        #[test]
        fn latency_never_populates_or_uses_huge_pages((growth, needed) in any_growth()) {
            let step = Growth { policy: CommitPolicy::Latency, ..growth }.step(needed);
            prop_assert!(step.populate_to.is_none() && step.huge_from.is_none());
        }
    }
}
