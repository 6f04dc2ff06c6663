//! SQLite with all of its memory from `v_alloc_realloc`.
#![cfg(unix)]

use v_alloc_c_tests::{Compilation, Linking, WARNINGS, scratch};

#[test]
fn a_database_is_the_same_as_on_malloc() {
    let sqlite = Compilation::of("clients/sqlite_host.c", "cc")
        .with(&WARNINGS)
        .with(&["-std=c11", "-D_DEFAULT_SOURCE", "-O2", "-I", env!("SQLITE_INCLUDE")])
        .against(&["-L", env!("SQLITE_LIBRARIES"), "-lsqlite3", "-lm", "-ldl"])
        .link("sqlite_host", Linking::Static);
    let file = scratch("databases").join("visits.db");
    let file = file.to_str().unwrap();
    let printed = sqlite.run(&["v_alloc", file]);
    let sound = printed.lines().filter(|&line| line == "ok").count();
    assert_eq!(sound, 4, "each of the two databases was checked twice:\n{printed}");
    assert_eq!(printed, sqlite.run(&["malloc", file]));
}
