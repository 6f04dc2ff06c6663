//! Builds Lua, and tells the tests of real clients where it and SQLite lie.

fn main() {
    let lua = lua_src::Build::new().opt_level("2").build(lua_src::Lua55);
    println!("cargo::rustc-env=LUA_INCLUDE={}", lua.include_dir().display());
    println!("cargo::rustc-env=LUA_LIBRARIES={}", lua.lib_dir().display());
    println!("cargo::rustc-env=SQLITE_INCLUDE={}", found("DEP_SQLITE3_INCLUDE"));
    println!("cargo::rustc-env=SQLITE_LIBRARIES={}", found("DEP_SQLITE3_LIB_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
}

/// What the build script of `libsqlite3-sys` says.
fn found(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
