//! The defects of the C original, by number, are impossible here: `c/defects.c` does what went wrong there. Defect 23
//! is of Windows, 25 of compiling: see `compiles_clean.rs`.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::sync::OnceLock;
use v_alloc_c_tests::{Compilation, Linking, Program, is_there, not_run};

fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        Compilation::of("defects.c", "gcc").with(&["-std=gnu11", "-O1"]).link("defects", Linking::Shared)
    })
}

macro_rules! defects {
    ($($name:ident $number:literal,)*) => {
        $(#[test]
        fn $name() {
            program().run(&[$number]);
        })*

        const NUMBERS: &[&str] = &[$($number),*];
    };
}

defects! {
    defect_01_commit_that_fails_behind_a_pointer "1",
    defect_02_size_that_wraps_when_rounded_up "2",
    defect_03_size_that_wraps_when_rounded_to_pages "3",
    defect_04_size_that_wraps_when_added_to_an_address "4",
    defect_05_commit_past_the_reservation_after_a_reset "5",
    defect_06_block_that_fits_and_is_refused "6",
    defect_07_commit_of_twice_the_size_after_a_reset "7",
    defect_08_reservation_below_a_page "8",
    defect_09_decommit_of_a_live_page "9",
    defect_10_decommit_of_nothing "10",
    defect_11_push_after_free "11",
    defect_12_free_twice "12",
    defect_13_resize_after_resize_to_zero "13",
    defect_14_resize_to_everything "14",
    defect_15_push_after_resize "15",
    defect_16_realloc_to_everything "16",
    defect_17_reservation_lost_by_a_failed_realloc "17",
    defect_18_reserve_on_a_live_one "18",
    defect_19_reserve_fails "19",
    defect_20_few_addresses "20",
    defect_21_many_small_blocks "21",
    defect_22_shrinking_gives_nothing_back "22",
    defect_24_decommit_keeps_the_charge "24",
}

/// All but some, one by one; what any of them says is wrong, is shown.
fn run_all_but(left_out: &[&str], program: &Program) {
    let numbers = NUMBERS.iter().filter(|number| !left_out.contains(number));
    let failures: String = numbers.filter_map(|number| program.outcome(&[number]).err()).collect();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn under_the_address_sanitizer() {
    let flags = ["-std=gnu11", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let program = Compilation::of("defects.c", "gcc").with(&flags).link("sanitized", Linking::Static);
    // It needs more memory itself than their limits leave.
    run_all_but(&["1", "17"], &program);
}

#[test]
fn under_valgrind() {
    if !is_there("valgrind") {
        return not_run("the defects under valgrind: it is not installed");
    }
    let flags = ["-std=gnu11", "-O1"];
    let program = Compilation::of("defects.c", "gcc").with(&flags).link("for_valgrind", Linking::Static);
    // Limits of a program mean nothing to it, its programs have few addresses, and to ask the system whether memory is
    // accessible is an error.
    let (limits, addresses, asking) = (["1", "17", "20"], ["12", "21"], ["5", "24"]);
    let left_out = [&limits[..], &addresses, &asking].concat();
    run_all_but(&left_out, &program.under(&["valgrind", "--quiet", "--error-exitcode=99"]));
}
