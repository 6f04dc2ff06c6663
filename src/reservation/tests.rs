//! A reservation's figures, with the operating system failing at each call.

use super::*;
use crate::os::faults::{Call, INJECTED, alone, fail_after, fail_each_call};

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
    let [first, second] = os::RESERVATION_TIERS[..2] else { panic!("two tiers at least") };
    let largest = Reservation::with_default_size(Placement::ANYWHERE).unwrap().size().bytes();
    assert!(largest == first || largest == second, "{largest}");
    let failed = fail_after(0, || {
        let range = Reservation::with_default_size(Placement::ANYWHERE).unwrap();
        assert!(range.size().bytes() < largest);
    });
    assert_eq!(failed, Some(Call::Reserve));
}

#[test]
fn a_reservation_of_nothing_is_a_page() {
    assert_eq!(Reservation::new(Pages::ZERO).unwrap().size(), pages(1));
}
