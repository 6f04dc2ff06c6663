//! Lua with all of its memory from `v_alloc_realloc`.
#![cfg(unix)]

use v_alloc_c_tests::{Compilation, Linking, WARNINGS};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/c/clients/program.lua");

#[test]
fn a_program_prints_what_it_prints_on_malloc() {
    let lua = Compilation::of("clients/lua_host.c", "cc")
        .with(&WARNINGS)
        .with(&["-std=c11", "-D_DEFAULT_SOURCE", "-O2", "-I", env!("LUA_INCLUDE")])
        .against(&["-L", env!("LUA_LIBRARIES"), "-llua5.5", "-lm", "-ldl"])
        .link("lua_host", Linking::Static);
    let printed = lua.run(&["v_alloc", PROGRAM]);
    assert!(printed.contains("queens\t92\n"), "{printed}");
    assert_eq!(printed, lua.run(&["malloc", PROGRAM]));
}
