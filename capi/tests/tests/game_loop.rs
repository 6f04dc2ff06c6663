//! The game loop of `capi/examples`, which makes no frame with more memory than the first.
#![cfg(unix)]

use v_alloc_c_tests::{Compilation, Linking, Program, WARNINGS};

fn game_loop(name: &str, flags: &[&str]) -> Program {
    let compilation = Compilation::of("../../examples/game_loop.c", "cc").with(&WARNINGS);
    compilation.with(&["-std=c11", "-O2"]).with(flags).link(name, Linking::Static)
}

#[test]
fn no_frame_needs_more_memory_than_the_first() {
    let printed = game_loop("game_loop", &[]).run(&["400"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.last(), Some(&"No frame needed more memory."), "{printed}");
    // Frames, hits, two times, and the memory, in this order; all but the times are the same in each game.
    let reports: Vec<Vec<&str>> = lines[1..9].iter().map(|line| line.split_whitespace().collect()).collect();
    let committed: Vec<_> = reports.iter().map(|words| words[6]).collect();
    assert_eq!(committed, [committed[0]; 8], "it grew: {printed}");
    let hits: Vec<u64> = reports.iter().map(|words| words[1].parse().unwrap()).collect();
    assert!(hits[0] > 0 && hits.is_sorted_by(|a, b| a < b), "in no time did rocks meet: {printed}");
    assert!(lines[10..26].iter().all(|row| row.len() == 72), "the field has another size: {printed}");
}

#[test]
fn the_sanitizers_find_nothing() {
    let sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    game_loop("game_loop_sanitized", &sanitizers).run(&["80"]);
}

#[test]
fn a_wrong_number_of_frames_is_explained() {
    let game_loop = game_loop("game_loop_misused", &[]);
    for arguments in [&["none"][..], &["3"], &["80x"], &["80", "80"]] {
        let outcome = game_loop.outcome(arguments);
        assert!(outcome.is_err_and(|said| said.contains("usage:")), "{arguments:?} was not refused");
    }
}
