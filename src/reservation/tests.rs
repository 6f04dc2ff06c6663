//! A reservation's figures, with the operating system failing at each call.

use super::lazy::LazyReservation;
use super::*;
use crate::os::faults::{Call, INJECTED, alone, fail_after, fail_each_call};
use std::vec::Vec;

fn pages(count: usize) -> Pages {
    Pages::round_up(count * os::page_bytes()).unwrap()
}

fn totals() -> (usize, usize) {
    (totals::process_reserved_bytes(), totals::process_committed_bytes())
}

/// Fills the committed part, so that a page that is missing faults.
fn touch(range: &Reservation) {
    // SAFETY: the prefix is committed, and the range is this test's.
    unsafe { range.base().write_bytes(0xA5, range.committed().bytes()) };
}

#[test]
fn the_account_is_exact_whichever_system_call_fails() {
    alone("reservation::tests::the_account_is_exact_whichever_system_call_fails", || {
        let before = core::cell::Cell::new(totals());
        let scenario = || {
            let Ok(range) = Reservation::new(pages(8)) else { return };
            let mut expected = Pages::ZERO;
            let mut step = |result: Result<(), ReserveError>, after: Pages, after_failure: Option<Pages>| {
                match result {
                    Ok(()) => expected = after,
                    Err(error) => {
                        assert_eq!(error.os_code(), Some(INJECTED), "{error}");
                        expected = after_failure.unwrap_or(expected);
                    }
                }
                assert_eq!(range.committed(), expected);
                let (reserved, committed) = before.get();
                assert_eq!(totals(), (reserved + pages(8).bytes(), committed + expected.bytes()));
                touch(&range);
            };
            step(range.commit_to(pages(3)), pages(3), None);
            step(range.commit_to(pages(6)), pages(6), None);
            let less = range.committed().min(pages(2));
            // SAFETY: nothing in the range is in use.
            step(unsafe { range.decommit_from(pages(2)) }, less, None);
            let more = range.committed().max(pages(4));
            step(range.commit_to(pages(4)), more, None);
            // A discard that fails leaves the pages decommitted.
            // SAFETY: nothing in the range is in use.
            step(unsafe { range.discard_from(pages(1)) }, range.committed(), Some(pages(1)));
            step(range.commit_to(pages(8)), pages(8), None);
        };
        let failed = fail_each_call(scenario, |call| {
            let (reserved, committed) = before.get();
            if call == Call::Release {
                // What could not be released is still there.
                assert_eq!(totals(), (reserved + pages(8).bytes(), committed + pages(8).bytes()));
                before.set(totals());
            }
            assert_eq!(totals(), before.get(), "{call:?}");
        });
        for call in [Call::Reserve, Call::Commit, Call::Decommit, Call::Discard, Call::Release] {
            assert!(failed.contains(&call), "{call:?} was never reached: {failed:?}");
        }
    });
}

#[test]
fn a_commit_beyond_the_range_is_refused_without_asking_the_system() {
    let range = Reservation::new(pages(3)).unwrap();
    range.commit_to(pages(2)).unwrap();
    let error = range.commit_to(pages(4)).unwrap_err();
    assert_eq!((error.operation(), error.bytes()), (Operation::Commit, pages(2).bytes()));
    assert_eq!(error.os_code(), None);
    assert_eq!(range.committed(), pages(2));
    touch(&range);
}

#[test]
fn a_default_reservation_steps_down_a_tier_when_the_system_refuses() {
    alone("reservation::tests::a_default_reservation_steps_down_a_tier_when_the_system_refuses", || {
        let [first, second] = os::RESERVATION_TIERS[..2] else { panic!("two tiers at least") };
        let largest =
            Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed).unwrap().size().bytes();
        assert!(largest == first || largest == second, "{largest}");
        let failed = fail_after(0, || {
            let range = Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed).unwrap();
            assert!(range.size().bytes() < largest);
        });
        assert_eq!(failed, Some(Call::Reserve));
    });
}

#[test]
fn more_than_an_object_may_span_is_refused_without_asking_the_system() {
    let size = Pages::round_up(isize::MAX as usize + 1).unwrap();
    let error = Reservation::new(size).unwrap_err();
    assert_eq!((error.operation(), error.bytes()), (Operation::Reserve, size.bytes()));
    assert_eq!(error.os_code(), None);
}

#[test]
fn what_has_a_name_is_listed_with_its_figures_until_it_is_released() {
    alone("reservation::tests::what_has_a_name_is_listed_with_its_figures_until_it_is_released", || {
        registry::publish().unwrap();
        let mut range = Reservation::new(pages(4)).unwrap();
        range.set_advice(RangeAdvice { name: Some(c"tokens"), ..RangeAdvice::default() });
        range.list_as(registry::Kind::Arena);
        range.commit_to(pages(3)).unwrap();
        // SAFETY: nothing in the range is in use.
        unsafe { range.decommit_from(pages(1)) }.unwrap();
        let listed: Vec<_> = registry::entries().collect();
        let [entry] = listed[..] else { panic!("{listed:?}") };
        assert_eq!((entry.kind, entry.name()), (registry::Kind::Arena, "tokens"));
        assert_eq!((entry.address, entry.reserved), (range.base().addr().get(), pages(4).bytes()));
        assert_eq!((entry.committed, entry.peak), (pages(1).bytes(), pages(3).bytes()));
        drop(range);
        assert_eq!(registry::entries().count(), 0);
    });
}

#[test]
fn its_debug_form_is_its_figures() {
    let range = Reservation::new(pages(3)).unwrap();
    range.commit_to(pages(2)).unwrap();
    let expected = std::format!(
        "Reservation {{ base: {:?}, size: {}, committed: {} }}",
        range.base(),
        pages(3).bytes(),
        pages(2).bytes()
    );
    assert_eq!(std::format!("{range:?}"), expected);
}

/// Which of eight pages are present.
#[cfg(all(target_os = "linux", not(miri), not(v_alloc_heap_os)))]
fn present(base: NonNull<u8>) -> [bool; 8] {
    let mut present = [0; 8];
    // SAFETY: the call reads no memory, and there is a byte for each page.
    let failure = unsafe { libc::mincore(base.as_ptr().cast(), pages(8).bytes(), present.as_mut_ptr()) };
    assert_eq!(failure, 0);
    present.map(|page| page & 1 == 1)
}

#[test]
#[cfg(all(target_os = "linux", not(miri), not(v_alloc_heap_os)))]
fn populating_makes_those_pages_present_that_are_committed() {
    let mut range = Reservation::new(pages(8)).unwrap();
    range.set_advice(RangeAdvice { small_pages: true, ..RangeAdvice::default() });
    range.commit_to(pages(6)).unwrap();
    range.populate(pages(1), pages(2));
    range.populate(pages(4), pages(8));
    assert_eq!(present(range.base()), [false, true, false, false, true, true, false, false]);
}

#[test]
#[cfg(all(target_os = "linux", not(miri), not(v_alloc_heap_os)))]
fn populating_what_many_share_makes_those_pages_present_that_are_committed() {
    let advice = RangeAdvice { small_pages: true, ..RangeAdvice::default() };
    let lazy = LazyReservation::new(Some(pages(8).bytes()), advice);
    let base = lazy.get_or_reserve(eight_pages, |_, _| {}).unwrap();
    lazy.commit(0, |range| range.commit_to(pages(6))).unwrap();
    lazy.populate(pages(1), pages(2));
    lazy.populate(pages(4), pages(8));
    assert_eq!(present(base), [false, true, false, false, true, true, false, false]);
}

#[test]
fn a_reservation_of_nothing_is_a_page() {
    assert_eq!(Reservation::new(Pages::ZERO).unwrap().size(), pages(1));
}

fn lazy() -> LazyReservation {
    LazyReservation::new(Some(pages(8).bytes()), RangeAdvice::default())
}

fn eight_pages() -> Result<Reservation, ReserveError> {
    Reservation::new(pages(8))
}

#[test]
fn a_size_that_is_not_known_in_advance_is_told_by_the_place() {
    let lazy = LazyReservation::new(None, RangeAdvice::default());
    assert_eq!((lazy.base(), lazy.size()), (None, 0));
    let size = Pages::round_up(os::page_bytes() << 4).unwrap();
    let base = lazy.get_or_reserve(|| Reservation::new(size), |_, _| {}).unwrap();
    assert_eq!((lazy.base(), lazy.size()), (Some(base), size.bytes()));
    assert_eq!(base.addr().get() % os::page_bytes(), 0);
}

#[test]
fn what_a_place_can_tell_of_what_was_ready_stays_so_and_the_rest_reads_zero() {
    alone(
        "reservation::tests::what_a_place_can_tell_of_what_was_ready_stays_so_and_the_rest_reads_zero",
        || {
            for (were_ready, are_ready) in
                [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 6), (7, 6), (8, 8)]
            {
                let lazy = LazyReservation::new(None, RangeAdvice::default());
                let reserve = || {
                    let range = eight_pages()?;
                    range.commit_to(pages(were_ready))?;
                    // SAFETY: so much is committed, and nobody else's.
                    unsafe { range.base().write_bytes(0xA5, pages(were_ready).bytes()) };
                    range.ready.set(range.committed.replace(Pages::ZERO));
                    totals::COMMITTED.subtract(pages(were_ready));
                    Ok(range)
                };
                let mut told = None;
                let base = lazy.get_or_reserve(reserve, |base, ready| told = Some((base, ready))).unwrap();
                assert_eq!(told, Some((base, pages(are_ready).bytes())));
                assert_eq!((lazy.base(), lazy.size()), (Some(base), pages(8).bytes()));
                let commit = |end| lazy.commit(0, |range| range.commit_to(pages(end))).unwrap();
                assert_eq!(fail_after(0, || commit(are_ready)), None, "no system call");
                commit(8);
                // SAFETY: all of it is committed, and nobody else's.
                let byte = |at: usize| unsafe { base.add(at).read() };
                assert!((pages(are_ready).bytes()..pages(8).bytes()).all(|at| byte(at) == 0));
                assert!((0..pages(are_ready).bytes()).all(|at| byte(at) == 0xA5));
            }
            assert_eq!(totals(), (0, 0));
        },
    );
}

#[test]
#[cfg(not(any(miri, v_alloc_heap_os, feature = "traps")))]
fn what_threads_share_is_left_to_the_next_if_it_is_like_every_other_and_from_the_budget() {
    alone(
        "reservation::tests::what_threads_share_is_left_to_the_next_if_it_is_like_every_other_and_from_the_budget",
        || {
            let size = Pages::round_up(*os::RESERVATION_TIERS.first().unwrap()).unwrap();
            let of_default_size = || Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed);
            if of_default_size().unwrap().size() != size {
                return; // addresses are few, and what is kept soon too small
            }
            for (recyclable, from_budget) in [(false, false), (false, true), (true, false), (true, true)] {
                let lazy = LazyReservation::new(None, RangeAdvice::default()).recyclable(recyclable);
                let reserve = || if from_budget { of_default_size() } else { Reservation::new(size) };
                lazy.get_or_reserve(reserve, |_, _| {}).unwrap();
                lazy.commit(0, |range| range.commit_to(pages(1))).unwrap();
                drop(lazy);
                let left = recycled::take().map(|mut range| range.is_recyclable = false);
                assert_eq!(left.is_some(), recyclable && from_budget);
            }
            assert_eq!(totals(), (0, 0));
        },
    );
}

#[test]
fn who_is_overtaken_while_reserving_takes_what_is_there() {
    alone("reservation::tests::who_is_overtaken_while_reserving_takes_what_is_there", || {
        let lazy = lazy();
        let mut others = None;
        // As a signal handler does, or another thread.
        let overtaken = || {
            others = Some(lazy.get_or_reserve(eight_pages, |_, _| {})?);
            eight_pages()
        };
        let base = lazy.get_or_reserve(overtaken, |_, _| {});
        assert_eq!(base.ok(), others);
        assert_eq!((lazy.base(), lazy.size()), (others, pages(8).bytes()));
        assert_eq!(totals(), (pages(8).bytes(), 0), "the second range is released");
        drop(lazy);
        assert_eq!(totals(), (0, 0));
    });
}

#[test]
fn a_failure_to_reserve_counts_only_if_nobody_else_has_succeeded() {
    let lazy = lazy();
    let failure = || ReserveError::new(Operation::Reserve, 1, Cause::Os(INJECTED));
    assert_eq!(lazy.get_or_reserve(|| Err(failure()), |_, _| {}), Err(failure()));
    assert_eq!((lazy.base(), lazy.size()), (None, 0));
    let mut others = None;
    let overtaken = || {
        // There was one such range, and another has it.
        others = Some(lazy.get_or_reserve(eight_pages, |_, _| {})?);
        Err(failure())
    };
    let base = lazy.get_or_reserve(overtaken, |_, _| {});
    assert_eq!(base.ok(), others);
    assert!(others.is_some());
}

#[test]
fn what_two_commit_is_on_the_account_once() {
    alone("reservation::tests::what_two_commit_is_on_the_account_once", || {
        for (first, overtaking, slower) in [(0, 5, 3), (0, 3, 5), (0, 4, 4), (2, 8, 3), (2, 3, 8), (2, 2, 3)]
        {
            let lazy = lazy();
            let base = lazy.get_or_reserve(eight_pages, |_, _| {}).unwrap();
            lazy.commit(0, |range| range.commit_to(pages(first))).unwrap();
            let seen = lazy.committed().load(core::sync::atomic::Ordering::Relaxed);
            let commit = |range: &Reservation, end: usize| {
                range.commit_to(pages(end))?;
                assert_eq!(range.committed(), pages(end));
                Ok(())
            };
            lazy.commit(seen, |range| {
                lazy.commit(seen, |range| commit(range, overtaking))?;
                commit(range, slower)
            })
            .unwrap();
            let committed = pages(overtaking.max(slower)).bytes();
            assert_eq!(lazy.committed().load(core::sync::atomic::Ordering::Relaxed), committed);
            assert_eq!(totals(), (pages(8).bytes(), committed));
            // SAFETY: all of it is committed, and nobody else's.
            unsafe { base.write_bytes(0xA5, committed) };
            drop(lazy);
            assert_eq!(totals(), (0, 0));
        }
    });
}

#[test]
fn a_commit_that_fails_keeps_what_another_has_committed_meanwhile() {
    alone("reservation::tests::a_commit_that_fails_keeps_what_another_has_committed_meanwhile", || {
        let mut lazy = lazy();
        lazy.get_or_reserve(eight_pages, |_, _| {}).unwrap();
        let failed = fail_after(1, || {
            let error = lazy.commit(0, |range| {
                lazy.commit(0, |range| range.commit_to(pages(3)))?;
                range.commit_to(pages(6))
            });
            assert_eq!(error.unwrap_err().os_code(), Some(INJECTED));
        });
        assert_eq!(failed, Some(Call::Commit));
        assert_eq!(totals(), (pages(8).bytes(), pages(3).bytes()));
        // SAFETY: nothing in the range is in use.
        let given_back = unsafe { lazy.decommit_from(pages(1)) };
        assert_eq!(given_back.map_err(|_| ()), Ok(pages(2).bytes()));
        assert_eq!(totals(), (pages(8).bytes(), pages(1).bytes()));
    });
}

#[test]
fn of_the_ranges_of_many_threads_one_stays_and_the_account_is_exact() {
    const THREADS: usize = 8;
    alone("reservation::tests::of_the_ranges_of_many_threads_one_stays_and_the_account_is_exact", || {
        let default_size =
            || Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed).unwrap().size();
        let before = default_size();
        for round in 0..400 {
            // Exact, or of a size that only its place tells.
            let exact = (round % 2 == 0).then_some(pages(64).bytes());
            let lazy = LazyReservation::new(exact, RangeAdvice::default());
            let reserve = || match exact {
                Some(_) => Reservation::new(pages(64)),
                None => Reservation::with_default_size(Placement::ANYWHERE, Reservation::placed),
            };
            let barrier = std::sync::Barrier::new(THREADS);
            let bases: Vec<usize> = std::thread::scope(|threads| {
                let work = |thread: usize| {
                    barrier.wait();
                    let base = lazy.get_or_reserve(reserve, |_, _| {}).unwrap();
                    for end in (thread % 3..60).step_by(1 + thread % 5) {
                        let seen = lazy.committed().load(core::sync::atomic::Ordering::Acquire);
                        if seen < pages(end).bytes() {
                            lazy.commit(seen, |range| range.commit_to(pages(end))).unwrap();
                        }
                    }
                    base.addr().get()
                };
                let threads: Vec<_> =
                    (0..THREADS).map(|thread| threads.spawn(move || work(thread))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(bases.iter().all(|&base| Some(base) == lazy.base().map(|base| base.addr().get())));
            assert_eq!(lazy.size().count_ones(), 1);
            let committed = lazy.committed().load(core::sync::atomic::Ordering::Relaxed);
            assert!(committed >= pages(55).bytes(), "{committed}");
            assert_eq!(totals(), (lazy.size(), committed));
            drop(lazy);
            assert_eq!(totals(), (0, 0));
        }
        assert_eq!(default_size(), before, "nothing of the budget is lost");
    });
}
