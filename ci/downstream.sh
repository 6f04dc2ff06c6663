#!/bin/bash
# Crates that depend on this one, by path and outside of its workspace, as users' do: with the default features, without
# any, with each alone and with all. Each uses what its features promise. What is built without features is a `no_std`
# library.
#
# Usage: ci/downstream.sh
# Needs: nothing besides cargo.
. "$(dirname "$0")/common.sh" downstream rustup

# downstream NAME FEATURES SOURCE: builds a library with these features (or `default`), warnings denied
downstream() {
    local crate=$platforms/downstream-crates/$1 features="default-features = false, features = [$2]"
    [ "$2" != default ] || features='default-features = true'
    mkdir -p "$crate"
    cp Cargo.lock "$crate"
    cat >"$crate/Cargo.toml" <<MANIFEST
[workspace]
[package]
name = "downstream_$1"
version = "0.0.0"
edition = "2024"
[lib]
path = "lib.rs"
[dependencies]
v_alloc = { path = "$PWD", $features }
MANIFEST
    printf '%s\n' '#![no_std]' '#![deny(warnings)]' "$3" >"$crate/lib.rs"
    echo "### $1: ${2:-no features}"
    if ! cargo $toolchain check --quiet --manifest-path "$crate/Cargo.toml"; then
        echo "FAILED: $platform: $1" && failed=1
    fi
}

failed=0 toolchain=
# What each feature is for, by its names.
arena='pub fn arena() -> v_alloc::Arena { v_alloc::Arena::new() }
pub fn sum(arena: &v_alloc::Arena) -> u32 { arena.alloc_slice_fill_iter(1..4_u32).iter().sum() }'
linear='pub type Linear = v_alloc::LinearAllocator<v_alloc::VirtualAllocator>;'
allocator='pub fn allocator<A: v_alloc::Allocator>(_: &A) {}
pub fn of_an_arena(arena: &v_alloc::Arena) { allocator(&arena) }'
heap='pub type OnTheHeap = v_alloc::ChainAllocator<v_alloc::Global>;
pub fn vec() -> v_alloc::StableVec<u8> { v_alloc::StableVec::new() }'
map='pub fn map() -> v_alloc::StableMap<u8, u8> { v_alloc::StableMap::new() }
pub fn names() -> v_alloc::Interner { v_alloc::Interner::new() }'
scratch='pub fn length() -> usize { v_alloc::scratch().alloc_str("text").len() }'

downstream none '' "$arena"
downstream default default "$arena $linear $allocator $heap $map"
downstream allocator_api2 '"allocator-api2"' "$arena $linear $allocator"
downstream allocator_api2_04 '"allocator-api2-04"' "$arena"
downstream alloc '"alloc"' "$arena"
downstream allocator_api2_and_alloc '"allocator-api2", "alloc"' "$arena $linear $allocator $heap"
downstream map '"map"' "$arena $linear $allocator $heap $map"
downstream serde '"serde"' "$arena"
downstream std '"std"' "$arena $scratch"
downstream capi '"capi"' "$arena"
downstream all '"allocator-api2", "alloc", "map", "allocator-api2-04", "serde", "std", "capi"' \
    "$arena $linear $allocator $heap $map $scratch"
if cargo +nightly --version >/dev/null 2>&1; then
    toolchain=+nightly
    downstream nightly '"nightly"' "$arena"
else
    echo "NOT RUN: $platform: the feature nightly: no nightly toolchain here"
fi
exit $failed
