//! What memory costs by the system's account, when the system refuses it, and how a process ends that touches what is
//! not committed.

use super::{Pages, Placement, Reserved, all_are, page_bytes, pages_of, platform, system};
use crate::os::faults::{alone, case_of_child, child};
use core::ops::Range;
use std::io::Write;

impl Reserved {
    fn addresses(&self, pages: &Range<usize>) -> Range<usize> {
        self.page(pages.start).addr().get()..self.page(pages.end).addr().get()
    }

    /// Asserts that none of the pages is resident.
    fn assert_costs_nothing(&self, pages: Range<usize>, when: &str) {
        assert_eq!(system::resident_pages(self.addresses(&pages)), 0, "{when}");
    }

    /// Asserts that each of the pages is resident. One that the system took away again is no fault of ours, so it is touched
    /// until it is seen.
    fn assert_is_resident(&mut self, pages: Range<usize>, when: &str) {
        let are_resident = (0..100).any(|_| {
            self.bytes(pages.clone()).fill(7);
            system::resident_pages(self.addresses(&pages)) >= pages.len()
        });
        assert!(are_resident, "{when}");
    }

    /// Asserts that the system counts exactly the committed pages as promised, if it tells.
    fn assert_charges(&self, when: &str) {
        for (index, &committed) in self.committed.iter().enumerate() {
            if let Some(charged) = system::is_charged(self.page(index).addr().get()) {
                assert_eq!(charged, committed, "{when}: page {index}");
            }
        }
    }
}

/// More than any test touches by accident.
const LARGE: usize = if cfg!(target_pointer_width = "32") { 64 << 20 } else { 1 << 30 };

#[test]
fn reserving_costs_no_memory() {
    let range = Reserved::new(LARGE / page_bytes(), Placement { align: 2 << 20, offset: 1 << 20 });
    let all = 0..range.committed.len();
    range.assert_costs_nothing(all.clone(), "reserved");
    for address in [range.addresses(&all).start, range.addresses(&all).end - 1] {
        assert_ne!(system::is_charged(address), Some(true));
    }
    range.release();
}

#[test]
fn committed_memory_is_charged_and_costs_what_is_touched_until_it_is_given_back() {
    let mut range = Reserved::new(8, Placement::ANYWHERE);
    range.commit(0..6);
    range.assert_costs_nothing(0..8, "committed, not touched");
    range.assert_charges("committed");
    range.assert_is_resident(0..6, "touched");

    range.decommit(1..3);
    range.assert_costs_nothing(1..3, "decommitted");
    range.assert_charges("decommitted");
    range.assert_is_resident(3..6, "kept");

    range.discard(4..6);
    range.assert_costs_nothing(4..6, "discarded");
    range.assert_charges("discarded");

    range.commit(1..3);
    range.assert_costs_nothing(1..3, "committed again");
    range.assert_charges("committed again");
    assert!(all_are(range.bytes(1..3), 0));
    range.assert_is_resident(0..6, "used again");

    range.decommit(0..8);
    range.assert_costs_nothing(0..8, "all decommitted");
    range.assert_charges("all decommitted");
    range.release();
}

#[test]
fn a_range_that_is_accessible_at_once_costs_what_is_touched() {
    let size = pages_of(LARGE / page_bytes());
    match platform::reserve_accessible(size, Placement::ANYWHERE) {
        Ok(start) => {
            let all = start.addr().get()..start.addr().get() + size.bytes();
            assert_eq!(system::resident_pages(all.clone()), 0);
            let middle = all.start + size.bytes() / 2;
            assert_ne!(system::is_charged(middle), Some(true));
            let byte = start.as_ptr().with_addr(middle);
            assert!(system::is_accessible(byte));
            // SAFETY: an accessible byte of the range, which is ours alone.
            unsafe {
                assert_eq!(byte.read_volatile(), 0);
                byte.write_volatile(7);
            }
            // The one, or a huge page around it.
            let resident = system::resident_pages(all);
            assert!(resident * page_bytes() <= 32 << 20, "{resident} pages");
            // SAFETY: the range is whole, and this was its only handle.
            unsafe { platform::release(start, size) }.unwrap();
        }
        Err(error) => assert_ne!(error.0, 0, "where it would be charged for, that is said"),
    }
}

#[test]
fn a_commit_that_is_refused_has_its_code_and_changes_nothing() {
    alone("os::tests::costs::a_commit_that_is_refused_has_its_code_and_changes_nothing", || {
        let Some((bytes, code)) = system::refused_commit() else { return };
        let size = Pages::round_up(bytes).unwrap();
        let start = platform::reserve(size, Placement::ANYWHERE).unwrap();
        let last = start.as_ptr().wrapping_add(size.bytes() - 1);
        // SAFETY: the range is ours.
        let refused = unsafe { platform::commit(start, size) };
        assert_eq!(refused.map_err(|error| error.0), Err(code));
        assert!(!system::is_accessible(start.as_ptr()) && !system::is_accessible(last));
        assert_ne!(system::is_charged(last.addr()), Some(true));
        // SAFETY: as above; one page is committed, and then written to.
        unsafe {
            platform::commit(start, pages_of(1)).unwrap();
            start.write_volatile(7);
            assert_eq!(start.read_volatile(), 7, "less can be had");
            platform::release(start, size).unwrap();
        }
    });
}

/// What nobody may touch, and how it came to be so.
fn inaccessible(case: &str) -> *mut u8 {
    let mut range = Reserved::new(4, Placement::ANYWHERE);
    let page = match case {
        "reserved" => 0,
        "beyond what is committed" => {
            range.commit(0..2);
            range.bytes(0..2).fill(7);
            2
        }
        "decommitted" => {
            range.commit(0..4);
            range.bytes(0..4).fill(7);
            range.decommit(3..4);
            3
        }
        "released" => {
            range.commit(0..4);
            let start = range.page(0).as_ptr();
            range.release();
            return start;
        }
        _ => unreachable!("no such case"),
    };
    range.page(page).as_ptr()
}

/// By the signal or the exception that an access which is not allowed has, and by no other end.
#[test]
fn access_to_what_is_not_committed_ends_the_process() {
    const NAME: &str = "os::tests::costs::access_to_what_is_not_committed_ends_the_process";
    const ABOUT_TO: &str = "about to touch it";
    if let Some(case) = case_of_child(NAME) {
        system::no_core_file();
        let (access, case) = case.split_once(' ').unwrap();
        let byte = inaccessible(case);
        // Not by the harness, which would keep it. What comes before must not be what faults.
        std::io::stderr().write_all(ABOUT_TO.as_bytes()).unwrap();
        // SAFETY: there is none. The process does not survive it: that is the test.
        unsafe {
            if access == "read" {
                byte.read_volatile();
            } else {
                byte.write_volatile(1);
            }
        }
        std::process::exit(0);
    }
    for case in ["reserved", "beyond what is committed", "decommitted", "released"] {
        for access in ["read", "write"] {
            let case = std::format!("{access} {case}");
            let output = child(NAME, &case);
            let said = std::string::String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(ABOUT_TO), "{case}: {}\n{said}", output.status);
            assert_eq!(system::fault(output.status), Ok(()), "{case}\n{said}");
        }
    }
}
